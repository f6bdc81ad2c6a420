"""Verbs of the network: everything of a region comes in as data, and again without harm."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound
from parties.network.models import (
    County,
    Organisation,
    Outlet,
    OutletStatusChange,
    Place,
    PlanPeriod,
    PlanTarget,
    Region,
    Town,
)
from parties.network.rules import STATUSES, check_outlet, read_gln, read_uscc
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope

Row = Mapping[str, Any]


def import_region(session: Session, row: Row, *, actor: Actor, now: datetime) -> None:
    """Take in the region itself: its name, map and default online outlet."""
    actor.must(Can.MANAGE_NETWORK)
    city = row["city"]
    session.merge(
        Region(
            code=city["code"],
            name_zh=city["name_zh"],
            name_en=city["name_en"],
            site_zh=row["site_name_zh"],
            site_en=row["site_name_en"],
            view_box=city["view_box"],
            map_note_zh=row.get("map_note_zh", ""),
            map_note_en=row.get("map_note_en", ""),
            default_outlet_code=row["default_online_outlet"],
            gs1_prefix=row["gs1_demo_prefix"],
        )
    )
    audit(session, "import_region", "region", city["code"], actor=actor, now=now)


def import_plan(session: Session, row: Row, *, actor: Actor, now: datetime) -> PlanPeriod:
    """Take in one version of a plan; the same version again replaces its targets' texts only."""
    actor.must(Can.MANAGE_NETWORK)
    if sum(target["count"] for target in row["targets"]) != row["total"]:
        raise BadInput("The targets do not add up to the plan's total", field="total")
    plan = session.scalar(
        select(PlanPeriod).where(
            PlanPeriod.code == row["code"], PlanPeriod.version == row["version"]
        )
    )
    if plan is None:
        plan = PlanPeriod(
            code=row["code"],
            version=row["version"],
            title_zh=row["title_zh"],
            title_en=row["title_en"],
            source=row["source"],
            issued_on=date.fromisoformat(row["issued_on"]),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]),
            total=row["total"],
        )
        session.add(plan)
        session.flush()
    for sort, target in enumerate(row["targets"]):
        session.merge(
            PlanTarget(
                plan_id=plan.id,
                tier=target["tier"],
                count=target["count"],
                sort=sort,
                name_zh=target["name_zh"],
                name_en=target["name_en"],
            )
        )
    audit(
        session, "import_plan", "plan", plan.id, actor=actor, now=now, after={"total": plan.total}
    )
    return plan


def import_counties(session: Session, rows: Iterable[Row], *, actor: Actor) -> int:
    """Take in counties; give how many."""
    actor.must(Can.MANAGE_NETWORK)
    names = [
        "code",
        "name_zh",
        "name_en",
        "short_zh",
        "short_en",
        "plan_class",
        "specialities",
        "map_order",
        "shape",
        "label_x",
        "label_y",
    ]
    return _merge_all(session, (County(**{n: row[n] for n in names}) for row in rows))


