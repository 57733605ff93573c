from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.nouns.appointment import DayPart, VisitType, Wish
from cleargate.nouns.insurance import (
    AccidentClaim,
    Insurance,
    Payment,
    Referral,
    Relationship,
    Subscriber,
)
from cleargate.nouns.patient import Address, Contact, Guarantor, Name, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.web.intake.forms import FormErrors, RequestForm, parse

TODAY = date(2026, 11, 23)
VISITS = (VisitType("eval", "Evaluation", timedelta(minutes=60)),)
PAYERS = PayerDirectory([Payer("sample-health", "Sample Health", ("SH",), code="99999")])

GOOD = {
    "given": "Robin",
    "family": "Testperson",
    "birth_date": "03/14/1985",
    "sex": "female",
    "email": "robin@sample.example",
    "phone": "(214) 555-0123",
    "mail_consent": "yes",
    "visit_type": "eval",
    "reason": "Knee pain after a fall",
    "payment": "insurance",
    "primary_payer_id": "sample-health",
    "primary_member_id": "W12 345",
}
INSURANCE = Insurance("sample-health", "Sample Health", "W12345")


def outcome(**changes: str) -> VisitRequest | FormErrors:
    return parse(GOOD | changes, VISITS, TODAY, PAYERS)


def request(**changes: str) -> VisitRequest:
    found = outcome(**changes)
    assert isinstance(found, VisitRequest), found
    return found


def errors(**changes: str) -> dict[str, str]:
    found = outcome(**changes)
    assert isinstance(found, FormErrors)
    return dict(found.errors)


def test_a_good_form_becomes_a_request() -> None:
    contact = Contact("robin@sample.example", "+12145550123")
    assert request() == VisitRequest(
        channel=Channel.WEB,
        patient=Patient(Name("Testperson", "Robin"), date(1985, 3, 14), Sex.FEMALE, contact),
        visit_type="eval",
        reason="Knee pain after a fall",
        earliest=TODAY,
        wishes=(),
        payment=Payment.INSURANCE,
        insurances=(INSURANCE,),
        mail_consent=True,
    )


def test_an_empty_form_names_every_field_that_is_needed_at_once() -> None:
    found = parse({}, VISITS, TODAY, PAYERS)
    assert isinstance(found, FormErrors)
    assert list(found.errors) == [
        "given", "family", "birth_date", "sex", "email", "visit_type", "reason",
        "primary_payer", "primary_member_id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "typed", ["1985-03-14", "3/14/1985", "03-14-1985", "03.14.1985", "03141985", " 03/14/1985 "]
)
def test_dates_are_read_as_people_type_them(typed: str) -> None:
    assert request(birth_date=typed).patient.birth_date == date(1985, 3, 14)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("birth_date", "14/03/1985"),
        ("birth_date", "3/14/85"),
        ("birth_date", "02/30/1985"),
        ("birth_date", "0000-00-00"),
        ("birth_date", "11/24/2026"),
        ("birth_date", "11/23/1905"),
        ("birth_date", "yesterday"),
        ("sex", ""),
        ("sex", "fem"),
        ("family", "<b>"),
        ("family", "12"),
        ("given", "R*bin"),
        ("email", "robin@sample"),
        ("email", "robin@sample.example, other@sample.example"),
        ("email", "robin@sample.example>"),
        ("phone", "555-0188"),
        ("phone", "call me"),
        ("phone", "000-000-0000"),
        ("visit_type", "surgery"),
        ("reason", "  "),
        ("earliest", "2026-11-22"),
        ("earliest", "2028-01-01"),
        ("wish_2_weekday", "7"),
        ("wish_3_part", "night"),
        ("payment", "barter"),
        ("primary_member_id", "W1*2"),
        ("primary_relationship", "neighbour"),
        ("referral_date", "12/01/2026"),
        ("reason", "x" * 501),
        ("family", "x" * 101),
    ],
)
def test_a_field_that_cannot_be_right_has_a_sentence_that_repeats_nothing(
    field: str, typed: str
) -> None:
    message = errors(**{field: typed})[field]
    assert message.endswith(".")
    assert typed.strip() == "" or typed.strip() not in message


def test_somebody_must_be_reachable() -> None:
    assert list(errors(email="", phone="")) == ["email"]
    assert request(email="", mail_consent="").patient.contact == Contact(phone="+12145550123")
    assert list(errors(phone="", mail_consent="")) == ["mail_consent"]
    assert request(phone="").mail_consent


def test_an_address_is_whole_or_absent() -> None:
    whole = {"address_line": "1 Sample St", "city": "Sampletown", "state": "tx", "zip": "75001"}
    address = request(**whole).patient.contact.address
    assert address == Address("1 Sample St", "Sampletown", "TX", "75001")
    assert set(errors(zip="7500", state="ZZ")) == {"address_line", "city", "state", "zip"}
    assert set(errors(**whole | {"city": ""})) == {"city"}


