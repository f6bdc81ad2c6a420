"""Chinese or English."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from foundation import clock
from foundation.errors import BadInput
from foundation.web import transaction
from parties.people import services
from parties.people.guards import current_actor, open_to_all
from parties.people.login import caller
from parties.people.services.accounts import LANGUAGES
from parties.people.views.common import asked_next, remember_language


@open_to_all
def set_language() -> ResponseReturnValue:
    """Remember the language in this browser, and in the account of whoever has signed in."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        raise BadInput("This language is not spoken here", field="language")
    user = caller()
    if user is not None and user.language != chosen:
        with transaction() as session:
            services.change_profile(
                session,
                display_name=user.visitor.display_name,
                language=chosen,
                actor=current_actor(),
                now=clock.now(),
            )
    answer = redirect(asked_next() or "/", 303)
    remember_language(answer, chosen)
    return answer


def hang(bp: Blueprint) -> None:
    """Give this its address."""
    bp.add_url_rule("/language", "set_language", set_language, methods=["POST"])
