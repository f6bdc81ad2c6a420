"""A WSGI application behind an ASGI server: paths as sent, bodies whole, answers in parts."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from app import bridge
from app.bridge import Bridge

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "scheme": "https",
    "http_version": "1.1",
    "raw_path": b"/01/1/10/A%2FB%E8%9C%9C",
    "query_string": b"a=%2F&b",
    "server": ("127.0.0.1", "8000"),
    "client": ("10.1.2.3", "1"),
    "headers": [
        (b"host", b"shop.example"),
        (b"content-length", b"5"),
        (b"content-type", b"text/plain"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
    ],
}


def exchange(
    inner: Callable[..., Iterable[bytes]], *sent: bytes, **given: Any
) -> list[dict[str, Any]]:
    """Send one request whose body comes in parts; give the messages of the answer."""
    parts = [
        {"type": "http.request", "body": part, "more_body": n + 1 < len(sent)}
        for n, part in enumerate(sent)
    ]
    out: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        out.append(message)

    asyncio.run(Bridge(inner, threads=2)({**SCOPE, **given}, receive, send))
    return out


def test_the_application_sees_the_path_as_it_was_sent_and_the_whole_body() -> None:
    seen: dict[str, Any] = {}

    def inner(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        start("201 Created", [("X-Answer", "yes")])
        return [b"a", b"b"]

    start, body = exchange(inner, b"he", b"llo")
    assert (start["status"], start["headers"]) == (201, [(b"x-answer", b"yes")])
    assert body["body"] == b"ab"
    assert seen["RAW_URI"] == "/01/1/10/A%2FB%E8%9C%9C?a=%2F&b"
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/01/1/10/A/B蜜"
    assert (seen["body"], seen["CONTENT_LENGTH"], seen["CONTENT_TYPE"]) == (
        *(b"hello", "5", "text/plain"),
    )
    assert (seen["HTTP_COOKIE"], seen["HTTP_X_A"]) == ("a=1;b=2", "1,2")
    assert (seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("https", "10.1.2.3")


def test_a_long_answer_leaves_in_parts_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "IN_MEMORY", 10)
    closed: list[bool] = []

    def inner(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])

        def parts() -> Iterator[bytes]:
            try:
                for _ in range(5):
                    yield b"123456"
            finally:
                closed.append(True)

        return parts()

    out = exchange(inner, b"", headers=[])
    assert [message["type"][14:] for message in out] == ["start", "body", "body", "body"]
    assert b"".join(message.get("body", b"") for message in out) == b"123456" * 5
    assert [m.get("more_body", False) for m in out[1:]] == [True, True, False]
    assert closed == [True]


def test_head_has_no_body_and_a_body_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def inner(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", "4")])
        return [b"page"]

    assert exchange(inner, b"hello", method="HEAD")[1]["body"] == b""
    monkeypatch.setattr(bridge, "MOST_BODY", 4)
    assert exchange(inner, b"hello")[0]["status"] == 413
