"""One practice: its directory, its policies, and the outside systems that it works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cleargate.directory.offices import PracticeDirectory
from cleargate.directory.payers import Connection, PayerDirectory
from cleargate.nouns.ids import PracticeId
from cleargate.ports import Clearinghouse, Messenger, PracticeSystem


class ConfirmContact(StrEnum):
    """Whose contact is confirmed by a link before paid checks and unattended booking."""

    ALWAYS = "always"
    NEW = "new"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class IntakePolicy:
    """What the public form and the API may cost and do. Limits are per practice.

    `posts_per_hour` counts for each address, `api_calls_per_minute` for each token.
    """

    confirm_contact: ConfirmContact = ConfirmContact.NEW
    confirm_within: timedelta = timedelta(hours=48)
    answer_within: timedelta = timedelta(hours=48)
    receipt_valid: timedelta = timedelta(days=30)
    posts_per_hour: int = 20
    paid_checks_per_day: int = 300
    api_calls_per_minute: int = 300


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When somebody is at the desk: weekdays, from `opens` to `closes`, in the practice's zone."""

    opens: time = time(8)
    closes: time = time(17)

    def before(self, moment: datetime, hours: int) -> datetime:
        """The moment that lies so many office hours before another, zone-aware."""
        left = timedelta(hours=hours)
        day = moment.date()
        while True:
            opens = datetime.combine(day, self.opens, moment.tzinfo)
            closes = min(moment, datetime.combine(day, self.closes, moment.tzinfo))
            if day.weekday() < 5 and closes > opens:
                if closes - opens >= left:
                    return closes - left
                left -= closes - opens
            day -= timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BookingPolicy:
    """How visits are booked.

    Without a verdict after `hold_after`, or for a visit within `hold_within`, a time is held.
    `search_days` is how far ahead openings are looked for, `offers_max` how many are offered.
    """

    hold_after: timedelta = timedelta(minutes=10)
    hold_within: timedelta = timedelta(hours=48)
    search_days: int = 20
    offers_max: int = 5
    give_up_after: timedelta = timedelta(hours=24)
    office_hours_before_visit: int = 2


@dataclass(frozen=True, slots=True)
class EligibilityPolicy:
    """When payers are asked again about visits to come, which costs a question each.

    `sweep_at` is when each day the visits of the next `sweep_days` days are looked through; None:
    only when somebody says so. `write_back`: the newer answers go to the practice's system.
    """

    sweep_at: time | None = None
    sweep_days: int = 3
    write_back: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a practice's pages need to know of it. `public_url` has no slash at its end."""

    id: PracticeId
    slug: str
    name: str
    npi: str
    phone: str
    zone: ZoneInfo
    public_url: str
    service_types: tuple[str, ...]
    directory: PracticeDirectory
    payers: PayerDirectory
    intake: IntakePolicy = field(default_factory=IntakePolicy)
    booking: BookingPolicy = field(default_factory=BookingPolicy)
    office_hours: OfficeHours = field(default_factory=OfficeHours)
    eligibility: EligibilityPolicy = field(default_factory=EligibilityPolicy)

    def opens_on(self, day: date) -> datetime:
        """When the office opens on a day."""
        return datetime.combine(day, self.office_hours.opens, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice(Profile):
    """A practice with the outside systems that it works with, as a case's procedure needs it."""

    connections: tuple[Connection, ...]
    ehr: PracticeSystem
    clearinghouses: Mapping[str, Clearinghouse]
    mail: Messenger

    @property
    def longest_call(self) -> timedelta:
        """The longest that one call outside may take."""
        houses = [each.deadline_s for each in self.clearinghouses.values()]
        return timedelta(seconds=max(self.ehr.deadline_s, self.mail.deadline_s, *houses))
