"""The page on which a patient checks what was doubtful."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from cleargate.nouns.request import VisitRequest
from cleargate.scheduling import requests
from cleargate.scheduling.request_fields import fields_of
from cleargate.store import attachments, cases, links
from cleargate.store.links import TRIES_MAX, LinkPurpose
from cleargate.store.queue import start_phase
from cleargate.web.intake import forms
from tests.web.installation import SLUG, Site, Staff, filled_form
from tests.web.test_request_form import photo_with_exif

BORN = "02/28/1990"
MEMBER = ("primary_member_id",)


def _asked(site: Site, doubtful: tuple[str, ...] = MEMBER) -> tuple[CaseId, str]:
    """A case whose patient was asked, and the address of the page."""
    case = site.case()
    profile = site.profiles[site.practice(SLUG)]
    today = site.clock.now().date()
    request = forms.parse(filled_form(), profile.directory.visit_types, today, profile.payers)
    assert isinstance(request, VisitRequest)
    with site.house.session() as session:
        locked = cases.change_request(session, cases.lock(session, case), request)
        cases.remember(session, locked, doubtful=doubtful, asked_at=site.clock.now())
        start_phase(session, case, "booking.remind_patient", note="asked_patient")
        token = links.make(
            session, case, LinkPurpose.CHECK_DETAILS, site.clock.now() + timedelta(days=7)
        )
    return case, f"/{SLUG}/check/{token}"


def _request(site: Site, case: CaseId) -> VisitRequest:
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    return found.request


def _phase(site: Site, case: CaseId) -> str:
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    return found.phase


def _shown(client: httpx2.Client, page: str) -> str:
    answer = client.post(page, data={"birth_date": BORN})
    assert answer.status_code == 200
    return answer.text


def test_the_birth_date_opens_the_doubtful_fields_and_no_others(site: Site) -> None:
    _, page = _asked(site)
    with site.visitor() as client:
        assert "MEMBER0001" not in client.get(page).text
        html = _shown(client, page)
    assert 'name="primary_member_id"' in html
    assert 'value="MEMBER0001"' in html
    names = set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', html))
    assert names == {"sent", "birth_date", "primary_member_id", "card_front", "card_back"}
    assert "Testperson" not in html
    assert "Compare them with your insurance card" in html


def test_what_the_patient_sends_takes_the_old_one_s_place_and_it_goes_on(site: Site) -> None:
    case, page = _asked(site)
    before = _request(site, case)
    sent = {"sent": "yes", "birth_date": BORN, "primary_member_id": "MEMBER0099", "given": "Eve"}
    photos = {"card_front": ("card.jpg", photo_with_exif(), "image/jpeg")}
    with site.visitor() as client:
        answer = client.post(page, data=sent, files=photos)
        assert (answer.status_code, "Thank you" in answer.text) == (200, True)
        again = client.post(page, data=sent | {"primary_member_id": "MEMBER0100"})
        assert "Thank you" in again.text
    after = _request(site, case)
    assert after.insurances[0].member_id == "MEMBER0099"
    assert (after.patient, after.earliest) == (before.patient, before.earliest)
    assert _phase(site, case) == "booking.receive"
    with site.house.session() as session:
        assert [kind for _, kind in attachments.of_case(session, case)] == ["card_front"]


def test_mistakes_stand_beside_their_field(site: Site) -> None:
    case, page = _asked(site)
    with site.visitor() as client:
        answer = client.post(page, data={"sent": "yes", "birth_date": BORN})
    assert answer.status_code == 422
    assert "Enter the member ID on the card." in answer.text
    assert _request(site, case).insurances[0].member_id == "MEMBER0001"


def test_a_wrong_birth_date_shows_nothing_and_a_few_end_the_link(site: Site) -> None:
    case, page = _asked(site)
    sent = {"sent": "yes", "birth_date": "02/27/1990", "primary_member_id": "MEMBER0099"}
    with site.visitor() as client:
        for _ in range(TRIES_MAX):
            answer = client.post(page, data=sent)
            assert (answer.status_code, "MEMBER0001" in answer.text) == (403, False)
        assert client.post(page, data={"birth_date": BORN}).status_code == 403
    assert _phase(site, case) == "booking.patient_silent", "somebody calls, and none is reminded"
    assert _request(site, case).insurances[0].member_id == "MEMBER0001"
    assert ("check_details.read", "patient", "refused") in site.trail(case)


def test_a_doubtful_birth_date_opens_an_empty_page(site: Site) -> None:
    """It cannot be asked for and be in doubt at once; so nothing that is stored is shown."""
    case, page = _asked(site, ("given", "family", "birth_date", "primary_member_id"))
    with site.visitor() as client:
        html = client.get(page).text
        assert 'name="birth_date"' in html
        for stored in ("Testperson", BORN, "MEMBER0001"):
            assert stored not in html
        assert "Compare them" not in html
        assert "send it as it is" not in html
        sent = {
            "sent": "yes",
            "given": "Robin",
            "family": "Testperson",
            "birth_date": "03/01/1990",
            "primary_member_id": "MEMBER0001",
        }
        assert "Thank you" in client.post(page, data=sent).text
    assert f"{_request(site, case).patient.birth_date:%m/%d/%Y}" == "03/01/1990"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_leads_nowhere_looks_like_any_other(site: Site, method: str) -> None:
    _, page = _asked(site)
    nowhere = f"/{SLUG}/check/{'0' * 64}"
    with site.visitor() as client:
        one, other = (
            client.request(
                method, url, data={"birth_date": "01/01/1980"} if method == "post" else None
            )
            for url in (page, nowhere)
        )
    assert one.status_code == other.status_code
    assert re.sub(r"check/[\w-]+", "", one.text) == re.sub(r"check/[\w-]+", "", other.text)


def test_the_link_ends_after_a_week(site: Site) -> None:
    _, page = _asked(site)
    site.clock.turn(timedelta(days=7, seconds=1))
    with site.visitor() as client:
        assert client.post(page, data={"birth_date": BORN}).status_code == 403


def test_the_link_of_another_purpose_opens_nothing(site: Site) -> None:
    case, _ = _asked(site)
    with site.house.session() as session:
        receipt = links.derived_token(session, case, LinkPurpose.RECEIPT)
        links.keep(
            session, case, LinkPurpose.RECEIPT, receipt, site.clock.now() + timedelta(days=1)
        )
    with site.visitor() as client:
        page = f"/{SLUG}/check/{receipt}"
        assert client.post(page, data={"birth_date": BORN}).status_code == 403


def test_staff_type_it_when_the_patient_calls_instead(site: Site, staff: Staff) -> None:
    case, page = _asked(site)
    html = staff.get(f"/cases/{case}").text
    assert f'href="/{staff.slug}/desk/cases/{case}/edit"' in html
    assert 'value="MEMBER0001"' in staff.get(f"/cases/{case}/edit").text
    sent = fields_of(_request(site, case)) | {"primary_member_id": "MEMBER0042"}
    answer = staff.post(f"/cases/{case}/edit?version=0", sent)
    assert answer.status_code == 303
    assert _request(site, case).insurances[0].member_id == "MEMBER0042"
    with site.visitor() as client:
        assert "Thank you" in client.post(page, data={"birth_date": BORN}).text


def test_the_status_page_says_that_we_have_a_question(site: Site) -> None:
    case, _ = _asked(site)
    with site.house.session() as session:
        token = links.derived_token(session, case, LinkPurpose.RECEIPT)
        links.keep(session, case, LinkPurpose.RECEIPT, token, site.clock.now() + timedelta(days=1))
    with site.visitor() as client:
        html = client.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
    assert "We have a question" in html


def test_what_comes_too_late_is_not_said_to_be_taken(site: Site) -> None:
    case, page = _asked(site)
    sent = {"sent": "yes", "birth_date": BORN, "primary_member_id": "MEMBER0099"}
    with site.visitor() as client:
        client.post(page, data=sent)
        late = client.post(page, data=sent | {"primary_member_id": "MEMBER0100"})
    assert _request(site, case).insurances[0].member_id == "MEMBER0099"
    assert "We go on with your request now" not in late.text
    assert "please call us" in late.text


def test_a_doubtful_birth_date_opens_nothing_once_nobody_waits(site: Site) -> None:
    case, page = _asked(site, ("given", "family", "birth_date"))
    with site.house.session() as session:
        cases.close(session, case, CaseState.WITHDRAWN)
    with site.visitor() as client:
        assert 'name="given"' not in client.get(page).text


def test_a_second_policy_is_not_dropped_by_leaving_it_empty(site: Site) -> None:
    doubtful = tuple(
        f"secondary_{name}" for name in ("payer", "payer_id", "member_id", "group", "relationship")
    )
    case, page = _asked(site, doubtful)
    with_second = filled_form(secondary_payer="Sample Payer", secondary_member_id="MEMBER0002")
    profile = site.profiles[site.practice(SLUG)]
    today = site.clock.now().date()
    request = forms.parse(with_second, profile.directory.visit_types, today, profile.payers)
    assert isinstance(request, VisitRequest)
    with site.house.session() as session:
        cases.change_request(session, cases.lock(session, case), request)
    with site.visitor() as client:
        answer = client.post(page, data={"sent": "yes", "birth_date": BORN})
    assert answer.status_code == 422
    assert "Enter the insurance company on the card, or call us" in answer.text
    assert len(_request(site, case).insurances) == 2


def test_staff_who_typed_from_an_older_request_are_told(site: Site, staff: Staff) -> None:
    """The patient was quicker, and a colleague has asked the patient anew."""
    case, _ = _asked(site)
    [action] = re.findall(r'action="([^"]*edit[^"]*)"', staff.get(f"/cases/{case}/edit").text)
    before = _request(site, case)
    newer = forms_with(before, "MEMBER0042")
    with site.house.session() as session:
        now = site.clock.now()
        assert requests.correct(session, case, newer, actor=requests.PATIENT, now=now)
        cases.remember(session, cases.lock(session, case), doubtful=MEMBER, asked_at=now)
        start_phase(session, case, "booking.remind_patient", note="asked_patient")
    path = unescape(action).partition("/desk")[2]
    card = {"card_front": ("card.jpg", photo_with_exif(), "image/jpeg")}
    answer = staff.post(path, fields_of(before) | {"reason": "Knee pain"}, files=card)
    assert answer.status_code == 409
    assert "Newer information has come in" in answer.text
    assert _request(site, case).insurances[0].member_id == "MEMBER0042"
    with site.house.session() as session:
        assert attachments.of_case(session, case) == []
    [again] = re.findall(r'action="([^"]*edit[^"]*)"', answer.text)
    path = unescape(again).partition("/desk")[2]
    assert staff.post(path, fields_of(before) | {"reason": "Knee pain"}).status_code == 303
    assert _request(site, case).reason == "Knee pain"


def forms_with(request: VisitRequest, member_id: str) -> VisitRequest:
    """The request with another member ID."""
    [policy] = request.insurances
    return replace(request, insurances=(replace(policy, member_id=member_id),))
