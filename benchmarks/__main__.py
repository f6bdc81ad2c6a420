"""Run benches and keep their figures: `python -m benchmarks [--full] [--list] [NAME …]`.

Ends with 1 when a figure misses what is asked of it or a bench broke, else with 0.
"""

import argparse
import importlib
import sys
import time
import traceback
from typing import cast

from benchmarks.harness import HERE, Bench, Figure, Size, line, record

MOST_MINUTES = 15


def benches() -> dict[str, Bench]:
    """Find every bench by its name."""
    modules = [
        cast("Bench", importlib.import_module(f"benchmarks.{path.stem}"))
        for path in sorted(HERE.glob("bench_*.py"))
    ]
    return {module.NAME: module for module in modules}


def main(arguments: list[str]) -> int:
    """Run the benches named, or all of them at small sizes."""
    known = benches()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(known))
    parser.add_argument("--full", action="store_true", help="full size; name the benches")
    parser.add_argument("--list", action="store_true", help="name the benches and end")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        parser.error(f"no bench is called {', '.join(unknown)}; there are {', '.join(known)}")
    if asked.full and not asked.names:
        parser.error("a full run names its benches")
    if asked.list:
        print("\n".join(known))
        return 0
    return run([known[name] for name in asked.names or known], "full" if asked.full else "small")


def run(chosen: list[Bench], size: Size) -> int:
    """Run benches one after the other and keep each one's figures as soon as it has them."""
    begun, missed = time.monotonic(), 0
    for bench in chosen:
        if size == "small" and time.monotonic() - begun > MOST_MINUTES * 60:
            print(f"{bench.NAME}: not begun, {MOST_MINUTES} minutes are over")
            missed += 1
            continue
        print(f"{bench.NAME} …", flush=True)
        try:
            figures: list[Figure] = record(bench.run(size), size=size)
        except Exception:  # noqa: BLE001  (one broken bench must not cost the others' figures)
            traceback.print_exc()
            missed += 1
            continue
        for figure in figures:
            print(f"  {line(figure)}", flush=True)
        missed += sum(figure.ok is False for figure in figures)
    print(f"{len(chosen)} benches in {time.monotonic() - begun:.0f} s, {missed} missed their ask")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
