"""Posting to a partner's server, and to nothing else: no redirects, no addresses within."""

import http.client
import ipaddress
import socket
import ssl
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from typing_extensions import override

from traceability.services.subscriptions import BadAddress

PATIENCE: Final = 10.0
OK: Final = range(200, 300)


class Answer(NamedTuple):
    """What a subscriber's server said; no status when it could not be reached."""

    status: int | None
    error: str | None = None

    @property
    def taken(self) -> bool:
        """Tell whether the report has arrived."""
        return self.status in OK


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was looked at, whatever a second look-up would say."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=PATIENCE)
        self._address = address
        self._context = context

    @override
    def connect(self) -> None:
        """Connect to the address, and show the host's name to it."""
        plain = socket.create_connection((self._address, self.port), PATIENCE)
        self.sock = (
            self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain
        )


def check_address(dest: str, *, private_ok: bool) -> None:
    """Refuse an address that reports can't be sent to; raise BadAddress."""
    parts = _parts(dest)
    if parts.scheme == "http" and not private_ok:
        raise BadAddress("Reports go to https:// addresses only", field="dest")
    if not private_ok and _is_literal(parts.hostname or "") and _inside(parts.hostname or ""):
        raise BadAddress("Reports don't go to addresses of a private network", field="dest")


class _Target(NamedTuple):
    scheme: str
    hostname: str | None
    port: int
    path: str
    netloc: str


def _parts(dest: str) -> _Target:
    try:
        found = urlsplit(dest)
        port = found.port or (443 if found.scheme == "https" else 80)
    except ValueError as error:
        raise BadAddress("This is no address to report to", field="dest") from error
    printable = dest.isascii() and dest.isprintable() and " " not in dest
    if found.scheme not in {"http", "https"} or not found.hostname or not printable:
        raise BadAddress("This is no address to report to", field="dest")
    if found.username or found.password:
        raise BadAddress("The address to report to may hold no password", field="dest")
    path = found.path or "/"
    return _Target(
        found.scheme,
        found.hostname,
        port,
        f"{path}?{found.query}" if found.query else path,
        found.netloc,
    )


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _inside(address: str) -> bool:
    return not ipaddress.ip_address(address).is_global


def post(dest: str, body: bytes, headers: dict[str, str], *, private_ok: bool) -> Answer:
    """Post a body; give what the server said, or why it could not be reached. Never raises."""
    try:
        target = _parts(dest)
        found = socket.getaddrinfo(target.hostname, target.port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        if not private_ok and any(_inside(str(one[4][0])) for one in found):
            return Answer(None, "the address is within a private network")
        secure = ssl.create_default_context() if target.scheme == "https" else None
        connection = _Pinned(target.hostname or "", target.port, address, secure)
        try:
            connection.request("POST", target.path, body, {**headers, "Host": target.netloc})
            answer = connection.getresponse()
            said = answer.read(300).decode("utf-8", "replace")
            status = answer.status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, BadAddress, UnicodeError) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:300])
    return Answer(status, None if status in OK else said)
