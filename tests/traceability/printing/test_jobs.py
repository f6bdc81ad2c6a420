"""Large files are made slice by slice: stopped, broken off, gone on with, failed with a reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.jobs import handlers
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.outbox import deliver
from goods.catalogue.models import Product
from goods.stock.models import Serial
from tests.factories import NOW, World, make_lot, world
from tests.traceability.labels.printed import codes, page_texts, pages
from traceability.models import LabelPrint
from traceability.printing import files as making
from traceability.printing.files import LabelFiles
from traceability.printing.jobs import KEPT, LEASE, MOST_ATTEMPTS, forget_files, make_labels
from traceability.printing.models import LabelJob
from traceability.printing.services import (
    Printing,
    PrintRefused,
    go_on_job,
    print_labels,
    stop_job,
)

HOST = "https://shanhuo.example"


class Shop:
    """A lot of numbered packs, the worker's outbox and maker, and the folder of files."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.files = LabelFiles(settings.files_dir / "labels", HOST)
        self.now = NOW
        with database.transaction() as session:
            w: World = world(session)
            self.owner = w.owner
            self.product_id = w.product.id
            self.lot_id = make_lot(w, packs=60).id

    def ask(self, layout: str = "a4-3x8", count: int = 60) -> int:
        """Ask for labels; give the id of the printing."""
        with self.database.transaction() as session:
            wanted = Printing(self.lot_id, layout, count=count)
            return print_labels(session, wanted, actor=self.owner, now=self.now).id

    def hand_over(self) -> None:
        """Let the outbox hand the job to the maker."""
        deliver(self.database, handlers(self.settings), now=self.now)

    def make(self, *, later: timedelta = timedelta()) -> int:
        """Let the worker draw one slice."""
        return make_labels(self.database, self.files, self.now + later)

    def job(self) -> LabelJob:
        """Give the job as it stands."""
        with self.database.reading() as session:
            return session.scalars(select(LabelJob)).one()

    def numbers(self) -> list[str]:
        """Give the lot's numbers in order."""
        with self.database.reading() as session:
            return list(
                session.scalars(
                    select(Serial.serial)
                    .where(Serial.lot_id == self.lot_id)
                    .order_by(Serial.serial)
                )
            )


