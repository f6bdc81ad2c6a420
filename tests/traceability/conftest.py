"""A small world to record in."""

import pytest
from sqlalchemy.orm import Session

from tests.factories import World, world


@pytest.fixture
def w(session: Session) -> World:
    """The region's first serialised product, its supplier and an open counter."""
    return world(session)