def import_towns(session: Session, rows: Iterable[Row], *, actor: Actor) -> int:
    """Take in towns; give how many."""
    actor.must(Can.MANAGE_NETWORK)
    return _merge_all(
        session,
        (
            Town(
                code=row["code"],
                county_code=row["county_code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
            )
            for row in rows
        ),
    )


def _merge_all(session: Session, rows: Iterable[County | Town]) -> int:
    count = 0
    for row in rows:
        session.merge(row)
        count += 1
    session.flush()
    return count


def import_organisations(
    session: Session, rows: Iterable[Row], *, actor: Actor, now: datetime
) -> int:
    """Take in organisations by code; raise BadInput for a wrong USCC. Gives how many."""
    actor.must(Can.MANAGE_NETWORK)
    known = {o.code: o for o in session.scalars(select(Organisation))}
    count = 0
    for row in rows:
        organisation = known.get(row["code"]) or Organisation(code=row["code"])
        organisation.kind = row["kind"]
        organisation.role = row.get("role", "supplier")
        organisation.uscc = read_uscc(row["uscc"])
        for name in ("name_zh", "name_en", "short_zh", "short_en"):
            setattr(organisation, name, row[name])
        organisation.story_zh = row.get("story_zh") or ""
        organisation.story_en = row.get("story_en") or ""
        organisation.county_code = row.get("county")
        organisation.town_code = row.get("town")
        organisation.food_licence = row.get("food_licence")
        organisation.member_households = row.get("member_households") or 0
        organisation.linked_households = row.get("linked_households") or 0
        organisation.aid_mechanisms = list(row.get("aid_mechanisms") or [])
        organisation.demo = bool(row.get("demo"))
        session.add(organisation)
        count += 1
    session.flush()
    audit(
        session,
        "import_organisations",
        "network",
        "organisations",
        actor=actor,
        now=now,
        after={"rows": count},
    )
    return count


def organisation_ids(session: Session) -> dict[str, int]:
    """Give every organisation's id by its code."""
    return dict(session.execute(select(Organisation.code, Organisation.id)).tuples().all())


def import_places(session: Session, rows: Iterable[Row], *, actor: Actor, now: datetime) -> int:
    """Take in suppliers' places by GLN; raise BadInput for a wrong GLN. Gives how many."""
    actor.must(Can.MANAGE_NETWORK)
    owners = organisation_ids(session)
    known = {p.gln: p for p in session.scalars(select(Place).where(Place.gln.is_not(None)))}
    count = 0
    for row in rows:
        _place(session, known, row, owners[row["organisation"]], row["kind"])
        count += 1
    session.flush()
    audit(
        session, "import_places", "network", "places", actor=actor, now=now, after={"rows": count}
    )
    return count


def _place(
    session: Session, known: Mapping[str | None, Place], row: Row, owner: int, kind: str
) -> Place:
    gln = read_gln(row["gln"])
    place = known.get(gln) or Place(gln=gln)
    place.kind, place.organisation_id = kind, owner
    place.name_zh, place.name_en = row["name_zh"], row["name_en"]
    place.county_code, place.town_code = row.get("county"), row.get("town")
    place.address_zh = row.get("address_zh") or ""
    place.address_en = row.get("address_en") or ""
    session.add(place)
    return place


def import_outlets(session: Session, rows: Iterable[Row], *, actor: Actor, now: datetime) -> int:
    """Take in the registry of outlets by code, each with its place and history. Gives how many."""
    actor.must(Can.MANAGE_NETWORK)
    owners = organisation_ids(session)
    places = {p.gln: p for p in session.scalars(select(Place).where(Place.gln.is_not(None)))}
    known = {o.code: o for o in session.scalars(select(Outlet))}
    listed = list(rows)
    for row in listed:
        check_outlet(dict(row))
        _place(session, places, row, owners[row["operator"]], "outlet")
    session.flush()
    places = {p.gln: p for p in session.scalars(select(Place).where(Place.kind == "outlet"))}
    for row in listed:
        fresh = row["code"] not in known
        outlet = known.get(row["code"]) or Outlet(code=row["code"])
        outlet.place_id = places[row["gln"]].id
        outlet.operator_id = owners[row["operator"]]
        for name in ("slug", "tier", "level", "mode", "counter_type", "name_zh", "name_en"):
            setattr(outlet, name, row.get(name))
        outlet.county_code = row.get("county")
        outlet.venue, outlet.hours = row.get("venue") or "", row.get("hours") or ""
        outlet.story_zh, outlet.story_en = row.get("story_zh") or "", row.get("story_en") or ""
        outlet.demo = bool(row.get("demo"))
        if fresh:
            outlet.status = row["status"]
            session.add(outlet)
    session.flush()
    for row in listed:
        if row["code"] not in known:
            for change in row.get("history") or ():
                session.add(
                    OutletStatusChange(
                        place_id=places[row["gln"]].id,
                        status=change["status"],
                        changed_on=date.fromisoformat(change["on"]),
                        recorded_at=now,
                        actor_id=actor.id,
                    )
                )
    session.flush()
    audit(
        session,
        "import_outlets",
        "network",
        "outlets",
        actor=actor,
        now=now,
        after={"rows": len(listed)},
    )
    return len(listed)


def change_outlet_status(
    session: Session, place_id: int, status: str, *, on: date, actor: Actor, now: datetime
) -> Outlet:
    """Open, pause or close an outlet; its history is kept. May raise BadInput, NotFound."""
    outlet = session.get(Outlet, place_id, with_for_update=True)
    if outlet is None:
        raise NotFound("There is no such outlet")
    actor.must(Can.MANAGE_NETWORK, Scope(outlet.operator_id, place_id, outlet.county_code))
    if status not in STATUSES:
        raise BadInput("The status must be planned, open, paused or closed", field="status")
    before = outlet.status
    if before == status:
        return outlet
    outlet.status = status
    session.add(
        OutletStatusChange(
            place_id=place_id, status=status, changed_on=on, recorded_at=now, actor_id=actor.id
        )
    )
    audit(
        session,
        "change_outlet_status",
        "outlet",
        place_id,
        actor=actor,
        now=now,
        before={"status": before},
        after={"status": status},
    )
    return outlet
