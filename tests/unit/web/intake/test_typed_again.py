"""A request as form fields, for whoever corrects it: typed again it is the same request."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.nouns.appointment import VisitType
from cleargate.nouns.patient import Name
from cleargate.sandbox.population import SyntheticPerson, people
from cleargate.scheduling.request_fields import changed_fields, fields_of
from cleargate.web.intake.forms import parse

TODAY = date(2030, 1, 7)
CAST = people(7, 160, TODAY)
VISITS = tuple(
    VisitType(code, code, timedelta(hours=1)) for code in {p.request.visit_type for p in CAST}
)
PAYERS = PayerDirectory(
    [
        Payer(policy.payer_id, policy.payer_name, code="99999")
        for policy in {
            policy.payer_id: policy
            for person in CAST
            for policy in person.request.insurances
            if policy.payer_id
        }.values()
    ]
)


@pytest.mark.parametrize("person", CAST[:80], ids=lambda person: person.scenario.value)
def test_typed_again_it_is_the_same_request(person: SyntheticPerson) -> None:
    request = person.request
    again = parse(fields_of(request), VISITS, TODAY, PAYERS, request.channel)
    assert again == request


def test_the_changed_fields_are_named_and_never_shown() -> None:
    request = next(person.request for person in CAST if len(person.request.insurances) == 2)
    first, second = request.insurances
    corrected = replace(
        request,
        patient=replace(request.patient, name=Name("Othertestperson", request.patient.name.given)),
        insurances=(replace(first, member_id="OTHER0001"),),
    )
    names = changed_fields(request, corrected)
    assert {"family", "primary_member_id", "secondary_member_id"} <= set(names)
    assert all(name.startswith(("family", "primary_member", "secondary_")) for name in names)
    assert second.member_id not in " ".join(names)
