"""pVerify's answers: details and summaries, identity, refusals, and what nobody has confirmed."""

import json
from datetime import date
from typing import Any

import pytest

from cleargate.coverage.reading import Reading, read_answers
from cleargate.nouns.coverage import (
    AmountKind,
    AuthorisationNeed,
    Coverage,
    Network,
    Person,
    ReasonKind,
    Source,
    Verdict,
)
from cleargate.x12.diagnostics import Severity
from tests.unit.coverage.answers import ON, SERVICES

ACTIVE = {"EligibilityOrBenefit": "Active Coverage", "PlanCoverageDescription": "SAMPLE PPO"}
COPAY = {
    "EligibilityOrBenefit": "Co-Payment",
    "CoverageLevel": "Individual",
    "MonetaryAmount": "30",
    "PlanNetworkIndicator": "Yes",
    "TimePeriodQualifier": "Visit",
}
PERSON = {
    "Firstname": "Amy",
    "Lastname_R": "Testperson",
    "DOB_R": "02/20/1987",
    "Identification": [
        {"Type": "Group Number", "Code": "G1", "Name": "SAMPLE"},
        {"Type": "Member ID", "Code": "W123456789", "Name": None},
    ],
    "Date": [{"Type": "Plan Begin", "Date": "01/01/2026"}],
}


def service(name: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"ServiceName": name, "EligibilityDetails": list(entries)}


PLAN = service("Health Benefit Plan Coverage", ACTIVE)
THERAPY = service("Physical Therapy", {"EligibilityOrBenefit": "Active Coverage"}, COPAY)


def answer(**members: Any) -> dict[str, Any]:
    """An answer in which physical therapy is active, with changes."""
    return {
        "RequestID": 9882795,
        "APIResponseCode": "0",
        "APIResponseMessage": "Processed",
        "ProcessedWithError": False,
        "EDIErrorMessage": None,
        "PayerName": "SAMPLE PAYER",
        "IsHMOPlan": False,
        "DemographicInfo": {"Subscriber": PERSON, "Dependent": None},
        "PlanCoverageSummary": {"Status": "Active", "PlanName": "SAMPLE PPO"},
        "ServiceDetails": [PLAN, THERAPY],
    } | members


def summed_up(**members: Any) -> dict[str, Any]:
    """An answer by telephone: no details."""
    return answer(ServiceDetails=None, **members)


def reading(document: dict[str, Any]) -> Reading:
    return read_answers(json.dumps(document).encode(), SERVICES, ON)


def read(document: dict[str, Any], *, clean: bool = True) -> Coverage:
    found = reading(document)
    assert not clean or found.diagnostics == ()
    (coverage,) = found.coverages
    return coverage


def verdict(coverage: Coverage, code: str = "PT") -> Verdict:
    return next(one.verdict for one in coverage.services if one.code == code)


def reasons(coverage: Coverage) -> set[str]:
    return {one.code for one in coverage.reasons}


def findings(found: Reading) -> set[str]:
    return {one.code for one in found.diagnostics}


