"""Servers that a bench starts itself, the memory they take, and a bounded load put on them.

Load goes to this machine only, over connections kept alive, for a bounded time. The generator is
Debian's `wrk` where it is installed (`make bench` asks for it), else `benchmarks/client.py`, which
takes more of the processor from the server: a figure's note names the generator that was used.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MOST_SECONDS = 60
MOST_CONNECTIONS = 64
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """What a load run saw: answers per second, latency in milliseconds, and who generated it."""

    per_second: float
    p50_ms: float
    p99_ms: float
    generator: str


@dataclass(frozen=True)
class Server:
    """A server process of ours: where it listens, and the process at the root of its tree."""

    url: str
    pid: int

    def memory(self) -> float:
        """Memory of the process and all its descendants in MB (10⁶ bytes), shared pages split."""
        return proportional_memory(self.pid)


@contextmanager
def serve(
    target: str,
    *,
    env: Mapping[str, str] | None = None,
    threads: int = 2,
    ready: str = "/healthz",
    within: float = 60,
    bridged: bool = False,
) -> Iterator[Server]:
    """Serve a WSGI target (`module:app`) by granian, one process, until the block ends.

    `bridged`: the target is an `app.bridge.Bridge`, which reads its threads from WEB_THREADS.

    `env` comes on top of this process's environment; `ready` is a path that answers 200 when the
    server may be used. Raises RuntimeError with the end of the server's log when it does not come.
    """
    port = free_port()
    command = [sys.executable, "-m", "granian", "--no-ws", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    if bridged:
        command += ["--interface", "asginl", target]
        env = {**(env or {}), "WEB_THREADS": str(threads)}
    else:
        command += ["--interface", "wsgi", "--blocking-threads", str(threads), target]
    with run(command, env=env, url=f"http://127.0.0.1:{port}", ready=ready, within=within) as it:
        yield it


@contextmanager
def run(
    command: list[str],
    *,
    url: str,
    env: Mapping[str, str] | None = None,
    ready: str = "/healthz",
    within: float = 60,
) -> Iterator[Server]:
    """Run any command that serves at `url` until the block ends, then end its whole group."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + within
            while answer(url + ready) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    end = log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"{command[-1]} did not answer at {url}{ready}:\n{end}")
                time.sleep(0.05)
            yield Server(url, process.pid)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process as Ctrl-C would, and its whole group if it does not obey within 10 s."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


ACCEPT = "text/html,*/*;q=0.8"
"""What a browser says: a resolver redirects those who do not say that they read pages."""


def free_port() -> int:
    """Find a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    assert isinstance(number, int)  # noqa: S101
    return number


def answer(url: str) -> bytes | None:
    """Fetch one page: its body when it answered 200, else nothing. Redirects are not followed."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link.request("GET", path, headers={"Accept": ACCEPT})
        response = link.getresponse()
        body = response.read()
    except OSError:
        return None
    else:
        return body if response.status == http.client.OK else None
    finally:
        link.close()


def load(url: str, *, seconds: int = 4, connections: int = 16) -> Load:
    """Ask for one page over and over, and say how it went.

    Raises ValueError for an address off this machine or a run past the bounds, RuntimeError when
    the page does not answer 200 or any answer under load failed: a fast error is no figure.
    """
    if urlsplit(url).hostname not in LOOPBACK:
        raise ValueError(f"load stays on this machine: {url}")
    if not (0 < seconds <= MOST_SECONDS and 0 < connections <= MOST_CONNECTIONS):
        raise ValueError(f"at most {MOST_SECONDS} s and {MOST_CONNECTIONS} connections")
    if answer(url) is None:
        raise RuntimeError(f"{url} does not answer 200")
    if shutil.which("wrk"):
        return _by_wrk(url, seconds, connections)
    return _by_client(url, seconds, connections)


def _by_wrk(url: str, seconds: int, connections: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    command += ["-H", f"Accept: {ACCEPT}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"(Non-2xx|Socket errors).*", said)
    if failed:
        raise RuntimeError(f"{url}: {failed.group()}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    shares = {
        share: float(number) * MILLISECONDS[unit]
        for share, number, unit in re.findall(r"(?m)^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)\s*$", said)
    }
    if rate is None or not {"50", "99"} <= shares.keys():
        raise RuntimeError(f"wrk spoke otherwise than known:\n{said}")
    return Load(float(rate.group(1)), shares["50"], shares["99"], "wrk")


def _by_client(url: str, seconds: int, connections: int) -> Load:
    command = [sys.executable, "-m", "benchmarks.client", url, str(seconds), str(connections)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{url}: {done.stderr.strip()[-500:]}")
    return Load(**json.loads(done.stdout), generator="benchmarks/client.py")


def proportional_memory(pid: int) -> float:
    """Sum the proportional set size of a process and its descendants, in MB (10⁶ bytes).

    A page shared by n processes counts 1/n in each, so that the sum counts it once.
    """
    return sum(_proportional(member) for member in tree(pid)) * 1024 / 1e6


def tree(pid: int) -> list[int]:
    """List a process and its descendants that live at this moment."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        except OSError:
            continue
        parents[int(status.parent.name)] = int(after_name.split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def _proportional(pid: int) -> int:
    """Read one process's PSS in KiB; one that has just ended takes none."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
