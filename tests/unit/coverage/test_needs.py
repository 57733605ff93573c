"""Authorization, referral and other payers."""

import pytest

from cleargate.nouns.coverage import AuthorisationNeed, OtherPayer, Source, Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, codes, coverage_of, segment_of

PT = f"{ACTIVE_PLAN}\nEB*1**PT"
REQUIRED = AuthorisationNeed.REQUIRED
NOT_REQUIRED = AuthorisationNeed.NOT_REQUIRED
UNSTATED = AuthorisationNeed.UNSTATED


@pytest.mark.parametrize(
    ("row", "need"),
    [
        ("EB*B*IND*PT***27*20****Y*Y", REQUIRED),
        ("EB*B*IND*PT***27*20****N*Y", NOT_REQUIRED),
        ("EB*B*IND*PT***27*20****U*Y", UNSTATED),
        ("EB*CB**62^PT********Y*Y", REQUIRED),
        ("EB*CB**62^73********Y*N", UNSTATED),
        ("EB*CB**PT\nMSG*PRIOR AUTHORIZATION", REQUIRED),
        ("EB*D**PT\nMSG*PRECERTIFICATION REQUIRED AFTER 12 VISITS", REQUIRED),
        ("EB*D**PT\nMSG*NO PRIOR AUTHORIZATION IS REQUIRED", NOT_REQUIRED),
        ("EB*D**PT\nMSG*PRIOR AUTH NOT REQUIRED", NOT_REQUIRED),
        ("EB*D**30\nMSG*PLAN REQUIRES PRECERT", REQUIRED),
        ("EB*D**33\nMSG*PRECERT REQUIRED", UNSTATED),
        ("EB*D**PT\nMSG*AUTHORIZATION PHONE 8005550100", UNSTATED),
    ],
)
def test_authorisation_from_flag_and_words(row: str, need: AuthorisationNeed) -> None:
    assert coverage_of(f"{PT}\n{row}").authorisation is need


def test_the_services_own_rows_go_before_the_plans() -> None:
    rows = f"{PT}\nEB*B*IND*PT***27*20****N*Y\nEB*D**30\nMSG*PLAN REQUIRES PRECERT"
    assert coverage_of(rows).authorisation is NOT_REQUIRED


def test_yes_and_no_is_taken_for_yes_and_told() -> None:
    rows = f"{PT}\nEB*B*IND*PT***27*20****N*Y\nEB*A*IND*PT***27**.1***Y*Y"
    coverage = coverage_of(rows)
    assert coverage.authorisation is REQUIRED
    assert "authorisation_disagrees" in codes(coverage)


def test_yes_out_of_network_only_is_told_and_not_taken_for_yes() -> None:
    rows = f"{PT}\nEB*B*IND*PT***27*20****N*Y\nEB*A*IND*PT***27**.4***Y*N"
    coverage = coverage_of(rows)
    assert coverage.authorisation is NOT_REQUIRED
    assert "authorisation_out_of_network" in codes(coverage)


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("PCP TO SUBMIT A SPECIALIST REFERRAL", REQUIRED),
        ("REFERRAL REQUIRED", REQUIRED),
        ("NO REFERRAL NEEDED", NOT_REQUIRED),
        ("REFERRAL NOT REQUIRED. AUTHORIZATION REQUIRED", NOT_REQUIRED),
        ("REFERRAL LINE 8005550100", UNSTATED),
    ],
)
def test_referral_from_words(text: str, need: AuthorisationNeed) -> None:
    assert coverage_of(f"{PT}\nEB*D**30\nMSG*{text}").referral is need


def test_other_payers_are_named_with_their_order_and_stop_nothing() -> None:
    rows = (
        f"{PT}\nEB*R*IND*30\nREF*18*0042\nLS*2120\nNM1*P4*2*MEDICARE ABD\nLE*2120\n"
        "EB*R**30\nLS*2120\nNM1*PRP*2*EXAMPLE PRIMARY HEALTH\nLE*2120"
    )
    coverage = coverage_of(rows)
    assert [(other.name, other.order) for other in coverage.other_payers] == [
        ("MEDICARE ABD", "prior"),
        ("EXAMPLE PRIMARY HEALTH", "primary"),
    ]
    assert coverage.verdict is Verdict.ACTIVE
    assert "other_payer" in codes(coverage)


def test_another_payer_without_a_name_is_told_by_its_place() -> None:
    rows = f"{PT}\nEB*R**30"
    source = Source(segment_of(rows, "EB*R"), "EB01")
    assert coverage_of(rows).other_payers == (OtherPayer("", "", source),)


def test_medicare_known_to_another_payer_is_that_payers_and_not_the_plan() -> None:
    rows = (
        "EB*6**30*PR*PREFERRED EXAMPLE PPO\n"
        "EB*1**30*MA\nDTP*356*D8*19530124\nMSG*EXAMPLEBLUE IS PRIME"
    )
    coverage = coverage_of(rows, payer="EXAMPLEBLUE CROSS")
    assert coverage.verdict is Verdict.INACTIVE
    assert [(o.name, o.order) for o in coverage.other_payers] == [("Medicare Part A", "secondary")]


def test_medicare_parts_in_medicares_own_answer_are_the_plan() -> None:
    coverage = coverage_of("EB*1**30*MA\nEB*6**30*MB", payer="CMS MEDICARE")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "contradiction" in codes(coverage)
    assert coverage.other_payers == ()


def test_a_referral_that_is_wanted_and_not_wanted_is_told() -> None:
    rows = f"{PT}\nEB*D**PT\nMSG*REFERRAL REQUIRED\nEB*D**PT\nMSG*NO REFERRAL NEEDED"
    coverage = coverage_of(rows)
    assert coverage.referral is REQUIRED
    assert "referral_disagrees" in codes(coverage)
