"""Commands for auditors and partners: what they ask is answered in JSON, one object a line."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import click

from app import verify
from app.settings import read_settings
from foundation import clock
from foundation.db import open_database
from foundation.errors import BadInput, Refused
from insight.recalls.queries import buyers_of
from insight.recalls.report import report_of
from parties.people.permissions import Actor, Grant, Role
from traceability.digital_link import CANONICAL_BASE, DigitalLink, Leniency, link_of, read_uri
from traceability.digital_link.binary import decompressed
from traceability.epcis.event_hash import events_of, hashes, pre_hash
from traceability.epcis.validation import problems, read
from traceability.recalls.codes import find_target
from traceability.recalls.rules import SCOPES
from traceability.recalls.services import drill as try_recall
from traceability.scan_codes import split_brackets

DRILLING = Actor(id=None, grants=(Grant(Role.CITY_OFFICIAL),))
"""Whoever may run commands on this machine may try a recall out."""


@click.group()
def link() -> None:
    """Read and write GS1 Digital Link URIs."""


@link.command()
@click.argument("uris", nargs=-1, required=True)
@click.option("--short-gtin", is_flag=True, help="Take a GTIN of 8, 12 or 13 digits in (01).")
@click.option("--names", is_flag=True, help="Take the withdrawn names, such as /gtin/.")
@click.option("--unknown", is_flag=True, help="Take attributes that no standard defines.")
def parse(uris: tuple[str, ...], *, short_gtin: bool, names: bool, unknown: bool) -> None:
    """Say what each URI names; exit 1 when one of them is invalid."""
    allow = Leniency(short_gtin=short_gtin, names=names, unknown=unknown)
    valid = True
    for uri in uris:
        try:
            say({"uri": uri, "valid": True, **_told(decompressed(uri) or read_uri(uri, allow))})
        except BadInput as refusal:
            valid = False
            say({"uri": uri, "valid": False, **_refused(refusal)})
    sys.exit(0 if valid else 1)


@link.command()
@click.argument("elements", nargs=-1, required=True)
@click.option("--stem", default=CANONICAL_BASE, show_default=True, help="What the URI begins with.")
def build(elements: tuple[str, ...], *, stem: str) -> None:
    """Make a URI of elements such as '(01)09520010100015(10)A1' or 01=09520010100015 10=A1."""
    try:
        given = [
            element
            for text in elements
            for element in (
                split_brackets(text) if text.startswith("(") else [text.partition("=")[::2]]
            )
        ]
        made = link_of(given, stem)
    except BadInput as refusal:
        say({"elements": list(elements), "valid": False, **_refused(refusal)})
        sys.exit(1)
    say({"elements": list(elements), "valid": True, "uri": made.uri(), **_told(made)})


@click.command(name="hash")
@click.argument("files", nargs=-1, required=True, type=click.File("rb", lazy=True))
@click.option("--pre", is_flag=True, help="Also the strings that the hashes are made of.")
def hash_(files: tuple[IO[bytes], ...], *, pre: bool) -> None:
    """Give the CBV 2.0 hash of every event in EPCIS files; exit 1 when one can't be read."""
    readable = True
    for name, document in _documents(files):
        if not isinstance(document, dict):
            readable = False
            say({"file": name, **_no_document(document)})
            continue
        answer: dict[str, Any] = {"file": name, "hashes": hashes(document)}
        if pre:
            context = document.get("@context")
            answer["preHashes"] = [pre_hash(event, context) for event in events_of(document)]
        say(answer)
    sys.exit(0 if readable else 1)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb", lazy=True))
def validate(files: tuple[IO[bytes], ...]) -> None:
    """Say what is wrong with the form of EPCIS files; exit 1 when anything is."""
    valid = True
    for name, document in _documents(files):
        if isinstance(document, BadInput):
            valid = False
            say({"file": name, "valid": False, "problems": [], **_refused(document)})
            continue
        found = problems(document)
        valid = valid and not found
        told = [
            {
                "event": problem.event,
                "field": problem.path,
                "rule": problem.rule,
                "message": problem.sentence(),
            }
            for problem in found
        ]
        say({"file": name, "valid": not found, "problems": told})
    sys.exit(0 if valid else 1)


def _documents(files: tuple[IO[bytes], ...]) -> Iterator[tuple[str, object]]:
    """Read JSON files; one that is none gives its refusal."""
    for file in files:
        try:
            yield file.name, read(file.read())
        except BadInput as refusal:
            yield file.name, refusal


def _no_document(found: object) -> dict[str, str]:
    if isinstance(found, BadInput):
        return _refused(found)
    return {"error": "not_an_object", "message": "This must be a JSON object."}


def say(answer: dict[str, Any]) -> None:
    """Print one answer as one line of JSON."""
    click.echo(json.dumps(answer, ensure_ascii=False))


def _refused(refusal: BadInput) -> dict[str, str]:
    return {"error": refusal.code, "message": str(refusal)}


def _told(made: DigitalLink) -> dict[str, Any]:
    sorted_attributes = tuple(sorted(made.attributes))
    return {
        "stem": made.stem,
        "key": made.key,
        "path": dict(made.path),
        "attributes": dict(made.attributes),
        "others": list(made.others),
        "elementString": made.element_string,
        "bracketed": made.bracketed,
        "canonical": DigitalLink(CANONICAL_BASE, made.path, sorted_attributes).uri(),
    }


@click.command()
@click.argument("code")
@click.option("--drill", is_flag=True, required=True, help="Work it out; nothing is changed.")
@click.option("--scope", type=click.Choice(SCOPES), help="What the code is of, if it is unclear.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="For places and suppliers.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="For places and suppliers.")
def recall(
    code: str, *, drill: bool, scope: str | None, since: datetime | None, until: datetime | None
) -> None:
    """Say how far a recall of a lot, place, supplier, certificate or item would reach.

    Only a drill is done here: a recall is announced by an official, in the office. The drill is
    written down in the audit trail.
    """
    del drill
    now = clock.now()
    database = open_database(read_settings().database_url)
    try:
        with database.transaction() as session:
            target = find_target(
                session,
                code,
                scope,
                since=since.date() if since else None,
                until=until.date() if until else None,
            )
            impact = try_recall(session, target, actor=DRILLING, now=now)
            buyers = buyers_of(session, impact.affected)
            say(report_of(target, impact, buyers, now=now, drill=True))
    except Refused as refusal:
        say({"error": refusal.code, "message": str(refusal)})
        sys.exit(1)
    finally:
        database.dispose()


COMMANDS: tuple[click.Command, ...] = (*(link, hash_, validate, recall, *verify.COMMANDS),)
"""What `app.cli` adds to the command line; a new command or group is named here."""
