"""Stripe's form encoding: `line_items[0][price_data][currency]=cny`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from doubles.stripe.errors import bad

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 12
_LONGEST_LIST = 1000


def decode(text: str) -> dict[str, Any]:
    """Give the nested strings, lists and hashes that a form or a query names.

    `a[b]=1` makes a hash; `a[]=1` and `a[0]=1` make lists. Refuses names with unbalanced
    brackets and names used for two kinds of thing.
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.match(name)
        if match is None:
            raise bad(f"Invalid parameter name: {name}", name)
        path = [match[1], *_PART.findall(match[2])]
        if len(path) > _DEEPEST:
            raise bad(f"Parameter nested too deep: {match[1]}", match[1])
        _put(tree, path, value, name)
    return {name: _lists(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    """Store one value; `[]` takes the next free number."""
    place = tree
    for step in path[:-1]:
        key = step or str(len(place))
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise bad(f"Invalid parameter: {name} is given in two ways", path[0])
    last = path[-1] or str(len(place))
    if isinstance(place.get(last), dict):
        raise bad(f"Invalid parameter: {name} is given in two ways", path[0])
    place[last] = value


def _lists(value: Any) -> Any:
    """Turn hashes whose names are 0, 1, 2, ... into lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(one) for name, one in value.items()}
    if inner and all(name.isdecimal() for name in inner) and len(inner) <= _LONGEST_LIST:
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
