"""Runs the WSGI application behind granian's ASGI interface, which keeps paths as they were sent.

Granian's own WSGI interface hands on the decoded path only: `%2F` within a lot could not be told
from a separator, and the resolver has to (Digital Link URI Syntax, section 4.2).
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, cast
from urllib.parse import unquote_to_bytes

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

IN_MEMORY: Final = 512 * 1024
"""Bytes of a request's or an answer's body that are held in memory at once."""
MOST_BODY: Final = 64 * 1024 * 1024
"""Bytes of a request's body that are read at all; the application has lower limits."""
UNNAMED: Final = frozenset({"content-type", "content-length"})


class Bridge:
    """An ASGI application around a WSGI one; each request runs in one thread of a pool."""

    def __init__(self, inner: Wsgi, *, threads: int) -> None:
        self._inner = inner
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        environ = environ_of(scope)
        body = await self._body(environ, receive)
        if body is None:
            await send({"type": "http.response.start", "status": 413, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        environ["wsgi.input"] = body
        loop = asyncio.get_running_loop()
        answer = _Answer(loop, send, without_body=environ["REQUEST_METHOD"] == "HEAD")
        try:
            rest = await loop.run_in_executor(self._pool, answer.run, self._inner, environ)
        finally:
            body.close()
        for message in rest:
            await send(message)

    @staticmethod
    async def _body(environ: Mapping[str, Any], receive: Receive) -> IO[bytes] | None:
        """Read the body; None when it is too long."""
        body = cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 -- closed after use
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            return body
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > MOST_BODY:
                body.close()
                return None
            body.write(chunk)
            more = message.get("more_body", False)
        body.seek(0)
        return body


class _Answer:
    """One answer on its way out of the thread that makes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send, *, without_body: bool) -> None:
        self._loop = loop
        self._send = send
        self._without_body = without_body
        self._start: dict[str, Any] = {}
        self._begun = False

    def run(self, inner: Wsgi, environ: dict[str, Any]) -> list[dict[str, Any]]:
        """Run the application; give the messages that are still to be sent.

        A short answer is given whole, which spares the way back into this thread; a long one is
        sent from here, piece by piece.
        """
        held: list[bytes] = []
        size = 0
        chunks = inner(environ, self._started)
        try:
            for chunk in chunks:
                if self._without_body or not chunk:
                    continue
                held.append(chunk)
                size += len(chunk)
                if size > IN_MEMORY:
                    self._out(b"".join(held), more=True)
                    held, size = [], 0
        finally:
            with suppress(AttributeError):
                chunks.close()  # type: ignore[attr-defined]
        end = {"type": "http.response.body", "body": b"".join(held)}
        return [end] if self._begun else [self._start, end]

    def _started(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        self._start = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        }
        return lambda chunk: self._out(chunk, more=True)

    def _out(self, body: bytes, *, more: bool) -> None:
        messages = [] if self._begun else [self._start]
        self._begun = True
        for message in (
            *messages,
            {"type": "http.response.body", "body": body, "more_body": more},
        ):
            sending = self._send(message)
            asyncio.run_coroutine_threadsafe(_wait(sending), self._loop).result()


async def _wait(sending: Awaitable[None]) -> None:
    await sending


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Give the WSGI environment (PEP 3333) of an ASGI scope, with `RAW_URI` as it was sent."""
    raw = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    host, port = scope["server"] or ("127.0.0.1", "80")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw).decode("latin-1"),
        "RAW_URI": f"{raw}?{query}" if query else raw,
        "QUERY_STRING": query,
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_SOFTWARE": "granian",
        "REMOTE_ADDR": str(scope["client"][0]) if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        key = name.upper().replace("-", "_")
        if name not in UNNAMED:
            key = f"HTTP_{key}"
            if key in environ:
                value = f"{environ[key]}{';' if name == 'cookie' else ','}{value}"
        environ[key] = value
    return environ
