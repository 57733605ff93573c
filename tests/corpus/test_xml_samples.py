"""Every public answer in TriZetto's XML: read, and judged as a person judged it who read it."""

from datetime import date

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import AmountKind, Coverage, Network, ReasonKind, Verdict
from tests.corpus.files import CORPUS, needs_corpus, samples

pytestmark = needs_corpus

ON = date(2018, 1, 16)
"""The day for which most of the samples were asked; it lies inside the dates of every plan that
is active. `ELSEWHEN` names the others, asked for a later day or read inside the ended plan."""
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")
ACTIVE, UNCLEAR = Verdict.ACTIVE, Verdict.ACTIVE_UNCLEAR
INACTIVE, UNDETERMINED = Verdict.INACTIVE, Verdict.UNDETERMINED
LATER, WRONG = ReasonKind.ASK_AGAIN_LATER, ReasonKind.DATA_WRONG
ENROLMENT, PERSON = ReasonKind.ENROLMENT, ReasonKind.FOR_A_PERSON

PREFIX = "GoodMeasuresLLC_trizetto-api__"

READ_BY_HAND = {
    # POS plan active, PT under chiropractic only and in words; 98 with copays of 40 and 25.
    "aetna__patient_is_subscriber": (UNCLEAR, UNCLEAR, ACTIVE),
    # PPO active, no word of PT; 98 with a copay of 30 in and 20 % out of network.
    "bcbs-ma__patient_is_depedent_and_has_medicare": (UNCLEAR, ACTIVE, ACTIVE),
    "bcbs-ma__patient_is_subscriber_and_has_medicare": (UNCLEAR, ACTIVE, ACTIVE),
    # PPO active, no word of PT; 98 listed, 15 % in and 30 % out of network.
    "bcbs-ma__patient_is_dependent": (UNCLEAR, ACTIVE, ACTIVE),
    # HMO active, PT listed with a copay of 30; 98 with copays of 30 and 50, told apart by words.
    "hphc__patient_is_subscriber": (ACTIVE, UNCLEAR, ACTIVE),
    # Parts A and B active, PT not in the list, 98 in it; but an HMO pays instead of Medicare.
    "medicare__patient_is_subscriber": (UNCLEAR, UNCLEAR, UNCLEAR),
    "aetna__inactive-1": (INACTIVE, INACTIVE, INACTIVE),
    "hphc__inactive-1": (INACTIVE, INACTIVE, INACTIVE),
}
"""PT, 98 and 30."""

REFUSED = {
    "aetna__rejection-1": [("AAA:71", WRONG, "birth_date")],
    "aetna__rejection-invalid-npi-1": [("AAA:43", ENROLMENT, "")],
    "aetna__rejection-invalid-npi-2": [("AAA:43", ENROLMENT, "")],
    "bcbs-ma__rejection-1": [("AAA:75", WRONG, "member_id")],
    "bcbs-ma__rejection-2": [("AAA:72", WRONG, "member_id")],
    "bcbs-ma__rejection-invalid-npi": [("AAA:48", PERSON, ""), ("cannot_process", PERSON, "")],
    "hphc__rejection-1": [("AAA:73", WRONG, "name")],
    "hphc__rejection-invalid-npi": [("AAA:43", ENROLMENT, "")],
    "hphc__unable-to-response-1": [("AAA:42", LATER, "")],
    "medicare__rejection-1": [("AAA:72", WRONG, "member_id")],
    "medicare__rejection-2": [("AAA:71", WRONG, "birth_date")],
    "soap-responses__payer-not-supported-1": [("TriZetto:PayerNotSupported", ENROLMENT, "payer")],
    "soap-responses__success-1": [("AAA:72", WRONG, "member_id")],
    "soap-responses__system-error-1": [("TriZetto:SystemError", LATER, "")],
    "soap-responses__transmission-error-1": [("TriZetto:TransmissionError", LATER, "")],
    "soap-responses__validation-failure-1": [("TriZetto:ValidationFailure", WRONG, "name")],
    "soap-responses__validation-failure-2": [
        ("TriZetto:ValidationFailure", WRONG, "member_id"),
        ("TriZetto:ValidationFailure", WRONG, "name"),
    ],
    "soap-responses__validation-failure-3": [
        ("TriZetto:ValidationFailure", WRONG, "member_id"),
        ("TriZetto:ValidationFailure", WRONG, "name"),
        ("TriZetto:ValidationFailure", WRONG, "name"),
    ],
    "soap-responses__validation-failure-4": [("TriZetto:ValidationFailure", WRONG, "payer")],
    "soap-responses__validation-failure-5": [("TriZetto:ValidationFailure", WRONG, "")],
    "soap-responses__validation-failure-invalid-npi": [
        ("TriZetto:ProviderEnrollmentRequired", ENROLMENT, "")
    ],
}
"""Undetermined for every service, with the code, its kind and the field to mend."""

