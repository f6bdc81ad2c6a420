"""Commands around the transparency log: verify, mirror, trace, and the keys of the log."""

import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import click

from app.jobs import sequence_log
from app.settings import read_settings
from foundation import clock
from foundation.db import open_database
from foundation.errors import Refused
from traceability.digital_link import CaseCode, Code, ItemCode, build_uri, canonical_uri
from traceability.epcis.event_hash import event_hash
from traceability.log import keys, merkle, notes
from traceability.log.mirror import PREFIX, Mirror, MirrorRefused, copy_log
from traceability.log.models import EVENTS, RECORDS
from traceability.log.verification import (
    CHANGED,
    REMOVED,
    UNLOGGED,
    UNPROVEN,
    Report,
    check_order,
    check_story,
    events_of,
    read_checkpoint,
)
from traceability.scan_codes import read_code
from traceability.stories.epcis import case_document, item_document, lot_document

PATIENCE: Final = 30
"""Seconds to wait for an answer."""
ANYWHERE: Final = "https://any.example"


class Source(Protocol):
    """Where what has to be checked comes from."""

    def note(self, log: str) -> str:
        """Give a log's newest checkpoint."""

    def story(self, code: Code) -> Mapping[str, Any] | None:
        """Give the proven story of a code; None when the log knows nothing of it."""

    def told(self, code: Code) -> Mapping[str, Any] | None:
        """Give the story as the code's own page tells it; None where there is no such page."""

    def prove(self, ni: str) -> tuple[int, list[bytes]] | None:
        """Prove a whole event by its hash; None when the log doesn't hold it."""

    def growth(self, log: str, first: int, second: int) -> list[bytes]:
        """Prove that a log of `first` leaves begins that of `second`."""


class Unreachable(click.ClickException):
    """The log can't be read."""


class Online:
    """An installation, over HTTP."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise Unreachable(f"{url} is neither an address nor a folder")
        self.url = url.rstrip("/").removesuffix("/log")

    def get(self, path: str) -> bytes:
        """Fetch one path; raise Unreachable, or KeyError when it is not there."""
        request = urllib.request.Request(  # noqa: S310 -- http and https alone, by the check above
            f"{self.url}{path}", headers={"Accept": "application/json, */*;q=0.5"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 -- likewise
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            if error.code in {400, 404}:
                raise KeyError(path) from error
            raise Unreachable(f"{self.url}{path} answered {error.code}") from error
        except OSError as error:
            raise Unreachable(f"{self.url} can't be reached: {error}") from error

    def note(self, log: str) -> str:
        """Give a log's newest checkpoint."""
        return self.get(f"/log/{PREFIX[log]}checkpoint").decode()

    def story(self, code: Code) -> Mapping[str, Any] | None:
        """Give the proven story of a code."""
        return self._json(f"/log/story?code={quote(canonical_uri(code), safe='')}")

    def told(self, code: Code) -> Mapping[str, Any] | None:
        """Give the story as the page tells it."""
        path = build_uri(ANYWHERE, code).removeprefix(ANYWHERE).partition("?")[0]
        return self._json(f"{path}?format=json")

    def prove(self, ni: str) -> tuple[int, list[bytes]] | None:
        """Prove a whole event by its hash."""
        found = self._json(f"/log/proof/inclusion?{urlencode({'hash': ni})}")
        if found is None:
            return None
        return int(found["index"]), [base64.b64decode(each) for each in found["proof"]]

    def growth(self, log: str, first: int, second: int) -> list[bytes]:
        """Prove that the log has only grown."""
        found = self._json(f"/log/proof/consistency?from={first}&to={second}&log={log}") or {}
        return [base64.b64decode(each) for each in found.get("proof", ())]

    def _json(self, path: str) -> dict[str, Any] | None:
        try:
            found = json.loads(self.get(path))
        except KeyError:
            return None
        except ValueError as error:
            raise Unreachable(f"{self.url}{path} gave no JSON") from error
        return found if isinstance(found, dict) else None


