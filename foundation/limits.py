"""How often one address may ask; doors put limits on their views."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from typing_extensions import override


class ViewLimiter(Limiter):
    """A limiter of decorated views only; requests to all others pass it by.

    The library also looks before every request for limits of the whole application, of which
    there are none; on a page that is read often that look costs as much as a statement.
    """

    @override
    def _check_request_limit(
        self, callable_name: str | None = None, in_middleware: bool = True
    ) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


limiter = ViewLimiter(get_remote_address)
