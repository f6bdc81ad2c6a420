"""The harness that our figures rest on: it judges, merges, shows and measures as it says."""

import os
import shutil
from pathlib import Path

import pytest

from benchmarks import serving
from benchmarks.__main__ import benches, main
from benchmarks.harness import Figure, Pair, paired, read, record, render


def test_a_ratio_is_judged_at_least_and_a_lone_number_at_most() -> None:
    assert Figure.versus("pages", Pair(50, 100, 0.5), "requests/s", ask=0.5).ok is True
    assert Figure.versus("pages", Pair(49, 100, 0.49), "requests/s", ask=0.5).ok is False
    assert Figure.at_most("memory", 250, "MB", ask=250).ok is True
    assert Figure.at_most("memory", 250.1, "MB", ask=250).ok is False
    assert Figure.told("start", 1.5, "s").ok is None


def test_two_sides_take_turns_and_one_slow_round_does_not_move_the_median() -> None:
    turns: list[str] = []
    ours, against = iter([9.0, 5.0, 1.0, 5.0]), iter([9.0, 10.0, 10.0, 10.0])

    def side(name: str, values: object) -> float:
        turns.append(name)
        return next(values)  # type: ignore[call-overload, no-any-return]

    pair = paired(lambda: side("A", ours), lambda: side("B", against), rounds=3)

    assert "".join(turns) == "ABABABAB"
    assert pair == Pair(5.0, 10.0, 0.5)


def test_a_new_figure_replaces_the_one_of_its_name_and_leaves_the_others(tmp_path: Path) -> None:
    files = {"results": tmp_path / "results.json", "shown": tmp_path / "RESULTS.md"}
    record(
        [Figure.told("start", 2.0, "s"), Figure.at_most("memory", 300, "MB", ask=250)],
        size="small",
        **files,
    )
    record([Figure.at_most("memory", 212.345, "MB", ask=250)], size="full", **files)

    memory, start = read(files["results"])
    assert (memory.name, memory.ours, memory.ok, memory.size) == ("memory", 212.3, True, "full")
    assert (start.name, start.ours, start.size) == ("start", 2.0, "small")
    assert memory.machine
    assert memory.date
    assert files["shown"].read_text(encoding="utf-8") == render([memory, start])
    assert "≤ 250 MB" in files["shown"].read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["RESULTS.md", "results.json"]


def test_load_goes_nowhere_but_this_machine_and_not_past_its_bounds() -> None:
    with pytest.raises(ValueError, match="stays on this machine"):
        serving.load("http://192.0.2.1:8000/")
    with pytest.raises(ValueError, match="at most"):
        serving.load("http://127.0.0.1:9/", seconds=61)
    with pytest.raises(ValueError, match="at most"):
        serving.load("http://127.0.0.1:9/", connections=65)


@pytest.mark.parametrize("generator", ["wrk", "client"])
def test_a_server_is_started_loaded_weighed_and_ended(
    generator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if generator == "client":
        monkeypatch.setattr(shutil, "which", lambda _name: None)
    elif not shutil.which("wrk"):
        pytest.skip("wrk is not installed; `make bench` says how")

    with serving.serve("benchmarks.bare:app", ready="/") as server:
        assert serving.answer(server.url + "/") == b'{"status":"ok"}'
        seen = serving.load(server.url + "/", seconds=1, connections=4)
        members = serving.tree(server.pid)
        assert 10 < server.memory() < 200

    assert seen.per_second > 100
    assert 0 < seen.p50_ms <= seen.p99_ms
    assert generator in seen.generator
    assert len(members) >= 2
    assert not any(Path(f"/proc/{member}").exists() for member in members)


def test_a_server_that_does_not_start_shows_its_log() -> None:
    with (
        pytest.raises(RuntimeError, match="no_such_module"),
        serving.serve("benchmarks.no_such_module:app", ready="/", within=20),
    ):
        pytest.fail("nothing may be served here")


def test_memory_of_a_process_that_has_ended_is_nothing() -> None:
    assert serving.proportional_memory(os.getpid()) > 1
    assert serving.proportional_memory(2**22 + 1) == 0


def test_every_bench_has_a_name_of_its_own_and_a_wrong_name_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = benches()
    assert len(known) == len(list(Path("benchmarks").glob("bench_*.py")))
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(known)
    with pytest.raises(SystemExit):
        main(["no-such-bench"])
    with pytest.raises(SystemExit):
        main(["--full"])
