"""The seed data of both regions holds together: numbers, references, texts, words, words of CBV."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_10

from goods.catalogue.rules import check_product, refuse_claims
from tools.make_demo_network import make

ROOT = Path(__file__).parents[2]
REGIONS = {"jincheng": ROOT / "data" / "region", "second": ROOT / "tests" / "data" / "region2"}
FILES = (
    "plan",
    "region",
    "counties",
    "towns",
    "organisations",
    "places",
    "outlets",
    "categories",
    "compliance_classes",
    "return_policies",
    "products",
    "trace_templates",
    "shipping",
    "market_regions",
)


def words(text: str) -> set[str]:
    """Split a list of words."""
    return set(text.split())


# GS1 Core Business Vocabulary 2.0, clauses 7.1 (business steps) and 7.2 (dispositions).
BIZ_STEPS = words(
    """accepting arriving assembling collecting commissioning consigning creating_class_instance
    cycle_counting decommissioning departing destroying disassembling dispensing encoding
    entering_exiting holding inspecting installing killing loading other packing picking receiving
    removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting
    shipping staging_outbound stock_taking stocking storing transporting unloading unpacking
    void_shipping"""
)
DISPOSITIONS = words(
    """active available completeness_verified completeness_inferred conformant container_closed
    container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit
    inactive mismatch_instance mismatch_class mismatch_quantity needs_replacement
    no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved
    retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable
    unknown"""
)
PAPERS = {
    "conformity_certificate",
    "test_report",
    "quarantine_certificate",
    "meat_inspection_certificate",
}

# Words that ordinary food must not be sold with (domain rules, claims screening), the absolute
# words of the advertising law, and words this house does not use to buyers.
NOT_ON_FOOD = words(
    """治疗 预防 抗癌 降血压 降血糖 降血脂 清热解毒 润肺 止咳 排毒 养肝 补肾 免疫力 调理 减肥
    滋补 养生 养颜 功效 疗效 最 第一 国家级 扶贫 贫困户 亲， ！"""
)
NOT_ON_FOOD_EN = re.compile(
    r"\b(cures?|heals?|remedy|treats?|prevents?|detox\w*|immun\w*|slimming|weight loss|"
    r"blood pressure|blood sugar|anti-\w+|number one|no\. ?1 |finest|the best)\b",
    re.IGNORECASE,
)
HELD_BY_NOBODY = re.compile(
    r"已获|获得.{0,6}认证|有机认证|绿色食品认证|AGI\d|GI certified|certified"
)


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(params=REGIONS)
def region(request: pytest.FixtureRequest) -> dict[str, Any]:
    folder = REGIONS[request.param]
    return {name: read(folder, name) for name in FILES} | {"folder": folder}


def check_digit_holds(number: str) -> bool:
    """Tell whether a GS1 number's last digit is right (General Specifications 7.9)."""
    total = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(reversed(number)))
    return number.isdecimal() and total % 10 == 0


