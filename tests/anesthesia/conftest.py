"""A theatre at 10:00 with an open record, and a stopped clock."""

from collections.abc import Callable, Iterator

import pytest

from app.accounts.models import User
from app.core import clock
from tests.anesthesia.samples import Theatre, at, make_theatre
from tests.cast import LI_MING, Person


@pytest.fixture
def ten_o_clock() -> Iterator[None]:
    """The hospital clock stands at 10:00."""
    with clock.fixed(at(10)):
        yield


@pytest.fixture
def theatre(ten_o_clock: None, as_user: Callable[[Person], User]) -> Theatre:
    """李明 with his patient in the room since 9:00."""
    return make_theatre(as_user(LI_MING))
