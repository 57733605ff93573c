"""Questions to payers: each kept once, each answer kept before it is read."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from cleargate.nouns.coverage import Coverage, ServiceVerdict, Source, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.ids import CaseId
from cleargate.store import inquiries
from cleargate.store.inquiries import InquiryState, NewInquiry, StoredInquiry
from tests.house import House, TurnedClock, open_case

NEW = NewInquiry(1, 1, "sample-payer", "Sample Payer", "clearinghouse", "SAMPL", date(2030, 1, 7))
ACTIVE = Coverage(
    "Sample Payer",
    Verdict.ACTIVE,
    (ServiceVerdict("PT", Verdict.ACTIVE, (Source(7, "EB01"),)),),
    member_id="MEMBER0001",
)
ANSWER = RawAnswer(b"ISA*00*...\x85~", ContentKind.X12_271, "request-1")

_RAW = sa.text("select raw from answers where practice_id = :practice and inquiry_id = :id")


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        case = open_case(session, clock.now())
        inquiries.add(session, case, NEW)
        return case


def _now(house: House, case: CaseId) -> StoredInquiry:
    with house.session() as session:
        [stored] = inquiries.current(session, case)
    return stored


def test_a_new_question_is_due(house: House, case: CaseId) -> None:
    stored = _now(house, case)
    assert (stored.state, stored.tries, stored.sent) == (InquiryState.DUE, 0, None)
    assert (stored.payer_id, stored.service_date) == (NEW.payer_id, NEW.service_date)
    assert not stored.settled


def test_the_same_question_twice_is_one(house: House, case: CaseId) -> None:
    with house.session() as session:
        inquiries.add(session, case, NEW)
        assert len(inquiries.of_case(session, case)) == 1


def test_the_newest_generation_of_each_policy_counts(house: House, case: CaseId) -> None:
    with house.session() as session:
        inquiries.add(session, case, replace(NEW, generation=2))
        inquiries.add(session, case, replace(NEW, rank=2))
        current = inquiries.current(session, case)
        assert len(inquiries.of_case(session, case)) == 3
    assert [(each.rank, each.generation) for each in current] == [(1, 2), (2, 1)]


def test_each_send_is_counted_and_the_first_remembered(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    first = clock.now()
    for _ in range(2):
        with house.session() as session:
            inquiries.mark_sent(session, _now(house, case).id, clock.now())
        clock.turn(timedelta(minutes=2))
    stored = _now(house, case)
    assert (stored.state, stored.tries, stored.first_sent) == (InquiryState.SENT, 2, first)
    assert stored.sent == first + timedelta(minutes=2)


def test_a_postponed_question_is_asked_again_or_polled(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    due = clock.after(timedelta(minutes=1))
    inquiry = _now(house, case).id
    with house.session() as session:
        inquiries.postpone(session, inquiry, due, clock.now(), outcome="retryable", code="503")
    stored = _now(house, case)
    assert (stored.state, stored.next_try) == (InquiryState.DUE, due)
    assert (stored.outcome, stored.vendor_code) == ("retryable", "503")
    with house.session() as session:
        now = clock.now()
        inquiries.postpone(
            session, inquiry, due, now, outcome="pending", code="", pending_token="t-1"
        )
    stored = _now(house, case)
    assert (stored.state, stored.pending_token) == (InquiryState.PENDING, "t-1")


def test_the_raw_answer_is_kept_byte_by_byte_and_sealed(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    inquiry = _now(house, case).id
    with house.session() as session:
        assert inquiries.raw(session, inquiry) is None
        inquiries.keep_raw(session, inquiry, ANSWER, clock.now())
    assert _now(house, case).state is InquiryState.RECEIVED
    with house.session() as session:
        kept = inquiries.raw(session, inquiry)
        stored = session.run(_RAW, id=inquiry).scalar_one()
    assert kept is not None
    assert (kept.content, kept.kind) == (ANSWER.content, ANSWER.kind)
    assert b"ISA" not in stored


def test_the_newest_of_two_answers_is_read(house: House, case: CaseId, clock: TurnedClock) -> None:
    inquiry = _now(house, case).id
    with house.session() as session:
        inquiries.keep_raw(session, inquiry, ANSWER, clock.now())
        newer = replace(ANSWER, content=b"newer")
        inquiries.keep_raw(session, inquiry, newer, clock.after(timedelta(seconds=1)))
        kept = inquiries.raw(session, inquiry)
    assert kept is not None
    assert kept.content == b"newer"


@pytest.mark.parametrize(
    ("answered", "state"), [(True, InquiryState.ANSWERED), (False, InquiryState.FAILED)]
)
def test_a_settled_question_has_its_coverage(
    house: House, case: CaseId, clock: TurnedClock, answered: bool, state: InquiryState
) -> None:
    with house.session() as session:
        inquiries.settle(session, _now(house, case).id, ACTIVE, clock.now(), answered=answered)
    stored = _now(house, case)
    assert (stored.state, stored.verdict, stored.coverage) == (state, Verdict.ACTIVE, ACTIVE)
    assert stored.settled


def test_asking_again_spares_what_is_active_and_what_is_still_on_its_way(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    """A question on its way that is asked anew costs a second fee."""
    with house.session() as session:
        for rank in (2, 3, 4):
            inquiries.add(session, case, replace(NEW, rank=rank))
        active, unclear, sent, due = inquiries.current(session, case)
        inquiries.settle(session, active.id, ACTIVE, clock.now(), answered=True)
        doubtful = replace(ACTIVE, verdict=Verdict.UNDETERMINED)
        inquiries.settle(session, unclear.id, doubtful, clock.now(), answered=False)
        inquiries.mark_sent(session, sent.id, clock.now())
        inquiries.retire(session, case)
        states = [each.state for each in inquiries.current(session, case)]
    assert due.state is InquiryState.DUE
    assert states == [
        InquiryState.ANSWERED,
        InquiryState.RETIRED,
        InquiryState.SENT,
        InquiryState.DUE,
    ]


def test_each_search_is_taken_up_once(house: House, case: CaseId, clock: TurnedClock) -> None:
    """Whoever comes late, with a number that was tried already, changes nothing."""
    inquiry = _now(house, case).id
    assert _now(house, case).search == 0
    for search, state in ((2, InquiryState.DUE), (1, InquiryState.SENT), (2, InquiryState.SENT)):
        with house.session() as session:
            inquiries.search_otherwise(session, inquiry, search, clock.now(), code="AAA:75")
        stored = _now(house, case)
        assert (stored.search, stored.state) == (2, state)
        with house.session() as session:
            inquiries.mark_sent(session, inquiry, clock.now())
