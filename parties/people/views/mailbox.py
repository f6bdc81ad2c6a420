"""The demo's mailbox: what would have left, had this been real."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from foundation.errors import NotFound
from foundation.web import asked_page, reading
from parties.people import queries
from parties.people.guards import open_to_all
from parties.people.login import people


@open_to_all
def demo_messages() -> ResponseReturnValue:
    """Show mails and text messages, newest first; outside a demo there is no such page."""
    if not people().demo:
        raise NotFound("There is nothing at this address")
    with reading() as session:
        page = queries.letters(session, number=asked_page())
    return render_template("people/messages.html", page=page)


def hang(bp: Blueprint) -> None:
    """Give this its address."""
    bp.add_url_rule("/demo/messages", "demo_messages", demo_messages)
