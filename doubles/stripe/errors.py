"""Stripe's way of saying no."""

from typing import Any


class ApiError(Exception):
    """One refusal, with Stripe's status, type, code, parameter and wording.

    `before_work` says that the request was refused while being read: such an answer is not
    kept under an idempotency key (https://docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        before_work: bool = False,
        **more: str,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.before_work = before_work
        self.more = more

    def body(self) -> dict[str, Any]:
        """Give the JSON that Stripe would send."""
        error: dict[str, Any] = dict(self.more)
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["type"] = self.kind
        return {"error": error}


def missing(kind: str, identifier: str, param: str) -> ApiError:
    """Refuse an id that names nothing: 404 when it is in the path, as most often."""
    return ApiError(
        f"No such {kind}: '{identifier}'", status=404, code="resource_missing", param=param
    )


def bad(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Refuse a request that cannot be read as one."""
    return ApiError(message, code=code, param=param, before_work=True)
