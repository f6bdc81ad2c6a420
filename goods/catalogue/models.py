"""Tables of the catalogue: what can be sold, in which packs, at which price, with which papers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class Category(Base):
    """A shelf of the storefront and a line of the dashboards."""

    __tablename__ = "categories"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(30))
    name_en: Mapped[str] = mapped_column(String(60))
    illustration: Mapped[str] = mapped_column(String(40))
    ground: Mapped[str] = mapped_column(String(10))
    sort: Mapped[int]


class ComplianceClass(Base):
    """Which papers goods of this class must have on file before they are sold."""

    __tablename__ = "compliance_classes"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(200))
    must: Mapped[list[Any]] = mapped_column(JSON)
    retail: Mapped[bool] = mapped_column(default=True)


class ReturnPolicy(Base):
    """What a buyer may give back, and when the law wants a confirmation per purchase."""

    __tablename__ = "return_policies"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(240))
    confirm: Mapped[bool] = mapped_column(default=False)
    """The buyer must confirm in the purchase flow, else the seven-day right stands."""


class Product(Base):
    """An item as shown to buyers."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'unpublished')", "status"),
        Index("ix_products_listing", "status", "retail_visible", "category_code"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    county_code: Mapped[str] = mapped_column(ForeignKey("counties.code"), index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), index=True)
    compliance_code: Mapped[str] = mapped_column(ForeignKey("compliance_classes.code"))
    return_code: Mapped[str] = mapped_column(ForeignKey("return_policies.code"))
    trace_template: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(12))
    retail_visible: Mapped[bool] = mapped_column(default=True)
    brand_zh: Mapped[str] = mapped_column(String(40), default="")
    brand_en: Mapped[str] = mapped_column(String(80), default="")
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(120))
    summary_zh: Mapped[str] = mapped_column(String(200), default="")
    summary_en: Mapped[str] = mapped_column(String(400), default="")
    description_zh: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str] = mapped_column(Text, default="")
    ingredients_zh: Mapped[str] = mapped_column(String(200), default="")
    ingredients_en: Mapped[str] = mapped_column(String(400), default="")
    allergens_zh: Mapped[str] = mapped_column(String(100), default="")
    """What the label warns of (GB 7718-2025 makes it a duty); empty: nothing is stated here."""
    allergens_en: Mapped[str] = mapped_column(String(200), default="")
    storage_zh: Mapped[str] = mapped_column(String(100), default="")
    storage_en: Mapped[str] = mapped_column(String(200), default="")
    storage_class: Mapped[str] = mapped_column(String(10), default="ambient")
    origin_zh: Mapped[str] = mapped_column(String(100), default="")
    origin_en: Mapped[str] = mapped_column(String(200), default="")
    standard: Mapped[str] = mapped_column(String(60), default="")
    shelf_life_days: Mapped[int | None]
    season_months: Mapped[list[Any]] = mapped_column(JSON, default=list)
    faq: Mapped[list[Any]] = mapped_column(JSON, default=list)
    illustration: Mapped[str] = mapped_column(String(40))
    ground: Mapped[str] = mapped_column(String(10))
    search_text: Mapped[str] = mapped_column(Text, default="")
    """Lower-case names, places and words of this product, for look-ups by fragment."""
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class Sku(Base):
    """A trade item with a GTIN: a pack that is sold, or a raw material that a pack is made from."""

    __tablename__ = "skus"
    __table_args__ = (
        CheckConstraint("price_fen >= 0", "price_not_negative"),
        CheckConstraint("tracking IN ('serial', 'lot', 'none')", "tracking"),
        CheckConstraint("stock_policy IN ('stocked', 'made_to_order', 'kit')", "stock_policy"),
        CheckConstraint("base_unit IN ('piece', 'g', 'mL')", "base_unit"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    gtin: Mapped[str] = mapped_column(String(14), unique=True)
    raw: Mapped[bool] = mapped_column(default=False)
    """A raw material: has lots and stock, is never on a shelf."""
    name_zh: Mapped[str] = mapped_column(String(60), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    """Only a raw material has a name of its own; a pack is named by its product."""
    spec_zh: Mapped[str] = mapped_column(String(40))
    spec_en: Mapped[str] = mapped_column(String(80))
    net_content: Mapped[int | None]
    net_unit: Mapped[str] = mapped_column(String(6), default="g")
    base_unit: Mapped[str] = mapped_column(String(6))
    tracking: Mapped[str] = mapped_column(String(8))
    stock_policy: Mapped[str] = mapped_column(String(14), default="stocked")
    tax_class: Mapped[str] = mapped_column(String(12), default="standard")
    weight_g: Mapped[int] = mapped_column(default=0)
    material_per_unit: Mapped[int | None]
    """How much raw material (in its base unit) one unit holds; the mass balance counts with it."""
    units_per_case: Mapped[int] = mapped_column(default=24)
    kit: Mapped[list[Any]] = mapped_column(JSON, default=list)
    price_fen: Mapped[int]
    price_version: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    sort: Mapped[int] = mapped_column(default=0)


class Price(Base):
    """One line of a SKU's price history."""

    __tablename__ = "prices"
    __table_args__ = (UniqueConstraint("sku_id", "version"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    version: Mapped[int]
    price_fen: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    valid_from: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Big)


insert_only(Price.__table__)  # type: ignore[arg-type]


class Certificate(Base):
    """A paper: licence, test report, conformity, quarantine or inspection certificate."""

    __tablename__ = "certificates"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    number: Mapped[str] = mapped_column(String(40), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    issuer_zh: Mapped[str] = mapped_column(String(80))
    issuer_en: Mapped[str] = mapped_column(String(120))
    issued_on: Mapped[date]
    valid_to: Mapped[date | None] = mapped_column(index=True)
    results: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Of a test report: [{name_zh, name_en, unit, value, limit, kind: max|min}]."""
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    file_key: Mapped[str | None] = mapped_column(String(80))
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Assortment(Base):
    """Which products one outlet carries; an outlet without rows carries all."""

    __tablename__ = "assortments"

    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    sort: Mapped[int] = mapped_column(default=0)
