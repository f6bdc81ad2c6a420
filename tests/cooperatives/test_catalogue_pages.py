"""Products and papers at the desk: texts, prices, on and off the shelf, files, and their faults."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from goods.catalogue.models import Certificate, Price, Product, Sku
from parties.network.models import Organisation
from parties.people.permissions import Role
from tests.cooperatives.conftest import Desk
from tests.cooperatives.pages import forms_of
from tests.cooperatives.test_templates import fill, open_lot, product_of, walk
from tests.factories import actor

PDF = b"%PDF-1.4\n%%EOF\n"


def texts(desk: Desk, **other: str) -> dict[str, str]:
    page = desk.client.get(f"/coop/products/{desk.w.product.id}").text
    form = next(form for form in forms_of(page) if form.action.endswith("/texts"))
    return form.values | other


def test_texts_are_changed_and_found_again(desk: Desk) -> None:
    path = f"/coop/products/{desk.w.product.id}/texts"
    sent = texts(desk, name_zh="山里的蜜", summary_zh="一句话")
    assert desk.client.post(path, data=sent).status_code == 303
    product = desk.session.get_one(Product, desk.w.product.id, populate_existing=True)
    assert (product.name_zh, product.summary_zh) == ("山里的蜜", "一句话")
    assert "山里的蜜" in desk.client.get("/coop/products?q=山里").text


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"description_zh": "能降血糖"}, "description_zh", "降血糖"),
        ({"name_zh": " "}, "name_zh", ""),
        ({"name_zh": "长" * 61}, "name_zh", "60"),
    ],
)
def test_wrong_texts_are_refused_with_the_word_named(
    desk: Desk, typed: dict[str, str], field: str, said: str
) -> None:
    path = f"/coop/products/{desk.w.product.id}/texts"
    before = desk.w.product.name_zh, desk.w.product.description_zh
    answer = desk.client.post(path, data=texts(desk, **typed))
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    assert said in answer.text
    product = desk.session.get_one(Product, desk.w.product.id, populate_existing=True)
    assert (product.name_zh, product.description_zh) == before


def test_a_price_is_changed_once_and_its_history_stands(desk: Desk) -> None:
    path = f"/coop/products/{desk.w.product.id}/prices"
    sent = {"key": "price-key-1", "sku": str(desk.w.sku.id), "price": "71.50"}
    for _ in range(2):
        assert desk.client.post(path, data=sent).status_code == 303
    lines = desk.session.scalars(
        select(Price.price_fen).where(Price.sku_id == desk.w.sku.id).order_by(Price.version)
    ).all()
    assert lines[-1] == 7150
    assert len(lines) == 2
    assert "71.50" in desk.client.get(f"/coop/products/{desk.w.product.id}").text


@pytest.mark.parametrize("price", ["", "0", "-3", "12.345", "NaN", "1e99", "¥"])
def test_a_price_that_is_none_is_refused(desk: Desk, price: str) -> None:
    before = desk.count(Price)
    said = desk.client.post(
        f"/coop/products/{desk.w.product.id}/prices",
        data={"key": f"k{price}", "sku": str(desk.w.sku.id), "price": price},
    )
    assert said.status_code == 400
    assert f'id="price-{desk.w.sku.id}-error"' in said.text
    assert desk.count(Price) == before


def status(desk: Desk, wanted: str, key: str) -> int:
    path = f"/coop/products/{desk.w.product.id}/status"
    return desk.client.post(path, data={"key": key, "status": wanted}).status_code


def test_a_product_is_taken_off_and_put_back_when_its_papers_are_there(desk: Desk) -> None:
    product = desk.w.product
    assert status(desk, "unpublished", "s1") == 303
    desk.w.supplier.food_licence = None
    product.standard = ""
    desk.session.flush()
    assert status(desk, "published", "s2") == 409
    desk.session.refresh(product)
    assert product.status == "unpublished"
    page = desk.client.get("/coop/papers/new")
    assert page.status_code == 200
    paper = {
        "key": "paper-key-1",
        "kind": "food_licence",
        "number": "SC1",
        "issuer": "示例局",
        "issued_on": "2026-01-01",
        "valid_to": "2099-01-01",
        "product_id": "",
    }
    assert desk.client.post("/coop/papers/new", data=paper).status_code == 303
    product.standard = "GB 14963"
    product.storage_zh, product.ingredients_zh, product.origin_zh = "常温", "蜜", "示例县"
    desk.session.flush()
    assert status(desk, "published", "s3") == 303
    desk.session.refresh(product)
    assert product.status == "published"


def test_a_claim_in_the_texts_keeps_a_product_off_the_shelf(desk: Desk) -> None:
    assert status(desk, "unpublished", "s1") == 303
    desk.w.product.summary_zh = "清热解毒"
    desk.session.flush()
    said = desk.client.post(
        f"/coop/products/{desk.w.product.id}/status", data={"key": "s2", "status": "published"}
    )
    assert said.status_code == 400
    assert "清热解毒" in said.text


def test_nobody_changes_another_suppliers_product(desk: Desk) -> None:
    product, before = desk.w.product, (desk.w.product.name_zh, desk.count(Price))
    sent = texts(desk, name_zh="别家")
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    assert desk.client.get(f"/coop/products/{product.id}").status_code == 404
    for end, data in (
        ("texts", sent),
        ("prices", {"key": "k", "sku": str(desk.w.sku.id), "price": "1"}),
        ("status", {"key": "k", "status": "unpublished"}),
    ):
        said = desk.client.post(f"/coop/products/{product.id}/{end}", data=data)
        assert said.status_code == 404, end
    desk.session.refresh(product)
    assert (product.name_zh, desk.count(Price)) == before
    assert product.status == "published"
    desk.sit(actor(Role.SUPPLIER_CLERK, organisation_id=desk.w.supplier.id))
    assert desk.client.post(f"/coop/products/{product.id}/texts", data=sent).status_code == 403


def upload(desk: Desk, content: bytes, name: str = "goods.json", key: str = "up-1") -> Any:
    return desk.client.post(
        "/coop/products/upload", data={"key": key, "file": (io.BytesIO(content), name)}
    )


def row(desk: Desk, **other: Any) -> dict[str, Any]:
    source = Path(__file__).parents[1] / "data" / "region2" / "products.json"
    found: list[dict[str, Any]] = json.loads(source.read_text("utf-8"))
    mine = next(one for one in found if one["code"] == desk.w.product.code)
    return mine | other


def test_a_file_of_products_updates_known_ones_and_drafts_new_ones(desk: Desk) -> None:
    changed = row(desk, summary_zh="文件里的话")
    said = upload(desk, json.dumps([changed]).encode())
    assert said.status_code == 303, said.text
    desk.session.refresh(desk.w.product)
    assert desk.w.product.summary_zh == "文件里的话"
    template = desk.client.get("/coop/products/template.csv").text
    lines = template.splitlines()
    cells = lines[1].split('","')
    names = lines[0].lstrip("\ufeff").split('","')
    by_name = dict(zip([name.strip('"') for name in names], range(len(names)), strict=True))
    cells[by_name["category"]] = desk.w.product.category_code
    cells[by_name["county"]] = desk.w.product.county_code
    cells[by_name["compliance_class"]] = desk.w.product.compliance_code
    cells[by_name["return_policy"]] = desk.w.product.return_code
    content = "\r\n".join([lines[0], '","'.join(cells)])
    said = upload(desk, content.encode(), "goods.csv", "up-2")
    assert said.status_code == 303, said.text
    drafted = desk.session.scalars(
        select(Product).where(Product.code == f"{desk.w.supplier.code}-01")
    ).one()
    assert drafted.status == "draft"
    sku = desk.session.scalars(
        select(Sku).where(Sku.product_id == drafted.id, Sku.raw.is_(False))
    ).one()
    assert (sku.price_fen, sku.units_per_case, sku.material_per_unit) == (6800, 12, 500)


def broken(desk: Desk) -> list[tuple[str, bytes, str]]:
    def js(**other: Any) -> bytes:
        return json.dumps([row(desk, **other)]).encode()

    skus = row(desk)["skus"]
    return [
        ("goods.json", b"", ""),
        ("goods.json", b"{", "JSON"),
        ("goods.json", b"[1]", "?"),
        ("goods.json", b'{"a": 1}', ""),
        ("goods.json", b"\xff\xfe\x00", "UTF-8"),
        ("goods.csv", b"a,b\n1,2\n", "code"),
        ("goods.json", js(category="nothing"), "category"),
        ("goods.json", js(compliance_class="nothing"), "compliance_class"),
        ("goods.json", js(trace_template=None), "trace_template"),
        ("goods.json", js(supplier="T99"), "supplier"),
        ("goods.json", js(name_zh=7), "name_zh"),
        ("goods.json", js(name_zh="长" * 99), "name_zh"),
        ("goods.json", js(description_zh="抗癌"), "抗癌"),
        ("goods.json", js(shelf_life_days="x"), "shelf_life_days"),
        ("goods.json", js(skus=[]), "skus"),
        ("goods.json", js(skus=[skus[0] | {"gtin": "09520010100016"}]), "gtin"),
        ("goods.json", js(skus=[skus[0] | {"price_fen": 0}]), "price_fen"),
        ("goods.json", js(skus=[skus[0] | {"kit": "x"}]), "kit"),
        ("goods.json", js(raw={"code": "X"}), "gtin"),
    ]


def test_a_broken_file_is_refused_with_product_and_field_and_nothing_is_taken_in(
    desk: Desk,
) -> None:
    before = desk.count(Product), desk.count(Sku), desk.count(Price)
    for number, (name, content, told) in enumerate(broken(desk)):
        said = upload(desk, content, name, f"bad-{number}")
        assert said.status_code in {400, 409}, (number, said.status_code)
        assert 'id="file-error"' in said.text or 'role="alert"' in said.text, number
        assert told in said.text, (number, told)
    assert (desk.count(Product), desk.count(Sku), desk.count(Price)) == before


def test_papers_are_put_on_file_with_their_file_and_shown_to_their_owner_only(desk: Desk) -> None:
    sent: dict[str, Any] = {
        "key": "paper-key-2",
        "kind": "business_licence",
        "number": "BL-1",
        "issuer": "示例局",
        "issued_on": "2026-01-01",
        "valid_to": "",
        "product_id": "",
    }
    for _ in range(2):
        said = desk.client.post(
            "/coop/papers/new", data=sent | {"file": (io.BytesIO(PDF), "a.pdf")}
        )
        assert said.status_code == 303, said.text
    paper = desk.session.scalars(select(Certificate).where(Certificate.number == "BL-1")).one()
    answer = desk.client.get(f"/coop/papers/{paper.id}/file")
    assert (answer.mimetype, answer.data) == ("application/pdf", PDF)
    assert "BL-1" in desk.client.get("/coop/papers.csv").text
    twice = desk.client.post("/coop/papers/new", data=sent | {"key": "paper-key-3"})
    assert twice.status_code == 400
    assert 'id="number-error"' in twice.text
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    assert desk.client.get(f"/coop/papers/{paper.id}/file").status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"kind": ""}, "kind"),
        ({"kind": "x"}, "kind"),
        ({"issued_on": "2099-01-01"}, "issued_on"),
        ({"valid_to": "2025-01-01"}, "valid_to"),
        ({"product_id": "999999"}, "product_id"),
        ({"file": b"MZ\x90"}, "file"),
    ],
)
def test_wrong_papers_are_refused_beside_their_field(
    desk: Desk, typed: dict[str, Any], field: str
) -> None:
    sent: dict[str, Any] = {
        "key": f"p-{field}",
        "kind": "business_licence",
        "number": "BL-2",
        "issuer": "示例局",
        "issued_on": "2026-01-01",
    }
    sent |= {k: (io.BytesIO(v), "a.pdf") if k == "file" else v for k, v in typed.items()}
    before = desk.count(Certificate)
    said = desk.client.post("/coop/papers/new", data=sent)
    assert said.status_code == 400
    assert f'id="{field}-error"' in said.text
    assert desk.count(Certificate) == before


def test_the_paper_of_a_step_is_kept_over_a_refusal_and_opens_from_the_lot(desk: Desk) -> None:
    raw, pack = product_of(desk, "tea")
    material = open_lot(desk, raw, "T1")
    walk(desk, material, pack)
    lot_id = next(
        int(part.split('"')[0])
        for part in desk.client.get(f"/coop/lots/{material}").text.split("/coop/lots/")[1:]
        if part.split('"')[0].isdecimal() and int(part.split('"')[0]) != material
    )
    step, values = fill(desk, lot_id, v_tested_on="")
    assert step == "test"
    sent: dict[str, Any] = values | {"paper_file": (io.BytesIO(PDF), "report.pdf")}
    said = desk.client.post(f"/coop/lots/{lot_id}/steps", data=sent)
    assert said.status_code == 400
    form = next(form for form in forms_of(said.text) if "paper_kept" in form.names)
    assert form.values["paper_kept"]
    _, values = fill(desk, lot_id, paper_kept="forged." + form.values["paper_kept"])
    again = values | {"paper_kept": form.values["paper_kept"]}
    assert desk.client.post(f"/coop/lots/{lot_id}/steps", data=again).status_code == 303
    paper = desk.session.scalars(
        select(Certificate).where(Certificate.kind == "test_report").order_by(Certificate.id.desc())
    ).first()
    assert paper is not None
    assert paper.file_key is not None
    assert paper.results
    assert f"/coop/papers/{paper.id}/file" in desk.client.get(f"/coop/lots/{lot_id}").text
    assert desk.client.get(f"/coop/papers/{paper.id}/file").data == PDF


def test_small_counts_of_households_are_not_shown(desk: Desk) -> None:
    supplier = desk.session.get_one(Organisation, desk.w.supplier.id)
    supplier.linked_households, supplier.member_households = 4, 86
    desk.session.flush()
    page = desk.client.get("/coop/me").text
    assert "<dd>86</dd>" in page
    assert "<dd>4</dd>" not in page
