"""`cleargate keys status`: whose keys there are, how old, and what is still under an older one."""

from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.table import Table

from cleargate.ports import KeyService
from cleargate.store import data_keys, key_changes, practices, resealing
from cleargate.store.data_keys import WrappedKey
from cleargate.store.database import Database


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """The keys of one practice, oldest first. `left_over` counts values under an older key.

    `shredded` is when the practice left; it has no keys then.
    """

    slug: str
    keys: tuple[WrappedKey, ...]
    left_over: int
    shredded: datetime | None

    @property
    def unfinished(self) -> bool:
        """Whether a rotation was begun and not ended."""
        return len(self.keys) > 1 and self.keys[-1].rotated is None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The keys of an installation. `in_force` names the master key that wraps all others."""

    in_force: str
    practices: tuple[KeyStanding, ...]


def key_report(database: Database) -> KeyReport:
    """How the keys stand; changes nothing and opens nothing, so any role may ask."""
    with database.public() as connection:
        in_force = key_changes.in_force(connection)
        known = practices.known(connection)
    standings = []
    with database.across() as (connection, turn_to):
        for each in known:
            session = turn_to(each.id)
            keys = tuple(data_keys.read(connection, each.id))
            left = resealing.left_over(session, keys[-1].id) if keys else 0
            standings.append(KeyStanding(each.slug, keys, left, each.shredded))
    return KeyReport(in_force, tuple(standings))


def show_status(database: Database, service: KeyService, now: datetime, console: Console) -> int:
    """Print the report; 1 where the settings name another master key than the one in force."""
    report = key_report(database)
    table = Table("practice", "key", "age", "wrapped by", "use", box=None)
    for standing in report.practices:
        for row in _rows(standing, now):
            table.add_row(*row)
    console.print(table)
    same = report.in_force in ("", service.name)
    console.print(
        f"In force: {report.in_force or 'not noted'}; the settings name {service.name}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if not same:
        console.print("Set CLEARGATE_KEY_FILE or CLEARGATE_KMS_KEY to the one in force.")
    return 0 if same else 1


def _rows(standing: KeyStanding, now: datetime) -> list[tuple[str, ...]]:
    if standing.shredded is not None:
        left = f"left on {standing.shredded:%Y-%m-%d}; its keys are destroyed"
        return [(standing.slug, "", "", "", left)]
    rows: list[tuple[str, ...]] = []
    for key in standing.keys:
        age = f"{(now - key.created).days} days"
        rows.append((standing.slug, str(key.id), age, key.wrapped_by, _use(standing, key)))
    return rows


def _use(standing: KeyStanding, key: WrappedKey) -> str:
    words = []
    if key == standing.keys[-1]:
        words.append("seals")
        if standing.left_over:
            words.append(f"{standing.left_over} values still under an older key")
        if standing.unfinished:
            words.append("rotation not finished: run `cleargate keys rotate`")
    elif standing.left_over:
        words.append("opens")
    if key == standing.keys[0]:
        words.append("look-ups are derived from it")
    return "; ".join(words) or "empty: goes with the next rotation"
