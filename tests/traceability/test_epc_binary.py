"""EPC binary strings in URIs: the standards' own examples, more data, and what is refused."""

import pytest

from foundation.errors import BadInput
from traceability.digital_link.binary import decompressed, elements_of

STEM = "https://shanhuo.example"
HONEY = "09520010100015"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

#: Tag Data Standard 2.3, annex E.3: scheme, EPC in hexadecimal, what it is as a Digital Link.
EXAMPLES = [
    ("SGTIN-96", "3066C4409047E140075BCD15", "/01/09506000134352/21/123456789"),
    (
        "SGTIN-198",
        "3666C4409047E159B2C2BF100000000000000000000000000000",
        "/01/09506000134352/21/32a%2Fb",
    ),
    ("SGTIN+", "F73795211411234538566CB0AFC4", "/01/79521141123453/21/32a%2Fb"),
    ("DSGTIN+", "FB342CDE795211411234538566CB0AFC4", "/01/79521141123453/21/32a%2Fb?17=220630"),
    (
        "SGTIN++",
        "FD3795211411234538566CB0AFC525065F1876F0D996D800",
        "/01/79521141123453/21/32a%2Fb",
    ),
    (
        "DSGTIN++",
        "FC342CDE795211411234538566CB0AFC525065F1876F0D996D80",
        "/01/79521141123453/21/32a%2Fb?17=220630",
    ),
    ("SSCC-96", "311BA1B300CE0A6A83000000", "/00/095201234567891235"),
    ("SSCC+", "F90095201234567891235", "/00/095201234567891235"),
    ("SGLN-96", "3276451FD46072000000162E", "/414/9521141123454/254/5678"),
    (
        "SGLN-195",
        "3976451FD46072CD9615F8800000000000000000000000000000",
        "/414/9521141123454/254/32a%2Fb",
    ),
    ("SGLN+", "F2395211411234548566CB0AFC4", "/414/9521141123454/254/32a%2Fb"),
    (
        "SGLN++",
        "E9395211411234548566CB0AFC525065F1876F0D996D8000",
        "/414/9521141123454/254/32a%2Fb",
    ),
    ("GRAI-96", "3376451FD40C0E400000162E", "/8003/095211411234545678"),
    ("GRAI-170", "3776451FD40C0E59B2C2BF1000000000000000000000", "/8003/0952114112345432a%2Fb"),
    ("GRAI+", "F13095211411234548566CB0AFC4", "/8003/0952114112345432a%2Fb"),
    ("GRAI++", "EB3095211411234548566CB0AFC525065F1876F0D996D800", "/8003/0952114112345432a%2Fb"),
    ("GIAI-96", "3476451FD40000000000162E", "/8004/95211415678"),
    ("GIAI-202", "3876451FD59B2C2BF10000000000000000000000000000000000", "/8004/952114132a%2Fb"),
    ("GIAI+", "FA3952114132E83C2BF10", "/8004/952114132a%2Fb"),
    ("GIAI++", "EE3952114132E83C2BF1494197C61DBC3665B600", "/8004/952114132a%2Fb"),
    ("GSRN-96", "2D76451FD4499602D2000000", "/8018/952114112345678906"),
    ("GSRN+", "F43952114112345678906", "/8018/952114112345678906"),
    ("GSRN++", "E7395211411234567890692832F8C3B786CCB6C0", "/8018/952114112345678906"),
    ("GSRNP-96", "2E76451FD4499602D2000000", "/8017/952114112345678906"),
    ("GSRNP+", "F53952114112345678906", "/8017/952114112345678906"),
    ("GSRNP++", "E8395211411234567890692832F8C3B786CCB6C0", "/8017/952114112345678906"),
    ("GDTI-96", "2C76451FD46072000000162E", "/253/95211411234545678"),
    (
        "GDTI-174",
        "3E76451FD7039B061438997367D0C18B266D1AB66EE0",
        "/253/9521141987650ABCDefgh012345678",
    ),
    ("GDTI+", "F6395211411234540458B8", "/253/95211411234545678"),
    ("GDTI++", "EA395211411234540458BA4A0CBE30EDE1B32DB0", "/253/95211411234545678"),
    ("CPI-96", "3C76451FD400C0E680003039", "/8010/952114198765/8011/12345"),
    ("CPI-var", "3D76451FD75411DEF6B4CC00000003039000", "/8010/95211415PQ7%2FZ43/8011/12345"),
    ("CPI+", "F0395211415E87A145BAFB4D19A8C0E4", "/8010/95211415PQ7%2FZ43/8011/12345"),
    (
        "CPI++",
        "E6395211415E87A145BAFB4D19A8C0E64A0CBE30EDE1B32DB000",
        "/8010/95211415PQ7%2FZ43/8011/12345",
    ),
    ("SGCN-96", "3F76451FD612640000019907", "/255/952114167890904711"),
    ("SGCN+", "F839521141678909509338", "/255/952114167890904711"),
    ("SGCN++", "EC3952114167890950933C94197C61DBC3665B60", "/255/952114167890904711"),
    ("ITIP-110", "4076451FD40C0E40820000000F54", "/8006/095211411234540102/21/981"),
    (
        "ITIP-212",
        "4176451FD40C0E4082DBDD8B36600000000000000000000000000000",
        "/8006/095211411234540102/21/mw133",
    ),
    ("ITIP+", "F3309521141123454010266AE27FDF35", "/8006/095211411234540102/21/rif981"),
]


