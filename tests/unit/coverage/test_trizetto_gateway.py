"""The answer of DoInquiry: what is inside, and what the clearinghouse itself refuses."""

import tomllib
from importlib import resources

import pytest

from cleargate.nouns.coverage import Coverage, Reason, ReasonKind, Source, Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, codes
from tests.unit.coverage.answers import document as x12_document
from tests.unit.coverage.xml_answers import PT, document, envelope, failure, read

LATER, WRONG = ReasonKind.ASK_AGAIN_LATER, ReasonKind.DATA_WRONG
ENROLMENT = ReasonKind.ENROLMENT


def only(text: str) -> Coverage:
    reading = read(text)
    assert not reading.diagnostics
    [coverage] = reading.coverages
    return coverage


def refused(text: str) -> list[Reason]:
    coverage = only(text)
    assert {verdict.verdict for verdict in coverage.services} == {Verdict.UNDETERMINED}
    return list(coverage.reasons)


def test_the_document_inside_is_read() -> None:
    coverage = only(envelope("Success", inside=document(PT)))
    assert (coverage.verdict, coverage.given_name) == (Verdict.ACTIVE, "ANN")
    assert coverage.services[0].sources == (Source(2, "info"),)


def test_a_document_inside_that_is_no_text_but_xml_is_read() -> None:
    whole = document(PT).removeprefix('<?xml version="1.0"?>')
    text = envelope("Success", inside="HERE").replace("HERE", whole)
    assert only(text).verdict is Verdict.ACTIVE


@pytest.mark.parametrize("end", ["~", "~\n"])
def test_a_271_inside_is_read_as_one(end: str) -> None:
    raw = end.join(x12_document(f"{ACTIVE_PLAN}\nEB*1**PT").splitlines()) + end
    coverage = only(envelope("Success", raw=raw))
    assert (coverage.verdict, coverage.member_id) == (Verdict.ACTIVE, "TST0001")
    assert coverage.services[0].sources[0].element == "EB01"


def test_xml_in_place_of_a_271_is_read_all_the_same() -> None:
    assert only(envelope("Success", raw=document(PT))).verdict is Verdict.ACTIVE


def test_what_is_inside_and_is_no_answer_is_a_finding() -> None:
    for inside, code in (("<other/>", "xml_unknown"), ("<!DOCTYPE x><x/>", "xml_dtd")):
        reading = read(envelope("Success", inside=inside))
        assert code in {finding.code for finding in reading.diagnostics}
        assert codes(reading.coverages[0]) == {"TriZetto:AnswerMissing"}
    reading = read(envelope("Success", raw="HELLO"))
    assert reading.diagnostics
    assert codes(reading.coverages[0]) == {"TriZetto:AnswerMissing"}


@pytest.mark.parametrize(
    ("code", "kind", "field"),
    [
        ("PayerTimeout", LATER, ""),
        ("SystemError", LATER, ""),
        ("PayerEnrollmentRequired", ENROLMENT, ""),
        ("ProviderEnrollmentRequired", ENROLMENT, ""),
        ("ProductRequired", ENROLMENT, ""),
        ("PayerNotSupported", ENROLMENT, "payer"),
        ("ValidationFailure", WRONG, ""),
    ],
)
def test_a_code_without_failures_says_what_to_do(code: str, kind: ReasonKind, field: str) -> None:
    [reason] = refused(envelope(code))
    assert (reason.code, reason.kind, reason.field) == (f"TriZetto:{code}", kind, field)
    assert reason.sources == (Source(0, "SuccessCode"),)
    assert reason.tip


@pytest.mark.parametrize("code", ["NewFailure", "x" * 60, "5: a sentence"])
def test_an_unknown_code_goes_to_a_person(code: str) -> None:
    [reason] = refused(envelope(code))
    assert reason.kind is ReasonKind.FOR_A_PERSON
    assert reason.code in {"TriZetto:NewFailure", "TriZetto:?"}


