"""The one place that asks what time it is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Give the present moment, aware, in UTC."""
    return datetime.now(UTC)


def business_date(moment: datetime) -> date:
    """Give the day, in the region's own time, to which `moment` belongs."""
    return moment.astimezone(LOCAL).date()
