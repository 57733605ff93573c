"""The desk: one case, its trail, its decision, and what another practice's staff can see of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from cleargate.eligibility import check
from cleargate.nouns.appointment import BookingStatus, Opening
from cleargate.nouns.case import Attempt, CaseState, Outcome, Receipt
from cleargate.nouns.gate import Choice, Fact, GateReason
from cleargate.nouns.ids import Ref
from cleargate.nouns.request import Channel
from cleargate.store import attachments, attempts, cases, effects, gates
from tests.house import visit_request
from tests.web.installation import (
    OTHER,
    Site,
    Staff,
    filled_form,
    lookalike_gate,
    sample_gate,
)


def _reads(site: Site, case: object, staff: Staff) -> int:
    found = site.rows(
        "select a.type from audit_events a join staff s on a.actor = 'staff:' || s.id"
        " where a.practice_id = :practice and a.case_id = :case and s.username = :name"
        " and a.type = 'case.read'",
        case=case,
        name=staff.username,
    )
    return len(found)


@pytest.mark.parametrize(
    ("status", "called"), [(BookingStatus.TENTATIVE, "Held"), (BookingStatus.BOOKED, "Booked")]
)
def test_a_time_that_is_only_held_is_not_called_booked(
    site: Site, staff: Staff, status: BookingStatus, called: str
) -> None:
    case = site.case()
    start = site.clock.now() + timedelta(days=3)
    opening = Opening(start, timedelta(hours=1), "Dana Sample", "Main Office", "s1")
    with site.house.session() as session:
        locked = cases.lock(session, case)
        cases.remember(session, locked, booking_id="b1", booking_status=status, opening=opening)
    html = staff.get(f"/cases/{case}").text
    found = {each for each in ("Held", "Booked") if f"<dt>{each}</dt>" in html}
    assert found == {called}


def test_each_look_at_a_case_is_on_the_trail_once(site: Site, staff: Staff) -> None:
    case = site.case()
    for looks in (1, 2):
        assert staff.get(f"/cases/{case}").status_code == 200
        assert _reads(site, case, staff) == looks


def test_a_page_that_looks_for_news_is_still_the_same_look(site: Site, staff: Staff) -> None:
    case = site.case()
    poll = {"HX-Request": "true"}
    staff.get(f"/cases/{case}")
    for _ in range(3):
        assert staff.get(f"/cases/{case}", headers=poll).status_code == 200
    assert _reads(site, case, staff) == 1


def test_nobody_reads_past_the_trail_by_pretending_to_look_for_news(
    site: Site, staff: Staff
) -> None:
    case = site.case()
    staff.get(f"/cases/{case}", headers={"HX-Request": "true"})
    assert _reads(site, case, staff) == 1


def test_a_case_says_whatever_the_patient_said(site: Site, staff: Staff) -> None:
    case = site.case(reason="sore <b>knee</b>")
    page = staff.get(f"/cases/{case}").text
    for said in ("Toni Testperson", "02/28/1990", "(202) 555-0123", "Sample Payer", "MEMBER0001"):
        assert said in page
    assert "sore &lt;b&gt;knee&lt;/b&gt;" in page


def test_what_the_record_has_otherwise_is_marked(site: Site, staff: Staff) -> None:
    case = site.case()
    changed = Fact("Different from the record", "Phone, Address")
    site.gate(case, sample_gate(reason=GateReason.CHANGED_DATA, facts=(changed,)))
    page = staff.get(f"/cases/{case}").text
    assert page.count('class="differs"') == 2
    assert '<div class="differs"><dt>Phone</dt>' in page


def test_a_case_that_works_by_itself_shows_its_decision_as_soon_as_there_is_one(
    site: Site, staff: Staff
) -> None:
    case = site.case()
    assert "hx-get" in staff.get(f"/cases/{case}").text
    site.gate(case)
    region = staff.get(f"/cases/{case}", headers={"HX-Request": "true"}).text.split('id="now"')[1]
    assert 'name="evidence_version"' in region, "what is swapped in holds the decision"
    assert "hx-get" not in region, "and nothing is swapped under the hands of whoever decides"


def test_the_list_shows_whom_to_help_without_names(site: Site, staff: Staff) -> None:
    case = site.case()
    site.gate(case)
    page = staff.get("").text
    assert f"/desk/cases/{case}" in page
    assert "Plan is active, this service is unclear: call the payer" in page
    assert "Testperson" not in page


def test_later_pages_of_the_list_look_for_their_own_news(site: Site) -> None:
    with site.staff(OTHER) as staff:
        for _ in range(51):
            site.gate(site.case(OTHER), slug=OTHER)
        first, second = staff.get("").text, staff.get("?page=1").text
        assert first.count("<tr>") == 51
        assert f'hx-get="/{OTHER}/desk"' in first
        assert f'hx-get="/{OTHER}/desk?page=1"' in second
        assert staff.get("?page=-1").status_code == staff.get("?page=x").status_code == 404


def test_a_decision_is_carried_out_at_once(site: Site, staff: Staff) -> None:
    case = site.case()
    gate = site.gate(case)
    answer = staff.decide(gate, Choice.GO_ON, note="called the payer")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"/desk/cases/{case}")
    with site.house.session() as session:
        found, [decided] = cases.get(session, case), gates.of_case(session, case)
    assert found is not None
    assert (found.phase, found.memo.accepted) == ("booking.verify", (GateReason.COVERAGE_UNCLEAR,))
    assert decided.choice is Choice.GO_ON
    page = staff.get(f"/cases/{case}").text
    assert "Go on" in page
    assert "you, today" in page
    assert "called the payer" in page


def test_a_decision_on_older_evidence_is_not_carried_out_and_shows_the_newer(
    site: Site, staff: Staff
) -> None:
    case = site.case()
    gate = site.gate(case)
    newer = sample_gate(facts=(Fact("Coverage ended", "sample day"),))
    site.gate(case, newer)
    answer = staff.decide(gate, Choice.GO_ON, version=1, note="my long note")
    assert answer.status_code == 409
    assert "Newer information has come in" in answer.text
    assert "sample day" in answer.text
    assert 'name="evidence_version" value="2"' in answer.text
    assert "my long note</textarea>" in answer.text
    assert staff.decide(gate, Choice.GO_ON, version=2).status_code == 303


def test_the_decision_says_whom_to_call(site: Site, staff: Staff) -> None:
    case = site.case()
    site.gate(case)
    page = staff.get(f"/cases/{case}").text
    assert '<a href="tel:+12025550123">(202) 555-0123</a>' in page


def test_a_note_about_a_question_that_is_over_is_not_put_to_the_next(
    site: Site, staff: Staff
) -> None:
    case = site.case()
    gate = site.gate(case)
    with site.staff() as colleague:
        colleague.decide(gate, Choice.GO_ON)
    site.gate(case, lookalike_gate())
    answer = staff.decide(gate, Choice.GO_ON, note="about the first question")
    assert answer.status_code == 409
    assert "about the first question" not in answer.text


def test_the_slower_of_two_learns_that_it_was_decided(site: Site, staff: Staff) -> None:
    case = site.case()
    gate = site.gate(case)
    with site.staff() as colleague:
        assert colleague.decide(gate, Choice.DECLINE).status_code == 303
    answer = staff.decide(gate, Choice.GO_ON)
    assert answer.status_code == 409
    assert "This was already decided." in answer.text
    assert "Sample Staff, today" in answer.text
    with site.house.session() as session:
        [stored] = gates.of_case(session, case)
    assert stored.choice is Choice.DECLINE


def test_of_many_decisions_at_once_one_is_carried_out(site: Site, staff: Staff) -> None:
    case = site.case()
    gate = site.gate(case)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: staff.decide(gate, Choice.GO_ON).status_code, range(8)))
    assert sorted(said) == [303] + [409] * 7
    assert [kind for kind, *_ in site.trail(case)].count("gate.decide") == 1


@pytest.mark.parametrize(
    ("choice", "detail", "status"),
    [
        (Choice.USE_EXISTING, "record-2", 303),
        (Choice.USE_EXISTING, "", 409),
        (Choice.USE_EXISTING, "record-of-somebody-else", 409),
        (Choice.GO_ON, "", 409),
        ("burn it", "", 422),
        ("", "", 422),
    ],
)
def test_only_what_is_offered_can_be_chosen(
    site: Site, staff: Staff, choice: str, detail: str, status: int
) -> None:
    case = site.case()
    gate = site.gate(case, lookalike_gate())
    assert staff.decide(gate, choice, detail=detail).status_code == status
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    assert found.memo.patient_id == ("record-2" if status == 303 else "")


@pytest.mark.parametrize("version", ["", "first", "1.0"])
def test_a_decision_about_no_version_is_refused(site: Site, staff: Staff, version: str) -> None:
    gate = site.gate(site.case())
    sent = {"choice": "go_on", "evidence_version": version}
    assert staff.post(f"/gates/{gate}/decision", sent).status_code == 422


def test_staff_of_another_practice_see_and_do_nothing(site: Site, staff: Staff) -> None:
    """Not even whether it is there: the answer is the one for a case that nobody has."""
    case = site.case()
    gate = site.gate(case)
    with site.house.session() as session:
        attachments.add(session, case, "card_front", b"sample", site.clock.now())
        [(photo, _)] = attachments.of_case(session, case)
    nobodys = uuid4()
    ways: list[Callable[[Staff, object, object, object], object]] = [
        lambda who, case, *_: who.get(f"/cases/{case}"),
        lambda who, case, gate, photo: who.get(f"/cases/{case}/photos/{photo}"),
        lambda who, case, gate, photo: who.decide(gate, Choice.DECLINE),  # type: ignore[arg-type]
        lambda who, case, *_: who.post(f"/cases/{case}/withdraw"),
        lambda who, case, *_: who.post(f"/cases/{case}/rebook"),
    ]
    before = site.trail(case)
    with site.staff(OTHER) as stranger:
        for way in ways:
            theirs = way(stranger, case, gate, photo)
            nothing = way(stranger, nobodys, nobodys, nobodys)
            assert (theirs.status_code, theirs.text) == (404, nothing.text)  # type: ignore[attr-defined]
        assert str(case) not in stranger.get("").text
    assert site.trail(case) == before
    assert staff.get(f"/cases/{case}/photos/{photo}").content == b"sample"


def test_a_photo_opens_with_its_own_case_only(site: Site, staff: Staff) -> None:
    case, other = site.case(), site.case()
    with site.house.session() as session:
        attachments.add(session, case, "card_front", b"sample", site.clock.now())
        [(photo, _)] = attachments.of_case(session, case)
    assert staff.get(f"/cases/{other}/photos/{photo}").status_code == 404


def test_a_request_by_phone_goes_the_way_of_the_form(site: Site, staff: Staff) -> None:
    form = filled_form()
    answer = staff.post("/phone", form)
    assert answer.status_code == 303
    assert staff.post("/phone", form).headers["location"] == answer.headers["location"]
    case = answer.headers["location"].rpartition("/")[2]
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    assert found.request.channel is Channel.PHONE
    assert found.memo.contact_confirmed, "whoever was on the phone needs no mail"
    assert site.trail(found.id)[0][1].startswith("staff:")


def test_mistakes_of_a_request_by_phone_stand_beside_their_fields(site: Site, staff: Staff) -> None:
    before = site.count_cases()
    answer = staff.post("/phone", filled_form(birth_date=""))
    assert answer.status_code == 422
    assert 'id="birth_date-error"' in answer.text
    assert site.count_cases() == before


def test_a_card_that_is_scanned_at_the_desk_is_kept(site: Site, staff: Staff) -> None:
    from tests.web.test_request_form import photo_with_exif

    card = {"card_front": ("card.jpg", photo_with_exif(), "image/jpeg")}
    answer = staff.post("/phone", filled_form(), files=card)
    case = answer.headers["location"].rpartition("/")[2]
    assert f"/desk/cases/{case}/photos/" in staff.get(f"/cases/{case}").text


@pytest.mark.parametrize("act", ["withdraw", "rebook"])
def test_staff_stir_an_open_case_and_leave_a_closed_one_alone(
    site: Site, staff: Staff, act: str
) -> None:
    case, closed = site.case(), site.case()
    site.gate(case)
    with site.house.session() as session:
        cases.close(session, closed, CaseState.DECLINED)
    for each in (case, closed):
        assert staff.post(f"/cases/{each}/{act}").status_code == 303
    with site.house.session() as session:
        stirred, left = cases.get(session, case), cases.get(session, closed)
        [dropped] = gates.of_case(session, case)
    assert stirred is not None
    assert left is not None
    assert (stirred.phase, dropped.open) == (f"booking.{act}", False)
    assert (left.phase, left.state) == ("", CaseState.DECLINED)


def test_how_long_a_gate_has_waited_is_told(site: Site, staff: Staff) -> None:
    case = site.case()
    site.gate(case)
    site.clock.turn(timedelta(minutes=12))
    row = staff.get("").text.split(f"/desk/cases/{case}")[1].split("</tr>")[0]
    assert ">12 min<" in row


def test_looking_for_an_earlier_try_is_not_taken_for_having_done_it(
    site: Site, staff: Staff
) -> None:
    case, now = site.case(), site.clock.now()
    ref = Ref(case, "book")
    tries = [
        Attempt("book", "ehr", now, 5000, "ambiguous", ref=ref.value),
        Attempt(attempts.look_step("book"), "ehr", now, 100, "ok", ref=ref.value),
    ]
    with site.house.session() as session:
        effects.begin(session, ref, "ehr", now)
        attempts.add(session, case, tries)
    page = staff.get(f"/cases/{case}").text
    assert '<li class="failed">' in page
    assert "Not known whether it arrived, one try" in page
    assert "Looked whether it was done" in page
    with site.house.session() as session:
        effects.finish(session, ref, Receipt("booking-1", Outcome.EXISTED), now)
    page = staff.get(f"/cases/{case}").text
    assert '<li class="done">' in page
    assert "Done, one try" in page
    with site.house.session() as session:
        effects.undo(session, case, "book")
        attempts.add(session, case, [Attempt("book", "ehr", now, 100, "ok")])
    assert "Taken back, 2 tries" in staff.get(f"/cases/{case}").text


def test_a_check_of_staff_is_no_request_that_could_be_withdrawn(site: Site, staff: Staff) -> None:
    asked = visit_request(channel=Channel.STAFF, visit_type="", reason="")
    with site.house.session() as session:
        [case] = check.submit(session, [asked], check.Terms("cli:test"), site.clock.now()).cases
    page = staff.get(f"/cases/{case}")
    assert page.status_code == 200
    assert "Asked about" in page.text
    assert "insurance check" in page.text
    assert "Withdraw" not in page.text
