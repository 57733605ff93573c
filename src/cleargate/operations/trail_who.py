"""`cleargate audit who`: who saw a patient, and to whom something about them was disclosed."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from cleargate.house import House
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
        looks = trail_who.who(session, patient, actor())
    if options.disclosures:
        looks = list(trail_who.disclosures(looks))
    if options.as_json:
        console.print_json(json.dumps([asdict(look) for look in looks], default=str))
    elif looks:
        console.print(_table(looks, profile.zone))
    else:
        console.print("Nothing is on the trail about this patient.")


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


def _table(looks: list[Look], zone: ZoneInfo) -> Table:
    table = Table(box=None)
    for head in ("When", "Who", "What", "From", "Disclosed to", "Event"):
        table.add_column(head, overflow="fold")
    for look in looks:
        when = look.at.astimezone(zone)
        outcome = "" if look.outcome == "ok" else f" ({look.outcome})"
        table.add_row(
            f"{when:%Y-%m-%d %H:%M %Z}",
            look.actor,
            look.did + outcome,
            look.source,
            look.disclosed_to,
            str(look.event),
        )
    return table
