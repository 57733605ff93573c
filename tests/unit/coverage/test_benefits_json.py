"""`benefitsInformation`, as Stedi and Optum send it: patients, refusals, places, bad shapes.

What the entries mean is tested with the 271: `coverage_of` reads each of its documents in this
form as well, and demands the same coverage. Here is what only JSON can do.
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
    ReasonKind,
    Source,
    Verdict,
)
from cleargate.x12.diagnostics import Severity
from tests.unit.coverage.answers import ACTIVE_PLAN, ON, SERVICES, codes, document
from tests.unit.coverage.as_json import benefits_document, comparable

Entry = dict[str, Any]

PLAN: Entry = {
    "code": "1",
    "name": "Active Coverage",
    "serviceTypeCodes": ["30"],
    "planCoverage": "EXAMPLE PPO 500",
}
PT: Entry = {"code": "1", "serviceTypeCodes": ["PT"], "inPlanNetworkIndicatorCode": "W"}
COPAY: Entry = {
    "code": "B",
    "name": "Co-Payment",
    "coverageLevelCode": "IND",
    "serviceTypeCodes": ["PT"],
    "timeQualifierCode": "27",
    "benefitAmount": "20",
    "inPlanNetworkIndicatorCode": "Y",
}
AAA: Entry = {
    "field": "AAA",
    "code": "72",
    "description": "Invalid/Missing Subscriber/Insured ID",
    "followupAction": "Please Correct and Resubmit",
    "location": "Loop 2100C",
    "possibleResolutions": "- Check the member ID.",
}
TRAPS = f"""\
{ACTIVE_PLAN}
EB*1**30**SPECTERA VISION PLAN
EB*1**98^PT^AE*********W
EB*B*IND*PT***27*20*****Y
EB*A*IND*PT***27**.2****N
EB*C*IND*30***23*1500*****Y
EB*C*IND*30***29*800*****Y
EB*G*FAM*30***24*99999.99*****W
EB*F*IND*AD^AE^PT***23***VS*40**Y
MSG*COMBINED TOTAL FOR PHYSICAL, OCCUPATIONAL, SPEECH
EB*F*IND*PT*********Y
HSD*VS*30***23
EB*F*IND*PT*PO*23*20****VS
EB*CB**PT********Y*Y
EB*R*IND*30
NM1*P4*2*MEDICARE ABD
EB*U**88
NM1*VN*2*OPTUMRX"""


def answer(*entries: object, **members: object) -> Entry:
    """An answer about Ann Testperson with these entries before those of a usual plan."""
    base = benefits_document(document(""))
    of_plan = base["benefitsInformation"]
    found = base | {"planStatus": [], "benefitsInformation": [*entries, *of_plan]} | members
    assert len(json.dumps(found["benefitsInformation"])) > 1000 or "benefitsInformation" in members
    return found


def read(value: object) -> Reading:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_answers(content, SERVICES, ON)


def coverage_of_json(value: object) -> Coverage:
    reading = read(value)
    assert not reading.diagnostics
    [coverage] = reading.coverages
    return coverage


def findings(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.diagnostics]


def test_a_whole_answer_with_many_traps_says_what_its_271_says() -> None:
    text = document(TRAPS)
    as_json = benefits_document(text)
    assert len(as_json["benefitsInformation"]) >= 25
    of_json = coverage_of_json(as_json)
    [of_271] = read(("~\n".join(text.splitlines()) + "~").encode()).coverages
    assert [one.verdict for one in of_json.services] == [one.verdict for one in of_271.services]
    assert codes(of_json) == codes(of_271)
    assert [one.cents for one in of_json.amounts] == [one.cents for one in of_271.amounts]


def test_an_answer_of_forty_entries_is_read_to_its_end() -> None:
    fillers = [COPAY | {"serviceTypeCodes": [str(code)]} for code in range(40, 80)]
    coverage = coverage_of_json(answer(PLAN, *fillers, PT, COPAY))
    [copay] = coverage.amounts
    assert copay.source == Source(43, "benefitAmount")
    assert coverage.verdict is Verdict.ACTIVE


def test_places_are_numbers_of_entries_and_names_of_members() -> None:
    flag = COPAY | {"authOrCertIndicator": "Y"}
    limit = {
        "code": "F",
        "serviceTypeCodes": ["PT"],
        "benefitsServiceDelivery": [
            {"quantityQualifierCode": "VS", "quantity": "30", "timePeriodQualifierCode": "23"}
        ],
    }
    other = {
        "code": "R",
        "serviceTypeCodes": ["30"],
        "benefitsRelatedEntities": [
            {"entityIdentifier": "Primary Payer", "entityName": "SECOND HEALTH PLAN"}
        ],
    }
    coverage = coverage_of_json(answer(PLAN, PT, flag, limit, other))
    assert coverage.services[0].sources == (Source(2, "code"),)
    assert coverage.amounts[0].source == Source(3, "benefitAmount")
    assert coverage.visit_limits[0].source == Source(4, "benefitsServiceDelivery[0].quantity")
    assert coverage.other_payers[0].source == Source(5, "benefitsRelatedEntities[0].entityName")
    assert coverage.other_payers[0].order == "primary"
    assert coverage.authorisation is AuthorisationNeed.REQUIRED


def test_dates_and_words_have_their_own_places() -> None:
    contradiction = COPAY | {
        "additionalInformation": [{"description": "OUT OF NETWORK"}],
    }
    ended = answer(
        PLAN,
        PT,
        contradiction,
        planDateInformation={"planBegin": "20240101", "planEnd": "20260430"},
    )
    reasons = {one.code: one for one in coverage_of_json(ended).reasons}
    assert reasons["plan_ended"].sources == (Source(0, "planDateInformation.planEnd"),)
    assert reasons["network_disagrees"].sources == (
        Source(3, "inPlanNetworkIndicatorCode"),
        Source(3, "additionalInformation[0].description"),
    )


@pytest.mark.parametrize(
    ("written", "cents"),
    [("20", 2000), ("20.10", 2010), ("0.1", 10), ("2e1", 2000), ("1.5E+2", 15000), ("-5", None)],
)
def test_numbers_are_read_as_they_are_written(written: str, cents: int | None) -> None:
    text = json.dumps(answer(PLAN, PT, COPAY)).replace(
        '"benefitAmount": "20"', f'"benefitAmount": {written}'
    )
    coverage = coverage_of_json(text.encode())
    assert [one.cents for one in coverage.amounts] == ([cents] if cents is not None else [])


@pytest.mark.parametrize("written", ["1e400", "9" * 5000, "0.30000000000000004", "1e-99"])
def test_numbers_that_are_no_money_are_told_and_not_rounded(written: str) -> None:
    text = json.dumps(answer(PLAN, PT, COPAY)).replace(
        '"benefitAmount": "20"', f'"benefitAmount": {written}'
    )
    coverage = coverage_of_json(text.encode())
    assert coverage.amounts == ()
    assert codes(coverage) & {"amount_unreadable", "sentinel"}


def test_words_are_read_where_the_codes_are_absent() -> None:
    named = {
        "name": "Out of Pocket (Stop Loss)",
        "coverageLevel": "Individual",
        "serviceTypeCodes": ["30"],
        "timeQualifier": "Calendar Year",
        "benefitAmount": "3000",
        "inPlanNetworkIndicator": "No",
    }
    [amount] = coverage_of_json(answer(PLAN, PT, named)).amounts
    assert (amount.kind, amount.cents) == (AmountKind.OUT_OF_POCKET, 300000)
    assert (amount.period, amount.network) == ("calendar_year", Network.OUT)


def test_a_service_that_is_only_named_is_not_taken_for_the_plan() -> None:
    named = {"code": "1", "serviceTypes": ["Physical Therapy", "Vision (Optometry)"]}
    coverage = coverage_of_json(answer(named))
    assert coverage.verdict is Verdict.ACTIVE
    assert coverage.services[-1].verdict is Verdict.ACTIVE_UNCLEAR


def test_the_dependent_is_the_patient_and_has_the_subscribers_id() -> None:
    dependent = {"firstName": "BEE", "lastName": "TESTPERSON", "dateOfBirth": "20150601"}
    coverage = coverage_of_json(answer(PLAN, PT, dependents=[dependent]))
    assert (coverage.given_name, coverage.birth_date) == ("BEE", date(2015, 6, 1))
    assert coverage.member_id == "TST0001"


def test_the_subscriber_is_the_patient_where_the_dependents_are_empty() -> None:
    for nobody in ([], [{}], None):
        coverage = coverage_of_json(answer(PLAN, PT, dependents=nobody))
        assert (coverage.given_name, coverage.birth_date) == ("ANN", date(1980, 2, 1))


def test_every_dependent_has_an_answer_and_its_own_refusals() -> None:
    people = [
        {"firstName": "BEE", "lastName": "TESTPERSON", "dateOfBirth": "20150601"},
        {"firstName": "CEE", "lastName": "TESTPERSON", "memberId": "TST0003", "aaaErrors": [AAA]},
    ]
    reading = read(answer(PLAN, PT, dependents=people, errors=[AAA]))
    assert [(one.given_name, one.member_id, one.verdict) for one in reading.coverages] == [
        ("BEE", "TST0001", Verdict.ACTIVE),
        ("CEE", "TST0003", Verdict.ACTIVE_UNCLEAR),
    ]


@pytest.mark.parametrize("level", ["payer", "provider", "subscriber"])
def test_a_refusal_of_any_level_is_told_once_with_its_place(level: str) -> None:
    refused = {level: {"name": "EXAMPLE HEALTH PLAN", "aaaErrors": [AAA]}, "errors": [AAA]}
    coverage = coverage_of_json(refused)
    assert coverage.verdict is Verdict.UNDETERMINED
    [reason] = coverage.reasons
    assert (reason.code, reason.field) == ("AAA:72", "member_id")
    assert reason.text.endswith("(the payer asks to correct it and send it again)")
    assert reason.sources == (Source(0, f"{level}.aaaErrors[0].code"),)


def test_refusals_that_stand_at_the_top_only_are_refusals() -> None:
    refused = {"tradingPartnerServiceId": "EX001", "errors": [AAA], "status": "ERROR"}
    coverage = coverage_of_json(refused)
    assert coverage.reasons[0].sources == (Source(0, "errors[0].code"),)


@pytest.mark.parametrize("code", ["42", "80"])
def test_an_outage_that_may_not_be_resubmitted_is_asked_again(code: str) -> None:
    """Stedi sends "Resubmission Not Allowed" for a payer that is away for minutes."""
    outage = AAA | {"code": code, "followupAction": "Resubmission Not Allowed"}
    [reason] = coverage_of_json({"subscriber": {"aaaErrors": [outage]}}).reasons
    assert reason.kind is ReasonKind.ASK_AGAIN_LATER


def test_a_refusal_beside_active_entries_stops_them() -> None:
    coverage = coverage_of_json(answer(PLAN, PT, errors=[AAA]))
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "AAA:72" in codes(coverage)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"message": "Unauthorized TST0001"}, "message"),
        ({"error": {"code": "TST0001"}}, "error"),
        (
            {"code": "BAD", "message": "no", "errors": [{"member": "x", "message": "TST0001"}]},
            "errors",
        ),
        ({"benefitsInformation": [], "errors": [{"code": "TST0001"}]}, "errors"),
        ({}, "no member that we know"),
        ({"resourceType": "Patient"}, "no member that we know"),
        ({"benefitsInformation": None}, "no member that we know"),
    ],
)
def test_a_body_without_an_answer_is_no_coverage_and_names_its_members_only(
    body: Entry, named: str
) -> None:
    reading = read(body)
    assert reading.coverages == ()
    last = reading.diagnostics[-1]
    assert (last.code, last.severity) == ("no_answer", Severity.ERROR)
    assert named in last.message
    assert "TST0001" not in repr(reading)


def test_an_empty_list_of_benefits_is_an_answer_that_says_nothing() -> None:
    coverage = coverage_of_json({"benefitsInformation": [], "errors": [], "payer": {"name": "P"}})
    assert (coverage.payer, coverage.verdict) == ("P", Verdict.UNDETERMINED)


def test_a_plan_status_that_sums_up_the_entries_adds_nothing() -> None:
    status = [{"statusCode": "1", "planDetails": "EXAMPLE PPO 500", "serviceTypeCodes": ["30"]}]
    alone = coverage_of_json(answer(PLAN, PT))
    assert comparable(coverage_of_json(answer(PLAN, PT, planStatus=status))) == comparable(alone)


def test_a_plan_status_that_contradicts_is_heard() -> None:
    status = [{"statusCode": "6", "status": "Inactive", "serviceTypeCodes": ["30"]}]
    coverage = coverage_of_json(answer(PLAN, planStatus=status))
    plan = coverage.services[-1]
    assert plan.verdict is Verdict.ACTIVE_UNCLEAR
    assert plan.sources[-1].element == "planStatus[0].statusCode"


def test_a_plan_status_alone_is_an_answer() -> None:
    status = [{"status": "Inactive", "serviceTypeCodes": ["30"]}]
    assert coverage_of_json({"planStatus": status}).verdict is Verdict.INACTIVE


def test_what_repeats_the_first_of_a_list_is_not_said_twice() -> None:
    party = {"entityIdentifier": "Payer", "entityName": "SECOND HEALTH PLAN"}
    for members in (
        {"benefitsRelatedEntity": party},
        {"benefitsRelatedEntity": party, "benefitsRelatedEntities": [party]},
    ):
        coverage = coverage_of_json(answer(PLAN, PT, {"code": "R", **members}))
        assert [one.name for one in coverage.other_payers] == ["SECOND HEALTH PLAN"]


def test_a_raw_271_is_read_where_there_is_nothing_else() -> None:
    text = "~\n".join(document(f"{ACTIVE_PLAN}\nEB*1**PT").splitlines()) + "~"
    [coverage] = read({"meta": {"traceId": "1"}, "x12": text}).coverages
    assert (coverage.verdict, coverage.member_id) == (Verdict.ACTIVE, "TST0001")
    assert coverage.services[0].sources[0].element == "EB01"


def test_the_json_is_preferred_to_the_271_inside_it() -> None:
    text = "~".join(document("EB*6**30").splitlines()) + "~"
    assert coverage_of_json(answer(PLAN, PT, x12=text)).verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(answer(PLAN, PT)).encode("utf-8-sig"),
        json.dumps(answer(PLAN, PT)).encode("utf-16"),
        json.dumps(answer(PLAN, PT)).encode("utf-16-be"),
        json.dumps(answer(PLAN, PT)).encode("utf-32"),
        json.dumps(answer(PLAN, PT), indent=4).replace("\n", "\r\n").encode(),
        b"\n\n  " + json.dumps(answer(PLAN, PT)).encode(),
    ],
)
def test_every_unicode_encoding_is_read(content: bytes) -> None:
    assert coverage_of_json(content).verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[" * 200_000, "json_depth"),
        (b'{"a":' * 200_000, "json_depth"),
        (json.dumps(answer(PLAN)).encode()[:-9], "json"),
        (b"{", "json"),
        (b"{]", "json"),
        (b"[]", "json_shape"),
        (b'{"code": 1, "code": 6}', "json_twice"),
        (b"\xff\xfe{", "json"),
    ],
)
def test_what_is_no_document_is_one_finding_and_no_coverage(content: bytes, code: str) -> None:
    reading = read(content)
    assert reading.coverages == ()
    assert findings(reading)[-1] == code


def test_a_member_that_stands_twice_with_one_value_does_no_harm() -> None:
    text = json.dumps(answer(PLAN, PT)).replace('"code": "1",', '"code": "1", "code": "1",')
    assert coverage_of_json(text.encode()).verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "EB*6",
        [],
        PLAN | {"code": ["6"]},
        PLAN | {"code": {}},
        {"serviceTypeCodes": [["30"]]},
    ],
)
def test_an_entry_that_cannot_be_read_leaves_nothing_active(entry: object) -> None:
    reading = read(answer(PLAN, PT, entry))
    [coverage] = reading.coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert "answer_cut_off" in codes(coverage)
    assert {one.segment for one in reading.diagnostics} == {3}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (PT | {"code": 1}, "json_shape"),
        (PT | {"serviceTypeCodes": "PT"}, "json_shape"),
        (PT | {"additionalInformation": {"description": "x"}}, "json_shape"),
        (PT | {"benefitsDateInformation": {"benefit": "2026"}}, "json_shape"),
        (PT | {"benefitsDateInformation": {"benefit": "20261231-20260101"}}, "json_shape"),
        (PT | {"planCoverage": "EXAMPLE \ud800"}, "json_shape"),
    ],
)
def test_what_is_odd_and_can_be_read_is_read_with_a_warning(entry: Entry, code: str) -> None:
    reading = read(answer(PLAN, entry))
    [coverage] = reading.coverages
    assert coverage.verdict is Verdict.ACTIVE
    [finding] = reading.diagnostics
    assert (finding.code, finding.severity, finding.segment) == (code, Severity.WARNING, 2)


def test_an_entry_without_a_code_says_nothing_and_is_told() -> None:
    reading = read(answer(PLAN, PT, {"serviceTypeCodes": ["PT"]}))
    assert findings(reading) == ["eb_without_code"]


def test_nan_is_told_and_taken_for_absent() -> None:
    text = json.dumps(answer(PLAN, PT, COPAY | {"benefitAmount": float("nan")}))
    reading = read(text.encode())
    assert findings(reading) == ["json_constant"]
    assert "amount_missing" in codes(reading.coverages[0])


def test_null_everywhere_is_absent_everywhere() -> None:
    nothing: Entry = dict.fromkeys([*COPAY, "benefitsServiceDelivery", "additionalInformation"])
    everything = dict.fromkeys(answer(), None) | {"benefitsInformation": [nothing | PLAN, PT]}
    coverage = coverage_of_json(everything)
    assert (coverage.verdict, coverage.payer) == (Verdict.ACTIVE, "")


def test_bytes_that_are_no_text_are_told() -> None:
    content = json.dumps(answer(PLAN | {"planCoverage": "@"}, PT)).encode().replace(b"@", b"\xff")
    reading = read(content)
    assert findings(reading) == ["encoding"]
    assert reading.coverages[0].verdict is Verdict.ACTIVE


def test_a_document_of_nonsense_has_a_limited_number_of_findings() -> None:
    reading = read({"benefitsInformation": [0] * 50_000})
    assert len(reading.diagnostics) <= 102
    assert "more_findings" in findings(reading)


def test_no_finding_repeats_what_the_document_holds() -> None:
    secret = "TESTPERSON-9"
    odd = answer(
        {"code": [secret], secret: secret, "benefitsDateInformation": {"plan": secret}},
        secret,
        errors=[{"code": secret, "message": secret}],
    )
    reading = read(odd)
    assert len(reading.diagnostics) >= 4
    assert secret not in repr(reading.diagnostics)