class TestWho:
    def test_the_subscriber_is_the_patient_with_id_dates_and_payer(self):
        coverage = read(answer())
        assert (coverage.payer, coverage.member_id) == ("SAMPLE PAYER", "W123456789")
        assert (coverage.family_name, coverage.given_name) == ("Testperson", "Amy")
        assert coverage.birth_date == date(1987, 2, 20)
        assert (coverage.begins, coverage.ends) == (date(2026, 1, 1), None)

    def test_a_dependent_is_the_patient_with_the_subscribers_id_and_dates(self):
        child = {"Firstname": "Bo", "Lastname_R": "Testperson", "DOB_R": "2015-05-06T00:00:00"}
        people = {"Subscriber": PERSON, "Dependent": {"DependentInfo": child}}
        coverage = read(answer(DemographicInfo=people))
        assert (coverage.given_name, coverage.birth_date) == ("Bo", date(2015, 5, 6))
        assert coverage.member_id == "W123456789"
        assert coverage.begins == date(2026, 1, 1)

    def test_the_plans_own_dates_are_taken_where_nobody_has_any(self):
        person = PERSON | {"Date": None}
        plan = {"Status": "Active", "EffectiveDate": "1/1/2026", "ExpiryDate": "3/31/2026"}
        people = {"Subscriber": person, "Dependent": None}
        coverage = read(answer(DemographicInfo=people, PlanCoverageSummary=plan))
        assert (coverage.begins, coverage.ends) == (date(2026, 1, 1), date(2026, 3, 31))
        assert verdict(coverage) is Verdict.ACTIVE_UNCLEAR
        assert "plan_ended" in reasons(coverage)

    @pytest.mark.parametrize(
        ("dates", "span"),
        [
            ("01/01/2026-12/31/2026", (date(2026, 1, 1), date(2026, 12, 31))),
            ("01/01/2026 - 12/31/2026", (date(2026, 1, 1), date(2026, 12, 31))),
            ("20260101-20261231", (date(2026, 1, 1), date(2026, 12, 31))),
            ("2026-01-01", (date(2026, 1, 1), None)),
        ],
    )
    def test_dates_are_read_in_every_form_that_they_may_have(self, dates, span):
        person = PERSON | {"Date": [{"Type": "Plan", "Date": dates}]}
        coverage = read(answer(DemographicInfo={"Subscriber": person}))
        assert (coverage.begins, coverage.ends) == span

    @pytest.mark.parametrize("dates", ["soon", "02/30/2026", "12/31/2026-01/01/2026", "13/01/2026"])
    def test_what_is_no_date_is_reported_and_not_used(self, dates):
        person = PERSON | {"Date": [{"Type": "Plan", "Date": dates}]}
        found = reading(answer(DemographicInfo={"Subscriber": person}))
        assert findings(found) == {"date"}
        assert found.coverages[0].begins is None


