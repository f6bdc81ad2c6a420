"""Forms of the catalogue: texts, prices, and a file of products in JSON or CSV."""

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask_babel import gettext
from wtforms import FileField, StringField, TextAreaField

from cooperatives.forms.base import DeskForm, Needed
from foundation.errors import BadInput
from goods.catalogue.models import Product
from goods.catalogue.services import PRODUCT_TEXTS, ImportRefused

LONG: Final = frozenset({"description_zh", "description_en"})
MOST_PRODUCTS: Final = 200
MOST_BYTES: Final = 2 * 1024 * 1024
UNITS: Final = ("g", "mL", "piece")

CSV_COLUMNS: Final = (
    *("code", "category", "county", "compliance_class", "return_policy", "trace_template"),
    *("name_zh", "name_en", "summary_zh", "summary_en", "description_zh", "description_en"),
    *("ingredients_zh", "ingredients_en", "allergens_zh", "allergens_en"),
    *("storage_zh", "storage_en", "storage_class"),
    *("origin_zh", "origin_en", "standard", "shelf_life_days"),
    *("sku_code", "gtin", "spec_zh", "spec_en", "net_content_value", "net_content_unit"),
    *("tracking", "stock_policy", "tax_class", "weight_g", "price_yuan", "units_per_case"),
    *("material_per_unit", "material_unit"),
    *("raw_code", "raw_gtin", "raw_name_zh", "raw_name_en"),
)
PRODUCT_COLUMNS: Final = CSV_COLUMNS.index("sku_code")
"""So many columns, from the first on, are the product's own; the others are its pack's."""

LENGTHS: Final = {"code": 20, "standard": 60, "name_zh": 60, "name_en": 120} | {
    name: getattr(Product.__table__.c[name].type, "length", None) or 1500 for name in PRODUCT_TEXTS
}


def text_words() -> dict[str, str]:
    """Name the texts of a product."""
    return {
        "name_zh": gettext("Name, Chinese"),
        "name_en": gettext("Name, English"),
        "summary_zh": gettext("In one sentence, Chinese"),
        "summary_en": gettext("In one sentence, English"),
        "description_zh": gettext("Description, Chinese"),
        "description_en": gettext("Description, English"),
        "ingredients_zh": gettext("Ingredients, Chinese"),
        "ingredients_en": gettext("Ingredients, English"),
        "allergens_zh": gettext("Allergens on the label, Chinese"),
        "allergens_en": gettext("Allergens on the label, English"),
        "storage_zh": gettext("How to keep it, Chinese"),
        "storage_en": gettext("How to keep it, English"),
        "origin_zh": gettext("Place of origin, Chinese"),
        "origin_en": gettext("Place of origin, English"),
        "standard": gettext("Product standard"),
    }


def texts_form(product: Product) -> Any:
    """Build the form of a product's texts."""
    fields: dict[str, Any] = {}
    for name, label in text_words().items():
        kind = TextAreaField if name in LONG else StringField
        must = [Needed()] if name.startswith("name") else []
        fields[name] = kind(
            label,
            default=getattr(product, name),
            validators=must,
            render_kw={"maxlength": LENGTHS[name]},
        )
    return type("TextsForm", (DeskForm,), fields)()


def upload_form() -> Any:
    """Build the form of a file of products."""
    fields = {
        "file": FileField(
            gettext("File"),
            validators=[Needed()],
            render_kw={"accept": ".json,.csv,application/json,text/csv"},
        )
    }
    return type("UploadForm", (DeskForm,), fields)()


@dataclass(frozen=True, slots=True)
class Known:
    """The codes that a product may refer to, and the uploader's own code."""

    supplier: str
    categories: Collection[str]
    counties: Collection[str]
    compliance: Collection[str]
    returns: Collection[str]
    templates: Collection[str]


