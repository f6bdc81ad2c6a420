"""Whether a document has the form that EPCIS 2.0 gives it, and if not, what is wrong and where.

The form is asked by our own JSON Schema (`schema`) with formats asserted, event by event. The
verdict is that of GS1's schema; the words are ours.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jsonschema_rs import Draft7Validator, ValidationError

from foundation.errors import BadInput
from traceability.epcis.schema import DOCUMENTS, EVENTS, EXTENDED, Schema
from traceability.epcis.sentences import FORM

MOST_LEVELS: Final = 64
"""How deeply user extensions may be nested."""
MOST_PROBLEMS: Final = 200
"""So many are told at most; a sender mends the first ones first."""
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document's form.

    `event` is the index of the event in its list, None for the document around it or a bare
    event; `path` the field in that event or document (`sensorElementList[0].sensorReport[1].uom`);
    `rule` a stable code; `params` what its sentence names.
    """

    event: int | None
    path: str
    rule: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Give the English sentence with its named parameters unfilled, for translating."""
        return FORM[self.rule]

    def sentence(self, translated: Callable[[str], str] = str) -> str:
        """Say it, in the language that `translated` turns English into."""
        return translated(self.text) % self.params


class _Form:
    """A schema and its validator."""

    __slots__ = ("schema", "validator")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.validator = Draft7Validator(schema, validate_formats=True)


def _bare(schema: Schema) -> Schema:
    """Ask of an event that stands alone that it brings its context."""
    return {**schema, "required": [*schema["required"], "@context"]}


_EVENTS: Final = {name: _Form(schema) for name, schema in EVENTS.items()}
_EXTENDED: Final = _Form(EXTENDED)
_ALONE: Final = {name: _Form(_bare(schema)) for name, schema in EVENTS.items()}
_EXTENDED_ALONE: Final = _Form(_bare(EXTENDED))
_DOCUMENTS: Final = {name: _Form(schema) for name, schema in DOCUMENTS.items()}


class DocumentUnreadable(BadInput):
    """The bytes are no JSON text."""

    code = "document_unreadable"


_DOUBTFUL: Final = re.compile(rb"\\u(?:[dD]|0000)|[0-9][eE]\+?[0-9]{3}|[0-9]{309}")
"""What may stand for half a character, for none at all, or for a number beyond all numbers."""


def read(raw: bytes) -> object:
    """Parse the bytes of a document, UTF-8 JSON as RFC 8259 has it.

    Refused as `document_unreadable`: what is no JSON, `NaN` and `Infinity`, numbers beyond those
    that can be kept, half of a surrogate pair, the character NUL (which the standard's XML form
    has no way to write), and nesting that no reader follows.
    """
    try:
        found = json.loads(raw, parse_constant=_no_number)
        if _DOUBTFUL.search(raw):
            text = json.dumps(found, ensure_ascii=False, allow_nan=False)
            text.encode()
            if "\\u0000" in text.replace("\\\\", ""):
                raise ValueError("the character NUL")  # noqa: TRY301 -- as json itself refuses
    except (ValueError, RecursionError) as exc:
        fault = _shown(str(exc))
        raise DocumentUnreadable("This is no JSON text: %(fault)s", fault=fault) from exc
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def problems(document: object, *, most: int = MOST_PROBLEMS) -> list[Problem]:
    """Give what is wrong with a document, an empty list when nothing is.

    Takes parsed JSON: an EPCISDocument, an EPCISQueryDocument, or one event that brings its own
    `@context` (EPCIS 2.0 section 12, the bodies of `POST /capture` and `POST /events`). At most
    `most` problems are told. Never raises.
    """
    if not isinstance(document, dict):
        return [Problem(None, "", "not_an_object")]
    found: list[Problem] = []
    for problem in _problems(document):
        found.append(problem)
        if len(found) >= most:
            break
    return found


def is_valid(document: object) -> bool:
    """Say whether `problems` has nothing to tell; it stops at the first."""
    return not problems(document, most=1)


def event_problems(event: object, index: int | None = None) -> list[Problem]:
    """Give what is wrong with one event of a document; the document's context is not asked for."""
    if not isinstance(event, dict):
        return [Problem(index, "", "not_an_object")]
    kind = event.get("type")
    form = _EVENTS.get(kind, _EXTENDED) if isinstance(kind, str) else _EXTENDED
    return list(_asked(form, event, index))


