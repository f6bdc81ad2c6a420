"""Every key, qualifier and attribute of URI Syntax 1.7; then GS1's public vectors, all of them."""

import re

import pytest

from foundation.errors import BadInput
from tests.traceability.public_vectors import public_vectors
from traceability.digital_link import (
    CANONICAL_BASE,
    Element,
    Leniency,
    canonical_uri,
    check_digit_holds,
    link_of,
    must_be_element,
    parse_uri,
    read_uri,
)
from traceability.digital_link.check_digits import check_pair, check_pair_holds
from traceability.digital_link.identifiers import IDENTIFIERS, KEYS, path_rows

HONEY = "09520010100015"
HOST = "https://shanhuo.example"
#: One right value for every identifier that may stand in a path.
VALUES = {
    "00": "106141412345678908",
    "01": HONEY,
    "10": "L/1",
    "21": "S 1".replace(" ", "-"),
    "22": "2A",
    "235": "TPX%1",
    "253": "9526064000028000001",
    "254": "C12",
    "255": "9526064000028",
    "401": "9520123ABC",
    "402": "95201234567891235",
    "414": "9520123456788",
    "415": "9520123456788",
    "417": "9520123456788",
    "7040": "1ABC",
    "8003": "09520123456788A1",
    "8004": "9520123ABC",
    "8006": HONEY + "0102",
    "8010": "9520123-A",
    "8011": "12",
    "8013": "9520123ABC" + check_pair("9520123ABC"),
    "8017": "952012345678912345",
    "8018": "952012345678912345",
    "8019": "7",
    "8020": "REF1",
}


def brackets(text: str) -> list[Element]:
    """Read `(01)...(10)...`."""
    return re.findall(r"\((\d+)\)([^(]*)", text)


def test_every_primary_key_with_every_row_of_qualifiers_is_read_and_written_again() -> None:
    count = 0
    for key in KEYS:
        for row in path_rows(key):
            if key == "415" and not row:
                continue  # a place to pay at needs its payment reference
            elements = [(ai, VALUES[ai]) for ai in (key, *row)]
            link = link_of(reversed(elements) if key == "01" else elements, HOST)
            assert link.path == tuple(elements)
            assert read_uri(link.uri()) == link
            count += 1
    assert count == 38
    assert len(KEYS) == 16


@pytest.mark.parametrize(
    ("ai", "right", "wrong"),
    [
        ("8003", "09520123456788A1", "19520123456788A1"),
        ("253", "9526064000028", "9526064000029"),
        ("8006", HONEY + "0102", HONEY + "0302"),
        ("8011", "12", "012"),
        ("4309", "02790858483015297971", "18000000010000000000"),
        ("422", "156", "155"),
        ("4307", "CN", "XX"),
        ("3912", "156100", "155100"),
        ("8007", "BE71096123456769", "BE71096123456760"),
        ("8008", "26112312", "26112324"),
        ("7007", "261123261124", "261123261131"),
        ("17", "280229", "270229"),
        ("17", "261100", "261300"),
        ("4326", "261123", "261100"),
        ("7258", "1/2", "2/1"),
        ("8030", "AB-_", "AB+/"),
        ("8112", "00123456123456" + "0123456", "00123456123456" + "1123456"),
        ("8110", "012345612345611110123", "012345612345611110129"[:-3] + "1"),
        ("7040", "1AB-", "1AB="),
        ("8010", "9520123#", "9520123_"),
    ],
)
def test_the_content_of_an_identifier_is_checked(ai: str, right: str, wrong: str) -> None:
    must_be_element(ai, right)
    with pytest.raises(BadInput):
        must_be_element(ai, wrong)


def test_identifiers_that_need_or_exclude_each_other_are_told() -> None:
    assert read_uri(f"{HOST}/01/{HONEY}?3103=000250&3922=1999").attributes
    for query in ("3922=1999", "7022=A", "37=5", "255=9526064000028", "3103=000250&3102=002500"):
        with pytest.raises(BadInput):
            read_uri(f"{HOST}/01/{HONEY}?{query}")
        assert read_uri(f"{HOST}/01/{HONEY}?{query}", together=False).attributes
    with pytest.raises(BadInput):
        read_uri(f"{HOST}/253/9526064000028?8030=ABC")
    assert read_uri(f"{HOST}/253/9526064000028X?8030=ABC").key == "253"


