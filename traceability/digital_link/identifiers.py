"""Application identifiers: what each may hold, and which of them belong together."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from traceability.digital_link.check_digits import check_digit_holds
from traceability.digital_link.content import RULES
from traceability.digital_link.refusals import CheckDigitWrong, CodeUnreadable
from traceability.digital_link.table import lines

#: A data attribute or element: application identifier and value, both as text.
Element = tuple[str, str]

_SETS: Final = {
    "N": "[0-9]",
    "X": '[!-"%-?A-Z_a-z]',
    "Y": "[#\\-/0-9A-Z]",
    "Z": "[0-9A-Za-z_-]",
}
_COMPONENT: Final = re.compile(
    r"(?P<optional>\[)?(?P<set>[NXYZ])(?P<upto>\.\.)?(?P<length>\d+)\]?(?P<rules>(?::\w+)*)"
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """One application identifier.

    `fixed`: its length is predefined, so that no FNC1 follows. `attribute`: it may stand in the
    query of a Digital Link. `qualifiers` is None unless it is a primary key; then it holds the
    rows of qualifiers, in their order, of which the path may name any. `together`: for each
    demand, the alternatives, each a group of AIs; `apart`: AIs it excludes (`n` is any digit).
    """

    ai: str
    pattern: re.Pattern[str]
    checks: tuple[tuple[int, str, Callable[[str], bool]], ...]
    fixed: bool
    attribute: bool
    qualifiers: tuple[tuple[str, ...], ...] | None
    together: tuple[tuple[tuple[str, ...], ...], ...]
    apart: tuple[str, ...]

    def broken_rule(self, value: str) -> str | None:
        """Name the first rule that `value` breaks: `format` or one of `content.RULES`."""
        found = self.pattern.fullmatch(value)
        if found is None:
            return "format"
        for group, rule, holds in self.checks:
            part = found[group]
            if part is not None and not holds(part):
                return rule
        return None


def _spread(spec: str) -> Iterator[str]:
    for part in spec.split():
        first, _dash, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))


def _layout(
    text: str,
) -> tuple[re.Pattern[str], tuple[tuple[int, str, Callable[[str], bool]], ...]]:
    pattern, checks = "", []
    repeated = re.sub(r"(\d)(\[\S+)", lambda m: " ".join([m[2]] * int(m[1])), text)
    for group, component in enumerate(repeated.split(), start=1):
        found = _COMPONENT.fullmatch(component)
        if found is None:
            raise ValueError(component)
        count = f"{{1,{found['length']}}}" if found["upto"] else f"{{{found['length']}}}"
        padding = "={0,2}" if found["set"] == "Z" else ""
        missing = "?" if found["optional"] else ""
        longest = f"(?!.{{{int(found['length']) + 1}}})" if padding else ""
        pattern += f"{longest}({_SETS[found['set']]}{count}{padding}){missing}"
        checks += [(group, rule, RULES[rule]) for rule in found["rules"].split(":") if rule]
    return re.compile(pattern, re.ASCII), tuple(checks)


def _of_line(line: str) -> Iterator[Identifier]:
    ais, layout, role, *company = (field.strip() for field in line.split(";"))
    pattern, checks = _layout(layout)
    qualifiers: tuple[tuple[str, ...], ...] | None = None
    if keyed := re.search(r"key(?:=(\S+))?", role):
        rows = (keyed[1] or "").split("|")
        qualifiers = tuple(tuple(row.split(",")) if row else () for row in rows)
    demands = [field.removeprefix("with ") for field in company if field.startswith("with ")]
    apart = [field.removeprefix("not ") for field in company if field.startswith("not ")]
    for ai in _spread(ais):
        yield Identifier(
            ai,
            pattern,
            checks,
            "fixed" in role,
            "query" in role,
            qualifiers,
            tuple(tuple(tuple(g.split("+")) for g in demand.split(",")) for demand in demands),
            tuple(name for field in apart for name in field.split(",")),
        )


IDENTIFIERS: Final[Mapping[str, Identifier]] = {
    known.ai: known for line in lines() for known in _of_line(line)
}
KEYS: Final = frozenset(ai for ai, known in IDENTIFIERS.items() if known.qualifiers is not None)

#: How many digits an AI has, by its first two (General Specifications figure 7.8.1-1).
AI_LENGTHS: Final[Mapping[str, int]] = {ai[:2]: len(ai) for ai in IDENTIFIERS}


def identifier(ai: str) -> Identifier:
    """Give the application identifier `ai`; refused: `code_unreadable` when no standard has it."""
    known = IDENTIFIERS.get(ai)
    if known is None:
        raise CodeUnreadable(
            "This code has a part (%(ai)s) that no GS1 standard defines. Scan it again.", ai=ai
        )
    return known


def must_be_element(ai: str, value: str) -> None:
    """Refuse a value that its application identifier does not allow.

    Refused: `code_unreadable` (unknown AI, wrong length, characters, date or content),
    `check_digit_wrong`.
    """
    broken = identifier(ai).broken_rule(value)
    if broken is None:
        return
    if broken == "check":
        must_check(value)
    raise CodeUnreadable(
        "The part (%(ai)s) of this code cannot be right. Scan it again.", ai=ai, rule=broken
    )


def must_check(number: str) -> None:
    """Refuse `check_digit_wrong` when the last digit does not fit the digits before it."""
    if not check_digit_holds(number):
        raise CheckDigitWrong(
            "The last digit of %(number)s does not fit the others. "
            "Scan it again, or type every digit as printed.",
            number=number,
        )


def must_go_together(elements: Sequence[Element]) -> None:
    """Refuse identifiers without those they need, or beside those that they exclude.

    General Specifications 4.13 and 4.14. Refused: `code_unreadable`.
    """
    given = [ai for ai, _value in elements]
    for ai in given:
        known = IDENTIFIERS.get(ai)
        if known is None:
            continue
        clash = next((other for name in known.apart for other in _named(name, given, ai)), None)
        if clash is not None:
            raise CodeUnreadable(
                "The parts (%(ai)s) and (%(other)s) of this code exclude each other. "
                "Scan another label of the goods.",
                ai=ai,
                other=clash,
            )
        for demand in known.together:
            if not any(all(_named(name, given, ai) for name in group) for group in demand):
                raise CodeUnreadable(
                    "The part (%(ai)s) of this code needs another part (%(needed)s) that is not "
                    "there. Scan another label of the goods.",
                    ai=ai,
                    needed=", ".join("+".join(group) for group in demand),
                )
    _must_be_signed_alone(elements)


def _must_be_signed_alone(elements: Iterable[Element]) -> None:
    """Refuse a signature (8030) beside a GDTI, GCN or GRAI without its serial: it names no one."""
    by_ai = dict(elements)
    bare = {"253": 13, "255": 13, "8003": 14}
    for ai, length in bare.items():
        if "8030" in by_ai and len(by_ai.get(ai, "")) == length:
            raise CodeUnreadable(
                "The part (%(ai)s) of this code needs another part (%(needed)s) that is not "
                "there. Scan another label of the goods.",
                ai=ai,
                needed=f"{ai} + serial",
            )


def _named(name: str, given: Sequence[str], but: str) -> list[str]:
    """Give those of `given`, other than `but`, that `name` means."""
    stem = name.rstrip("n")
    return [ai for ai in given if ai != but and len(ai) == len(name) and ai.startswith(stem)]


@cache
def path_rows(key: str) -> frozenset[tuple[str, ...]]:
    """Give every row of qualifiers that may follow primary key `key` (URI Syntax 4.9)."""
    rows: set[tuple[str, ...]] = set()
    for row in IDENTIFIERS[key].qualifiers or ():
        for chosen in range(1 << len(row)):
            rows.add(tuple(ai for place, ai in enumerate(row) if chosen >> place & 1))
    return frozenset(rows)