def _problems(document: dict[str, Any]) -> Iterator[Problem]:
    kind = document.get("type")
    form = _DOCUMENTS.get(kind) if isinstance(kind, str) else None
    if form is None:
        alone = _ALONE.get(kind, _EXTENDED_ALONE) if isinstance(kind, str) else _EXTENDED_ALONE
        yield from _asked(alone, document, None)
        return
    around, events = _parted(document, _WAYS[str(kind)])
    yield from _asked(form, around, None)
    for index, event in enumerate(events):
        yield from event_problems(event, index)


_WAYS: Final = {
    "EPCISDocument": ("epcisBody", "eventList"),
    "EPCISQueryDocument": ("epcisBody", "queryResults", "resultsBody", "eventList"),
}
"""Where the events of a document are."""


def _parted(document: dict[str, Any], way: tuple[str, ...]) -> tuple[dict[str, Any], list[Any]]:
    """Give a document without its events, and its events."""
    name, *rest = way
    inner = document.get(name)
    if not rest:
        return ({**document, name: []}, inner) if isinstance(inner, list) else (document, [])
    if not isinstance(inner, dict):
        return document, []
    around, events = _parted(inner, tuple(rest))
    return {**document, name: around}, events


def _asked(form: _Form, value: dict[str, Any], index: int | None) -> Iterator[Problem]:
    try:
        if _is_deep(value):
            yield Problem(index, "", "too_deep", {"most": MOST_LEVELS})
            return
        if not form.validator.is_valid(value):
            for error in form.validator.iter_errors(value):
                yield _told(form.schema, error, index)
    except (ValueError, OverflowError):  # a lone surrogate, a number that is none
        yield Problem(index, "", "not_json")
    except RecursionError:
        yield Problem(index, "", "too_deep", {"most": MOST_LEVELS})


def _is_deep(value: Mapping[str, Any]) -> bool:
    """Say whether anything is nested more deeply than is read; most events are flat."""
    level: list[Any] = [
        inner
        for key, inner in value.items()
        if inner.__class__ in _NESTING
        and key not in _FLAT
        and (key not in _PLACES or len(inner) > 1)
    ]
    depth = 0
    while level:
        depth += 1
        if depth >= MOST_LEVELS:
            return True
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ in _NESTING
        ]
    return False


_NESTING: Final = (dict, list)
_PLACES: Final = frozenset({"readPoint", "bizLocation"})
_FLAT: Final = frozenset(
    {
        *("epcList", "childEPCs", "inputEPCList", "outputEPCList"),
        *("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"),
        *("bizTransactionList", "sourceList", "destinationList", "persistentDisposition"),
    }
)
"""Fields that hold no user extensions, so that the schema itself keeps them flat."""


_PLAIN: Final = {
    "minItems": "empty_list",
    "minProperties": "empty_object",
    "uniqueItems": "twice_in_list",
}


def _told(schema: Schema, error: ValidationError, index: int | None) -> Problem:
    """Put an error of the validator in our words."""
    steps = list(error.schema_path)
    keyword = str(steps[-1])
    path = _path(error.instance_path)
    if keyword in _PLAIN:
        return Problem(index, path, _PLAIN[keyword])
    if named := _named(keyword, steps, error.kind.as_dict()):
        rule, name = named
        return Problem(index, _joined(path, name), rule, {"field": name})
    node, own_rule = _at(schema, steps[:-1])
    if keyword == "type":
        return Problem(index, path, "wrong_type", {"expected": "/".join(_listed(node["type"]))})
    params = {"value": _shown(error.instance)}
    if own_rule is not None:
        return Problem(index, path, own_rule, params)
    params["allowed"] = ", ".join(_listed(node.get("enum", node.get("const"))))
    return Problem(index, path, "not_allowed", params)


def _named(keyword: str, steps: list[Any], about: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give the field that is missing, or that is there and may not be."""
    if keyword == "required":
        return "missing_field", str(about["property"])
    if keyword == "additionalProperties":
        return "unknown_field", str(about["unexpected"][0])
    if "propertyNames" in steps:
        return "unknown_field", str(about["error"].instance)
    return None


def _at(schema: Any, steps: list[Any]) -> tuple[Any, str | None]:
    """Find a node of the schema by its path, and the nearest rule above it."""
    rule = schema.get("rule")
    for step in steps:
        schema = schema[step]
        if isinstance(schema, dict) and isinstance(schema.get("rule"), str):
            rule = schema["rule"]
    return schema, rule


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _path(steps: list[Any]) -> str:
    text = ""
    for step in steps:
        text = f"{text}[{step}]" if isinstance(step, int) else _joined(text, str(step))
    return text


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
