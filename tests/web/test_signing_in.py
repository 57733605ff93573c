"""The door of the desk: who gets in, for how long, and whose forms count."""

from datetime import timedelta

import pytest

from cleargate.people.sign_in import TRIES_PER_QUARTER_HOUR
from tests.trail import TRAIL
from tests.web.installation import IDLE, OTHER, PASSWORD, SLUG, Site, Staff, filled_form

PAGES = ["", "/phone", "/cases/00000000-0000-0000-0000-000000000000"]


@pytest.mark.parametrize("path", PAGES)
def test_whoever_is_not_signed_in_is_sent_to_the_door(site: Site, path: str) -> None:
    with site.visitor() as stranger:
        answer = stranger.get(f"/{SLUG}/desk{path}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/{SLUG}/desk/sign-in")
    assert answer.content == b""


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(site: Site) -> None:
    known, unknown = site.hire(), "nobody-here"
    with site.visitor() as stranger:
        said = [
            stranger.post(f"/{SLUG}/desk/sign-in", data={"username": name, "password": "wrong"})
            for name in (known, unknown)
        ]
    assert [each.status_code for each in said] == [403, 403]
    assert said[0].text.replace(known, "") == said[1].text.replace(unknown, "")
    assert all("set-cookie" not in each.headers for each in said)
    refused = site.rows(
        f"select * from {TRAIL} where practice_id = :practice and type = 'staff.sign_in'"
        " and outcome = 'refused'"
    )
    assert len(refused) >= 2


def test_after_many_wrong_passwords_even_the_right_one_waits_a_quarter_of_an_hour(
    site: Site,
) -> None:
    site.clock.turn(timedelta(minutes=15))
    username = site.hire()
    right = {"username": username, "password": PASSWORD}
    with site.visitor() as stranger:
        for _ in range(10):
            stranger.post(f"/{SLUG}/desk/sign-in", data={**right, "password": "wrong"})
        assert stranger.post(f"/{SLUG}/desk/sign-in", data=right).status_code == 403
        site.clock.turn(timedelta(minutes=15))
        assert stranger.post(f"/{SLUG}/desk/sign-in", data=right).status_code == 303


def test_whoever_signs_in_often_is_not_shut_out(site: Site) -> None:
    sent = {"username": site.hire(), "password": PASSWORD}
    for _ in range(2 * TRIES_PER_QUARTER_HOUR):
        with site.visitor() as member:
            assert member.post(f"/{SLUG}/desk/sign-in", data=sent).status_code == 303


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(site: Site, staff: Staff) -> None:
    site.clock.turn(IDLE - timedelta(seconds=1))
    assert staff.get("").status_code == 200, "each use begins the time anew"
    site.clock.turn(IDLE - timedelta(seconds=1))
    assert staff.get("").status_code == 200
    site.clock.turn(IDLE)
    assert staff.get("").status_code == 303


def test_a_page_that_looks_for_news_by_itself_keeps_no_session_alive(
    site: Site, staff: Staff
) -> None:
    poll = {"HX-Request": "true"}
    for _ in range(3):
        site.clock.turn(IDLE / 3 - timedelta(seconds=1))
        assert staff.get("", headers=poll).status_code == 200
    site.clock.turn(timedelta(seconds=3))
    ended = staff.get("", headers=poll)
    assert ended.status_code == 401
    assert ended.headers["hx-redirect"] == f"/{SLUG}/desk/sign-in"


def test_a_working_day_ends_a_session_that_is_in_use(site: Site, staff: Staff) -> None:
    for _ in range(10 * 6):
        site.clock.turn(timedelta(minutes=10))
        staff.get("/phone")
    assert staff.get("").status_code == 303


def test_signing_out_ends_the_session_at_once(site: Site, staff: Staff) -> None:
    cookies = dict(staff.client.cookies)
    assert cookies
    answer = staff.post("/sign-out")
    assert answer.headers["location"] == f"/{SLUG}/desk/sign-in"
    assert not dict(staff.client.cookies)
    with site.visitor() as thief:
        thief.cookies.update(cookies)
        assert thief.get(f"/{SLUG}/desk").status_code == 303


def test_whoever_is_taken_off_the_staff_is_out_at_once(site: Site, staff: Staff) -> None:
    assert staff.get("").status_code == 200
    site.rows(
        "update staff set active = false where practice_id = :practice and username = :name"
        " returning id",
        name=staff.username,
    )
    assert staff.get("").status_code == 303


def test_a_session_of_one_practice_opens_no_other(site: Site, staff: Staff) -> None:
    assert staff.client.get(f"/{OTHER}/desk").status_code == 303


def test_the_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    sent = {"username": site.hire(), "password": PASSWORD}
    with site.visitor() as member:
        cookie = member.post(f"/{SLUG}/desk/sign-in", data=sent).headers["set-cookie"]
    name, *flags = cookie.split("; ")
    assert {each.lower() for each in flags} >= {"httponly", "samesite=strict", "path=/"}
    assert len(name.partition("=")[2]) >= 43, "256 bits nobody can guess"


def _phone_request(staff: Staff, sent: dict[str, str], headers: dict[str, str]) -> int:
    path = f"/{staff.slug}/desk/phone"
    return staff.client.post(path, data=filled_form(**sent), headers=headers).status_code


@pytest.mark.parametrize("csrf", [None, "", "wrong"])
def test_a_form_without_the_right_token_changes_nothing(
    site: Site, staff: Staff, csrf: str | None
) -> None:
    before = site.count_cases()
    sent = {} if csrf is None else {"csrf": csrf}
    assert _phone_request(staff, sent, {}) == 403
    assert site.count_cases() == before


def test_a_colleagues_token_does_not_count(site: Site, staff: Staff) -> None:
    with site.staff() as colleague:
        assert _phone_request(staff, {"csrf": colleague.csrf}, {}) == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.invalid"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({}, 303),
    ],
)
def test_a_form_from_another_site_changes_nothing(
    site: Site, staff: Staff, headers: dict[str, str], status: int
) -> None:
    before = site.count_cases()
    assert _phone_request(staff, {"csrf": staff.csrf}, headers) == status
    assert site.count_cases() == before + (status == 303)


def test_nobody_is_signed_in_by_another_site(site: Site) -> None:
    sent = {"username": site.hire(), "password": PASSWORD}
    with site.visitor() as victim:
        answer = victim.post(
            f"/{SLUG}/desk/sign-in", data=sent, headers={"Sec-Fetch-Site": "cross-site"}
        )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
