"""Flask-Login: who a request comes from, by its cookie or its token, and nobody's for free."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, wraps
from typing import Any, Final, Protocol

from flask import (
    Flask,
    current_app,
    g,  # noqa: TID251 -- Flask-WTF keeps its verdict there
    request,
    session,  # noqa: TID251 -- the cookie is written here and nowhere else
)
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session
from typing_extensions import override

from foundation import clock
from foundation.errors import NotAllowed, NotSignedIn
from foundation.web import reading, transaction
from parties.people.guards import View, set_actor
from parties.people.labels import ROLE_WORDS
from parties.people.passwords import use_profile
from parties.people.permissions import NOBODY, Role
from parties.people.queries import Visitor, visitor_by_sign_in, visitor_by_token
from parties.people.rules import CONSUMER_STAY
from parties.people.sender import MailSettings, sender_for
from parties.people.services import note_token_use

KEPT: Final = ("basket",)
"""What of a visitor's session outlives signing in. Nothing in it may say who somebody is."""

MINE: Final = ("_user_id", "_fresh", "_id")
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER: Final = "Bearer "
PARTNERS: Final = "epcis"
"""The one door that takes the tokens of organisations' systems."""

Export = Callable[[Session, int], Any]
"""Gives what another room holds about an account, as JSON-like values."""


class PeopleSettings(MailSettings, Protocol):
    """The settings that people read."""

    @property
    def environment(self) -> str:
        """Give `demo`, `test` or `production`."""
        ...


@dataclass(frozen=True, slots=True)
class People:
    """What this installation's sign-in can do and where it leads."""

    demo: bool
    channels: frozenset[str]
    """Channels for which there is a sender: "email", "sms"."""
    landing: Mapping[Role, str] = field(default_factory=dict)
    """The endpoint each role meets first; the first in this order that somebody holds wins."""
    exports: Mapping[str, Export] = field(default_factory=dict)
    """What other rooms add to the export of one's own data, by heading."""


class Caller:
    """Flask-Login's user, and `current_user` of templates: a visitor who has signed in."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def get_id(self) -> str:
        """Give what the cookie holds: the number of the sign-in."""
        return str(self.visitor.sign_in_id)

    @property
    def display_name(self) -> str:
        """Give a name to show; somebody who gave none is a shopper."""
        return self.visitor.display_name or str(_l("My account"))

    @property
    def language(self) -> str:
        """Give the language the account is set to."""
        return self.visitor.language

    @property
    def roles(self) -> tuple[Role, ...]:
        """Give the roles held, in the order in which they were given."""
        return tuple(dict.fromkeys(grant.role for grant in self.visitor.actor.grants))


class Csrf(CSRFProtect):  # type: ignore[misc]
    """CSRF protection that knows tokens: no browser adds an Authorization header by itself.

    A request that brings a token is answered by the token alone, whatever cookies come with it.
    A visitor's choice of language changes nothing but this visitor's cookie and needs no proof
    either: pages without any other form can then be given out without opening a session.
    """

    @override
    def protect(self, *args: Any, **kwargs: Any) -> None:
        free = request.endpoint == "people.set_language" and not has_signed_in()
        if bearer() is None and not free:
            super().protect(*args, **kwargs)
        else:
            g.csrf_valid = True  # where Flask-WTF's forms look


def has_signed_in() -> bool:
    """Tell whether this browser says it has signed in; nobody has looked whether it is true."""
    return "_user_id" in session


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, whose signer is made once instead of twice a request."""

    @override
    @cache  # noqa: B019 -- one interface for one application, both as old as the process
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)


