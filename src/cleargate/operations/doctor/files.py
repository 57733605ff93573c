"""Files that others must not read or change: the key, the secrets, the settings, certificates."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cleargate.connection_table import ConnectionTable
from cleargate.house import House
from cleargate.operations.doctor.finding import Finding, ok, wrong
from cleargate.practice_file import PracticeSettings

_READ, _CHANGE = 0o077, 0o022


def files(house: House) -> Iterator[Finding]:
    """One finding for each file or folder that is open to others."""
    settings = list(house.settings.values())
    keys = [file for file in (house.installation.key_file,) if file is not None]
    private = {*keys, *(file for each in settings for file in _secrets(each))}
    unchanged = {house.installation.practices, *(file.parent for file in keys)}
    for each in settings:
        unchanged |= {each.path, each.path.parent, *_certificates(each)}
    found = [
        *(fault for path in sorted(private) for fault in _faults(path, _READ)),
        *(fault for path in sorted(unchanged) for fault in _faults(path, _CHANGE)),
    ]
    yield from found
    if not found:
        yield ok("Keys, secrets and settings are closed to other users of this machine.")


def _faults(path: Path, forbidden: int) -> Iterator[Finding]:
    try:
        status = path.stat()
    except OSError as error:
        yield wrong(f"{path} cannot be read ({error.strerror}).", "Put it back, or mend its path.")
        return
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        verb, way = ("read", "go-rwx") if forbidden == _READ else ("change", "go-w")
        yield wrong(f"Others may {verb} {path}.", f"Run: chmod {way} '{path}'")
    if status.st_uid not in (os.getuid(), 0):
        yield wrong(f"{path} belongs to another user.", f"Run: chown {os.getuid()} '{path}'")


def _tables(settings: PracticeSettings) -> tuple[ConnectionTable, ...]:
    file = settings.file
    return (file.ehr, *file.clearinghouses, file.mail)


def _secrets(settings: PracticeSettings) -> Iterator[Path]:
    """Every file that the settings name as a secret."""
    for table in _tables(settings):
        for text in _texts(table.settings):
            kind, _, place = text.partition(":")
            if kind == "file":
                yield settings.path.parent / place


def _certificates(settings: PracticeSettings) -> Iterator[Path]:
    """Every authority that a connection believes beside those of the system."""
    for table in _tables(settings):
        if table.settings.get("ca_file"):
            yield Path(str(table.settings["ca_file"]))


def _texts(value: object) -> Iterator[str]:
    """Every text in a table of settings, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
