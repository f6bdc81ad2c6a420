"""As much of JSON Schema draft-07 as GS1's schema of EPCIS 2.0 uses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Any, schema: Any, root: Mapping[str, Any], path: str = "$") -> Iterator[str]:
    """Give what is wrong with `value`, one line each; nothing when the schema takes it."""
    if schema is True or schema == {}:
        return
    if schema is False:
        yield f"{path}: nothing may stand here"
        return
    if "$ref" in schema:
        yield from faults(value, _find(schema["$ref"], root), root, path)
        return
    yield from _kind(value, schema, path)
    yield from _together(value, schema, root, path)
    if isinstance(value, dict):
        yield from _object(value, schema, root, path)
    if isinstance(value, list):
        yield from _array(value, schema, root, path)
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"


def _find(ref: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in unquote(ref).removeprefix("#/").split("/"):
        found = found[part]
    return found


def _kind(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else list(wanted or ())
    number = isinstance(value, bool) and "boolean" not in kinds
    if kinds and (number or not isinstance(value, tuple(t for k in kinds for t in KINDS[k]))):
        yield f"{path}: {value!r} is no {wanted}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {len(schema['enum'])} words"


def _together(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    def takes(other: Any) -> bool:
        return not any(faults(value, other, root, path))

    for other in schema.get("allOf", ()):
        yield from faults(value, other, root, path)
    if "anyOf" in schema and not any(takes(other) for other in schema["anyOf"]):
        yield f"{path}: {value!r} fits nothing that may stand here"
    if "oneOf" in schema and sum(takes(other) for other in schema["oneOf"]) != 1:
        yield f"{path}: {value!r} fits not exactly one of what may stand here"
    if "not" in schema and takes(schema["not"]):
        yield f"{path}: {value!r} may not stand here"
    if "if" in schema:
        branch = "then" if takes(schema["if"]) else "else"
        yield from faults(value, schema.get(branch, True), root, path)


def _object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: {name} is missing"
    known = schema.get("properties", {})
    for name, inner in value.items():
        if "propertyNames" in schema:
            yield from faults(name, schema["propertyNames"], root, f"{path}.{name}")
        rule = known.get(name, schema.get("additionalProperties", True))
        yield from faults(inner, rule, root, f"{path}.{name}")


def _array(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: fewer than {schema['minItems']}"
    if schema.get("uniqueItems") and len({repr(each) for each in value}) < len(value):
        yield f"{path}: something stands here twice"
    for n, each in enumerate(value):
        yield from faults(each, schema.get("items", True), root, f"{path}[{n}]")
