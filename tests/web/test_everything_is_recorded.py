"""Each route, called once as it is meant to be: what was seen or done is on the trail.

A new route needs a row here: the events that one call records, or why it records none.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx2
import pytest

from cleargate.nouns.gate import Choice
from cleargate.store import attachments, links
from cleargate.store.links import LinkPurpose
from cleargate.store.queue import start_phase
from tests.web.installation import PASSWORD, SLUG, Site, Staff, filled_form
from tests.web.test_correcting import EDITABLE
from tests.web.test_every_route import ROUTES

BORN = {"birth_date": "02/28/1990"}
Call = Callable[[Site, Staff], httpx2.Response]
Row = tuple[Call, set[str]]


def _link(site: Site, purpose: LinkPurpose) -> str:
    """A link of a new case whose patient was asked to check details."""
    case = site.case()
    with site.house.session() as session:
        if purpose is LinkPurpose.CHECK_DETAILS:
            start_phase(session, case, "booking.remind_patient", note="asked_patient")
        return links.make(session, case, purpose, site.clock.after(timedelta(days=1)))


def _photo(site: Site) -> str:
    case = site.case()
    with site.house.session() as session:
        attachments.add(session, case, "card_front", b"\xff\xd8", site.clock.now())
        [(photo, _)] = attachments.of_case(session, case)
    return f"/cases/{case}/photos/{photo}"


def _gate(site: Site) -> str:
    return str(site.gate(site.case()))


def _visitor(site: Site, method: str, path: str, **more: object) -> httpx2.Response:
    with site.visitor() as client:
        return client.request(method, f"/{SLUG}{path}", **more)  # type: ignore[arg-type]


def _api(site: Site, method: str, path: str, **more: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {site.api_token()}"}
    with site.visitor() as client:
        return client.request(method, f"/api{path}", headers=headers, **more)  # type: ignore[arg-type]


def _posted(**changes: str) -> dict[str, object]:
    form = filled_form(**changes)
    return {"nonce": form.pop("nonce"), "form": form}


def _staff_leaves(site: Site, _: Staff) -> httpx2.Response:
    with site.staff() as leaving:
        return leaving.post("/sign-out")


def _change_password(site: Site, staff: Staff) -> httpx2.Response:
    new = "three otters under glass"
    return staff.post("/password", {"old": PASSWORD, "new": new, "again": new})


def _at_gate(site: Site) -> str:
    case = site.case()
    site.gate(case, EDITABLE)
    return str(case)


def _edit(site: Site, staff: Staff) -> httpx2.Response:
    sent = filled_form(primary_member_id="MEMBER0099")
    return staff.post(f"/cases/{_at_gate(site)}/edit?version=1", sent)


RECORDED: dict[tuple[str, str], Row] = {
    ("GET", "/{slug}/desk"): (lambda site, staff: staff.get(""), {"gates.list"}),
    ("GET", "/{slug}/desk/cases/{case}"): (
        lambda site, staff: staff.get(f"/cases/{site.case()}"),
        {"case.read"},
    ),
    ("GET", "/{slug}/desk/cases/{case}/photos/{photo}"): (
        lambda site, staff: staff.get(_photo(site)),
        {"attachment.read"},
    ),
    ("GET", "/{slug}/desk/cases/{case}/edit"): (
        lambda site, staff: staff.get(f"/cases/{_at_gate(site)}/edit"),
        {"request.read"},
    ),
    ("POST", "/{slug}/desk/cases/{case}/edit"): (_edit, {"request.edit", "gate.decide"}),
    ("POST", "/{slug}/desk/gates/{gate}/decision"): (
        lambda site, staff: staff.decide(site.gate(site.case()), Choice.GO_ON),
        {"gate.decide"},
    ),
    ("POST", "/{slug}/desk/cases/{case}/withdraw"): (
        lambda site, staff: staff.post(f"/cases/{site.case()}/withdraw"),
        {"case.withdraw"},
    ),
    ("POST", "/{slug}/desk/cases/{case}/rebook"): (
        lambda site, staff: staff.post(f"/cases/{site.case()}/rebook"),
        {"case.rebook"},
    ),
    ("POST", "/{slug}/desk/password"): (_change_password, {"staff.password"}),
    ("POST", "/{slug}/desk/phone"): (
        lambda site, staff: staff.post("/phone", filled_form()),
        {"case.open"},
    ),
    ("POST", "/{slug}/desk/sign-in"): (
        lambda site, staff: _visitor(
            site,
            "POST",
            "/desk/sign-in",
            data={"username": staff.username, "password": PASSWORD},
        ),
        {"staff.sign_in"},
    ),
    ("POST", "/{slug}/desk/sign-out"): (_staff_leaves, {"staff.sign_out"}),
    ("POST", "/{slug}/"): (
        lambda site, _: _visitor(site, "POST", "/", data=filled_form()),
        {"case.open"},
    ),
    ("POST", "/{slug}/confirm/{token}"): (
        lambda site, _: _visitor(
            site, "POST", f"/confirm/{_link(site, LinkPurpose.CONFIRM_CONTACT)}"
        ),
        {"case.contact_confirmed"},
    ),
    ("POST", "/{slug}/status/{token}"): (
        lambda site, _: _visitor(
            site, "POST", f"/status/{_link(site, LinkPurpose.RECEIPT)}", data=BORN
        ),
        {"receipt.read"},
    ),
    ("POST", "/{slug}/check/{token}"): (
        lambda site, _: _visitor(
            site, "POST", f"/check/{_link(site, LinkPurpose.CHECK_DETAILS)}", data=BORN
        ),
        {"check_details.read"},
    ),
    ("POST", "/{slug}/withdraw/{token}"): (
        lambda site, _: _visitor(site, "POST", f"/withdraw/{_link(site, LinkPurpose.WITHDRAW)}"),
        {"case.withdraw"},
    ),
    ("POST", "/api/requests"): (
        lambda site, _: _api(site, "POST", "/requests", json=_posted()),
        {"case.open"},
    ),
    ("GET", "/api/cases/{case}"): (
        lambda site, _: _api(site, "GET", f"/cases/{site.case()}"),
        {"case.read"},
    ),
    ("POST", "/api/gates/{gate}/decision"): (
        lambda site, _: _api(
            site,
            "POST",
            f"/gates/{_gate(site)}/decision",
            json={"choice": "go_on", "evidence_version": 1},
        ),
        {"gate.decide"},
    ),
}

SHOWS_NOBODY = {
    ("GET", "/health"): "says whether the database answers",
    ("GET", "/{slug}/"): "the empty form",
    ("POST", "/{slug}/payers"): "the directory of payers",
    ("GET", "/{slug}/received/{token}"): "the same page for everybody",
    ("GET", "/{slug}/confirm/{token}"): "a button",
    ("GET", "/{slug}/status/{token}"): "asks for the birth date",
    ("GET", "/{slug}/check/{token}"): "asks for the birth date, or shows an empty form",
    ("GET", "/{slug}/desk/sign-in"): "asks who it is",
    ("GET", "/{slug}/desk/phone"): "the empty form",
    ("GET", "/{slug}/desk/password"): "the empty form",
}


def test_every_route_is_here() -> None:
    assert RECORDED.keys() | SHOWS_NOBODY.keys() == set(ROUTES)
    assert not RECORDED.keys() & SHOWS_NOBODY.keys()


_TRAIL = "select body from audit_events where practice_id = :practice order by recorded"


@pytest.fixture
def trail(site: Site) -> Iterator[Callable[[], list[dict[str, str]]]]:
    """What is new on the trail since it was last asked."""
    known = len(site.rows(_TRAIL))

    def news() -> list[dict[str, str]]:
        return [json.loads(row["body"]) for row in site.rows(_TRAIL)[known:]]

    return news  # type: ignore[return-value]


@pytest.mark.parametrize(("method", "path"), RECORDED)
def test_one_call_is_on_the_trail_with_who_and_whence(
    site: Site,
    staff: Staff,
    trail: Callable[[], list[dict[str, str]]],
    method: str,
    path: str,
) -> None:
    call, wanted = RECORDED[method, path]
    answer = call(site, staff)
    assert answer.status_code in (200, 201, 303), answer.text
    found = [said for said in trail() if said["type"] in wanted and said.get("address")]
    assert {said["type"] for said in found} == wanted
    for said in found:
        assert said["address"] == "127.0.0.1"
        assert said["client"] == ("api" if path.startswith("/api") else "web")
        assert said["actor"].partition(":")[0] in ("staff", "patient", "api")
        if "/desk" in path and path != "/{slug}/desk/sign-in":
            assert (said["authn"], len(said["session"])) == ("password", 16)
