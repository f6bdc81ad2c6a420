"""Today: the one next step, what is to be sent, printed and renewed."""

from flask.typing import ResponseReturnValue

from cooperatives import door
from cooperatives.door import blueprint, own, show
from cooperatives.forms.steps import step_form
from cooperatives.present import paper_state, progress_marks
from cooperatives.queries.labels import waiting_jobs
from cooperatives.queries.lots import desk_lots, most_urgent
from cooperatives.queries.steps import step_context
from cooperatives.queries.today import FEW, expiring_papers, low_stock
from foundation import clock
from foundation.web import reading
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.clones.queries import open_alarms
from trade.orders.queries.suppliers import parcel_queue

OTHERS = 5
PARCELS = 3


@blueprint.get("/")
@requires(Can.SEE_SUPPLIER_DESK)
def today() -> ResponseReturnValue:
    """Show what is to be done today, the most urgent step as a form right there."""
    now = clock.now()
    day = clock.business_date(now)
    actor = current_actor()
    with reading() as session:
        lots = desk_lots(session, own())
        urgent = most_urgent(lots) if actor.can(Can.RECORD_LOT) else None
        context = form = None
        if urgent is not None and urgent.next is not None:
            context = step_context(session, urgent, urgent.next, today=day)
            form = step_form(context, now=now, language=door.language())
        waiting = [one for one in lots if one.missing and one is not urgent]
        papers = expiring_papers(session, own(), day)
        return show(
            session,
            "today.html",
            section="today",
            found=urgent,
            context=context,
            form=form,
            marks=progress_marks(urgent) if urgent else [],
            waiting=sorted(waiting, key=lambda one: one.due_on)[:OTHERS],
            waiting_count=len(waiting),
            any_lot=bool(lots),
            jobs=waiting_jobs(session, own(), FEW),
            papers=[(paper, paper_state(paper.valid_to, day)) for paper in papers],
            low=low_stock(session, own()),
            odd_scans=open_alarms(session, own()),
            parcels=parcel_queue(session, size=PARCELS, actor=actor),
        )
