"""Verbs of the catalogue."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.clock import business_date
from foundation.errors import BadInput, Named, NotFound, Refused
from goods.catalogue.demands import demands_of
from goods.catalogue.models import (
    Assortment,
    Category,
    Certificate,
    ComplianceClass,
    Price,
    Product,
    ReturnPolicy,
    Sku,
)
from goods.catalogue.rules import check_product, read_gtin, refuse_claims, search_text
from parties.network.models import County, Organisation
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope

Row = Mapping[str, Any]

LONGEST_TEXT = 1500
PAPER_ON_FILE = (
    "food_licence",
    "business_licence",
    "test_report",
    "conformity_certificate",
    "quarantine_certificate",
    "meat_inspection_certificate",
)
"""Kinds of papers that a supplier may put on file by itself."""

PRODUCT_TEXTS = [
    "name_zh",
    "name_en",
    "summary_zh",
    "summary_en",
    "description_zh",
    "description_en",
    "ingredients_zh",
    "ingredients_en",
    "allergens_zh",
    "allergens_en",
    "storage_zh",
    "storage_en",
    "origin_zh",
    "origin_en",
    "standard",
]


CLAIMING_TEXTS = [name for name in PRODUCT_TEXTS if name.startswith(("name", "summary", "desc"))]


class PapersMissing(Refused):
    """A paper or text that this class of goods must have is not on file."""

    code = "papers_missing"


class ImportRefused(Refused):
    """One row of an upload is wrong; nothing of the upload was taken in."""

    code = "import_refused"
    status = 400


def import_classes(
    session: Session,
    *,
    categories: Iterable[Row],
    compliance: Iterable[Row],
    returns: Iterable[Row],
    actor: Actor,
) -> None:
    """Take in categories, compliance classes and return policies by code."""
    actor.must(Can.MANAGE_NETWORK)
    names = ("code", "name_zh", "name_en", "illustration", "ground", "sort")
    for row in categories:
        session.merge(Category(**{name: row[name] for name in names}))
    for row in compliance:
        session.merge(
            ComplianceClass(
                code=row["code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                must=list(row.get("must") or ()),
                retail=bool(row.get("retail", True)),
            )
        )
    for row in returns:
        session.merge(
            ReturnPolicy(
                code=row["code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                confirm=bool(row.get("confirm_per_purchase")),
            )
        )
    session.flush()


def import_products(
    session: Session, rows: Iterable[Row], *, actor: Actor, now: datetime, publish: bool = False
) -> list[Product]:
    """Take in products with their packs, as a cooperative uploads them; all or none.

    A known product code is updated; a known pack keeps its price history. Raises ImportRefused
    naming the product and the field, NotAllowed for another supplier's goods.
    """
    suppliers = {o.code: o for o in session.scalars(select(Organisation))}
    counties = {c.code: c for c in session.scalars(select(County))}
    categories = {c.code: c for c in session.scalars(select(Category))}
    known = {p.code: p for p in session.scalars(select(Product))}
    taken: list[Product] = []
    for row in rows:
        try:
            check_product(row)
            words = _words(row, suppliers, counties, categories)
            before = _own_before(known.get(row["code"]), words[2], actor)
            product = _take_in(session, row, before, words, actor=actor, now=now, publish=publish)
        except BadInput as refusal:
            raise ImportRefused(
                "Product %(product)s, field %(name)s: %(why)s",
                field=refusal.field,
                product=row.get("code", "?"),
                name=refusal.field or "?",
                why=refusal,
            ) from refusal
        taken.append(product)
    session.flush()
    return taken


def _words(
    row: Row,
    suppliers: Mapping[str, Organisation],
    counties: Mapping[str, County],
    categories: Mapping[str, Category],
) -> tuple[County, Category, Organisation]:
    county, category = counties.get(row["county"]), categories.get(row["category"])
    supplier = suppliers.get(str(row.get("supplier")))
    if supplier is None:
        raise BadInput("This supplier is unknown", field="supplier")
    if county is None or category is None:
        raise BadInput("This county or category is unknown", field="category")
    return county, category, supplier


def _own_before(before: Product | None, supplier: Organisation, actor: Actor) -> Product | None:
    _must_manage(actor, supplier)
    if before is not None and before.supplier_id != supplier.id:
        raise BadInput("This code belongs to another supplier's product", field="code")
    return before


def _must_manage(actor: Actor, supplier: Organisation) -> None:
    scope = Scope(organisation_id=supplier.id, county_code=supplier.county_code)
    if not actor.can(Can.APPROVE_PRODUCT, scope):
        actor.must(Can.MANAGE_CATALOGUE, scope)


def _take_in(
    session: Session,
    row: Row,
    before: Product | None,
    words: tuple[County, Category, Organisation],
    *,
    actor: Actor,
    now: datetime,
    publish: bool,
) -> Product:
    county, category, supplier = words
    product = before or Product(code=row["code"], status="draft", created_at=now)
    product.supplier_id, product.county_code = supplier.id, county.code
    product.category_code = category.code
    product.compliance_code, product.return_code = row["compliance_class"], row["return_policy"]
    product.trace_template = row["trace_template"]
    product.retail_visible = bool(row.get("retail_visible", True))
    product.brand_zh, product.brand_en = row.get("brand") or "", row.get("brand_en") or ""
    for name in PRODUCT_TEXTS:
        setattr(product, name, row.get(name) or "")
    product.storage_class = row.get("storage_class") or "ambient"
    product.shelf_life_days = row.get("shelf_life_days")
    product.season_months = list(row.get("season_months") or ())
    product.faq = list(row.get("faq") or ())
    product.illustration = row.get("illustration") or category.illustration
    product.ground = row.get("ground") or category.ground
    product.demo = bool(row.get("demo"))
    product.search_text = _search_text(product, county, category, supplier)
    if publish and product.status != "published":
        product.status, product.published_at = "published", now
    session.add(product)
    session.flush()
    for sort, sku in enumerate(row["skus"]):
        _take_in_sku(session, product, sku, sort, actor=actor, now=now)
    if raw := row.get("raw"):
        named = {**raw, "spec_zh": "散装", "spec_en": "bulk", "price_fen": 0, "raw": True}
        _take_in_sku(session, product, named, 99, actor=actor, now=now)
    audit(
        session,
        "import_product",
        "product",
        product.id,
        actor=actor,
        now=now,
        after={"code": product.code, "status": product.status, "packs": len(row["skus"])},
    )
    return product


def _search_text(
    product: Product, county: County, category: Category, supplier: Organisation
) -> str:
    return search_text(
        [
            product.code,
            product.name_zh,
            product.name_en,
            product.brand_zh,
            product.summary_zh,
            county.name_zh,
            county.name_en,
            category.name_zh,
            category.name_en,
            supplier.short_zh,
            supplier.short_en,
            product.origin_zh,
        ]
    )


def _take_in_sku(
    session: Session, product: Product, row: Row, sort: int, *, actor: Actor, now: datetime
) -> None:
    gtin = read_gtin(str(row["gtin"]))
    sku = session.scalar(select(Sku).where(Sku.code == row["code"]))
    if sku is not None and sku.product_id != product.id:
        raise BadInput("This code belongs to another product's pack", field="code")
    taken = session.scalar(select(Sku.code).where(Sku.gtin == gtin))
    if taken not in (None, row["code"]):
        raise BadInput("This GTIN is already used by %(other)s", field="gtin", other=taken)
    fresh = sku is None
    sku = sku or Sku(code=row["code"], product_id=product.id, price_fen=row["price_fen"])
    sku.gtin, sku.raw, sku.sort = gtin, bool(row.get("raw")), sort
    sku.name_zh, sku.name_en = row.get("name_zh") or "", row.get("name_en") or ""
    sku.spec_zh, sku.spec_en = row["spec_zh"], row["spec_en"]
    sku.net_content, sku.net_unit = row.get("net_content_value"), row.get("net_content_unit") or "g"
    sku.base_unit, sku.tracking = row["base_unit"], row["tracking"]
    sku.stock_policy = row.get("stock_policy") or "stocked"
    sku.tax_class = row.get("tax_class") or "standard"
    sku.weight_g = row.get("weight_g") or 0
    sku.material_per_unit = (row.get("material_per_unit") or {}).get("value")
    sku.units_per_case = row.get("units_per_case") or 24
    sku.kit = list(row.get("kit") or ())
    sku.active = True
    session.add(sku)
    session.flush()
    if fresh:
        _price_line(session, sku, 1, row["price_fen"], actor=actor, now=now)
    elif sku.price_fen != row["price_fen"]:
        _reprice(session, sku, row["price_fen"], actor=actor, now=now)


def _price_line(
    session: Session, sku: Sku, version: int, price_fen: int, *, actor: Actor, now: datetime
) -> None:
    sku.price_fen, sku.price_version = price_fen, version
    session.add(
        Price(
            sku_id=sku.id,
            version=version,
            price_fen=price_fen,
            currency="CNY",
            valid_from=now,
            actor_id=actor.id,
        )
    )
    session.flush()


def _reprice(session: Session, sku: Sku, price_fen: int, *, actor: Actor, now: datetime) -> None:
    before = sku.price_fen
    _price_line(session, sku, sku.price_version + 1, price_fen, actor=actor, now=now)
    audit(
        session,
        "set_price",
        "sku",
        sku.id,
        actor=actor,
        now=now,
        before={"price_fen": before},
        after={"price_fen": price_fen, "version": sku.price_version},
    )


def set_price(session: Session, sku_id: int, price_fen: int, *, actor: Actor, now: datetime) -> Sku:
    """Give a pack a new price from now on; the history keeps the old one."""
    sku, supplier = _own_sku(session, sku_id)
    _must_manage(actor, supplier)
    if not 0 < price_fen <= 100_000_000:  # noqa: PLR2004 -- a million yuan
        raise BadInput("A price is a whole number of fen above nought", field="price_fen")
    if sku.price_fen != price_fen:
        _reprice(session, sku, price_fen, actor=actor, now=now)
    return sku


def _own_sku(session: Session, sku_id: int) -> tuple[Sku, Organisation]:
    sku = session.get(Sku, sku_id, with_for_update=True)
    if sku is None:
        raise NotFound("There is no such product")
    product = session.get_one(Product, sku.product_id)
    return sku, session.get_one(Organisation, product.supplier_id)


def set_status(
    session: Session, product_id: int, status: str, *, actor: Actor, now: datetime
) -> Product:
    """Publish a product or take it off the shelf.

    Raises BadInput, also for a word that ordinary food may not be sold with, PapersMissing when
    the compliance class demands what is not on file, NotFound, NotAllowed.
    """
    product = session.get(Product, product_id, with_for_update=True)
    if product is None:
        raise NotFound("There is no such product")
    if status not in {"published", "unpublished"}:
        raise BadInput("A product is published or taken off", field="status")
    supplier = session.get_one(Organisation, product.supplier_id)
    _must_manage(actor, supplier)
    if status == "published" and product.status != "published":
        refuse_claims(*(getattr(product, name) for name in CLAIMING_TEXTS))
        for demand in demands_of(session, product, supplier, today=business_date(now)):
            if demand.state == "missing":
                raise PapersMissing(
                    "Before this is sold we need: %(paper)s",
                    field="status",
                    paper=Named(demand.name_zh, demand.name_en),
                )
    before, product.status = product.status, status
    if status == "published" and product.published_at is None:
        product.published_at = now
    audit(
        session,
        "set_status",
        "product",
        product.id,
        actor=actor,
        now=now,
        before={"status": before},
        after={"status": status},
    )
    session.flush()
    return product


def edit_texts(
    session: Session, product_id: int, texts: Mapping[str, str], *, actor: Actor, now: datetime
) -> Product:
    """Give a product other texts; `texts` names those of PRODUCT_TEXTS that change.

    Raises BadInput with the field for an empty name, a text that is too long or a word that
    ordinary food may not be sold with; NotFound, NotAllowed.
    """
    product = session.get(Product, product_id, with_for_update=True)
    if product is None:
        raise NotFound("There is no such product")
    supplier = session.get_one(Organisation, product.supplier_id)
    _must_manage(actor, supplier)
    changed: list[str] = []
    for name in PRODUCT_TEXTS:
        if name not in texts:
            continue
        text = texts[name].strip()
        if not text and name.startswith("name"):
            raise BadInput("Please fill in this field", field=name)
        longest = getattr(Product.__table__.c[name].type, "length", None) or LONGEST_TEXT
        if len(text) > longest:
            raise BadInput("Please keep this under %(most)s characters", field=name, most=longest)
        if name in CLAIMING_TEXTS:
            refuse_claims(text, field=name)
        if text != getattr(product, name):
            setattr(product, name, text)
            changed.append(name)
    if not changed:
        return product
    county = session.get_one(County, product.county_code)
    category = session.get_one(Category, product.category_code)
    product.search_text = _search_text(product, county, category, supplier)
    audit(
        session,
        "edit_texts",
        "product",
        product.id,
        actor=actor,
        now=now,
        after={"texts": changed},
    )
    session.flush()
    return product


class NewPaper(NamedTuple):
    """A paper that a supplier puts on file, of the organisation or of one product."""

    organisation_id: int
    kind: str
    number: str
    issuer: str
    issued_on: date
    valid_to: date | None = None
    product_id: int | None = None
    file_key: str | None = None


def add_certificate(
    session: Session, paper: NewPaper, *, actor: Actor, now: datetime
) -> Certificate:
    """Put a paper on file. Raises BadInput, NotFound, NotAllowed for another supplier."""
    supplier = session.get(Organisation, paper.organisation_id)
    if supplier is None:
        raise NotFound("There is no such organisation")
    _must_manage(actor, supplier)
    if paper.kind not in PAPER_ON_FILE:
        raise BadInput("Please choose one of the list", field="kind")
    if paper.issued_on > business_date(now):
        raise BadInput("This paper is dated in the future", field="issued_on")
    if paper.valid_to is not None and paper.valid_to < paper.issued_on:
        raise BadInput("This day is before the paper was issued", field="valid_to")
    owner = select(Product.supplier_id).where(Product.id == paper.product_id)
    if paper.product_id is not None and session.scalar(owner) != supplier.id:
        raise BadInput("Please choose one of the list", field="product_id")
    known = select(Certificate.id).where(
        Certificate.organisation_id == supplier.id,
        Certificate.kind == paper.kind,
        Certificate.number == paper.number,
    )
    if session.scalar(known.limit(1)) is not None:
        raise BadInput("A paper with this number is already on file", field="number")
    certificate = Certificate(
        kind=paper.kind,
        number=paper.number,
        organisation_id=supplier.id,
        product_id=paper.product_id,
        issuer_zh=paper.issuer,
        issuer_en=paper.issuer,
        issued_on=paper.issued_on,
        valid_to=paper.valid_to,
        results=[],
        fields={},
        file_key=paper.file_key,
        demo=supplier.demo,
        created_at=now,
    )
    session.add(certificate)
    session.flush()
    audit(
        session,
        "add_certificate",
        "certificate",
        certificate.id,
        actor=actor,
        now=now,
        after={"kind": paper.kind},
    )
    return certificate


def set_assortment(
    session: Session, place_id: int, product_ids: Iterable[int], *, actor: Actor, now: datetime
) -> int:
    """Say which products an outlet carries, in this order; give how many."""
    actor.must(Can.MANAGE_NETWORK)
    for old in session.scalars(select(Assortment).where(Assortment.place_id == place_id)):
        session.delete(old)
    session.flush()
    wanted = list(dict.fromkeys(product_ids))
    for sort, product_id in enumerate(wanted):
        session.add(Assortment(place_id=place_id, product_id=product_id, sort=sort))
    session.flush()
    audit(
        session,
        "set_assortment",
        "outlet",
        place_id,
        actor=actor,
        now=now,
        after={"products": len(wanted)},
    )
    return len(wanted)
