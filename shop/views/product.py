"""One product's page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.web import reading
from goods.catalogue.queries import facts
from parties.people.guards import open_to_all
from shop.frame import shop
from shop.queries import goods
from shop.words import MOST_STEPS
from traceability.queries import template_of
from trade.orders.rules import MOST_QUANTITY, Freight, method_for


class Freighted(NamedTuple):
    """How a parcel with this product travels and what that costs, in fen."""

    method: str
    fee_fen: int
    free_from_fen: int | None


class Step(NamedTuple):
    """One step of the lot on sale that has been recorded."""

    name_zh: str
    name_en: str
    at: datetime


@open_to_all
def product(code: str) -> ResponseReturnValue:
    """Show a product: packs, price, stock, papers, the lot on sale, its supplier."""
    today = clock.business_date(clock.now())
    with reading() as session:
        found = facts(session, code)
        packs = goods.packs_of(session, [found.id], today=today).get(found.id) if found else None
        if found is None or not packs:
            raise NotFound("There is no such product, or it is not on sale any more")
        pack = _chosen(packs, request.args.get("sku", ""))
        lot = goods.lot_on_sale(session, pack.id, today=today)
        steps: list[Step] = []
        records = 0
        if lot is not None:
            progress = goods.progress_of(session, lot.id)
            known = _template_steps(session, lot.template, lot.template_version)
            steps, records = _steps(known, progress.begun), progress.records
    return render_template(
        "shop/product.html",
        product=found,
        packs=packs,
        pack=pack,
        lot=lot,
        steps=steps,
        records=records,
        freight=_freight(found.storage_class),
        most=min(MOST_QUANTITY, pack.free),
        typed=request.args.get("n", "1")[:6],
    )


def _chosen(packs: list[goods.Pack], asked: str) -> goods.Pack:
    """Give the pack asked for, else the first one that can be had, else the first."""
    named = next((pack for pack in packs if pack.code == asked), None)
    return named or next((pack for pack in packs if pack.free), packs[0])


def _freight(storage_class: str) -> Freighted:
    freight: Freight = shop().terms.freight
    method = method_for("courier", [storage_class], freight)
    return Freighted(method, freight.fee[method], freight.free_from[method])


def _template_steps(session: Session, code: str, version: int) -> tuple[dict[str, Any], ...]:
    known = shop().steps
    key = (code, version)
    if key not in known:
        known[key] = tuple(
            {name: step[name] for name in ("step", "name_zh", "name_en")}
            for step in template_of(session, code, version).steps
            if step["by"] == "supplier"  # what shops did with other pieces is not this one's way
        )
    return known[key]


def _steps(known: tuple[dict[str, Any], ...], begun: Mapping[str, datetime]) -> list[Step]:
    """Give the recorded steps in the order in which they happened: the first, and the newest."""
    done = [
        Step(step["name_zh"], step["name_en"], begun[step["step"]])
        for step in known
        if step["step"] in begun
    ]
    done.sort(key=_when)
    return done if len(done) <= MOST_STEPS else [done[0], *done[-(MOST_STEPS - 1) :]]


def _when(step: Step) -> datetime:
    return step.at


def hang(bp: Blueprint) -> None:
    """Give this page its address."""
    bp.add_url_rule("/p/<code>", "product", product)