def bits(number: int, width: int) -> str:
    return f"{number:0{width}b}"


def nibbles(digits: str) -> str:
    return "".join(bits(int(digit), 4) for digit in digits)


def text(value: str, length_bits: int = 5) -> str:
    """Pack as counted text of base 64 characters."""
    return (
        "011" + bits(len(value), length_bits) + "".join(bits(ALPHABET.index(c), 6) for c in value)
    )


def day(yymmdd: str) -> str:
    return bits(int(yymmdd[:2]), 7) + bits(int(yymmdd[2:4]), 4) + bits(int(yymmdd[4:]), 5)


def jar(after: str = "") -> str:
    """Pack a jar of honey as SGTIN+ with what follows, as hexadecimal."""
    whole = "11110111" + "1011" + nibbles(HONEY) + text("S1") + after
    whole += "0" * (-len(whole) % 16)
    return "eh" + f"{int(whole, 2):0{len(whole) // 4}x}"


@pytest.mark.parametrize(("scheme", "epc", "expected"), EXAMPLES)
def test_every_scheme_of_the_standard_is_read_in_both_spellings(
    scheme: str, epc: str, expected: str
) -> None:
    link = decompressed(f"{STEM}/eh{epc.lower()}")
    assert link is not None, scheme
    assert link.uri() == STEM + expected
    binary = f"{int(epc, 16):0{len(epc) * 4}b}"
    binary += "0" * (-len(binary) % 6)
    base64 = "".join(ALPHABET[int(binary[at : at + 6], 2)] for at in range(0, len(binary), 6))
    again = decompressed(f"{STEM}/a/b/ex{base64}?linkType=all")
    assert again is not None
    assert again.uri(STEM) == STEM + expected
    assert again.stem == f"{STEM}/a/b"
    assert again.others == ("linkType=all",)


def test_the_compression_standards_own_example_is_read() -> None:
    for segment in ("eh30164596f40c0e5cbe991a83", "exMBZFlvQMDly-mRqD"):
        assert elements_of(segment) == (("01", "09528765123457"), ("21", "123456789123"))


def test_data_after_the_item_go_to_their_places() -> None:
    link = decompressed(f"{STEM}/{jar(nibbles('10') + text('L9') + nibbles('17') + day('261231'))}")
    assert link is not None
    assert link.uri() == f"{STEM}/01/{HONEY}/10/L9/21/S1?17=261231"
    weight = decompressed(f"{STEM}/{jar(nibbles('3103') + bits(250, 20))}")
    assert weight is not None
    assert weight.attributes == (("3103", "000250"),)
    made = decompressed(f"{STEM}/{jar(nibbles('8008') + '00' + day('261123') + bits(14, 5))}")
    assert made is not None
    assert made.attributes == (("8008", "26112314"),)


@pytest.mark.parametrize(
    "segment",
    [
        "eh3016",
        "eh00000000000000",
        "ehfe0000000000000000000000",
        "eh30164596f40c0e5cbe991a8301",
        "eh307c4596f40c0e5cbe991a83",
        "eh3500e86f8000a9e000000586",
        jar(nibbles("17") + day("261331")),
        jar(nibbles("21") + text("S2")),
        jar(nibbles("14") + "0" * 16 + "1"),
    ],
)
def test_what_is_no_whole_epc_of_a_key_is_refused(segment: str) -> None:
    with pytest.raises(BadInput):
        decompressed(f"{STEM}/{segment}")


def test_other_addresses_are_none_of_it() -> None:
    for path in ("/01/09520010100015", "/products", "/EH3016", "/eh30G", "/", "/ex"):
        assert decompressed(STEM + path) is None
