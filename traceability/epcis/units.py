"""UN/ECE Recommendation 20 codes that can be compared with each other.

A value is kept in the base unit of its dimension, so that a question in kilograms finds what was
written in grams. A code that is not here is a dimension of its own.
"""

from typing import Final, NamedTuple


class Unit(NamedTuple):
    """`value * factor + offset` is the value in the base unit of `dimension`."""

    dimension: str
    factor: float
    offset: float = 0.0


UNITS: Final[dict[str, Unit]] = {
    "KGM": Unit("mass", 1.0),
    "GRM": Unit("mass", 1e-3),
    "MGM": Unit("mass", 1e-6),
    "MC": Unit("mass", 1e-9),
    "TNE": Unit("mass", 1e3),
    "LBR": Unit("mass", 0.45359237),
    "ONZ": Unit("mass", 0.028349523125),
    "LTR": Unit("volume", 1e-3),
    "MLT": Unit("volume", 1e-6),
    "CLT": Unit("volume", 1e-5),
    "DLT": Unit("volume", 1e-4),
    "HLT": Unit("volume", 0.1),
    "MTQ": Unit("volume", 1.0),
    "CMQ": Unit("volume", 1e-6),
    "MTR": Unit("length", 1.0),
    "CMT": Unit("length", 1e-2),
    "MMT": Unit("length", 1e-3),
    "KMT": Unit("length", 1e3),
    "INH": Unit("length", 0.0254),
    "FOT": Unit("length", 0.3048),
    "MTK": Unit("area", 1.0),
    "CMK": Unit("area", 1e-4),
    "HAR": Unit("area", 1e4),
    "KEL": Unit("temperature", 1.0),
    "CEL": Unit("temperature", 1.0, 273.15),
    "FAH": Unit("temperature", 5 / 9, 459.67 * 5 / 9),
    "SEC": Unit("time", 1.0),
    "MIN": Unit("time", 60.0),
    "HUR": Unit("time", 3600.0),
    "DAY": Unit("time", 86400.0),
    "PAL": Unit("pressure", 1.0),
    "HPA": Unit("pressure", 1e2),
    "A97": Unit("pressure", 1e2),
    "KPA": Unit("pressure", 1e3),
    "BAR": Unit("pressure", 1e5),
    "MBR": Unit("pressure", 1e2),
    "MTS": Unit("speed", 1.0),
    "KMH": Unit("speed", 1 / 3.6),
    "VLT": Unit("voltage", 1.0),
    "2Z": Unit("voltage", 1e-3),
    "AMP": Unit("current", 1.0),
    "WTT": Unit("power", 1.0),
    "KWT": Unit("power", 1e3),
    "JOU": Unit("energy", 1.0),
    "KWH": Unit("energy", 3.6e6),
}


def in_base(value: float, uom: str) -> tuple[str, float]:
    """Give the dimension of `uom` and `value` in that dimension's base unit."""
    unit = UNITS.get(uom)
    if unit is None:
        return uom, value
    return unit.dimension, round(value * unit.factor + unit.offset, 9)
