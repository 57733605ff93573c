"""TriZetto's eligibility XML: the traps of real answers, as far as this format can carry them."""

from datetime import date
from decimal import Decimal

import pytest

from cleargate.coverage.origins import trizetto_xml
from cleargate.nouns.coverage import (
    AmountKind,
    AuthorisationNeed,
    Network,
    Person,
    Source,
    Verdict,
)
from tests.unit.coverage.answers import amounts, codes, service
from tests.unit.coverage.xml_answers import (
    ACTIVE_PLAN,
    IN,
    OUT,
    PLAN_DATES,
    PT,
    benefit,
    coverage_of,
    document,
    element,
    envelope,
    read,
)

COPAY, COINSURANCE = AmountKind.COPAY, AmountKind.COINSURANCE
DEDUCTIBLE, OUT_OF_POCKET = AmountKind.DEDUCTIBLE, AmountKind.OUT_OF_POCKET
ACTIVE, UNCLEAR = Verdict.ACTIVE, Verdict.ACTIVE_UNCLEAR
UNDETERMINED = Verdict.UNDETERMINED


def dates(qualifier: str, text: str) -> str:
    return f"<date>{element('datequalifier', qualifier)}{element('date-of-service', text)}</date>"


# Formats and places


@pytest.mark.parametrize(
    "head",
    [
        b"<eligibilityresponse>",
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<eligibilityresponse/>',
        b' <?xml version="1.0"?><!-- x --><eligibilityresponse>',
        "<?xml version='1.0'?><eligibilityresponse>".encode("utf-16"),
        envelope("Success").encode(),
    ],
)
def test_a_document_is_told_by_its_root_or_by_its_envelope(head: bytes) -> None:
    assert trizetto_xml.recognises(head)


@pytest.mark.parametrize(
    "head", [b"", b"ISA*00*", b"<html>", b"{}", b"\xff\xfe", b"eligibilityresponse", b"<x", b"<<"]
)
def test_other_bytes_are_not_taken_for_it(head: bytes) -> None:
    assert not trizetto_xml.recognises(head)


def test_every_value_has_the_number_of_its_benefit_and_the_name_of_its_element() -> None:
    copay = benefit("Co-Payment", "PT", period="Visit", amount="20", network=IN, need="Yes")
    coverage = coverage_of(f"{PT}\n{copay}")
    [amount] = amounts(coverage, COPAY, "PT")
    assert amount.source == Source(3, "benefitamount")
    assert service(coverage).sources == (Source(2, "info"),)
    assert (amount.cents, amount.period, amount.network) == (2000, "visit", Network.IN)
    assert coverage.authorisation is AuthorisationNeed.REQUIRED


def test_who_the_answer_is_about() -> None:
    coverage = coverage_of(PT)
    assert (coverage.payer, coverage.plan) == ("EXAMPLE HEALTH PLAN", "EXAMPLE PPO 500")
    assert (coverage.family_name, coverage.given_name) == ("TESTPERSON", "ANN")
    assert (coverage.member_id, coverage.birth_date) == ("TST0001", date(1980, 2, 1))
    assert (coverage.begins, coverage.verdict) == (date(2026, 1, 1), ACTIVE)


def test_of_several_traces_the_one_that_the_clearinghouse_sent_counts() -> None:
    assert coverage_of(PT).trace == "TRACE0002"
    text = document(PT).replace("99Trizetto", "9OTHER")
    assert read(text).coverages[0].trace == "TRACE0001"


# Verdicts


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ("Active Coverage", ACTIVE),
        ("Active - Services Capitated", ACTIVE),
        ("1", ACTIVE),
        ("Inactive", Verdict.INACTIVE),
        ("Inactive - Pending Eligibility Update", Verdict.INACTIVE),
        ("Active - Pending Investigation", UNCLEAR),
        ("Cannot Process", UNDETERMINED),
        ("Benefit Disclaimer", UNDETERMINED),
    ],
)
def test_words_for_the_status_of_the_plan(info: str, verdict: Verdict) -> None:
    coverage = coverage_of(benefit(info, "30"), services=("30",), background="")
    assert coverage.verdict is verdict


