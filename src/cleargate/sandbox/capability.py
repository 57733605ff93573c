"""What the EHR says that it can do: the CapabilityStatement, and the table it is made from."""

from collections.abc import Collection

from cleargate.sandbox.search import SEARCHABLE
from cleargate.sandbox.trees import Json, Tree

_READ_ONLY = ("read", "search")
INTERACTIONS: dict[str, tuple[str, ...]] = {
    "Patient": ("read", "search", "create", "update"),
    "Coverage": ("read", "search", "create", "update"),
    "Slot": ("read", "search", "update"),
    "Appointment": ("read", "search", "create", "update", "patch"),
    "CoverageEligibilityResponse": ("read", "search", "create"),
    "DocumentReference": ("read", "search", "create"),
    "Schedule": _READ_ONLY,
    "Practitioner": _READ_ONLY,
    "PractitionerRole": _READ_ONLY,
    "Location": _READ_ONLY,
}
CREATABLE = frozenset(kind for kind, can in INTERACTIONS.items() if "create" in can)


def capability_statement(base: str, without: Collection[str] = ()) -> Tree:
    """The answer to `GET /metadata`; types of `without` are not there."""
    resources: list[Json] = [
        {
            "type": kind,
            "interaction": [
                {"code": {"search": "search-type"}.get(name, name)} for name in interactions
            ],
            "versioning": "versioned-update",
            "conditionalCreate": kind in CREATABLE,
            "conditionalUpdate": False,
            "searchParam": [
                {"name": name, "type": "token" if name == "identifier" else "string"}
                for name in SEARCHABLE[kind]
            ],
        }
        for kind, interactions in INTERACTIONS.items()
        if kind not in without
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-01",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "implementation": {"description": "Cleargate sandbox", "url": base},
        "rest": [{"mode": "server", "resource": resources}],
    }
