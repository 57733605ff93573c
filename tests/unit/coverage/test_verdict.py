"""What the payer says about plan and service, and the verdict that follows."""

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import ReasonKind, Source, Verdict
from tests.unit.coverage.answers import (
    ACTIVE_PLAN,
    ON,
    SERVICES,
    codes,
    coverage_of,
    document,
    encoded,
    segment_of,
    service,
)

UNCLEAR = Verdict.ACTIVE_UNCLEAR


def test_a_service_listed_beside_an_active_code_is_active_and_names_its_segment() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**98^PT*********W"
    coverage = coverage_of(rows)
    assert coverage.verdict is Verdict.ACTIVE
    assert service(coverage).sources == (Source(segment_of(rows, "EB*1**98^PT"), "EB01"),)
    assert service(coverage).reasons == ()
    assert coverage.plan == "EXAMPLE PPO 500"


def test_a_plan_that_is_active_and_silent_about_the_service_leaves_it_unsettled() -> None:
    coverage = coverage_of(ACTIVE_PLAN)
    assert coverage.verdict is UNCLEAR
    assert service(coverage, "30").verdict is Verdict.ACTIVE
    assert [reason.code for reason in service(coverage).reasons] == ["service_not_settled"]


@pytest.mark.parametrize(
    "row",
    [
        "EB*B*IND*PT***27*20*****Y",
        "EB*A*IND*PT***27**.2*****Y",
        "EB*C*IND*PT***23*100*****Y",
        "EB*F*IND*PT***23***VS*30**Y",
    ],
)
def test_a_benefit_row_for_the_service_beside_an_active_plan_settles_it(row: str) -> None:
    assert coverage_of(f"{ACTIVE_PLAN}\n{row}").verdict is Verdict.ACTIVE


def test_a_benefit_row_for_another_service_settles_nothing() -> None:
    assert coverage_of(f"{ACTIVE_PLAN}\nEB*B*IND*33***27*20*****Y").verdict is UNCLEAR


def test_a_benefit_row_without_any_status_is_undetermined() -> None:
    rows = document("EB*B*IND*PT***27*20*****Y", background="")
    [coverage] = read_answers(encoded(rows), SERVICES, ON).coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert codes(coverage) == {"no_status"}


def test_not_covered_is_inactive_for_that_service_only() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*I**PT")
    assert coverage.verdict is Verdict.INACTIVE
    assert service(coverage, "30").verdict is Verdict.ACTIVE
    assert "not_covered" in codes(coverage)


def test_a_status_of_one_procedure_is_not_the_plans() -> None:
    active = "EB*1************AD:D0120"
    assert coverage_of(active, background="").verdict is Verdict.ACTIVE_UNCLEAR
    refused = "EB*6************AD:D0120"
    assert coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT\n{refused}").verdict is Verdict.ACTIVE


def test_not_covered_for_one_procedure_or_out_of_network_is_no_refusal_of_the_service() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*I**PT**********HC:97010\nEB*I**PT*********N"
    coverage = coverage_of(rows)
    assert coverage.verdict is Verdict.ACTIVE
    assert "not_covered_out_of_network" in codes(coverage)


@pytest.mark.parametrize("code", ["6", "7", "8"])
def test_an_inactive_plan_is_inactive_for_every_service(code: str) -> None:
    coverage = coverage_of(f"EB*{code}**30*PR*EXAMPLE PPO 500")
    assert {verdict.verdict for verdict in coverage.services} == {Verdict.INACTIVE}
    assert "inactive" in codes(coverage)


def test_yes_and_no_for_the_same_service_is_unclear_with_both_sources() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*I**PT"
    coverage = coverage_of(rows)
    assert coverage.verdict is UNCLEAR
    [reason] = service(coverage).reasons
    assert reason.code == "contradiction"
    assert {str(source) for source in reason.sources} == {
        f"{segment_of(rows, 'EB*1**PT')}:EB01",
        f"{segment_of(rows, 'EB*I**PT')}:EB01",
    }


def test_yes_and_no_for_the_plan_is_unclear_with_both_sources() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*6**30*PR*EXAMPLE PPO 500")
    assert {service(coverage, code).verdict for code in ("PT", "30")} == {UNCLEAR}
    assert len(service(coverage, "30").reasons[0].sources) == 2


def test_a_copay_for_the_service_of_an_inactive_plan_is_a_contradiction() -> None:
    coverage = coverage_of("EB*6**30\nEB*B*IND*PT***27*20*****Y")
    assert coverage.verdict is UNCLEAR
    assert "contradiction" in codes(coverage)


# 3: several EB*1 for different plans and carve-outs


