"""Pages of the running system against the same templates rendered from constants.

Ours is the whole system as `make run` starts it. Against it stands `benchmarks/constant.py` in the
same server with as many threads. Both take turns under the same load, as a visitor without cookies.
"""

import re
from functools import partial

from app.seeding import SEEDER
from benchmarks.harness import Figure, Size, paired
from benchmarks.installation import THREADS, Installation, Pages, pages_of, seeded, served
from benchmarks.serving import Server, answer, load, serve
from foundation import clock
from goods.catalogue.services import set_price

NAME = "pages"
ASK = 0.5
ROUNDS = {"small": 5, "full": 9}
SECONDS = {"small": 3, "full": 10}


def rate(url: str, seconds: int) -> float:
    """Put load on a page; give its answers per second."""
    return load(url, seconds=seconds).per_second


def check_price(where: Installation, server: Server, pages: Pages) -> None:
    """Change a price and look at once: the very next answer must show it, on page and shelf.

    Raises RuntimeError when an answer still shows the old price: something was cached.
    """
    with where.database() as database:
        for fen in (311, 322, 333):  # below every other pack, so that the shelf shows this one's
            with database.transaction() as session:
                set_price(session, pages.sku_id, fen, actor=SEEDER, now=clock.now())
            for path in (pages.product, pages.category):
                text = re.sub(r"<[^>]*>", "", (answer(server.url + path) or b"").decode())
                if f"¥{fen / 100:.2f}" not in text:
                    raise RuntimeError(f"{path} does not show the price set just before")


def run(size: Size) -> list[Figure]:
    """Load each page in turns."""
    where = seeded(size)
    pages = pages_of(where)
    named = {"product page": pages.product, "list page": pages.category, "scan page": pages.scan}
    env = {**where.env, "CONSTANT_PAGES": " ".join(named.values())}
    constant = serve(
        "benchmarks.constant:bridge", env=env, threads=THREADS, ready=pages.product, bridged=True
    )
    figures = []
    with served(where) as ours, constant as bare:
        for name, path in named.items():
            seconds, rounds = SECONDS[size], ROUNDS[size]
            pair = paired(
                partial(rate, ours.url + path, seconds),
                partial(rate, bare.url + path, seconds),
                rounds=rounds,
            )
            seen = load(ours.url + path, seconds=seconds)
            note = f"p50 {seen.p50_ms:.0f} ms, p99 {seen.p99_ms:.0f} ms, by {seen.generator}"
            figures.append(Figure.versus(f"pages: {name}", pair, "requests/s", ask=ASK, note=note))
        check_price(where, ours, pages)
    return figures
