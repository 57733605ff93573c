"""The accounting of disclosures counts in doubt as told."""

from datetime import UTC, datetime, timedelta

import pytest

from cleargate.nouns.disclosure import BEGIN, Disclosure, ToldCall, discloses, disclosures

START = datetime(2030, 1, 7, 15, tzinfo=UTC)
ORGANISATIONS = {"desk": "Sample Clearinghouse, Inc."}


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def event(minute: int, kind: str, code: str, outcome: str = "ok", by: str = "desk") -> ToldCall:
    return ToldCall(kind, by, code, outcome, at(minute))


def found(*events: ToldCall) -> list[tuple[str, str, datetime, bool]]:
    told = disclosures(events, ORGANISATIONS)
    return [(each.organisation, each.operation, each.at, each.sure) for each in told]


@pytest.mark.parametrize(
    ("operation", "tells"),
    [
        ("ask", True),
        ("poll", True),
        ("send", True),
        ("search:Patient", True),
        ("create:Appointment", True),
        ("read:SomethingNew", True),
        ("token", False),
        ("discover", False),
        ("search:Slot", False),
        ("read:Schedule", False),
    ],
)
def test_what_is_not_known_to_be_harmless_discloses(operation: str, tells: bool) -> None:
    assert discloses(operation) is tells


def test_an_answered_question_went_to_the_organisation_behind_its_connection() -> None:
    ask = (event(0, BEGIN, "ask1"), event(1, "call.ask1", "token:200"))
    assert found(*ask, event(2, "call.ask1", "ask:200")) == [
        ("Sample Clearinghouse, Inc.", "ask", at(2), True)
    ]


def test_a_connection_without_an_organisation_goes_by_its_own_name() -> None:
    told = disclosures([event(0, "call.mail", "send:250", by="mail")], ORGANISATIONS)
    assert told == (Disclosure("mail", "send", at(0), sure=True),)


def test_a_refused_question_was_told_all_the_same() -> None:
    assert [each[3] for each in found(event(0, "call.ask1", "ask:500", "refused"))] == [True]


def test_a_lost_answer_leaves_a_disclosure_in_doubt() -> None:
    asked = (event(0, BEGIN, "ask1"), event(1, "call.ask1", "ask:timeout", "unsure"))
    assert [each[1:] for each in found(*asked)] == [("ask", at(1), False)]


def test_what_never_left_is_no_disclosure() -> None:
    assert found(event(0, BEGIN, "ask1"), event(1, "call.ask1", "ask:busy", "unsent")) == []
    assert found(event(0, BEGIN, "ask1"), event(1, "call.ask1", "nobody:rejected", "unsent")) == []


def test_a_try_whose_worker_died_is_a_disclosure_in_doubt() -> None:
    died, again = event(0, BEGIN, "book", by="ehr"), event(5, BEGIN, "book", by="ehr")
    looked = event(6, "call.book.look", "search:Appointment:200", by="ehr")
    assert found(died, again, looked) == [
        ("ehr", "book", at(0), False),
        ("ehr", "search:Appointment", at(6), True),
    ]
    assert found(died) == [("ehr", "book", at(0), False)]


def test_looking_for_free_times_tells_of_nobody() -> None:
    assert found(event(0, BEGIN, "find_openings", by="ehr")) == []
