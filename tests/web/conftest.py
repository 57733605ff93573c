"""A web server for the tests of a module, and one whole demo for those that need the worker."""

from collections.abc import Iterator

import pytest

from cleargate.web.site import Pages
from tests.house import House, TurnedClock
from tests.web.installation import Served, Site, Staff, read_profiles
from tests.web.town import Town, running_town


@pytest.fixture(scope="module")
def site(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages of two practices; the clock only ever turns forward."""
    clock = TurnedClock()
    profiles = read_profiles(tmp_path_factory.mktemp("practices"))
    with Served(Pages(house.database, clock, profiles, secure=False)) as served:
        yield Site(served.url, house, clock, profiles)


@pytest.fixture
def staff(site: Site) -> Iterator[Staff]:
    """Somebody at the first practice's desk."""
    with site.staff() as member:
        yield member


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    """The demo, as `dev.py demo --faults none` starts it."""
    with running_town() as town:
        yield town
