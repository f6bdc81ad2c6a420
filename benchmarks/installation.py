"""A seeded installation, made once per run and shared by every bench that needs one."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select

from benchmarks.harness import Size
from benchmarks.serving import ROOT, Server, free_port
from benchmarks.serving import run as running
from foundation.db import Database, open_database
from goods.catalogue.models import Category, Product, Sku
from goods.stock.models import Lot, Serial
from trade.sales.models import SaleLine

THREADS = 4
"""As many as `make run` has."""


@dataclass(frozen=True)
class Installation:
    """Where a seeded installation is kept, and how long it took to fill it."""

    data_dir: Path
    seconds: float

    @property
    def env(self) -> dict[str, str]:
        """Give what a process of this installation finds in its environment."""
        return {"DATA_DIR": str(self.data_dir), "APP_ENV": "demo", "LOG_LEVEL": "warning"}

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open its database."""
        opened = open_database(f"sqlite:///{self.data_dir / 'shanhuo.db'}")
        try:
            yield opened
        finally:
            opened.dispose()


@cache
def seeded(size: Size) -> Installation:
    """Fill a new installation as `make seed` does; `small` with a hundredth of the year's sales."""
    home = Path(tempfile.mkdtemp(prefix="bench-data-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    made = Installation(home, 0)
    command = [sys.executable, "-m", "app", "seed", *(["--small"] if size == "small" else [])]
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **made.env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"seeding failed:\n{done.stderr[-2000:]}")
    return Installation(home, time.perf_counter() - begun)


@contextmanager
def served(where: Installation) -> Iterator[Server]:
    """Run the whole demo system on an installation, as `make run` does."""
    port = free_port()
    command = [sys.executable, "-m", "app", "run"]
    env = {**where.env, "PORT": str(port)}
    with running(command, env=env, url=f"http://127.0.0.1:{port}") as server:
        yield server


@dataclass(frozen=True)
class Pages:
    """Addresses of the three pages that are measured, and the SKU that the first one sells."""

    product: str
    category: str
    scan: str
    sku_id: int


def pages_of(where: Installation) -> Pages:
    """Choose a pack sold at a counter, with its whole way behind it, its product and its shelf."""
    with where.database() as database, database.reading() as session:
        row = session.execute(
            select(Product.code, Category.code, Sku.gtin, Lot.lot_no, Serial.serial, Sku.id)
            .join(Category, Category.code == Product.category_code)
            .join(Sku, Sku.product_id == Product.id)
            .join(Lot, Lot.sku_id == Sku.id)
            .join(Serial, Serial.lot_id == Lot.id)
            .join(SaleLine, SaleLine.serial_id == Serial.id)
            .order_by(SaleLine.id)
            .limit(1)
        ).one()
    product, category, gtin, lot_no, serial, sku_id = row
    return Pages(f"/p/{product}", f"/c/{category}", f"/01/{gtin}/10/{lot_no}/21/{serial}", sku_id)
