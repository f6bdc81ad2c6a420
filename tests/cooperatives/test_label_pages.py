"""The desk's pages of labels: kinds, files in the background, history, withdrawing numbers."""

import io
from dataclasses import replace

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import select

from app.jobs import handlers
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.outbox import deliver
from goods.stock.models import Lot, Serial
from parties.people.models import AuditEntry
from parties.people.permissions import Role
from tests.cooperatives.conftest import Desk
from tests.cooperatives.pages import form_to, forms_of
from tests.factories import actor, in_cases, make_lot
from tests.factories.people import new_account
from traceability.labels.layouts import LAYOUTS
from traceability.models import LabelPrint, TraceEvent
from traceability.printing.files import LabelFiles
from traceability.printing.jobs import make_labels
from traceability.printing.models import LabelJob, LabelVoid


@pytest.fixture
def lot(desk: Desk) -> Lot:
    """24 numbered packs at the workshop, and who prints there has a name."""
    clerk = new_account(desk.session, display_name="赵小满")
    desk.sit(replace(desk.w.owner, id=clerk.id))
    return make_lot(desk.w, packs=24, lot_no="L2611-05")


def numbers(desk: Desk, lot: Lot) -> list[str]:
    query = select(Serial.serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
    return list(desk.session.scalars(query))


def send(desk: Desk, lot: Lot, kind: str = "item", **typed: str) -> str:
    """Print from the page's own form; give where it leads."""
    page = desk.client.get(f"/coop/lots/{lot.id}/labels?kind={kind}")
    form = next(form for form in forms_of(page.text) if "count" in form.names)
    answer = desk.client.post(f"/coop/lots/{lot.id}/labels", data=form.values | typed)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_every_kind_is_printed_from_its_own_tab(desk: Desk, lot: Lot) -> None:
    units = in_cases(desk.w, lot, cases=2, per_case=3)
    where = send(desk, lot, "case", count="2", layout="zpl-100x150")
    assert units[0].sscc in desk.client.get(where).text
    printed = desk.session.scalars(select(LabelPrint)).one()
    file = desk.client.get(f"/coop/labels/{printed.id}/file")
    assert "attachment" in file.headers["Content-Disposition"]
    assert file.data.count(b"^XA") == 2
    send(desk, lot, "lot", count="30", layout="roll-58")
    send(desk, lot, until=numbers(desk, lot)[4], layout="zpl-40x30")
    kinds = [
        (one.kind, one.count)
        for one in desk.session.scalars(select(LabelPrint).order_by(LabelPrint.id))
    ]
    assert kinds == [("case", 2), ("lot", 30), ("item", 5)]


def test_the_preview_is_the_first_label_that_waits(desk: Desk, lot: Lot) -> None:
    serials = numbers(desk, lot)
    send(desk, lot, count="3")
    for layout in LAYOUTS:
        shown = desk.client.get(f"/coop/lots/{lot.id}/labels/preview.png?layout={layout}")
        assert (shown.status_code, shown.mimetype) == (200, "image/png")
        (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(shown.data)).convert("L"))
        assert code.text.endswith(f"/21/{serials[3]}"), layout
    missing = desk.client.get(f"/coop/lots/{lot.id}/labels/preview.png?layout=case-100x150")
    assert missing.status_code == 404


def test_a_large_file_is_followed_by_refresh_stopped_and_made_after_all(
    desk: Desk, lot: Lot, settings: Settings, database: Database
) -> None:
    where = send(desk, lot, "lot", count="700", layout="roll-40x30")
    page = desk.client.get(where)
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert '<progress class="labels-made" max="700" value="0"' in page.text
    job = desk.session.scalars(select(LabelJob)).one()
    files = LabelFiles(settings.files_dir / "labels", settings.public_url)

    def work() -> None:
        now = clock.now()
        deliver(database, handlers(settings), now=now)
        make_labels(database, files, now)
        desk.session.expire_all()

    work()
    said = desk.client.get(f"{where}/progress").json
    assert said == {"state": "making", "made": 480, "total": 700}
    early = desk.client.get(f"{where}/file")
    assert (early.status_code, early.location) == (303, where)
    assert desk.client.post(f"{where}/stop").status_code == 303
    assert "refresh" not in desk.client.get(where).text
    assert desk.client.post(f"{where}/stop").status_code == 409
    assert desk.client.post(f"{where}/make").status_code == 303
    work()  # goes on where it was stopped
    desk.session.refresh(job)
    assert job.state == "done"
    file = desk.client.get(f"{where}/file")
    assert (file.status_code, file.mimetype) == (200, "application/pdf")
    assert file.data.startswith(b"%PDF-")
    file.close()
    files.path(desk.session.get_one(LabelPrint, job.print_id)).unlink()
    assert desk.client.get(f"{where}/file").status_code == 404
    assert form_to(desk.client.get(where).text, f"{where}/make").action == f"{where}/make"


