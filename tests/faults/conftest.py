"""A line that can be cut between a house and its database."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cleargate.store.connect import Limits
from cleargate.store.database import Database
from tests.house import House
from tests.proxy import Proxy, to_unix

SHORT = Limits(answer_s=1, connect_s=2, free_s=1)
"""Limits under which a test need not wait long; what is limited is the same."""


@pytest.fixture
def line(house: House) -> Iterator[Proxy]:
    """The line to the house's database."""
    with Proxy(to_unix(house.app_url)) as proxy:
        yield proxy


@contextmanager
def over(line: Proxy, house: House, executor: str = "") -> Iterator[Database]:
    """The house's database as a process sees it at the other end of the line."""
    database = Database(line.url(house.app_url), house.keyring(), executor, limits=SHORT)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def far(line: Proxy, house: House) -> Iterator[Database]:
    """The house's database at the other end of the line, as pages see it."""
    with over(line, house) as database:
        yield database
