"""The log's door under /log/: files for mirrors, proofs for everybody, a place for witnesses."""

import base64
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, NotFound
from foundation.limits import limiter
from foundation.web import reading, transaction
from parties.people.guards import open_to_all
from traceability.digital_link import Code, ItemCode
from traceability.log import proofs, tiles
from traceability.log.models import EVENTS, RECORDS, LogCheckpoint
from traceability.log.services import add_cosignatures
from traceability.scan_codes import read_code

bp = Blueprint("log", __name__, url_prefix="/log")

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
LINES: Final = "application/x-ndjson"
FOREVER: Final = "public, max-age=31536000, immutable"
BRIEFLY: Final = "public, max-age=2"
MOST_NOTE: Final = 64 * 1024
MOST_CODE: Final = 400


class NoSuchTile(NotFound):
    """Not the address of a tile."""

    code = "no_such_tile"


def _answer(body: bytes | str, kind: str, cache: str) -> Response:
    answer = Response(body, content_type=kind)
    answer.headers["Cache-Control"] = cache
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _json(body: Any) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = BRIEFLY
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _checkpoint(find: Callable[[Session, str], LogCheckpoint], log: str) -> Response:
    with reading() as session:
        return _answer(proofs.note_of(session, find(session, log)), TEXT, BRIEFLY)


def _tile_of(path: str) -> tiles.Tile:
    try:
        return tiles.parse_path(path)
    except tiles.TileRefused as refusal:
        raise NoSuchTile("This is not the address of a tile") from refusal


@bp.get("/checkpoint")
@open_to_all
def checkpoint() -> ResponseReturnValue:
    """Give the newest checkpoint (C2SP tlog-tiles)."""
    return _checkpoint(proofs.newest, EVENTS)


@bp.get("/checkpoint/cosigned")
@open_to_all
def cosigned_checkpoint() -> ResponseReturnValue:
    """Give the newest checkpoint that a witness has cosigned."""
    return _checkpoint(proofs.cosigned, EVENTS)


@bp.get("/records/checkpoint")
@open_to_all
def records_checkpoint() -> ResponseReturnValue:
    """Give the newest checkpoint of the log of records."""
    return _checkpoint(proofs.newest, RECORDS)


@bp.get("/tile/<path:rest>")
@open_to_all
def tile(rest: str) -> ResponseReturnValue:
    """Give a tile of hashes or a bundle of entries (C2SP tlog-tiles)."""
    return _tile(EVENTS, rest)


@bp.get("/records/tile/<path:rest>")
@open_to_all
def records_tile(rest: str) -> ResponseReturnValue:
    """Give a tile or a bundle of the log of records."""
    return _tile(RECORDS, rest)


def _tile(log: str, rest: str) -> Response:
    asked = _tile_of(f"tile/{rest}")
    with reading() as session:
        return _answer(proofs.tile_bytes(session, log, asked), BYTES, FOREVER)


@bp.get("/records/subjects/<path:rest>")
@open_to_all
def subjects(rest: str) -> ResponseReturnValue:
    """Give what the records of a bundle are about, line by line: leaf, tag, leaf before, lot."""
    asked = _tile_of(f"tile/entries/{rest}")
    with reading() as session:
        lines = proofs.subject_lines(session, proofs.span_of(session, asked))
    return _answer("".join(f"{line}\n" for line in lines), TEXT, FOREVER)


@bp.get("/records/events/<path:rest>")
@open_to_all
def events(rest: str) -> ResponseReturnValue:
    """Give what everybody may see of the events of a bundle, a JSON text a line."""
    asked = _tile_of(f"tile/entries/{rest}")
    with reading() as session:
        lines = proofs.event_lines(session, proofs.span_of(session, asked))
    return _answer(b"".join(line + b"\n" for line in lines), LINES, BRIEFLY)