def test_a_raw_list_of_services_is_read_to_its_end() -> None:
    many = "^".join(f"{number:02d}" for number in range(40, 96)) + "^PT"
    assert coverage_of(f"{ACTIVE_PLAN}{benefit('Active Coverage', many)}").verdict is ACTIVE


def test_a_service_in_words_without_its_code_does_not_speak_for_the_plan() -> None:
    coverage = coverage_of(benefit("Active Coverage", service="Dental Care"))
    assert service(coverage, "30").verdict is UNCLEAR
    rows = ACTIVE_PLAN + benefit("Active Coverage", service="Physical Therapy")
    assert coverage_of(rows).verdict is ACTIVE


def test_a_service_that_only_a_message_names_is_unclear_and_points_to_it() -> None:
    rows = ACTIVE_PLAN + benefit("Co-Payment", "A0", amount="35", message="Physical Therapy visit")
    [reason] = service(coverage_of(rows)).reasons
    assert reason.code == "service_in_text"
    assert Source(2, "message") in reason.sources


def test_not_covered_out_of_network_stops_nothing() -> None:
    coverage = coverage_of(f"{PT}{benefit('Non-Covered', 'PT', network=OUT)}")
    assert coverage.verdict is ACTIVE
    assert "not_covered_out_of_network" in codes(coverage)
    assert coverage_of(f"{ACTIVE_PLAN}{benefit('Non-Covered', 'PT')}").verdict is Verdict.INACTIVE


def test_medicare_inside_another_payers_answer_is_another_payer() -> None:
    medicare = benefit(
        "Active Coverage",
        "30",
        insurance="Medicare Part A",
        insurance_code="MA",
        message="EXAMPLE IS PRIME",
    )
    coverage = coverage_of(f"{PT}{medicare}", payer="BLUE EXAMPLE OF MASSACHUSETTS")
    [other] = coverage.other_payers
    assert (other.name, other.order) == ("Medicare Part A", "secondary")
    assert (coverage.plan, coverage.verdict) == ("EXAMPLE PPO 500", ACTIVE)
    without_code = medicare.replace(element("insurancetypecode", "MA"), "")
    assert coverage_of(f"{PT}{without_code}", payer="BLUE EXAMPLE").other_payers


def test_a_medicare_advantage_plan_in_medicares_own_answer_stops_every_service() -> None:
    entity = (
        "<benefitentity><entitycode>Primary Payer</entitycode><name>EXAMPLE ADVANTAGE</name>"
        "<communicationnumber>8005550100</communicationnumber></benefitentity>"
    )
    row = benefit("Other or Additional Payor", "30", insurance_code="HN", inside=entity)
    coverage = coverage_of(f"{PT}{row}", payer="CMS")
    assert {verdict.verdict for verdict in coverage.services} == {UNCLEAR}
    reason = next(one for one in coverage.reasons if one.code == "medicare_advantage")
    assert reason.text.endswith(": EXAMPLE ADVANTAGE")
    assert coverage.other_payers[0].order == "primary"
    assert coverage_of(f"{PT}{row}").verdict is ACTIVE


def test_another_payer_without_a_role_is_named() -> None:
    entity = "<benefitentity><name>EXAMPLE MUTUAL</name></benefitentity>"
    row = benefit("Other or Additional Payor", "30", inside=entity)
    [other] = coverage_of(f"{PT}{row}").other_payers
    assert (other.name, other.order, other.source.element) == (
        "EXAMPLE MUTUAL",
        "",
        "benefitentity",
    )


