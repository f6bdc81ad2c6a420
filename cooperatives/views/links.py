"""Links that scans of the cooperative's codes lead to."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from cooperatives.door import blueprint, own, show
from parties.people.guards import requires
from parties.people.permissions import Can
from traceability.resolver import desk


def _show(session: Session, name: str, **context: Any) -> str:
    return show(session, name, section="me", **context)


DESK = desk.LinkDesk("cooperatives", lambda: own(Can.MANAGE_LINKS), _show)


@blueprint.get("/links")
@requires(Can.MANAGE_LINKS)
def links() -> ResponseReturnValue:
    """List the desk's links and try a code out."""
    return desk.links_page(DESK)


@blueprint.get("/links/new")
@requires(Can.MANAGE_LINKS)
def link_new() -> ResponseReturnValue:
    """Ask for a link."""
    return desk.new_page(DESK)


@blueprint.post("/links/new")
@requires(Can.MANAGE_LINKS)
def link_add() -> ResponseReturnValue:
    """Set a link."""
    return desk.add(DESK)


@blueprint.get("/links/<int:link_id>")
@requires(Can.MANAGE_LINKS)
def link(link_id: int) -> ResponseReturnValue:
    """Show a link."""
    return desk.edit_page(DESK, link_id)


@blueprint.post("/links/<int:link_id>")
@requires(Can.MANAGE_LINKS)
def link_change(link_id: int) -> ResponseReturnValue:
    """Change a link."""
    return desk.change(DESK, link_id)


@blueprint.post("/links/<int:link_id>/retire")
@requires(Can.MANAGE_LINKS)
def link_retire(link_id: int) -> ResponseReturnValue:
    """Take a link away."""
    return desk.retire(DESK, link_id)