class Offline:
    """A mirror in a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            self.mirror = Mirror(folder)
        except (MirrorRefused, notes.NoteRefused, ValueError) as refusal:
            raise Unreachable(f"the mirror can't be read: {refusal}") from refusal

    def note(self, log: str) -> str:
        """Give the mirrored checkpoint."""
        return self.mirror.notes[log]

    def story(self, code: Code) -> Mapping[str, Any] | None:
        """Put the story of a code together from the mirrored files."""
        match code:
            case ItemCode(gtin=gtin, lot=lot, serial=str() as serial):
                lots = [canonical_uri(ItemCode(gtin, lot))] if lot else []
                uri = canonical_uri(ItemCode(gtin, serial=serial))
                found = self.mirror.story(uri, "item", lots=lots)
            case CaseCode():
                found = self.mirror.story(canonical_uri(code), "case")
            case _:
                found = self.mirror.story(canonical_uri(code), "lot")
        return found if found["events"] else None

    def told(self, _code: Code) -> None:
        """Tell nothing: a mirror has no pages."""

    def prove(self, ni: str) -> tuple[int, list[bytes]] | None:
        """Prove a whole event by its hash."""
        return self.mirror.prove(ni)

    def growth(self, log: str, first: int, _second: int) -> list[bytes]:
        """Prove that the log has only grown."""
        return self.mirror.growth(log, first)


@click.command()
@click.option("--key", "vkey", required=True, help="The log's verifier key, as /log/keys gives it.")
@click.option("--url", required=True, help="The installation's address, or a mirror's folder.")
@click.option("--code", "about", default="", help="Whose story a FILE tells.")
@click.option("--witness", "witnesses", multiple=True, help="A witness's verifier key.")
@click.option("--quorum", default=0, help="How many of the witnesses must have cosigned.")
@click.option(
    "--state",
    default=None,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to remember what was seen; given an empty text, nothing is remembered.",
)
@click.argument("what", required=False, default="")
def verify(
    vkey: str,
    url: str,
    about: str,
    witnesses: tuple[str, ...],
    quorum: int,
    state: Path | None,
    what: str,
) -> None:
    """Check a story from nothing but the log's key: WHAT is a code or an EPCIS file.

    Without WHAT, a mirror is checked as a whole. Prints a report as JSON; exits 1 when anything
    was changed, removed, reordered or never logged.
    """
    try:
        key = notes.parse_verifier(vkey)
        known = [notes.parse_verifier(each) for each in witnesses]
    except notes.NoteRefused as refusal:
        raise click.BadParameter(str(refusal), param_hint="--key") from refusal
    source: Source = Offline(Path(url)) if Path(url).is_dir() else Online(url)
    report = _report(source, key, known, what, about)
    if len(report.cosigned_by) < quorum:
        report.found(UNPROVEN, f"{len(report.cosigned_by)} of {quorum} witnesses have cosigned")
    memory = Memory(state, key)
    memory.check(source, report)
    if report.ok:
        memory.keep(report)
    click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    sys.exit(0 if report.ok else 1)


def _report(
    source: Source,
    key: notes.VerifierKey,
    witnesses: Sequence[notes.VerifierKey],
    what: str,
    about: str,
) -> Report:
    if not what:
        if not isinstance(source, Offline):
            raise click.UsageError("Say what to check, or give the folder of a mirror as --url")
        return source.mirror.audit(key)
    document: Mapping[str, Any] | None = None
    if Path(what).is_file():
        document = _read(Path(what))
        about = about or _only_item(document)
        if not about:
            return _loose(source, key, document)
    code = _code(about or what)
    bundle = source.story(code)
    if bundle is None:
        report = Report(canonical_uri(code))
        report.found(UNLOGGED, "the log holds nothing about this")
        return report
    told = document if document is not None else source.told(code)
    report = check_story(bundle, key, told=told, now=clock.now(), witnesses=witnesses)
    if report.code != _story_uri(code):
        report.found(UNPROVEN, "this is the story of something else")
    return report


def _story_uri(code: Code) -> str:
    if isinstance(code, ItemCode) and code.serial:
        return canonical_uri(ItemCode(code.gtin, serial=code.serial))
    return canonical_uri(code)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict) or not events_of(document):
        raise click.ClickException(f"{path} holds no EPCIS events")
    return document


def _only_item(document: Mapping[str, Any]) -> str:
    """Give the one item that a document's events name; nothing when they name several or none."""
    named = {
        uri
        for event in events_of(document)
        for name in ("epcList", "childEPCs")
        for uri in event.get(name) or ()
        if "/21/" in uri
    }
    return named.pop() if len(named) == 1 else ""


def _code(text: str) -> Code:
    try:
        code = read_code(text).code
    except Refused as refusal:
        raise click.BadParameter(str(refusal), param_hint="WHAT") from refusal
    if code is None or (isinstance(code, ItemCode) and not (code.lot or code.serial)):
        raise click.BadParameter("Only items, lots and cases have a story", param_hint="WHAT")
    return code


def _loose(source: Source, key: notes.VerifierKey, document: Mapping[str, Any]) -> Report:
    """Check events that are nobody's story: that each, whole as it is, was logged."""
    report = Report("")
    try:
        checkpoint, report.cosigned_by = read_checkpoint(source.note(EVENTS), key, EVENTS)
    except notes.NoteRefused as refusal:
        report.found(UNPROVEN, f"the checkpoint: {refusal}")
        return report
    report.size = checkpoint.size
    shown = events_of(document)
    for event in shown:
        report.events += 1
        event_id = event.get("eventID")
        try:
            ni = event_hash(event, document.get("@context"))
        except (ValueError, TypeError, KeyError):
            report.found(UNLOGGED, "it has no event hash", None, event_id)
            continue
        found = source.prove(ni)
        if found is None:
            report.found(UNLOGGED, f"no event with the hash {ni} is in the log", None, event_id)
            continue
        leaf, proof = found
        try:
            merkle.check_inclusion(
                merkle.leaf_hash(ni.encode()), leaf, checkpoint.size, proof, checkpoint.root
            )
            report.recomputed += 1
        except merkle.ProofRefused as refusal:
            report.found(UNPROVEN, f"its proof does not hold: {refusal}", leaf, event_id)
    check_order(shown, report)
    return report


