"""What a story makes of the rows it finds. No database, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeGuard

from traceability.rules import AUTOMATIC, PRIVATE
from traceability.stories.shape import (
    Amount,
    Conformity,
    Goods,
    Held,
    PaperFact,
    Result,
    Spot,
    StoryStep,
    Value,
    Words,
)

UNNAMED: Mapping[str, Words] = {
    "holding": Words("停止销售", "Withheld from sale"),
    "stock_taking": Words("盘点", "Stock count"),
    "destroying": Words("销毁", "Destroyed"),
    "accepting": Words("退回", "Taken back"),
    "unpacking": Words("拆箱", "Unpacked"),
    "retail_selling": Words("卖出", "Sold"),
    "shipping": Words("发货", "Shipped"),
    "receiving": Words("收货", "Received"),
    "stocking": Words("上架", "Put on the shelf"),
    "packing": Words("装箱", "Packed into a case"),
    "decommissioning": Words("编号作废", "Number withdrawn"),
}
"""Names of what happens outside of a template."""

HIDDEN = frozenset({"unpacking"})
"""What nobody misses in a story: it comes with the receipt."""

BASES: Mapping[str, Words] = {
    "self_control": Words("质量安全控制符合要求", "Own control"),
    "self_test": Words("自行检测合格", "Own test"),
    "commissioned_test": Words("委托检测合格", "Commissioned test"),
}
"""The three boxes that a conformity certificate may tick."""

AFTER_THE_MAKER = ("outlet", "system")
BASE_KINDS = {"integer": "number"}
NO_RESULT = frozenset({"sample_size"})
EVERYTHING = 100
"""An upper bound of a hundred per cent bounds nothing."""
LIFE_LEFT = 3
"""Under one part in so many of its life left, goods are near their date."""


def freshness(produced_on: date | None, best_before: date | None, today: date) -> str:
    """Tell how a date stands: none, fresh, near or expired."""
    if best_before is None:
        return "none"
    if best_before < today:
        return "expired"
    if produced_on is None or best_before <= produced_on:
        return "fresh"
    left, life = (best_before - today).days, (best_before - produced_on).days
    return "near" if left * LIFE_LEFT < life else "fresh"


def applies(step: Mapping[str, Any], tracking: str) -> bool:
    """Tell whether a step is for goods that are followed this way."""
    wanted = step.get("applies_to_tracking")
    return not wanted or tracking in wanted


def progress(
    template: Sequence[Mapping[str, Any]],
    done: set[str],
    *,
    tracking: str,
    straight: bool,
) -> tuple[int, tuple[Words, ...], tuple[Words, ...]]:
    """Give how many required steps are due, which of those lack a record, and which are ahead.

    Due is what lies before the furthest recorded step. `straight` says that the goods went from
    their maker to the buyer, so that no outlet had anything to record.
    """
    wanted = [
        step
        for step in template
        if applies(step, tracking)
        and not (straight and step["by"] in AFTER_THE_MAKER and step["step"] != "sell")
    ]
    furthest = max((i for i, step in enumerate(wanted) if step["step"] in done), default=-1)
    required = [(i, step) for i, step in enumerate(wanted) if step["required"]]
    due = [step for i, step in required if i <= furthest]
    missing = tuple(_words(step) for step in due if step["step"] not in done)
    ahead = tuple(_words(step) for i, step in required if i > furthest)
    return len(due), missing, ahead


def _words(step: Mapping[str, Any]) -> Words:
    return Words(step["name_zh"], step["name_en"])


def verdict(held: Held | None, fresh: str, missing: Sequence[Words], steps: int) -> str:
    """Say in one word how things stand; what endangers people comes first."""
    if held is not None:
        return "recalled" if held.reason == "recalled" else "held"
    if fresh == "expired":
        return "expired"
    return "incomplete" if missing or not steps else "complete"


def values_of(
    step: Mapping[str, Any] | None, facts: Mapping[str, Any], at: date
) -> tuple[Value, ...]:
    """Give the recorded key data elements of a step that a reader can use.

    Left out are what the program fills in, what is private, the quantity (told by the event
    itself), what a test measured (it has a table of its own) and dates that say the event's own
    day again.
    """
    if step is None:
        return ()
    measured = step.get("certificate_kind") == "test_report"
    quantity = (step.get("quantity_from") or {}).get("key_data_element")
    skipped = AUTOMATIC | PRIVATE | {quantity, "quantity", "result"}
    told: list[Value] = []
    for element in step["key_data_elements"]:
        code, recorded = element["code"], facts.get(element["code"])
        if code in skipped or recorded is None:
            continue
        value = _value(element, recorded)
        if value.kind == "date" and value.text == at.isoformat():
            continue
        if measured and value.kind == "number":
            continue
        told.append(value)
    return tuple(told)


def _value(element: Mapping[str, Any], recorded: Any) -> Value:
    kind = element.get("type", "text")
    unit = element.get("unit") or {}
    text = number_text(recorded) if kind in {"number", "integer"} else str(recorded)
    zh = en = text
    if kind == "choice":
        for choice in element.get("choices") or ():
            if isinstance(choice, Mapping) and choice["code"] == recorded:
                zh, en = choice["zh"], choice["en"]
    elif kind == "boolean":
        zh, en = ("是", "yes") if recorded else ("否", "no")
    return Value(
        element["code"],
        element["name_zh"],
        element["name_en"],
        BASE_KINDS.get(kind, kind),
        text,
        zh,
        en,
        unit.get("label_zh", ""),
        unit.get("label_en", ""),
    )


def number_text(value: Any) -> str:
    """Write a recorded number as people do: 410.0 is 410."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"  # noqa: PLR2004 -- no 1e+06
    return str(value)