def test_a_contact_or_a_manager_for_the_service_makes_it_unclear() -> None:
    entity = "<benefitentity>{}<name>EXAMPLE NETWORK</name></benefitentity>"
    contact = benefit(
        "Contact Following Entity for Eligibility or Benefit Information",
        "PT",
        inside=entity.format(""),
    )
    manager = benefit(
        "Co-Insurance",
        "PT",
        percent=".2",
        inside=entity.format(element("entitycode", "Utilization Management Organization")),
    )
    for row in (contact, manager):
        coverage = coverage_of(f"{PT}{row}")
        assert coverage.verdict is UNCLEAR
        assert "EXAMPLE NETWORK" in service(coverage).reasons[0].text
    elsewhere = contact.replace("<servicetypecode>PT", "<servicetypecode>MH")
    assert coverage_of(f"{PT}{elsewhere}").verdict is ACTIVE


# Amounts


def test_a_missing_network_is_unstated_and_never_guessed() -> None:
    rows = (
        benefit("Deductible", "30", level="Individual", period="Calendar Year", amount="290"),
        benefit("Co-Payment", "PT", period="Visit", amount="20", network=OUT),
    )
    coverage = coverage_of(PT + "".join(rows))
    assert [amount.network for amount in coverage.amounts] == [Network.UNSTATED, Network.OUT]


@pytest.mark.parametrize(
    ("written", "percent"),
    [(".2", "20"), ("0.5", "50"), ("50", "50"), ("0", "0"), (".125", "12.5"), (".05", "5")],
)
def test_shares_are_read_on_both_scales(written: str, percent: str) -> None:
    rows = PT + benefit("Co-Insurance", "33^PT", percent=written, network=IN)
    [share] = amounts(coverage_of(rows), COINSURANCE, "PT")
    assert (share.percent, share.source.element) == (Decimal(percent), "percent")


def test_a_share_of_one_goes_to_a_person() -> None:
    coverage = coverage_of(PT + benefit("Co-Insurance", "PT", percent="1", network=IN))
    assert coverage.verdict is UNCLEAR
    assert "percent_scale" in codes(coverage)


def test_totals_and_what_remains_are_joined() -> None:
    rows = [
        benefit(info, "30", level=level, period=period, amount=amount, network=IN)
        for info, level, period, amount in [
            ("Deductible", "Individual", "Calendar Year", "1500"),
            ("Deductible", "Individual", "Remaining", "1420.39"),
            ("Out of Pocket (Stop Loss)", "Family", "Service Year", "13100"),
            ("Out of Pocket (Stop Loss)", "Family", "Remaining", "13097.6"),
        ]
    ]
    coverage = coverage_of(PT + "".join(rows))
    assert [(a.kind, a.person, a.cents, a.remaining, a.period) for a in coverage.amounts] == [
        (DEDUCTIBLE, Person.INDIVIDUAL, 150000, 142039, "calendar_year"),
        (OUT_OF_POCKET, Person.FAMILY, 1310000, 1309760, "service_year"),
    ]


def test_zero_rows_beside_real_ones_are_fillers() -> None:
    rows = benefit("Co-Insurance", "PT", period="Visit", percent="0", network=IN) + benefit(
        "Co-Payment", "PT", period="Visit", amount="30", network=IN
    )
    assert [amount.kind for amount in coverage_of(PT + rows).amounts] == [COPAY]


def test_copays_told_apart_by_words_only_are_unclear() -> None:
    rows = [
        benefit("Co-Payment", "98", period="Visit", amount=amount, network=IN, message=words)
        for amount, words in (("30", "PCP"), ("50", "Specialist"))
    ]
    coverage = coverage_of(PT + benefit("Active Coverage", "98") + "".join(rows))
    assert service(coverage, "98").verdict is UNCLEAR
    assert coverage.verdict is ACTIVE


@pytest.mark.parametrize("text", ["99999.99", "$20", "1,000", "-5"])
def test_what_is_no_amount_is_left_out_with_a_reason(text: str) -> None:
    coverage = coverage_of(PT + benefit("Co-Payment", "PT", amount=text))
    assert coverage.amounts == ()
    assert codes(coverage) & {"sentinel", "amount_unreadable"}


