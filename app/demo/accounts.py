"""The demo's sign-ins: one for every role, with passwords and tokens made from the secret key."""

import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.settings import Settings
from parties.network.models import Organisation, Outlet
from parties.people.permissions import Actor, Grant, Role
from parties.people.services.accounts import create_account
from parties.people.services.tokens import issue_token

PEOPLE = Path(__file__).parents[2] / "data" / "demo" / "people.json"
PARTNERS = {
    Role.SUPPLIER_OWNER: "cooperative",
    Role.OUTLET_MANAGER: "outlet",
    Role.CITY_OFFICIAL: "official",
    Role.AUDITOR: "auditor",
    Role.OPERATOR: "operator",
}
"""Kinds of partner that get a token, by the role it acts in."""


def _made_from(settings: Settings, *words: str) -> str:
    key = settings.secret_key.encode()
    return hmac.new(key, "/".join(words).encode(), hashlib.sha256).hexdigest()


def password_of(settings: Settings, email: str) -> str:
    """Give the password of a demo account: the same at every start of one installation."""
    return f"demo-{_made_from(settings, 'password', email)[:10]}"


def token_of(settings: Settings, email: str) -> str:
    """Give the token of a demo account."""
    return f"shk_{_made_from(settings, 'token', email)[:48]}"


def _people() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(PEOPLE.read_text(encoding="utf-8"))["accounts"]
    return listed


def demo_accounts(settings: Settings) -> dict[str, Any]:
    """Give every demo sign-in and one token per kind of partner, as `make accounts` prints them."""
    people = _people()
    return {
        "note": "Demo only. Nobody here exists.",
        "url": settings.public_url,
        "accounts": [
            {
                "role": person["role"],
                "email": person["email"],
                "password": password_of(settings, person["email"]),
                "phone": person["phone"],
                "name": person["display_name_zh"],
                "limited_to": person["organisation"] or person["outlet"] or person["county"],
            }
            for person in people
        ],
        "tokens": {
            PARTNERS[Role(person["role"])]: token_of(settings, person["email"])
            for person in people
            if Role(person["role"]) in PARTNERS
        },
    }


def make_accounts(
    session: Session, settings: Settings, *, actor: Actor, now: datetime
) -> dict[str, int]:
    """Open the demo's accounts and tokens through the verbs; give account ids by their codes."""
    organisations = dict(session.execute(select(Organisation.code, Organisation.id)).tuples().all())
    outlets = dict(session.execute(select(Outlet.code, Outlet.place_id)).tuples().all())
    ids: dict[str, int] = {}
    for person in _people():
        role = Role(person["role"])
        grant = Grant(
            role,
            organisation_id=(
                organisations[person["organisation"]]
                if role in {Role.SUPPLIER_OWNER, Role.SUPPLIER_CLERK}
                else None
            ),
            place_id=outlets[person["outlet"]] if person["outlet"] else None,
            county_code=person["county"] if role is Role.COUNTY_OFFICIAL else None,
        )
        account = create_account(
            session,
            display_name=person["display_name_zh"],
            email=person["email"],
            phone=person["phone"],
            password=password_of(settings, person["email"]),
            grants=(grant,),
            demo=True,
            actor=actor,
            now=now,
        )
        ids[person["code"]] = account.id
        if role in PARTNERS:
            issue_token(
                session,
                account.id,
                f"demo {PARTNERS[role]}",
                actor=actor,
                now=now,
                secret=token_of(settings, person["email"]),
            )
    return ids
