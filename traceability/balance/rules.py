"""What may come out of what: yields and shares in whole numbers and fractions, never in floats."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from foundation.errors import BadInput

PER_KILO = 1000


class MassExceeded(BadInput):
    """More would come out than went in allows."""

    code = "mass_exceeded"


class Amount(NamedTuple):
    """So many base units of a lot, and what one of them holds of the raw material."""

    lot_id: int
    quantity: int
    base_unit: str
    per_unit: int | None = None
    """Raw material in one unit, in the raw material's base unit; None where it is not known."""


class Weighed(NamedTuple):
    """A transformation against its template's range, in per cent and in the inputs' base unit."""

    percent: Fraction
    used: int
    made: int
    least: Fraction
    most: Fraction

    @property
    def over(self) -> int:
        """Give by how many base units more came out than the range allows, rounded up; or 0."""
        excess = self.made - Fraction(self.used) * self.most / 100
        return -(-excess.numerator // excess.denominator) if excess > 0 else 0

    @property
    def under(self) -> int:
        """Give by how many base units less came out than the range expects, rounded up; or 0."""
        missing = Fraction(self.used) * self.least / 100 - self.made
        return -(-missing.numerator // missing.denominator) if missing > 0 else 0

    def figures(self) -> dict[str, Any]:
        """Give what a discrepancy keeps of it."""
        return {
            "used": self.used,
            "made": self.made,
            "percent": decimal(self.percent),
            "least": decimal(self.least),
            "most": decimal(self.most),
        }


def exact(number: float | str) -> Fraction:
    """Read a number of a template (18, 92.5) as it is written."""
    return Fraction(str(number))


def decimal(value: Fraction, places: int = 1) -> str:
    """Write a fraction with so many places at most: 31.2, 30."""
    rounded = round(value, places)
    whole, rest = divmod(abs(rounded.numerator), rounded.denominator)
    sign = "-" if rounded < 0 else ""
    if not rest:
        return f"{sign}{whole}"
    digits = rest * 10**places // rounded.denominator
    return f"{sign}{whole}.{digits:0{places}d}".rstrip("0")


def material(outputs: Sequence[Amount]) -> int | None:
    """Add up the raw material in what came out; None where one of it can't be compared."""
    total = 0
    for one in outputs:
        if one.per_unit is not None:
            total += one.quantity * one.per_unit
        elif one.base_unit != "piece":
            total += one.quantity
        else:
            return None
    return total


def weigh(
    rule: Mapping[str, Any] | None, inputs: Sequence[Amount], outputs: Sequence[Amount]
) -> Weighed | None:
    """Hold what came out against what went in; None where the two can't be compared.

    `rule` is the template's `yield`: {min_pct, max_pct}. Inputs in the first one's unit count; a
    label or a lid weighs nothing here.
    """
    made = material(outputs)
    if rule is None or made is None or not inputs:
        return None
    used = sum(one.quantity for one in inputs if one.base_unit == inputs[0].base_unit)
    if not used:
        return None
    percent = Fraction(100 * made, used)
    return Weighed(percent, used, made, exact(rule.get("min_pct", 0)), exact(rule["max_pct"]))


def refuse_over(weighed: Weighed | None, *, unit: str, per_piece: int | None = None) -> None:
    """Raise MassExceeded on `outputs`, with the figures, when mass would be made from nothing."""
    if weighed is None or not weighed.over:
        return
    most = int(Fraction(weighed.used) * weighed.most / 100 // (per_piece or 1))
    needs = Fraction(weighed.made) * 100 / weighed.most
    if unit == "piece":
        raise MassExceeded(
            "That needs %(needs)s, more than the %(used)s used allow; at most %(most)s packs",
            field="outputs",
            needs=decimal(needs),
            used=weighed.used,
            most=most,
        )
    raise MassExceeded(
        "That needs %(needs)s kg, more than the %(used)s kg used allow; at most %(most)s packs",
        field="outputs",
        needs=decimal(needs / PER_KILO, 3),
        used=decimal(Fraction(weighed.used, PER_KILO), 3),
        most=most,
    )


class Share(NamedTuple):
    """What one input gave to one output of a transformation."""

    from_lot: int
    to_lot: int
    given: Fraction
    """In the input's base units."""
    became: Fraction
    """In the output's base units."""


class Shared(NamedTuple):
    """A transformation split up: who gave what to whom, and what each input lost."""

    shares: tuple[Share, ...]
    lost: Mapping[int, Fraction]
    """By input lot, in its base units."""


def split(inputs: Sequence[Amount], outputs: Sequence[Amount]) -> Shared:
    """Split a transformation of many lots into many, in proportion and exactly.

    What comes out is split over the inputs by their quantities. Where raw material can be compared
    (all inputs in one unit, all outputs holding a known amount of it), the rest was lost in the
    making; where it can't (kits), every input went into the outputs whole.
    """
    units = {one.base_unit for one in inputs}
    made = material(outputs)
    used = sum(one.quantity for one in inputs)
    pieces = sum(one.quantity for one in outputs)
    whole = made is None or len(units) != 1 or not 0 < made <= used
    shares: list[Share] = []
    lost: dict[int, Fraction] = {}
    for one in inputs:
        part = Fraction(one.quantity, used) if used else Fraction(0)
        gone = Fraction(0)
        for other in outputs:
            if whole:
                weight = material([other]) if made else other.quantity
                given = one.quantity * Fraction(weight or 0, made or pieces or 1)
            else:
                given = (material([other]) or 0) * part
            became = other.quantity * (part if len(units) == 1 else Fraction(1, len(inputs)))
            shares.append(Share(one.lot_id, other.lot_id, given, became))
            gone += given
        lost[one.lot_id] = one.quantity - gone
    return Shared(tuple(shares), lost)
