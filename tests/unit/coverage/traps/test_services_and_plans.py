"""Traps 3, 4, 5, 24 and 25: which rows speak for the plan, and which for the service."""

import pytest

from cleargate.coverage.reading import read_answers
from tests.unit.coverage.answers import ON, SERVICES, encoded
from tests.unit.coverage.traps.whole_answer import (
    COINSURANCE,
    INACTIVE,
    PLAN,
    UNCLEAR,
    Whole,
    answer,
    without_services,
)

FIFTY = "^".join(f"{code:02d}" for code in range(40, 96) if code != 88)


def test_trap_03_an_active_vision_plan_does_not_speak_for_the_medical_plan() -> None:
    """Medical is inactive; vision and dental have their own EB*1, one of them under 30."""
    carved = "EB*1**30**SPECTERA VISION PLAN\nEB*1**35*HM*DENTAL HMO"
    whole = without_services(carved, plan="EB*6**30*HN*HMOPOS-EXAMPLE")
    assert {one.verdict for one in whole.coverage.services} == {INACTIVE}
    assert whole.reasons == {"inactive": {whole.at("EB*6**30", "EB01")}}
    assert whole.coverage.plan == "HMOPOS-EXAMPLE"


@pytest.mark.parametrize("name", ["PPO WITH DENTAL", "MEDICAL/VISION CHOICE"])
def test_near_miss_03_a_plan_that_includes_a_part_is_the_plan(name: str) -> None:
    """Dental and vision are in the name because they come along."""
    whole = answer(plan=f"EB*1**30*PR*{name}")
    assert (whole.changed, whole.coverage.plan) == ({}, name)


