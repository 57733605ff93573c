"""What left this house about a patient, to whom and when, read from the trail's calls of a case.

For the accounting of disclosures (45 CFR 164.528). In doubt it counts as told: a call whose answer
was lost, and one whose worker died before it could say what became of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cleargate.nouns.outside import DISCOVER, MINT

BEGIN = "call.begin"
"""The event before a try's first byte leaves; its code is the step."""

NOBODY = "nobody"
"""The operation of a try that called nobody."""

_ABOUT_NOBODY = frozenset({MINT, DISCOVER, NOBODY})
_TYPES_ABOUT_NOBODY = frozenset(
    {"Slot", "Schedule", "Practitioner", "PractitionerRole", "Location", "Organization"}
)
_STEPS_ABOUT_NOBODY = frozenset({"find_openings"})


@dataclass(frozen=True, slots=True)
class ToldCall:
    """One `call.*` event of a case: the columns of the trail that are needed here."""

    type: str
    connection: str
    code: str
    outcome: str
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Something about the patient went to an organisation. `sure`: it is known to have arrived.

    `operation` is what was called, or the step of a try of which only the beginning is told.
    """

    organisation: str
    operation: str
    at: datetime
    sure: bool


def discloses(operation: str) -> bool:
    """Whether a call tells about a patient; what is not known to be harmless does."""
    _, _, kind = operation.partition(":")
    return operation not in _ABOUT_NOBODY and kind not in _TYPES_ABOUT_NOBODY


def disclosures(
    events: Iterable[ToldCall], organisations: Mapping[str, str]
) -> tuple[Disclosure, ...]:
    """The disclosures of one case, oldest first. `events` are its calls in the trail's order.

    `organisations` names who stands behind a connection (PracticeFile.organisations).
    """
    found: list[Disclosure] = []
    open_tries: dict[tuple[str, str], ToldCall] = {}

    def note(event: ToldCall, operation: str, *, sure: bool) -> None:
        name = organisations.get(event.connection, event.connection)
        found.append(Disclosure(name, operation, event.recorded, sure))

    for event in events:
        if event.type == BEGIN:
            broken = open_tries.pop((event.connection, event.code), None)
            if broken is not None:
                note(broken, broken.code, sure=False)
            if event.code not in _STEPS_ABOUT_NOBODY:
                open_tries[event.connection, event.code] = event
            continue
        step = event.type.partition(".")[2].removesuffix(".look")
        open_tries.pop((event.connection, step), None)
        operation = event.code.rpartition(":")[0]
        if event.outcome != "unsent" and discloses(operation):
            note(event, operation, sure=event.outcome != "unsure")
    for broken in open_tries.values():
        note(broken, broken.code, sure=False)
    return tuple(sorted(found, key=lambda each: each.at))
