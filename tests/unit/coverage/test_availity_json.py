"""Availity's coverages: what each member is read as, whose plan it is, and what is unknown.

That the ten payers of the sandbox are read the same through this form as through a 271 is tested
in tests/unit/sandbox/test_answers_read.py.
"""

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
    Verdict,
)

Entry = dict[str, Any]
ON = date(2026, 5, 4)
SERVICES = ("PT", "30")

DEDUCTIBLE: Entry = {
    "total": "2000",
    "totalTimePeriod": "Calendar Year",
    "totalTimePeriodCode": "23",
    "remaining": "800.50",
    "remainingTimePeriod": "Remaining",
    "remainingTimePeriodCode": "29",
    "units": "Dollars",
    "level": "Individual",
    "levelCode": "IND",
}
COPAY: Entry = {
    "amount": "20",
    "units": "Dollars",
    "amountTimePeriodCode": "27",
    "levelCode": "IND",
    "authorizationRequired": True,
    "payerNotes": ["OFFICE VISIT"],
    "placeOfServiceCode": "11",
}
LIMIT: Entry = {
    "quantity": "30",
    "quantityQualifierCode": "VS",
    "amountTimePeriodCode": "23",
    "deliveryInformation": [{"quantity": "2", "quantityQualifierCode": "VS", "perCode": "WK"}],
}
PLAN: Entry = {
    "status": "Active Coverage",
    "statusCode": "1",
    "planName": "SAMPLE PPO",
    "eligibilityStartDate": "2026-01-01T05:00:00.000+0000",
    "benefits": [
        {
            "name": "Health Benefit Plan Coverage",
            "type": "30",
            "status": "Active Coverage",
            "statusCode": "1",
            "amounts": {"deductibles": {"inNetwork": [DEDUCTIBLE]}},
        },
        {
            "name": "Physical Therapy",
            "type": "PT",
            "status": "Active Coverage",
            "statusCode": "1",
            "amounts": {
                "coPayment": {"inNetwork": [COPAY]},
                "coInsurance": {"outOfNetwork": [{"amount": ".4", "units": "Percent"}]},
            },
            "limitations": {"noNetwork": [LIMIT]},
        },
    ],
    "payerNotes": [{"typeCode": "P", "message": "NO GUARANTEE OF PAYMENT"}],
    "additionalPayers": [{"name": "SECOND HEALTH PLAN", "primary": True}],
    "contacts": [{"typeCode": "L", "categoryCode": "P3", "lastName": "SAMPLE", "firstName": "PAT"}],
}
RICH: Entry = {
    "id": "7276849100383928590",
    "customerId": "1234",
    "status": "Complete",
    "statusCode": "4",
    "requestedServiceType": [{"code": "PT", "value": "Physical Therapy"}],
    "validationMessages": [],
    "payer": {"name": "SAMPLE", "responseName": "SAMPLE HEALTH", "payerId": "EX001"},
    "subscriber": {"memberId": "W001", "lastName": "HOLDERPERSON", "firstName": "MAX"},
    "patient": {
        "lastName": "TESTPERSON",
        "firstName": "ANN",
        "birthDate": "1990-02-28T05:00:00.000+0000",
        "subscriberRelationshipCode": "01",
    },
    "plans": [PLAN],
}


def read(document: Entry) -> Reading:
    return read_answers(json.dumps(document).encode(), SERVICES, ON)


def covered(plan: Entry | None = None, **members: object) -> Coverage:
    document = RICH | ({"plans": [plan]} if plan is not None else {}) | members
    (coverage,) = read(document).coverages
    return coverage


def benefit(kind: str = "PT", **members: object) -> Entry:
    """A plan that is active as a whole, with one more benefit."""
    whole = {"type": "30", "statusCode": "1", "status": "Active Coverage"}
    return PLAN | {"benefits": [whole, {"name": "x", "type": kind} | members]}


def codes(coverage: Coverage) -> set[str]:
    return {reason.code for reason in coverage.reasons}


def findings(document: Entry) -> set[str]:
    return {found.code for found in read(document).diagnostics}


