"""The small door of people: signing in and up, one's own account, the demo's mailbox."""

from flask import Blueprint, Response, request

from parties.people.views import account, language, mailbox, sign_in, sign_up

bp = Blueprint("people", __name__)
for part in (sign_in, sign_up, account, language, mailbox):
    part.hang(bp)


@bp.after_request
def keep_nothing(answer: Response) -> Response:
    """Let no shared computer keep one's own pages: they hold address, phone and tokens."""
    if request.path.startswith("/me/"):
        answer.headers["Cache-Control"] = "no-store"
    return answer


__all__ = ["bp"]
