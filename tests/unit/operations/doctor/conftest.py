"""An opened installation for the doctor, over a house of the module's own."""

from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path

import pytest

from cleargate.house import House as Opened
from cleargate.house import open_house
from cleargate.operations.doctor.finding import Finding, Level
from cleargate.settings import Installation
from tests.house import House

SLUGS = ("sample-clinic", "other-clinic")
NOWHERE = "http://127.0.0.1:9"


class _Nowhere(dict[str, str]):
    """Values for a practice.toml whose connections lead nowhere."""

    def __missing__(self, key: str) -> str:
        known = {"npi": "1234567893", "zone": "America/Chicago", "smtp_port": "9"}
        known |= {"deadline_s": "5", "phone": "+1 217 555 0100", "smtp_host": "127.0.0.1"}
        return known.get(key, NOWHERE)


def write_practices(folder: Path) -> None:
    """Two practices with their secrets, as somebody careful keeps them."""
    template = resources.files("cleargate.operations").joinpath("demo_practice.toml").read_text()
    for slug in SLUGS:
        home = folder / slug
        home.mkdir(parents=True, mode=0o700)
        (home / "practice.toml").write_text(template.format_map(_Nowhere(slug=slug)))
        for secret in ("ehr-key.pem", "clearinghouse-password"):
            (home / secret).write_text("secret")
            (home / secret).chmod(0o600)


@pytest.fixture(scope="module")
def opened(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """As `cleargate doctor` opens it; nothing of it is broken."""
    folder = tmp_path_factory.mktemp("installation")
    write_practices(folder / "practices")
    opened = open_house(
        Installation(
            database_url=house.app_url,
            key_file=house.key_file,
            practices=folder / "practices",
        )
    )
    try:
        yield opened
    finally:
        opened.database.close()


Look = Callable[[Opened], Iterable[Finding]]


def well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(each.level is Level.OK for each in findings)


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """What is not well, in the doctor's words."""
    return [(each.what, each.way_out) for each in findings if each.level is not Level.OK]
