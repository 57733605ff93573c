"""An event of the trail as a FHIR R4 AuditEvent, after IHE's Basic Audit Log Patterns (BALP 1.1).

Source: https://profiles.ihe.net/ITI/BALP. A patient is named by the trail's own blind index, which
says nothing to who has no key; so each event is valid by itself, and none is PHI.
"""

from collections.abc import Mapping
from typing import Any

from cleargate.nouns.disclosure import BEGIN, discloses

Json = dict[str, Any]

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
_KINDS = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OURS = "urn:cleargate"

_REST = ("rest", "Restful Operation")
_SECURITY = ("110113", "Security Alert")
_AUTHENTICATION = ("110114", "User Authentication")
_EXPORT = ("110106", "Export")

_TYPE_OF: Mapping[str, tuple[str, tuple[str, str]]] = {
    "staff": (_DICOM, _AUTHENTICATION),
    "audit": (_DICOM, ("110101", "Audit Log Used")),
    "key": (_DICOM, _SECURITY),
    "call": (_DICOM, _EXPORT),
}
"""By the first word of an event's type; whatever is not here is an operation of the application."""

_OUTCOMES = {"ok": "0", "refused": "4", "failed": "8"}
"""0 success, 4 minor failure, 8 serious failure. Source: FHIR R4, AuditEvent.outcome."""

_PAYMENT = {"check", "eligibility", "call", "outage", "inquiry"}
"""First words of what is done for payment; everything else is the practice's operations."""


def audit_event(said: Mapping[str, Any]) -> Json:
    """The resource of one event's text."""
    word = str(said["type"]).partition(".")[0]
    system, (code, display) = _TYPE_OF.get(word, (_TYPES, _REST))
    purpose = "HPAYMT" if word in _PAYMENT else "HOPERAT"
    resource: Json = {
        "resourceType": "AuditEvent",
        "id": said["id"],
        "type": {"system": system, "code": code, "display": display},
        "subtype": [{"system": f"{_OURS}:event", "code": said["type"]}],
        "action": said["action"],
        "recorded": said["recorded"],
        "outcome": _OUTCOMES.get(str(said["outcome"]), "8"),
        "purposeOfEvent": [{"coding": [{"system": _PURPOSES, "code": purpose}]}],
        "agent": _agents(said),
        "source": {
            "observer": {"identifier": _identifier("practice", said["practice"])},
            "site": said["practice"],
        },
        "entity": _entities(said),
    }
    if said.get("code"):
        resource["outcomeDesc"] = said["code"]
    return resource


def _agents(said: Mapping[str, Any]) -> list[Json]:
    """Who did it; and, where something left the house, to whom."""
    actor: Json = {
        "type": _coding(_DICOM, "110153", "Source Role ID"),
        "who": {"identifier": _identifier("actor", said["actor"])},
        "requestor": True,
    }
    if said.get("address"):
        actor["network"] = {"address": said["address"], "type": "2"}
    if said.get("authn"):
        actor["policy"] = [f"{_OURS}:authn:{said['authn']}"]
    agents = [actor]
    if _left_the_house(said):
        agents.append(
            {
                "type": _coding(_DICOM, "110152", "Destination Role ID"),
                "who": {"identifier": _identifier("connection", said["connection"])},
                "requestor": False,
            }
        )
    return agents


def _left_the_house(said: Mapping[str, Any]) -> bool:
    """Whether something about a patient went to somebody, as far as this one event tells."""
    told = str(said["type"]).startswith("call.") and said["type"] != BEGIN
    operation = str(said.get("code", "")).rpartition(":")[0]
    return told and said["outcome"] != "unsent" and discloses(operation)


def _entities(said: Mapping[str, Any]) -> list[Json]:
    """What it was done to, and whom it is about."""
    entities = [_entity("4", said["entity_type"], said["entity_id"])]
    if said.get("case"):
        entities.append(_entity("20", "case", said["case"]))
    entities += [_entity("20", "case", case) for case in said.get("cases", [])]
    if said.get("patient"):
        patient = _entity("1", "patient", said["patient"])
        patient["type"] = {"system": _KINDS, "code": "1", "display": "Person"}
        entities.append(patient)
    if said.get("request_id"):
        entities.append(_entity("26", "request", said["request_id"]))
    return entities


def _entity(role: str, kind: str, identity: str) -> Json:
    return {
        "what": {"identifier": _identifier(kind, identity)},
        "type": {"system": _KINDS, "code": "2", "display": "System Object"},
        "role": {"system": _ROLES, "code": role},
    }


def _identifier(kind: str, value: str) -> Json:
    return {"system": f"{_OURS}:{kind}", "value": value}


def _coding(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}
