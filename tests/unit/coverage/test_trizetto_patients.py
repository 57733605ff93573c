"""TriZetto's XML: what the payer refuses, at every level, and whom the answer is about."""

from datetime import date

import pytest

from cleargate.nouns.coverage import ReasonKind, Source, Verdict
from tests.unit.coverage.answers import codes, service
from tests.unit.coverage.xml_answers import (
    PLAN_DATES,
    PT,
    benefit,
    coverage_of,
    document,
    read,
    rejection,
)

ACTIVE, UNCLEAR = Verdict.ACTIVE, Verdict.ACTIVE_UNCLEAR
UNDETERMINED = Verdict.UNDETERMINED


# Refusals of the payer


@pytest.mark.parametrize(
    ("words", "code", "kind", "field"),
    [
        ("Unable to Respond at Current Time", "42", ReasonKind.ASK_AGAIN_LATER, ""),
        ("Invalid/Missing Provider Identification", "43", ReasonKind.ENROLMENT, ""),
        ("Invalid/Missing Subscriber/Insured ID", "72", ReasonKind.DATA_WRONG, "member_id"),
        ("Invalid/Missing Subscriber/Insured Name", "73", ReasonKind.DATA_WRONG, "name"),
        ("Subscriber/Insured Not Found", "75", ReasonKind.DATA_WRONG, "member_id"),
        ("Authorization/Access Restrictions", "41", ReasonKind.ENROLMENT, ""),
        ("72", "72", ReasonKind.DATA_WRONG, "member_id"),
    ],
)
def test_a_rejection_in_words_is_the_payers_code(
    words: str, code: str, kind: ReasonKind, field: str
) -> None:
    coverage = coverage_of(rejection(words), background="")
    assert coverage.verdict is UNDETERMINED
    [reason] = coverage.reasons
    assert (reason.code, reason.kind, reason.field) == (f"AAA:{code}", kind, field)
    assert reason.text.endswith("(the payer asks to correct it and send it again)")
    assert reason.sources == (Source(0, "rejectreason"),)


def test_a_rejection_in_unknown_words_keeps_them_for_a_person() -> None:
    reading = read(document(rejection("Mercury is in Retrograde", "Wait"), background=""))
    [coverage] = reading.coverages
    [reason] = coverage.reasons
    assert coverage.verdict is UNDETERMINED
    assert (reason.code, reason.kind) == ("AAA:?", ReasonKind.FOR_A_PERSON)
    assert reason.text.endswith(": Mercury is in Retrograde")
    assert [finding.code for finding in reading.diagnostics] == ["unknown_word"] * 2
    assert not [one for one in reading.diagnostics if "Mercury" in str(one)]


def test_rejections_are_found_at_every_level() -> None:
    source, receiver = rejection("Input Errors"), rejection("Provider Not on File")
    text = document(rejection("Patient Not Found"), above=source, receiver=receiver, background="")
    [coverage] = read(text).coverages
    assert [reason.code for reason in coverage.reasons] == ["AAA:33", "AAA:51", "AAA:67"]


def test_a_rejection_beside_benefits_stops() -> None:
    coverage = coverage_of(PT + rejection("Unable to Respond at Current Time"))
    assert coverage.verdict is UNCLEAR


def test_a_rejection_inside_a_benefit_stops_its_services_only() -> None:
    row = benefit("Benefit Description", "98", inside=rejection("Input Errors"))
    coverage = coverage_of(PT + benefit("Active Coverage", "98") + row)
    assert service(coverage, "98").verdict is UNCLEAR
    assert coverage.verdict is ACTIVE


def test_a_rejection_without_any_patient_is_one_undetermined_coverage() -> None:
    text = f"""<eligibilityresponse><infosource><payername>EXAMPLE</payername>
    {rejection("Unable to Respond at Current Time")}</infosource></eligibilityresponse>"""
    [coverage] = read(text).coverages
    assert (coverage.payer, coverage.verdict) == ("EXAMPLE", UNDETERMINED)
    assert codes(coverage) == {"AAA:42"}


# Patients

SPOUSE = f"""<dependent><trace_number>TRACE0003</trace_number><trace_id>99TRIZETTO</trace_id>
<patientname><first>BEE</first><last>TESTPERSON</last></patientname>
<date-of-birth>20150601</date-of-birth>{PT}</dependent>"""
HOLDER = f"""<subscribername><first>ANN</first><last>TESTPERSON</last></subscribername>
<subscriberid>TST0001</subscriberid>{PLAN_DATES}"""


def test_a_dependent_is_the_patient_and_has_the_subscribers_id_and_dates() -> None:
    for text in (
        f"<eligibilityresponse><subscriber>{HOLDER}</subscriber>{SPOUSE}</eligibilityresponse>",
        f"<eligibilityresponse><subscriber>{HOLDER}{SPOUSE}</subscriber></eligibilityresponse>",
    ):
        [coverage] = read(text).coverages
        assert (coverage.given_name, coverage.birth_date) == ("BEE", date(2015, 6, 1))
        assert (coverage.member_id, coverage.trace) == ("TST0001", "TRACE0003")
        assert (coverage.begins, coverage.verdict) == (date(2026, 1, 1), ACTIVE)


def test_a_rejection_of_the_subscriber_reaches_the_dependent() -> None:
    refused = rejection("Invalid/Missing Subscriber/Insured ID")
    held = f"<subscriber>{HOLDER}{refused}</subscriber>{SPOUSE}"
    text = f"<eligibilityresponse>{held}</eligibilityresponse>"
    [coverage] = read(text).coverages
    assert (coverage.given_name, coverage.verdict) == ("BEE", UNCLEAR)


def test_benefits_at_both_levels_are_two_patients() -> None:
    text = document(benefit("Inactive", "30"), after=SPOUSE)
    coverages = read(text).coverages
    assert [(c.given_name, c.verdict) for c in coverages] == [
        ("ANN", Verdict.INACTIVE),
        ("BEE", ACTIVE),
    ]
    assert coverages[1].services[0].sources[0].segment > 40


def test_a_dependents_own_dates_do_not_outlive_the_subscribers() -> None:
    ended = HOLDER.replace(
        PLAN_DATES,
        "<date><datequalifier>Plan End</datequalifier>"
        "<date-of-service>20260331</date-of-service></date>",
    )
    own = SPOUSE.replace("<patientname>", f"{PLAN_DATES}<patientname>")
    for text in (
        f"<eligibilityresponse><subscriber>{ended}</subscriber>{own}</eligibilityresponse>",
        f"<eligibilityresponse><subscriber>{ended}{own}</subscriber></eligibilityresponse>",
    ):
        [coverage] = read(text).coverages
        assert (coverage.begins, coverage.verdict) == (date(2026, 1, 1), UNCLEAR)
        assert "plan_ended" in codes(coverage)
