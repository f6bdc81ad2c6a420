"""Identifiers of events as they are indexed, and which of them are our own goods and places."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Place
from traceability.epcis import identity

LONGEST: Final = 300
_SERIAL: Final = re.compile(r"https://id\.gs1\.org/01/(\d{14})/21/([^/?]+)")
_LOT: Final = re.compile(r"https://id\.gs1\.org/01/(\d{14})/10/([^/?]+)")
_UNIT: Final = re.compile(r"https://id\.gs1\.org/00/(\d{18})")
_PLACE: Final = re.compile(r"https://id\.gs1\.org/414/(\d{13})")
_AT_ONCE: Final = 400


@lru_cache(maxsize=65536)
def canonical(uri: str) -> str:
    """Give an identifier in its one form; what GS1 gives no form stays as it came."""
    return identity.canonical(uri)[:LONGEST]


class KnownSerial(NamedTuple):
    """A serialised unit of ours."""

    id: int
    lot_id: int
    place_id: int
    state: str


class KnownLot(NamedTuple):
    """A lot of ours."""

    id: int
    sku_id: int
    gtin: str
    lot_no: str
    base_unit: str
    organisation_id: int


class KnownUnit(NamedTuple):
    """A case of ours."""

    id: int
    lot_id: int
    quantity: int
    place_id: int
    state: str


class KnownPlace(NamedTuple):
    """A place of the network."""

    id: int
    gln: str | None
    organisation_id: int


@dataclass(slots=True)
class Known:
    """What of a set of identifiers is ours, by canonical form."""

    serials: dict[str, KnownSerial] = field(default_factory=dict)
    lots: dict[str, KnownLot] = field(default_factory=dict)
    units: dict[str, KnownUnit] = field(default_factory=dict)
    places: dict[str, KnownPlace] = field(default_factory=dict)
    lots_by_id: dict[int, KnownLot] = field(default_factory=dict)


LOT_COLUMNS = (Lot.id, Lot.sku_id, Sku.gtin, Lot.lot_no, Sku.base_unit, Lot.organisation_id)


def known(session: Session, uris: Iterable[str]) -> Known:
    """Look up which of these canonical identifiers name our own goods, cases and places."""
    asked = _Asked()
    for uri in uris:
        asked.sort_in(uri)
    found = Known()
    _find_serials(session, asked.serials, found)
    _find_units(session, asked.units, found)
    _find_lots(session, asked.lots, found)
    _find_places(session, asked.places, found)
    inside = {one.lot_id for one in found.serials.values()}
    inside |= {one.lot_id for one in found.units.values()}
    for some in _parts(sorted(inside - found.lots_by_id.keys())):
        for row in session.execute(
            select(*LOT_COLUMNS).join(Sku, Sku.id == Lot.sku_id).where(Lot.id.in_(some))
        ):
            found.lots_by_id[row[0]] = KnownLot(*row)
    return found


@dataclass(slots=True)
class _Asked:
    """Identifiers by kind, each with the address that it came as."""

    serials: dict[tuple[str, str], str] = field(default_factory=dict)
    lots: dict[tuple[str, str], str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def sort_in(self, uri: str) -> None:
        """Put one identifier where it belongs."""
        if match := _SERIAL.fullmatch(uri):
            self.serials[match[1], unquote(match[2])] = uri
        elif match := _LOT.fullmatch(uri):
            self.lots[match[1], unquote(match[2])] = uri
        elif match := _UNIT.fullmatch(uri):
            self.units[match[1]] = uri
        elif match := _PLACE.fullmatch(uri):
            self.places[match[1]] = uri


def _find_serials(session: Session, asked: dict[tuple[str, str], str], found: Known) -> None:
    columns = (Sku.gtin, Serial.serial, Serial.id, Serial.lot_id, Serial.place_id, Serial.state)
    for some in _parts(list(asked)):
        rows = session.execute(
            select(*columns)
            .join(Sku, Sku.id == Serial.sku_id)
            .where(tuple_(Sku.gtin, Serial.serial).in_(some))
        )
        for gtin, serial, *rest in rows:
            found.serials[asked[gtin, serial]] = KnownSerial(*rest)


def _find_units(session: Session, asked: dict[str, str], found: Known) -> None:
    unit = LogisticUnit
    columns = (unit.sscc, unit.id, unit.lot_id, unit.quantity, unit.place_id, unit.state)
    for some in _parts(list(asked)):
        for sscc, *rest in session.execute(select(*columns).where(unit.sscc.in_(some))):
            found.units[asked[sscc]] = KnownUnit(*rest)


def _find_lots(session: Session, asked: dict[tuple[str, str], str], found: Known) -> None:
    for some in _parts(list(asked)):
        for row in session.execute(
            select(*LOT_COLUMNS)
            .join(Sku, Sku.id == Lot.sku_id)
            .where(tuple_(Sku.gtin, Lot.lot_no).in_(some))
        ):
            lot = KnownLot(*row)
            found.lots[asked[lot.gtin, lot.lot_no]] = lot
            found.lots_by_id[lot.id] = lot


def _find_places(session: Session, asked: dict[str, str], found: Known) -> None:
    for some in _parts(list(asked)):
        for row in session.execute(
            select(Place.id, Place.gln, Place.organisation_id).where(Place.gln.in_(some))
        ):
            place = KnownPlace(*row)
            found.places[asked[place.gln or ""]] = place


def _parts(wanted: Sequence[object]) -> Iterator[Sequence[object]]:
    for first in range(0, len(wanted), _AT_ONCE):
        yield wanted[first : first + _AT_ONCE]
