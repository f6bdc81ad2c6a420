"""What a product and a pack must be before they come into the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from biip.checksums import gs1_standard_check_digit

from foundation.errors import BadInput

TRACKING = ("serial", "lot", "none")
STOCK_POLICIES = ("stocked", "made_to_order", "kit")
TAX_CLASSES = ("exempt", "zero", "low", "standard")

CLAIMS_ZH = [
    "治疗",
    "预防疾病",
    "抗癌",
    "降血压",
    "降血糖",
    "降血脂",
    "清热解毒",
    "润肺",
    "止咳",
    "排毒",
    "养肝",
    "补肾",
    "提高免疫力",
    "增强免疫",
    "调理",
    "减肥",
    "国家级",
    "最佳",
    "第一品牌",
    "根治",
    "疗效",
]
"""Words that ordinary food must not be sold with; the list is data of the trade, not complete."""
CLAIMS_EN = ("cure", "cures", "treats disease", "anti-cancer", "detox", "lowers blood pressure")


def read_gtin(text: str) -> str:
    """Give a GTIN as 14 digits with a right check digit, or raise BadInput."""
    digits = text.strip()
    if not digits.isdecimal() or len(digits) not in {8, 12, 13, 14}:
        raise BadInput("A GTIN has 8, 12, 13 or 14 digits", field="gtin")
    digits = digits.rjust(14, "0")
    if gs1_standard_check_digit(digits[:-1]) != int(digits[-1]):
        raise BadInput("The check digit of this GTIN is wrong", field="gtin")
    return digits


def refuse_claims(*texts: str, field: str = "description_zh") -> None:
    """Raise BadInput on `field` when a text promises what ordinary food must not promise."""
    for text in texts:
        low = text.lower()
        for word in (*CLAIMS_ZH, *CLAIMS_EN):
            if word in low:
                raise BadInput(
                    "Ordinary food may not be sold with the word “%(word)s”",
                    field=field,
                    word=word,
                )


def search_text(parts: Sequence[str]) -> str:
    """Fold names, places and words into one lower-case line for look-ups by fragment."""
    return " ".join(part.lower() for part in parts if part)


def per_hundred(price_fen: int, net_content: int | None, net_unit: str) -> tuple[int, str] | None:
    """Give the price (fen) of 100 g or 100 mL and that unit; None where weight says nothing."""
    if not net_content or net_unit not in {"g", "mL"}:
        return None
    return (price_fen * 100 + net_content // 2) // net_content, f"100{net_unit}"


def check_product(row: Mapping[str, Any]) -> None:
    """Raise BadInput naming the field that is missing or wrong in an uploaded product."""
    for name in ("code", "name_zh", "name_en", "category", "county", "trace_template"):
        if not str(row.get(name) or "").strip():
            raise BadInput("Please fill in this field", field=name)
    if not row.get("skus"):
        raise BadInput("A product needs at least one pack", field="skus")
    for sku in row["skus"]:
        if sku.get("tracking") not in TRACKING:
            raise BadInput("Tracking is serial, lot or none", field="tracking")
        if sku.get("stock_policy", "stocked") not in STOCK_POLICIES:
            raise BadInput("The stock policy is unknown", field="stock_policy")
        if sku.get("tax_class", "standard") not in TAX_CLASSES:
            raise BadInput("The tax class is unknown", field="tax_class")
        price = sku.get("price_fen")
        if not isinstance(price, int) or isinstance(price, bool) or not 0 < price <= 100_000_000:  # noqa: PLR2004
            raise BadInput("A price is a whole number of fen above nought", field="price_fen")
    refuse_claims(
        *(
            str(row.get(name) or "")
            for name in (
                "name_zh",
                "summary_zh",
                "description_zh",
                "name_en",
                "summary_en",
                "description_en",
            )
        )
    )


Sort = Literal["fit", "price", "-price", "new"]
SORTS: Final[tuple[str, ...]] = get_args(Sort)
MOST_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """What a shopper looks for on the shelves; prices in fen, bounds included."""

    words: tuple[str, ...] = ()
    loosely: bool = False
    """Any of the words is enough; those that hit more of them come first."""
    county: str | None = None
    category: str | None = None
    supplier_id: int | None = None
    place_id: int | None = None
    """Only what this outlet carries; leave it out for one that carries all."""
    least_fen: int | None = None
    most_fen: int | None = None
    in_stock: bool = False
    sort: Sort = "fit"


def words_of(text: str) -> tuple[str, ...]:
    """Cut what somebody typed into lower-case words, at most six."""
    return tuple(dict.fromkeys(text.lower().split()))[:MOST_WORDS]


def fragments_of(words: Sequence[str]) -> tuple[str, ...]:
    """Cut words into pairs of Chinese characters and single Latin words, for a looser look.

    Chinese is written without spaces: who types 沁水的蜂蜜 means 沁水 and 蜂蜜.
    """
    found: list[str] = []
    for word in words:
        if word.isascii():
            found.append(word)
        else:
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
    return tuple(dict.fromkeys(found))[: MOST_WORDS * 2]


PAPER_KINDS: Mapping[str, str] = {
    "conformity_certificate": "conformity_certificate",
    "animal_quarantine_cert": "quarantine_certificate",
    "meat_inspection_cert": "meat_inspection_certificate",
    "food_licence": "food_licence",
}
"""Which kind of paper on file answers which demand of a compliance class."""
TEXT_DEMANDS: Mapping[str, tuple[str, ...]] = {
    "origin": ("origin_zh",),
    "standard_no": ("standard",),
    "label_fields": ("ingredients_zh", "storage_zh", "origin_zh"),
    "fibre_content": ("ingredients_zh",),
}
"""Which texts of a product answer which demand."""


def demand_state(code: str, texts: Mapping[str, str], papers: Sequence[str]) -> str:
    """Tell whether a compliance class's demand is met, missing, or the supplier's own word.

    `papers` are the kinds of valid papers on file. What neither a paper nor a text can show is
    declared by the supplier, who answers for it.
    """
    if kind := PAPER_KINDS.get(code):
        return "met" if kind in papers else "missing"
    if names := TEXT_DEMANDS.get(code):
        return "met" if all(texts.get(name) for name in names) else "missing"
    return "declared"
