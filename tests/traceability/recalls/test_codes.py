"""Whatever an official types finds what is to be recalled, or is refused with a sentence."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app import auditing
from foundation.db import Database
from foundation.errors import BadInput
from goods.stock.models import Hold, Lot
from parties.people.models import AuditEntry
from tests.factories import World, in_cases, make_lot, on_shelf, world
from traceability.recalls.codes import UnknownCode, find_target
from traceability.recalls.rules import Target


def test_labels_numbers_and_codes_of_every_kind_are_found(w: World) -> None:
    lot, serials = on_shelf(w, packs=3)
    (unit,) = in_cases(w, lot, cases=1, per_case=3)
    gtin, serial = w.sku.gtin, serials[0].serial
    item = f"https://id.gs1.org/01/{gtin}/21/{serial}"
    workshop = w.place("workshop")
    found = {
        f"(01){gtin}(10){lot.lot_no}": Target("lot", lot.id),
        f"https://any.example/01/{gtin}/10/{lot.lot_no}": Target("lot", lot.id),
        lot.lot_no.lower(): Target("lot", lot.id),
        item: Target("item", serials[0].id),
        unit.sscc: Target("lot", lot.id),
        w.supplier.code: Target("supplier", w.supplier.id),
        w.outlet.code: Target("place", w.outlet.place_id),
        str(workshop.gln): Target("place", workshop.id),
        f"https://id.gs1.org/414/{workshop.gln}": Target("place", workshop.id),
    }
    assert {code: find_target(w.session, code) for code in found} == found
    assert find_target(w.session, item, "lot") == Target("lot", lot.id)
    day = date(2026, 11, 1)
    assert find_target(w.session, w.outlet.code, since=day).since == day
    assert find_target(w.session, lot.lot_no, since=day).since is None


def test_what_nothing_has_or_several_have_is_refused(w: World) -> None:
    make_lot(w, packs=2)
    with pytest.raises(UnknownCode):
        find_target(w.session, "NEVER-MADE")
    with pytest.raises(UnknownCode):
        find_target(w.session, w.supplier.code, "lot")
    for code, scope in (("", None), ("x" * 3000, None), ("1", "moon")):
        with pytest.raises(BadInput):
            find_target(w.session, code, scope)
    first = make_lot(w, packs=2, lot_no="TWICE")
    raw = w.session.scalars(select(Lot).where(Lot.lot_no == "RTWICE")).one()
    raw.lot_no = first.lot_no
    w.session.flush()
    with pytest.raises(BadInput) as told:
        find_target(w.session, "TWICE")
    assert told.value.field == "code"


def test_the_command_drills_and_announces_nothing(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared.transaction() as session:
        lot_no = make_lot(world(session), packs=4).lot_no

    def opened(_url: str) -> Database:
        return Database(shared.bind)

    monkeypatch.setattr(auditing, "open_database", opened)
    done = CliRunner().invoke(auditing.recall, [lot_no, "--drill"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (done.exit_code, told["drill"]) == (0, True)
    assert told["totals"]["on_hand"] == {"piece": 4}
    assert [one["lot"] for one in told["made_from"]] == [f"R{lot_no}"]
    unknown = CliRunner().invoke(auditing.recall, ["NEVER-MADE", "--drill"])
    assert unknown.exit_code == 1
    assert json.loads(unknown.stdout)["error"] == "unknown_code"
    assert CliRunner().invoke(auditing.recall, [lot_no]).exit_code == 2
    with shared.reading() as session:
        assert session.scalars(select(Hold)).all() == []
        assert "drill_recall" in session.scalars(select(AuditEntry.verb)).all()
