"""Stedi's newer form, `plans[].benefits`: places, plans, identity, refusals, what is unknown.

What the entries mean is tested with the 271: `coverage_of` reads each of its documents in this
form as well, and demands the same outcome.
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
    Source,
    Verdict,
)
from cleargate.x12.diagnostics import Severity
from tests.unit.coverage.answers import ON, SERVICES, codes, document
from tests.unit.coverage.as_json import plans_document

Entry = dict[str, Any]

WHOLE = {"system": "STC", "value": "30"}
PT = {"system": "STC", "value": "PT"}
BOTH = {"indicator": "IN_AND_OUT_OF_NETWORK"}
ACTIVE: Entry = {"status": "ACTIVE_COVERAGE", "coverageLevel": "INDIVIDUAL", "network": BOTH}
COPAY: Entry = {
    "amount": "20",
    "coverageLevel": "INDIVIDUAL",
    "network": {"indicator": "IN_NETWORK"},
    "service": PT,
    "timePeriod": "VISIT",
}
AAA: Entry = {
    "code": "72",
    "description": "Invalid/Missing Subscriber/Insured ID",
    "followupAction": "Please Correct and Resubmit",
    "location": "SUBSCRIBER",
}
USUAL = plans_document(document(""))["plans"][0]["benefits"]


def answer(*plans: Entry, **members: object) -> Entry:
    """An answer about Ann Testperson with these plans; what a usual plan adds is in the last."""
    base = plans_document(document(""))
    rest = {"benefits": {kind: list(entries) for kind, entries in USUAL.items()}}
    return base | {"plans": [*plans, rest]} | members


def plan(name: str = "EXAMPLE PPO 500", **benefits: object) -> Entry:
    statuses = [ACTIVE | {"service": WHOLE}, ACTIVE | {"service": PT}]
    return {"name": name, "benefits": {"statuses": statuses} | benefits}


def read(value: object) -> Reading:
    return read_answers(json.dumps(value).encode(), SERVICES, ON)


def coverage_of_json(value: object) -> Coverage:
    reading = read(value)
    assert not reading.diagnostics
    [coverage] = reading.coverages
    return coverage


def test_a_whole_answer_has_forty_entries_and_is_read() -> None:
    others = [COPAY | {"service": {"system": "STC", "value": str(n)}} for n in range(50, 70)]
    whole = answer(plan(coPayment=[*others, COPAY]))
    entries = [len(kind) for one in whole["plans"] for kind in one["benefits"].values()]
    assert sum(entries) >= 40
    coverage = coverage_of_json(whole)
    assert (coverage.verdict, coverage.plan) == (Verdict.ACTIVE, "EXAMPLE PPO 500")
    assert (coverage.payer, coverage.member_id) == ("EXAMPLE HEALTH PLAN", "TST0001")
    assert coverage.trace == "TRACE0001"


def test_places_are_numbers_of_entries_over_all_plans_and_paths() -> None:
    second = {"benefits": {"coPayment": [COPAY | {"service": WHOLE}, COPAY]}}
    coverage = coverage_of_json(answer(plan(), second))
    assert coverage.services[0].sources == (Source(2, "plans[0].benefits.statuses[1].status"),)
    places = [one.source for one in coverage.amounts]
    assert Source(4, "plans[1].benefits.coPayment[1].amount") in places


def test_every_part_of_an_entry_is_read() -> None:
    copay = COPAY | {
        "messages": ["PRIMARY OFFICE"],
        "placesOfService": [{"code": "11", "name": "OFFICE"}],
        "priorAuthIndicator": "NOT_REQUIRED",
        "coverageLevel": "FAMILY",
    }
    limit = {
        "service": PT,
        "messages": ["COMBINED PHYSICAL AND SPEECH THERAPY"],
        "serviceLimits": [
            {"ageMaximum": 64},
            {
                "delivery": {
                    "quantity": {"value": "30", "qualifier": "VISITS"},
                    "period": {"value": 1, "qualifier": "CALENDAR_YEAR"},
                }
            },
        ],
    }
    coverage = coverage_of_json(answer(plan(coPayment=[copay], limitations=[limit])))
    [amount] = coverage.amounts
    assert (amount.kind, amount.cents, amount.period) == (AmountKind.COPAY, 2000, "visit")
    assert (amount.person, amount.network) == (Person.FAMILY, Network.IN)
    assert amount.note == "place of service 11 / PRIMARY OFFICE"
    assert coverage.authorisation is AuthorisationNeed.NOT_REQUIRED
    [visits] = coverage.visit_limits
    assert (visits.allowed, visits.period) == (30, "calendar_year")
    assert visits.shared == "COMBINED PHYSICAL AND SPEECH THERAPY"
    path = "plans[0].benefits.limitations[0].serviceLimits[1].delivery.quantity.value"
    assert visits.source.element == path


def test_a_deductible_and_what_remains_of_it_are_one_amount() -> None:
    total = COPAY | {"service": WHOLE, "amount": "1500.0", "timePeriod": "CALENDAR_YEAR"}
    left = total | {"amount": "800", "timePeriod": "REMAINING"}
    [amount] = coverage_of_json(answer(plan(deductible=[total, left]))).amounts
    assert (amount.cents, amount.remaining, amount.used) == (150000, 80000, 70000)


@pytest.mark.parametrize("kind", ["outOfPocket", "outOfPocketMaximum"])
def test_the_out_of_pocket_limit_is_read_under_both_names(kind: str) -> None:
    most = COPAY | {"service": WHOLE, "amount": 8000, "timePeriod": "CALENDAR_YEAR"}
    [amount] = coverage_of_json(answer(plan(**{kind: [most]}))).amounts
    assert (amount.kind, amount.cents) == (AmountKind.OUT_OF_POCKET, 800000)


def test_a_vision_plan_of_its_own_does_not_speak_for_the_plan() -> None:
    vision = {
        "name": "SPECTERA VISION PLAN",
        "benefits": {"statuses": [ACTIVE | {"service": WHOLE}]},
    }
    coverage = coverage_of_json(answer() | {"plans": [vision]})
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "carve_out" in codes(coverage)


def test_a_description_of_a_plans_own_part_keeps_the_plans_name() -> None:
    part = ACTIVE | {"service": WHOLE, "planCoverageDescription": "MENTAL HEALTH INPATIENT"}
    whole = {"name": "EXAMPLE PPO", "benefits": {"statuses": [part]}}
    assert "carve_out" in codes(coverage_of_json(answer() | {"plans": [whole]}))


def test_another_payers_entry_is_not_named_after_the_patients_own_plan() -> None:
    other: Entry = {"service": WHOLE}
    [unnamed] = coverage_of_json(answer(plan(otherOrAdditionalPayer=[other]))).other_payers
    assert unnamed.name == ""
    apart = {"name": "MEDICARE", "benefits": {"otherOrAdditionalPayer": [other]}}
    [named] = coverage_of_json(answer(plan(), apart)).other_payers
    assert (named.name, named.source.element) == (
        "MEDICARE",
        "plans[1].benefits.otherOrAdditionalPayer[0]",
    )


def test_an_invalid_entry_is_what_the_payer_said_all_the_same() -> None:
    share = {"service": PT, "invalidReasons": [{"code": "MISSING_PERCENT", "description": "x"}]}
    coverage = coverage_of_json(answer(plan(invalidEntries={"coInsurance": [share]})))
    [reason] = [one for one in coverage.reasons if one.code == "amount_missing"]
    assert reason.sources == (Source(3, "plans[0].benefits.invalidEntries.coInsurance[0]"),)


def test_the_dependent_is_the_patient_and_has_the_subscribers_id() -> None:
    dependent = {
        "name": {"person": {"firstName": "BEE", "lastName": "TESTPERSON"}},
        "dateOfBirth": "2015-06-01",
    }
    coverage = coverage_of_json(answer(plan(), dependent=dependent))
    assert (coverage.given_name, coverage.birth_date) == ("BEE", date(2015, 6, 1))
    assert (coverage.member_id, coverage.begins) == ("TST0001", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("dates", "code"),
    [
        ({"plan": {"start": "2024-01-01", "end": "2024-03-31"}}, "plan_ended"),
        ({"eligibility": {"end": "2026-05-03"}}, "plan_ended"),
        ({"plan": {"start": "2026-06-01"}}, "plan_not_begun"),
        ({"service": {"start": "2026-04-01"}}, "for_another_day"),
    ],
)
def test_dates_that_miss_the_visit_stop_it_with_their_place(dates: Entry, code: str) -> None:
    subscriber = {"memberId": "TST0001", "dates": dates}
    coverage = coverage_of_json(answer(plan(), subscriber=subscriber))
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    [reason] = [one for one in coverage.reasons if one.code == code]
    assert reason.sources == (Source(0, f"subscriber.dates.{next(iter(dates))}"),)


def test_a_refusal_without_plans_is_told_with_its_tip() -> None:
    coverage = coverage_of_json({"id": "ec_example", "payerId": "EX001", "errors": [AAA]})
    [reason] = coverage.reasons
    assert (reason.code, reason.kind) == ("AAA:72", ReasonKind.DATA_WRONG)
    assert reason.sources == (Source(0, "errors[0].code"),)


def test_an_outage_is_asked_again() -> None:
    outage = AAA | {"code": "42", "followupAction": "Resubmission Not Allowed"}
    [reason] = coverage_of_json({"payerId": "EX001", "errors": [outage]}).reasons
    assert reason.kind is ReasonKind.ASK_AGAIN_LATER


def test_a_refusal_beside_plans_stops_them() -> None:
    coverage = coverage_of_json(answer(plan(), errors=[AAA]))
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR


def test_a_status_that_we_do_not_know_leaves_nothing_active() -> None:
    odd = {"status": "ACTIVE_ON_TUESDAYS", "service": WHOLE}
    reading = read(answer(plan(), {"benefits": {"statuses": [odd]}}))
    [finding] = reading.diagnostics
    assert (finding.code, finding.segment) == ("unknown_status", 3)
    assert "TUESDAYS" not in finding.message
    assert reading.coverages[0].verdict is Verdict.ACTIVE_UNCLEAR


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("costTiers", "plans[0].benefits.costTiers"),
        ("TEST PERSON", "a member of plans[0].benefits"),
    ],
)
def test_a_kind_of_benefit_that_we_do_not_know_is_told(kind: str, told: str) -> None:
    reading = read(answer(plan(**{kind: [{}]})))
    [finding] = reading.diagnostics
    assert (finding.code, finding.severity) == ("unknown_benefits", Severity.ERROR)
    assert finding.message.endswith(f"{told}.")
    assert reading.coverages[0].verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    "odd",
    [
        {"statuses": {"status": "INACTIVE"}},
        {"coPayment": [COPAY | {"service": [PT]}]},
    ],
)
def test_a_list_for_an_object_and_an_object_for_a_list_are_read_with_a_warning(odd: Entry) -> None:
    reading = read(answer(plan(), {"benefits": odd}))
    assert {one.severity for one in reading.diagnostics} == {Severity.WARNING}
    assert reading.coverages[0].verdict is not Verdict.UNDETERMINED


@pytest.mark.parametrize(
    "odd",
    [
        {"statuses": ["INACTIVE"]},
        {"statuses": [ACTIVE | {"service": "30"}]},
        {"coPayment": [COPAY | {"amount": ["20"]}]},
        {"coPayment": [COPAY | {"messages": [{"text": "x"}]}]},
        [],
    ],
)
def test_a_shape_that_cannot_be_read_leaves_nothing_active(odd: object) -> None:
    reading = read(answer(plan(), {"benefits": odd}))
    assert {one.code for one in reading.diagnostics} == {"json_shape"}
    assert reading.coverages[0].verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    "body",
    [
        {"payerId": "EX001", "message": "Payer is not configured"},
        {"payerId": "EX001", "x12": "ISA*00*garbage"},
        {"plans": None, "payerId": "EX001"},
        {"plans": [], "errors": [{"member": "payerId", "message": "bad"}]},
    ],
)
def test_a_body_without_an_answer_is_no_coverage(body: Entry) -> None:
    reading = read(body)
    assert reading.coverages == ()
    assert reading.diagnostics[-1].code == "no_answer"


@pytest.mark.parametrize(
    "service",
    [
        {"definition": "Something"},
        {"system": "STC", "definition": "Something"},
        {"system": "CPT", "value": "97110"},
        {"system": "NDC"},
    ],
)
def test_a_status_of_something_that_has_no_service_type_is_not_the_plans(service: Entry) -> None:
    odd = {"benefits": {"statuses": [ACTIVE | {"service": service}]}}
    coverage = coverage_of_json(answer() | {"plans": [odd]})
    assert coverage.services[-1].verdict is Verdict.ACTIVE_UNCLEAR


def test_procedures_and_their_ranges_are_told_beside_the_amount() -> None:
    single = COPAY | {"service": {"system": "CPT", "value": "97110"}}
    several = COPAY | {
        "service": {
            "system": "CPT",
            "range": {"start": {"value": "97110"}, "end": {"value": "97150"}},
        }
    }
    notes = [
        one.note for one in coverage_of_json(answer(plan(coPayment=[single, several]))).amounts
    ]
    assert notes == ["procedure CPT:97110", "procedure CPT:97110-97150"]
