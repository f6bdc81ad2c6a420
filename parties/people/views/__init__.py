"""The small door of people: signing in and up, one's own account, the demo's mailbox."""

from flask import Blueprint

from parties.people.views import account, language, mailbox, sign_in, sign_up

bp = Blueprint("people", __name__)
for part in (sign_in, sign_up, account, language, mailbox):
    part.hang(bp)

__all__ = ["bp"]
