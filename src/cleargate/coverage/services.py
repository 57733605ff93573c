"""Service types that a therapy practice asks for, and the words that payers use for them.

Source: X12 code list 1365 (EB03); the words are those seen in payers' free text.
"""

import re
from datetime import date
from typing import NamedTuple

from cleargate.coverage.rows import PLAN

DEFAULT_SERVICES = ("PT", "AE", "AF", "AD", "98", "30")
"""The profile of a physical-therapy clinic; the first one is the primary service."""

NAMES = {
    "30": "Health plan",
    "33": "Chiropractic",
    "98": "Office visit",
    "A9": "Rehabilitation",
    "AD": "Occupational therapy",
    "AE": "Physical medicine",
    "AF": "Speech therapy",
    "PT": "Physical therapy",
}
"""What the front desk calls a service; a code that is not here is shown as it is."""

RELATED = {"PT": frozenset({"AE", "A9"}), "AE": frozenset({"PT", "A9"})}
"""Services under which some payers file another one."""

_ALL_RELATED: frozenset[str] = frozenset().union(*RELATED.values())


class Asked(NamedTuple):
    """What an answer is read for, made once a file: `services` on the day of the visit.

    The first of the services is the primary one. `each` is the set of them; rows of `wanted` can
    matter: those of the services, of the plan, and of related services. `near` are each service
    and those related to it. `payer` are the names by which the caller knows whom it asked.
    """

    services: tuple[str, ...]
    each: frozenset[str]
    wanted: frozenset[str]
    near: dict[str, frozenset[str]]
    on: date
    payer: tuple[str, ...] = ()


def asked_for(services: tuple[str, ...], on: date, payer: tuple[str, ...] = ()) -> Asked:
    """The services asked on a day, of which there is at least one."""
    each = frozenset(services)
    near = {service: RELATED.get(service, frozenset()) | {service} for service in services}
    return Asked(services, each, each | _ALL_RELATED | {PLAN}, near, on, payer)


_WORDS = {
    "PT": re.compile(r"\bPHYSICAL\b(?!\s+(?:EXAM|MEDICINE))|\bPT\b"),
    "AE": re.compile(r"\bPHYSICAL MEDICINE\b"),
    "AD": re.compile(r"\bOCCUPATIONAL\b|\bOT\b"),
    "AF": re.compile(r"\bSPEECH\b"),
    "33": re.compile(r"\bCHIROPRACTIC\b"),
}


def is_named_in(text: str, service: str) -> bool:
    """Whether free text, in capitals, names a service in words."""
    words = _WORDS.get(service)
    return words is not None and words.search(text) is not None