def test_contradiction_03_the_medical_plan_is_active_and_inactive_beside_a_vision_plan() -> None:
    """Only the two medical rows contradict each other: vision is no witness."""
    vision, no = "EB*1**30**SPECTERA VISION PLAN", "EB*6**30*PR*EXAMPLE PPO 500"
    whole = answer(plan=f"{vision}\n{PLAN}\n{no}")
    both = {whole.at(PLAN, "EB01"), whole.at(no, "EB01")}
    assert whole.changed == {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
    assert whole.why("30") == whole.why("AE") == {"contradiction": both}
    assert whole.why("PT") == {"contradiction": both | {whole.at("EB*1**PT", "EB01")}}


def test_trap_04_a_list_without_30_settles_its_own_services_only() -> None:
    """PT and 98 are in the list; the plan as a whole is not."""
    row = "EB*1**1^33^47^48^86^98^MH^PT^UC*********W"
    whole = answer(plan="", listed=row, therapy="")
    assert whole.changed == {"30": UNCLEAR}
    assert whole.decided("PT") == whole.decided("98") == {whole.at(row, "EB01")}
    assert set(whole.why("30")) == {"service_not_settled"}


def test_near_miss_04_active_without_any_service_speaks_for_the_plan() -> None:
    """EB*1 alone states what EB*1**30 states."""
    whole = answer(plan="EB*1")
    assert (whole.changed, whole.reasons) == ({}, {})
    assert whole.decided("30") == {whole.at("EB*1", "EB01")}


def test_contradiction_04_the_list_says_active_and_the_plan_says_inactive() -> None:
    """Therapy is listed as active under a plan that is not."""
    listed = "EB*1**1^33^47^98^PT^UC"
    whole = answer(plan="EB*6**30*PR*EXAMPLE PPO 500", listed=listed, therapy="")
    assert whole.changed == {
        "PT": UNCLEAR, "98": UNCLEAR, "30": INACTIVE, "AE": INACTIVE, "AF": INACTIVE, "AD": INACTIVE
    }  # fmt: skip
    assert whole.why("PT") == {
        "contradiction": {whole.at(listed, "EB01"), whole.at("EB*6**30", "EB01")}
    }


def test_trap_05_fifty_services_in_one_list_and_other_delimiters() -> None:
    """PT is the last of the list; the same comes out with Waystar's bars and braces."""
    row = f"EB*1**{FIFTY}^98^PT*********W"
    whole = answer(listed=row, therapy="")
    assert (whole.changed, whole.reasons) == ({}, {})
    assert whole.decided("PT") == {whole.at(row, "EB01")}
    waystar = whole.text.replace("*", "|").replace("^", "}").replace("T|:", "T|^")
    [other] = read_answers(encoded(waystar), SERVICES, ON).coverages
    assert other == whole.coverage


def test_near_miss_05_a_caret_that_is_not_the_files_own_repeats_nothing() -> None:
    """Under braces `98^PT` is one odd code: nothing is settled by it, and it is reported."""
    text = answer(plan="EB*1**30", listed="EB*1**98^PT", therapy="").text
    braces = text.replace("*^*00501", "*}*00501")
    reading = read_answers(encoded(braces), SERVICES, ON)
    assert {finding.code for finding in reading.diagnostics} == {"service_type"}
    whole = Whole(braces, reading.coverages)
    assert whole.changed == {}
    assert whole.decided("PT").isdisjoint({whole.at("EB*1**98^PT", "EB01")})


def test_contradiction_05_therapy_is_in_the_list_of_fifty_and_in_that_of_what_is_not_covered() -> (
    None
):
    """Two long lists, one code in both."""
    yes, no = f"EB*1**{FIFTY}^98^PT", "EB*I**AL^CO^PT^FY"
    whole = answer(no, listed=yes, therapy="", copays="", limit="")
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {"contradiction": {whole.at(yes, "EB01"), whole.at(no, "EB01")}}


def test_trap_24_a_capitated_transport_plan_is_no_active_plan() -> None:
    """Its row has service type 30 and status 3; the patient's own plan is inactive."""
    transport = "EB*3*IND*30^60*HM*NON EMERGENCY TRANSPORTATION - MC\nLS*2120\n"
    transport += "NM1*PR*2*EXAMPLE TRANSPORT\nLE*2120"
    whole = without_services(transport, plan="EB*6**30*MC*EXAMPLE MEDICAID")
    assert {one.verdict for one in whole.coverage.services} == {INACTIVE}
    assert whole.reasons == {"inactive": {whole.at("EB*6**30", "EB01")}}
    assert whole.coverage.other_payers == ()


@pytest.mark.parametrize("status", ["2", "3", "4"])
def test_near_miss_24_a_capitated_plan_is_active(status: str) -> None:
    """Capitation says how the payer pays, not whether."""
    whole = answer(plan=f"EB*{status}*IND*30*HM*EXAMPLE HMO")
    assert (whole.changed, whole.coverage.plan) == ({}, "EXAMPLE HMO")


def test_contradiction_24_the_plan_is_capitated_and_inactive() -> None:
    """Status 3 and status 6 of one plan."""
    yes, no = "EB*3*IND*30*HM*EXAMPLE HMO", "EB*6*IND*30*HM*EXAMPLE HMO"
    whole = answer(no, plan=yes)
    assert whole.changed == {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
    assert whole.why("30") == {"contradiction": {whole.at(yes, "EB01"), whole.at(no, "EB01")}}


def test_trap_25_a_medicaid_row_for_one_part_gives_no_amount_of_the_plan() -> None:
    """Nothing to pay for mental health in hospital is nothing to pay for that only."""
    parts = "EB*A*IND*30*MC*MENTAL HEALTH INPATIENT***0\nEB*A*IND*30*MC*DENTAL SERVICES***0"
    whole = answer(parts, plan="EB*1*IND*30*MC*MA ELIGIBLE", payer="EXAMPLE STATE MEDICAID")
    assert whole.amounts(COINSURANCE, "30") == []
    assert (whole.changed, whole.coverage.plan) == ({}, "MA ELIGIBLE")


def test_near_miss_25_a_row_of_the_plan_itself_gives_its_share() -> None:
    """The same row under the plan's own name."""
    row = "EB*A*IND*30*MC*MA ELIGIBLE***0"
    whole = answer(row, plan="EB*1*IND*30*MC*MA ELIGIBLE", payer="EXAMPLE STATE MEDICAID")
    [share] = whole.amounts(COINSURANCE, "30")
    assert (share.percent, str(share.source)) == (0, whole.at(row, "EB08"))
    assert whole.changed == {}


def test_contradiction_25_one_aid_category_is_active_and_another_is_not() -> None:
    """Both rows are the plan's: which one holds is for a person to say."""
    yes, no = "EB*1*IND*30*MC*MA ELIGIBLE", "EB*6*IND*30*MC*SPECIAL LOW INCOME"
    whole = answer(no, plan=yes, payer="EXAMPLE STATE MEDICAID")
    assert whole.changed == {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
    both = {whole.at(yes, "EB01"), whole.at(no, "EB01")}
    assert whole.why("30") == whole.why("AE") == {"contradiction": both}
