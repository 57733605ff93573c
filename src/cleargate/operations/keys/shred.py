"""`cleargate keys shred PRACTICE`: a practice leaves, and what it sealed can never be read again.

One transaction destroys its wrapped keys, notes that it has left, and closes what is open. No
process opens anything of it from then on; its rows and its trail stay, and the trail verifies.
Photos in a bucket are deleted after it; while that is away, the command is run again.
"""

from collections.abc import Callable
from typing import Final

from rich.console import Console

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import FilesDown, Refused
from cleargate.operations.keys.vault import Vault
from cleargate.store import attachments, cases, data_keys, holds, key_changes
from cleargate.store.database import Session
from cleargate.store.practices import KnownPractice

BACKUPS: Final = (
    "Backups made before now, and archived write-ahead logs, still hold the wrapped keys: with the"
    " master key they can be read until your retention has deleted them. To end that at once as"
    " well, wrap the other practices' keys with a new master key (`cleargate keys rotate"
    " --key-file` or `--kms-key`) and destroy the former one."
)

BATCH, BATCHES_MAX = 500, 10_000
"""Photos that one transaction deletes in the bucket, and how many of them a run has."""

AskSlug = Callable[[str], str]
"""Puts a question to whoever types, and gives what was typed."""


def shred(vault: Vault, slug: str, ask: AskSlug, console: Console, *, close_cases: bool) -> int:
    """Destroy a practice's keys, after its slug was typed once more."""
    if (gone := vault.left(slug)) is not None:
        return _empty_bucket(vault, gone, console)
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
    return _empty_bucket(vault, practice, console)


def _shred(session: Session, actor: str, *, close_cases: bool) -> tuple[int, int]:
    """Gives how many keys were destroyed, and how many cases closed."""
    data_keys.alone(session.connection)
    if holds.any_in_force(session):
        raise Refused(
            "the practice is under a legal hold (`cleargate hold list`); nothing was changed."
        )
    still_open = [case for case, state in cases.states(session).items() if state is CaseState.OPEN]
    if still_open and not close_cases:
        raise Refused(
            f"{len(still_open)} cases are open: finish them, or add --close-open-cases; nothing"
            " was changed."
        )
    for case in still_open:
        cases.close(session, case, CaseState.WITHDRAWN, actor)
    return key_changes.destroy(session, actor), len(still_open)


def _empty_bucket(vault: Vault, practice: KnownPractice, console: Console) -> int:
    """Delete the photos of a practice that has left. Raises Unavailable where they stay."""
    total = 0
    for _ in range(BATCHES_MAX):
        try:
            with vault.database.session(practice.id) as session:
                count = attachments.drop_some(session, BATCH, vault.actor)
        except FilesDown as stopped:
            msg = f"{stopped}; its photos there are unreadable: run this again to delete them."
            raise FilesDown(msg) from None
        total += count
        if count < BATCH:
            break
    _print(
        console, f"{practice.slug}: its keys are destroyed; {total} photos deleted in the bucket."
    )
    return 0


def _tell(practice: KnownPractice, keys: int, closed: int, console: Console) -> None:
    lines = (
        f"{practice.slug}: {keys} keys destroyed, {closed} open cases closed. Its trail stays and"
        " can be verified.",
        "Take its folder out of CLEARGATE_PRACTICES and restart `serve` and `work`.",
        BACKUPS,
    )
    for line in lines:
        _print(console, line)


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
