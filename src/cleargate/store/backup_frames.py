"""What a backup is on disk: AES-256-GCM in frames, under a key of its own that a KeyService wraps.

`magic and version | length of the wrapped key | wrapped key | frames`. Every frame but the last
holds FRAME_BYTES; its nonce is its number and whether it is the last one, and everything before
the frames is authenticated with each. So a file that was changed, cut, joined or put in another
order is refused, as is one of another installation.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.ports import KeyService

MAGIC = b"cleargate backup 1\n"
FRAME_BYTES = 1 << 20
CONTEXT = "backup"
"""What the wrapped key is bound to: it opens nothing but backups."""

_TAG_BYTES = 16
_KEY_BYTES = 32
_LENGTH = struct.Struct(">H")


class Damaged(Refused):
    """The file is not a whole backup of this installation; nothing of it may be used."""


def write(out: BinaryIO, plain: Iterable[bytes], keys: KeyService) -> None:
    """Seal a stream. It is whole only once this returns."""
    key = AESGCM.generate_key(_KEY_BYTES * 8)
    wrapped = keys.wrap(key, CONTEXT)
    head = MAGIC + _LENGTH.pack(len(wrapped)) + wrapped
    out.write(head)
    aead = AESGCM(key)
    for number, (frame, is_last) in enumerate(_frames(plain)):
        out.write(aead.encrypt(_nonce(number, is_last=is_last), frame, head))


def read(source: BinaryIO, keys: KeyService) -> Iterator[bytes]:
    """Open a stream, frame by frame. Raises Damaged at the first fault.

    Whoever acts on a frame must be able to take it back: a later one may be missing.
    """
    head, key = _read_head(source, keys)
    aead = AESGCM(key)
    number, sealed = 0, source.read(FRAME_BYTES + _TAG_BYTES)
    while True:
        following = source.read(FRAME_BYTES + _TAG_BYTES)
        nonce = _nonce(number, is_last=not following)
        try:
            yield aead.decrypt(nonce, sealed, head)
        except (InvalidTag, ValueError):
            raise Damaged(
                f"The backup is damaged or not complete at frame {number}: use another one."
            ) from None
        if not following:
            return
        number, sealed = number + 1, following


def _read_head(source: BinaryIO, keys: KeyService) -> tuple[bytes, bytes]:
    """Everything before the frames, and the file's key. BadSettings when our key is another one."""
    start = source.read(len(MAGIC) + _LENGTH.size)
    if len(start) < len(MAGIC) + _LENGTH.size or not start.startswith(MAGIC):
        raise Damaged("The file is no backup of Cleargate, or of a newer release.")
    (length,) = _LENGTH.unpack_from(start, len(MAGIC))
    wrapped = source.read(length)
    try:
        key = keys.unwrap(wrapped, CONTEXT)
    except BadSettings:
        raise BadSettings(
            "our key does not open this backup: it is another installation's, or damaged"
        ) from None
    if len(key) != _KEY_BYTES:
        raise Damaged("The backup's own key is not one: use another backup.")
    return start + wrapped, key


def _nonce(number: int, *, is_last: bool) -> bytes:
    """A number is used once: the key is this file's alone."""
    return number.to_bytes(11, "big") + bytes([is_last])


def _frames(plain: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Whole frames, and at least one: the last, which may be short or empty, is marked."""
    kept = bytearray()
    for piece in plain:
        kept += piece
        while len(kept) > FRAME_BYTES:
            yield bytes(kept[:FRAME_BYTES]), False
            del kept[:FRAME_BYTES]
    yield bytes(kept), True
