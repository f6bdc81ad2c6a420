"""What comes in at the scan page: an address as it was sent, or a code as it was typed."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from foundation.errors import BadInput
from traceability.digital_link import Code, build_uri, parse_uri
from traceability.scan_codes import read_code

ANYWHERE = "https://any.example"
"""Stands in for the host: which one was asked changes nothing."""

KEYS = re.compile(r"/(01|00|414)/([^/]+)(?:/22/(.+?))?(?:/10/(.+?))?(?:/21/(.+))?/?")
QUALIFIERS = ("22", "10", "21")


class CodeWithoutGoods(BadInput):
    """A well-formed code that has no page here."""

    code = "code_without_page"


def asked_code(environ: Mapping[str, Any]) -> Code:
    """Read the Digital Link that was asked for, from the path as it came over the wire.

    Refused as by `parse_uri`.
    """
    return parse_uri(ANYWHERE + raw_path(environ))


def raw_path(environ: Mapping[str, Any]) -> str:
    """Give the path before any decoding, so that %2F within a lot is no separator.

    A server that keeps only the decoded path (granian) leaves the keys to be told apart by
    their order.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if sent:
        return urlsplit(str(sent)).path if "://" in str(sent) else str(sent).partition("?")[0]
    path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
    found = KEYS.fullmatch(path)
    if found is None:
        return quote(path)
    key, value, *given = found.groups()
    more = [
        f"/{ai}/{quote(text, safe='')}"
        for ai, text in zip(QUALIFIERS, given, strict=True)
        if text is not None
    ]
    return f"/{key}/{quote(value, safe='')}{''.join(more)}"


def typed_address(text: str) -> str:
    """Give the path of the page about a typed or scanned code; refused as by `read_code`."""
    code = read_code(text).code
    if code is None:
        raise CodeWithoutGoods(
            "A shop gave this code itself and only its own till knows it. "
            "Look for the square code on the label."
        )
    return build_uri(ANYWHERE, replace(code, attributes=())).removeprefix(ANYWHERE)
