"""Who saw this patient: every look at them, over all their cases and lists, and what left."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from cleargate.nouns.ids import CaseId
from cleargate.nouns.patient import Name
from cleargate.store import audit, cases, people, staff
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.trail.fhir import audit_event
from cleargate.trail.who import Answer, index_of_case, who
from tests.house import House, open_case, visit_request

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)


def _person(session: Session, family: str) -> CaseId:
    plain = visit_request()
    patient = plain.patient.__class__(
        Name(family, "Toni"), plain.patient.birth_date, plain.patient.sex, plain.patient.contact
    )
    return open_case(session, NOW, request=visit_request(patient=patient))


@pytest.fixture
def looked_at(house: House) -> tuple[CaseId, CaseId, str]:
    """Two cases, of somebody who was looked at in every way and of another; the former's name."""
    name = f"Looked-{uuid4().hex[:8]}"
    with house.session() as session:
        case, other = _person(session, name), _person(session, "Other")
        staff.add(session, "robin", "Robin Frontdesk", "hash")
        robin = people.by_username(session, "robin")
        assert robin is not None
        actor = f"staff:{robin.id}"
        for event in (
            Event("case.read", Action.READ, "case", str(case), actor=actor, case=case),
            Event("gates.list", Action.READ, "gates", "x", actor=actor, cases=[other, case]),
            Event("gates.list", Action.READ, "gates", "y", actor=actor, cases=[other]),
            Event("case.read", Action.READ, "case", str(other), actor=actor, case=other),
            Event(
                "call.ask",
                Action.EXECUTE,
                "connection",
                "clearinghouse",
                case=case,
                connection="clearinghouse",
                code="ask:200",
                digest="ab",
            ),
        ):
            audit.record(session, event)
    return case, other, name


def test_every_look_at_a_patient_is_found_and_no_other(
    house: House, looked_at: tuple[CaseId, CaseId, str]
) -> None:
    with house.session() as session:
        patient = cases.index_of_person(
            session, f" {looked_at[2].upper()} ", date(1990, 2, 28)
        ).hex()
        assert index_of_case(session, looked_at[0]) == patient
        answer = who(session, patient, "cli:it", {"clearinghouse": "Sample House, Inc."})
    looks = answer.looks
    mine = [look for look in looks if look.case == str(looked_at[0]) or look.did == "gates.list"]
    assert [look.did for look in mine] == ["case.open", "case.read", "gates.list", "call.ask"]
    assert mine[1].actor == "Robin Frontdesk (robin)"
    assert str(looked_at[1]) not in {look.case for look in looks}
    assert [(each.organisation, each.operation, each.sure) for each in answer.disclosures] == [
        ("Sample House, Inc.", "ask", True)
    ]


def test_that_somebody_asked_is_on_the_trail_too(
    house: House, looked_at: tuple[CaseId, CaseId, str]
) -> None:
    with house.session() as session:
        patient = index_of_case(session, looked_at[0])
        assert patient is not None
        who(session, patient, "cli:it")
        asked = [each for each in audit.about(session, patient) if "audit.who" in each]
    assert len(asked) >= 1


def test_nobody_is_nobody(house: House) -> None:
    with house.session() as session:
        assert index_of_case(session, CaseId(uuid4())) is None
        assert who(session, "0" * 32, "cli:it") == Answer([], [])


def test_another_practice_s_patient_of_the_same_name_is_another(
    house: House, looked_at: tuple[CaseId, CaseId, str]
) -> None:
    with house.session(house.other) as session:
        patient = cases.index_of_person(session, looked_at[2], date(1990, 2, 28)).hex()
        assert who(session, patient, "cli:it") == Answer([], [])
        assert index_of_case(session, looked_at[0]) is None


SAID = {
    "id": "01a206dc-57a0-7715-bfbe-1a90de9c6e1f",
    "practice": "2a06b83e-ce8f-5b06-80f9-edb6db4bbe37",
    "recorded": "2026-11-23T05:23:53.377792Z",
    "type": "call.ask",
    "action": "R",
    "outcome": "refused",
    "actor": "staff:6f0c4a52-5b57-4d0e-9a53-7d6f3a1f4c11",
    "entity_type": "case",
    "entity_id": "20272c9d-e551-45db-ad83-865062b27229",
    "case": "20272c9d-e551-45db-ad83-865062b27229",
    "patient": "9eadd1f350707b8e56ff4371e6060316",
    "address": "192.0.2.7",
    "authn": "password",
    "connection": "clearinghouse",
    "code": "ask:500",
    "software": "0.1.0",
}


def test_an_event_is_a_valid_audit_event() -> None:
    """The elements that FHIR R4 and BALP's PatientRead demand."""
    resource = audit_event(SAID)
    assert (resource["action"], resource["outcome"]) == ("R", "4")
    assert resource["recorded"] == SAID["recorded"]
    assert {agent["requestor"] for agent in resource["agent"]} == {True, False}
    assert resource["agent"][0]["network"] == {"address": "192.0.2.7", "type": "2"}
    assert resource["source"]["observer"]["identifier"]["value"] == SAID["practice"]
    people_ = [each for each in resource["entity"] if each["role"]["code"] == "1"]
    assert [each["what"]["identifier"]["value"] for each in people_] == [SAID["patient"]]


@pytest.mark.parametrize("word", ["staff.sign_in", "key.rotate", "audit.who", "call.ask", "x"])
def test_every_kind_of_event_has_its_type(word: str) -> None:
    resource = audit_event({**SAID, "type": word})
    assert resource["type"]["code"]
    assert resource["subtype"][0]["code"] == word
