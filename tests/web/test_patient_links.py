"""The links of a patient: receipt, status behind the birth date, confirmation, withdrawal."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from cleargate.nouns.appointment import BookingStatus, Opening
from cleargate.nouns.case import CaseState, Memo, Recheck
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from cleargate.scheduling.phases import RECHECK
from cleargate.store import cases, gates, links
from cleargate.store.links import TRIES_MAX, LinkPurpose
from cleargate.store.queue import start_phase
from tests.web.installation import OTHER, SLUG, Site, sample_gate

BORN = "02/28/1990"
WRONG = "02/28/1991"


def _link(site: Site, case: CaseId, purpose: LinkPurpose = LinkPurpose.RECEIPT) -> str:
    """A link's token; it is good for a day."""
    with site.house.session() as session:
        return links.make(session, case, purpose, site.clock.after(timedelta(days=1)))


def _memo(site: Site, case: CaseId) -> Memo:
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    return found.memo


def _remember(site: Site, case: CaseId, **changes: object) -> None:
    with site.house.session() as session:
        cases.remember(session, cases.lock(session, case), **changes)


def _booked(site: Site, case: CaseId, in_days: int) -> None:
    """The case's visit is in the book, and the case is done."""
    start = site.clock.after(timedelta(days=in_days))
    opening = Opening(
        token="slot",
        start=start,
        duration=timedelta(minutes=30),
        provider="Dana Sample, PT",
        place="Main Office",
    )
    status = BookingStatus.BOOKED
    _remember(site, case, opening=opening, booking_id="booking-1", booking_status=status)
    with site.house.session() as session:
        cases.close(session, case, CaseState.DONE)


def test_the_receipt_is_the_same_to_the_byte_whatever_the_payer_said(site: Site) -> None:
    case, other = site.case(), site.case()
    token, others = _link(site, case), _link(site, other)
    with site.visitor() as patient:
        before = patient.get(f"/{SLUG}/received/{token}").content
        site.gate(case, sample_gate(reason=GateReason.COVERAGE_INACTIVE))
        at_gate = patient.get(f"/{SLUG}/received/{token}").content
        with site.house.session() as session:
            gates.drop(session, case, actor="test", now=site.clock.now())
            cases.close(session, case, CaseState.DECLINED)
        declined = patient.get(f"/{SLUG}/received/{token}").content
        anothers = patient.get(f"/{SLUG}/received/{others}").content
    assert before == at_gate == declined == anothers.replace(others.encode(), token.encode())


def test_the_status_of_an_open_case_is_the_same_whatever_the_payer_said(site: Site) -> None:
    case = site.case()
    site.gate(case)
    token = _link(site, case)
    with site.visitor() as patient:
        before = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).content
        site.gate(case, sample_gate(reason=GateReason.COVERAGE_INACTIVE))
        after = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).content
    assert before == after
    assert b"Testperson" not in after


def test_who_has_to_confirm_the_address_is_told_so(site: Site) -> None:
    case = site.case()
    token = _link(site, case)
    with site.visitor() as patient:
        waiting = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
        with site.house.session() as session:
            requests.confirm_contact(session, case, site.clock.now())
        confirmed = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
    assert "Please confirm your e-mail address" in waiting
    assert "We have your request" in confirmed


def test_the_status_needs_the_birth_date_and_every_look_is_on_the_trail(site: Site) -> None:
    case = site.case()
    token = _link(site, case)
    with site.visitor() as patient:
        assert "date of birth" in patient.get(f"/{SLUG}/status/{token}").text
        site.gate(case)
        for empty_or_wrong in ("", "nonsense", WRONG):
            sent = {"birth_date": empty_or_wrong}
            answer = patient.post(f"/{SLUG}/status/{token}", data=sent)
            assert answer.status_code == 403
            assert "We have your request" not in answer.text
        right = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": "1990-02-28"})
    assert right.status_code == 200
    assert "We have your request" in right.text
    reads = [outcome for kind, _, outcome in site.trail(case) if kind == "receipt.read"]
    assert reads == ["refused"] * 3 + ["ok"]


def test_a_few_wrong_birth_dates_end_the_link(site: Site) -> None:
    token = _link(site, site.case())
    with site.visitor() as patient:
        for _ in range(TRIES_MAX):
            patient.post(f"/{SLUG}/status/{token}", data={"birth_date": WRONG})
        answer = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN})
    assert answer.status_code == 403


def test_wrong_birth_dates_that_come_all_at_once_are_counted_one_by_one(site: Site) -> None:
    case = site.case()
    token = _link(site, case)

    def guess(number: int) -> int:
        with site.visitor() as patient:
            sent = {"birth_date": f"1970-01-{number + 1:02}"}
            return patient.post(f"/{SLUG}/status/{token}", data=sent).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(guess, range(12))) == {403}
    counted = sum(kind == "receipt.read" for kind, _, _ in site.trail(case))
    assert counted == TRIES_MAX, "no more answers are looked at than a link allows"


def test_a_link_of_another_practice_and_one_that_is_none_get_the_same_answer(site: Site) -> None:
    token = _link(site, site.case())
    with site.visitor() as patient:
        said = [
            patient.post(path, data={"birth_date": BORN})
            for path in (
                f"/{OTHER}/status/{token}",
                f"/{OTHER}/status/{token[::-1]}",
            )
        ]
    assert [each.status_code for each in said] == [403, 403]
    assert said[0].text.replace(token, "") == said[1].text.replace(token[::-1], "")