def test_the_formats_own_spelling_of_admission_is_understood() -> None:
    rows = benefit("Co-Payment", "PT", period="Admisson", amount="250") + benefit(
        "Co-Payment", "98", period="Admission", amount="250"
    )
    assert {amount.period for amount in coverage_of(PT + rows).amounts} == {"admission"}


def test_a_place_of_service_and_a_procedure_narrow_a_row_whatever_they_are_called() -> None:
    inside = element("place_of_service", "11") + element("procedure_code", "97110")
    rows = PT + benefit("Non-Covered", "PT", inside=inside)
    assert coverage_of(rows).verdict is ACTIVE
    rows = PT + benefit("Co-Payment", "PT", amount="20", inside=inside)
    assert coverage_of(rows).amounts[0].note == "place of service 11 / procedure 97110"


# Limits and needs


def test_a_combined_limit_under_related_services_has_what_remains_of_it() -> None:
    words = "Rehabilitative Combined total for Physical, Occupational, Speech Therapy"
    rows = [
        benefit(
            "Limitations",
            "AD^AE^AF",
            level="Individual",
            period=period,
            kind="Visits",
            quantity="40",
            message=words,
        )
        for period in ("Calendar Year", "Remaining")
    ]
    coverage = coverage_of(PT + "".join(rows), services=("PT", "30"))
    [limit] = coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (40, 40, "calendar_year")
    assert (limit.shared, limit.service_types) == (words, ("AD", "AE", "AF"))
    assert limit.source == Source(3, "quantity")
    assert coverage.verdict is ACTIVE


def test_delivery_elements_are_a_limit_with_its_period_and_remainder() -> None:
    inside = (
        "<benefitquantityqualifier>Visits</benefitquantityqualifier>"
        "<benefitquantity>60</benefitquantity>"
        "<period_count_qualifier>Years</period_count_qualifier><period_count>2</period_count>"
        "<benefitquantityqualifier>Visits</benefitquantityqualifier>"
        "<benefitquantity>12</benefitquantity>"
        "<period_count_qualifier>Remaining</period_count_qualifier>"
    )
    [limit] = coverage_of(PT + benefit("Limitations", "PT", inside=inside)).visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (60, 12, "2 years")
    assert limit.source.element == "benefitquantity"


def test_no_visits_left_stops() -> None:
    rows = [
        benefit("Limitations", "PT", period=period, kind="Visits", quantity=quantity)
        for period, quantity in (("Calendar Year", "20"), ("Remaining", "0"))
    ]
    coverage = coverage_of(PT + "".join(rows))
    assert coverage.verdict is UNCLEAR
    assert "visits_used_up" in codes(coverage)


def test_a_quantity_in_the_wrong_element_is_not_read() -> None:
    coverage = coverage_of(PT + benefit("Limitations", "PT", period="Visit", quantity="Visits"))
    assert coverage.visit_limits == ()
    assert "limit_unreadable" in codes(coverage)


@pytest.mark.parametrize(
    ("word", "need"),
    [
        ("Yes", AuthorisationNeed.REQUIRED),
        ("No", AuthorisationNeed.NOT_REQUIRED),
        ("Unknown", AuthorisationNeed.UNSTATED),
    ],
)
def test_words_for_the_authorisation(word: str, need: AuthorisationNeed) -> None:
    rows = ACTIVE_PLAN + benefit("Active Coverage", "PT", need=word)
    assert coverage_of(rows).authorisation is need


def test_authorisation_in_words() -> None:
    rows = PT + benefit("Limitations", "30", message="Plan Requires PreCert")
    assert coverage_of(rows).authorisation is AuthorisationNeed.REQUIRED


# Dates


@pytest.mark.parametrize(
    ("patient", "code"),
    [
        (dates("Plan", "20250101-20251231"), "plan_ended"),
        (dates("Plan Begin", "20260601"), "plan_not_begun"),
        (dates("Eligibility End", "20260401"), "plan_ended"),
        (PLAN_DATES + dates("Service", "20260116"), "for_another_day"),
    ],
)
def test_dates_of_the_patient_that_miss_the_visit_stop(patient: str, code: str) -> None:
    coverage = coverage_of(PT, patient=patient)
    assert coverage.verdict is UNCLEAR
    assert codes(coverage) == {code}
    assert coverage.reasons[0].sources == (Source(0, "date-of-service"),)


