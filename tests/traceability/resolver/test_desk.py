"""Looking after links: the verbs, and the pages of both doors."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import Database
from foundation.errors import NotAllowed, Refused
from parties.network.models import Organisation
from parties.people.models import AuditEntry
from parties.people.permissions import Actor, Grant, Role
from tests.databases import NOW
from tests.factories import World, actor, make_lot, on_shelf, world
from tests.factories.people import new_account, sign_in_as
from traceability.resolver.desk import named_path
from traceability.resolver.models import ResolverLink
from traceability.resolver.services import (
    LinkEntry,
    Whereabouts,
    change_link,
    register_link,
    retire_link,
)

HERE = Whereabouts("shanhuo.example.org", demo=False)
PAPERS = "https://papers.example.org/1"


@pytest.fixture
def w(session: Session) -> World:
    return world(session)


@pytest.fixture
def entry(w: World) -> LinkEntry:
    """A certificate for every pack of the world's product."""
    return LinkEntry((("01", w.sku.gtin),), "certificationInfo", PAPERS, "证书", "Certificate")


def owner(w: World) -> Actor:
    return actor(Role.SUPPLIER_OWNER, organisation_id=w.supplier.id)


def put(session: Session, entry: LinkEntry, who: Actor, **change: Any) -> ResolverLink:
    return register_link(session, replace(entry, **change), where=HERE, actor=who, now=NOW)


def standing(session: Session) -> int:
    query = select(func.count()).select_from(ResolverLink).where(ResolverLink.retired_at.is_(None))
    return session.scalar(query) or 0


def test_a_link_is_set_changed_and_taken_away_and_each_act_is_on_record(
    session: Session, w: World, entry: LinkEntry
) -> None:
    link = put(session, entry, owner(w))
    assert (link.path, link.organisation_id, link.role) == (
        f"/01/{w.sku.gtin}",
        w.supplier.id,
        "plain",
    )
    changed = replace(entry, title_zh="有机证书", media_type="application/pdf", hreflang="zh,en")
    change_link(session, link.id, changed, where=HERE, actor=owner(w), now=NOW)
    assert (link.title_zh, link.media_type, link.hreflang) == (
        "有机证书",
        "application/pdf",
        "zh,en",
    )
    retire_link(session, link.id, entry.path, actor=owner(w), now=NOW)
    assert standing(session) == 0
    verbs = session.scalars(
        select(AuditEntry.verb)
        .where(AuditEntry.object_type == "resolver_link")
        .order_by(AuditEntry.id)
    ).all()
    assert verbs == ["register_link", "change_link", "retire_link"]


def test_a_new_default_takes_the_old_ones_place(
    session: Session, w: World, entry: LinkEntry
) -> None:
    first = put(session, entry, owner(w), role="default")
    second = put(session, entry, owner(w), href="https://farm.example.org/", role="default")
    session.refresh(first)
    assert (first.role, second.role) == ("plain", "default")
    change_link(
        session, first.id, replace(entry, role="default"), where=HERE, actor=owner(w), now=NOW
    )
    session.refresh(second)
    assert (first.role, second.role) == ("default", "plain")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"href": "http://papers.example.org/"}, "link_unsafe"),
        ({"href": "javascript:alert(1)"}, "link_unsafe"),
        ({"href": "https://10.0.0.1/"}, "link_unsafe"),
        ({"href": "https://shanhuo.example.org/01/09520010100015"}, "link_unsafe"),
        ({"link_type": "epcis"}, "link_type_reserved"),
        ({"link_type": "nosuch"}, "bad_input"),
        ({"title_zh": "  "}, "bad_input"),
        ({"hreflang": "中文"}, "bad_input"),
        ({"role": "first"}, "bad_input"),
        ({"role": "variant"}, "bad_input"),
        ({"media_type": "pdf"}, "bad_input"),
        ({"active_until": NOW - timedelta(days=1)}, "bad_input"),
        ({}, "link_exists"),
    ],
)
def test_what_cannot_be_a_link_is_refused_and_nothing_changes(
    session: Session, w: World, entry: LinkEntry, change: dict[str, Any], code: str
) -> None:
    put(session, entry, owner(w))
    with pytest.raises(Refused) as refused:
        put(session, entry, owner(w), **change)
    assert refused.value.code == code
    assert standing(session) == 1


