"""Checks a request against Stripe's own list of parameters, and says no in its words."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from doubles.stripe.errors import ApiError, bad

_PARAMETERS = Path(__file__).with_name("parameters.json")
_LONGEST_STRING = 5000
_METADATA_KEYS = 50
_METADATA_KEY = 40
_METADATA_VALUE = 500


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(_PARAMETERS.read_text(encoding="utf-8"))
    return schema


def api_version() -> str:
    """Give the API version whose parameters these are, and which the double speaks."""
    return str(_schema()["api_version"])


def read(endpoint: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give the request's parameters as numbers, truths, texts, lists and hashes.

    Takes form strings as well as ready values. Refuses unknown, missing, empty and wrongly
    typed parameters as Stripe does, naming the first by its full path.
    """
    checked = _hash(_schema()["endpoints"][endpoint], raw, "")
    assert isinstance(checked, dict)  # noqa: S101 -- _hash gives nothing else
    return checked


def refuse_unsupported(
    given: Mapping[str, Any], supported: Mapping[str, Any], at: str = ""
) -> None:
    """Refuse what Stripe takes and this double does not do, rather than ignore it.

    `supported` names the parameters: with a mapping for a hash or a list of hashes, with a
    tuple for the values that are done, with None for anything.
    """
    for name, value in given.items():
        path = f"{at}[{name}]" if at else name
        if name not in supported:
            raise _unsupported(path)
        inner = supported[name]
        if isinstance(inner, tuple):
            if value not in inner:
                raise _unsupported(f"{path}={value}")
        elif isinstance(inner, Mapping):
            members = enumerate(value) if isinstance(value, list) else [(None, value)]
            for index, member in members:
                where = path if index is None else f"{path}[{index}]"
                refuse_unsupported(member, inner, where)


def _unsupported(what: str) -> ApiError:
    return ApiError(
        f"Stripe takes {what}; this demonstration double does not.",
        code="double_unsupported",
        param=what.partition("=")[0],
        before_work=True,
    )


def _value(schema: Any, raw: Any, path: str) -> Any:
    if isinstance(schema, str):
        return _PLAIN[schema](raw, path)
    return _SHAPED[schema["kind"]](schema, raw, path)


def _hash(schema: dict[str, Any], raw: Any, path: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise bad("Invalid object", path)
    fields = schema["fields"]
    unknown = [f"{path}[{name}]" if path else name for name in raw if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise bad(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            unknown[0],
            "parameter_unknown",
        )
    for name in schema["required"]:
        if name not in raw:
            raise missing_param(f"{path}[{name}]" if path else name)
    return {
        name: _value(fields[name], one, f"{path}[{name}]" if path else name)
        for name, one in raw.items()
    }


def missing_param(path: str) -> ApiError:
    """Refuse a request that lacks a parameter."""
    return bad(f"Missing required param: {path}.", path, "parameter_missing")


def _list(schema: dict[str, Any], raw: Any, path: str) -> list[Any]:
    if not isinstance(raw, list | tuple):
        raise bad("Invalid array", path)
    return [_value(schema["of"], one, f"{path}[{index}]") for index, one in enumerate(raw)]


def _enum(schema: dict[str, Any], raw: Any, path: str) -> str:
    values = schema["values"]
    if raw not in values:
        *first, last = values
        said = f"{', '.join(first)}, or {last}" if first else str(last)
        raise bad(f"Invalid {path}: must be one of {said}", path)
    return str(raw)


def _either(schema: dict[str, Any], raw: Any, path: str) -> Any:
    refused: ApiError | None = None
    for one in schema["of"]:
        try:
            return _value(one, raw, path)
        except ApiError as error:
            # The refusal that looked deepest into the value says most.
            if refused is None or len(error.param or "") >= len(refused.param or ""):
                refused = error
    assert refused is not None  # noqa: S101 -- no schema has an empty choice
    raise refused


def _string(raw: Any, path: str) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise bad(f"Invalid string: {json.dumps(raw)}", path)
    text = str(raw)
    if not text:
        raise bad(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{path}' cannot be unset. You should remove '{path}' "
            "from your request or supply a non-empty value.",
            path,
            "parameter_invalid_empty",
        )
    if len(text) > _LONGEST_STRING:
        raise bad(
            f"Invalid string: {text[:20]}...{text[-20:]}; must be at most {_LONGEST_STRING} "
            "characters",
            path,
        )
    return text


def _integer(raw: Any, path: str) -> int:
    text = str(raw)
    digits = text.removeprefix("-")
    if isinstance(raw, bool) or not (digits.isascii() and digits.isdecimal()):
        raise bad(f"Invalid integer: {raw}", path, "parameter_invalid_integer")
    return int(text)


def _boolean(raw: Any, path: str) -> bool:
    if raw in (True, "true"):
        return True
    if raw in (False, "false"):
        return False
    raise bad(f"Invalid boolean: {raw}", path)


def _number(raw: Any, path: str) -> str:
    text = str(raw)
    whole, _, part = text.removeprefix("-").partition(".")
    if isinstance(raw, bool) or not (whole + part).isdecimal():
        raise bad(f"Invalid decimal: {raw}", path)
    return text


def _map(raw: Any, path: str) -> dict[str, str]:
    """Read metadata: at most 50 keys of 40 characters with values of 500."""
    if raw == "":
        return {}
    if not isinstance(raw, Mapping):
        raise bad("Invalid object", path)
    if len(raw) > _METADATA_KEYS:
        raise bad(f"Metadata can have at most {_METADATA_KEYS} keys", path)
    pairs = {}
    for key, value in raw.items():
        text = _string(value, f"{path}[{key}]") if value != "" else ""
        if len(key) > _METADATA_KEY:
            raise bad(
                f"Metadata keys can be at most {_METADATA_KEY} characters. The key {key} is "
                f"{len(key)} characters.",
                path,
            )
        if len(text) > _METADATA_VALUE:
            raise bad(
                f"Metadata values can have up to {_METADATA_VALUE} characters, but you passed in "
                f"a value that is {len(text)} characters. Invalid value: {text[:40]}",
                f"{path}[{key}]",
            )
        if text:
            pairs[key] = text
    return pairs


_PLAIN = {
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "number": _number,
    "map": _map,
}
_SHAPED = {"hash": _hash, "list": _list, "enum": _enum, "either": _either}