def test_why_a_file_failed_is_said_in_both_languages(desk: Desk, lot: Lot) -> None:
    where = send(desk, lot, "lot", count="700")
    job = desk.session.scalars(select(LabelJob)).one()
    job.state = "failed"
    job.fault = "The making broke off %(times)s times. Tell the operators."
    job.fault_params = {"times": 5}
    desk.session.flush()
    assert "断了 5 次" in desk.client.get(where).text
    desk.client.set_cookie("lang", "en")
    assert "broke off 5 times" in desk.client.get(where, headers={"Accept-Language": "en"}).text


def test_the_history_tells_who_when_and_why_and_is_narrowed_and_exported(
    desk: Desk, lot: Lot
) -> None:
    serials = numbers(desk, lot)
    send(desk, lot, count="10")
    page = desk.client.get(f"/coop/lots/{lot.id}/labels?again=1")
    printed = desk.session.scalars(select(LabelPrint)).one()
    page = desk.client.get(f"/coop/lots/{lot.id}/labels?again={printed.id}")
    form = next(form for form in forms_of(page.text) if "again" in form.names)
    assert (form.values["first"], form.values["last"]) == (serials[0], serials[9])
    typed = {"first": serials[2], "last": serials[4], "reason": "misprinted"}
    again = desk.client.post(f"/coop/lots/{lot.id}/labels", data=form.values | typed)
    assert again.status_code == 303
    shown = desk.client.get("/coop/labels/printed?show=again").text
    assert "赵小满" in shown
    assert "没印好" in shown
    assert serials[9] not in shown
    assert "重打过 1 次，共 3 张" in desk.client.get(f"/coop/lots/{lot.id}/labels").text
    assert serials[9] in desk.client.get(f"/coop/labels/printed?q={serials[7]}").text
    assert serials[9] not in desk.client.get("/coop/labels/printed?kind=case").text
    rows = desk.client.get("/coop/labels/printed.csv?show=again").text.strip().split("\r\n")
    assert len(rows) == 2
    assert serials[2] in rows[1]
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    for path in (
        "/coop/labels/printed",
        "/coop/labels/printed?show=void",
        "/coop/labels/printed.csv",
    ):
        assert "L2611" not in desk.client.get(path).text


def test_numbers_are_withdrawn_once_from_the_page(desk: Desk, lot: Lot) -> None:
    serials = numbers(desk, lot)
    send(desk, lot, count="10")
    printed = desk.session.scalars(select(LabelPrint)).one()
    page = desk.client.get(f"/coop/lots/{lot.id}/labels?void={printed.id}")
    form = form_to(page.text, f"/coop/lots/{lot.id}/labels/void")
    assert form.values["last"] == serials[9]
    assert form.values["renumber"]
    events = desk.count(TraceEvent)
    no_reason = desk.client.post(form.action, data=form.values)
    assert no_reason.status_code == 400
    assert 'id="void-reason-error"' in no_reason.text
    assert desk.count(TraceEvent) == events
    typed = form.values | {"first": serials[3], "last": serials[3], "reason": "spoilt"}
    for _ in range(2):
        assert desk.client.post(form.action, data=typed).status_code == 303
    assert desk.count(LabelVoid) == 1
    assert desk.count(TraceEvent) == events + 2
    assert len(numbers(desk, lot)) == 25
    assert serials[3] in desk.client.get("/coop/labels/printed?show=void").text
    assert serials[3] in desk.client.get("/coop/labels/printed.csv?show=void").text
    told = desk.client.get(f"/01/{desk.w.sku.gtin}/21/{serials[3]}", follow_redirects=True).text
    assert "这个编号已作废" in told
    entry = desk.session.scalars(select(AuditEntry).where(AuditEntry.verb == "void_serials")).one()
    assert entry.after is not None
    assert entry.after["reason"] == "spoilt"


def test_another_supplier_sees_and_stops_nothing(desk: Desk, lot: Lot) -> None:
    where = send(desk, lot, "lot", count="700")
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    for path in ("", "/progress", "/file"):
        assert desk.client.get(f"{where}{path}").status_code == 404
    for path in ("/stop", "/make"):
        assert desk.client.post(f"{where}{path}").status_code == 404
    assert desk.client.get(f"/coop/lots/{lot.id}/labels/preview.png").status_code == 404
    sent = {"key": "k", "first": "A", "reason": "spoilt"}
    assert desk.client.post(f"/coop/lots/{lot.id}/labels/void", data=sent).status_code == 404
    assert desk.session.scalars(select(LabelJob.state)).one() == "waiting"
