"""`cleargate audit who`: who saw a patient, and to whom something about them was disclosed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from cleargate.house import House
from cleargate.nouns.disclosure import Disclosure
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.operations.check_one import Prompt, ask_at_terminal
from cleargate.operations.checks import actor, practice_of
from cleargate.store import cases
from cleargate.store.database import Session
from cleargate.trail import who as trail_who
from cleargate.trail.who import Look

DATE_FORMATS = ("%m/%d/%Y", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class WhoOptions:
    """Whom it is about: the patient of a case, or somebody who is asked for at the prompt."""

    practice: str = ""
    case: str = ""
    disclosures: bool = False
    as_json: bool = False


def who_saw(
    house: House, options: WhoOptions, console: Console, prompt: Prompt = ask_at_terminal
) -> None:
    """Print every event about one patient, the oldest first."""
    profile = practice_of(house, options.practice)
    person = None if options.case else _ask(prompt)
    with house.database.session(profile.id) as session:
        if person is None:
            patient = _of_case(session, options.case)
        else:
            patient = cases.index_of_person(session, *person).hex()
        organisations = house.settings[profile.id].file.organisations
        answer = trail_who.who(session, patient, actor(), organisations)
    rows: Sequence[Look | Disclosure] = answer.disclosures if options.disclosures else answer.looks
    if options.as_json:
        console.print_json(json.dumps([asdict(row) for row in rows], default=str))
    elif not rows:
        console.print("Nothing is on the trail about this patient.")
    elif options.disclosures:
        console.print(_disclosed(answer.disclosures, profile.zone))
    else:
        console.print(_looks(answer.looks, profile.zone))


def _ask(prompt: Prompt) -> tuple[str, date]:
    """Family name and birth date: at the prompt, because a command line is kept by the shell."""
    family = prompt("Patient's last name")
    typed = prompt("Birth date (MM/DD/YYYY)")
    for form in DATE_FORMATS:
        try:
            return family, datetime.strptime(typed, form).date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            continue
    raise Refused("A birth date is written MM/DD/YYYY.")


def _of_case(session: Session, text: str) -> str:
    try:
        patient = trail_who.index_of_case(session, CaseId(UUID(text)))
    except ValueError:
        patient = None
    if patient is None:
        raise Refused("--case: this practice's trail knows no such case.")
    return patient


def _looks(looks: list[Look], zone: ZoneInfo) -> Table:
    table = _table("When", "Who", "What", "From", "Event")
    for look in looks:
        outcome = "" if look.outcome == "ok" else f" ({look.outcome})"
        event = str(look.event)
        table.add_row(_when(look.at, zone), look.actor, look.did + outcome, look.source, event)
    return table


def _disclosed(disclosures: list[Disclosure], zone: ZoneInfo) -> Table:
    table = _table("When", "To whom", "By", "Arrived")
    for each in disclosures:
        arrived = "yes" if each.sure else "not known"
        table.add_row(_when(each.at, zone), each.organisation, each.operation, arrived)
    return table


def _table(*heads: str) -> Table:
    table = Table(box=None)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _when(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