def test_an_active_vision_plan_does_not_make_the_medical_plan_active() -> None:
    coverage = coverage_of("EB*1**30**SPECTERA VISION PLAN\nEB*1**35*HM*DENTAL HMO")
    assert service(coverage, "30").verdict is UNCLEAR
    document_without_others = document("EB*1**30**SPECTERA VISION PLAN", background="")
    [alone] = read_answers(encoded(document_without_others), SERVICES, ON).coverages
    assert alone.verdict is UNCLEAR
    assert codes(alone) == {"carve_out"}


def test_a_carved_out_plan_beside_an_inactive_medical_plan_is_no_contradiction() -> None:
    coverage = coverage_of("EB*6**30*PR*EXAMPLE PPO\nEB*1**30**SPECTERA VISION PLAN")
    assert coverage.verdict is Verdict.INACTIVE


@pytest.mark.parametrize("name", ["PPO WITH DENTAL", "MEDICAL/VISION CHOICE", "PPO & DENTAL PLUS"])
def test_a_plan_that_includes_dental_or_vision_is_no_carve_out(name: str) -> None:
    assert service(coverage_of(f"EB*1**30*PR*{name}"), "30").verdict is Verdict.ACTIVE


# 4, 5: EB*1 without 30; the list of service types decides


def test_a_list_without_the_service_and_without_30_does_not_settle_it() -> None:
    coverage = coverage_of("EB*1**1^33^47^48^86^98^MH^UC*********W")
    assert service(coverage).verdict is UNCLEAR
    assert service(coverage, "98").verdict is Verdict.ACTIVE


def test_a_list_with_the_service_and_without_30_is_active() -> None:
    coverage = coverage_of("EB*1**1^33^47^48^86^98^MH^PT^UC*********W")
    assert coverage.verdict is Verdict.ACTIVE


def test_a_list_of_fifty_service_types_is_read_to_its_end() -> None:
    many = "^".join(f"{number:02d}" for number in range(40, 96)) + "^PT"
    assert coverage_of(f"EB*1**{many}*********W").verdict is Verdict.ACTIVE


def test_an_active_row_without_service_types_speaks_for_the_plan() -> None:
    assert service(coverage_of("EB*1"), "30").verdict is Verdict.ACTIVE


# 2: a service known only from text


def test_a_service_that_only_the_text_names_is_unclear_and_points_to_the_text() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*B*IND*A0***27*35*****Y\nMSG*OUTPATIENT PHYSICAL THERAPY"
    coverage = coverage_of(rows)
    [reason] = service(coverage).reasons
    assert reason.code == "service_in_text"
    assert Source(segment_of(rows, "MSG*OUTPATIENT"), "MSG") in reason.sources


def test_a_physical_examination_in_the_text_does_not_name_physical_therapy() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*B*IND*98***27*35*****Y\nMSG*ROUTINE PHYSICAL EXAM")
    assert [reason.code for reason in service(coverage).reasons] == ["service_not_settled"]


# 21, 23, 24: somebody else decides


def test_a_contact_for_the_service_makes_it_unclear_and_names_the_organisation() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*U**PT\nLS*2120\nNM1*VN*2*EXAMPLE THERAPY NETWORK\nLE*2120"
    coverage = coverage_of(rows)
    assert coverage.verdict is UNCLEAR
    assert "EXAMPLE THERAPY NETWORK" in service(coverage).reasons[0].text


def test_a_contact_for_pharmacy_does_not_touch_the_service() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*U**88\nLS*2120\nNM1*VN*2*EXAMPLE RX\nLE*2120"
    coverage = coverage_of(rows)
    assert coverage.verdict is Verdict.ACTIVE
    assert "contact_other" not in codes(coverage)


@pytest.mark.parametrize("role", ["X3", "Y2"])
def test_a_management_organisation_on_the_plan_makes_every_service_unclear(role: str) -> None:
    rows = f"{ACTIVE_PLAN}\nLS*2120\nNM1*{role}*2*EXAMPLE MEDICAL MANAGEMENT INC\nLE*2120\nEB*1**PT"
    coverage = coverage_of(rows)
    assert {service(coverage, code).verdict for code in ("PT", "30")} == {UNCLEAR}
    assert "EXAMPLE MEDICAL MANAGEMENT INC" in service(coverage).reasons[0].text


def test_a_plan_sponsor_is_no_management_organisation() -> None:
    rows = f"{ACTIVE_PLAN}\nLS*2120\nNM1*P5*2*EXAMPLE SPONSOR\nLE*2120\nEB*1**PT"
    assert coverage_of(rows).verdict is Verdict.ACTIVE


def test_a_capitated_transport_row_speaks_neither_for_plan_nor_service() -> None:
    rows = "EB*3*IND*30^60*HM*NON EMERGENCY TRANSPORTATION - MC\nNM1*PR*2*EXAMPLE TRANSPORT"
    coverage = coverage_of(f"EB*6**30\n{rows}")
    assert coverage.verdict is Verdict.INACTIVE


