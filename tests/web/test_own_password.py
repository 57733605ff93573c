"""Somebody at the desk changes their own password."""

import pytest

from cleargate.people.sign_in import TRIES_PER_QUARTER_HOUR
from tests.web.installation import PASSWORD, SLUG, Site, Staff

NEW = "three otters under glass"


def _sent(**changes: str) -> dict[str, str]:
    return {"old": PASSWORD, "new": NEW, "again": NEW, **changes}


def _sign_in(site: Site, username: str, password: str) -> int:
    with site.visitor() as client:
        sent = {"username": username, "password": password}
        return client.post(f"/{SLUG}/desk/sign-in", data=sent).status_code


def test_the_new_password_holds_and_every_other_session_ends(site: Site, staff: Staff) -> None:
    sent = {"username": staff.username, "password": PASSWORD}
    with site.visitor() as elsewhere:
        elsewhere.post(f"/{SLUG}/desk/sign-in", data=sent)
        assert elsewhere.get(f"/{SLUG}/desk").status_code == 200
        answer = staff.post("/password", _sent())
        assert (answer.status_code, "is changed" in answer.text) == (200, True)
        assert elsewhere.get(f"/{SLUG}/desk").status_code == 303
    assert staff.get("").status_code == 200
    assert _sign_in(site, staff.username, PASSWORD) == 403
    assert _sign_in(site, staff.username, NEW) == 303


def test_nobodys_session_but_theirs_ends(site: Site, staff: Staff) -> None:
    with site.staff() as colleague:
        staff.post("/password", _sent())
        assert colleague.get("").status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"old": "wrong"}, "old password is not right"),
        ({"again": "something else"}, "not the same"),
        ({"new": "short", "again": "short"}, "too short"),
        ({"new": "Password2026!", "again": "Password2026!"}, "easily guessed"),
        ({"new": PASSWORD, "again": PASSWORD}, "take another"),
        ({"new": "x" * 201, "again": "x" * 201}, "too long"),
        ({"new": "", "again": ""}, "too short"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    site: Site, staff: Staff, changes: dict[str, str], said: str
) -> None:
    answer = staff.post("/password", _sent(**changes))
    assert answer.status_code == 422
    assert said in answer.text
    for value in _sent(**changes).values():
        assert not value or f'value="{value}"' not in answer.text
    assert _sign_in(site, staff.username, PASSWORD) == 303


def test_guessing_the_old_one_at_an_open_screen_is_limited(site: Site, staff: Staff) -> None:
    for _ in range(TRIES_PER_QUARTER_HOUR):
        assert staff.post("/password", _sent(old="wrong")).status_code == 422
    assert staff.post("/password", _sent()).status_code == 422
    refused = site.told("staff.password", outcome="refused", actor=_actor(site, staff))
    codes = [each.get("code", "") for each in refused]
    assert codes == [""] * TRIES_PER_QUARTER_HOUR + ["too_many"]
    assert _sign_in(site, staff.username, PASSWORD) == 303


def test_the_change_is_on_the_trail_and_no_password_is(site: Site, staff: Staff) -> None:
    staff.post("/password", _sent())
    [said] = site.told("staff.password", actor=_actor(site, staff))
    assert (said["outcome"], said["action"], said["address"]) == ("ok", "U", "127.0.0.1")
    assert NEW not in str(said)
    assert PASSWORD not in str(said)


def _actor(site: Site, staff: Staff) -> str:
    [row] = site.rows(
        "select id from staff where practice_id = :practice and username = :name",
        name=staff.username,
    )
    return f"staff:{row['id']}"