ELSEWHEN = {
    "aetna__inactive-1": date(2017, 3, 1),
    "aetna__rejection-invalid-npi-1": date(2018, 11, 1),
    "aetna__rejection-invalid-npi-2": date(2018, 11, 1),
    "bcbs-ma__rejection-invalid-npi": date(2018, 11, 1),
    "hphc__inactive-1": date(2017, 3, 1),
    "hphc__rejection-invalid-npi": date(2018, 11, 1),
}


def read(name: str, on: date = ON) -> Coverage:
    content = (CORPUS / "eligibility-xml" / f"{PREFIX}{name}.xml").read_bytes()
    [coverage] = read_answers(content, SERVICES, on).coverages
    return coverage


@pytest.mark.parametrize("name", READ_BY_HAND)
def test_the_verdicts_are_those_read_by_hand(name: str) -> None:
    for on in {ON, ELSEWHEN.get(name, ON)}:
        verdicts = {one.code: one.verdict for one in read(name, on).services}
        assert (verdicts["PT"], verdicts["98"], verdicts["30"]) == READ_BY_HAND[name]


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusals_are_those_read_by_hand(name: str) -> None:
    coverage = read(name, ELSEWHEN.get(name, ON))
    assert {one.verdict for one in coverage.services} == {UNDETERMINED}
    assert [(one.code, one.kind, one.field) for one in coverage.reasons] == REFUSED[name]


@pytest.mark.parametrize("path", samples("eligibility-xml"), ids=lambda path: path.stem[30:])
def test_every_word_and_element_of_the_samples_is_known(path) -> None:
    reading = read_answers(path.read_bytes(), SERVICES, ON)
    assert reading.diagnostics == ()


def test_no_sample_is_missing_from_this_file() -> None:
    names = {path.stem.removeprefix(PREFIX) for path in samples("eligibility-xml")}
    assert names == {*READ_BY_HAND, *REFUSED}


def test_forty_visits_shared_by_three_therapies() -> None:
    coverage = read("hphc__patient_is_subscriber")
    [limit] = coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (40, 40, "calendar_year")
    assert "Combined total" in limit.shared
    amounts = [a for a in coverage.amounts if "PT" in a.service_types]
    assert [(a.kind, a.cents, a.network) for a in amounts] == [
        (AmountKind.COPAY, 3000, Network.IN),
        (AmountKind.DEDUCTIBLE, 0, Network.IN),
    ]
    assert (coverage.begins, coverage.ends) == (date(2018, 1, 1), date(2018, 12, 31))


def test_sixty_visits_of_rehabilitation_in_words_with_what_remains() -> None:
    [limit] = read("aetna__patient_is_subscriber").visit_limits
    assert (limit.allowed, limit.remaining, limit.service_types) == (60, 60, ("33",))


def test_medicare_beside_the_plan_is_another_payer() -> None:
    for name in ("depedent", "subscriber"):
        coverage = read(f"bcbs-ma__patient_is_{name}_and_has_medicare")
        [other] = coverage.other_payers
        assert (other.name, other.order) == ("Medicare Part A", "secondary")
        networks = {a.network for a in coverage.amounts if a.service_types == ("30",)}
        assert networks == {Network.IN, Network.OUT}


def test_the_dependent_is_the_patient() -> None:
    coverage = read("bcbs-ma__patient_is_dependent")
    assert (coverage.birth_date, coverage.member_id) == (date(1963, 7, 17), "AEGAN999999")
