"""Scans that do not fit, and whose officials look into them."""

from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from insight.reach import Reach
from traceability.clones.models import ScanAlarm
from traceability.clones.queries import AskedAlarms, alarm_rows

MOST: int = 200


def scan_alarm_rows(asked: AskedAlarms, reach: Reach) -> Select[Any]:
    """Select the alarms within reach: those about goods of one's own counties."""
    return alarm_rows(asked).where(reach.within(ScanAlarm.county_code))


def pressing_alarms(session: Session, reach: Reach) -> list[Row[Any]]:
    """Give the open alarms within reach that are more than notes, gravest first."""
    query = scan_alarm_rows(AskedAlarms(), reach).where(ScanAlarm.grade != "info")
    return list(session.execute(query.limit(MOST)))


def one_scan_alarm(session: Session, alarm_id: int, reach: Reach) -> ScanAlarm:
    """Give an alarm within reach; raise NotFound."""
    found = session.get(ScanAlarm, alarm_id)
    if found is None or not reach.covers(found.county_code):
        raise NotFound("There is no such alarm")
    return found
