"""`cleargate keys rotate`: a new data key for each practice, and all that is stored under it.

From the commit of the new key on, every transaction of every process seals with it; older keys go
on opening. What is stored is sealed anew a few rows at a time, while everything else goes on. The
command may end anywhere, by kill -9 too: started again, it goes on with what is left.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cleargate.nouns.errors import Refused
from cleargate.operations.keys.vault import Vault
from cleargate.store import data_keys, key_changes, resealing
from cleargate.store.practices import KnownPractice
from cleargate.store.roles import APP_ROLE

WAIT_S: Final = 600.0
"""How long other transactions are waited for."""

LOOK_EVERY_S: Final = 0.1

EXIT_DAMAGED: Final = 1


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many values of a practice were sealed anew, and how many do not open at all."""

    values: int
    damaged: int


Told = Callable[[int], None]
"""Is told how many more values were sealed anew."""


def rotate(vault: Vault, slug: str, console: Console) -> int:
    """Rotate the data key of one practice, or of all; 1 when there are values that do not open."""
    damaged = 0
    with vault.database.watching() as connection, key_changes.only_one(connection):
        for practice in _chosen(vault, slug):
            with _bar(console) as bar:
                damaged += _rotate(vault, practice, bar, console)
    return EXIT_DAMAGED if damaged else 0


def _rotate(vault: Vault, practice: KnownPractice, bar: Progress, console: Console) -> int:
    """A new key, unless an earlier rotation was broken off, and everything sealed with it."""
    with vault.database.session(practice.id) as session:
        keys = data_keys.read(session.connection, practice.id)
        newest = keys[-1].id
        if len(keys) == 1 or keys[-1].rotated is not None:
            newest = key_changes.add(session, vault.keys, vault.actor)
    with vault.database.session(practice.id) as session:
        left = resealing.left_over(session, newest)
    task = bar.add_task(practice.slug, total=left)
    resealed = _seal_anew(vault, practice, newest, lambda count: bar.advance(task, count))
    bar.update(task, total=resealed.values, completed=resealed.values)
    with vault.database.session(practice.id) as session:
        retired = key_changes.finish(session, newest, vault.actor)
    say = f"{practice.slug}: key {newest} in use, {resealed.values} values sealed anew."
    if retired:
        say += f" Retired: {', '.join(map(str, retired))}."
    if resealed.damaged:
        say += (
            f" {resealed.damaged} values do not open and were left as they are, and the older keys"
            " with them: restore those rows from a backup."
        )
    console.print(say, markup=False, highlight=False, soft_wrap=True)
    return resealed.damaged


def _seal_anew(vault: Vault, practice: KnownPractice, newest: int, told: Told) -> Resealed:
    """Seal everything under the newest key, and what was sealed with an older one meanwhile.

    A transaction that began before the new key seals with the older one until it ends. So
    after the first pass those are waited for; later passes find what they left, and what somebody
    held.
    """
    with vault.database.public() as connection:
        before = resealing.under_way(connection, APP_ROLE)
    values = _pass(vault, practice, newest, told).values
    _wait_for(vault, before)
    deadline = time.monotonic() + WAIT_S
    while True:
        again = _pass(vault, practice, newest, told)
        values += again.values
        with vault.database.session(practice.id) as session:
            left = resealing.left_over(session, newest)
        if left <= again.damaged:
            return Resealed(values, again.damaged)
        _wait_a_little(deadline, "rows are held by another transaction")


def _pass(vault: Vault, practice: KnownPractice, newest: int, told: Told) -> Resealed:
    """Every sealed column once, from its first row to its last."""
    values = damaged = 0
    for place in resealing.places():
        after = None
        while True:
            with vault.database.session(practice.id) as session:
                batch = resealing.reseal(session, place, after, newest)
            told(batch.resealed)
            values += batch.resealed
            damaged += batch.damaged
            after = batch.last
            if after is None:
                break
    return Resealed(values, damaged)


def _wait_for(vault: Vault, transactions: frozenset[str]) -> None:
    """Wait until these transactions have ended."""
    deadline = time.monotonic() + WAIT_S
    while True:
        with vault.database.public() as connection:
            if not transactions & resealing.under_way(connection, APP_ROLE):
                return
        _wait_a_little(deadline, "a transaction that began before the new key is still open")


def _wait_a_little(deadline: float, reason: str) -> None:
    if time.monotonic() > deadline:
        raise Refused(
            f"{reason} after {WAIT_S / 60:.0f} minutes; end it, and start the command again: it"
            " goes on."
        )
    time.sleep(LOOK_EVERY_S)


def _chosen(vault: Vault, slug: str) -> list[KnownPractice]:
    found = [each for each in vault.practices() if slug in ("", each.slug)]
    if not found:
        raise Refused(f"there is no practice {slug} with keys." if slug else "no practice yet.")
    return found


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
