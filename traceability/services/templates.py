"""Trace templates come in as data."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from parties.people.permissions import Actor, Can
from traceability.models import TraceTemplate


def import_templates(session: Session, rows: Iterable[Mapping[str, Any]], *, actor: Actor) -> int:
    """Take in templates; a known version is left as it stands. Gives how many are new."""
    actor.must(Can.MANAGE_NETWORK)
    known = set(session.execute(select(TraceTemplate.code, TraceTemplate.version)).tuples())
    fresh = 0
    for row in rows:
        if (row["code"], row["version"]) in known:
            continue
        session.add(
            TraceTemplate(
                code=row["code"],
                version=row["version"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                source=str(row.get("source") or ""),
                steps=list(row["steps"]),
            )
        )
        fresh += 1
    session.flush()
    return fresh