def read_products(content: bytes, name: str, known: Known) -> list[dict[str, Any]]:
    """Read an uploaded file as rows for the import verb.

    JSON is what data/README.md describes; CSV has one line per pack. Raises BadInput when the
    file can't be read, ImportRefused naming the product and the field that is wrong.
    """
    if not content:
        raise BadInput("Please choose a file", field="file")
    if len(content) > MOST_BYTES:
        raise BadInput("This file is larger than 2 MB", field="file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("Please save this file as UTF-8", field="file") from error
    rows = _from_csv(text) if name.lower().endswith(".csv") else _from_json(text)
    if not 1 <= len(rows) <= MOST_PRODUCTS:
        raise BadInput(
            "A file has between 1 and %(most)s products", field="file", most=MOST_PRODUCTS
        )
    return [_checked(row, known) for row in rows]


def _from_json(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadInput("This is no JSON file", field="file") from error
    if isinstance(found, Mapping) and isinstance(found.get("products"), list):
        found = found["products"]
    if not isinstance(found, list):
        raise BadInput("This file has no list of products", field="file")
    return found


def _from_csv(text: str) -> list[Any]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [
        name for name in ("code", "sku_code", "gtin") if name not in (reader.fieldnames or ())
    ]
    if missing:
        raise BadInput("The column %(name)s is missing", field="file", name=missing[0])
    products: dict[str, dict[str, Any]] = {}
    try:
        for line in reader:
            given = {key: (value or "").strip() for key, value in line.items() if key}
            product = products.setdefault(given["code"], _product_of(given))
            product["skus"].append(_sku_of(given))
    except csv.Error as error:
        raise BadInput("This is no CSV file", field="file") from error
    return list(products.values())


def _product_of(line: Mapping[str, str]) -> dict[str, Any]:
    product: dict[str, Any] = {name: line.get(name, "") for name in CSV_COLUMNS[:PRODUCT_COLUMNS]}
    product["shelf_life_days"] = _whole(line.get("shelf_life_days"))
    product["skus"] = []
    if line.get("raw_code"):
        product["raw"] = {
            "code": line["raw_code"],
            "gtin": line.get("raw_gtin", ""),
            "name_zh": line.get("raw_name_zh", ""),
            "name_en": line.get("raw_name_en", ""),
            "base_unit": line.get("material_unit") or "g",
            "tracking": "lot",
        }
    return product


def _sku_of(line: Mapping[str, str]) -> dict[str, Any]:
    price: object = line.get("price_yuan", "")
    try:
        fen = Decimal(line.get("price_yuan") or "x") * 100
        price = int(fen) if fen == fen.to_integral_value() else price
    except (InvalidOperation, OverflowError, ValueError):
        pass
    amount = _whole(line.get("material_per_unit"))
    unit = line.get("material_unit") or "g"
    return {
        "code": line["sku_code"],
        "gtin": line["gtin"],
        "spec_zh": line.get("spec_zh", ""),
        "spec_en": line.get("spec_en", ""),
        "net_content_value": _whole(line.get("net_content_value")),
        "net_content_unit": line.get("net_content_unit") or "g",
        "base_unit": "piece",
        "tracking": line.get("tracking", ""),
        "stock_policy": line.get("stock_policy") or "stocked",
        "tax_class": line.get("tax_class") or "standard",
        "weight_g": _whole(line.get("weight_g")),
        "price_fen": price,
        "units_per_case": _whole(line.get("units_per_case")),
        "material_per_unit": {"value": amount, "unit": unit} if amount is not None else None,
        "kit": [],
    }


def _whole(text: str | None) -> object:
    """Give a whole number, None for nothing, and the text itself for what is neither."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text  # noqa: PLR2004 -- 32 bits


class _Row:
    """One product of a file, read field by field; says which product and field is wrong."""

    def __init__(self, row: Any) -> None:
        self.row: Mapping[str, Any] = row if isinstance(row, Mapping) else {}
        self.product = str(self.row.get("code") or "?")[:20]

    def refuse(self, field: str, why: str, **params: object) -> ImportRefused:
        return ImportRefused(
            "Product %(product)s, field %(name)s: %(why)s",
            field="file",
            product=self.product,
            name=field,
            why=BadInput(why, field=None, **params),
        )

    def text(
        self, given: Mapping[str, Any], name: str, longest: int, *, needed: bool = False
    ) -> str:
        value = given.get(name)
        if value is None or value == "":
            if needed:
                raise self.refuse(name, "Please fill in this field")
            return ""
        if not isinstance(value, str):
            raise self.refuse(name, "This must be text")
        if len(value) > longest:
            raise self.refuse(name, "Please keep this under %(most)s characters", most=longest)
        return value

    def items(self, given: Mapping[str, Any], name: str) -> list[Any]:
        found = given.get(name) or []
        if not isinstance(found, list):
            raise self.refuse(name, "This must be a list")
        return found

    def code(self, name: str, allowed: Collection[str | None]) -> None:
        if self.row.get(name) not in allowed:
            raise self.refuse(name, "This code is unknown")

    def whole(
        self, given: Mapping[str, Any], name: str, most: int, *, needed: bool = False
    ) -> None:
        value = given.get(name)
        if value is None and not needed:
            return
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
            raise self.refuse(name, "Please enter a whole number")


def _checked(given: Any, known: Known) -> dict[str, Any]:
    """Check what the database would choke on; what the goods must be, the verb checks."""
    row = _Row(given)
    data = row.row
    if not data:
        raise row.refuse("?", "This must be a product with fields")
    if data.get("supplier") not in (None, "", known.supplier):
        raise row.refuse("supplier", "This is another supplier's code")
    row.text(data, "code", 20, needed=True)
    for name in PRODUCT_TEXTS:
        row.text(data, name, LENGTHS[name], needed=name.startswith("name"))
    for name, longest in (("brand", 40), ("brand_en", 80), ("illustration", 40), ("ground", 10)):
        row.text(data, name, longest)
    for name, allowed in (
        ("category", known.categories),
        ("county", known.counties),
        ("compliance_class", known.compliance),
        ("return_policy", known.returns),
        ("trace_template", known.templates),
        ("storage_class", (None, "", "ambient", "chilled", "frozen")),
    ):
        row.code(name, allowed)
    row.whole(data, "shelf_life_days", 36500)
    for name in ("season_months", "faq", "claims"):
        row.items(data, name)
    _check_packs(row, data)
    return {**data, "supplier": known.supplier}


def _check_packs(row: _Row, data: Mapping[str, Any]) -> None:
    skus = data.get("skus")
    if not isinstance(skus, list) or not 1 <= len(skus) <= 20:  # noqa: PLR2004 -- the schema's own limit
        raise row.refuse("skus", "A product needs at least one pack")
    for sku in skus:
        _check_sku(row, sku)
    if data.get("raw") is not None:
        _check_raw(row, data["raw"])


def _check_sku(row: _Row, sku: Any) -> None:
    if not isinstance(sku, Mapping):
        raise row.refuse("skus", "A product needs at least one pack")
    for name, longest in (("code", 24), ("gtin", 14), ("spec_zh", 40), ("spec_en", 80)):
        row.text(sku, name, longest, needed=True)
    if sku.get("base_unit") not in UNITS:
        raise row.refuse("base_unit", "This code is unknown")
    if sku.get("net_content_unit") not in (None, *UNITS):
        raise row.refuse("net_content_unit", "This code is unknown")
    for name in ("net_content_value", "weight_g", "units_per_case"):
        row.whole(sku, name, 100_000_000)
    material = sku.get("material_per_unit")
    if material is not None:
        if not isinstance(material, Mapping):
            raise row.refuse("material_per_unit", "Please enter a whole number")
        row.whole(material, "value", 100_000_000, needed=True)
    for part in row.items(sku, "kit"):
        if not isinstance(part, Mapping):
            raise row.refuse("kit", "This must be a list")
        row.text(part, "sku", 24, needed=True)
        row.whole(part, "quantity", 1000, needed=True)


def _check_raw(row: _Row, raw: Any) -> None:
    if not isinstance(raw, Mapping):
        raise row.refuse("raw", "This must be a product with fields")
    for name, longest in (("code", 24), ("gtin", 14), ("name_zh", 60), ("name_en", 120)):
        row.text(raw, name, longest, needed=True)
    if raw.get("base_unit") not in UNITS or raw.get("tracking") != "lot":
        raise row.refuse("raw", "This code is unknown")


def csv_example(supplier_prefix: str) -> Sequence[Sequence[object]]:
    """Give one example line for the CSV form."""
    return [
        [
            *(f"{supplier_prefix}-01", "honey", "140521", "prepacked", "R7_UNOPENED", "honey"),
            *("刺槐蜜（示例）", "Locust honey (example)", "一句话介绍", "One sentence"),
            *("怎么来的，什么味道", "Where it comes from", "刺槐蜂蜜", "Locust honey", "", ""),
            *("常温避光", "Cool and dark", "ambient", "山西省晋城市沁水县", "Qinshui, Jincheng"),
            *("GB 14963", 730, f"{supplier_prefix}-01-1", "09520010100015", "500g/瓶", "500 g jar"),
            *(500, "g", "serial", "stocked", "low", 760, "68.00", 12, 500, "g"),
            *(f"{supplier_prefix}-01-R", "09520010109018", "刺槐原蜜", "Raw locust honey"),
        ]
    ]