def init_people(
    app: Flask,
    settings: PeopleSettings,
    *,
    landing: Mapping[Role, str] | None = None,
    exports: Mapping[str, Export] | None = None,
) -> None:
    """Let `app` know its visitors: loaders, the actor of each request, cookie lifetimes."""
    if settings.environment == "test":
        use_profile("test")
    app.extensions["people"] = People(
        demo=settings.demo,
        channels=sender_for(settings).channels,
        landing=landing or {},
        exports=exports or {},
    )
    app.config["PERMANENT_SESSION_LIFETIME"] = CONSUMER_STAY + timedelta(hours=1)
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # the sign-in's own end decides
    app.session_interface = Sessions()
    app.jinja_env.filters["role_name"] = role_name
    app.jinja_env.globals["has_signed_in"] = has_signed_in
    manager = LoginManager(app)
    manager.session_protection = None  # phones change their address all day
    manager.user_loader(_by_cookie)
    manager.request_loader(_by_token)
    app.before_request(_say_who)


def role_name(role: str) -> str:
    """Give what a role is called on pages, in the reader's language."""
    return str(ROLE_WORDS[Role(role)])


def people() -> People:
    """Give what this application's sign-in can do."""
    found: People = current_app.extensions["people"]
    return found


def bearer() -> str | None:
    """Give the token that this request brings, None when it brings none."""
    header = request.headers.get("Authorization", "")
    return header[len(BEARER) :].strip() if header.startswith(BEARER) else None


def caller() -> Caller | None:
    """Give who has signed in, None for a visitor."""
    return current_user._get_current_object() if current_user.is_authenticated else None  # noqa: SLF001 -- Werkzeug's way out of its proxy


def in_person(view: View) -> View:
    """Keep tokens out: whoever found one must not take over the account behind it."""

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> ResponseReturnValue:
        if bearer() is not None:
            raise NotAllowed("A token may not do this; please sign in yourself")
        answer: ResponseReturnValue = view(*args, **kwargs)
        return answer

    return guarded


def begin_session(sign_in_id: int) -> Caller:
    """Let this browser be the sign-in: the old session is thrown away, with its CSRF token.

    Whoever planted a session in somebody's browser holds nothing of the one that begins here.
    """
    with reading() as rows:
        visitor = visitor_by_sign_in(rows, sign_in_id, now=clock.now())
    if visitor is None:
        raise NotSignedIn("Please sign in first")
    kept = {key: session[key] for key in KEPT if key in session}
    session.clear()
    session.update(kept)
    session.permanent = True
    user = Caller(visitor)
    set_actor(visitor.actor)
    login_user(user)  # sends user_logged_in, by which other doors learn of it
    return user


def end_session() -> None:
    """Forget who this browser was, and everything else it was told."""
    logout_user()
    session.clear()
    set_actor(NOBODY)


def _say_who() -> None:
    if request.endpoint in {None, "static"}:
        return
    token = bearer()
    if token is None and "_user_id" not in session:
        return
    user = caller()
    if user is not None:
        if user.visitor.token_organisation_id is not None and request.blueprint != PARTNERS:
            raise NotAllowed("This token opens the partners' interface only")
        set_actor(user.visitor.actor)
        if token is not None:
            _note_use(user.visitor)
    elif token is not None:
        raise NotSignedIn("This token is unknown or has ended")
    else:
        for key in MINE:  # so that the next request need not ask again
            session.pop(key, None)


def _note_use(visitor: Visitor) -> None:
    now = clock.now()
    today = clock.business_date(now).isoformat()
    if request.method in READING or visitor.token_used_on == today or visitor.token_id is None:
        return
    with transaction() as rows:
        note_token_use(rows, visitor.token_id, now=now)


def _by_cookie(kept: str) -> Caller | None:
    if bearer() is not None or not kept.isdecimal() or len(kept) > 18:  # noqa: PLR2004 -- 64 bits
        return None
    with reading() as rows:
        visitor = visitor_by_sign_in(rows, int(kept), now=clock.now())
    return Caller(visitor) if visitor is not None else None


def _by_token(_request: object) -> Caller | None:
    token = bearer()
    if token is None:
        return None
    with reading() as rows:
        visitor = visitor_by_token(rows, token)
    return Caller(visitor) if visitor is not None else None
