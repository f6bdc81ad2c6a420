"""What tells that a database holds the demo."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product
from parties.network.models import Organisation, Outlet
from parties.people.models import Account


def demo_marks(session: Session) -> list[str]:
    """Name the demo data in this database; empty when there is none."""
    marks: list[str] = []
    for name, table in (
        ("accounts", Account),
        ("organisations", Organisation),
        ("outlets", Outlet),
        ("products", Product),
    ):
        count = session.scalar(select(func.count()).select_from(table).where(table.demo.is_(True)))
        if count:
            marks.append(f"{count} demo {name}")
    return marks
