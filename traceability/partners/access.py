"""Who speaks through a token: for which organisation, what it may do, and what it may see."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotAllowed
from parties.network.models import Place
from parties.people.permissions import Actor, Can
from parties.people.queries import Visitor
from parties.people.services import may_manage_system
from traceability.epcis.queries.scope import Viewer, viewer_of


class MayDo(StrEnum):
    """One thing that a token may be for."""

    CAPTURE = "capture"
    QUERY = "query"
    SUBSCRIBE = "subscribe"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody at the partners' door."""

    actor: Actor
    account_id: int
    organisation_id: int | None
    """The organisation it speaks for; None for officials, auditors and operators."""
    viewer: Viewer
    bound_to: int | None = None
    """The organisation to which its view is limited as a whole."""
    token_id: int | None = None

    @property
    def owner(self) -> str:
        """Give whose named queries these are."""
        return f"a{self.account_id}" if self.bound_to is None else f"o{self.bound_to}"


def party_of(session: Session, visitor: Visitor, wanted: MayDo) -> Party:
    """Give who speaks through a token, as far as it may do what it wants.

    A system's token is for its organisation and its scopes. A token of an account does what the
    account's roles may: everybody reads within the roles' limits, suppliers and outlets capture.
    Raises NotAllowed.
    """
    actor, bound = visitor.actor, visitor.token_organisation_id
    if bound is not None:
        if wanted not in visitor.token_scopes:
            raise NotAllowed("This token may not %(wanted)s", wanted=wanted.value)
        if not may_manage_system(bound, actor=actor):
            raise NotAllowed("Who made this token no longer speaks for the organisation")
        viewer = viewer_of(session, actor, bound)
        return Party(actor, visitor.account_id, bound, viewer, bound, visitor.token_id)
    organisation_id = _speaks_for(session, actor)
    if wanted is MayDo.CAPTURE and organisation_id is None:
        raise NotAllowed("Only an organisation of the network can capture events")
    if not actor.can(Can.ISSUE_TOKENS):
        raise NotAllowed("This interface is for partners")
    suppliers = tuple(g.organisation_id for g in actor.grants if g.organisation_id is not None)
    sees = suppliers[0] if suppliers else None
    viewer = viewer_of(session, actor, sees)
    return Party(actor, visitor.account_id, organisation_id, viewer, sees, visitor.token_id)


def _speaks_for(session: Session, actor: Actor) -> int | None:
    for grant in actor.grants:
        if grant.organisation_id is not None:
            return grant.organisation_id
    places = [grant.place_id for grant in actor.grants if grant.place_id is not None]
    if not places:
        return None
    return session.scalar(select(Place.organisation_id).where(Place.id == places[0]))
