"""Which fields the patient is asked about, and when there is nothing to ask."""

from dataclasses import replace

import pytest

from cleargate.gates import doubtful
from cleargate.nouns.case import Case, Memo
from cleargate.nouns.coverage import Coverage, Reason, ReasonKind, Verdict
from cleargate.nouns.gate import Choice, Gate, GateReason
from cleargate.nouns.insurance import Relationship, Subscriber
from cleargate.nouns.patient import Name
from tests.house import visit_request
from tests.unit.gates.test_policies import case_of

REQUEST = visit_request()
[POLICY] = REQUEST.insurances
HELD = Memo(booking_id="booking-1")


def _said(field: str, kind: ReasonKind = ReasonKind.DATA_WRONG) -> Coverage:
    why = Reason("AAA:00", "Some words", "A tip", field, kind)
    return Coverage("SAMPLE PAYER", Verdict.UNDETERMINED, (), reasons=(why,))


def _dependent() -> Case:
    holder = Subscriber(Name("Testperson", "Sam"), REQUEST.patient.birth_date)
    policy = replace(POLICY, relationship=Relationship.CHILD, subscriber=holder)
    return case_of(replace(REQUEST, insurances=(policy,)))


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("member_id", ("primary_member_id",)),
        ("group", ("primary_group",)),
        ("name", ("given", "family")),
        ("birth_date", ("birth_date",)),
        ("sex", ("sex",)),
        ("visit_date", ()),
        ("", ()),
    ],
)
def test_a_reason_s_field_is_what_the_form_calls_it(field: str, asked: tuple[str, ...]) -> None:
    assert doubtful.in_answer(case_of(), 1, _said(field)) == asked


def test_whoever_is_not_found_may_have_another_name_or_birth_date_there() -> None:
    said = _said("member_id")
    unknown = replace(said, reasons=(replace(said.reasons[0], code="AAA:67"),))
    asked = doubtful.in_answer(case_of(), 1, unknown)
    assert asked == ("primary_member_id", "given", "family", "birth_date")


def test_another_card_is_asked_for_whole() -> None:
    asked = doubtful.in_answer(case_of(), 1, _said("payer", ReasonKind.FOR_A_PERSON))
    assert {"primary_payer", "primary_payer_id", "primary_member_id"} <= set(asked)
    assert asked == doubtful.in_policy(case_of(), 1)


@pytest.mark.parametrize("kind", [ReasonKind.ASK_AGAIN_LATER, ReasonKind.ENROLMENT])
def test_what_the_payer_or_the_practice_has_to_mend_is_not_asked(kind: ReasonKind) -> None:
    assert doubtful.in_answer(case_of(), 1, _said("member_id", kind)) == ()


def test_for_a_dependent_either_person_may_be_wrong() -> None:
    asked = doubtful.in_answer(_dependent(), 1, _said("birth_date"))
    assert asked == ("birth_date", "primary_subscriber_birth_date")


def test_the_name_under_which_a_time_is_held_is_not_asked() -> None:
    held = replace(case_of(), memo=HELD)
    assert doubtful.in_identity(held, 1) == ("primary_member_id",)
    assert doubtful.in_answer(held, 1, _said("name")) == ()


def _gate(case: Case, fields: tuple[str, ...]) -> Gate:
    choices = (Choice.GO_ON, Choice.EDIT, Choice.DECLINE)
    gate = Gate(GateReason.COVERAGE_UNDETERMINED, "", (), choices, "p")
    return doubtful.offered(gate, case, fields)


def test_the_patient_is_asked_where_there_is_an_address_and_consent() -> None:
    case = case_of(replace(REQUEST, mail_consent=True))
    gate = _gate(case, ("sex",))
    assert gate.choices == (Choice.ASK_PATIENT, Choice.GO_ON, Choice.EDIT, Choice.DECLINE)
    assert gate.doubtful == ("sex",)
    for other in (
        _gate(case, ()),
        _gate(case_of(replace(REQUEST, mail_consent=False)), ("sex",)),
        _gate(replace(case, memo=Memo(patient_known=True)), ("sex",)),
    ):
        assert Choice.ASK_PATIENT not in other.choices


def test_labels_are_the_desk_s_words_each_once() -> None:
    fields = ("primary_payer", "primary_payer_id", "primary_member_id", "given", "family")
    assert doubtful.labels(fields) == "insurance company, member ID, name"