def test_success_beside_a_transmission_error_is_asked_again() -> None:
    message = "Transmission Error - Unable to Process Transaction"
    [reason] = refused(envelope("Success", failures=failure(message, "Response")))
    assert (reason.code, reason.kind) == ("TriZetto:TransmissionError", LATER)
    assert reason.text.endswith(f": {message}")


def test_success_without_an_answer_is_asked_again() -> None:
    [reason] = refused(envelope("Success"))
    assert (reason.code, reason.kind) == ("TriZetto:AnswerMissing", LATER)


def test_a_failure_beside_an_answer_stops_it() -> None:
    failures = failure("Transmission Error", "Response")
    coverage = only(envelope("Success", inside=document(PT), failures=failures))
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "TriZetto:TransmissionError" in codes(coverage)


@pytest.mark.parametrize(
    ("field", "ours"),
    [
        ("InsuredFirstName", "name"),
        ("InsuredLastName", "name"),
        ("DependentLastName", "name"),
        ("InsuranceNum", "member_id"),
        ("InsuredDob", "birth_date"),
        ("DependentDob", "birth_date"),
        ("InsuredGender", "sex"),
        ("GediPayerID", "payer"),
        ("PayerId can not be null", "payer"),
        ("DateOfService", "visit_date"),
        ("GroupNumber", "group"),
        ("ServiceTypeCode", ""),
    ],
)
def test_a_failure_names_the_field_to_mend(field: str, ours: str) -> None:
    [reason] = refused(envelope("ValidationFailure", failures=failure("Please enter it.", field)))
    assert (reason.code, reason.kind) == ("TriZetto:ValidationFailure", WRONG)
    assert (reason.field, reason.text.endswith(": Please enter it")) == (ours, True)


@pytest.mark.parametrize("field", ["NPI", "ProviderLastName", "ProviderId"])
def test_a_failure_about_the_practice_is_no_matter_of_the_patients_data(field: str) -> None:
    [reason] = refused(envelope("ValidationFailure", failures=failure("Invalid.", field)))
    assert (reason.code, reason.kind, reason.field) == ("TriZetto:ProviderInvalid", ENROLMENT, "")


def test_several_failures_are_several_reasons_and_repeats_are_one() -> None:
    failures = (
        failure("Please enter InsuranceNum.", "InsuranceNum")
        + failure("Please enter both names.", "InsuredFirstName", "InsuredLastName")
        + failure("Please enter InsuranceNum.", "InsuranceNum")
    )
    reasons = refused(envelope("ValidationFailure", failures=failures))
    assert [reason.field for reason in reasons] == ["member_id", "name"]


def test_a_field_that_only_the_message_names_is_found() -> None:
    [reason] = refused(envelope("ValidationFailure", failures=failure("Invalid InsuredDob.")))
    assert reason.field == "birth_date"


def test_a_failure_may_name_what_stood_in_the_field_and_that_is_never_shown() -> None:
    """Seen: AffectedFields holds the member's number instead of InsuranceNum."""
    said = failure("Medicare ID must be alpha-numeric.", "1A 2B 3C")
    [reason] = refused(envelope("ValidationFailure", failures=said))
    assert reason.field == "member_id"
    assert "1A 2B 3C" not in repr(reason)


def test_words_of_the_clearinghouse_are_shown_in_part() -> None:
    long = "x" * 5000
    [reason] = refused(envelope("PayerTimeout", failures=failure(long)))
    assert reason.text.count("x") == 200


def test_an_envelope_that_breaks_off_is_never_a_success() -> None:
    text = envelope("Success", inside=document(PT))
    reading = read(text[: text.index("<ExtraProcessingInfo>")])
    [coverage] = reading.coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert "answer_cut_off" in codes(coverage)
    reading = read(text[: text.index("<DoInquiryResult>") + 40])
    assert reading.coverages == ()
    assert reading.diagnostics


def test_every_code_of_the_table_has_words_and_a_tip() -> None:
    text = resources.files("cleargate.coverage").joinpath("reasons.toml").read_text("utf-8")
    for entry in tomllib.loads(text)["trizetto"].values():
        assert entry["text"]
        assert entry["tip"].endswith(".")
