"""A payer's rules are found by its own id, in every format that carries it.

An id that a clearinghouse gave the payer is another list's, and may be somebody else's there.
"""

import json
from typing import Any

import pytest

from cleargate.coverage.reading import read_answers
from tests.unit.coverage import test_availity_json as availity
from tests.unit.coverage import test_plans_json as plans
from tests.unit.coverage import test_pverify_json as pverify
from tests.unit.coverage import xml_answers as trizetto
from tests.unit.coverage.answers import ON, SERVICES

AETNA, UNITED, UNITED_NAME = "60054", "87726", "UNITEDHEALTHCARE"
RULES = "unitedhealthcare.toml"


def in_plans(name: str, **ids: str) -> bytes:
    payer: dict[str, Any] = {"name": {"organization": name}} | ids
    return json.dumps(plans.answer(plans.plan(), payer=payer)).encode()


def in_availity(name: str, **ids: str) -> bytes:
    return json.dumps(availity.RICH | {"payer": {"name": name} | ids}).encode()


def in_xml(name: str, **ids: str) -> bytes:
    above = "".join(f"<{key}>{value}</{key}>" for key, value in ids.items())
    return trizetto.document(trizetto.PT, payer=name, above=above).encode()


def rules(content: bytes) -> str:
    (coverage,) = read_answers(content, SERVICES, ON).coverages
    return coverage.payer_rules


FORMATS = [
    (in_availity, "responsePayerId"),
    (in_plans, "identification"),
    (in_plans, "etin"),
    (in_plans, "naicId"),
    (in_plans, "tin"),
    (in_plans, "ein"),
    (in_xml, "payerid"),
]


@pytest.mark.parametrize(("written", "place"), FORMATS)
def test_an_answer_without_a_name_is_read_by_the_payers_own_id(written, place):
    assert rules(written("", **{place: UNITED})) == RULES
    assert rules(written("")) == ""


@pytest.mark.parametrize(("written", "place"), FORMATS)
def test_a_name_and_the_id_of_another_payer_are_nobodys(written, place):
    assert rules(written(UNITED_NAME)) == RULES
    assert rules(written(UNITED_NAME, **{place: UNITED})) == RULES
    assert rules(written(UNITED_NAME, **{place: AETNA})) == ""


@pytest.mark.parametrize("written", [in_availity, in_plans])
def test_the_clearinghouses_id_of_a_payer_is_not_the_payers_own(written):
    assert rules(written("", payerId=UNITED)) == ""
    assert rules(written(UNITED_NAME, payerId=AETNA)) == RULES


def test_pverify_tells_its_own_code_only():
    told = pverify.answer(PayerName="", PverifyPayerCode=UNITED)
    assert rules(json.dumps(told).encode()) == ""
    named = pverify.answer(PayerName=UNITED_NAME, PverifyPayerCode=AETNA)
    assert rules(json.dumps(named).encode()) == RULES


def test_a_refusal_above_any_patient_has_the_payers_id_too():
    refusal = trizetto.rejection("Unable to Respond at Current Time")
    text = (
        "<eligibilityresponse><infosource><payername></payername>"
        f"<payerid>{UNITED}</payerid>{refusal}</infosource></eligibilityresponse>"
    )
    assert rules(text.encode()) == RULES


def test_aetnas_tax_number_in_trizettos_answers_is_aetna():
    assert rules(in_xml("", payerid="953402799")) == "aetna.toml"
    assert rules(in_xml("AETNA INC", payerid="953402799")) == "aetna.toml"
