"""`cleargate hold`: what must be kept whatever its age, placed and lifted by a person."""

from uuid import UUID

from rich.console import Console
from rich.table import Table

from cleargate.directory.practice import Profile
from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.operations.checks import actor, practice_of
from cleargate.store import cases, holds
from cleargate.store.holds import HoldReason


def add(house: House, case: str, slug: str, reason: str, reference: str, console: Console) -> None:
    """Place a hold on a case, or on a whole practice when no case is named. Raises Refused."""
    if not case and not slug:
        raise Refused("Name a --case, or a --practice of which everything is to be kept.")
    about = None if not case else CaseId(_id(case, "--case"))
    profile = practice_of(house, slug) if about is None else _practice_with(house, about, slug)
    why = _reason(reason)
    with house.database.session(profile.id) as session:
        hold = holds.add(session, about, why, reference, actor=actor(), now=house.clock.now())
    console.print(f"Held: {hold}", highlight=False)


def show(house: House, slug: str, console: Console) -> None:
    """Print every hold, those in force first."""
    table = Table()
    for title in ("hold", "practice", "what", "reason", "reference", "placed", "lifted"):
        table.add_column(title, overflow="fold")
    for profile in _chosen(house, slug):
        with house.database.session(profile.id) as session:
            for each in holds.all_of(session):
                what = "everything" if each.case is None else f"case {each.case}"
                lifted = "" if each.lifted is None else f"{each.lifted:%Y-%m-%d}"
                placed = f"{each.placed:%Y-%m-%d}"
                row = (str(each.id), profile.slug, what, each.reason, each.reference)
                table.add_row(*row, placed, lifted)
    console.print(table)


def lift(house: House, hold: str, console: Console) -> None:
    """Lift a hold: what it kept is deleted at its time. Raises Refused when there is none."""
    id_ = _id(hold, "The hold")
    for profile in house.profiles.values():
        with house.database.session(profile.id) as session:
            if holds.lift(session, id_, actor=actor(), now=house.clock.now()):
                console.print("Lifted.")
                return
    raise Refused("No hold of that id is in force: see `cleargate hold list`.")


def _reason(word: str) -> HoldReason:
    try:
        return HoldReason(word)
    except ValueError:
        raise Refused(f"--reason: write one of {', '.join(HoldReason)}.") from None


def _id(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(f"{what}: an id has 32 hexadecimal digits.") from None


def _chosen(house: House, slug: str) -> list[Profile]:
    return [practice_of(house, slug)] if slug else list(house.profiles.values())


def _practice_with(house: House, case: CaseId, slug: str) -> Profile:
    """The practice whose case it is."""
    for profile in _chosen(house, slug):
        with house.database.session(profile.id) as session:
            if cases.standing(session, [case]):
                return profile
    raise Refused("--case: there is no such case; it may have been deleted.")
