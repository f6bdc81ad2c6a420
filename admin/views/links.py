"""Links that scans of any code lead to, for the operators."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.door import bp
from parties.people.guards import requires
from parties.people.permissions import Can
from traceability.resolver import desk


def _show(_session: Session, name: str, **context: Any) -> str:
    return render_template(f"admin/{name}", **context)


DESK = desk.LinkDesk("admin", lambda: None, _show)


@bp.get("/links")
@requires(Can.OPERATE)
def links() -> ResponseReturnValue:
    """List all links and try a code out."""
    return desk.links_page(DESK)


@bp.get("/links/new")
@requires(Can.OPERATE)
def link_new() -> ResponseReturnValue:
    """Ask for a link."""
    return desk.new_page(DESK)


@bp.post("/links/new")
@requires(Can.OPERATE)
def link_add() -> ResponseReturnValue:
    """Set a link."""
    return desk.add(DESK)


@bp.get("/links/<int:link_id>")
@requires(Can.OPERATE)
def link(link_id: int) -> ResponseReturnValue:
    """Show a link."""
    return desk.edit_page(DESK, link_id)


@bp.post("/links/<int:link_id>")
@requires(Can.OPERATE)
def link_change(link_id: int) -> ResponseReturnValue:
    """Change a link."""
    return desk.change(DESK, link_id)


@bp.post("/links/<int:link_id>/retire")
@requires(Can.OPERATE)
def link_retire(link_id: int) -> ResponseReturnValue:
    """Take a link away."""
    return desk.retire(DESK, link_id)
