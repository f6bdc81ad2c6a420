"""Public conformance data: read where it lies, never copied in."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def vectors_folder(name: str) -> Path:
    """Give the folder `vectors/<name>` beside the project (or under SHARED_DIR), or skip loudly."""
    path = _vectors() / name
    if not path.is_dir():
        pytest.skip(f"PUBLIC VECTORS ABSENT, NOTHING CHECKED: {path} (set SHARED_DIR)")
    return path


def _vectors() -> Path:
    return Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared") / "vectors"


def public_vectors(name: str) -> Any:
    """Read `vectors/<name>` beside the project (or under SHARED_DIR), or skip loudly."""
    path = _vectors() / name
    if not path.is_file():
        pytest.skip(f"PUBLIC VECTORS ABSENT, NOTHING CHECKED: {path} (set SHARED_DIR)")
    return json.loads(path.read_text(encoding="utf-8"))


def public_folder(name: str) -> list[str]:
    """Name every JSON file below `vectors/<name>`, for public_vectors; or skip loudly."""
    shared = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared")
    folder = shared / "vectors" / name
    if not folder.is_dir():
        pytest.skip(f"PUBLIC VECTORS ABSENT, NOTHING CHECKED: {folder} (set SHARED_DIR)")
    found = sorted(folder.rglob("*.json"))
    return [str(path.relative_to(shared / "vectors")) for path in found]
