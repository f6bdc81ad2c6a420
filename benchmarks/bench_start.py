"""How long one waits: for the demo's seed, and for a seeded system to answer."""

import statistics
import time

from benchmarks.harness import Figure, Size
from benchmarks.installation import seeded, served

NAME = "start"
ASK_SEED = 120.0
STARTS = {"small": 3, "full": 7}


def start_once(size: Size) -> float:
    """Start the whole system on a seeded installation; give the seconds until /healthz is 200."""
    begun = time.perf_counter()
    with served(seeded(size)):
        return time.perf_counter() - begun


def run(size: Size) -> list[Figure]:
    """Tell the seed's time, then start and stop a few times."""
    seed = seeded(size).seconds
    starts = [start_once(size) for _ in range(STARTS[size])]
    filled = (
        Figure.at_most("start: seeding the full demo", seed, "s", ask=ASK_SEED)
        if size == "full"
        else Figure.told("start: seeding the small demo", seed, "s", note="seed --small")
    )
    ready = Figure.told(
        "start: from `python -m app run` to the first answer",
        statistics.median(starts),
        "s",
        note=f"median of {len(starts)}; database seeded before, payments' double started with it",
    )
    return [filled, ready]
