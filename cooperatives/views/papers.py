"""Papers on file, what lies where, and whose desk this is."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.certificates import kind_words, paper_form, read_new_paper
from cooperatives.present import paper_state
from cooperatives.queries.catalogue import own_paper, papers_query, products_query, stock_query
from cooperatives.queries.lots import own_places
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.files import MOST_BYTES, find, keep
from foundation.once import once
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from goods.catalogue.services import add_certificate
from parties.network.models import Organisation
from parties.network.rules import shown_households
from parties.people.guards import current_actor, requires
from parties.people.models import Account, RoleGrant
from parties.people.permissions import Can, Role


@blueprint.get("/papers")
@requires(Can.SEE_SUPPLIER_DESK)
def papers() -> ResponseReturnValue:
    """List the papers on file, those that end first on top."""
    today = clock.business_date(clock.now())
    with reading() as session:
        query = papers_query(own(), kind=door.asked("kind", 30), words=door.asked("q"))
        page = page_of(session, query, number=asked_page(), size=20)
        return show(
            session,
            "papers.html",
            section="me",
            page=page,
            states={paper.id: paper_state(paper.valid_to, today) for paper, _ in page.items},
            kinds=kind_words(),
            may_manage=current_actor().can(Can.MANAGE_CATALOGUE),
        )


@blueprint.get("/papers.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def papers_csv() -> ResponseReturnValue:
    """Give the list as a file, narrowed as on the page."""
    words = kind_words()
    with reading() as session:
        query = papers_query(own(), kind=door.asked("kind", 30), words=door.asked("q"))
        rows = [
            (
                words.get(paper.kind, paper.kind),
                paper.number,
                door.named(product),
                door.named(paper, "issuer"),
                paper.issued_on,
                paper.valid_to,
            )
            for paper, product in session.execute(query.limit(door.MOST_ROWS)).tuples()
        ]
    header = [
        gettext("Paper"),
        gettext("Number of the paper"),
        gettext("Which product"),
        gettext("Issued by"),
        gettext("Issued on"),
        gettext("Valid to"),
    ]
    return door.csv_answer("papers", header, rows)


def _paper_page(session: Session, form: Any = None) -> str:
    return show(session, "paper_new.html", section="me", form=form or _form(session))


def _form(session: Session) -> Any:
    found = session.scalars(products_query(own(Can.MANAGE_CATALOGUE)))
    return paper_form([(product.id, door.named(product)) for product in found])


@blueprint.get("/papers/new")
@requires(Can.MANAGE_CATALOGUE)
def paper_new() -> ResponseReturnValue:
    """Ask for a paper."""
    with reading() as session:
        return _paper_page(session)


@blueprint.post("/papers/new")
@requires(Can.MANAGE_CATALOGUE)
def paper_add() -> ResponseReturnValue:
    """Put a paper on file."""
    now, actor = clock.now(), current_actor()
    try:
        sent = door.sent_file("file", MOST_BYTES)
        file_key = keep(door.files_dir(), sent[1]).key if sent else None
        paper = read_new_paper(request.form, min(own(Can.MANAGE_CATALOGUE)), file_key)
        with transaction() as session:

            def act() -> int:
                return add_certificate(session, paper, actor=actor, now=now).id

            once(session, sent_key(), ["paper", actor.id, list(paper)], act, now=now)
    except Refused as refusal:
        with reading() as session:
            form = _form(session)
            form.refuse(refusal)
            return _paper_page(session, form), refusal.status
    tell(gettext("The paper is on file."))
    return redirect(url_for("cooperatives.papers"), 303)


@blueprint.get("/papers/<int:paper_id>/file")
@requires(Can.SEE_SUPPLIER_DESK)
def paper_file(paper_id: int) -> ResponseReturnValue:
    """Give the file of one of the desk's papers."""
    with reading() as session:
        key = own_paper(session, own(), paper_id).file_key
    if key is None:
        raise NotFound("There is no such file")
    found = find(door.files_dir(), key)
    name = f"paper-{paper_id}.{key.rpartition('.')[2]}"
    return door.file_answer(found.path.read_bytes(), found.media_type, name, inline=True)


def _asked_place() -> int | None:
    text = door.asked("place", 18)
    return int(text) if text.isdecimal() else None


@blueprint.get("/stock")
@requires(Can.SEE_SUPPLIER_DESK)
def stock() -> ResponseReturnValue:
    """Show what lies where, lot by lot."""
    with reading() as session:
        query = stock_query(own(), place_id=_asked_place(), words=door.asked("q"))
        places = [place for one in sorted(own()) for place in own_places(session, one)]
        return show(
            session,
            "stock.html",
            section="me",
            page=page_of(session, query, number=asked_page(), size=30),
            places=places,
        )


@blueprint.get("/stock.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def stock_csv() -> ResponseReturnValue:
    """Give what lies where as a file, narrowed as on the page."""
    with reading() as session:
        query = stock_query(own(), place_id=_asked_place(), words=door.asked("q"))
        rows = [
            (
                door.named(place),
                door.named(sku) or door.named(product),
                door.named(sku, "spec"),
                lot.lot_no,
                lot.best_before,
                balance.on_hand,
                balance.reserved,
                sku.base_unit,
            )
            for balance, lot, sku, product, place in session.execute(
                query.limit(door.MOST_ROWS)
            ).tuples()
        ]
    header = [
        gettext("Where"),
        gettext("Goods"),
        gettext("Pack"),
        gettext("Lot number"),
        gettext("Best before"),
        gettext("On hand"),
        gettext("Promised to orders"),
        gettext("Unit"),
    ]
    return door.csv_answer("stock", header, rows)


@blueprint.get("/me")
@requires(Can.SEE_SUPPLIER_DESK)
def me() -> ResponseReturnValue:
    """Show whose desk this is, who works at it, and the way to everything else."""
    actor = current_actor()
    with reading() as session:
        organisations = session.scalars(
            select(Organisation).where(Organisation.id.in_(own())).order_by(Organisation.id)
        ).all()
        staff = session.execute(
            select(Account.display_name, RoleGrant.role)
            .join(RoleGrant, RoleGrant.account_id == Account.id)
            .where(
                RoleGrant.organisation_id.in_(own()),
                RoleGrant.role.in_((Role.SUPPLIER_OWNER, Role.SUPPLIER_CLERK)),
                RoleGrant.revoked_at.is_(None),
                Account.disabled_at.is_(None),
            )
            .order_by(RoleGrant.role.desc(), Account.id)
        ).all()
        return show(
            session,
            "me.html",
            section="me",
            organisations=[
                (
                    one,
                    shown_households(one.member_households),
                    shown_households(one.linked_households),
                )
                for one in organisations
            ],
            staff=staff,
            roles={
                "supplier_owner": gettext("Person in charge"),
                "supplier_clerk": gettext("Clerk"),
            },
            places=[place for one in sorted(own()) for place in own_places(session, one)],
            may_manage=actor.can(Can.MANAGE_CATALOGUE),
            may_manage_links=actor.can(Can.MANAGE_LINKS),
            may_see_statement=actor.can(Can.SEE_STATEMENT),
            may_manage_partners=actor.can(Can.MANAGE_PARTNERS),
        )
