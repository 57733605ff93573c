"""Traps 20 to 23: who has to be asked, who pays as well, and who decides."""

import pytest

from cleargate.nouns.coverage import AuthorisationNeed
from tests.unit.coverage.traps.whole_answer import (
    INACTIVE,
    PLAN,
    THERAPY,
    UNCLEAR,
    answer,
    without_services,
)

REQUIRED, NOT_REQUIRED = AuthorisationNeed.REQUIRED, AuthorisationNeed.NOT_REQUIRED
UNSTATED = AuthorisationNeed.UNSTATED
EVERY_ACTIVE = {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
UNFLAGGED = "EB*B*IND*PT***27*30*****Y"


def beside(row: str, role: str, name: str) -> str:
    """A row with an organization in its loop 2120."""
    return f"{row}\nLS*2120\nNM1*{role}*2*{name}\nLE*2120"


@pytest.mark.parametrize(
    "row",
    [
        "EB*CB**62^PT********Y*Y",
        "EB*CB**PT\nMSG*PRIOR AUTHORIZATION",
        "EB*D**30\nMSG*PLAN REQUIRES PRECERT",
        "EB*D**PT\nMSG*NO AUTHORIZATION IS REQUIRED FOR THE FIRST 6 VISITS",
    ],
)
def test_trap_20_authorization_is_wanted_by_a_row_of_its_own_or_by_words(row: str) -> None:
    """The copay's own flag is silent. What is free of it at first is not free of it."""
    whole = answer(row, "EB*D**30\nMSG*PCP TO SUBMIT A SPECIALIST REFERRAL", copays=UNFLAGGED)
    assert (whole.coverage.authorisation, whole.coverage.referral) == (REQUIRED, REQUIRED)
    assert (whole.changed, whole.reasons) == ({}, {})


@pytest.mark.parametrize(
    "row",
    [
        "EB*CB**62^73********Y*N",
        "EB*D**PT\nMSG*AUTHORIZATION PHONE 8005550100, REFERRAL LINE 8005550101",
        "EB*D**33\nMSG*PRECERT AND REFERRAL REQUIRED",
    ],
)
def test_near_miss_20_authorization_of_others_and_telephone_numbers(row: str) -> None:
    """Imaging and chiropractic want it; therapy's words only say whom to call."""
    whole = answer(row, copays=UNFLAGGED)
    assert (whole.coverage.authorisation, whole.coverage.referral) == (UNSTATED, UNSTATED)
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_20_the_flag_says_no_and_the_words_say_yes() -> None:
    """For authorization and for the referral alike: yes is taken, and both places are told."""
    words = "MSG*PRECERT REQUIRED. REFERRAL REQUIRED"
    other = "MSG*NO REFERRAL NEEDED"
    whole = answer(f"EB*D**PT\n{words}", f"EB*D**98^PT\n{other}")
    assert (whole.coverage.authorisation, whole.coverage.referral) == (REQUIRED, REQUIRED)
    flag = whole.at("EB*B*IND*PT***27*30", "EB11")
    assert whole.reasons == {
        "authorisation_disagrees": {flag, whole.at(words, "MSG")},
        "referral_disagrees": {whole.at(words, "MSG"), whole.at(other, "MSG")},
    }
    assert whole.changed == {}


def test_trap_21_somebody_else_has_to_be_asked_about_therapy() -> None:
    """EB*U names the service, and its loop an organization without any id."""
    contact = beside("EB*U**PT", "VN", "EXAMPLE THERAPY NETWORK")
    whole = answer(contact)
    assert whole.changed == {"PT": UNCLEAR}
    places = {whole.at("EB*U**PT", "EB01"), whole.at("NM1*VN*2*EXAMPLE THERAPY", "NM1")}
    assert whole.reasons == {"contact_other": places}
    assert whole.coverage.reasons[0].text.endswith("EXAMPLE THERAPY NETWORK")


def test_near_miss_21_a_contact_for_pharmacy_and_one_for_nothing_in_particular() -> None:
    """The first is about something else, the second is a telephone number: it is told."""
    whole = answer(beside("EB*U", "VN", "EXAMPLE HELP DESK"))
    places = {whole.at("EB*U", "EB01"), whole.at("NM1*VN*2*EXAMPLE HELP", "NM1")}
    assert whole.reasons == {"contact_other": places}
    assert whole.changed == {}


def test_contradiction_21_therapy_is_not_covered_and_somebody_else_is_to_be_asked_about_it() -> (
    None
):
    """So a carve-out looks: this policy does not pay, another organization may."""
    no = "EB*I**PT"
    whole = answer(
        no, beside("EB*U**PT", "VN", "EXAMPLE THERAPY NETWORK"), therapy="", copays="", limit=""
    )
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.decided("PT") == {whole.at(no, "EB01"), whole.at("EB*U**PT", "EB01")}
    assert whole.reasons == {
        "contact_other": {
            whole.at("EB*U**PT", "EB01"),
            whole.at("NM1*VN*2*EXAMPLE THERAPY", "NM1"),
        },
        "not_covered": {whole.at(no, "EB01")},
    }


def test_trap_22_other_payers_are_listed_and_are_not_this_plan() -> None:
    """An earlier payer by name, and the Medicare that a Blue Cross knows of."""
    prior = "EB*R*IND*30\nREF*18*0042\nLS*2120\nNM1*P4*2*MEDICARE ABD\nLE*2120"
    medicare = "EB*1**30*MA\nMSG*EXAMPLEBLUE IS PRIME"
    plan = "EB*6**30*PR*EXAMPLE PPO 500"
    whole = without_services(prior, medicare, plan=plan, payer="EXAMPLEBLUE CROSS")
    assert {one.verdict for one in whole.coverage.services} == {INACTIVE}
    assert [(one.name, one.order, str(one.source)) for one in whole.coverage.other_payers] == [
        ("MEDICARE ABD", "prior", whole.at("NM1*P4", "NM1")),
        ("Medicare Part A", "secondary", whole.at("EB*1**30*MA", "EB04")),
    ]
    assert set(whole.reasons) == {"inactive", "other_payer"}


def test_near_miss_22_the_payers_own_name_beside_its_own_row_is_no_other_payer() -> None:
    """NM1*PR below EB*1 says once more who answers."""
    whole = answer(plan=beside(PLAN, "PR", "EXAMPLE HEALTH PLAN"))
    assert whole.coverage.other_payers == ()
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_22_two_other_payers_are_both_the_first() -> None:
    """Which of them pays first is not for us to say: both are shown, with their places."""
    names = ("EXAMPLE AUTO", "EXAMPLE WORKERS COMP")
    whole = answer(*(beside("EB*R**30", "PRP", name) for name in names))
    assert [(one.name, one.order) for one in whole.coverage.other_payers] == [
        (name, "primary") for name in names
    ]
    assert whole.reasons == {
        "other_payer": {whole.at(f"NM1*PRP*2*{name}", "NM1") for name in names}
    }
    assert whole.changed == {}


@pytest.mark.parametrize("role", ["X3", "Y2"])
def test_trap_23_a_delegated_group_manages_the_plan(role: str) -> None:
    """It decides about every service; its name is in the reason."""
    whole = answer(plan=beside(PLAN, role, "EXAMPLE MEDICAL MANAGEMENT INC"))
    assert whole.changed == EVERY_ACTIVE
    places = {whole.at(PLAN, "EB01"), whole.at(f"NM1*{role}", "NM1")}
    assert whole.reasons == {"delegated": places}
    assert "EXAMPLE MEDICAL MANAGEMENT INC" in whole.coverage.reasons[0].text


def test_near_miss_23_a_sponsor_and_a_manager_of_something_else() -> None:
    """An employer decides nothing, and whoever manages pharmacy does not manage therapy."""
    pharmacy = beside("EB*1**88", "X3", "EXAMPLE RX MANAGEMENT")
    whole = answer(pharmacy, plan=beside(PLAN, "P5", "EXAMPLE EMPLOYER"))
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_23_two_organizations_manage_the_same_therapy() -> None:
    """One for the plan, another for therapy: a person has to ask which."""
    names = ("EXAMPLE MEDICAL GROUP", "EXAMPLE THERAPY MANAGEMENT")
    whole = answer(plan=beside(PLAN, "Y2", names[0]), therapy=beside(THERAPY, "X3", names[1]))
    assert whole.changed == EVERY_ACTIVE
    places = {whole.at(PLAN, "EB01"), whole.at(f"NM1*Y2*2*{names[0]}", "NM1")}
    both = places | {whole.at(THERAPY, "EB01"), whole.at(f"NM1*X3*2*{names[1]}", "NM1")}
    assert whole.why("PT") == {"delegated": both}
    assert whole.why("98") == {"delegated": places}
