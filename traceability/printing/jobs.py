"""Making large files of labels: ordered by the outbox, drawn by the worker slice by slice.

The outbox's message hands a job over; from then on its row says how far it is. A slice is drawn
outside of any transaction, so that tills never wait for a sheet of labels.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from foundation.db import Database
from foundation.errors import Refused
from foundation.outbox import Payload
from traceability.labels.layouts import LAYOUTS
from traceability.models import LabelPrint
from traceability.printing.files import (
    LabelFiles,
    Progress,
    draw_slice,
    read_progress,
    slice_size,
)
from traceability.printing.models import LabelJob
from traceability.printing.queries import labels_of

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 5
KEPT = timedelta(days=30)
"""How long a file lies ready; after that it can be made again."""


def on_labels_wanted(session: Session, payloads: list[Payload], _now: datetime) -> None:
    """Hand waiting jobs over to the makers."""
    session.execute(
        update(LabelJob)
        .where(
            LabelJob.print_id.in_([payload["print_id"] for payload in payloads]),
            LabelJob.state == "waiting",
        )
        .values(state="making")
    )


def make_labels(database: Database, files: LabelFiles, now: datetime) -> int:
    """Draw the next slice of one job; give how many labels were drawn, 0 when none was due.

    What a file can't be made for is told in its job. A worker that dies leaves its lease behind;
    the next one goes on after it, from the last whole slice.
    """
    printed = _take(database, now)
    if printed is None:
        return 0
    try:
        progress, drawn, last = _draw(database, files, printed)
    except Refused as refusal:
        _fail(database, files, printed.id, refusal.text, refusal.params, now)
        return 0
    except OSError:
        fault = "The file could not be written. Tell the operators that the disk is full or away."
        _fail(database, files, printed.id, fault, {}, now)
        return 0
    if not _note(database, printed, progress.made, last=last, now=now):
        files.forget(printed.id)
        files.path(printed).unlink(missing_ok=True)
    return drawn


def forget_files(_database: Database, files: LabelFiles, now: datetime) -> int:
    """Throw away files, whole or half-made, that nobody touched for a month; give how many."""
    if not files.folder.is_dir():
        return 0
    old = (now - KEPT).timestamp()
    gone = [path for path in files.folder.iterdir() if path.stat().st_mtime < old]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _due(now: datetime) -> tuple[object, ...]:
    free = or_(LabelJob.leased_until.is_(None), LabelJob.leased_until < now)
    return (LabelJob.state == "making", free)


def _take(database: Database, now: datetime) -> LabelPrint | None:
    due = _due(now)
    with database.reading() as session:
        print_id = session.scalar(
            select(LabelJob.print_id).where(*due).order_by(LabelJob.print_id).limit(1)  # type: ignore[arg-type]
        )
        if print_id is None:
            return None
        printed = session.get_one(LabelPrint, print_id)
    with database.transaction() as session:
        job = session.scalar(
            select(LabelJob).where(LabelJob.print_id == print_id, *due).with_for_update()  # type: ignore[arg-type]
        )
        if job is None:
            return None
        if job.attempts >= MOST_ATTEMPTS:
            job.state, job.finished_at = "failed", now
            job.fault = "The making broke off %(times)s times. Tell the operators."
            job.fault_params = {"times": job.attempts}
            return None
        job.attempts += 1
        job.leased_until = now + LEASE
    return printed


def _draw(database: Database, files: LabelFiles, printed: LabelPrint) -> tuple[Progress, int, bool]:
    if files.path(printed).exists() and not files.note(printed.id).exists():
        return Progress(printed.count), 0, True  # finished just before a worker died
    progress = read_progress(files, printed.id)
    size = slice_size(LAYOUTS[printed.layout])
    with database.reading() as session:
        labels = list(
            labels_of(session, printed, done=progress.made, after=progress.after, most=size)
        )
    last = len(labels) < size or progress.made + len(labels) >= printed.count
    return draw_slice(files, printed, labels, progress, last=last), len(labels), last


def _note(database: Database, printed: LabelPrint, made: int, *, last: bool, now: datetime) -> bool:
    """Write down how far a job is; False when it was stopped meanwhile."""
    values: dict[str, object] = {
        "made": printed.count if last else min(made, printed.count),
        "leased_until": None,
        "attempts": 0,
    }
    if last:
        values |= {"state": "done", "finished_at": now}
    with database.transaction() as session:
        done = session.execute(
            update(LabelJob)
            .where(LabelJob.print_id == printed.id, LabelJob.state == "making")
            .values(values)
        )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _fail(
    database: Database,
    files: LabelFiles,
    print_id: int,
    fault: str,
    params: dict[str, object],
    now: datetime,
) -> None:
    with suppress(OSError):  # the disk itself may be what failed
        files.forget(print_id)
    said = {name: str(value) for name, value in params.items()}
    with database.transaction() as session:
        session.execute(
            update(LabelJob)
            .where(LabelJob.print_id == print_id, LabelJob.state == "making")
            .values(
                state="failed",
                finished_at=now,
                leased_until=None,
                fault=fault[:300],
                fault_params=said,
            )
        )
