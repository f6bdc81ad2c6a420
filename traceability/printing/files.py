"""Files of labels: drawn at once when they are small, else slice by slice by the worker.

A half-made file lies beside a note of how far it is, so that another process goes on after the
last whole slice. Both are written so that they survive a cut of power in any moment.
"""

import json
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from traceability.labels.case import case_label
from traceability.labels.layouts import LAYOUTS, SheetLayout, output_of
from traceability.labels.pdf import Kept
from traceability.labels.sheet import Label, PdfSheet, label_sheet
from traceability.labels.zpl import ZplSheet, case_zpl
from traceability.models import LabelPrint
from traceability.printing.queries import cases_of_print, labels_of

SLICE = 480
"""Labels drawn before progress is noted: under half a second, so that nothing else waits long."""


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """Where files of labels are kept, and what their codes' addresses begin with."""

    folder: Path
    host_base: str

    def path(self, printed: LabelPrint) -> Path:
        """Give the place of a finished file."""
        return self.folder / f"{printed.id}.{output_of(printed.layout)}"

    def part(self, print_id: int) -> Path:
        """Give the place of a half-made file."""
        return self.folder / f"{print_id}.part"

    def note(self, print_id: int) -> Path:
        """Give the place of the note of how far a half-made file is."""
        return self.folder / f"{print_id}.json"

    def forget(self, print_id: int) -> None:
        """Throw away what is half-made."""
        for path in (self.note(print_id), self.part(print_id)):
            path.unlink(missing_ok=True)


def draw_at_once(session: Session, printed: LabelPrint, host_base: str) -> bytes:
    """Give the whole file of a printing.

    Refused: `label_too_small`, `label_font_missing`, `label_text_unprintable`, `no_labels`.
    """
    if printed.kind == "case":
        cases = cases_of_print(session, printed)
        if output_of(printed.layout) == "zpl":
            return case_zpl(cases, host_base=host_base)
        return case_label(*cases, host_base=host_base)
    layout = LAYOUTS[printed.layout]
    labels = labels_of(session, printed)
    if layout.output == "pdf":
        return label_sheet(labels, layout, host_base=host_base)
    out = BytesIO()
    ZplSheet(out, layout, host_base=host_base).add(labels)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: labels made, the last serial, and what its writer must know."""

    made: int = 0
    after: str = ""
    writer: Any = None


def read_progress(files: LabelFiles, print_id: int) -> Progress:
    """Read how far a half-made file is; nothing was made when there is no note."""
    note, part = files.note(print_id), files.part(print_id)
    if not note.exists() or not part.exists():
        return Progress()
    said = json.loads(note.read_text(encoding="utf-8"))
    return Progress(said["made"], said["after"], said["writer"])


def slice_size(layout: SheetLayout) -> int:
    """Give how many labels make a slice: whole pages."""
    return max(1, SLICE // layout.labels_per_page) * layout.labels_per_page


def draw_slice(
    files: LabelFiles,
    printed: LabelPrint,
    labels: list[Label],
    progress: Progress,
    *,
    last: bool,
) -> Progress:
    """Add `labels` to a half-made file; with the `last` ones it is finished and in its place.

    Refused: as by `label_sheet`. Raises OSError when the disk is full or away.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    part = files.part(printed.id)
    length = _length(progress)
    with part.open("r+b" if length else "w+b") as out:
        out.truncate(length)
        out.seek(length)
        writer = _writer(out, files, printed, labels, progress)
        writer.add(labels)
        if last:
            writer.finish()
        out.flush()
        os.fsync(out.fileno())
    made = Progress(
        progress.made + len(labels),
        (labels[-1].code.serial or "") if labels else progress.after,
        writer.kept._asdict() if isinstance(writer, PdfSheet) else {"length": writer.length},
    )
    if last:
        part.replace(files.path(printed))
        files.note(printed.id).unlink(missing_ok=True)
        return made
    aside = files.note(printed.id).with_suffix(".new")
    said = {"made": made.made, "after": made.after, "writer": made.writer}
    aside.write_text(json.dumps(said), encoding="utf-8")
    aside.replace(files.note(printed.id))
    return made


def _length(progress: Progress) -> int:
    return int(progress.writer["length"]) if progress.writer else 0


def _writer(
    out: Any, files: LabelFiles, printed: LabelPrint, labels: list[Label], progress: Progress
) -> PdfSheet | ZplSheet:
    layout = LAYOUTS[printed.layout]
    if layout.output == "zpl":
        return ZplSheet(out, layout, host_base=files.host_base, length=_length(progress))
    return PdfSheet(
        out,
        layout,
        host_base=files.host_base,
        title=labels[0].product_name if labels else "",
        kept=Kept(**progress.writer) if progress.writer else None,
    )
