"""The reckoning: what differs from the ledgers outside, or from what was fixed before, counts."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import Case, CaseState, Memo, Outcome, Receipt
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.operations.rehearsal.reckoning import Ended, Summary, reckon
from cleargate.sandbox.population import people
from cleargate.store.effects import Effect
from tests.house import visit_request

CASE = CaseId(UUID(int=7))
PLAIN = next(each for each in people(7, 40, date(2030, 1, 7)) if each.expected.untouched)
STEPS = ("create_patient", "put_insurance1", "book", "write_back1", "mail_confirmation")


def ref(step: str) -> str:
    return f"{CASE.hex}.{step}.1"


def ended(**changes: Any) -> Ended:
    memo = Memo(booking_id="appo-1", booking_status=BookingStatus.BOOKED)
    case = Case(CASE, CaseState.DONE, visit_request(), memo, 1, "", 3, None, "", datetime.now(UTC))
    effects = [Effect(ref(step), step, "done", Receipt("id", Outcome.CREATED)) for step in STEPS]
    whole = Ended(PLAIN, "riverside", case, effects, [], 9, 0, 1)
    return replace(whole, **changes)


def ledger(**changes: Any) -> dict[str, Any]:
    booking = {"tenant": "riverside", "id": "appo-1", "ref": ref("book"), "status": "booked"}
    whole: dict[str, Any] = {
        "patients": [{"ref": ref("create_patient")}],
        "insurances": [{"ref": ref("put_insurance1")}],
        "bookings": [booking],
        "eligibility": [{"ref": ref("write_back1")}],
        "mails": [{"message_id": f"<{ref('mail_confirmation')}@riverside.example.test>"}],
        "mail_repeats": 0,
        "duplicates": [],
    }
    return {**whole, **changes}


def summary(case: Ended | None = None, book: dict[str, Any] | None = None, **more: int) -> Summary:
    return reckon([case or ended()], more.get("posted", 1), book or ledger(), 2.0)


def test_books_that_agree_are_good() -> None:
    good = summary()
    assert good.good
    assert (good.booked, good.booked_untouched, good.cases_per_second) == (1, 1, 0.5)


def test_what_we_believe_and_they_do_not_have_is_lost() -> None:
    for name in ("patients", "insurances", "eligibility", "mails"):
        assert summary(book=ledger(**{name: []})).lost == 1, name


def test_a_request_without_a_case_is_lost() -> None:
    assert summary(posted=2).lost == 1


def test_what_they_have_twice_is_duplicated() -> None:
    twice = [{"ref": ref("create_patient")}] * 2
    assert summary(book=ledger(patients=twice)).duplicated == 1


def test_what_they_have_and_we_do_not_know_is_duplicated() -> None:
    strange = [{"ref": ref("write_back1")}, {"ref": "somebody.else.1"}]
    assert summary(book=ledger(eligibility=strange)).duplicated == 1


def test_their_own_findings_count() -> None:
    found = [{"kind": "double_booked_slot", "by": "slot"}]
    assert summary(book=ledger(duplicates=found)).duplicated == 1


def test_a_repeated_mail_is_no_duplicate() -> None:
    mails = ledger()["mails"] * 2
    repeated = summary(book=ledger(mails=mails, mail_repeats=1))
    assert repeated.good
    assert repeated.mail_repeats == 1


def test_a_booking_that_is_not_firm_over_there_is_unexpected() -> None:
    pending = [{**ledger()["bookings"][0], "status": "pending"}]
    assert summary(book=ledger(bookings=pending)).unexpected == 1


def test_a_gate_that_nobody_expected_is_unexpected() -> None:
    gates = [(GateReason.NO_OPENING, Choice.TAKE_OPENING)]
    surprised = summary(ended(gates=gates))
    assert surprised.unexpected == 1
    assert surprised.booked_untouched == 0


def test_a_case_that_is_still_open_has_failed() -> None:
    open_case = replace(ended().case, state=CaseState.OPEN)
    assert summary(ended(case=open_case)).failed == 1
