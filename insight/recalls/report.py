"""A recall's reach as one report, for a printed page, a file and the command line."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from insight.recalls.queries import Buyers
from traceability.recalls.queries import Impact
from traceability.recalls.rules import Spot, Target


def report_of(
    target: Target, impact: Impact, buyers: Buyers, *, now: datetime, drill: bool
) -> dict[str, Any]:
    """Give the whole reach as JSON-like data. Quantities are base units; nobody is named."""
    held = _sums(impact, "on_hand")
    at: dict[int, list[Spot]] = defaultdict(list)
    for spot in impact.spots:
        at[spot.place_id].append(spot)
    return {
        "drill": drill,
        "made_at": now.isoformat(timespec="seconds"),
        "scope": {
            "kind": target.scope,
            "id": target.id,
            "since": target.since.isoformat() if target.since else None,
            "until": target.until.isoformat() if target.until else None,
        },
        "totals": {
            "lots": len(impact.lots),
            "suppliers": len(impact.suppliers),
            "items": sum(impact.items.values()),
            "closed_cases": impact.cases,
            "places": len(impact.places),
            "on_hand": impact.amounts("on_hand"),
            "sold": buyers.quantity,
            "sold_of_inferred_lot": buyers.inferred,
            "orders": buyers.orders,
            "buyers_to_be_told": buyers.accounts,
            "promised_to_orders": buyers.promised,
        },
        "items_by_state": dict(sorted(impact.items.items())),
        "lots": [
            {
                "lot": lot.lot_no,
                "name_zh": lot.name_zh,
                "name_en": lot.name_en,
                "raw": lot.raw,
                "unit": lot.base_unit,
                "on_hand": held.get(lot.id, 0),
            }
            for lot in impact.lots.values()
        ],
        "made_from": [
            {"lot": lot.lot_no, "name_zh": lot.name_zh, "name_en": lot.name_en}
            for lot in impact.upstream
        ],
        "places": [
            {
                "kind": place.kind,
                "name_zh": place.name_zh,
                "name_en": place.name_en,
                "outlet": place.outlet_code,
                "lots": [
                    {"lot": impact.lots[spot.lot_id].lot_no, "on_hand": spot.on_hand}
                    for spot in at[place.id]
                ],
            }
            for place in impact.places.values()
        ],
        "sold_at": [
            {
                "outlet": each.code,
                "name_zh": each.name_zh,
                "name_en": each.name_en,
                "sold": each.quantity,
                "of_inferred_lot": each.inferred,
            }
            for each in buyers.sold_at
        ],
    }


def _sums(impact: Impact, field: str) -> Mapping[int, int]:
    sums: dict[int, int] = defaultdict(int)
    for spot in impact.spots:
        sums[spot.lot_id] += int(getattr(spot, field))
    return sums
