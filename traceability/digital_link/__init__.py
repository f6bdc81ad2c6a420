"""GS1 Digital Link: codes of goods, cases and places, and every other identifier in a URI.

`codes` is what most of the house needs: `ItemCode`, `CaseCode`, `PlaceCode`, `parse_uri`,
`build_uri`, `canonical_uri`. `uri` reads and writes every primary key, qualifier and attribute;
`binary` reads URIs that carry an EPC binary string.
"""

from traceability.digital_link.check_digits import check_digit, check_digit_holds
from traceability.digital_link.codes import (
    CaseCode,
    Code,
    ItemCode,
    PlaceCode,
    build_uri,
    canonical_uri,
    code_of,
    gtin14,
    parse_uri,
)
from traceability.digital_link.identifiers import Element, must_be_element
from traceability.digital_link.refusals import (
    CheckDigitWrong,
    CodeKindUnsupported,
    CodeNotForUri,
    CodeUnreadable,
)
from traceability.digital_link.uri import (
    CANONICAL_BASE,
    STRICT,
    DigitalLink,
    Leniency,
    link_of,
    read_uri,
)

__all__ = [
    "CANONICAL_BASE",
    "STRICT",
    "CaseCode",
    "CheckDigitWrong",
    "Code",
    "CodeKindUnsupported",
    "CodeNotForUri",
    "CodeUnreadable",
    "DigitalLink",
    "Element",
    "ItemCode",
    "Leniency",
    "PlaceCode",
    "build_uri",
    "canonical_uri",
    "check_digit",
    "check_digit_holds",
    "code_of",
    "gtin14",
    "link_of",
    "must_be_element",
    "parse_uri",
    "read_uri",
]
