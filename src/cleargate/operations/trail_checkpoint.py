"""`cleargate audit checkpoint`: the newest signed roots, for paper or any mail program."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from rich.console import Console

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.trail import auditing, chosen, note, public_keys
from cleargate.operations.trail_export import write_lines
from cleargate.settings import TrailSettings
from cleargate.store import trail
from cleargate.store.trail import TrailDatabase
from cleargate.trail.note import read, signed_by
from cleargate.trail.printed import Printable, printed


def print_checkpoints(
    settings: TrailSettings, slug: str, out: Path | None, console: Console
) -> None:
    """Print the newest checkpoint of each practice, or write them to a new file.

    Refused when nothing is sealed, or when a checkpoint is not signed with one of our keys.
    """
    keys = public_keys(settings)
    with auditing(settings) as database:
        practices = chosen(database, slug)
        found = [_newest(database, each, practice, keys) for each, practice in practices.items()]
        checkpoints = [each for each in found if each is not None]
        if not checkpoints:
            raise Refused("nothing is sealed yet; does `cleargate audit seal` run?")
        for each in checkpoints:
            note(database, each.practice, "audit.checkpoint", each.note.split("\n")[1])
    text = printed(checkpoints)
    if out is None:
        console.out(text, highlight=False, end="")
    else:
        write_lines(out, [text.rstrip("\n").encode()])
        console.print(f"{out}: {len(checkpoints)} checkpoints")


def _newest(
    database: TrailDatabase, slug: str, practice: PracticeId, keys: Sequence[bytes]
) -> Printable | None:
    """The newest checkpoint, if anything is sealed; what is not ours is not put on paper."""
    with database.session(practice) as session:
        newest = trail.newest(session)
    if newest is None:
        return None
    key = signed_by(newest.note, keys)
    if key is None or read(newest.note, key).practice != practice:
        raise Refused(
            f"the newest checkpoint of {slug} is not signed with this key;"
            " `cleargate audit verify` says more"
        )
    return Printable(practice, newest.at.astimezone(UTC), newest.note, slug)
