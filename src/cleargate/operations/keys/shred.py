"""`cleargate keys shred PRACTICE`: a practice leaves, and what it sealed can never be read again.

One transaction destroys its wrapped keys, notes that it has left, and closes what is open. No
process opens anything of it from then on; its rows and its trail stay, and the trail verifies.
"""

from collections.abc import Callable
from typing import Final

from rich.console import Console

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import Refused
from cleargate.operations.keys.vault import Vault
from cleargate.store import cases, data_keys, key_changes
from cleargate.store.database import Session
from cleargate.store.practices import KnownPractice

BACKUPS: Final = (
    "Backups made before now, and archived write-ahead logs, still hold the wrapped keys: with the"
    " master key they can be read until your retention has deleted them. To end that at once as"
    " well, wrap the other practices' keys with a new master key (`cleargate keys rotate"
    " --key-file` or `--kms-key`) and destroy the former one."
)

AskSlug = Callable[[str], str]
"""Puts a question to whoever types, and gives what was typed."""


def shred(vault: Vault, slug: str, ask: AskSlug, console: Console, *, close_cases: bool) -> int:
    """Destroy a practice's keys, after its slug was typed once more."""
    practice = next((each for each in vault.practices() if each.slug == slug), None)
    if practice is None:
        raise Refused(f"there is no practice {slug} with keys.")
    typed = ask(f"Everything that {slug} has stored becomes unreadable for ever. Type its slug")
    if typed.strip() != slug:
        raise Refused("that is not the slug; nothing was changed.")
    with vault.database.watching() as connection, key_changes.only_one(connection):
        with vault.database.across() as (_, turn_to):
            keys, closed = _shred(turn_to(practice.id), vault.actor, close_cases=close_cases)
        key_changes.rewrite_keys(connection)
    _tell(practice, keys, closed, console)
    return 0


def _shred(session: Session, actor: str, *, close_cases: bool) -> tuple[int, int]:
    """Gives how many keys were destroyed, and how many cases closed."""
    data_keys.alone(session.connection)
    still_open = [case for case, state in cases.states(session).items() if state is CaseState.OPEN]
    if still_open and not close_cases:
        raise Refused(
            f"{len(still_open)} cases are open: finish them, or add --close-open-cases; nothing"
            " was changed."
        )
    for case in still_open:
        cases.close(session, case, CaseState.WITHDRAWN, actor)
    return key_changes.destroy(session, actor), len(still_open)


def _tell(practice: KnownPractice, keys: int, closed: int, console: Console) -> None:
    lines = (
        f"{practice.slug}: {keys} keys destroyed, {closed} open cases closed. Its trail stays and"
        " can be verified.",
        "Take its folder out of CLEARGATE_PRACTICES and restart `serve` and `work`.",
        BACKUPS,
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
