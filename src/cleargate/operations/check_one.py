"""`cleargate eligibility check` about one patient, asked for at the prompt.

Nothing about a patient stands on a command line, where `ps` and the shell's history would keep it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import typer
from rich.console import Console

from cleargate.directory.payers import PayerDirectory
from cleargate.eligibility.card import card
from cleargate.eligibility.patient_row import Asking, read_fields
from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.nouns.insurance import Relationship
from cleargate.nouns.request import VisitRequest
from cleargate.operations.checks import (
    EXIT_UNFINISHED,
    CheckOptions,
    asking,
    practice_of,
    read_answers,
    submit,
    tell_budget,
    watch,
)

TRIES_MAX = 5
MATCHES_MAX = 8
PATIENCE = timedelta(minutes=3)
"""How long somebody looks at a prompt; a payer may take two minutes."""

_QUESTIONS = {
    "member_id": "Member ID",
    "first_name": "Patient's first name",
    "last_name": "Patient's last name",
    "birth_date": "Birth date (MM/DD/YYYY)",
    "group": "Group number, if any",
    "relationship": "Who is the patient to the policy holder? (self, spouse, child, other)",
    "holder_first_name": "Policy holder's first name",
    "holder_last_name": "Policy holder's last name",
    "holder_birth_date": "Policy holder's birth date (MM/DD/YYYY)",
}

Prompt = Callable[[str], str]


def check_one(house: House, options: CheckOptions, console: Console, prompt: Prompt) -> int:
    """Ask for one patient's details, then the payer, and print the coverage card."""
    profile = practice_of(house, options.practice)
    request = _request(asking(house, profile, options), console, prompt)
    submitted = submit(house, profile, [request], options)
    watch(house, profile, submitted.cases, replace(options, wait=PATIENCE), console)
    [answer] = read_answers(house, profile, submitted.cases).values()
    if answer.coverage is None:
        console.print("No answer yet. The check goes on: run the same again to see it.")
        tell_budget(profile, [answer], console)
        return EXIT_UNFINISHED
    when = answer.answered.astimezone(profile.zone) if answer.answered else None
    place = f"asked about {request.earliest:%m/%d/%Y}"
    console.print(
        card(answer.coverage, f"{place}, answered {when:%m/%d/%Y %I:%M %p %Z}" if when else place)
    )
    return 0


def ask_at_terminal(question: str) -> str:
    """Ask at the terminal; an empty answer is one."""
    return str(typer.prompt(question, default="", show_default=False)).strip()


def _request(asked: Asking, console: Console, prompt: Prompt) -> VisitRequest:
    """Ask for every field, and for those that are wrong again."""
    fields = {"payer": _payer(asked.payers, console, prompt)}
    for column, question in _QUESTIONS.items():
        if column.startswith("holder_") and fields["relationship"] in ("", Relationship.SELF):
            continue
        fields[column] = prompt(question)
    for _ in range(TRIES_MAX):
        request, faults = read_fields(fields, asked)
        if request is not None:
            return request
        for fault in faults:
            question = _QUESTIONS.get(fault.column, "Insurance company")
            console.print(f"{question}: {fault.way_out}.", markup=False, highlight=False)
        for column in dict.fromkeys(fault.column for fault in faults if fault.column):
            fields[column] = prompt(_QUESTIONS.get(column, "Insurance company"))
    raise Refused("That did not work out. Look at the card and try again.")


def _payer(payers: PayerDirectory, console: Console, prompt: Prompt) -> str:
    """The name of a payer of the directory, picked from those that the typed text may mean."""
    for _ in range(TRIES_MAX):
        typed = prompt("Insurance company")
        exact = payers.by_name(typed) or payers.by_id(typed)
        if exact is not None:
            return exact.id
        found = payers.search(typed, MATCHES_MAX)
        for number, each in enumerate(found, start=1):
            console.print(f"  {number}  {each.name}", markup=False, highlight=False)
        if not found:
            console.print("No payer goes by a name like this.")
            continue
        picked = prompt("Which one? Its number, or nothing to search again")
        if picked.isdecimal() and 1 <= int(picked) <= len(found):
            return found[int(picked) - 1].id
    raise Refused("No payer was picked. The directory of payers is payers.csv of the practice.")
