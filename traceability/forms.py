"""What comes in at the scan page: an address as it was sent, or a code as it was typed."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from foundation.errors import BadInput
from traceability.digital_link import DigitalLink, Leniency, build_uri, read_uri
from traceability.digital_link.binary import decompressed
from traceability.scan_codes import read_code

ANYWHERE = "https://any.example"
"""Stands in for the host: which one was asked changes nothing."""

KEYS = re.compile(r"/(01|00|414)/([^/]+)(?:/22/(.+?))?(?:/10/(.+?))?(?:/21/(.+))?/?")
QUALIFIERS = ("22", "10", "21")


class CodeWithoutGoods(BadInput):
    """A well-formed code that has no page here."""

    code = "code_without_page"


AS_ASKED = Leniency(trailing_slash=True)
"""A resolver bears one slash too many (Resolver 2.13)."""


def asked_link(environ: Mapping[str, Any], prefix: str = "") -> DigitalLink:
    """Read the Digital Link that was asked for, from the path as it came over the wire.

    Of the query only what is named like an identifier counts: trackers add what they like. An EPC
    binary string is decompressed. `prefix` stands before the key and is no part of it.
    Refused as by `read_uri`, and `code_kind_unsupported`.
    """
    parameters = re.split("[&;]", str(environ.get("QUERY_STRING", "")))
    data = "&".join(part for part in parameters if part.partition("=")[0].isdecimal())
    asked = ANYWHERE + raw_path(environ, prefix)
    uri = f"{asked}?{data}" if data else asked
    return decompressed(uri) or read_uri(uri, AS_ASKED, together=False)


def raw_path(environ: Mapping[str, Any], prefix: str = "") -> str:
    """Give the path after `prefix`, before any decoding, so that %2F in a lot is no separator.

    A server that keeps only the decoded path (granian) leaves the keys to be told apart by
    their order.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if sent:
        wire = urlsplit(str(sent)).path if "://" in str(sent) else str(sent).partition("?")[0]
        return wire.removeprefix(prefix)
    path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
    path = path.removeprefix(prefix)
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
