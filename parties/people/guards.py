"""What each web address demands of whoever opens it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g

from foundation.errors import NotAllowed, NotSignedIn
from parties.people.permissions import NOBODY, Actor, Can

View = Callable[..., Any]


def set_actor(actor: Actor) -> None:
    """Say who is asking; called once per request, before the view."""
    g.actor = actor


def current_actor() -> Actor:
    """Give whoever is asking; NOBODY when nobody has signed in."""
    actor = g.get("actor", NOBODY)
    return actor if isinstance(actor, Actor) else NOBODY


def requires(permission: Can) -> Callable[[View], View]:
    """Open this address only to those who hold `permission` somewhere."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: object, **kwargs: object) -> Any:
            actor = current_actor()
            if actor.id is None:
                raise NotSignedIn("Please sign in first")
            if not actor.can(permission):
                raise NotAllowed("Your account may not open this page")
            return view(*args, **kwargs)

        guarded.__dict__["guard"] = permission
        return guarded

    return guard


def signed_in(view: View) -> View:
    """Open this address to anybody who has signed in."""

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> Any:
        if current_actor().id is None:
            raise NotSignedIn("Please sign in first")
        return view(*args, **kwargs)

    guarded.__dict__["guard"] = "signed_in"
    return guarded


def open_to_all(view: View) -> View:
    """Say out loud that this address asks nothing of anyone."""
    view.__dict__["guard"] = "open"
    return view
