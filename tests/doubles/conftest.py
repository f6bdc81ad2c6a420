"""One double for the tests of a module that need no settings of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.stripe_process import Double, running


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    path: Path = tmp_path_factory.mktemp("stripe") / "double.sqlite3"
    with running(path) as started:
        yield started
