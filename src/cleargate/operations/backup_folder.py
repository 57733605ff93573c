"""The folder of backups: what is in it, and how a new one gets there whole or not at all.

Beside each backup lies a manifest, which a person can read: what it holds and whether it was
restored for a test. Nothing is ever believed because a manifest says so; a restore reads what is
sealed in the backup itself.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cleargate.nouns.errors import Refused

SUFFIX = ".backup"
_DRAFT = ".draft"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NoRoom(Refused):
    """The disk is full; nothing was left under a final name."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of one backup. `faults` is empty and `verified` set once it was restored well.

    `seconds` is how long the restoring for that test took.
    """

    name: str
    made: datetime
    bytes: int
    sha256: str
    release: str = ""
    schema: str = ""
    rows: dict[str, int] | None = None
    verified: datetime | None = None
    seconds: float = 0.0
    faults: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether it was restored for a test, and found sound."""
        return self.verified is not None and not self.faults


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder: one backup at a time. Takes away what one that was killed left behind."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Refused(f"The folder {folder} cannot be used ({error.strerror}).") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left_behind in folder.glob(f".*{_DRAFT}"):
            left_behind.unlink()
        yield
    except BlockingIOError:
        raise Refused(f"Another backup is being made in {folder}: wait for it.") from None
    finally:
        os.close(handle)


def keep(folder: Path, name: str, fill: Callable[[BinaryIO], None]) -> Path:
    """Make a file of mode 0600 that has its name only once it is whole and on the disk.

    Raises NoRoom when the disk is full.
    """
    final = folder / name
    draft = folder / f".{name}.{secrets.token_hex(4)}{_DRAFT}"
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            fill(out)
            out.flush()
            os.fsync(out.fileno())
        draft.rename(final)
        _sync(folder)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise Refused(f"{folder} cannot be written ({error.strerror}).") from None
        raise NoRoom(f"There is no room left in {folder}: nothing was kept of {name}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return final


def _sync(folder: Path) -> None:
    """A name is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(file: Path) -> str:
    """The SHA-256 of a file, read back from the disk."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def describe(folder: Path, manifest: Manifest) -> None:
    """Write a backup's manifest beside it."""
    values = asdict(manifest)
    text = json.dumps(values, default=datetime.isoformat, indent=1).encode()
    keep(folder, _manifest_name(manifest.name), lambda out: _write(out, text))


def _write(out: BinaryIO, text: bytes) -> None:
    out.write(text)


def _manifest_name(name: str) -> str:
    return f"{name}.json"


def listed(folder: Path) -> list[Manifest]:
    """Every backup of the folder that has a manifest, oldest first."""
    found = [_read(file) for file in sorted(folder.glob(f"*{SUFFIX}.json"))]
    kept = [each for each in found if each is not None and (folder / each.name).exists()]
    return sorted(kept, key=lambda each: each.made)


def manifest_of(folder: Path, name: str) -> Manifest | None:
    """What is known of one backup, or None."""
    return _read(folder / _manifest_name(name))


def _read(file: Path) -> Manifest | None:
    """A manifest; None where there is none that can be read: the backup is then as if untested."""
    try:
        values = json.loads(file.read_bytes())
        verified = values["verified"]
        values["made"] = datetime.fromisoformat(values["made"])
        values["verified"] = datetime.fromisoformat(verified) if verified else None
        values["faults"] = tuple(values["faults"])
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    is_ours = manifest.made.tzinfo is not None and _manifest_name(manifest.name) == file.name
    return manifest if is_ours else None


def remove(folder: Path, manifest: Manifest) -> None:
    """Take a backup away, and then its manifest."""
    (folder / manifest.name).unlink(missing_ok=True)
    (folder / _manifest_name(manifest.name)).unlink(missing_ok=True)
