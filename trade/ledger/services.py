"""Verbs of the ledger."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.db import add_rows, core
from trade.ledger.models import LedgerAccount, Transfer
from trade.ledger.rules import Entry


def post(
    session: Session,
    entries: Sequence[Entry],
    *,
    cause: tuple[str, str],
    business_date: date,
    now: datetime,
) -> None:
    """Write `entries` in the transaction of the act that causes them; accounts open themselves."""
    if not entries:
        return
    codes = sorted({code for entry in entries for code in (entry.debit, entry.credit)})
    ids = _account_ids(session, codes)
    add_rows(
        session,
        Transfer,
        [
            {
                "debit_id": ids[entry.debit],
                "credit_id": ids[entry.credit],
                "amount_fen": entry.amount_fen,
                "currency": "CNY",
                "kind": entry.kind,
                "cause_type": cause[0],
                "cause_id": cause[1],
                "business_date": business_date,
                "at": now,
            }
            for entry in entries
        ],
    )


ACCOUNTS = select(LedgerAccount.code, LedgerAccount.id).where(
    LedgerAccount.code.in_(bindparam("codes", expanding=True))
)


def _account_ids(session: Session, codes: Sequence[str]) -> dict[str, int]:
    found = dict(core(session).execute(ACCOUNTS, {"codes": codes}).tuples().all())
    missing = [code for code in codes if code not in found]
    if missing:
        dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        rows = [{"code": code, "organisation_id": _owner(code)} for code in missing]
        session.execute(
            dialect.insert(LedgerAccount).on_conflict_do_nothing(index_elements=["code"]), rows
        )
        found = dict(core(session).execute(ACCOUNTS, {"codes": codes}).tuples().all())
    return found


def _owner(code: str) -> int | None:
    _, _, owner = code.partition(":")
    return int(owner) if owner.isdecimal() else None
