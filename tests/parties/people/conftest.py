"""What the tests of people share."""

import pytest

from parties.people.passwords import use_profile


@pytest.fixture(autouse=True)
def _cheap_passwords() -> None:
    use_profile("test")