def test_dates_without_an_end_and_dates_of_other_things_stop_nothing() -> None:
    patient = dates("Plan", "20160601-99991231") + dates("Date of Last Update", "20250101")
    assert coverage_of(PT, patient=patient).verdict is ACTIVE


def test_a_row_that_is_out_of_date_is_put_aside() -> None:
    row = benefit("Active Coverage", "PT", dates_of="Plan", dates="20250101-20251231")
    assert coverage_of(ACTIVE_PLAN + row).verdict is UNCLEAR


# Unknown words and elements


def test_an_unknown_word_is_reported_by_its_element_and_says_nothing() -> None:
    rows = ACTIVE_PLAN + benefit("Sort of Covered", "PT")
    reading = read(document(rows))
    [finding] = reading.diagnostics
    assert str(finding) == (
        "warning: segment 2: The element info (line 9) holds a word that is on no list."
        " [unknown_word]"
    )
    assert reading.coverages[0].verdict is UNCLEAR


@pytest.mark.parametrize("part", ["level", "period", "network", "need", "kind"])
def test_unknown_words_elsewhere_are_reported_and_nothing_is_concluded(part: str) -> None:
    words = {part: "TESTPERSON"}
    row = benefit("Co-Payment", "PT", amount="20", **words)
    reading = read(document(PT + row))
    assert [finding.code for finding in reading.diagnostics] == ["unknown_word"]
    assert "TESTPERSON" not in str(reading.diagnostics)
    [amount] = reading.coverages[0].amounts
    assert (amount.network, amount.person) == (Network.UNSTATED, Person.UNSTATED)


def test_an_unknown_element_is_reported_and_the_rest_is_read() -> None:
    rows = PT + benefit("Co-Payment", "PT", amount="20", inside="<novelty>TESTPERSON</novelty>")
    reading = read(document(rows, patient=f"{PLAN_DATES}<moon>full</moon>"))
    assert [finding.code for finding in reading.diagnostics] == ["unknown_element"] * 2
    assert "TESTPERSON" not in str(reading.diagnostics)
    assert len(reading.coverages[0].amounts) == 1


@pytest.mark.parametrize(
    "text", ["tomorrow", "20261301", "20260201-20260101", "2026-01-01", "202601011"]
)
def test_dates_that_are_none_are_reported_and_not_used(text: str) -> None:
    reading = read(document(PT, patient=dates("Plan", text)))
    assert [finding.code for finding in reading.diagnostics] == ["date"]
    assert reading.coverages[0].begins is None


def test_a_birth_date_that_is_none_is_reported() -> None:
    reading = read(document(PT).replace("19800201", "19800230"))
    assert [finding.code for finding in reading.diagnostics] == ["date"]
    assert reading.coverages[0].birth_date is None


@pytest.mark.parametrize("word", ["1.", "(A)", "ACTIVE COVERAGE?!1"])
def test_what_only_resembles_a_code_is_none(word: str) -> None:
    reading = read(document(ACTIVE_PLAN + benefit(word, "PT")))
    assert [finding.code for finding in reading.diagnostics] == ["unknown_word"]
    assert reading.coverages[0].verdict is UNCLEAR


def test_what_is_missing_repeated_or_misplaced_is_reported() -> None:
    twice = element("benefitamount", "20") + element("benefitamount", "30")
    rows = PT + benefit("Co-Payment", "PT", inside=twice) + "<benefit/>"
    outside = f"<wrapper>{benefit('Inactive', '30')}</wrapper>"
    reading = read(document(rows, after=outside))
    assert {finding.code for finding in reading.diagnostics} == {
        "repeated_element",
        "info_missing",
        "benefit_outside",
    }
    assert reading.coverages[0].verdict is ACTIVE