def organisation_character(body: str) -> str:
    """Give the check character of an organisation code's eight characters (GB 11714)."""
    values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(values.index(c) * w for c, w in zip(body, weights, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def dicts(found: Any) -> Iterator[dict[str, Any]]:
    """Walk all objects of a document."""
    if isinstance(found, dict):
        yield found
        for value in found.values():
            yield from dicts(value)
    elif isinstance(found, list):
        for value in found:
            yield from dicts(value)


def errors_by_schema(schema: dict[str, Any], value: Any, at: str = "$") -> Iterator[str]:
    """Hold a value to the part of JSON Schema 2020-12 that our schema uses."""
    if "anyOf" in schema:
        if all(any(errors_by_schema(one, value, at)) for one in schema["anyOf"]):
            yield f"{at}: none of anyOf"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not in {schema['enum']}"
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
        "null": (type(None),),
    }
    kind = schema.get("type")
    if kind and (
        not isinstance(value, kinds[kind]) or (kind == "integer" and isinstance(value, bool))
    ):
        yield f"{at}: {value!r} is no {kind}"
        return
    yield from errors_inside(schema, value, at)


def errors_inside(schema: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    """Hold the inside of a value that is of the right type."""
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: length {len(value)}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{at}: {value!r} is not like {schema['pattern']}"
    elif isinstance(value, int):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at}: {value} is out of range"
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for i, item in enumerate(value):
            yield from errors_by_schema(schema.get("items", {}), item, f"{at}[{i}]")
    else:
        yield from errors_of_names(schema, value, at)


def errors_of_names(schema: dict[str, Any], value: dict[str, Any] | None, at: str) -> Iterator[str]:
    """Hold an object to its names and their values."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at}: lacks {name}" for name in set(schema.get("required", [])) - set(value))
        yield from (f"{at}: does not know {name}" for name in set(value) - set(known))
        for name in set(value) & set(known):
            yield from errors_by_schema(known[name], value[name], f"{at}.{name}")


def test_codes_numbers_and_slugs_are_unique(region: dict[str, Any]) -> None:
    for name in FILES[2:12]:
        codes = Counter(row["code"] for row in region[name])
        assert max(codes.values()) == 1, (name, codes.most_common(1))
    slugs = [row["slug"] for row in region["outlets"]]
    names = [row["name_zh"] for row in region["outlets"]]
    assert len(set(slugs)) == len(slugs)
    assert len(set(names)) == len(names)
    glns = [r["gln"] for name in ("organisations", "places", "outlets") for r in region[name]]
    assert len(set(glns)) == len(glns)
    uscs = [row["uscc"] for row in region["organisations"]]
    assert len(set(uscs)) == len(uscs)


def test_no_code_or_number_of_one_region_is_used_in_the_other() -> None:
    first, second = (
        {n: read(f, n) for n in ("products", "outlets", "organisations")} for f in REGIONS.values()
    )

    def numbers(found: dict[str, Any]) -> set[str]:
        return {d[k] for d in dicts(found) for k in ("gtin", "gln", "uscc") if d.get(k)}

    assert numbers(first).isdisjoint(numbers(second))


def test_every_gs1_number_has_the_demo_prefix_and_its_check_digit(region: dict[str, Any]) -> None:
    prefix = region["region"]["gs1_demo_prefix"]
    found = 0
    for row in dicts({name: region[name] for name in FILES}):
        if "gtin" in row:
            assert re.fullmatch(rf"0{prefix}\d{{10}}", row["gtin"]), row["gtin"]
            assert check_digit_holds(row["gtin"]), row["gtin"]
            found += 1
        if "gln" in row:
            assert re.fullmatch(rf"{prefix}\d{{10}}", row["gln"]), row["gln"]
            assert check_digit_holds(row["gln"]), row["gln"]
            found += 1
    assert found > len(region["outlets"])


def test_a_wrong_check_digit_is_seen() -> None:
    assert check_digit_holds("09520010100015")
    assert not check_digit_holds("09520010100016")


def test_organisation_numbers_are_valid_and_visibly_demo(region: dict[str, Any]) -> None:
    for row in region["organisations"]:
        assert uscc.is_valid(row["uscc"]), row["code"]
        assert row["uscc"][8:11] == "DEM", row["code"]
        assert organisation_character(row["uscc"][8:16]) == row["uscc"][16], row["code"]
        assert "（演示）" in row["name_zh"]
        assert "(demo)" in row["name_en"]
        assert row["demo"] is True
        if row["food_licence"]:
            assert re.fullmatch(r"SC1\d{13}", row["food_licence"]), row["code"]
            assert mod_11_10.is_valid(row["food_licence"][2:]), row["code"]


def test_everything_named_by_a_code_exists(region: dict[str, Any]) -> None:
    codes = {name: {row["code"] for row in region[name]} for name in FILES[2:12]}
    town_county = {row["code"]: row["county_code"] for row in region["towns"]}
    assert set(town_county.values()) == codes["counties"]
    for name in ("organisations", "places", "outlets", "products"):
        for row in region[name]:
            if row.get("county"):
                assert row["county"] in codes["counties"], row["code"]
            if row.get("town"):
                assert town_county[row["town"]] == row["county"], row["code"]
    suppliers = {r["code"] for r in region["organisations"] if r["role"] == "supplier"}
    assert {row["organisation"] for row in region["places"]} == suppliers
    assert {row["operator"] for row in region["outlets"]} <= codes["organisations"]
    assert {row["supplier"] for row in region["products"]} == suppliers
    for row in region["products"]:
        assert row["category"] in codes["categories"], row["code"]
        assert row["compliance_class"] in codes["compliance_classes"], row["code"]
        assert row["return_policy"] in codes["return_policies"], row["code"]
        assert row["trace_template"] in codes["trace_templates"], row["code"]
    default = region["region"]["default_online_outlet"]
    online = {
        r["code"] for r in region["outlets"] if (r["mode"], r["status"]) == ("online", "open")
    }
    assert default in online
    assert region["region"]["operator"] in codes["organisations"]


def test_the_targets_sum_to_the_total_and_the_outlets_meet_them(region: dict[str, Any]) -> None:
    plan = region["plan"]
    targets = {target["tier"]: target["count"] for target in plan["targets"]}
    assert sum(targets.values()) == plan["total"]
    assert Counter(row["tier"] for row in region["outlets"]) == targets
    assert plan["issued_on"] <= plan["valid_to"]
    assert plan["valid_from"] < plan["valid_to"]


def test_the_two_regions_have_other_plans() -> None:
    first, second = (read(folder, "plan") for folder in REGIONS.values())
    assert [t["count"] for t in first["targets"]] == [2, 10, 50, 300]
    assert [t["count"] for t in second["targets"]] == [1, 3, 8, 20]
    assert first["valid_to"] != second["valid_to"]


def test_an_outlets_history_leads_to_its_status(region: dict[str, Any]) -> None:
    for row in region["outlets"]:
        days = [date.fromisoformat(step["on"]) for step in row["history"]]
        states = [step["status"] for step in row["history"]]
        assert days == sorted(days), row["code"]
        assert states[0] == "planned", row["code"]
        assert states[-1] == row["status"], row["code"]
        assert row["status"] == "planned" or "open" in states, row["code"]
        assert row["status"] in {"planned", "open", "paused", "closed"}
        assert (row["tier"] == "counter") == (row["counter_type"] in {"shelf", "vending"})
        assert (row["tier"] == "counter") == (row["level"] is None), row["code"]
        assert row["mode"] == ("online" if row["venue"] == "online" else "offline")
        assert row["tier"] == "counter" or row["story_zh"], row["code"]


def test_at_least_two_hundred_outlets_of_the_first_region_are_open() -> None:
    rows = read(REGIONS["jincheng"], "outlets")
    assert sum(row["status"] == "open" for row in rows) >= 200
    assert {row["status"] for row in rows} == {"planned", "open", "paused", "closed"}
    assert {row["counter_type"] for row in rows} == {"shelf", "vending", None}


def test_the_outlets_are_what_the_tool_makes_of_the_recipe(region: dict[str, Any]) -> None:
    assert make(region["folder"]) == region["outlets"]


def test_every_text_is_there_in_both_languages(region: dict[str, Any]) -> None:
    documents = {name: region[name] for name in FILES}
    documents["seasons"] = read(ROOT / "data" / "demo", "seasons")
    documents["people"] = read(ROOT / "data" / "demo", "people")
    personal = {"recipient_zh", "detail_zh"}
    for row in dicts(documents):
        for key, value in row.items():
            if not key.endswith("_zh") or key in personal:
                continue
            other = row.get(f"{key[:-3]}_en")
            if key == "source_zh":
                other = row["source"]
            assert (value is None) == (other is None), (row.get("code"), key)
            assert value is None or (value and other), (row.get("code"), key)
            if isinstance(value, str) and isinstance(other, str) and key != "source_zh":
                assert re.search(r"[\u4e00-\u9fff]", value) or not re.search(r"[A-Za-z]{3}", value)
                assert not re.search(r"[\u4e00-\u9fff]", other), (row.get("code"), key, other)


def test_goods_are_sold_without_claims_and_without_certifications(region: dict[str, Any]) -> None:
    for product in region["products"]:
        assert product["claims"] == []
        text = json.dumps(product, ensure_ascii=False)
        assert [word for word in NOT_ON_FOOD if word in text] == [], product["code"]
        english = " ".join(str(v) for d in dicts(product) for k, v in d.items() if k.endswith("en"))
        assert not NOT_ON_FOOD_EN.search(english), product["code"]
        assert not HELD_BY_NOBODY.search(text), product["code"]
        assert product["brand"] is None or "（演示）" in product["brand"], product["code"]
        refuse_claims(*(str(v) for d in dicts(product) for v in d.values() if isinstance(v, str)))


def test_no_text_of_a_region_uses_words_we_do_not_use(region: dict[str, Any]) -> None:
    for name in set(FILES) - {"plan", "products"}:
        text = json.dumps(region[name], ensure_ascii=False)
        found = [
            word for word in ("扶贫", "贫困", "！", "832平台", "最佳", "第一品牌") if word in text
        ]
        assert found == [], (name, found)


def test_products_follow_the_schema_that_an_upload_must_follow(region: dict[str, Any]) -> None:
    schema = read(ROOT / "data" / "schemas", "products.schema")
    assert list(errors_by_schema(schema, region["products"])) == []
    for product in region["products"]:
        check_product(product)


def test_the_schema_refuses_what_is_wrong() -> None:
    schema = read(ROOT / "data" / "schemas", "products.schema")
    product = read(REGIONS["second"], "products")[0]
    for change, word in (
        ({"surprise": 1}, "does not know"),
        ({"season_months": [13]}, "out of range"),
        ({"name_zh": ""}, "length"),
        ({"ground": "blue"}, "is not in"),
        ({"retail_visible": "yes"}, "is no boolean"),
    ):
        found = list(errors_by_schema(schema, [product | change]))
        assert len(found) == 1, found
        assert word in found[0]
    bad_pack = product | {"skus": [product["skus"][0] | {"price_fen": 0, "gtin": "123"}]}
    assert len(list(errors_by_schema(schema, [bad_pack]))) == 2
    del product["raw"]
    assert list(errors_by_schema(schema, [product])) == ["$[0]: lacks raw"]


def test_packs_are_tracked_and_priced_as_their_kind_of_goods_demands(
    region: dict[str, Any],
) -> None:
    packs = {s["code"]: (p, s) for p in region["products"] for s in p["skus"]}
    gtins = [d["gtin"] for d in dicts(region["products"]) if "gtin" in d]
    assert len(set(gtins)) == len(gtins)
    for product, sku in packs.values():
        assert (sku["stock_policy"] == "kit") == bool(sku["kit"]), sku["code"]
        assert {part["sku"] for part in sku["kit"]} <= set(packs) - {sku["code"]}
        assert sku["weight_g"] >= (
            sku["net_content_value"] if sku["net_content_unit"] == "g" else 1
        ), sku["code"]
        assert sku["material_per_unit"]["unit"] == product["raw"]["base_unit"], sku["code"]
        if product["category"] in {"honey", "herbal_tea", "silk"}:
            assert sku["tracking"] == "serial", sku["code"]
        if product["compliance_class"] == "herb_b2b":
            assert product["retail_visible"] is False
            assert product["return_policy"] == "B2B_CONTRACT"
        if product["storage_class"] != "ambient":
            assert product["return_policy"] == "FRESH_GUARANTEE", product["code"]
    shown = [p for p in region["products"] if p["retail_visible"]]
    assert all(p["season_months"] == sorted(set(p["season_months"])) for p in shown)


def test_the_first_region_has_forty_products_of_twenty_suppliers() -> None:
    folder = REGIONS["jincheng"]
    products, organisations = read(folder, "products"), read(folder, "organisations")
    assert [p["code"] for p in products] == [f"P{n:02d}" for n in range(1, 41)]
    suppliers = [o["code"] for o in organisations if o["role"] == "supplier"]
    assert suppliers == [f"S{n:02d}" for n in range(1, 21)]
    kinds = {o["kind"] for o in organisations}
    assert kinds == {
        "farmers_cooperative",
        "cooperative_union",
        "enterprise",
        "family_farm",
        "supermarket_operator",
        "institution",
        "bureau",
    }


def drawings() -> set[str]:
    """Name the drawings there are."""
    return {path.stem for path in (ROOT / "static" / "img" / "illustrations").glob("*.svg")}


def test_every_product_and_category_has_its_drawing(region: dict[str, Any]) -> None:
    for row in (*region["products"], *region["categories"]):
        assert row["illustration"] in drawings(), row["code"]


def test_trace_steps_use_the_words_of_epcis_and_cbv(region: dict[str, Any]) -> None:
    for template in region["trace_templates"]:
        codes = [step["step"] for step in template["steps"]]
        assert len(set(codes)) == len(codes)
        for step in template["steps"]:
            where = (template["code"], step["step"])
            assert step["biz_step"] in BIZ_STEPS, where
            assert step["disposition"] in DISPOSITIONS, where
            assert step["event_type"] in {
                "ObjectEvent",
                "AggregationEvent",
                "TransformationEvent",
            }, where
            made = step["event_type"] == "TransformationEvent"
            assert (step["action"] is None) == made, where
            assert step["action"] in {"ADD", "OBSERVE", "DELETE", None}, where
            assert step["by"] in {"supplier", "outlet", "system"}, where
            assert step["object"] in {"raw_lot", "product_lot", "serials", "case", "none"}, where
            assert step["role"] in {"inbound", "outbound", None}, where
            assert step["certificate_kind"] in PAPERS | {None}, where
            assert step["yield"] is None or made, where


def test_every_template_makes_one_thing_of_another_and_ends_with_a_sale(
    region: dict[str, Any],
) -> None:
    for template in region["trace_templates"]:
        steps = template["steps"]
        made = [s for s in steps if s["event_type"] == "TransformationEvent"]
        assert len(made) == 1, template["code"]
        order = [s["step"] for s in steps]
        assert order[-4:] == ["ship", "receive", "stock", "sell"], template["code"]
        assert [s["by"] for s in steps[-4:]] == ["system", "outlet", "outlet", "system"]
        created = [s for s in steps if s["action"] == "ADD" and s["object"] == "raw_lot"]
        assert len(created) == 1, template["code"]
        assert order.index(created[0]["step"]) < order.index(made[0]["step"]), template["code"]
        if bounds := made[0]["yield"]:
            assert 0 < bounds["min_pct"] < bounds["max_pct"] <= 100, template["code"]
            assert bounds["source"], template["code"]
        assert template["source"], template["code"]


def test_values_to_write_down_have_units_ranges_and_examples_that_fit(
    region: dict[str, Any],
) -> None:
    for template in region["trace_templates"]:
        for step in template["steps"]:
            elements = step["key_data_elements"]
            codes = [element["code"] for element in elements]
            assert len(set(codes)) == len(codes)
            if step["quantity_from"]:
                assert step["quantity_from"]["key_data_element"] in codes
            for element in elements:
                check_element(element, (template["code"], step["step"], element["code"]))


def check_element(element: dict[str, Any], where: tuple[str, ...]) -> None:
    """Hold one key data element to its own type and range."""
    kind, example = element["type"], element["example"]
    assert kind in {"text", "number", "date", "boolean", "choice", "integer"}, where
    assert (kind == "choice") == bool(element["choices"]), where
    if kind in {"number", "integer"}:
        low, high = element["min"], element["max"]
        assert low is None or low <= example, where
        assert high is None or example <= high, where
        assert kind == "number" or isinstance(example, int), where
    elif kind == "date":
        date.fromisoformat(example)
    elif kind == "boolean":
        assert isinstance(example, bool), where
    elif kind == "choice":
        assert example in {choice["code"] for choice in element["choices"]}, where
    else:
        assert example, where
    if unit := element["unit"]:
        assert unit["label_zh"], where
        assert unit["label_en"], where


def test_every_supplier_has_a_place_for_each_of_its_steps(region: dict[str, Any]) -> None:
    kinds: dict[str, set[str]] = {}
    for place in region["places"]:
        kinds.setdefault(place["organisation"], set()).add(place["kind"])
    templates = {template["code"]: template for template in region["trace_templates"]}
    for product in region["products"]:
        for step in templates[product["trace_template"]]["steps"]:
            if step["by"] == "supplier":
                assert kinds[product["supplier"]] & set(step["place_kinds"]), (
                    product["code"],
                    step["step"],
                )


def test_papers_of_a_goods_class_are_asked_for_by_its_template(region: dict[str, Any]) -> None:
    templates = {template["code"]: template for template in region["trace_templates"]}
    wanted = {
        "cert_required": {"conformity_certificate"},
        "meat": {"quarantine_certificate", "meat_inspection_certificate"},
    }
    for product in region["products"]:
        steps = templates[product["trace_template"]]["steps"]
        asked = {step["certificate_kind"] for step in steps if step["required"]}
        assert wanted.get(product["compliance_class"], set()) <= asked, product["code"]


def test_counties_stand_in_order_and_their_outlines_are_light(region: dict[str, Any]) -> None:
    counties = region["counties"]
    assert [c["map_order"] for c in counties] == list(range(1, len(counties) + 1))
    assert [c["label_x"] for c in counties] == sorted(c["label_x"] for c in counties)
    left, top, width, height = map(float, region["region"]["city"]["view_box"].split())
    for county in counties:
        assert len(county["shape"]) < 900, county["code"]
        assert re.fullmatch(r"(M[\d. L-]+Z)+", county["shape"]), county["code"]
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", county["shape"])]
        assert all(left <= x <= left + width for x in numbers[::2]), county["code"]
        assert all(top <= y <= top + height for y in numbers[1::2]), county["code"]
        assert county["plan_class"] in {"demonstration", "overall_advance", "key_assistance"}


def test_freight_and_market_regions_name_known_provinces() -> None:
    provinces = read(ROOT / "data" / "places", "provinces")
    known = {province["code"] for province in provinces}
    cities = {city["code"] for province in provinces for city in province["cities"]}
    assert len(known) == 31
    shipping = read(REGIONS["jincheng"], "shipping")
    assert {row["province"] for row in shipping["surcharges"]} <= known
    assert set(shipping["no_cold_chain_to"]) <= known
    classes = {c for method in shipping["methods"] for c in method["storage_classes"]}
    assert classes == {"ambient", "chilled", "frozen"}
    markets = read(REGIONS["jincheng"], "market_regions")
    assert {code for row in markets for code in row["provinces"]} <= known
    assert {code for row in markets for code in row["cities"]} <= cities
    assert (ROOT / "data" / "places" / "provinces.json").stat().st_size < 150_000


def test_the_demos_seasons_name_what_exists() -> None:
    folder = REGIONS["jincheng"]
    seasons = read(ROOT / "data" / "demo", "seasons")
    categories = {row["code"] for row in read(folder, "categories")}
    products = {row["code"] for row in read(folder, "products")}
    packs = {s["code"]: s for p in read(folder, "products") for s in p["skus"]}
    outlets = {row["code"]: row for row in read(folder, "outlets")}
    assert {row["category"] for row in seasons["categories"]} == categories
    assert all(len(row["months"]) == 12 for row in seasons["categories"])
    assert all(len(days) == 7 for days in seasons["weekdays"].values())
    assert all(len(hours) == 24 for hours in seasons["hours"].values())
    for festival in seasons["festivals"]:
        assert set(festival["uplift"]) <= categories
        for day in (festival["from"], festival["to"]):
            assert re.fullmatch(r"(0[1-9]|1[0-2])-[0-3]\d", day), festival["code"]
    assert {c["county"] for c in seasons["county_weights"]} == {
        c["code"] for c in read(folder, "counties")
    }
    assert set(seasons["tier_weights"]) == {t["tier"] for t in read(folder, "plan")["targets"]}
    assert {row["product"] for row in (*seasons["near_expiry"], *seasons["expired"])} <= products
    assert all(outlets[row["outlet"]]["status"] == "open" for row in seasons["online_outlets"])
    for change in seasons["price_changes"]:
        assert change["before_fen"] != packs[change["sku"]]["price_fen"]
    recall = seasons["recall"]
    assert packs[recall["sku"]]["code"].startswith(recall["product"])


@pytest.mark.parametrize(
    ("people", "folder"),
    [
        (ROOT / "data" / "demo", REGIONS["jincheng"]),
        (REGIONS["second"], REGIONS["second"]),
    ],
)
def test_there_is_a_sign_in_for_every_role_and_nobody_is_real(people: Path, folder: Path) -> None:
    accounts = read(people, "people")["accounts"]
    organisations = {row["code"] for row in read(folder, "organisations")}
    outlets = {row["code"]: row for row in read(folder, "outlets")}
    counties = {row["code"] for row in read(folder, "counties")}
    assert Counter(row["role"] for row in accounts) == {
        "consumer": 2,
        "supplier_owner": 1,
        "supplier_clerk": 1,
        "outlet_manager": 1,
        "counter_clerk": 1,
        "county_official": 1,
        "city_official": 1,
        "operator": 1,
        "auditor": 1,
    }
    for row in accounts:
        assert row["email"].endswith("demo.example") or row["email"].endswith("region2.example")
        assert re.fullmatch(r"1990000\d{4}", row["phone"]), row["code"]
        assert row["display_name_zh"].startswith("示例")
        assert row["organisation"] in organisations | {None}
        assert row["outlet"] is None or outlets[row["outlet"]]["status"] == "open"
        assert row["county"] in counties | {None}
        assert all("演示" in address["detail_zh"] for address in row.get("addresses", []))
    scoped = {row["role"]: row for row in accounts}
    assert scoped["supplier_owner"]["organisation"]
    assert scoped["counter_clerk"]["outlet"]
    assert scoped["county_official"]["county"]
