"""Every kill there is: each write of the ports, at each of its four points.

The writes come from ports.py itself. Whoever adds one says here at which call over there it can
be lost, or the suite fails.
"""

import inspect
from collections.abc import Iterator

from cleargate import ports
from cleargate.nouns.ids import Ref
from tests.workflows.worker import Blow, Point

LOST_BY = {
    "create_patient": ("ehr:*:create:Patient", "lost_reply"),
    "put_insurance": ("ehr:*:create:Coverage", "lost_reply"),
    "book": ("ehr:*:create:Appointment", "lost_reply"),
    "set_booking_status": ("ehr:*:update:Appointment", "lost_reply"),
    "record_eligibility": ("ehr:*:create:CoverageEligibilityResponse", "lost_reply"),
    "check_eligibility": ("core:*", "lost_reply"),
    "send": ("smtp:data", "smtp_lost"),
}
"""Per write: the sandbox's call, and the fault that loses its reply after the effect."""


_READS = {"find_by_ref"}
"""It takes a Ref to look for it, and does nothing."""


def writes() -> Iterator[str]:
    """Every method of a port that does something under a Ref."""
    for _, port in inspect.getmembers(ports, inspect.isclass):
        if getattr(port, "_is_protocol", False):
            for name, method in inspect.getmembers(port, inspect.isfunction):
                takes_ref = Ref in inspect.get_annotations(method).values()
                if takes_ref and name not in _READS:
                    yield name


def kills() -> list[Blow]:
    """Four for each write."""
    return [Blow(method, point) for method in sorted(writes()) for point in Point]
