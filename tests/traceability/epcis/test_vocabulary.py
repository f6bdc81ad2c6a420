"""One word of CBV 2.0 has three ways of being written."""

import pytest

from tests.traceability.public_vectors import public_vectors
from traceability.epcis import vocabulary
from traceability.epcis.vocabulary import (
    BIZ_STEPS,
    COMPONENTS,
    DISPOSITIONS,
    MEASUREMENTS,
    PARTY_TYPES,
    TRANSACTION_TYPES,
    Words,
    from_urn,
    short_name,
    urn_of,
    web_address,
)

LISTS = {
    "cbv-context-bizstep": BIZ_STEPS,
    "cbv-context-disposition": DISPOSITIONS,
    "cbv-context-biztransaction-type": TRANSACTION_TYPES,
    "cbv-context-sourcedest-type": PARTY_TYPES,
    "cbv-context-error-reason": vocabulary.ERROR_REASONS,
    "cbv-context-component": COMPONENTS,
    "gs1-context-measurement-type": MEASUREMENTS,
    "gs1-context-sensor-alert-type": vocabulary.ALERTS,
}


@pytest.mark.parametrize("name", LISTS)
def test_our_lists_hold_the_standards_words(name: str) -> None:
    context = public_vectors(f"epcis/context/parts/{name}.jsonld")["@context"]
    named = {word for word in context if not word.startswith("@") and word not in {"cbv", "gs1"}}
    assert LISTS[name].names == named


@pytest.mark.parametrize(
    "text",
    [
        "shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "cbv:BizStep-shipping",
    ],
)
def test_a_word_is_known_in_each_of_its_ways(text: str) -> None:
    assert short_name(text, BIZ_STEPS) == "shipping"
    assert short_name(text, DISPOSITIONS) is None


@pytest.mark.parametrize(
    ("words", "name"),
    [(BIZ_STEPS, "packing"), (PARTY_TYPES, "location"), (TRANSACTION_TYPES, "po")],
)
def test_a_word_goes_to_its_urn_and_its_address_and_back(words: Words, name: str) -> None:
    urn = urn_of(name, words)
    assert urn is not None
    address = web_address(name, words)
    assert from_urn(urn) == web_address(urn, words) == address
    assert short_name(urn, words) == short_name(address, words) == name


def test_what_is_no_word_stays_what_it_is() -> None:
    assert web_address("https://hall.example/step", BIZ_STEPS) == "https://hall.example/step"
    assert from_urn("urn:epcglobal:cbv:bt:4012345000009:1") is None
    assert urn_of("x", COMPONENTS) is None
    assert short_name("gs1:Temperature", MEASUREMENTS) == "Temperature"
