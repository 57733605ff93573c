"""Visits: what is offered, wished, held and booked. Every time is zone-aware."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class DayPart(StrEnum):
    """When on a day a patient can come."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Wish:
    """A preferred time: `weekday` is 0 for Monday, None for any day."""

    weekday: int | None = None
    part: DayPart = DayPart.ANY

    def fits(self, start: datetime) -> bool:
        """Whether a start, in the office's own zone, fulfils the wish."""
        if self.weekday is not None and start.weekday() != self.weekday:
            return False
        return self.part is DayPart.ANY or (start.hour < 12) == (self.part is DayPart.MORNING)


@dataclass(frozen=True, slots=True)
class VisitType:
    """A kind of visit that the practice offers: `code` is ours and the EHR's service type."""

    code: str
    name: str
    duration: timedelta
    new_patients: bool = True


@dataclass(frozen=True, slots=True)
class Opening:
    """A free time. `token` is the vendor's id and version, opaque to everyone else."""

    start: datetime
    duration: timedelta
    provider: str
    place: str
    token: str


@dataclass(frozen=True, slots=True)
class OpeningQuery:
    """Free times of a visit type, from `earliest` to `latest`, both included."""

    visit_type: str
    earliest: date
    latest: date


class BookingStatus(StrEnum):
    """Where a booking stands: held until the payer has spoken, or firm, or given back."""

    TENTATIVE = "tentative"
    BOOKED = "booked"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """What the practice's schedule shows beside the time."""

    visit_type: str
    status: BookingStatus
    note: str = ""
