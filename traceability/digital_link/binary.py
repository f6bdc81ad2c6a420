"""Digital Link URIs that carry an EPC binary string, as hybrid NFC and UHF tags send them.

GS1 Digital Link URI: Compression Technical Standard for EPC binary strings 1.0 (`/eh` and lower-
case hexadecimal, `/ex` and base 64 for addresses) over the EPC schemes of the Tag Data Standard
2.3: those with a company prefix (SGTIN-96 to CPI-var), the `+` schemes with the data that may
follow the EPC, and the `++` schemes, whose host name is passed over. A resolver must decompress
them (Resolver 1.2, section 2.3). The older compression of Digital Link 1.1, optional since, is
not read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from traceability.digital_link.bits import Bits, bits_of, unreadable
from traceability.digital_link.check_digits import check_digit
from traceability.digital_link.identifiers import AI_LENGTHS, Element, must_be_element
from traceability.digital_link.refusals import CodeKindUnsupported
from traceability.digital_link.uri import (
    DigitalLink,
    link_of,
    split_uri,
)

_SEGMENT: Final = re.compile(r"(?P<stem>(?:/[^/]*)*)/(?P<epc>eh[0-9a-f]+|ex[A-Za-z0-9_-]+)/?")

#: Partition value: bits and digits of the company prefix (tables 14-16 to 14-42).
_PREFIXES: Final = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))


def decompressed(text: str) -> DigitalLink | None:
    """Read a URI whose last path segment is an EPC binary string; None when it is none.

    The elements keep the stem of the request and its parameters. Refused: `code_unreadable`,
    `check_digit_wrong`, `code_kind_unsupported` (an EPC of no GS1 key, such as GID-96).
    """
    base, path, query = split_uri(text, whole=True)
    found = _SEGMENT.fullmatch(path)
    if found is None:
        return None
    link = link_of(elements_of(found["epc"]), base + found["stem"])
    others = tuple(part for part in re.split("[&;]", query) if part)
    return DigitalLink(link.stem, link.path, link.attributes, others)


def elements_of(segment: str) -> tuple[Element, ...]:
    """Give the identifiers in an EPC binary string; refused as by `decompressed`."""
    bits = Bits(bits_of(segment))
    header = bits.number(8)
    if header in _CLASSIC:
        elements = tuple(_CLASSIC[header](bits))
        bits.must_be_empty()
        return elements
    plus = _PLUS_PLUS.get(header, header)
    if plus not in _PLUS:
        if header in _WITHOUT_KEY:
            raise CodeKindUnsupported(
                "This code names neither goods nor a case. Scan the code on the goods label."
            )
        raise unreadable()
    bits.take(4)  # whether data follow (they are read if they do) and the filter value
    elements = tuple(_PLUS[plus](bits))
    if header in _PLUS_PLUS:
        bits.skip_host()
    return (*elements, *_data(bits, {ai for ai, _value in elements}))


# --- schemes with a company prefix (14.6) -----------------------------------------------------


def _parts(bits: Bits, together: int, digits: int) -> tuple[str, str]:
    """Read filter, partition, prefix and reference; both parts filled up with zeros."""
    bits.take(3)
    partition = bits.number(3)
    if partition >= len(_PREFIXES):
        raise unreadable()
    prefix_bits, prefix_digits = _PREFIXES[partition]
    prefix = str(bits.number(prefix_bits)).zfill(prefix_digits)
    rest = digits - prefix_digits
    reference = str(bits.number(together - prefix_bits)).zfill(rest) if rest >= 0 else ""
    reference = "" if rest == 0 else reference
    if len(prefix) > prefix_digits or len(reference) > rest:
        raise unreadable()
    return prefix, reference


def _checked(payload: str) -> str:
    return payload + check_digit(payload)


def _item(bits: Bits) -> str:
    prefix, reference = _parts(bits, 44, 13)
    return _checked(reference[0] + prefix + reference[1:])


def _sgtin(serial: Callable[[Bits], str]) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        yield "01", _item(bits)
        yield "21", serial(bits)

    return read


def _itip(serial: Callable[[Bits], str]) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        yield "8006", _item(bits) + f"{bits.number(7):02d}{bits.number(7):02d}"
        yield "21", serial(bits)

    return read


def _sscc(bits: Bits) -> Iterator[Element]:
    prefix, reference = _parts(bits, 58, 17)
    yield "00", _checked(reference[0] + prefix + reference[1:])


def _service(ai: str) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        yield ai, _checked("".join(_parts(bits, 58, 17)))

    return read


def _sgln(extension: Callable[[Bits], str]) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        yield "414", _checked("".join(_parts(bits, 41, 12)))
        # An extension of 0 stands for none (7.5)
        if (part := extension(bits)) != "0":
            yield "254", part

    return read


def _twelve(
    ai: str, together: int, serial: Callable[[Bits], str], lead: str = ""
) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        yield ai, lead + _checked("".join(_parts(bits, together, 12))) + serial(bits)

    return read


def _giai(text: Callable[[Bits, int], str], together: int) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        prefix, prefix_bits = _prefix(bits)
        yield "8004", prefix + text(bits, together - prefix_bits)

    return read


def _prefix(bits: Bits) -> tuple[str, int]:
    bits.take(3)
    partition = bits.number(3)
    if partition >= len(_PREFIXES):
        raise unreadable()
    count, digits = _PREFIXES[partition]
    prefix = str(bits.number(count)).zfill(digits)
    if len(prefix) > digits:
        raise unreadable()
    return prefix, count


def _cpi_96(bits: Bits) -> Iterator[Element]:
    prefix, count = _prefix(bits)
    yield "8010", prefix + str(bits.number(51 - count))
    yield "8011", str(bits.number(31))


def _cpi_var(bits: Bits) -> Iterator[Element]:
    prefix, _count = _prefix(bits)
    yield "8010", prefix + bits.six_bit_string()
    yield "8011", str(bits.number(40))


def _number(count: int) -> Callable[[Bits], str]:
    return lambda bits: str(bits.number(count))


def _string(count: int) -> Callable[[Bits], str]:
    return lambda bits: bits.string(count)


def _led_by_one(count: int) -> Callable[[Bits], str]:
    """Read a numeric string that keeps its leading zeros behind a 1 (14.4.6)."""

    def read(bits: Bits) -> str:
        text = str(bits.number(count))
        if not text.startswith("1"):
            raise unreadable()
        return text[1:]

    return read


_CLASSIC: Final[Mapping[int, Callable[[Bits], Iterator[Element]]]] = {
    0x2C: _twelve("253", 41, _number(41)),
    0x2D: _service("8018"),
    0x2E: _service("8017"),
    0x30: _sgtin(_number(38)),
    0x31: _sscc,
    0x32: _sgln(_number(41)),
    0x33: _twelve("8003", 44, _number(38), lead="0"),
    0x34: _giai(lambda bits, count: str(bits.number(count)), 82),
    0x36: _sgtin(_string(140)),
    0x37: _twelve("8003", 44, _string(112), lead="0"),
    0x38: _giai(lambda bits, count: bits.string(count), 188),
    0x39: _sgln(_string(140)),
    0x3A: _twelve("253", 41, _led_by_one(58)),
    0x3C: _cpi_96,
    0x3D: _cpi_var,
    0x3E: _twelve("253", 41, _string(119)),
    0x3F: _twelve("255", 41, _led_by_one(41)),
    0x40: _itip(_number(38)),
    0x41: _itip(_string(140)),
}
#: GID-96, USDoD-96 and ADI-var
_WITHOUT_KEY: Final = frozenset({0x35, 0x2F, 0x3B})


# --- the + schemes (14.6) and the data after them (15.3) --------------------------------------


def _of(*ais: str) -> Callable[[Bits], Iterator[Element]]:
    def read(bits: Bits) -> Iterator[Element]:
        for ai in ais:
            yield ai, _value(ai, bits)

    return read


_DATES: Final = ("11", "13", "15", "16", "17", "7006", "7007")


def _dated_item(bits: Bits) -> Iterator[Element]:
    """Read a DSGTIN+: a date, of the kind that four bits name, stands before the GTIN."""
    kind = bits.number(4)
    if kind >= len(_DATES):
        raise unreadable()
    date = (_DATES[kind], bits.day())
    yield from _of("01", "21")(bits)
    yield date


_PLUS: Final[Mapping[int, Callable[[Bits], Iterator[Element]]]] = {
    0xF0: _of("8010", "8011"),
    0xF1: _of("8003"),
    0xF2: _of("414", "254"),
    0xF3: _of("8006", "21"),
    0xF4: _of("8018"),
    0xF5: _of("8017"),
    0xF6: _of("253"),
    0xF7: _of("01", "21"),
    0xF8: _of("255"),
    0xF9: _of("00"),
    0xFA: _of("8004"),
    0xFB: _dated_item,
}
#: `++` header and the `+` scheme it adds a host name to (table 14-1)
_PLUS_PLUS: Final[Mapping[int, int]] = {
    **dict(zip(range(0xE6, 0xEA), (0xF0, 0xF4, 0xF5, 0xF2), strict=True)),
    **dict(zip(range(0xEA, 0xF0), (0xF6, 0xF1, 0xF8, 0xF3, 0xFA, 0xF9), strict=True)),
    0xFC: 0xFB,
    0xFD: 0xF7,
}


def _data(bits: Bits, taken: set[str]) -> Iterator[Element]:
    """Read the identifiers after the EPC, until less than a header or only filling is left."""
    seen = set(taken)
    while bits.left >= 8 and not (bits.peek(8) == "0" * 8 and bits.left < 8 + 72):  # noqa: PLR2004
        ai = bits.digits(2)
        length = AI_LENGTHS.get(ai)
        if length is None:
            raise unreadable()
        ai += bits.digits(length - 2) if length > 2 else ""  # noqa: PLR2004 -- two are read
        if ai in seen:
            raise unreadable()
        seen.add(ai)
        value = _value(ai, bits)
        must_be_element(ai, value)
        yield ai, value
    bits.must_be_empty()


def _range(bits: Bits) -> str:
    """Read a day, or two of them (14.5.10)."""
    two = bits.number(1)
    return bits.day() + (bits.day() if two else "")


def _precise(bits: Bits) -> str:
    """Read a day with hour, minute or second, or alone (14.5.11)."""
    precision = bits.number(2)
    return bits.day() + (bits.time(precision + 1) if precision < 3 else "")  # noqa: PLR2004


def _in_a_row(bits: Bits) -> str:
    return f"{bits.number(4)}/{bits.number(4)}"


#: Table F: how the value of an identifier is packed. `d` digits of four bits, `i` an integer of
#: so many digits, `n` a counted number, `t` counted text, up to so many characters.
_PACKED: Final = """
00 8006 8017 8018 8026 ; d18
01 02 ; d14
10 21 22 243 254 420 4318 7020 7021 7022 710 711 712 713 714 715 716 7240 8002 8012 ; t20
11 12 13 15 16 17 4326 7006 ; day
20 ; i2
235 ; t28
240 241 250 251 400 401 403 4308 4319 7002 90 ; t30
7230 7231 7232 7233 7234 7235 7236 7237 7238 7239 ; t30
242 ; n6
253 ; d13 t17
255 ; d13 n12
30 37 ; n8
390 392 ; n15
391 393 ; i3 n15
394 8111 ; i4
31 32 33 34 35 36 395 8005 ; i6
402 ; i17
41 ; d13
421 ; i3 t9
422 424 426 ; i3
423 425 ; n15
427 7008 ; t3
4300 4301 4310 4311 4320 ; t35
4302 4303 4304 4305 4306 4312 4313 4314 4315 4316 7257 8110 8112 8200 ; t70
4307 4317 ; letters
4309 ; i20
4321 4322 4323 ; bit
4324 4325 7003 ; minute
4330 4331 4332 4333 ; i6 minus
7001 ; i13
7004 ; n4
7005 ; t12
7007 ; range
7009 7255 ; t10
7010 ; t2
7011 8008 ; precise
7023 8004 8010 ; delimited
7030 7031 7032 7033 7034 7035 7036 7037 7038 7039 ; i3 t27
7040 7041 ; t4
7241 ; d2
7242 8013 8020 ; t25
7250 ; i8
7251 ; i12
7252 ; i1
7253 7254 7259 ; t40
7256 8030 91 92 93 94 95 96 97 98 99 ; t90
7258 ; row
8001 ; i14
8003 ; d14 t16
8007 ; t24
8009 ; t50
8011 ; n12
8019 ; n10
"""
_BY_AI: Final[Mapping[str, tuple[str, ...]]] = {
    ai: tuple(how.split())
    for line in _PACKED.strip().splitlines()
    for ais, _mark, how in [line.partition(" ; ")]
    for ai in ais.split()
}
_METHODS: Final[Mapping[str, Callable[[Bits], str]]] = {
    "bit": lambda bits: bits.take(1),
    "day": Bits.day,
    "delimited": Bits.delimited,
    "letters": Bits.letters,
    "minus": lambda bits: "-" if bits.number(1) else "",
    "minute": lambda bits: bits.day() + bits.time(2),
    "precise": _precise,
    "range": _range,
    "row": _in_a_row,
}
_SIZED: Final[Mapping[str, Callable[[Bits, int], str]]] = {
    "d": Bits.digits,
    "i": Bits.integer,
    "n": Bits.counted,
    "t": Bits.text,
}


def _value(ai: str, bits: Bits) -> str:
    how = _BY_AI.get(ai) or _BY_AI.get(ai[:3]) or _BY_AI.get(ai[:2])
    if how is None:
        raise unreadable()
    return "".join(
        _METHODS[part](bits) if part in _METHODS else _SIZED[part[0]](bits, int(part[1:]))
        for part in how
    )