class TestWhole:
    def test_it_says_who_and_what(self):
        reading = read(RICH)
        assert reading.diagnostics == ()
        coverage = reading.coverages[0]
        assert coverage.verdict is Verdict.ACTIVE
        assert (coverage.payer, coverage.member_id) == ("SAMPLE HEALTH", "W001")
        assert (coverage.family_name, coverage.given_name) == ("TESTPERSON", "ANN")
        assert coverage.birth_date == date(1990, 2, 28)
        assert coverage.begins == date(2026, 1, 1)
        assert coverage.authorisation is AuthorisationNeed.REQUIRED
        assert [(one.name, one.order) for one in coverage.other_payers] == [
            ("SECOND HEALTH PLAN", "primary")
        ]

    def test_a_total_and_what_remains_of_it_are_one_amount(self):
        (own,) = [one for one in covered().amounts if one.kind is AmountKind.DEDUCTIBLE]
        assert (own.cents, own.remaining, own.period) == (200_000, 80_050, "calendar_year")
        assert (own.network, own.person) == (Network.IN, Person.INDIVIDUAL)
        assert own.source.element == "plans[0].benefits[0].amounts.deductibles.inNetwork[0].total"

    def test_money_and_percent_are_told_by_their_unit(self):
        sizes = {(one.kind, one.cents, one.percent, one.network) for one in covered().amounts}
        assert (AmountKind.COPAY, 2000, None, Network.IN) in sizes
        assert any(
            kind is AmountKind.COINSURANCE and float(percent or 0) == 40 and network is Network.OUT
            for kind, _, percent, network in sizes
        )

    def test_a_limit_has_its_quantity_and_how_often(self):
        limits = {(one.allowed, one.period) for one in covered().visit_limits}
        assert (30, "calendar_year") in limits
        assert any(allowed == 2 and "week" in period for allowed, period in limits)

    def test_visits_that_remain_are_counted_and_are_no_money(self):
        entry = {
            "quantityQualifierCode": "VS",
            "total": "30",
            "totalTimePeriodCode": "23",
            "remaining": "12",
        }
        coverage = covered(benefit(limitations={"noNetwork": [entry]}))
        assert [(one.allowed, one.remaining) for one in coverage.visit_limits] == [(30, 12)]

    def test_a_total_that_repeats_the_amount_is_one(self):
        twice = DEDUCTIBLE | {"amount": "2000", "amountTimePeriodCode": "23"}
        plan = benefit("30", amounts={"deductibles": {"inNetwork": [twice]}})
        (own,) = covered(plan).amounts
        assert (own.cents, own.remaining) == (200_000, 80_050)
        assert covered(plan).verdict is not Verdict.UNDETERMINED

    @pytest.mark.parametrize(
        ("name", "network"),
        [
            ("inNetwork", Network.IN),
            ("outOfNetwork", Network.OUT),
            ("notApplicableNetwork", Network.EITHER),
            ("noNetwork", Network.UNSTATED),
        ],
    )
    def test_every_network_is_kept_apart(self, name, network):
        entry = {"amount": "20", "units": "Dollars", "amountTimePeriodCode": "27"}
        coverage = covered(benefit(amounts={"coPayment": {name: [entry]}}))
        assert [one.network for one in coverage.amounts] == [network]


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "verdict"),
        [
            ({"statusCode": "1"}, Verdict.ACTIVE),
            ({"status": "Active Coverage"}, Verdict.ACTIVE),
            ({"statusCode": "3", "status": "Active - Services Capitated"}, Verdict.ACTIVE),
            ({"statusCode": "6"}, Verdict.ACTIVE_UNCLEAR),
            ({"statusCode": "I", "status": "Non-Covered"}, Verdict.INACTIVE),
            ({}, Verdict.ACTIVE_UNCLEAR),
        ],
    )
    def test_a_benefit_says_whether_its_service_is_covered(self, status, verdict):
        found = covered(benefit(**status)).verdict
        if status.get("statusCode") == "6":
            assert found in (Verdict.INACTIVE, Verdict.ACTIVE_UNCLEAR)
        else:
            assert found is verdict

    def test_a_plan_without_benefits_speaks_for_itself(self):
        plan = {"statusCode": "6", "status": "Inactive"}
        assert covered(plan).verdict is Verdict.INACTIVE
        assert covered({"status": "Active Coverage"}).verdict is Verdict.ACTIVE_UNCLEAR

    def test_what_is_not_covered_says_no(self):
        coverage = covered(benefit(nonCovered={"noNetwork": [{"levelCode": "IND"}]}))
        assert coverage.verdict is Verdict.INACTIVE

    def test_a_status_that_we_do_not_know_leaves_nobody_to_say_yes(self):
        plan = benefit(statusCode="77", status="Suspended")
        assert "unknown_status" in findings(RICH | {"plans": [plan]})
        assert covered(plan).verdict is not Verdict.ACTIVE

    def test_details_of_a_status_are_heard(self):
        details = {"noNetwork": [{"statusCode": "1", "description": "VISION PLAN"}]}
        plan = {"benefits": [{"type": "30", "statusCode": "1", "statusDetails": details}]}
        coverage = covered(plan)
        assert coverage.verdict is not Verdict.ACTIVE

    def test_the_dates_of_one_plan_say_nothing_about_another(self):
        ended = PLAN | {"eligibilityEndDate": "2026-02-01", "planName": "OLD"}
        assert covered(ended).verdict is not Verdict.ACTIVE
        both = RICH | {"plans": [ended, PLAN]}
        assert read(both).coverages[0].verdict is Verdict.ACTIVE
        no_more = PLAN | {"statusCode": "6", "status": "Inactive", "benefits": []}
        found = read(RICH | {"plans": [no_more, PLAN]}).coverages[0]
        verdicts = {one.code: one.verdict for one in found.services}
        assert verdicts["30"] is Verdict.ACTIVE_UNCLEAR