class Memory:
    """What was seen of a log before, so that it can't take anything back."""

    def __init__(self, path: Path | None, key: notes.VerifierKey) -> None:
        default = Path(click.get_app_dir("shanhuo-verify")) / "seen.json"
        self.path = default if path is None else path if str(path) not in {"", "."} else None
        self.key = key
        self.all: dict[str, Any] = {}
        if self.path is not None and self.path.is_file():
            self.all = json.loads(self.path.read_text("utf-8"))
        self.seen: dict[str, Any] = self.all.get(key.text, {})
        self.now: dict[str, Any] = {}

    def check(self, source: Source, report: Report) -> None:
        """Hold today's checkpoints to those remembered, and a story to what it had."""
        for log in (EVENTS, RECORDS):
            try:
                checkpoint, _ = read_checkpoint(source.note(log), self.key, log)
            except notes.NoteRefused as refusal:
                report.found(UNPROVEN, f"the checkpoint of the log of {log}: {refusal}")
                continue
            self.now[log] = {"size": checkpoint.size, "root": checkpoint.root.hex()}
            before = self.seen.get(log)
            if before and before["size"]:
                self._grown(source, log, before, checkpoint, report)
        lost = self.seen.get("stories", {}).get(report.code, 0) - report.events
        if lost > 0:
            report.found(REMOVED, f"{lost} events that were there before are gone")

    @staticmethod
    def _grown(
        source: Source,
        log: str,
        before: Mapping[str, Any],
        checkpoint: notes.Checkpoint,
        report: Report,
    ) -> None:
        size, root = int(before["size"]), bytes.fromhex(before["root"])
        if checkpoint.size < size:
            report.found(REMOVED, f"the log of {log} had {size} leaves, and has fewer")
            return
        try:
            proof = source.growth(log, size, checkpoint.size)
            merkle.check_consistency(size, checkpoint.size, proof, root, checkpoint.root)
        except merkle.ProofRefused as refusal:
            report.found(CHANGED, f"the log of {log} is not the one seen before: {refusal}")

    def keep(self, report: Report) -> None:
        """Remember what was seen."""
        if self.path is None:
            return
        stories = dict(self.seen.get("stories", {}))
        if report.code:
            stories[report.code] = report.events
        self.all[self.key.text] = {**self.now, "stories": stories}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.all, indent=1), encoding="utf-8")


@click.command("log-mirror")
@click.argument("url")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def log_mirror(url: str, folder: Path) -> None:
    """Copy the log at URL into FOLDER, or bring a copy up to date."""
    online = Online(url)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        count = copy_log(lambda path: online.get(f"/log/{path}"), folder)
    except KeyError as error:
        raise click.ClickException(f"the log lacks {error}") from error
    except (MirrorRefused, notes.NoteRefused, ValueError) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(json.dumps({"folder": str(folder), "fetched": count}))


@click.command()
@click.argument("code")
def trace(code: str) -> None:
    """Print the story of an item, a lot or a case as an EPCIS document."""
    asked = _code(code)
    database = open_database(read_settings().database_url)
    now = clock.now()
    try:
        with database.reading() as session:
            match asked:
                case ItemCode(gtin=gtin, serial=str() as serial):
                    document = item_document(session, gtin, serial, now=now)
                case ItemCode(gtin=gtin, lot=str() as lot):
                    document = lot_document(session, gtin, lot, now=now)
                case CaseCode(sscc=sscc):
                    document = case_document(session, sscc, now=now)
                case _:
                    raise click.ClickException("Only items, lots and cases have a story")
    except Refused as refusal:
        click.echo(json.dumps({"error": refusal.code, "message": str(refusal)}))
        sys.exit(1)
    finally:
        database.dispose()
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@click.group("log-key")
def log_key() -> None:
    """Look after the keys with which the transparency log signs."""


@log_key.command("show")
def show_keys() -> None:
    """Print the keys that sign now; the first one is made when there is none."""
    settings = read_settings()
    found = keys.signers(settings.log_keys_dir, host=settings.public_host, given=settings.log_key)
    click.echo(json.dumps({"keys": [each.verifier.text for each in found]}))


@log_key.command("rotate")
def rotate_key() -> None:
    """Add a new key. From the next checkpoint on both sign, until `retire`."""
    _change(keys.rotate, "added")


@log_key.command("retire")
def retire_key() -> None:
    """End a rotation: the older key signs no more. It stays published."""
    _change(keys.retire, "retired")


def _change(act: Any, what: str) -> None:
    settings = read_settings()
    if settings.log_key:
        raise click.ClickException("The key is in the setting LOG_KEY; change it there")
    try:
        key = act(settings.log_keys_dir)
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    database = open_database(settings.database_url)
    sequence_log(settings, database, clock.now())
    database.dispose()
    signing = [each.verifier.text for each in keys.stored(settings.log_keys_dir)]
    click.echo(json.dumps({what: key.verifier.text, "signing": signing}))


COMMANDS: tuple[click.Command, ...] = (verify, log_mirror, trace, log_key)
