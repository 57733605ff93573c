"""What is refused at the door: how often, what the trail says of it, and what stays open."""

from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from cleargate.operations.rehearsal.patient import Inputs
from cleargate.people.passwords import LENGTH_MAX
from cleargate.people.sign_in import TRIES_OF_AN_ADDRESS, TRIES_PER_QUARTER_HOUR, session_name
from tests.web.installation import (
    IDLE,
    OTHER,
    OTHERS_POSTS_PER_HOUR,
    PASSWORD,
    SLUG,
    Site,
    Staff,
    filled_form,
)

DESK = f"/{SLUG}/desk"


@pytest.fixture
def browser(site: Site) -> Iterator[httpx2.Client]:
    """Somebody with a browser, in a new quarter of an hour."""
    site.clock.turn(timedelta(minutes=15))
    with site.visitor() as client:
        yield client
    site.clock.turn(timedelta(minutes=15))


def _try(client: httpx2.Client, username: str, password: str = PASSWORD, slug: str = SLUG) -> int:
    sent = {"username": username, "password": password}
    return client.post(f"/{slug}/desk/sign-in", data=sent).status_code


def test_an_address_that_tries_many_names_waits_and_no_other_practice_does(
    site: Site, browser: httpx2.Client
) -> None:
    each_name = TRIES_PER_QUARTER_HOUR - 1
    names = [site.hire() for _ in range(TRIES_OF_AN_ADDRESS // each_name + 1)]
    tried = [name for name in names for _ in range(each_name)][:TRIES_OF_AN_ADDRESS]
    assert {_try(browser, name, "wrong") for name in tried} == {403}
    fresh = site.hire()
    assert _try(browser, fresh) == 403, "even the right password waits"
    assert _try(browser, site.hire(OTHER), slug=OTHER) == 303
    site.clock.turn(timedelta(minutes=15))
    assert _try(browser, fresh) == 303


def test_whoever_signs_in_uses_up_nothing_of_their_address(
    site: Site, browser: httpx2.Client
) -> None:
    """A whole practice comes to work in the same quarter of an hour."""
    name = site.hire()
    tried = [_try(browser, name) for _ in range(TRIES_OF_AN_ADDRESS + 1)]
    assert set(tried) == {303}


def test_many_tries_leave_few_events(site: Site, browser: httpx2.Client) -> None:
    """Each try that counted is on the trail; of the rest, one a minute."""
    name = site.hire()
    before = len(site.told("staff.sign_in", outcome="refused"))
    for _ in range(TRIES_PER_QUARTER_HOUR + 5):
        _try(browser, name, "wrong")
    refused = site.told("staff.sign_in", outcome="refused")[before:]
    codes = [each.get("code", "") for each in refused]
    assert codes == [""] * TRIES_PER_QUARTER_HOUR + ["too_many"]
    site.clock.turn(timedelta(minutes=1))
    _try(browser, name, "wrong")
    assert len(site.told("staff.sign_in", outcome="refused")) == before + len(codes) + 1


def test_a_password_that_is_too_long_is_told_and_not_cut(
    site: Site, browser: httpx2.Client
) -> None:
    sent = {"username": site.hire(), "password": PASSWORD + "x" * LENGTH_MAX}
    answer = browser.post(f"{DESK}/sign-in", data=sent)
    assert answer.status_code == 403
    assert f"at most {LENGTH_MAX} characters" in answer.text
    assert 'maxlength="200"' not in answer.text, "a browser would cut it without a word"


def test_signing_in_again_ends_the_session_that_the_browser_had(
    site: Site, browser: httpx2.Client
) -> None:
    name = site.hire()
    assert _try(browser, name) == 303
    former = dict(browser.cookies)
    assert _try(browser, name, "wrong") == 403
    assert browser.get(DESK).status_code == 200, "a wrong try ends nothing"
    assert _try(browser, name) == 303
    assert browser.get(DESK).status_code == 200
    [token] = former.values()
    with site.visitor() as thief:
        thief.cookies.update(former)
        assert thief.get(DESK).status_code == 303
    [ended] = site.told("staff.sign_out", session=session_name(token))
    assert (ended["outcome"], ended["address"]) == ("ok", "127.0.0.1")


def test_signing_in_at_another_practice_ends_the_session_of_the_first(
    site: Site, browser: httpx2.Client
) -> None:
    assert _try(browser, site.hire()) == 303
    former = dict(browser.cookies)
    assert _try(browser, site.hire(OTHER), slug=OTHER) == 303
    [token] = former.values()
    assert len(site.told("staff.sign_out", session=session_name(token))) == 1
    with site.visitor() as thief:
        thief.cookies.update(former)
        assert thief.get(DESK).status_code == 303


def test_a_session_that_is_over_is_not_ended_a_second_time(
    site: Site, browser: httpx2.Client
) -> None:
    name = site.hire()
    assert _try(browser, name) == 303
    [token] = dict(browser.cookies).values()
    site.clock.turn(IDLE)
    assert _try(browser, name) == 303
    assert site.told("staff.sign_out", session=session_name(token)) == []


def test_signing_out_lets_the_browser_forget(site: Site, browser: httpx2.Client) -> None:
    _try(browser, site.hire())
    csrf = Inputs(browser.get(DESK).text).values["csrf"]
    answer = browser.post(f"{DESK}/sign-out", data={"csrf": csrf})
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "clear-site-data" not in browser.get(f"{DESK}/sign-in").headers


@pytest.mark.parametrize(
    ("csrf", "headers", "code"),
    [
        ("wrong", {}, "form_token"),
        ("", {"Origin": "https://evil.example.test"}, "other_site"),
    ],
)
def test_a_form_that_is_not_ours_is_on_the_trail_once_a_minute(
    site: Site, staff: Staff, csrf: str, headers: dict[str, str], code: str
) -> None:
    site.clock.turn(timedelta(minutes=1))
    before = len(site.told("door.refused", code=code))
    for _ in range(3):
        sent = {**filled_form(), "csrf": csrf or staff.csrf}
        assert staff.client.post(f"{DESK}/phone", data=sent, headers=headers).status_code == 403
    [said] = site.told("door.refused", code=code)[before:]
    assert (said["outcome"], said["address"], said["client"]) == ("refused", "127.0.0.1", "web")
    assert said["actor"].startswith("staff:")


def test_a_sign_in_from_another_site_is_on_the_trail(site: Site, browser: httpx2.Client) -> None:
    before = len(site.told("door.refused", code="other_site", actor="unknown"))
    sent = {"username": site.hire(), "password": PASSWORD}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post(f"{DESK}/sign-in", data=sent, headers=headers).status_code == 403
    assert len(site.told("door.refused", code="other_site", actor="unknown")) == before + 1


def test_a_limit_that_is_reached_and_a_trap_that_is_sprung_are_on_the_trail(
    site: Site, browser: httpx2.Client
) -> None:
    site.clock.turn(timedelta(hours=1))
    trapped = {**filled_form(), "website": "http://spam.example.test"}
    for _ in range(OTHERS_POSTS_PER_HOUR):
        assert browser.post(f"/{OTHER}/", data=trapped).status_code == 303
    for _ in range(3):
        assert browser.post(f"/{OTHER}/", data=filled_form()).status_code == 429
    told = [each["code"] for each in site.told("door.refused", OTHER)]
    assert told == ["trap", "posts_limit"]
    assert all(each["actor"] == "unknown" for each in site.told("door.refused", OTHER))
