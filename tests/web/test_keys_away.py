"""The key service is away: pages say so in a sentence, keep nothing by half, and come back."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cleargate.store.keyring import KEYS_FRESH_S, KEYS_SEAL_S, LOOK_AGAIN_S
from cleargate.web.headers import HEADERS
from cleargate.web.site import Pages
from tests.house import House, TurnedClock
from tests.keys import DOWN, Process, process
from tests.web.installation import SLUG, Served, Site, filled_form, read_profiles


@pytest.fixture
def server(house: House) -> Iterator[Process]:
    with process(house) as started:
        yield started


@pytest.fixture
def away(server: Process, house: House, tmp_path: Path) -> Iterator[Site]:
    """Pages of a process whose keys can be taken away."""
    clock, profiles = TurnedClock(), read_profiles(tmp_path)
    with Served(Pages(server.database, clock, profiles, secure=False)) as served:
        yield Site(served.url, house, clock, profiles)


def _go_away(server: Process, seconds: float) -> None:
    server.keys.failure = DOWN
    server.seconds.turn(seconds)


def _come_back(server: Process) -> None:
    server.keys.failure = None
    server.seconds.turn(LOOK_AGAIN_S + 1)


def test_a_request_that_cannot_be_sealed_is_refused_plainly_and_taken_the_next_time(
    away: Site, server: Process
) -> None:
    form, before = filled_form(), away.count_cases()
    with away.visitor() as patient:
        assert patient.get(f"/{SLUG}/").status_code == 200
        _go_away(server, KEYS_SEAL_S + 1)
        answer = patient.post(f"/{SLUG}/", data=form)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "We cannot do this just now" in answer.text
        assert "It is not done twice" in answer.text
        assert "(217) 555-0100" in answer.text
        assert form["family"] in answer.text, "to be sent again as it is"
        assert away.count_cases() == before
        _come_back(server)
        for _ in range(2):
            assert patient.post(f"/{SLUG}/", data=form).status_code == 303
    assert away.count_cases() == before + 1


def test_the_desk_reads_on_while_the_key_service_is_away(away: Site, server: Process) -> None:
    case = away.case()
    with away.staff() as staff:
        assert staff.get(f"/cases/{case}").status_code == 200
        _go_away(server, KEYS_FRESH_S + 1)
        assert staff.get(f"/cases/{case}").status_code == 200
        server.seconds.turn(KEYS_SEAL_S)
        page = staff.get(f"/cases/{case}")
    assert page.status_code == 200
    assert "Testperson" in page.text


def test_a_program_is_told_in_json(away: Site, server: Process) -> None:
    headers = {"Authorization": f"Bearer {away.api_token()}"}
    case = away.case()
    _go_away(server, 0)
    with httpx2.Client(base_url=away.url, headers=headers, timeout=30) as program:
        answer = program.get(f"/api/cases/{case}")
        assert (answer.status_code, answer.json()) == (
            503,
            {"detail": "try again in a minute"},
        )
        _come_back(server)
        assert program.get(f"/api/cases/{case}").status_code == 200


def test_the_pages_of_a_practice_that_left_say_so(away: Site, server: Process) -> None:
    """Its folder may still be there; nothing of it opens."""
    case = away.case()
    with away.staff() as staff:
        with away.house.owner() as owner:
            owner.execute("update practices set shredded_at = now() where slug = %s", (SLUG,))
        try:
            with away.visitor() as patient:
                answers = [
                    patient.post(f"/{SLUG}/", data=filled_form()),
                    staff.get(f"/cases/{case}"),
                ]
        finally:
            with away.house.owner() as owner:
                owner.execute("update practices set shredded_at = null")
    assert [answer.status_code for answer in answers] == [410, 410]
    assert all("This practice has left" in answer.text for answer in answers)
