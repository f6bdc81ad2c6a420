"""Demo papers: test reports with limits, promises of conformity, inspection certificates."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from traceability.services.lots import Paper

LAB_ZH, LAB_EN = "示例检验机构（演示）", "Demo laboratory (demo)"
HONEY = (
    ("水分", "Moisture", "%", 17.2, 18.0, "max"),
    ("果糖和葡萄糖", "Fructose and glucose", "g/100g", 71.3, 60.0, "min"),
    ("蔗糖", "Sucrose", "g/100g", 1.1, 5.0, "max"),
    ("锌", "Zinc", "mg/kg", 2.4, 25.0, "max"),
    ("霉菌", "Moulds", "CFU/g", 10, 200, "max"),
)
"""Limits of GB 14963; moisture as ripe honey's group standard asks (T/CAQP 010-2019)."""
LIMITS: Mapping[str, tuple[tuple[str, str, str, float, float, str], ...]] = {
    "honey": HONEY,
    "tea": (("水分", "Moisture", "%", 6.1, 7.0, "max"),),
    "grain": (("水分", "Moisture", "%", 12.4, 13.5, "max"),),
}


def demo_paper(
    kind: str, *, number: str, issued_on: date, template: str, product: Mapping[str, Any]
) -> Paper:
    """Make a paper of `kind` that is visibly of the demo."""
    results: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = {}
    issuer = (LAB_ZH, LAB_EN)
    if kind == "test_report":
        results = tuple(
            dict(zip(("name_zh", "name_en", "unit", "value", "limit", "kind"), row, strict=True))
            for row in LIMITS.get(template, ())
        )
    elif kind == "conformity_certificate":
        issuer = (product["supplier_zh"], product["supplier_en"])
        fields = {
            "product_zh": product["name_zh"],
            "product_en": product["name_en"],
            "quantity_kg": product["quantity_kg"],
            "origin_zh": product["origin_zh"],
            "origin_en": product["origin_en"],
            "basis": "commissioned_test",
        }
    elif kind in {"quarantine_certificate", "meat_inspection_certificate"}:
        issuer = ("示例动物卫生监督机构（演示）", "Demo animal health office (demo)")
    return Paper(
        kind=kind,
        number=number,
        issuer_zh=issuer[0],
        issuer_en=issuer[1],
        issued_on=issued_on,
        valid_to=None,
        results=results,
        fields=fields,
    )