class TestDetails:
    def test_an_entry_is_an_eb_in_words(self):
        coverage = read(answer())
        assert coverage.verdict is Verdict.ACTIVE
        assert coverage.plan == "SAMPLE PPO"
        (copay,) = coverage.amounts
        assert (copay.kind, copay.cents, copay.period) == (AmountKind.COPAY, 3000, "visit")
        assert (copay.person, copay.network) == (Person.INDIVIDUAL, Network.IN)
        assert copay.source == Source(3, "ServiceDetails[1].EligibilityDetails[1].MonetaryAmount")

    @pytest.mark.parametrize(
        ("percent", "share"),
        [("0.2", 20), (".2", 20), ("20", 20), ("20%", 20), ("1%", 1), (0.2, 20)],
    )
    def test_shares_and_amounts_are_read_with_their_signs_and_without(self, percent, share):
        share_of = {"EligibilityOrBenefit": "Co-Insurance", "Percent": percent}
        pool = {
            "EligibilityOrBenefit": "Deductible",
            "MonetaryAmount": "$1,500.00",
            "TimePeriodQualifier": "Calendar Year",
        }
        coverage = read(answer(ServiceDetails=[PLAN, service("Physical Therapy", share_of, pool)]))
        found = {one.kind: one for one in coverage.amounts}
        assert found[AmountKind.COINSURANCE].percent == share
        assert found[AmountKind.DEDUCTIBLE].cents == 150_000

    def test_limits_needs_and_words_hang_on_their_entry(self):
        limit = {
            "EligibilityOrBenefit": "Limitations",
            "Message": ["COMBINED PHYSICAL AND OCCUPATIONAL THERAPY"],
            "HealthCareServiceDeliveries": [
                {
                    "QuantityQualifier": "Visits",
                    "TotalQuantity": "30",
                    "TimePeriodQualifier": "Calendar Year",
                },
                {"QuantityQualifier": "Visits", "TotalQuantity": "12",
                 "TimePeriodQualifier": "Remaining"},
            ],
            "AuthorizationOrCertificationRequired": "Yes",
        }  # fmt: skip
        coverage = read(answer(ServiceDetails=[PLAN, service("Physical Therapy", COPAY, limit)]))
        (visits,) = coverage.visit_limits
        assert (visits.allowed, visits.remaining) == (30, 12)
        assert visits.shared == "COMBINED PHYSICAL AND OCCUPATIONAL THERAPY"
        assert coverage.authorisation is AuthorisationNeed.REQUIRED

    def test_another_payer_and_a_manager_are_read_from_their_entry(self):
        other = {
            "EligibilityOrBenefit": "Other or Additional Payor",
            "BenefitEntities": [{"EntityType": "Primary Payer", "Lastname_R": "SAMPLE MUTUAL"}],
        }
        coverage = read(answer(ServiceDetails=[PLAN, THERAPY, service("Others", other)]))
        assert [(one.name, one.order) for one in coverage.other_payers] == [
            ("SAMPLE MUTUAL", "primary")
        ]

    @pytest.mark.parametrize("name", ["Others", "", "Other"])
    def test_a_yes_under_others_is_not_the_plans_and_a_no_is(self, name):
        """Whether it is about the plan is not confirmed."""
        status = {"PlanCoverageSummary": None}
        yes = read(answer(ServiceDetails=[service(name, ACTIVE)], **status))
        assert verdict(yes) is not Verdict.ACTIVE
        no = service(name, {"EligibilityOrBenefit": "Inactive"})
        both = read(answer(ServiceDetails=[PLAN, service("Physical Therapy", COPAY), no], **status))
        assert verdict(both) is Verdict.ACTIVE_UNCLEAR

    def test_a_service_that_we_do_not_know_is_not_the_plan(self):
        found = read(answer(ServiceDetails=[service("Hearing", ACTIVE)], PlanCoverageSummary=None))
        assert verdict(found) is not Verdict.ACTIVE
        assert verdict(found, "30") is not Verdict.ACTIVE

    def test_a_word_for_a_benefit_that_is_on_no_list_may_be_a_no(self):
        strange = service("Physical Therapy", {"EligibilityOrBenefit": "Testperson stopped"})
        found = reading(answer(ServiceDetails=[PLAN, THERAPY, strange]))
        assert findings(found) == {"unknown_benefits"}
        assert "Testperson" not in str(found.diagnostics)
        assert verdict(found.coverages[0]) is not Verdict.ACTIVE

    def test_a_network_in_words_on_no_list_is_unstated_and_reported(self):
        entry = COPAY | {"PlanNetworkIndicator": "Preferred tier"}
        found = reading(answer(ServiceDetails=[PLAN, service("Physical Therapy", entry)]))
        assert findings(found) == {"unknown_word"}
        assert found.coverages[0].amounts[0].network is Network.UNSTATED

    @pytest.mark.parametrize("procedure", ["HC:97110", {"Code": "97110"}, ["97110"]])
    def test_a_status_for_one_procedure_is_not_the_plans_whatever_shape_it_has(self, procedure):
        """Its shape is not confirmed; that it is there is enough."""
        details = [service("Health Benefit Plan Coverage", ACTIVE | {"Procedure": procedure})]
        found = read(answer(ServiceDetails=details, PlanCoverageSummary=None))
        assert verdict(found, "30") is not Verdict.ACTIVE

    def test_an_entry_that_cannot_be_read_leaves_nothing_to_say_yes(self):
        found = reading(answer(ServiceDetails=[PLAN, THERAPY, service("X", ["Inactive"])]))
        assert "json_shape" in findings(found)
        assert found.coverages[0].verdict is Verdict.UNDETERMINED


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ("Active", Verdict.ACTIVE),
            (None, Verdict.ACTIVE),
            ("Inactive", Verdict.ACTIVE_UNCLEAR),
            ("Suspended", Verdict.ACTIVE_UNCLEAR),
        ],
    )
    def test_the_plans_status_is_heard_where_it_contradicts(self, status, outcome):
        details = [PLAN, service("Physical Therapy", COPAY)]
        found = reading(answer(ServiceDetails=details, PlanCoverageSummary={"Status": status}))
        assert verdict(found.coverages[0]) is outcome
        assert findings(found) == ({"unknown_status"} if status == "Suspended" else set())

    def test_a_yes_of_the_summary_does_not_speak_for_a_plan_of_which_details_are_silent(self):
        found = read(answer(ServiceDetails=[service("Chiropractic", ACTIVE)]))
        assert verdict(found) is not Verdict.ACTIVE

    def test_details_without_any_status_leave_the_summary_its_yes(self):
        found = read(answer(ServiceDetails=[service("Physical Therapy", COPAY)]))
        assert verdict(found) is Verdict.ACTIVE
        assert found.plan == "SAMPLE PPO"

    @pytest.mark.parametrize("status", ["Inactive", "INACTIVE"])
    def test_an_inactive_plan_is_inactive(self, status):
        found = read(summed_up(PlanCoverageSummary={"Status": status}))
        assert found.verdict is Verdict.INACTIVE


