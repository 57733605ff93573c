"""What we read of FHIR R4 resources: lenient models of the few members that matter to us.

Unknown members are ignored, absent ones are empty. Resources stay plain dicts on their way back
to the server, so that what we do not know survives. A ValidationError of these models quotes
values: client.py catches it and lets none of it out.
"""

import re
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from cleargate.nouns.ids import REF_SYSTEM, Ref

Resource: TypeAlias = dict[str, JsonValue]

_ISSUE_TYPE = re.compile(r"[a-z]{2,20}(-[a-z]{2,20}){0,2}")
# Some servers write the place in a list as `.0`, where FHIRPath has `[0]`.
_ELEMENT_PATH = re.compile(r"[A-Z][A-Za-z]{1,40}(\.[A-Za-z]{1,40}(\[\d{1,3}\]|\.\d{1,3})?){0,8}")


class Part(BaseModel):
    """Whatever we look at; frozen, so that a default is shared and not copied for each record."""

    model_config = ConfigDict(frozen=True)


class Coding(Part):
    """A code of a code system."""

    system: str = ""
    code: str = ""


class Concept(Part):
    """A CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str = ""


class Identifier(Part):
    """A business identifier."""

    system: str = ""
    value: str = ""


class Reference(Part):
    """A reference to another resource, with the name that people read."""

    reference: str = ""
    display: str = ""

    @property
    def type(self) -> str:
        """The type of what it points to, from `Slot/1` or a whole address."""
        return self._parts()[0]

    @property
    def id(self) -> str:
        """The id of what it points to."""
        return self._parts()[1]

    def _parts(self) -> tuple[str, str]:
        parts = self.reference.partition("/_history/")[0].split("/")
        return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")


class Meta(Part):
    """A resource's version."""

    version: str = Field(default="", alias="versionId")


class Head(Part):
    """What every resource has."""

    type: str = Field(default="", alias="resourceType")
    id: str = ""
    meta: Meta = Meta()
    identifier: tuple[Identifier, ...] = ()

    def carries(self, ref: Ref) -> bool:
        """Whether our Ref is stored in it."""
        return any(i.system == REF_SYSTEM and i.value == ref.value for i in self.identifier)

    def our_refs(self) -> frozenset[str]:
        """The values of all our Refs that are stored in it."""
        return frozenset(i.value for i in self.identifier if i.system == REF_SYSTEM)


class SlotView(Head):
    """A Slot as a search for openings needs it."""

    status: str = ""
    start: AwareDatetime
    end: AwareDatetime
    schedule: Reference = Reference()
    service_type: tuple[Concept, ...] = Field(default=(), alias="serviceType")

    def offers(self, code: str, system: str) -> bool:
        """Whether it is for a visit type; an empty system means any."""
        codings = [coding for concept in self.service_type for coding in concept.coding]
        return any(c.code == code and system in ("", c.system) for c in codings)


class ScheduleView(Head):
    """A Schedule: whose time it is, and where."""

    actor: tuple[Reference, ...] = ()


class AppointmentView(Head):
    """An Appointment as its status and its slots need it."""

    status: str = ""
    slot: tuple[Reference, ...] = ()


class HumanName(Part):
    """One of a person's names."""

    use: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    text: str = ""


class Telecom(Part):
    """A phone number or an e-mail address."""

    system: str = ""
    value: str = ""


class Postal(Part):
    """A postal address."""

    line: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = Field(default="", alias="postalCode")


class PatientView(Head):
    """A Patient as matching needs it. `birthDate` may be partial, as FHIR allows."""

    name: tuple[HumanName, ...] = ()
    birth_date: str = Field(default="", alias="birthDate")
    gender: str = ""
    telecom: tuple[Telecom, ...] = ()
    address: tuple[Postal, ...] = ()


class NamedView(Head):
    """A Location, a Practitioner or a PractitionerRole, by name."""

    name: str | tuple[HumanName, ...] = ""
    practitioner: Reference = Reference()


class Link(Part):
    """A page beside this page."""

    relation: str = ""
    url: str = ""


class Entry(Part):
    """One hit, or the server's word about the search."""

    resource: Resource = {}


class Bundle(Part):
    """A page of search results."""

    type: str = Field(alias="resourceType", pattern="^Bundle$")
    total: int | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Entry, ...] = ()

    def next_url(self) -> str:
        """The address of the next page, empty on the last."""
        return next((link.url for link in self.link if link.relation == "next"), "")


class CapabilityStatement(Part):
    """What a server says that it can do, per resource type."""

    class Rest(Part):
        """One side of the server."""

        class OfType(Part):
            """One resource type."""

            class Interaction(Part):
                """One interaction, such as `create`."""

                code: str = ""

            class SearchParam(Part):
                """One parameter that searches obey."""

                name: str = ""

            type: str = ""
            interaction: tuple[Interaction, ...] = ()
            conditional_create: bool = Field(default=False, alias="conditionalCreate")
            search: tuple[SearchParam, ...] = Field(default=(), alias="searchParam")

        resource: tuple[OfType, ...] = ()

    type: str = Field(alias="resourceType", pattern="^CapabilityStatement$")
    rest: tuple[Rest, ...] = ()

    def of(self, name: str) -> "CapabilityStatement.Rest.OfType":
        """What it says about a resource type; nothing when it does not know it."""
        found = (entry for rest in self.rest for entry in rest.resource if entry.type == name)
        return next(found, self.Rest.OfType())


class _Issue(Part):
    code: str = ""
    expression: tuple[str, ...] = ()
    location: tuple[str, ...] = ()


class _Outcome(Part):
    issue: tuple[_Issue, ...] = ()


def outcome_of(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The first issue's type and the named elements of an OperationOutcome, else nothing.

    `diagnostics` and `details` are left behind: servers quote the refused value there.
    """
    try:
        found = _Outcome.model_validate_json(content)
    except ValidationError:
        return "", ()
    code = next((i.code for i in found.issue if _ISSUE_TYPE.fullmatch(i.code)), "")
    names = [name for issue in found.issue for name in (*issue.expression, *issue.location)]
    return code, tuple(dict.fromkeys(name for name in names if _ELEMENT_PATH.fullmatch(name)))
