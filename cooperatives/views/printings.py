"""What was printed: its files, files still being made, who printed again and why, what is void."""

from typing import Any

from flask import jsonify, redirect, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.utils import secure_filename

from cooperatives import door
from cooperatives.door import blueprint, own, show, tell
from cooperatives.forms.labels import (
    again_words,
    kind_words,
    layout_words,
    state_words,
    void_words,
)
from cooperatives.queries.labels import (
    Printed,
    Withdrawn,
    own_print,
    printed_query,
    voids_query,
)
from foundation import clock
from foundation.errors import NotFound
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.labels.layouts import output_of
from traceability.printing.files import LabelFiles, draw_at_once
from traceability.printing.models import LabelJob
from traceability.printing.services import go_on_job, stop_job

UNDER_WAY = ("waiting", "making")
SHOWN = ("printed", "again", "void")
MEDIA = {"pdf": "application/pdf", "zpl": "text/plain; charset=utf-8"}


def _files() -> LabelFiles:
    return LabelFiles(door.files_dir() / "labels", door.public_url())


def _fault(job: LabelJob | None) -> str:
    if job is None or not job.fault:
        return ""
    text: str = gettext(job.fault)
    return text % job.fault_params if job.fault_params else text


def _layouts() -> dict[str, str]:
    return dict(layout_words()) | dict(layout_words("case"))


def _asked() -> dict[str, Any]:
    kind = door.asked("kind", 4)
    return {
        "kind": kind if kind in kind_words() else "",
        "again": door.asked("show", 8) == "again",
        "words": door.asked("q"),
    }


@blueprint.get("/labels/printed")
@requires(Can.PRINT_LABELS)
def labels_printed() -> ResponseReturnValue:
    """List what was printed, printed again or withdrawn, newest first."""
    chosen = door.asked("show", 8)
    with reading() as session:
        if chosen == "void":
            query: Any = voids_query(own(Can.PRINT_LABELS), words=door.asked("q"))
        else:
            query = printed_query(own(Can.PRINT_LABELS), **_asked())
        page = page_of(session, query, number=asked_page(), size=20)
        return show(
            session,
            "labels_printed.html",
            section="labels",
            page=page,
            items=[(Withdrawn if chosen == "void" else Printed)(*row) for row in page.items],
            shown=chosen if chosen in SHOWN else "printed",
            kinds=kind_words(),
            layouts=_layouts(),
            why=again_words(),
            why_void=void_words(),
            states=state_words(),
        )


@blueprint.get("/labels/printed.csv")
@requires(Can.PRINT_LABELS)
def labels_printed_csv() -> ResponseReturnValue:
    """Give the list as a file, narrowed as on the page."""
    rows: list[tuple[object, ...]] = []
    with reading() as session:
        if door.asked("show", 8) == "void":
            voids = voids_query(own(Can.PRINT_LABELS), words=door.asked("q"))
            for gone in (Withdrawn(*row) for row in session.execute(voids.limit(door.MOST_ROWS))):
                void = gone.void
                rows.append(
                    (
                        void.voided_at.isoformat(timespec="seconds"),
                        gone.lot.lot_no,
                        door.named(gone.product),
                        gettext("Withdrawn"),
                        void.first_serial,
                        void.last_serial,
                        void.count,
                        void_words().get(void.reason, void.reason),
                        "",
                        gone.who or "",
                    )
                )
        else:
            kinds, why, layouts = kind_words(), again_words(), _layouts()
            query = printed_query(own(Can.PRINT_LABELS), **_asked()).limit(door.MOST_ROWS)
            for one in (Printed(*row) for row in session.execute(query)):
                printed = one.printed
                rows.append(
                    (
                        printed.printed_at.isoformat(timespec="seconds"),
                        one.lot.lot_no,
                        door.named(one.product),
                        kinds.get(printed.kind, printed.kind),
                        printed.first_serial,
                        printed.last_serial,
                        printed.count,
                        why.get(printed.reason, printed.reason),
                        layouts.get(printed.layout, printed.layout),
                        one.who or "",
                    )
                )
    header = [
        gettext("Time"),
        gettext("Lot number"),
        gettext("Goods"),
        gettext("Kind of label"),
        gettext("From number"),
        gettext("To number"),
        gettext("Labels"),
        gettext("Reason"),
        gettext("Sheet or roll"),
        gettext("By"),
    ]
    return door.csv_answer("labels-printed", header, rows)


@blueprint.get("/labels/<int:print_id>")
@requires(Can.PRINT_LABELS)
def label_print(print_id: int) -> ResponseReturnValue:
    """Show one printing: how far its file is, and the file when it is ready."""
    with reading() as session:
        one = own_print(session, own(Can.PRINT_LABELS), print_id)
        state = one.job.state if one.job else "done"
        return show(
            session,
            "label_print.html",
            section="labels",
            one=one,
            state=state,
            under_way=state in UNDER_WAY,
            kept=one.job is None or state != "done" or _files().path(one.printed).exists(),
            fault=_fault(one.job),
            kinds=kind_words(),
            layouts=_layouts(),
            why=again_words(),
            states=state_words(),
            output=output_of(one.printed.layout),
        )


@blueprint.get("/labels/<int:print_id>/progress")
@requires(Can.PRINT_LABELS)
def label_progress(print_id: int) -> ResponseReturnValue:
    """Tell a page's script how far a file is: state, made, total."""
    with reading() as session:
        one = own_print(session, own(Can.PRINT_LABELS), print_id)
    made = one.job.made if one.job else one.printed.count
    state = one.job.state if one.job else "done"
    answer = jsonify(state=state, made=made, total=one.printed.count)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.get("/labels/<int:print_id>/file")
@requires(Can.PRINT_LABELS)
def label_file(print_id: int) -> ResponseReturnValue:
    """Give the file of one printing; one that is not ready leads to its page."""
    with reading() as session:
        one = own_print(session, own(Can.PRINT_LABELS), print_id)
        output = output_of(one.printed.layout)
        name = secure_filename(f"labels-{one.lot.lot_no}-{print_id}.{output}")
        if one.job is None:
            content = draw_at_once(session, one.printed, door.public_url())
            return door.file_answer(content, MEDIA[output], name, inline=output == "pdf")
    path = _files().path(one.printed)
    if one.job.state != "done":
        return redirect(url_for("cooperatives.label_print", print_id=print_id), 303)
    if not path.exists():
        raise NotFound("This file is not kept any more; have it made again")
    answer = send_file(
        path, mimetype=MEDIA[output], as_attachment=output == "zpl", download_name=name
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/labels/<int:print_id>/stop")
@requires(Can.PRINT_LABELS)
def label_stop(print_id: int) -> ResponseReturnValue:
    """Stop the making of a file."""
    with transaction() as session:
        own_print(session, own(Can.PRINT_LABELS), print_id)
        stop_job(session, print_id, actor=current_actor(), now=clock.now())
    tell(gettext("Stopped. The numbers stay with this printing."))
    return redirect(url_for("cooperatives.label_print", print_id=print_id), 303)


@blueprint.post("/labels/<int:print_id>/make")
@requires(Can.PRINT_LABELS)
def label_make(print_id: int) -> ResponseReturnValue:
    """Make a file after all that was stopped, failed or is not kept any more."""
    with transaction() as session:
        own_print(session, own(Can.PRINT_LABELS), print_id)
        go_on_job(session, print_id, actor=current_actor(), now=clock.now())
    return redirect(url_for("cooperatives.label_print", print_id=print_id), 303)
