"""Figures: how one is measured against another, judged, kept and shown.

A figure is merged by its name into `results.json`, and the whole file is shown as `RESULTS.md`.
Ratios are what counts: ours and the other side take turns in one run on one machine, so that a slow
or busy machine slows both. Absolute numbers belong to the machine named beside them.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol, Self

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
SHOWN = HERE / "RESULTS.md"

Size = Literal["small", "full"]


class Bench(Protocol):
    """What a module `benchmarks/bench_*.py` holds: its name, and a run that gives its figures."""

    NAME: str

    def run(self, size: Size) -> list["Figure"]:
        """Measure. `small` is done within a few minutes on two cores; `full` may take long."""
        ...


@dataclass(frozen=True)
class Pair:
    """Medians of two things measured in turn, and the median of each round's ratio."""

    ours: float
    against: float
    ratio: float


@dataclass(frozen=True)
class Figure:
    """One number that we claim.

    `ratio` is ours divided by against. `ask` is the bound that `ok` was judged by: of the ratio
    (at least) where there is one, else of `ours` (at most). A figure without an ask only tells.
    """

    name: str
    unit: str
    ours: float
    against: float | None = None
    ratio: float | None = None
    ask: float | None = None
    ok: bool | None = None
    note: str = ""
    size: Size = "small"
    machine: str = ""
    date: str = ""

    @classmethod
    def versus(cls, name: str, pair: Pair, unit: str, *, ask: float, note: str = "") -> Self:
        """Ours against something of the same run; more is better; asked: ratio ≥ ask."""
        ok = pair.ratio >= ask
        return cls(name, unit, pair.ours, pair.against, pair.ratio, ask, ok, note)

    @classmethod
    def at_most(cls, name: str, ours: float, unit: str, *, ask: float, note: str = "") -> Self:
        """Ours alone; less is better; asked: ours ≤ ask, in the figure's unit."""
        return cls(name, unit, ours, ask=ask, ok=ours <= ask, note=note)

    @classmethod
    def told(cls, name: str, ours: float, unit: str, *, note: str = "") -> Self:
        """Tell a number that nothing is asked of."""
        return cls(name, unit, ours, note=note)


def paired(
    ours: Callable[[], float], against: Callable[[], float], *, rounds: int = 5, warm: bool = True
) -> Pair:
    """Measure A, B, A, B, … and give medians; each call returns "more is better", e.g. per second.

    With `warm` both are called once before counting, so that caches and code paths are filled.
    """
    if warm:
        ours()
        against()
    turns = [(ours(), against()) for _ in range(rounds)]
    return Pair(
        statistics.median(a for a, _ in turns),
        statistics.median(b for _, b in turns),
        statistics.median(a / b for a, b in turns),
    )


def per_second(action: Callable[[], object], *, seconds: float = 1.0, at_least: int = 5) -> float:
    """Call an action for that long (and at least so often), and say how often a second."""
    count, begun = 0, time.perf_counter()
    while True:
        action()
        count += 1
        spent = time.perf_counter() - begun
        if count >= at_least and spent >= seconds:
            return count / spent


def seconds_of(action: Callable[[], object]) -> float:
    """Call an action once, and say how long it took."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def machine() -> str:
    """Name this machine in one line: cores, processor, memory, system, Python."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} × {models[0] if models else platform.machine()}, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def record(
    figures: Iterable[Figure],
    *,
    size: Size,
    results: Path = RESULTS,
    shown: Path = SHOWN,
) -> list[Figure]:
    """Put machine and date on the figures, merge them by name into the file, show it anew.

    Returns the figures as they were written. A figure of the same name is replaced.
    """
    here, today = machine(), datetime.now(UTC).date().isoformat()
    fresh = [replace(figure, size=size, machine=here, date=today) for figure in figures]
    kept = {figure.name: figure for figure in read(results)} | {f.name: f for f in fresh}
    every = sorted(kept.values(), key=lambda figure: figure.name)
    text = json.dumps([_rounded(figure) for figure in every], ensure_ascii=False, indent=1)
    _replace(results, text + "\n")
    _replace(shown, render(every))
    return fresh


def read(results: Path = RESULTS) -> list[Figure]:
    """Read the figures that are kept; an absent file holds none."""
    if not results.exists():
        return []
    return [Figure(**row) for row in json.loads(results.read_text(encoding="utf-8"))]


def render(figures: list[Figure]) -> str:
    """Show figures as a Markdown page: one table, then the machines they were measured on."""
    machines = sorted({figure.machine for figure in figures})
    lines = [
        "# Results",
        "",
        "Written by `make bench` and `make bench-full NAME=…`; not edited by hand. Where a figure",
        "has an *against*, both were measured in turn in the same run; the ratio is what counts.",
        "",
        "| figure | ours | against | unit | ratio | asked | ok | size | date | on |",
        "|---|--:|--:|---|--:|---|---|---|---|---|",
    ]
    lines += [
        "| "
        + " | ".join(
            [
                figure.name + (f"<br>*{figure.note}*" if figure.note else ""),
                _number(figure.ours),
                _number(figure.against),
                figure.unit,
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                asked(figure),
                {True: "yes", False: "**no**", None: ""}[figure.ok],
                figure.size,
                figure.date,
                _label(machines.index(figure.machine)),
            ]
        )
        + " |"
        for figure in figures
    ]
    lines += ["", *(f"- {_label(place)}: {name}" for place, name in enumerate(machines))]
    return "\n".join(lines) + "\n"


def asked(figure: Figure) -> str:
    """Say what is asked of a figure: `ratio ≥ 0.5`, `≤ 250 MB`, or nothing."""
    if figure.ask is None:
        return ""
    if figure.ratio is not None:
        return f"ratio ≥ {figure.ask:g}"
    return f"≤ {figure.ask:g} {figure.unit}"


def line(figure: Figure) -> str:
    """Show one figure in one line for the terminal."""
    parts = [f"{figure.name}: {_number(figure.ours)} {figure.unit}"]
    if figure.ratio is not None:
        parts.append(f"against {_number(figure.against)}, ratio {figure.ratio:.2f}")
    if figure.ask is not None:
        parts.append(f"asked {asked(figure)}: {'ok' if figure.ok else 'MISSED'}")
    return ", ".join(parts)


def _rounded(figure: Figure) -> dict[str, object]:
    """Give a figure as JSON with four significant digits: more would only be noise."""
    row = asdict(figure)
    for key in ("ours", "against", "ratio"):
        if row[key] is not None:
            row[key] = float(f"{row[key]:.4g}")
    return row


def _number(value: float | None) -> str:
    """Show three significant digits, thousands parted, without an exponent."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def _label(place: int) -> str:
    return f"M{place + 1}"


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never half of it."""
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
