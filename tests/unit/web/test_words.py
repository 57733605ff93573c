from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from cleargate.nouns.case import TAKEN, CaseState
from cleargate.nouns.coverage import AmountKind, AuthorisationNeed, Network, Person, Verdict
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.insurance import Payment, Relationship
from cleargate.nouns.patient import Sex
from cleargate.web import words

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.REASONS, GateReason),
        (words.CHOICES, Choice),
        (words.STATES, CaseState),
        (words.VERDICTS, Verdict),
        (words.AMOUNTS, AmountKind),
        (words.NETWORKS, Network),
        (words.PERSONS, Person),
        (words.NEEDS, AuthorisationNeed),
        (words.PAYMENTS, Payment),
        (words.RELATIONSHIPS, Relationship),
        (words.SEXES, Sex),
        (words.OUTCOMES, ["ok", TAKEN, *ErrorKind]),
    ],
)
def test_every_code_has_words(table: dict[str, object], codes: list[str]) -> None:
    assert set(table) == set(codes)


def test_the_desk_never_reads_the_engines_words() -> None:
    spoken = " ".join([*words.REASONS.values(), *words.STEPS.values(), *words.OUTCOMES.values()])
    for word in ("workflow", "phase", "idempot", "null", "timeout", "exception", "_"):
        assert word not in spoken.casefold()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ask1", "Ask the payer"),
        ("ask2", "Ask the payer (secondary)"),
        ("put_insurance3", "Add the insurance (3)"),
        ("book", "Book the visit"),
        ("some_new_step", "Some new step"),
    ],
)
def test_a_step_is_named_with_its_rank(name: str, shown: str) -> None:
    assert words.step(name) == shown


def test_a_choice_may_be_called_otherwise_at_its_gate() -> None:
    assert words.choice(Choice.GO_ON, GateReason.CONTACT_UNCONFIRMED).label == (
        "The request is theirs"
    )
    assert words.choice(Choice.GO_ON, GateReason.COVERAGE_UNCLEAR).label == "Go on"


@pytest.mark.parametrize(
    ("note", "due", "sentence"),
    [
        ("again:aetna", "9:15 AM", "aetna did not answer, next try 9:15 AM."),
        ("again", "", "A connection did not answer, next try in a moment."),
        ("waiting_for_payer", "9:15 AM", "The payer has not answered yet, next try 9:15 AM."),
        ("time_held", "", "A time is held; it becomes firm once the payer has answered."),
        ("decided", "", "Your decision is carried out in a moment."),
        ("", "9:15 AM", "It goes on 9:15 AM."),
        ("a {brace} of tomorrow", "", "It goes on in a moment."),
    ],
)
def test_what_happens_next_is_one_sentence(note: str, due: str, sentence: str) -> None:
    assert words.what_happens_next(CaseState.OPEN, note, due, at_gate=False) == sentence


def test_what_happens_next_waits_for_a_person_or_is_over() -> None:
    assert "waits for you" in words.what_happens_next(CaseState.OPEN, "x", "", at_gate=True)
    assert words.what_happens_next(CaseState.DONE, "", "", at_gate=False) == (
        "Nothing more to do here."
    )


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (datetime(2026, 11, 23, 15, 40, tzinfo=UTC), "today 9:40 AM"),
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), "today 11:00 PM"),
        (datetime(2026, 11, 24, 18, 0, tzinfo=UTC), "tomorrow 12:00 PM"),
        (datetime(2026, 11, 22, 18, 5, tzinfo=UTC), "yesterday 12:05 PM"),
        (datetime(2026, 11, 27, 15, 40, tzinfo=UTC), "Fri 9:40 AM"),
        (datetime(2026, 12, 1, 15, 40, tzinfo=UTC), "Tue Dec 1, 9:40 AM"),
        (datetime(2027, 1, 5, 15, 40, tzinfo=UTC), "Tue Jan 5 2027, 9:40 AM"),
        (datetime(2026, 11, 16, 15, 40, tzinfo=UTC), "Mon Nov 16, 9:40 AM"),
    ],
)
def test_times_are_said_as_people_say_them_in_the_offices_zone(when: datetime, said: str) -> None:
    assert words.moment(when, NOW, ZONE) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "just now"), (26, "26 min"), (60, "1 h"), (47 * 60, "47 h"), (3 * 1440, "3 days")],
)
def test_ages_are_said_in_their_largest_unit(minutes: int, said: str) -> None:
    assert words.age(NOW - timedelta(minutes=minutes), NOW) == said


def test_numbers_carry_their_unit() -> None:
    assert [words.took(each) for each in (30, 240, 14_200)] == ["under 0.1 s", "0.2 s", "14 s"]
    assert (words.percent(Decimal("20.0")), words.percent(Decimal("100"))) == ("20%", "100%")
    assert words.percent(Decimal("12.50")) == "12.5%"


@pytest.mark.parametrize(
    ("number", "written", "dialled"),
    [
        ("+12175550100", "(217) 555-0100", "+12175550100"),
        ("+1 217 555 0100", "(217) 555-0100", "+12175550100"),
        ("(214) 555-0123", "(214) 555-0123", "+12145550123"),
        ("+442079460018", "+44 20 7946 0018", "+442079460018"),
        ("", "", ""),
        ("ask for Dana", "ask for Dana", "ask for Dana"),
    ],
)
def test_phone_numbers_are_written_for_people_and_dialled_in_full(
    number: str, written: str, dialled: str
) -> None:
    assert (words.phone(number), words.dial(number)) == (written, dialled)


def test_a_visit_is_told_to_the_patient_with_its_whole_date() -> None:
    assert words.appointment(NOW, ZONE) == "Monday, November 23, 2026 at 9:30 AM"


@pytest.mark.parametrize(
    ("code", "said"),
    [("visit", "per visit"), ("service_year", "per plan year"), ("24_hours", "24 hours"), ("", "")],
)
def test_a_benefits_period_is_told_in_words(code: str, said: str) -> None:
    assert words.period(code) == said


def test_what_going_on_means_depends_on_the_gate() -> None:
    label = words.choice(Choice.GO_ON, GateReason.AUTHORISATION_NEEDED).label
    assert label == "I have the authorization"
    assert words.choice(Choice.ASK_AGAIN, GateReason.VENDOR_SILENT).label == "Try again"
