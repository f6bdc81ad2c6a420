"""What may stand in this repository, and what its commands promise."""

import ast
import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parents[2]

# Spelled in pieces, so that this file passes its own test.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "npm" + "mirror.com",
    "static.crates" + ".io",
    "repo.maven" + ".apache.org",
    "deb.deb" + "ian.org",
]
POINTERS = ["--index-" + "url", "--extra-index-" + "url", "--find-" + "links", '"resolved' + '":']
LEFT_OPEN = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|NotImplemented" + "Error")
NOT_OURS = re.compile(
    r"(^|/)node_modules/|\.min\.(js|css)$|\.(wasm|woff2?|ttf|ttc|otf|whl|tgz|jar|so|mo|pyc)$"
    r"|(^|/)(uv\.lock|pylock\.toml)$|^(var|build|static/vendor|static/build)/"
)


@cache
def tracked() -> list[Path]:
    """Every file that git holds and that stands in the work tree."""
    said = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in said.split("\0") if name and (ROOT / name).is_file()]


@cache
def texts() -> dict[str, str]:
    """Every tracked file by its path from the root; a file that is no text fails here."""
    found = {}
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        content = path.read_bytes()
        assert b"\0" not in content, f"{name} is a binary file"
        found[name] = content.decode("utf-8")
    return found


@cache
def rooms() -> list[Path]:
    """The folders that are Python packages of the house, at every depth."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tops = [ROOT / name for name in settings["tool"]["importlinter"]["root_packages"]]
    return sorted({path.parent for path in tracked() if path.suffix == ".py"} & within(tops))


def within(tops: list[Path]) -> set[Path]:
    """Those folders and all folders inside them."""
    return {folder for top in tops for folder in [top, *(p for p in top.rglob("*") if p.is_dir())]}


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{name}: {word}"
        for name, text in texts().items()
        for word in REGISTRIES + POINTERS
        if word in text.replace("--no-emit-index-" + "url", "")
    ]
    assert found == []


def test_nothing_is_tracked_that_is_built_installed_or_a_binary() -> None:
    assert [name for name in texts() if NOT_OURS.search(name)] == []


def test_nothing_is_left_open() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        if name.endswith((".py", ".js", ".html", ".css", ".sh", ".md", ".txt", ".toml", "Makefile"))
        for number, line in enumerate(text.splitlines(), 1)
        if LEFT_OPEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_every_locked_python_package_has_a_version_and_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8").strip())
    pinned = re.compile(r"(?s)^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+ .*\\\n\s+--hash=sha256:")
    assert entries
    assert [entry.splitlines()[0] for entry in entries if not pinned.match(entry)] == []


def test_every_wanted_python_package_is_locked() -> None:
    for wanted in ROOT.glob("requirements*.in"):
        names = re.findall(r"(?m)^([a-z0-9][a-z0-9-]*)", wanted.read_text(encoding="utf-8"))
        locked = re.findall(
            r"(?m)^([a-z0-9][a-z0-9-]*)", wanted.with_suffix(".txt").read_text("utf-8")
        )
        assert set(names) <= set(locked), wanted.name


def test_the_front_end_lock_has_hashes_and_no_addresses() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        pytest.skip("there are no front-end packages yet")
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    installed = {name: held for name, held in packages.items() if name and not held.get("link")}
    assert [name for name, held in installed.items() if "integrity" not in held] == []
    assert [name for name, held in installed.items() if "resolved" in held] == []


def test_make_help_lists_every_target_and_every_target_is_phony() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z][a-z-]*):(?!=)", makefile))
    phony = set(re.findall(r"(?m)^\.PHONY: (\S+)$", makefile))
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"(?m)^  ([a-z-]+) +\S", shown)) == targets == phony
    promised = "run test help lint migrate seed accounts bench bench-full backup restore docs"
    assert set(promised.split()) <= targets


def test_what_continuous_integration_runs_is_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text(encoding="utf-8")


def test_the_readme_begins_with_the_two_commands() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not written yet")
    lines = readme.read_text(encoding="utf-8").splitlines()
    first = [line.split("#")[0].strip() for line in lines if line.strip().startswith("make ")][:2]
    assert first == ["make run", "make test"]


def test_migrations_have_one_head() -> None:
    if not (ROOT / "migrations" / "versions").exists():
        pytest.skip("there are no migrations yet")
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_every_room_says_what_it_is() -> None:
    assert rooms()
    silent = [
        room.relative_to(ROOT).as_posix()
        for room in rooms()
        if not (room / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_every_decision_record_is_in_the_index() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", index) == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
