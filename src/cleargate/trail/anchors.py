"""Where checkpoints are kept outside of the database, so that nobody who owns it owns them too.

An anchor is one line of JSON: when it was kept, and the signed note. On one machine that is a file
in a directory that belongs to somebody else (another machine's share, a disk with append-only
attributes), in AWS the log and a bucket with Object Lock; see docs/trail.md.
"""

import base64
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint from outside; `size` is what its text claims, `where` its file and line."""

    note: str
    at: str
    where: str
    size: int


class FileAnchor:
    """A file for each practice in one directory; lines are only ever added to it."""

    name = "file"
    every = timedelta(minutes=1)

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            msg = f"{folder} is no directory (CLEARGATE_ANCHORS): make it, best on another machine"
            raise BadSettings(msg)
        self._folder = folder

    def keep(self, practice: PracticeId, note: str) -> None:
        """Add a line, and have it on the disk before going on."""
        path = self._folder / f"{practice}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            line = _line(note).encode()
            if os.write(descriptor, line) != len(line):
                # A disk that is full took a part of it; a line end makes that a line of its own.
                os.write(descriptor, b"\n")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class LogAnchor:
    """The process's own log, which AWS and others keep where nothing can be changed."""

    name = "log"
    every = timedelta(minutes=1)

    def keep(self, practice: PracticeId, note: str) -> None:
        """Say size, root and signature in one line of the log."""
        _, size, root, _, signature = note.rstrip("\n").split("\n")
        _log.info(
            "checkpoint",
            practice_id=practice,
            size=base64.b64encode(int(size).to_bytes(8)).decode(),
            root=root,
            signature=signature.rpartition(" ")[2],
        )


def _line(note: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"at": now, "note": note}) + "\n"


def read_anchors(folder: Path, practice: PracticeId) -> list[Anchored]:
    """What the directory keeps of a practice. Raises BadSettings for a line that is none."""
    path = folder / f"{practice}.jsonl"
    try:
        with path.open(encoding="utf-8") as file:
            return list(_anchored(path, file))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} cannot be read ({type(error).__name__})") from None


def _anchored(path: Path, lines: Iterator[str]) -> Iterator[Anchored]:
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        try:
            content = json.loads(line)
            note, at = content["note"], content["at"]
            size = int(note.split("\n")[1])
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise BadSettings(f"{where} is no anchor: the file was changed or cut") from None
        yield Anchored(note, at, where, size)


def anchored_practices(folder: Path) -> set[PracticeId]:
    """The practices of which the directory keeps something, as its files are named."""
    try:
        names = [path.stem for path in folder.iterdir() if path.suffix == ".jsonl"]
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise BadSettings(f"{folder} cannot be read ({type(error).__name__})") from None
    return {practice for name in names if (practice := practice_named(name)) is not None}


def practice_named(name: str) -> PracticeId | None:
    """The practice after which a file or a prefix is named, None where it is another thing."""
    try:
        practice = PracticeId(UUID(name))
    except ValueError:
        return None
    return practice if str(practice) == name else None
