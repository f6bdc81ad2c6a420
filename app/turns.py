"""Reads take turns where the database is embedded: threads that fight for one lock get less done.

SQLite lets go of the interpreter's lock at every row. With several threads at work each such moment
wakes another one, which finds the lock taken again: on two cores a third of the processor went into
that. So requests that only read go one after the other; nobody waits longer than PATIENCE for a
turn, so that one slow page (a sheet of labels, an export) holds up nobody else. Requests that write
have the database's own ticket lock and wait for the disk meanwhile: they take no turn.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Final

PATIENCE: Final = 0.05
"""Seconds after which a request goes ahead without its turn."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Turns:
    """A WSGI application whose GET and HEAD requests run one at a time, for a while."""

    def __init__(self, inner: Wsgi, *, patience: float = PATIENCE) -> None:
        self._inner = inner
        self._patience = patience
        self._turn = Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._inner(environ, start_response)
        mine = self._turn.acquire(timeout=self._patience)
        try:
            return self._inner(environ, start_response)
        finally:
            if mine:
                self._turn.release()