def test_a_capitated_row_for_the_plan_is_active() -> None:
    assert service(coverage_of("EB*3*IND*30*HM*EXAMPLE HMO"), "30").verdict is Verdict.ACTIVE


# 25, 26: Medicaid's several rows and coded text


def test_medicaid_aid_categories_beside_the_plan_stay_without_effect_on_the_service() -> None:
    rows = (
        "EB*1*IND*30**MA ELIGIBLE\nMSG*35\nMSG*RECERT MONTH=12\nEB*1**PT\n"
        "EB*A*IND*30*MC*MENTAL HEALTH INPATIENT***0"
    )
    coverage = coverage_of(rows, payer="EXAMPLE STATE MEDICAID")
    assert coverage.verdict is Verdict.ACTIVE
    assert coverage.plan == "MA ELIGIBLE"
    assert coverage.amounts == ()


# 32, 34: noise


def test_noise_rows_alone_determine_nothing() -> None:
    noise = (
        "EB*X\nLS*2120\nNM1*1P*2*EXAMPLE THERAPY LLC\nLE*2120\nEB*P\nMSG*DISCLAIMER\nEB*L\nEB*D*IND"
    )
    [coverage] = read_answers(encoded(document(noise, background="")), SERVICES, ON).coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert codes(coverage) == {"no_answer"}


def test_cannot_process_alone_is_undetermined_with_its_reason() -> None:
    [coverage] = read_answers(encoded(document("EB*V", background="")), SERVICES, ON).coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert codes(coverage) == {"cannot_process"}


def test_cannot_process_beside_an_active_service_is_unclear() -> None:
    assert coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT\nEB*V**PT").verdict is UNCLEAR


def test_quality_flags_leave_no_trace_in_the_coverage() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT")
    assert "NONADHERENT" not in repr(coverage)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("EB*5**30", "active_pending"),
        ("EB*Y**30", "spend_down"),
        ("EB*N**30", "restricted"),
        ("EB*E**PT", "excluded"),
    ],
)
def test_conditions_that_hang_over_an_active_service_make_it_unclear(row: str, code: str) -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT\n{row}")
    assert coverage.verdict is UNCLEAR
    assert code in codes(coverage)


def test_a_restriction_that_only_says_who_is_in_network_stops_nothing() -> None:
    rows = (
        f"{ACTIVE_PLAN}\nEB*1**PT\nEB*N**30*********Y\nMSG*PPO PROVIDER NETWORK\n"
        "EB*N**30*********N\nMSG*ANY LICENSED HEALTH CARE PROVIDER"
    )
    coverage = coverage_of(rows)
    assert coverage.verdict is Verdict.ACTIVE
    assert "restricted_to_network" in codes(coverage)


@pytest.mark.parametrize(
    "row",
    [
        "EB*N**30*********Y\nMSG*LOCKED IN TO DR SAMPLEDOC",
        "EB*N**30*********N\nNM1*1P*1*SAMPLEDOC",
        "EB*N**30\nMSG*PPO PROVIDER NETWORK",
    ],
)
def test_a_restriction_to_a_provider_stops_whatever_its_network(row: str) -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT\n{row}")
    assert coverage.verdict is UNCLEAR
    assert "restricted" in codes(coverage)


@pytest.mark.parametrize(
    ("payer", "kind", "verdict"),
    [
        ("CMS", "HN", UNCLEAR),
        ("MEDICARE", "PR", UNCLEAR),
        ("CMS", "12", Verdict.ACTIVE),
        ("EXAMPLE HEALTH PLAN", "HN", Verdict.ACTIVE),
    ],
)
def test_an_advantage_plan_pays_instead_of_medicare(
    payer: str, kind: str, verdict: Verdict
) -> None:
    rows = f"EB*1**30^PT*MB\nEB*R**30*{kind}\nLS*2120\nNM1*PRP*2*EXAMPLE ADVANTAGE\nLE*2120"
    coverage = coverage_of(rows, payer=payer)
    assert coverage.verdict is verdict
    assert ("medicare_advantage" in codes(coverage)) is (verdict is UNCLEAR)


def test_an_answer_whose_end_is_lost_is_undetermined_and_asked_again() -> None:
    text = document(f"{ACTIVE_PLAN}\nEB*1**PT")
    reading = read_answers(encoded(text[: text.index("EB*1**88")]), SERVICES, ON)
    [coverage] = reading.coverages
    assert {verdict.verdict for verdict in coverage.services} == {Verdict.UNDETERMINED}
    assert coverage.reasons[0].code == "answer_cut_off"
    assert coverage.reasons[0].kind is ReasonKind.ASK_AGAIN_LATER
    assert any(finding.code == "set_cut_off" for finding in reading.diagnostics)
