"""The file of a backup: what was written comes back, and nothing else does."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.nouns.errors import BadSettings
from cleargate.store import backup_frames
from cleargate.store.backup_frames import FRAME_BYTES, MAGIC, Damaged
from cleargate.store.keyfile import LocalKeyFile

SEALED = FRAME_BYTES + 16


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> LocalKeyFile:
    return key_file(tmp_path_factory.mktemp("keys") / "key")


def key_file(path: Path) -> LocalKeyFile:
    LocalKeyFile.create(path)
    return LocalKeyFile(path)


def sealed(keys: LocalKeyFile, *pieces: bytes) -> bytes:
    out = io.BytesIO()
    backup_frames.write(out, pieces, keys)
    return out.getvalue()


def opened(keys: LocalKeyFile, file: bytes) -> bytes:
    return b"".join(backup_frames.read(io.BytesIO(file), keys))


def parts(file: bytes) -> tuple[bytes, list[bytes]]:
    """The head, and every frame."""
    head = len(MAGIC) + 2 + int.from_bytes(file[len(MAGIC) : len(MAGIC) + 2], "big")
    return file[:head], [file[n : n + SEALED] for n in range(head, len(file), SEALED)]


@given(
    sizes=st.lists(
        st.one_of(
            st.integers(0, 5000),
            st.sampled_from([FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES]),
        ),
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_what_was_written_comes_back(keys: LocalKeyFile, sizes: list[int]) -> None:
    """Whatever the pieces: also nothing at all, and exactly a frame."""
    pieces = [bytes([n % 251]) * size for n, size in enumerate(sizes)]
    assert opened(keys, sealed(keys, *pieces)) == b"".join(pieces)


def test_no_two_files_have_the_same_key(keys: LocalKeyFile) -> None:
    """Or equal frames would show, and a nonce would be used twice."""
    assert sealed(keys, b"x" * 100)[-100:] != sealed(keys, b"x" * 100)[-100:]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_with_one_changed_byte_is_refused(keys: LocalKeyFile, data: st.DataObject) -> None:
    file = bytearray(_three_frames(keys))
    near_an_edge = st.sampled_from(sorted({0, 1, len(MAGIC), len(MAGIC) + 1, 60, len(file) - 1}))
    place = data.draw(st.one_of(st.integers(0, len(file) - 1), near_an_edge))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Damaged, BadSettings)):
        opened(keys, bytes(file))


_KEPT: list[bytes] = []


def _three_frames(keys: LocalKeyFile) -> bytes:
    """Made once: sealing three megabytes for each example would take the longest."""
    if not _KEPT:
        _KEPT.append(sealed(keys, bytes(2 * FRAME_BYTES + 77)))
    return _KEPT[0]


def changed(file: bytes) -> Iterator[tuple[str, bytes]]:
    head, frames = parts(file)
    first, second, last = frames
    yield "cut after the head", head
    yield "cut within the head", head[:-1]
    yield "cut to nothing", b""
    yield "cut after a frame", head + first
    yield "cut after two frames", head + first + second
    yield "cut within the last frame", file[:-1]
    yield "cut within a tag", head + first + second + last[:10]
    yield "frames in another order", head + second + first + last
    yield "a frame twice", head + first + first + second + last
    yield "a frame left out", head + second + last
    yield "a byte more", file + b"\0"
    yield "a frame more", file + first
    yield "the last frame twice", file + last
    yield "the file twice", file + file
    yield "the last frame alone", head + last


def test_a_file_that_was_cut_joined_or_reordered_is_refused(keys: LocalKeyFile) -> None:
    file = _three_frames(keys)
    assert opened(keys, file) == bytes(2 * FRAME_BYTES + 77)
    for what, bad in changed(file):
        with pytest.raises((Damaged, BadSettings)):
            opened(keys, bad)
            pytest.fail(f"{what}: it was opened")


def test_frames_of_two_backups_cannot_be_mixed(keys: LocalKeyFile) -> None:
    head, (first, second, _) = parts(_three_frames(keys))
    _, others = parts(sealed(keys, bytes(2 * FRAME_BYTES + 77)))
    with pytest.raises(Damaged):
        opened(keys, head + first + second + others[2])
    with pytest.raises(Damaged):
        opened(keys, head + others[0] + second + others[2])


def test_another_installation_s_key_opens_nothing(keys: LocalKeyFile, tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        opened(key_file(tmp_path / "key"), sealed(keys, b"sample"))


def test_a_key_that_was_wrapped_for_something_else_is_refused(keys: LocalKeyFile) -> None:
    """A practice's data key cannot be passed off as a backup's."""
    wrapped = keys.wrap(bytes(32), "engine")
    head = MAGIC + len(wrapped).to_bytes(2, "big") + wrapped
    with pytest.raises(BadSettings):
        opened(keys, head + bytes(16))


@given(file=st.binary(max_size=300), with_magic=st.booleans())
def test_a_stranger_s_file_is_refused(keys: LocalKeyFile, file: bytes, with_magic: bool) -> None:
    with pytest.raises((Damaged, BadSettings)):
        opened(keys, MAGIC + file if with_magic else file)