class TestService:
    def test_it_is_told_by_its_name_where_there_is_no_code(self):
        plan = PLAN | {"benefits": [{"name": "Physical Therapy", "statusCode": "1"}]}
        verdicts = {one.code: one.verdict for one in covered(plan).services}
        assert verdicts["PT"] is Verdict.ACTIVE

    def test_a_name_that_is_not_known_is_not_the_plan(self):
        plan = {"benefits": [{"name": "Aquatic Wellness", "type": "benefit", "statusCode": "1"}]}
        assert covered(plan).verdict is not Verdict.ACTIVE

    def test_a_benefit_of_nothing_is_reported_and_is_not_the_plan(self):
        plan = {"benefits": [{"statusCode": "1"}]}
        assert "no_service" in findings(RICH | {"plans": [plan]})
        assert covered(plan).verdict is not Verdict.ACTIVE


class TestUnknown:
    @pytest.mark.parametrize(
        ("plan", "code"),
        [
            (benefit(amounts={"coPayment": {"middleNetwork": [COPAY]}}), "unknown_network"),
            (
                benefit(amounts={"coInsurance": {"inNetwork": [{"amount": "20"}]}}),
                "unknown_unit",
            ),
            (
                benefit(amounts={"coPayment": {"inNetwork": [COPAY | {"units": "Euro"}]}}),
                "unknown_unit",
            ),
            (benefit(contacts=[{"typeCode": "QQ", "name": "SOMEBODY"}]), "unknown_contact"),
            (benefit(amounts={"coPayment": "20"}), "json_shape"),
            (benefit(authorizationRequired="maybe", statusDetails=[]), "json_shape"),
            (
                benefit(coverageBasis={"noNetwork": [{"authorizationRequired": "maybe"}]}),
                "json_shape",
            ),
            (PLAN | {"eligibilityEndDate": "2020-01-01"}, "date_order"),
        ],
    )
    def test_what_the_shape_does_not_say_is_reported(self, plan, code):
        assert code in findings(RICH | {"plans": [plan]})

    def test_an_amount_of_an_unknown_unit_is_not_used(self):
        entry = COPAY | {"units": "Euro"}
        coverage = covered(benefit(amounts={"coPayment": {"inNetwork": [entry]}}))
        assert all(one.cents is None and one.percent is None for one in coverage.amounts)

    def test_a_contact_of_an_unknown_kind_is_asked_instead(self):
        coverage = covered(
            benefit(statusCode="1", contacts=[{"typeCode": "QQ", "name": "SOMEBODY"}])
        )
        assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
        assert "contact_other" in codes(coverage)

    @pytest.mark.parametrize("flag", [{}, {"authorizationRequiredUnknown": True}])
    def test_an_authorisation_that_is_not_known_is_not_stated(self, flag):
        coverage = covered(benefit(coverageBasis={"noNetwork": [flag]}))
        assert coverage.authorisation is AuthorisationNeed.UNSTATED


class TestNo:
    def no(self, status: str, *messages: Entry) -> Coverage:
        return covered(plans=[], statusCode=status, validationMessages=list(messages))

    def test_a_payers_code_is_read_as_in_a_271(self):
        coverage = self.no("19", {"code": "75", "errorMessage": "Subscriber/Insured Not Found"})
        assert coverage.verdict is Verdict.UNDETERMINED
        (reason,) = coverage.reasons
        assert (reason.code, reason.kind) == ("AAA:75", ReasonKind.DATA_WRONG)

    def test_words_alone_are_shown_with_the_field_to_mend(self):
        message = {"field": "memberId", "errorMessage": "Member id is not valid."}
        (reason,) = self.no("19", message).reasons
        assert (reason.code, reason.field) == ("Availity:RequestError", "member_id")
        assert "Member id is not valid" in reason.text

    @pytest.mark.parametrize("status", ["7", "13", "14", "15", "E", "0", "1"])
    def test_a_payer_that_was_not_reached_is_asked_again_later(self, status):
        (reason,) = self.no(status).reasons
        assert reason.kind is ReasonKind.ASK_AGAIN_LATER

    @pytest.mark.parametrize("status", ["19", "R", "99"])
    def test_any_other_end_without_an_answer_is_for_a_person(self, status):
        coverage = self.no(status)
        assert coverage.verdict is Verdict.UNDETERMINED
        assert coverage.reasons[0].kind is not ReasonKind.ASK_AGAIN_LATER

    def test_a_reply_that_availity_calls_invalid_stops(self):
        assert covered(statusCode="3").verdict is not Verdict.ACTIVE

    def test_an_error_in_place_of_a_coverage_is_no_answer(self):
        told = {"userMessage": "x", "reasonCode": 0, "statusCode": 500, "errors": []}
        assert read(told).coverages == ()
        complete = RICH | {"plans": []}
        assert read(complete).coverages == ()
        assert "no_answer" in findings(complete)


def test_it_is_told_from_the_other_forms_by_its_members():
    stedi = {"plans": [{"benefits": {}}], "payerId": "x", "errors": []}
    assert "no_answer" not in findings(RICH)
    assert read(stedi).coverages == read(stedi | {"plans": [{"benefits": {}}]}).coverages
    older = RICH | {"benefitsInformation": [{"code": "1", "serviceTypeCodes": ["30"]}]}
    assert read(older).coverages[0].amounts == ()