def results_of_paper(rows: Iterable[Mapping[str, Any]]) -> tuple[Result, ...]:
    """Read the rows of a test report; what is no number is left out."""
    found: list[Result] = []
    for row in rows:
        value, limit = row.get("value"), row.get("limit")
        if not _is_number(value):
            continue
        found.append(
            Result(
                str(row.get("name_zh") or row.get("name_en") or ""),
                str(row.get("name_en") or row.get("name_zh") or ""),
                str(row.get("unit_zh") or row.get("unit") or ""),
                str(row.get("unit_en") or row.get("unit") or ""),
                float(value),
                float(limit) if _is_number(limit) else None,
                row.get("kind", "max") != "min",
            )
        )
    return tuple(found)


def results_of_step(step: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[Result, ...]:
    """Read the measured values of a test step, with the bounds that its template sets."""
    found: list[Result] = []
    for element in step["key_data_elements"]:
        value = facts.get(element["code"])
        kind, code = element.get("type"), element["code"]
        if kind not in {"number", "integer"} or code in NO_RESULT or not _is_number(value):
            continue
        unit = element.get("unit") or {}
        limit, at_most = _bound(element)
        found.append(
            Result(
                element["name_zh"],
                element["name_en"],
                unit.get("label_zh", ""),
                unit.get("label_en", ""),
                float(value),
                limit,
                at_most,
            )
        )
    return tuple(found)


def _bound(element: Mapping[str, Any]) -> tuple[float | None, bool]:
    low, high = element.get("min"), element.get("max")
    if low is not None and low > 0 and (high is None or high >= EVERYTHING):
        return float(low), False
    if high is not None and high < EVERYTHING:
        return float(high), True
    return None, True


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def conformity_of(
    step: StoryStep,
    paper: PaperFact | None,
    fields: Mapping[str, Any],
    facts: Mapping[str, Any],
    goods: Goods,
) -> Conformity:
    """Put together the certificate that a step recorded, from the paper and the step's values."""
    values = {value.code: value for value in step.values}
    amount, basis = step.amount, values.get("basis")
    words = BASES.get(str(facts.get("basis") or fields.get("basis")), Words("", ""))
    promisor = facts.get("promisor")
    issued = facts.get("issued_at") or (paper.issued_on.isoformat() if paper else "")
    weight = facts.get("quantity_kg") or fields.get("quantity_kg")
    return Conformity(
        number=(paper.number if paper else "") or str(facts.get("certificate_no") or ""),
        product_zh=str(fields.get("product_zh") or (amount.name_zh if amount else goods.name_zh)),
        product_en=str(fields.get("product_en") or (amount.name_en if amount else goods.name_en)),
        quantity=number_text(weight) if weight else "",
        quantity_unit_zh="千克",
        quantity_unit_en="kg",
        origin_zh=str(fields.get("origin_zh") or goods.origin_zh),
        origin_en=str(fields.get("origin_en") or goods.origin_en),
        issued_on=str(issued)[:10],
        promisor_zh=str(promisor or (paper.issuer_zh if paper else "") or goods.maker_zh),
        promisor_en=str(promisor or (paper.issuer_en if paper else "") or goods.maker_en),
        contact=str(fields.get("contact") or ""),
        basis_zh=basis.text_zh if basis else words.name_zh,
        basis_en=basis.text_en if basis else words.name_en,
        demo=goods.demo,
    )


def route_of(steps: Iterable[StoryStep], most: int = 5) -> tuple[Spot, ...]:
    """Give the places that the goods came through, in order; at most `most`, ends kept."""
    spots: list[Spot] = []
    for step in steps:
        if step.biz_step == "holding":
            continue
        if step.spot.kind != "transit" and (not spots or spots[-1].id != step.spot.id):
            spots.append(step.spot)
    if len(spots) <= most:
        return tuple(spots)
    stride = (len(spots) - 1) / (most - 1)
    return tuple(spots[round(i * stride)] for i in range(most))


def amounts(parts: Iterable[Amount], role: str) -> tuple[Amount, ...]:
    """Give the parts of an event that play one role, by lot."""
    return tuple(part for part in parts if part.role == role)
