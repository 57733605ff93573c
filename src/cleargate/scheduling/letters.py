"""The mails to a patient. Pure.

Neither the reason nor a specialty nor anything that a payer said is in them.
"""

from datetime import UTC, datetime, timedelta
from textwrap import dedent

from icalendar import Calendar, Event

from cleargate.directory.practice import Practice
from cleargate.nouns.appointment import Opening
from cleargate.nouns.ids import CaseId
from cleargate.ports import Message


def confirm_contact(practice: Practice, to: str, link: str) -> Message:
    """Ask the patient to confirm that this address is theirs."""
    hours = int(practice.intake.confirm_within / timedelta(hours=1))
    text = f"""\
        Hello,

        Somebody asked {practice.name} for a visit and gave this e-mail address.
        Please open this page and press the button, so that we know it was you:

        {link}

        The link is good for {hours} hours. If it was not you, do nothing:
        nothing will be booked.

        {practice.name}
        {practice.phone}
        """
    return Message(to, f"Please confirm your request to {practice.name}", dedent(text))


def check_details(practice: Practice, to: str, link: str, *, again: bool = False) -> Message:
    """Ask the patient to check a few details; the same whatever they are."""
    text = f"""\
        Hello,

        We are working on your request for a visit at {practice.name}. Before we
        can go on, please check a few of its details on this page:

        {link}

        Have your insurance card at hand. You can also call us at
        {practice.phone}.

        {practice.name}
        """
    subject = f"Please check your request to {practice.name}"
    return Message(to, f"Reminder: {subject}" if again else subject, dedent(text))


def confirmation(
    practice: Practice, to: str, case: CaseId, opening: Opening, now: datetime
) -> Message:
    """Tell the patient when and where."""
    start = opening.start.astimezone(practice.zone)
    text = f"""\
        Hello,

        Your visit at {practice.name} is booked:

        {_moment(start)}
        {opening.place}

        The attached file adds it to your calendar. To change or cancel it, call
        {practice.phone}.

        {practice.name}
        """
    calendar = _calendar(practice, case, opening, now)
    return Message(to, f"Your visit at {practice.name}", dedent(text), calendar)


def cancellation(practice: Practice, to: str) -> Message:
    """Tell the patient that nothing is booked any more."""
    text = f"""\
        Hello,

        Your visit at {practice.name} is canceled. If this surprises you,
        call {practice.phone}.

        {practice.name}
        """
    return Message(to, f"Your visit at {practice.name} is canceled", dedent(text))


def _moment(start: datetime) -> str:
    hour = start.strftime("%I").lstrip("0")
    return f"{start:%A}, {start:%B} {start.day}, {start.year} at {hour}:{start:%M %p} ({start:%Z})"


def _calendar(practice: Practice, case: CaseId, opening: Opening, now: datetime) -> str:
    """An .ics document; its UID is the case's, so a repeated mail makes no second entry."""
    event = Event()
    event.add("uid", f"{case.hex}@cleargate")
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", opening.start.astimezone(UTC))
    event.add("dtend", (opening.start + opening.duration).astimezone(UTC))
    event.add("summary", f"Visit at {practice.name}")
    event.add("location", opening.place)
    calendar = Calendar()
    calendar.add("prodid", "-//Cleargate//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content.decode()
