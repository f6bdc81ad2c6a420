"""Link types of the GS1 Web Vocabulary that a link can be set with, and their addresses."""

import re
from typing import Final

VOCABULARY: Final = "https://ref.gs1.org/voc/"
_NAMESPACES: Final = re.compile(r"(?:gs1:|https?://(?:ref\.|www\.)?gs1\.org/voc/)(\w+)")

#: What the ledger itself answers; nobody can set these by hand.
OWN_TYPES: Final = frozenset({"traceability", "epcis", "recallStatus"})
DEFAULT: Final = "defaultLink"
VARIANTS: Final = "defaultLinkMulti"

#: Types that people choose from, in the order of use; `words.py` has their names.
LINK_TYPES: Final = (
    "pip",
    "certificationInfo",
    "instructions",
    "faqs",
    "support",
    "ingredientsInfo",
    "nutritionalInfo",
    "allergenInfo",
    "consumerHandlingStorageInfo",
    "recipeInfo",
    "safetyInfo",
    "sustainabilityInfo",
    "locationInfo",
    "openingHoursInfo",
    "hasRetailers",
    "homepage",
    "relatedImage",
    "relatedVideo",
    "review",
    "registerProduct",
    "serviceInfo",
    "logisticsInfo",
    "masterData",
    "socialMedia",
    "quickStartGuide",
    "tutorial",
)


def type_name(asked: str) -> str | None:
    """Give the vocabulary's name of a link type asked for as `gs1:pip` or by address."""
    found = _NAMESPACES.fullmatch(asked)
    return found[1] if found else None


def type_address(name: str) -> str:
    """Give the address of a link type, as a linkset's relation (RFC 9264)."""
    return VOCABULARY + name
