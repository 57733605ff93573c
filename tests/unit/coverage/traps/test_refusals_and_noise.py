"""Traps 29, 30, 32 and 34: refusals at every level, and rows that say nothing."""

import pytest

from cleargate.nouns.coverage import AuthorisationNeed, ReasonKind
from tests.unit.coverage.traps.whole_answer import (
    DATES,
    UNCLEAR,
    UNDETERMINED,
    Whole,
    answer,
    with_segment,
    without_benefits,
)

EVERY_ACTIVE = {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
QUALITY = "EB*D*IND\nMSG*NONADHERENT-CBP-CONTROLLING BLOOD PRESSURE"


def verdicts(whole: Whole) -> set[object]:
    """The verdicts of all services."""
    return {one.verdict for one in whole.coverage.services}


@pytest.mark.parametrize(
    ("refusal", "before", "kind", "field"),
    [
        ("AAA*Y**43*C", "HL*3", ReasonKind.ENROLMENT, ""),
        ("AAA*N**71*C", "NM1*IL", ReasonKind.DATA_WRONG, "birth_date"),
        ("AAA*N**72*C", "DMG", ReasonKind.DATA_WRONG, "member_id"),
        ("AAA*N**75*C", "EB*P", ReasonKind.DATA_WRONG, "member_id"),
    ],
)
def test_trap_29_a_refusal_at_any_level_and_in_any_place(
    refusal: str, before: str, kind: ReasonKind, field: str
) -> None:
    """The provider's, or the patient's before the name: it is found, and says who has to act."""
    whole = with_segment(without_benefits(), refusal, before)
    assert verdicts(whole) == {UNDETERMINED}
    [reason] = whole.coverage.reasons
    assert (reason.kind, reason.field) == (kind, field)
    assert whole.reasons == {f"AAA:{refusal[7:9]}": {whole.at(refusal, "AAA03")}}


def test_near_miss_29_a_refusal_below_a_row_is_about_that_row_only() -> None:
    """The payer does not answer about office visits; therapy and the plan stand."""
    row = "EB*1**98\nAAA*N**53*N"
    whole = answer(row, not_in_json=frozenset({"plans"}))
    assert whole.changed == {"98": UNCLEAR}
    assert whole.reasons == {"AAA:53": {whole.at("AAA*N**53", "AAA03")}}


def test_contradiction_29_the_payer_is_busy_and_does_not_know_the_patient() -> None:
    """Try again, says one level; not found, says the other: both are told."""
    unknown = without_benefits(patient=f"AAA*N**75*C\n{DATES}")
    whole = with_segment(unknown, "AAA*Y**42*R", "PER*IC*PROVIDER")
    assert verdicts(whole) == {UNDETERMINED}
    places = {"AAA:42": whole.at("AAA*Y**42", "AAA03"), "AAA:75": whole.at("AAA*N**75", "AAA03")}
    assert whole.reasons == {code: {place} for code, place in places.items()}


def test_trap_30_a_refusal_beside_disclaimers_only() -> None:
    """Twenty segments of disclaimer are rows, and say nothing that the refusal did not."""
    whole = without_benefits(patient=f"AAA*N**75*C\n{DATES}")
    assert whole.text.count("BENEFIT DISCLAIMER") == 20
    assert verdicts(whole) == {UNDETERMINED}
    assert whole.decided("PT") == set()
    assert whole.reasons == {"AAA:75": {whole.at("AAA*N**75", "AAA03")}}


def test_near_miss_30_disclaimers_and_the_word_refusal_without_any_refusal() -> None:
    """A payer may be called AAA, and words may speak of rejections."""
    said = "EB*P\nMSG*AAA HEALTH PLAN MAY REJECT CLAIMS FILED AFTER 90 DAYS"
    whole = answer(said, payer="AAA HEALTH PLAN")
    assert (whole.changed, whole.reasons) == ({}, {})


@pytest.mark.parametrize("code", ["42", "71"])
def test_contradiction_30_a_refusal_beside_an_active_plan(code: str) -> None:
    """The payer cannot answer, and answers: what is active is unclear, with both places."""
    whole = answer(patient=f"AAA*N**{code}*C\n{DATES}")
    assert whole.changed == EVERY_ACTIVE
    assert whole.decided("PT") == {whole.at("EB*1**PT", "EB01")}
    assert whole.why("PT") == {f"AAA:{code}": {whole.at("AAA*N", "AAA03")}}


def test_trap_32_cannot_process_is_all_there_is() -> None:
    """EB*V beside a physician, the asking practice and disclaimers is no answer."""
    whole = without_benefits("EB*V")
    assert verdicts(whole) == {UNDETERMINED}
    assert whole.reasons == {"cannot_process": {whole.at("EB*V", "EB01")}}


def test_near_miss_32_a_physician_the_practice_itself_and_a_disclaimer() -> None:
    """EB*X, EB*L and EB*P also for therapy itself: none of them says anything."""
    practice = "LS*2120\nNM1*1P*2*EXAMPLE THERAPY\nLE*2120"
    whole = answer(f"EB*X**PT\n{practice}", "EB*L**PT", "EB*P**PT\nMSG*NO GUARANTEE")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_32_active_and_cannot_process_at_once() -> None:
    """For the plan it reaches every service, and both places are told."""
    whole = answer("EB*V")
    assert whole.changed == EVERY_ACTIVE
    assert whole.decided("PT") == {whole.at("EB*1**PT", "EB01")}
    assert whole.why("PT") == {"cannot_process": {whole.at("EB*V", "EB01")}}


def test_trap_34_a_quality_flag_is_not_taken_over() -> None:
    """What a payer's quality programme thinks of a patient is not the front desk's business."""
    whole = answer(QUALITY)
    assert (whole.changed, whole.reasons) == ({}, {})
    assert "NONADHERENT" not in repr(whole.coverage)


def test_near_miss_34_a_description_of_the_benefit_is_heard() -> None:
    """The same kind of row, about the plan: authorization is wanted."""
    whole = answer("EB*D*IND\nMSG*PRECERT REQUIRED FOR ALL THERAPY", copays="")
    assert whole.coverage.authorisation is AuthorisationNeed.REQUIRED
    assert whole.changed == {}


def test_contradiction_34_a_quality_flag_counts_other_visits_than_the_limit() -> None:
    """It names therapy and says that no visits are left; the limit's own row says 22."""
    flag = "EB*D*IND\nMSG*NONADHERENT-PT-PHYSICAL THERAPY 12 VISITS, 0 VISITS REMAINING"
    whole = answer(flag)
    assert [(one.allowed, one.remaining) for one in whole.coverage.visit_limits] == [(30, 22)]
    assert (whole.changed, whole.reasons) == ({}, {})