def test_lots_and_packs_must_exist_and_a_pack_is_named_by_its_serial_alone(
    session: Session, w: World, entry: LinkEntry
) -> None:
    lot = make_lot(w)
    assert (
        put(session, entry, owner(w), path=(*entry.path, ("10", lot.lot_no))).lot_no == lot.lot_no
    )
    for more in ((("10", "NOPE"),), (("21", "NOPE"),), (("10", lot.lot_no), ("21", "X"))):
        with pytest.raises(Refused):
            put(session, entry, owner(w), path=(*entry.path, *more))
    assert standing(session) == 1


def test_nobody_sets_links_for_the_goods_of_others(
    session: Session, w: World, entry: LinkEntry
) -> None:
    other = session.scalars(select(Organisation.id).where(Organisation.id != w.supplier.id)).first()
    stranger = actor(Role.SUPPLIER_OWNER, organisation_id=other)
    clerk = actor(Role.SUPPLIER_CLERK, organisation_id=w.supplier.id)
    link = put(session, entry, owner(w))
    foreign = replace(entry, path=(("01", "09506000134352"),))
    acts: list[Callable[[Actor], object]] = [
        lambda who: put(session, entry, who, href="https://a.example.org/"),
        lambda who: put(session, foreign, who),
        lambda who: change_link(session, link.id, entry, where=HERE, actor=who, now=NOW),
        lambda who: retire_link(session, link.id, entry.path, actor=who, now=NOW),
    ]
    for who in (stranger, clerk):
        for act in acts:
            with pytest.raises(NotAllowed):
                act(who)
    assert standing(session) == 1