def test_a_booked_visit_is_told_with_time_and_place(site: Site) -> None:
    case = site.case()
    token = _link(site, case)
    _booked(site, case, in_days=3)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
    assert "Your visit is booked" in page
    assert "Main Office" in page
    assert f"/{SLUG}/withdraw/" in page


def test_a_visit_that_was_cannot_be_withdrawn_any_more(site: Site) -> None:
    case = site.case()
    token = _link(site, case)
    _booked(site, case, in_days=-1)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
    assert "Your visit was booked" in page
    assert f"/{SLUG}/withdraw/" not in page


def test_a_case_that_was_done_by_hand_does_not_promise_further_work(site: Site) -> None:
    case = site.case()
    token = _link(site, case)
    with site.house.session() as session:
        cases.close(session, case, CaseState.DONE)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
    assert "Your request is with our staff" in page
    assert "We are working on it" not in page


def test_opening_the_confirmation_link_does_nothing_and_pressing_its_button_confirms(
    site: Site,
) -> None:
    case = site.case()
    token = _link(site, case, LinkPurpose.CONFIRM_CONTACT)
    with site.visitor() as patient:
        for _ in range(2):
            assert patient.get(f"/{SLUG}/confirm/{token}").status_code == 200
        assert not _memo(site, case).contact_confirmed
        assert patient.post(f"/{SLUG}/confirm/{token}").status_code == 200
        assert _memo(site, case).contact_confirmed
        phases = _phase(site, case)
        assert phases[0] == "booking.verify"
        assert patient.post(f"/{SLUG}/confirm/{token}").status_code == 200
        assert _phase(site, case) == phases, "the second time starts nothing"
    confirmed = [each for each in site.trail(case) if each[0] == "case.contact_confirmed"]
    assert confirmed == [("case.contact_confirmed", "patient", "ok")]


def test_confirming_a_request_that_was_declined_promises_nothing(site: Site) -> None:
    case = site.case()
    token = _link(site, case, LinkPurpose.CONFIRM_CONTACT)
    with site.house.session() as session:
        cases.close(session, case, CaseState.DECLINED)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/confirm/{token}").text
    assert "This request is closed" in page
    assert "We go on with your request" not in page
    assert not _memo(site, case).contact_confirmed


def _phase(site: Site, case: CaseId) -> tuple[str, int]:
    [row] = site.rows(
        "select phase, phase_seq from cases where practice_id = :practice and id = :case",
        case=case,
    )
    return row["phase"], row["phase_seq"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_confirmation_link_ends(site: Site, method: str) -> None:
    case = site.case()
    token = _link(site, case, LinkPurpose.CONFIRM_CONTACT)
    site.clock.turn(timedelta(days=1, seconds=1))
    with site.visitor() as patient:
        answer = getattr(patient, method)(f"/{SLUG}/confirm/{token}")
    assert answer.status_code == 404
    assert "too old" in answer.text
    assert "(217) 555-0100" in answer.text, "whoever is told to call gets the number"
    assert not _memo(site, case).contact_confirmed


def test_a_link_opens_only_what_it_is_for(site: Site) -> None:
    case = site.case()
    receipt = _link(site, case)
    confirm = _link(site, case, LinkPurpose.CONFIRM_CONTACT)
    with site.visitor() as patient:
        assert patient.post(f"/{SLUG}/confirm/{receipt}").status_code == 404
        assert patient.post(f"/{SLUG}/withdraw/{receipt}").status_code == 404
        assert patient.post(f"/{SLUG}/withdraw/{confirm}").status_code == 404
        sent = {"birth_date": BORN}
        assert patient.post(f"/{SLUG}/status/{confirm}", data=sent).status_code == 403
    assert _memo(site, case) == replace(Memo())


def test_the_patient_withdraws_by_the_link_that_the_status_shows(site: Site) -> None:
    case = site.case()
    site.gate(case)
    token = _link(site, case)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN}).text
        action = re.search(rf'action="(/{SLUG}/withdraw/\w+)"', page)
        assert action is not None
        assert patient.get(action[1]).status_code == 405, "a scanner of mails cannot do it"
        assert patient.post(action[1]).status_code == 200
        assert patient.post(action[1]).status_code == 200
    assert _phase(site, case)[0] == "booking.withdraw"
    with site.house.session() as session:
        assert not [each for each in gates.of_case(session, case) if each.open]
    assert ("case.withdraw", "patient", "ok") in site.trail(case)


@pytest.mark.parametrize("at_gate", [False, True])
def test_while_payers_are_asked_again_the_visit_stays_booked_to_the_patient(
    site: Site, at_gate: bool
) -> None:
    case = site.case()
    _booked(site, case, in_days=2)
    start = site.clock.after(timedelta(days=2))
    with site.house.session() as session:
        locked = cases.raise_generation(session, cases.lock(session, case))
        cases.remember(session, locked, recheck=Recheck(start, (1,)))
        start_phase(session, case, RECHECK)
        if at_gate:
            gates.open_gate(session, case, sample_gate(), site.clock.now())
            cases.stop_at_gate(session, case)
    token = _link(site, case)
    with site.visitor() as patient:
        page = patient.post(f"/{SLUG}/status/{token}", data={"birth_date": BORN})
    assert "Your visit is booked" in page.text