class TestSummaries:
    def test_they_are_read_where_there_are_no_details(self):
        found = read(
            summed_up(
                PhysicalTherapySummary={
                    "ServiceCoveredInNet": "YES",
                    "CoPayInNet": {"Value": "$30.00", "Notes": "per visit"},
                    "CoInsOutNet": {"Value": "40%", "Notes": None},
                    "TherapyVisitsLimitationsInNet": {"Value": "30", "Notes": None},
                    "TherapyVisitsRemainingInNet": {"Value": "12", "Notes": None},
                    "InNetServiceAuthorizationInfo": "Authorization Required",
                },
                HBPC_Deductible_OOP_Summary={
                    "IndividualDeductibleInNet": {"Value": "$1,500.00", "Notes": None},
                    "IndividualDeductibleRemainingInNet": {"Value": "$200.00", "Notes": None},
                    "IndividualOOP_InNet": {"Value": "$5,000.00", "Notes": None},
                    "FamilyOOPInNet": {"Value": "$9,000.00", "Notes": None},
                },
            )
        )
        assert verdict(found) is Verdict.ACTIVE
        amounts = {(one.kind, one.person, one.network): one for one in found.amounts}
        copay = amounts[AmountKind.COPAY, Person.UNSTATED, Network.IN]
        assert (copay.cents, copay.note) == (3000, "per visit")
        assert copay.source.element == "PhysicalTherapySummary.CoPayInNet"
        assert amounts[AmountKind.COINSURANCE, Person.UNSTATED, Network.OUT].percent == 40
        pool = amounts[AmountKind.DEDUCTIBLE, Person.INDIVIDUAL, Network.IN]
        assert (pool.cents, pool.remaining) == (150_000, 20_000)
        assert amounts[AmountKind.OUT_OF_POCKET, Person.FAMILY, Network.IN].cents == 900_000
        (visits,) = found.visit_limits
        assert (visits.allowed, visits.remaining, visits.network) == (30, 12, Network.IN)
        assert found.authorisation is AuthorisationNeed.REQUIRED
        assert "period_unstated" in reasons(found)

    def test_they_repeat_the_details_and_are_not_read_beside_them(self):
        found = read(answer(PhysicalTherapySummary={"CoPayInNet": {"Value": "$99.00"}}))
        assert [one.cents for one in found.amounts] == [3000]

    def test_a_service_that_is_not_covered_is_a_no(self):
        found = read(summed_up(PhysicalTherapySummary={"ServiceCoveredInNet": "NO"}))
        assert verdict(found) is Verdict.INACTIVE

    @pytest.mark.parametrize("covered", ["MAYBE", "Y"])
    def test_a_cover_that_is_neither_yes_nor_no_is_not_a_yes(self, covered):
        found = reading(summed_up(PhysicalTherapySummary={"ServiceCoveredInNet": covered}))
        assert findings(found) == {"unknown_word"}
        assert verdict(found.coverages[0]) is not Verdict.ACTIVE

    def test_members_may_be_text_and_words_stay_words(self):
        found = read(
            summed_up(
                PhysicalTherapySummary={
                    "CoPayInNet": "$30",
                    "TherapyVisitsLimitationsInNet": {"Value": "30 visits per calendar year"},
                }
            )
        )
        assert [one.cents for one in found.amounts] == [3000]
        (visits,) = found.visit_limits
        assert (visits.allowed, visits.period) == (30, "calendar_year")

    def test_an_amount_that_is_none_is_left_out_and_said(self):
        found = read(summed_up(PhysicalTherapySummary={"CoPayInNet": {"Value": "See notes"}}))
        assert found.amounts == ()
        assert reasons(found) & {"amount_missing", "amount_unreadable"}

    def test_a_summary_about_something_else_is_named(self):
        found = reading(summed_up(DMESummary={"CoPayInNet": {"Value": "$5"}}, SNFSummary=None))
        assert findings(found) == {"unread_summary"}
        assert found.coverages[0].amounts == ()

    def test_two_kinds_of_office_are_told_apart(self):
        found = read(
            summed_up(
                SpecialistOfficeSummary={"CoPayInNet": {"Value": "$50"}},
                PrimaryCareSummary={"CoPayInNet": {"Value": "$20"}},
            )
        )
        assert {(one.cents, one.note) for one in found.amounts} == {
            (5000, "Specialist office"),
            (2000, "Primary care"),
        }

    def test_other_payers_are_named_where_the_details_name_none(self):
        others = {"PrimaryPayer": "SAMPLE MUTUAL", "SecondaryPayer": None}
        found = read(answer(OtherPayerInfo=others))
        assert [(one.name, one.order) for one in found.other_payers] == [
            ("SAMPLE MUTUAL", "primary")
        ]

    def test_a_medicare_advantage_plan_stops_medicares_own_answer(self):
        found = read(
            answer(
                PayerName="Medicare Part A and B",
                MedicareInfoSummary={"AdvantagePayerName": "SAMPLE GOLD PLUS"},
            )
        )
        assert "medicare_advantage" in reasons(found)
        assert verdict(found) is Verdict.ACTIVE_UNCLEAR


