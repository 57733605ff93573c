"""Pages whose database goes away: a plain 503 in time; what was typed is kept, and done once."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from cleargate.nouns.gate import Choice
from cleargate.operations.rehearsal.patient import Inputs
from cleargate.store import cases, gates
from cleargate.store.connect import PAGES
from cleargate.store.database import Database
from cleargate.web.site import Pages
from tests.faults.conftest import SHORT
from tests.house import House, TurnedClock
from tests.proxy import Loss, Proxy
from tests.trail import TRAIL
from tests.web.installation import (
    PASSWORD,
    SLUG,
    Served,
    Site,
    Staff,
    filled_form,
    read_profiles,
)

LOSSES = pytest.mark.parametrize("loss", Loss)

SLACK_S = 4.0


@pytest.fixture
def site(house: House, far: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages at the other end of the line."""
    clock = TurnedClock()
    profiles = read_profiles(tmp_path_factory.mktemp("practices"))
    with Served(Pages(far, clock, profiles, secure=False)) as served:
        yield Site(served.url, house, clock, profiles)


@pytest.fixture
def staff(site: Site) -> Iterator[Staff]:
    with site.staff() as member:
        yield member


def _send_again(client: httpx2.Client, page: httpx2.Response, path: str) -> httpx2.Response:
    """Press the button of the page."""
    assert page.status_code == 503
    assert f'action="{path}"' in page.text
    return client.post(path, data=Inputs(page.text).values)


def test_a_request_that_falls_into_a_black_hole_can_be_sent_again_and_is_one_case(
    site: Site, line: Proxy
) -> None:
    before, form = site.count_cases(), filled_form(reason="it's <painful>")
    with site.visitor() as client:
        client.get(f"/{SLUG}/")
        line.swallow()
        started = time.monotonic()
        page = client.post(f"/{SLUG}/", data=form)
        assert time.monotonic() - started < sum((*_limits(), SLACK_S))
        line.release()
        assert site.count_cases() == before
        answer = _send_again(client, page, f"/{SLUG}/")
    assert answer.status_code == 303
    assert site.count_cases() == before + 1
    [row] = site.rows(
        "select id from cases where practice_id = :practice order by created_at desc limit 1"
    )
    with site.house.session() as session:
        stored = cases.get(session, row["id"])
    assert stored is not None
    assert stored.request.reason == "it's <painful>"


def _limits() -> tuple[float, ...]:
    return SHORT.answer_s, SHORT.connect_s, SHORT.free_s


def test_in_production_a_page_has_answered_within_twenty_seconds() -> None:
    """A ping that is not answered, and a new connection that is not, behind a full pool."""
    assert PAGES.answer_s + PAGES.connect_s + PAGES.free_s < 20


@LOSSES
def test_a_request_whose_commit_is_lost_is_one_case_when_sent_again(
    site: Site, line: Proxy, loss: Loss
) -> None:
    """The third commit is the one that keeps it, behind the throttle's and the key's."""
    with site.visitor() as client:
        for which in range(1, 6):
            before, form = site.count_cases(), filled_form()
            line.lose(which, loss=loss)
            answer = client.post(f"/{SLUG}/", data=form)
            line.lose()
            if answer.status_code == 303:
                assert site.count_cases() == before + 1
                break
            answer = _send_again(client, answer, f"/{SLUG}/")
            assert answer.status_code == 303
            once_more = client.post(f"/{SLUG}/", data=form)
            assert once_more.headers["location"] == answer.headers["location"]
            assert site.count_cases() == before + 1
        assert which > 2, "no commit was lost"


def test_a_decision_whose_commit_is_lost_stands_and_says_so(
    site: Site, line: Proxy, staff: Staff
) -> None:
    case = site.case()
    gate = site.gate(case)
    line.lose(*range(3, 9))  # Behind those of whoever is at the desk.
    page = staff.decide(gate, Choice.GO_ON, note="called the payer")
    line.lose()
    answer = _send_again(staff.client, page, f"/{SLUG}/desk/gates/{gate}/decision")
    assert answer.status_code == 409
    assert "by you and just so: your decision stands" in answer.text
    with site.house.session() as session:
        [stored] = gates.of_case(session, case)
    assert (stored.choice, stored.note) == (Choice.GO_ON, "called the payer")
    assert [each for each in site.trail(case) if each[0] == "gate.decide"] == [
        ("gate.decide", f"staff:{_member(site, staff)}", "ok")
    ]


def _member(site: Site, staff: Staff) -> str:
    [row] = site.rows(
        "select id from staff where practice_id = :practice and username = :name",
        name=staff.username,
    )
    return str(row["id"])


def test_another_time_is_looked_for_once_however_often_the_button_is_sent(
    site: Site, staff: Staff
) -> None:
    """The first press was kept and worked off before its answer was lost."""
    case = site.case()
    with site.house.session() as session:
        seen = cases.lock(session, case).phase_seq
    for status in (303, 409):
        assert staff.post(f"/cases/{case}/rebook?seen={seen}").status_code == status
    assert [each[0] for each in site.trail(case)].count("case.rebook") == 1


@LOSSES
def test_signing_in_is_told_and_kept_together_or_not_at_all(
    site: Site, line: Proxy, loss: Loss
) -> None:
    username = site.hire()
    sent = {"username": username, "password": PASSWORD}
    with site.visitor() as client:
        client.get(f"/{SLUG}/payers")
        line.lose(*range(1, 9), loss=loss)
        page = client.post(f"/{SLUG}/desk/sign-in", data=sent)
        line.lose()
        assert page.status_code == 503
        assert PASSWORD not in page.text
        told, kept = _sign_ins(site)
        assert told == kept
        assert client.post(f"/{SLUG}/desk/sign-in", data=sent).status_code == 303
    assert _sign_ins(site) == (told + 1, kept + 1)


def _sign_ins(site: Site) -> tuple[int, int]:
    """How many sign-ins the trail tells, and how many sessions there are."""
    [told] = site.rows(
        f"select count(*) as n from {TRAIL} where practice_id = :practice"
        " and type = 'staff.sign_in' and outcome = 'ok'"
    )
    [kept] = site.rows("select count(*) as n from sign_ins where practice_id = :practice")
    return told["n"], kept["n"]


def test_a_program_is_told_when_to_come_back(site: Site, line: Proxy) -> None:
    token = site.api_token()
    line.swallow()
    with site.visitor() as client:
        answer = client.get(
            f"/api/cases/{site.house.practice}", headers={"Authorization": f"Bearer {token}"}
        )
    line.release()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json() == {"detail": "try again in a minute"}