def test_a_code_without_a_page_of_ours_keeps_a_default(session: Session, entry: LinkEntry) -> None:
    operator = actor(Role.OPERATOR)
    place, part = (("414", "9520123456788"),), (("414", "9520123456788"), ("254", "C12"))
    with pytest.raises(Refused) as refused:
        put(session, entry, operator, path=part)
    assert refused.value.code == "default_needed"
    first = put(session, entry, operator, path=place)
    assert first.role == "default"
    put(session, entry, operator, path=part)
    for act in (
        lambda: retire_link(session, first.id, place, actor=operator, now=NOW),
        lambda: change_link(
            session, first.id, replace(entry, path=place), where=HERE, actor=operator, now=NOW
        ),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "default_needed"
    assert (first.role, first.retired_at) == ("default", None)


def test_a_code_may_be_typed_in_every_way() -> None:
    item = (("01", "09520010100015"),)
    assert named_path("9520010100015") == item
    assert named_path("(01)09520010100015(10)A/1") == (*item, ("10", "A/1"))
    assert named_path("/01/09520010100015/10/A%2F1") == (*item, ("10", "A/1"))
    assert named_path("https://x.example/01/09520010100015/10/A/21/7?17=271231") == (
        *item,
        ("21", "7"),
    )
    assert named_path("(414)9520123456788") == (("414", "9520123456788"),)
    for wrong in ("", "hello", "/products/1", "https://x.example/"):
        with pytest.raises(Refused):
            named_path(wrong)


class Desk:
    """A supplier's owner and an operator, each in a browser, and a jar on a shelf."""

    def __init__(self, web: Flask, database: Database) -> None:
        self.database = database
        with database.transaction() as session:
            w = world(session)
            lot, serials = on_shelf(w, packs=2, now=clock.now() - timedelta(days=1))
            self.gtin, self.lot_no, self.serial = w.sku.gtin, lot.lot_no, serials[0].serial
            grants = (
                Grant(Role.SUPPLIER_OWNER, organisation_id=w.supplier.id),
                Grant(Role.OPERATOR),
            )
            people = [new_account(session, g, email=f"{g.role}@a.example").id for g in grants]
        self.owner, self.operator = (self._browser(web, one) for one in people)

    def _browser(self, web: Flask, account_id: int) -> FlaskClient:
        client = web.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html,*/*;q=0.8"
        sign_in_as(client, self.database, account_id)
        return client


@pytest.fixture
def desk(web: Flask, database: Database) -> Desk:
    return Desk(web, database)


def sent(**given: str) -> dict[str, str]:
    return {
        "key": "k" * 32,
        "link_type": "certificationInfo",
        "href": PAPERS,
        "title_zh": "证书",
        "title_en": "",
        "role": "plain",
        **given,
    }


def test_a_cooperative_tries_a_code_sets_a_link_changes_it_and_takes_it_away(
    desk: Desk, client: FlaskClient
) -> None:
    jar = f"/01/{desk.gtin}/10/{desk.lot_no}/21/{desk.serial}"
    seen = desk.owner.get("/coop/links", query_string={"code": jar}).text
    assert "我们自己的页面" in seen
    assert f"/t/01/{desk.gtin}/21/{desk.serial}" in seen
    form = sent(code=f"(01){desk.gtin}(10){desk.lot_no}", role="default", active_until="2099-12-31")
    answer = desk.owner.post("/coop/links/new", data=form)
    again = desk.owner.post("/coop/links/new", data=form)
    assert (answer.status_code, again.status_code) == (303, 303)
    page = desk.owner.get(answer.location).text
    assert PAPERS in page
    assert "扫码先开这个" in page
    with desk.database.reading() as session:
        [link] = session.scalars(select(ResolverLink)).all()
    assert client.get(f"/01/{desk.gtin}/10/{desk.lot_no}").location == PAPERS
    assert client.get(jar).status_code == 200
    edit = desk.owner.get(f"/coop/links/{link.id}").text
    assert 'value="2099-12-31"' in edit
    change = sent(title_zh="新证书", href="https://papers.example.org/2")
    assert desk.owner.post(f"/coop/links/{link.id}", data=change).status_code == 303
    assert "新证书" in desk.operator.get("/office/links").text
    assert client.get(f"/01/{desk.gtin}/10/{desk.lot_no}").status_code == 200
    assert desk.owner.post(f"/coop/links/{link.id}/retire").status_code == 303
    assert "新证书" not in desk.owner.get("/coop/links").text
    assert "新证书" in desk.owner.get("/coop/links?state=retired").text
    assert desk.owner.get(f"/coop/links/{link.id}").status_code == 404


def test_a_wrong_entry_is_shown_again_with_its_reason(desk: Desk) -> None:
    for given, words in (
        ({"code": desk.gtin, "href": "javascript:alert(1)"}, "https://"),
        ({"code": "hello"}, "读不出来"),
        ({"code": "(01)09506000134352"}, "不能"),
        ({"code": desk.gtin, "active_from": "soon"}, "日期"),
    ):
        answer = desk.owner.post("/coop/links/new", data=sent(**given))
        assert answer.status_code in {400, 403}, given
        assert words in answer.text or answer.status_code == 403
        assert PAPERS in answer.text or "href" in given or answer.status_code == 403
    with desk.database.reading() as session:
        assert standing(session) == 0


def test_an_operator_sets_a_link_for_a_place_of_nobody(desk: Desk, client: FlaskClient) -> None:
    given = sent(
        code="(414)9520123456788", link_type="locationInfo", href="https://farm.example.org/"
    )
    assert desk.operator.post("/office/links/new", data=given).status_code == 303
    assert client.get("/414/9520123456788/254/C1").location == "https://farm.example.org/"
    page = desk.operator.get("/office/links?q=9520123456788&type=locationInfo").text
    assert "https://farm.example.org/" in page
    assert "9520123456788" not in desk.owner.get("/coop/links").text
    assert desk.operator.get("/office/links?q=%25").status_code == 200


def test_links_are_found_from_the_pages_of_product_and_lot(desk: Desk) -> None:
    assert "/coop/links" in desk.owner.get("/coop/me").text
    with desk.database.reading() as session:
        from goods.stock.models import Lot

        lot_id = session.scalars(select(Lot.id).where(Lot.lot_no == desk.lot_no)).one()
    assert "/coop/links?code=" in desk.owner.get(f"/coop/lots/{lot_id}").text
    assert "/office/links" in desk.operator.get("/office/").text