@pytest.fixture
def shop(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in which twenty labels are many already and a slice is one sheet."""
    monkeypatch.setattr("traceability.printing.services.AT_ONCE", 20)
    monkeypatch.setattr(making, "SLICE", 24)
    return Shop(database, settings)


def test_a_file_is_made_slice_by_slice_and_holds_every_number_once(shop: Shop) -> None:
    print_id = shop.ask()
    assert shop.make() == 0  # the outbox has not handed it over yet
    shop.hand_over()
    made = []
    while shop.make():
        made.append(shop.job().made)
    assert made == [24, 48, 60]
    assert shop.job().state == "done"
    pdf = (shop.files.folder / f"{print_id}.pdf").read_bytes()
    read = [code for page in pages(pdf, 150) for code in codes(page)]
    assert sorted(uri.rpartition("/")[2] for uri in read) == shop.numbers()
    assert sorted(path.name for path in shop.files.folder.iterdir()) == [f"{print_id}.pdf"]


@pytest.mark.parametrize("layout", ["a4-3x8", "zpl-60x40"])
def test_a_killed_worker_is_followed_by_one_that_goes_on(
    shop: Shop, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_id = shop.ask(layout)
    shop.hand_over()
    assert shop.make() == 24
    kept = shop.files.part(print_id).read_bytes()

    def killed(*_: object, **__: object) -> None:
        shop.files.part(print_id).write_bytes(kept + b"half a label")
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("traceability.printing.jobs.draw_slice", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.make()
    assert shop.make() == 0  # the dead one's lease still runs
    assert shop.make(later=LEASE + timedelta(seconds=1)) == 24
    assert shop.make() == 12
    whole = shop.files.folder / f"{print_id}.{'pdf' if layout == 'a4-3x8' else 'zpl'}"
    content = whole.read_bytes()
    assert content.startswith(kept)
    assert b"half a label" not in content
    if layout == "a4-3x8":
        said = "".join(page_texts(content))
        assert all(said.count(number) == 1 for number in shop.numbers())
    else:
        assert content.count(b"^XA") == 60


def test_a_worker_that_dies_at_every_try_is_not_tried_for_ever(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ask()
    shop.hand_over()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("traceability.printing.jobs.draw_slice", killed)
    for turn in range(MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            shop.make(later=(LEASE + timedelta(seconds=1)) * turn)
    assert shop.make(later=timedelta(hours=1)) == 0
    job = shop.job()
    assert (job.state, job.fault_params) == ("failed", {"times": MOST_ATTEMPTS})


def test_a_stopped_file_is_thrown_away_and_made_after_all(shop: Shop) -> None:
    print_id = shop.ask()
    shop.hand_over()
    shop.make()
    with shop.database.transaction() as session:
        stop_job(session, print_id, actor=shop.owner, now=NOW)
    assert shop.make() == 0
    assert shop.job().state == "cancelled"
    with shop.database.transaction() as session, pytest.raises(PrintRefused):
        stop_job(session, print_id, actor=shop.owner, now=NOW)
    with shop.database.transaction() as session:
        go_on_job(session, print_id, actor=shop.owner, now=NOW)
    shop.hand_over()
    while shop.make():
        pass
    assert shop.job().state == "done"
    # the numbers stayed with this printing all the time
    with shop.database.reading() as session:
        assert session.scalars(select(LabelPrint.count)).all() == [60]


def test_a_file_stopped_while_a_slice_is_drawn_leaves_nothing_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_id = shop.ask()
    shop.hand_over()
    draw: Callable[..., object] = making.draw_slice

    def stopped(*given: object, **named: object) -> object:
        with shop.database.transaction() as session:
            stop_job(session, print_id, actor=shop.owner, now=NOW)
        return draw(*given, **named)

    monkeypatch.setattr("traceability.printing.jobs.draw_slice", stopped)
    shop.make()
    assert shop.job().state == "cancelled"
    assert list(shop.files.folder.iterdir()) == []


def test_what_cannot_be_printed_is_told_in_the_job(shop: Shop) -> None:
    with shop.database.transaction() as session:
        session.get_one(Product, shop.product_id).name_zh = "蜂蜜🍯"
    shop.ask()
    shop.hand_over()
    assert shop.make() == 0
    job = shop.job()
    assert job.state == "failed"
    assert "🍯" in job.fault % job.fault_params


def test_a_full_disk_is_told_in_the_job(shop: Shop, tmp_path: Path) -> None:
    shop.ask()
    shop.hand_over()
    (tmp_path / "taken").write_text("a file where the folder should be")
    shop.files = replace(shop.files, folder=tmp_path / "taken")
    assert shop.make() == 0
    job = shop.job()
    assert job.state == "failed"
    assert "disk" in job.fault
    assert isinstance(job.finished_at, datetime)


def test_files_are_kept_for_a_month_after_which_they_are_made_again(shop: Shop) -> None:
    print_id = shop.ask()
    shop.hand_over()
    assert forget_files(shop.database, shop.files, clock.now()) == 0
    while shop.make():
        pass
    file = shop.files.folder / f"{print_id}.pdf"
    assert forget_files(shop.database, shop.files, clock.now()) == 0
    assert file.exists()
    assert forget_files(shop.database, shop.files, clock.now() + KEPT + timedelta(days=1)) == 1
    assert not file.exists()
    with shop.database.transaction() as session:
        go_on_job(session, print_id, actor=shop.owner, now=NOW)
    shop.hand_over()
    while shop.make():
        pass
    assert file.exists()
