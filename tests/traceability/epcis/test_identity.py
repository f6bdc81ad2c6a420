"""EPC URNs and Digital Links name one thing in one form."""

import pytest

from tests.traceability.public_vectors import public_vectors
from traceability.epcis.identity import Identity, canonical, epc_urn, identify
from traceability.epcis.patterns import like_pattern

URNS = [
    ("urn:epc:id:sgtin:6921234.060101.J%2FZ-1", 7, "/01/06921234601013/21/J%2FZ-1"),
    ("urn:epc:id:sscc:6921234.1000000001", 7, "/00/169212340000000011"),
    ("urn:epc:id:sgln:6921234.00007.0", 7, "/414/6921234000076"),
    ("urn:epc:id:sgln:6921234.00007.dock.2", 7, "/414/6921234000076/254/dock.2"),
    ("urn:epc:class:lgtin:6921234.060101.L1", 7, "/01/06921234601013/10/L1"),
    ("urn:epc:id:grai:6921234.00042.7", 7, "/8003/069212340004277"),
    ("urn:epc:id:giai:6921234.LOGGER-9", 7, "/8004/6921234LOGGER-9"),
    ("urn:epc:id:gdti:6921234.00009.R2026", 7, "/253/6921234000090R2026"),
    ("urn:epc:id:gsrn:6921234.0000006765", 7, "/8018/692123400000067657"),
    ("urn:epc:id:gsrnp:6921234.0000006765", 7, "/8017/692123400000067657"),
    ("urn:epc:id:cpi:6921234.P-9%2F1.33", 7, "/8010/6921234P-9%2F1/8011/33"),
    ("urn:epc:id:sgcn:6921234.12345.0007", 7, "/255/69212341234540007"),
    ("urn:epc:id:ginc:6921234.xyz47%2F11", 7, "/401/6921234xyz47%2F11"),
    ("urn:epc:id:gsin:6921234.222333444", 7, "/402/69212342223334440"),
    ("urn:epc:id:itip:6921234.060101.01.02.9", 7, "/8006/069212346010130102/21/9"),
    ("urn:epc:id:upui:6921234.060101.51qIgY)", 7, "/01/06921234601013/235/51qIgY%29"),
    ("urn:epc:id:pgln:692123412345.", 12, "/417/6921234123454"),
    ("urn:epc:idpat:sgtin:6921234.060101.*", 7, "/01/06921234601013"),
    ("urn:epc:idpat:grai:6921234.00042.*", 7, "/8003/06921234000427"),
]


def test_every_public_case_gets_its_address() -> None:
    cases = public_vectors("event-hash/dl-normaliser.json")["cases"]
    said = [(found.uri if (found := identify(case["in"])) else None) for case in cases]
    assert said == [case["expect"] for case in cases]
    assert len(cases) == 36


@pytest.mark.parametrize(("urn", "prefix", "path"), URNS)
def test_a_urn_becomes_a_link_and_a_urn_again(urn: str, prefix: int, path: str) -> None:
    found = identify(urn)
    assert found is not None
    assert found.uri.endswith(path.rsplit("/", 1)[1])
    assert found.uri.split("/")[3] == path.split("/")[1]
    assert identify(found.uri) == found
    assert identify(found.uri.replace("id.gs1.org", "trace.example/a/b") + "?17=271231") == found
    assert epc_urn(found, prefix) == urn


@pytest.mark.parametrize(("urn", "_prefix", "path"), URNS)
def test_a_urn_gets_its_check_digit_and_its_order_of_digits(
    urn: str, _prefix: int, path: str
) -> None:
    assert canonical(urn) == f"https://id.gs1.org{path}"


@pytest.mark.parametrize(
    "text",
    [
        "urn:epc:id:sgtin:6921234.60101.1",
        "urn:epc:id:sgtin:6921234.060101.",
        "urn:epc:id:sgtin:69212.34060101.1",
        "urn:epc:id:sgtin:6921234.060101.123456789012345678901",
        "urn:epc:id:gid:1.2.3",
        "urn:epc:idpat:sgtin:6921234.*.*",
        "urn:epc:id:sscc:6921234",
        "https://id.gs1.org/01/06921234601013/21/a/10/b",
        "https://id.gs1.org/01/06921234601013/21/a%20b",
        "https://id.gs1.org/01/0692123460101/9",
        "https://example.cn/goods/1",
        "ftp://id.gs1.org/01/06921234601013",
        "https://id.gs1.org",
        "",
    ],
)
def test_what_names_no_key_is_left_as_it_is(text: str) -> None:
    assert identify(text) is None
    assert canonical(text) == text


def test_spellings_of_one_serial_are_one() -> None:
    spellings = [
        "https://id.gs1.org/01/06921234601013/21/a%2Fb",
        "https://id.gs1.org/01/06921234601013/21/a%2fb",
        "http://shop.example:8080/x/gtin/6921234601013/lot/L1/ser/a%2Fb?17=271231#top",
        "https://id.gs1.org/01/6921234601013/22/V/10/L1/21/a%2Fb",
        "urn:epc:id:sgtin:6921234.060101.a%2Fb",
    ]
    assert {canonical(text) for text in spellings} == {spellings[0]}


def test_an_identity_tells_its_class_its_number_and_its_issuer() -> None:
    serial = identify("https://id.gs1.org/01/06921234601013/21/7")
    lot = identify("https://id.gs1.org/01/06921234601013/10/L")
    asset = identify("urn:epc:id:grai:6921234.00042.7")
    assert serial is not None
    assert lot is not None
    assert asset is not None
    assert serial.is_instance
    assert not lot.is_instance
    assert serial.of_class == lot.of_class == Identity("01", "06921234601013")
    assert asset.is_instance
    assert asset.of_class == Identity("8003", "06921234000427")
    assert not asset.of_class.is_instance
    assert (serial.number, asset.number) == ("06921234601013", "6921234000427")
    assert serial.issuer is not None
    assert serial.issuer.startswith("6921234")


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("urn:epc:idpat:sgtin:6921234.*.*", r"https://id.gs1.org/01/\_6921234%/21/%"),
        ("urn:epc:idpat:sgtin:6921234.060101.*", "https://id.gs1.org/01/06921234601013/21/%"),
        ("urn:epc:idpat:sgtin:*.*.*", "https://id.gs1.org/01/%/21/%"),
        ("urn:epc:idpat:sscc:6921234.*", r"https://id.gs1.org/00/\_6921234%"),
        ("urn:epc:id:sgtin:6921234.060101.a_b", r"https://id.gs1.org/01/06921234601013/21/a\_b"),
        ("urn:epc:idpat:sgtin:*.060101.*", None),
        ("urn:epc:idpat:nosuch:*.*", None),
    ],
)
def test_a_pattern_becomes_one_for_sql(value: str, pattern: str | None) -> None:
    wanted = pattern.replace(r"/\_69", "/_69") if pattern else None
    assert like_pattern(value) == wanted
