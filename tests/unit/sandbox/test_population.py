"""The population is the same for a seed, and how each case must end is fixed before the run."""

from collections import Counter
from datetime import date

import pytest

from cleargate.nouns.gate import Choice
from cleargate.nouns.insurance import Payment, Relationship
from cleargate.sandbox import answers
from cleargate.sandbox.members import State
from cleargate.sandbox.population import Final, Scenario, admin_body, people
from tests.unit.sandbox.peers import Peer, question

TODAY = date(2026, 11, 22)


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    assert people(7, 80, TODAY) == people(7, 80, TODAY)
    assert people(7, 80, TODAY)[:40] == people(7, 40, TODAY)
    assert people(7, 40, TODAY) != people(8, 40, TODAY)


@pytest.mark.parametrize("seed", range(20))
def test_thirty_of_forty_are_booked_untouched(seed: int) -> None:
    cast = people(seed, 40, TODAY)
    untouched = [person for person in cast if person.expected.untouched]
    assert len(untouched) == 30
    assert all(person.expected.final is Final.BOOKED for person in untouched)
    kinds = {person.scenario for person in untouched}
    assert {Scenario.SPOUSE, Scenario.MINOR, Scenario.EXISTING, Scenario.SECONDARY} <= kinds
    assert {Scenario.SELF_PAY, Scenario.SLOW_PAYER} <= kinds


def test_five_blocks_show_every_scenario() -> None:
    assert {person.scenario for person in people(7, 200, TODAY)} == set(Scenario)


def test_declined_cases_are_those_whose_gate_is_declined() -> None:
    for person in people(7, 160, TODAY):
        declined = any(choice is Choice.DECLINE for _, choice in person.expected.gates)
        assert declined == (person.expected.final is Final.DECLINED)


def test_nobody_is_somebody_else() -> None:
    cast = people(7, 400, TODAY)
    names = [(p.request.patient.name, p.request.patient.birth_date) for p in cast]
    assert max(Counter(names).values()) == 1
    emails = [p.request.patient.contact.email for p in cast if p.request.patient.contact.email]
    assert max(Counter(emails).values()) == 1
    members = [policy.member_id for person in cast for policy in person.policies]
    assert max(Counter(members).values()) == 1


def test_a_lookalike_of_the_practice_is_somebody_else() -> None:
    twins = [
        (person.request.patient, person.known)
        for seed in range(1, 40)
        for person in people(seed, 40, TODAY)
        if person.scenario is Scenario.LOOKALIKE
    ]
    assert len(twins) > 20
    for patient, known in twins:
        assert known is not None
        assert known.name.given != patient.name.given


def test_contacts_are_obviously_synthetic() -> None:
    for person in people(7, 400, TODAY):
        contact = person.request.patient.contact
        assert contact.email == "" or contact.email.endswith("@mail.example.test")
        assert contact.phone[5:8] == "555"
        assert (contact.email == "") == (person.scenario is Scenario.NO_EMAIL)


def test_request_carries_what_its_scenario_needs() -> None:
    for person in people(7, 160, TODAY):
        request = person.request
        insured = request.payment is Payment.INSURANCE
        assert bool(request.insurances) == insured
        accident = person.scenario in (Scenario.WORKERS_COMPENSATION, Scenario.AUTO)
        assert (request.accident is not None) == accident
        assert (len(request.insurances) == 2) == (person.scenario is Scenario.SECONDARY)
        minor = (TODAY - request.patient.birth_date).days < 18 * 365
        assert minor == (request.guarantor is not None) == (person.scenario is Scenario.MINOR)
        for insurance in request.insurances:
            assert (insurance.subscriber is None) == (insurance.relationship is Relationship.SELF)
        assert request.earliest > TODAY


def test_every_insured_person_is_known_to_a_payer_of_the_sandbox() -> None:
    for person in people(7, 160, TODAY):
        for policy, stated in zip(person.policies, person.request.insurances, strict=False):
            assert policy.payer_code in answers.payers()
            typed = f"{policy.member_id}0" if person.scenario is Scenario.MISTYPED else ""
            assert stated.member_id == (typed or policy.member_id)
        assert bool(person.policies) == (
            person.request.payment is Payment.INSURANCE
            and person.scenario is not Scenario.UNKNOWN_PAYER
        )


def test_admin_body_enrols_everybody_once(peer: Peer) -> None:
    cast = people(7, 40, TODAY)
    body = admin_body(cast, ["riverside"])
    first = peer.post("/_admin/people", json=body).json()
    known = sum(person.known is not None for person in cast)
    assert first["members"] == sum(len(person.policies) for person in cast)
    assert len({patient["id"] for patient in first["patients"]}) == known == 5
    again = peer.post("/_admin/people", json=body).json()
    assert again == {"members": 0, "patients": first["patients"]}


def test_payers_answer_about_them_as_their_policies_say(peer: Peer) -> None:
    cast = people(7, 40, TODAY)
    peer.post("/_admin/people", json=admin_body(cast, ["riverside"]))
    person = next(p for p in cast if p.scenario is Scenario.MINOR)
    (policy,) = person.policies
    assert policy.state is State.ACTIVE
    name = person.request.patient.name
    asked = question(
        payer=policy.payer_code,
        member_id=policy.member_id,
        dependent=(name.given, f"{person.request.patient.birth_date:%Y%m%d}"),
    ).replace(b"SAMPLEWRIGHT", name.family.encode())
    answer = peer.ask_payer(asked).content
    assert b"AAA" not in answer
    assert name.given.upper().encode() in answer
