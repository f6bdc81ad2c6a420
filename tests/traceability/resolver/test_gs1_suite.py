"""GS1's own resolver test suite, unchanged, in headless Chromium against the running server.

The harness stands in ../shared/resolver-suite (or under SHARED_DIR), the suite where
RESOLVER_SUITE_DIR says: a checkout or a git directory of gs1/GS1DL-resolver-testsuite. Without
them this is skipped loudly; test_answers.py asks the same things in small, always.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.migrate import upgrade
from app.seeding import take_in_region
from foundation import clock
from foundation.db import open_database
from goods.stock.models import LogisticUnit
from tests.databases import REGION
from tests.factories import on_shelf, world
from tests.traceability.public_vectors import ROOT
from traceability.resolver.services import LinkEntry, Whereabouts, register_link

#: Tests of the suite that a server without TLS cannot take; `--tls-cert` takes them too.
NEED_TLS = {"isHttps", "tlsOK"}


@contextmanager
def served(data_dir: Path, port: int, *words: str) -> Iterator[None]:
    """Run the server as an installation does."""
    env = os.environ | {
        "APP_ENV": "test",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": "",
        "PORT": str(port),
        "RATE_LIMITS": "off",
        "LOG_LEVEL": "warning",
        "WORKER": "none",
    }
    with (data_dir / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "app", "serve", *words]
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end and server.poll() is None:
                address = f"http://127.0.0.1:{port}/healthz"
                with suppress(OSError), urllib.request.urlopen(address, timeout=2):
                    break
                time.sleep(0.2)
            yield
        finally:
            server.terminate()
            server.wait(20)


def things(data_dir: Path) -> list[str]:
    """Record a lot of jars and set links of several languages; give the paths to test."""
    database = open_database(f"sqlite:///{data_dir / 'shanhuo.db'}")
    upgrade(database)
    now = clock.now()
    with database.transaction() as session:
        take_in_region(session, REGION, now=now)
    with database.transaction() as session:
        w = world(session)
        lot, serials = on_shelf(w, packs=2, now=now - timedelta(days=1))
        item = (("01", w.sku.gtin),)
        for title, tag in (("一", "zh"), ("two", "en")):
            entry = LinkEntry(
                item, "certificationInfo", f"https://a.example.org/{tag}", title, hreflang=tag
            )
            where = Whereabouts("localhost", demo=False)
            register_link(session, entry, where=where, actor=w.owner, now=now)
        sscc = session.query(LogisticUnit.sscc).first()[0]  # type: ignore[index]
        paths = [
            f"/01/{w.sku.gtin}",
            f"/01/{w.sku.gtin}/10/{lot.lot_no}/21/{serials[0].serial}",
            f"/00/{sscc}",
        ]
    database.dispose()
    return paths


def verdicts(suite: str, harness: Path, uri: str) -> list[dict[str, Any]]:
    """Run the suite against one URI; give its verdicts."""
    command = [sys.executable, "run_suite.py", "--suite-dir", suite, "--uri", uri]
    done = subprocess.run(
        command, cwd=harness, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode in {0, 1}, done.stderr[-1000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [line for line in lines if "id" in line]


def test_gs1s_suite_passes_against_the_running_server(tmp_path: Path) -> None:
    suite = os.environ.get("RESOLVER_SUITE_DIR", "")
    harness = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared") / "resolver-suite"
    if not suite or not (harness / "run_suite.py").is_file():
        pytest.skip(
            "GS1'S RESOLVER SUITE ABSENT, NOTHING CHECKED: set RESOLVER_SUITE_DIR to a checkout of "
            f"gs1/GS1DL-resolver-testsuite (harness: {harness})"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    paths = things(tmp_path)
    with served(tmp_path, port):
        for path in paths:
            told = verdicts(suite, harness, f"http://127.0.0.1:{port}{path}")
            wrong = [
                (one["id"], one["verdict"], one["message"])
                for one in told
                if one["verdict"] not in {"pass", "not needed"} and one["id"] not in NEED_TLS
            ]
            assert wrong == [], path
            assert sum(one["verdict"] == "pass" for one in told) >= 24