def no(**members: Any) -> dict[str, Any]:
    """An answer that only refuses."""
    return answer(
        ServiceDetails=None,
        PlanCoverageSummary=None,
        DemographicInfo=None,
        ProcessedWithError=True,
        **members,
    )


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "code", "kind"),
        [
            ("Subscriber/Insured Not Found", "AAA:75", ReasonKind.DATA_WRONG),
            ("Invalid/Missing Subscriber/Insured ID", "AAA:72", ReasonKind.DATA_WRONG),
            ("Invalid/Missing Provider Identification", "AAA:43", ReasonKind.ENROLMENT),
            ("Provider not on file.", "AAA:51", ReasonKind.ENROLMENT),
        ],
    )
    def test_the_payers_words_are_its_code(self, words, code, kind):
        found = read(no(EDIErrorMessage=words, FollowUpAction="Please Correct and Resubmit"))
        assert found.verdict is Verdict.UNDETERMINED
        (reason,) = [one for one in found.reasons if one.code == code]
        assert reason.kind is kind
        assert reason.sources == (Source(0, "EDIErrorMessage"),)
        assert "correct it and send it again" in reason.text

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            ("Unable to Respond at Current Time", "pVerify:42"),
            ("No Response received - Transaction Terminated", "pVerify:80"),
        ],
    )
    def test_a_busy_payer_is_not_asked_again_for_a_second_fee(self, words, code):
        found = read(no(EDIErrorMessage=words, FollowUpAction="Resubmission Allowed"))
        kinds = {one.kind for one in found.reasons}
        assert code in reasons(found)
        assert ReasonKind.ASK_AGAIN_LATER not in kinds

    def test_words_on_no_list_are_shown_to_a_person(self):
        found = read(no(EDIErrorMessage="The moon is in the wrong quarter."))
        (reason,) = [one for one in found.reasons if one.code == "pVerify:?"]
        assert reason.text.endswith(": The moon is in the wrong quarter")

    def test_what_pverify_itself_rejects_is_its_own_reason_with_its_words(self):
        rejected = {
            "RequestID": 1,
            "APIResponseCode": 1,
            "APIResponseMessage": "Rejected",
            "ErrorDescription": "Member ID is required",
        }
        found = read(rejected)
        (reason,) = [one for one in found.reasons if one.code == "pVerify:Rejected"]
        assert "Member ID is required" in reason.text
        assert reason.sources == (Source(0, "ErrorDescription"),)
        assert found.verdict is Verdict.UNDETERMINED

    def test_a_no_without_any_word_is_a_refusal_all_the_same(self):
        found = read({"APIResponseCode": "1"})
        assert "pVerify:Rejected" in reasons(found)

    def test_a_refusal_beside_benefits_stops_them(self):
        found = read(answer(EDIErrorMessage="Subscriber/Insured Not Found"))
        assert verdict(found) is not Verdict.ACTIVE

    def test_long_words_are_cut(self):
        found = read(no(EDIErrorMessage="x " * 5000))
        assert len(next(one.text for one in found.reasons if one.code == "pVerify:?")) < 300