def test_both_delimiters_part_the_query_and_strange_parameters_are_kept_aside() -> None:
    link = read_uri(f"{HOST}/qr/01/{HONEY}?17=261231;3103=000189&linkType=gs1:pip&&flag")
    assert link.attributes == (("17", "261231"), ("3103", "000189"))
    assert link.others == ("linkType=gs1:pip", "flag")
    assert link.stem == f"{HOST}/qr"
    assert link.bracketed == f"(01){HONEY}(17)261231(3103)000189"


def test_a_slash_at_the_end_is_borne_by_resolvers_only() -> None:
    with pytest.raises(BadInput):
        read_uri(f"{HOST}/01/{HONEY}/")
    assert read_uri(f"{HOST}/01/{HONEY}/", Leniency(trailing_slash=True)).key == "01"


def test_convenience_names_are_read_on_demand_only() -> None:
    with pytest.raises(BadInput):
        read_uri(f"{HOST}/gtin/{HONEY}/lot/A1")
    link = read_uri(f"{HOST}/gtin/{HONEY}/lot/A1", Leniency(names=True))
    assert link.path == (("01", HONEY), ("10", "A1"))


def test_a_model_number_has_two_check_characters() -> None:
    assert check_pair_holds("1987654Ad4X4bL5ttr2310c2K")
    assert not check_pair_holds("1987654Ad4X4bL5ttr2310c3K")
    assert not check_pair_holds("批次")


# --- GS1's public vectors, every case -----------------------------------------------------------


def test_public_check_digit_vectors_hold() -> None:
    cases = public_vectors("check-digit/mod10.json")["cases"]
    assert len(cases) >= 10
    for case in cases:
        assert check_digit_holds(case["in"]) == case["valid"], case


def leniency(options: dict[str, bool]) -> Leniency:
    """Read the switches of GS1's engine that a vector was made with."""
    return Leniency(
        short_gtin=options.get("permitZeroSuppressedGTIN", False),
        names=options.get("permitConvenienceAlphas", False),
        unknown=options.get("permitUnknownAIs", False)
        and not options.get("validation_UNKNOWN_AI_NOT_DL_ATTR", True),
    )


def test_public_vectors_of_reading_a_uri_hold() -> None:
    cases = public_vectors("digital-link/parse-uri.json")["cases"]
    assert len(cases) >= 72
    for case in cases:
        if case["valid"]:
            link = read_uri(case["uri"], leniency(case["options"]))
            assert link.element_string == case["aiElementString"], case
            assert read_uri(link.uri(), leniency(case["options"])).elements == link.elements
        else:
            with pytest.raises(BadInput):
                read_uri(case["uri"], leniency(case["options"]))


def test_public_vectors_of_writing_a_uri_hold() -> None:
    cases = public_vectors("digital-link/generate-uri.json")["cases"]
    assert len(cases) >= 11
    for case in cases:
        elements = brackets(case["bracketedAI"])
        if case["valid"]:
            assert link_of(elements, case["stem"] or CANONICAL_BASE).uri() == case["uri"]
        else:
            with pytest.raises(BadInput):
                link_of(elements, case["stem"])


def test_public_sequences_of_path_keys_hold() -> None:
    for sequence in public_vectors("digital-link/valid-path-ai-sequences.json")["cases"]:
        link = link_of([(ai, VALUES[ai]) for ai in sequence])
        assert [ai for ai, _value in read_uri(link.uri()).path] == sequence


def test_public_normaliser_vectors_give_our_canonical_uri() -> None:
    """CBV canonical form of GTIN, SSCC and GLN URIs; EPC URNs are the ledger's business."""
    held = 0
    for case in public_vectors("event-hash/dl-normaliser.json")["cases"]:
        given, expected = case["in"], case["expect"]
        if not given.startswith("http") or expected is None:
            continue
        try:
            code = parse_uri(given, short_gtin=True)
        except BadInput:
            continue
        assert canonical_uri(code) == expected, given
        held += 1
    assert held == 4


def test_the_table_knows_every_identifier_once() -> None:
    assert len(IDENTIFIERS) == 541
    assert sum(known.attribute for known in IDENTIFIERS.values()) == 525