def test_a_payer_is_found_by_id_or_by_its_name_and_is_otherwise_kept_as_typed() -> None:
    def stated(**changes: str) -> Insurance:
        return request(**changes).insurances[0]

    assert stated() == INSURANCE
    assert stated(primary_payer_id="", primary_payer="sh") == INSURANCE
    other = stated(primary_payer_id="", primary_payer="Union Local 1")
    assert (other.payer_id, other.payer_name) == ("", "Union Local 1")
    forged = stated(primary_payer_id="forged", primary_payer="Union Local 1")
    assert (forged.payer_id, forged.payer_name) == ("", "Union Local 1")
    assert set(errors(primary_payer_id="forged")) == {"primary_payer"}


def test_a_dependent_names_the_subscriber() -> None:
    assert set(errors(primary_relationship="child")) == {
        "primary_subscriber_given", "primary_subscriber_family", "primary_subscriber_birth_date",
    }  # fmt: skip
    insurance = request(
        primary_relationship="child",
        primary_group="G 7",
        primary_subscriber_given="Dana",
        primary_subscriber_family="Testperson",
        primary_subscriber_birth_date="1960-01-02",
    ).insurances[0]
    assert (insurance.relationship, insurance.group) == (Relationship.CHILD, "G 7")
    assert insurance.subscriber == Subscriber(Name("Testperson", "Dana"), date(1960, 1, 2))


def test_a_second_insurance_stands_second_and_is_checked_as_the_first() -> None:
    assert set(errors(secondary_payer="SH")) == {"secondary_member_id"}
    both = request(secondary_payer="SH", secondary_member_id="Z9").insurances
    assert [each.member_id for each in both] == ["W12345", "Z9"]


@pytest.mark.parametrize("payment", ["self_pay", "workers_compensation", "auto"])
def test_insurance_fields_do_not_count_when_something_else_pays(payment: str) -> None:
    claim = {"claim_number": "C-1", "accident_date": "2026-11-01"}
    found = request(payment=payment, primary_payer_id="", primary_member_id="", **claim)
    assert found.insurances == ()


def test_an_accident_needs_its_claim() -> None:
    assert set(errors(payment="auto")) == {"claim_number", "accident_date"}
    accident = request(
        payment="workers_compensation",
        claim_number="C-1",
        accident_date="2026-11-01",
        adjuster="Sam Sample",
        adjuster_phone="214-555-0177",
    ).accident
    assert accident == AccidentClaim("C-1", "Sam Sample", "+12145550177", date(2026, 11, 1))
    assert request().accident is None


def test_a_minor_needs_an_adult_guarantor_who_is_reached_like_the_patient_by_default() -> None:
    minor = {"birth_date": "2008-11-24"}
    assert set(errors(**minor)) == {
        "guarantor_given", "guarantor_family", "guarantor_birth_date", "guarantor_relationship",
    }  # fmt: skip
    guarantor = {
        "guarantor_given": "Dana",
        "guarantor_family": "Testperson",
        "guarantor_birth_date": "1980-01-02",
        "guarantor_relationship": "mother",
    }
    found = request(**minor, **guarantor)
    assert found.guarantor == Guarantor(
        Name("Testperson", "Dana"), date(1980, 1, 2), found.patient.contact, "mother"
    )
    young = guarantor | {"guarantor_birth_date": "2010-01-02"}
    assert set(errors(**minor, **young)) == {"guarantor_birth_date"}
    assert request(birth_date="2008-11-23").guarantor is None


def test_a_referral_has_a_date_and_a_true_npi() -> None:
    assert request(referral_date="2026-11-01", referrer_npi="1234567893").referral == Referral(
        date(2026, 11, 1), "1234567893"
    )
    assert set(errors(referral_date="2026-11-01", referrer_npi="1234567890")) == {"referrer_npi"}
    assert request(referral_date="2026-11-01").referral == Referral(date(2026, 11, 1), "")
    assert set(errors(referrer_npi="1234567893")) == {"referral_date"}


def test_wishes_are_kept_once_each_and_empty_ones_are_none() -> None:
    assert request(
        wish_1_weekday="0", wish_1_part="morning", wish_2_part="any",
        wish_3_weekday="0", wish_3_part="morning",
    ).wishes == (Wish(0, DayPart.MORNING),)  # fmt: skip


def test_what_a_machine_adds_is_ignored_and_what_is_no_text_is_refused() -> None:
    assert request(patient_id="1", __proto__="x") == request()
    for odd in (None, 7, ["x"], "\ud800"):
        found = parse(GOOD | {"given": odd}, VISITS, TODAY, PAYERS)  # type: ignore[dict-item]
        assert isinstance(found, FormErrors)
        assert dict(found.errors) == {"given": "This must be text."}


def test_control_characters_never_get_in() -> None:
    assert request(reason="a\x00b\r\nBcc: x").reason == "a b Bcc: x"


@given(st.dictionaries(st.sampled_from(list(RequestForm.model_fields)), st.text(max_size=40)))
def test_no_input_breaks_the_form_or_comes_back_in_a_message(fields: dict[str, str]) -> None:
    for base in ({}, GOOD):
        found = parse(base | fields, VISITS, TODAY, PAYERS)
        if isinstance(found, FormErrors):
            assert found.errors
            assert set(found.errors) <= set(RequestForm.model_fields)