class TestNoAnswer:
    @pytest.mark.parametrize("code", ["2", "3", "4", 3])
    def test_what_is_pending_or_unpaid_is_no_answer(self, code):
        found = reading(answer(APIResponseCode=code))
        assert found.coverages == ()
        assert findings(found) == {"unanswered", "no_answer"}

    def test_nothing_said_is_no_answer(self):
        found = reading({"APIResponseCode": "0", "PlanCoverageSummary": {}})
        assert found.coverages == ()
        assert "no_answer" in findings(found)

    def test_another_form_is_not_taken_for_this_one(self):
        found = reading(
            {"benefitsInformation": [{"code": "1", "serviceTypeCodes": ["PT"]}],
             "PlanCoverageSummary": {"Status": "Inactive"}}
        )  # fmt: skip
        assert verdict(found.coverages[0]) is Verdict.ACTIVE


VALUES = [None, True, 7, 1.5, "", "x", [], [[]], {}, {"a": 1}, ["x"], [{"a": []}], "é\ud800"]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("member", [*answer(), "OtherPayerInfo", "PhysicalTherapySummary"])
def test_no_shape_of_a_member_raises_or_makes_a_yes_of_a_no(member, value):
    inactive = service("Health Benefit Plan Coverage", {"EligibilityOrBenefit": "Inactive"})
    document = answer(ServiceDetails=[inactive], PlanCoverageSummary={"Status": "Inactive"})
    found = reading(document | {member: value})
    for coverage in found.coverages:
        assert coverage.verdict is not Verdict.ACTIVE
    assert all("Testperson" not in str(one) for one in found.diagnostics)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(
    "member",
    [
        *COPAY, "Date", "Message", "Procedure", "PlaceOfService", "BenefitEntities",
        "HealthCareServiceDeliveries", "AuthorizationOrCertificationRequired", "Quantity",
    ],
)  # fmt: skip
def test_no_shape_within_an_entry_raises(member, value):
    entry = COPAY | {member: value}
    found = reading(answer(ServiceDetails=[PLAN, service("Physical Therapy", entry)]))
    lost = any(
        one.code == "json_shape" and one.severity is Severity.ERROR for one in found.diagnostics
    )
    (coverage,) = found.coverages
    assert (coverage.verdict is Verdict.UNDETERMINED) == lost
