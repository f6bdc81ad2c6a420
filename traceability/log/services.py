"""The log's verbs: queueing an event, and what operators do with witnesses."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.errors import BadInput, NotFound
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from traceability.log import notes
from traceability.log.models import (
    EVENTS,
    RECORDS,
    LogCheckpoint,
    LogCosignature,
    LogQueue,
    LogWitness,
)


def enqueue(session: Session, event_ids: Iterable[UUID], *, now: datetime) -> None:
    """Queue events for the log, in the transaction that writes them."""
    add_rows(session, LogQueue, [{"event_id": each, "queued_at": now} for each in event_ids])


def add_witness(session: Session, vkey: str, *, actor: Actor, now: datetime) -> LogWitness:
    """Accept a witness's cosignatures from now on; one that was removed comes back.

    Raises BadInput when the text is no key of a cosigner.
    """
    actor.must(Can.OPERATE)
    try:
        key = notes.parse_verifier(vkey.strip())
    except notes.NoteRefused as refusal:
        raise BadInput("This is not a witness's verifier key", field="vkey") from refusal
    if key.kind == notes.ED25519:  # witnesses often publish the plain key; they sign as cosigners
        key = notes.VerifierKey(key.name, notes.COSIGNATURE, key.public)
    witness = session.scalar(select(LogWitness).where(LogWitness.vkey == key.text))
    if witness is None:
        witness = LogWitness(vkey=key.text, added_at=now)
        session.add(witness)
    witness.removed_at = None
    session.flush()
    audit(
        session,
        "add_witness",
        "log_witness",
        witness.id,
        actor=actor,
        now=now,
        after={"vkey": key.text},
    )
    return witness


def remove_witness(session: Session, witness_id: int, *, actor: Actor, now: datetime) -> None:
    """Accept no more cosignatures of a witness; those that it gave stay. Raises NotFound."""
    actor.must(Can.OPERATE)
    witness = session.get(LogWitness, witness_id)
    if witness is None:
        raise NotFound("There is no such witness")
    witness.removed_at = witness.removed_at or now
    audit(session, "remove_witness", "log_witness", witness_id, actor=actor, now=now)


def add_cosignatures(session: Session, message: bytes, *, now: datetime) -> LogCheckpoint:
    """Take in the cosignatures on one of our checkpoints; give that checkpoint.

    `message` is the checkpoint as a signed note with the witnesses' lines. Lines of unknown keys
    are ignored. Raises BadInput when it is malformed, when a known witness's line is wrong or
    comes from the future, or when no known witness signed; NotFound when it is not ours.
    """
    try:
        text, _ = notes.read_note(message)
        asked = notes.parse_checkpoint(text)
    except notes.NoteRefused as refusal:
        raise BadInput("This is not a checkpoint") from refusal
    checkpoint = _our_checkpoint(session, asked)
    witnesses = {
        notes.parse_verifier(each.vkey): each.id
        for each in session.scalars(select(LogWitness).where(LogWitness.removed_at.is_(None)))
    }
    try:
        note = notes.open_note(message, witnesses)
    except notes.NoteRefused as refusal:
        raise BadInput("No known witness has cosigned this") from refusal
    ids = {(key.name, key.key_id): found for key, found in witnesses.items()}
    for line in note.verified:
        stamp = notes.stamp_of(line)
        if stamp > now:
            raise BadInput("This cosignature comes from the future")
        witness_id = ids[line.name, line.key_id]
        known = select(LogCosignature.id).where(
            LogCosignature.checkpoint_id == checkpoint.id, LogCosignature.witness_id == witness_id
        )
        if session.scalar(known) is None:
            session.add(
                LogCosignature(
                    checkpoint_id=checkpoint.id,
                    witness_id=witness_id,
                    line=line.line,
                    stamped_at=stamp,
                )
            )
            session.flush()
    return checkpoint


def _our_checkpoint(session: Session, asked: notes.Checkpoint) -> LogCheckpoint:
    for log in (EVENTS, RECORDS):
        found = session.scalars(
            select(LogCheckpoint)
            .where(LogCheckpoint.log == log, LogCheckpoint.size == asked.size)
            .order_by(LogCheckpoint.id.desc())
        )
        for each in found:
            if each.note.startswith(asked.text + "\n"):
                return each
    raise NotFound("This is not a checkpoint of this log")