@bp.get("/keys")
@open_to_all
def keys() -> ResponseReturnValue:
    """Give the log's keys, those that sign and those that did, and the witnesses known here."""
    with reading() as session:
        return _json(
            {
                "keys": [
                    {
                        "vkey": key.vkey,
                        "since": key.since.isoformat(),
                        "until": key.until.isoformat() if key.until else None,
                    }
                    for key in proofs.keys(session)
                ],
                "witnesses": [each.vkey for each in proofs.witnesses(session)],
            }
        )


@bp.get("/proof/inclusion")
@open_to_all
def inclusion() -> ResponseReturnValue:
    """Prove that an event is in the log: by `event`, `hash` or `index`; of `size` or of today.

    With `format=tlog-proof`, as C2SP tlog-proof, which needs no further asking.
    """
    asked = request.args
    log = RECORDS if asked.get("log") == RECORDS else EVENTS
    with reading() as session:
        leaf = proofs.leaf_by(
            session,
            event=asked.get("event", ""),
            ni=asked.get("hash", ""),
            index=asked.get("index", ""),
        )
        proven = proofs.prove(session, log, leaf, _number("size"))
        if asked.get("format") == "tlog-proof":
            signed = proofs.checkpoint_at(session, log, proven.size)
            return _answer(_as_text(proven, proofs.note_of(session, signed)), TEXT, BRIEFLY)
    return _json(
        {
            "index": proven.leaf,
            "size": proven.size,
            "entry": proven.entry.decode(),
            "root": _b64(proven.root),
            "proof": [_b64(each) for each in proven.proof],
        }
    )


def _as_text(proven: proofs.Proven, note: str) -> str:
    hashes = "".join(f"{_b64(each)}\n" for each in proven.proof)
    return f"c2sp.org/tlog-proof@v1\nindex {proven.leaf}\n{hashes}\n{note}"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@bp.get("/proof/consistency")
@open_to_all
def consistency() -> ResponseReturnValue:
    """Prove that the log of size `from` begins that of size `to`, or of today's."""
    log = RECORDS if request.args.get("log") == RECORDS else EVENTS
    first = _number("from")
    if first is None:
        raise BadInput("Say from which size", field="from")
    with reading() as session:
        proof, second = proofs.prove_growth(session, log, first, _number("to"))
    return _json({"from": first, "to": second, "proof": [_b64(each) for each in proof]})


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:  # noqa: PLR2004 -- 63 bits
        raise BadInput("A size is a plain decimal number", field=name)
    return int(text)


def asked_story() -> Code:
    """Read the code whose story is asked for; refused when it names no item, lot or case."""
    code = read_code(request.args.get("code", "").strip()).code
    if code is None or (isinstance(code, ItemCode) and not (code.lot or code.serial)):
        raise BadInput("Only items, lots and cases have a story", field="code")
    return code


@bp.get("/story")
@open_to_all
@limiter.limit("120/minute")
def story() -> ResponseReturnValue:
    """Give everything that it takes to check the story of a `code` without believing us."""
    code = asked_story()
    with reading() as session:
        return _json(proofs.story(session, code))


@bp.get("/verify")
@open_to_all
def verify() -> ResponseReturnValue:
    """Show the page on which a browser checks a story by itself; it sends nothing here."""
    with reading() as session:
        signing = [key.vkey for key in proofs.keys(session) if key.until is None]
    return render_template(
        "trace/verify.html",
        code=request.args.get("code", "").strip()[:MOST_CODE],
        vkey=signing[0] if signing else "",
    )


@bp.post("/add-cosignature")
@open_to_all
@limiter.limit("60/minute")
def add_cosignature() -> ResponseReturnValue:
    """Take in a checkpoint with the cosignatures of witnesses known here; give it back with all."""
    message = request.get_data(cache=False)
    if len(message) > MOST_NOTE:
        raise BadInput("This is too long for a checkpoint")
    with transaction() as session:
        found = add_cosignatures(session, message, now=clock.now())
        note = proofs.note_of(session, found)
    return _answer(note, TEXT, "no-store")
