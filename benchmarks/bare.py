"""The least that a WSGI server can be asked for: a few constant bytes."""

from collections.abc import Callable, Iterable

BODY = b'{"status":"ok"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer every request with the same few bytes."""
    del environ
    start_response("200 OK", HEADERS)
    return [BODY]
