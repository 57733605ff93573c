"""Signed checkpoints: read by their key only, and only as they were signed."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cleargate.nouns.ids import PracticeId
from cleargate.trail.note import (
    BadNote,
    Checkpoint,
    key_id,
    public_key_of,
    read,
    sign,
    verifier_key,
)

CHECKPOINT = Checkpoint(PracticeId(UUID(int=7)), 41, bytes(range(32)))


class _Key:
    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


KEY = _Key()
NOTE = sign(CHECKPOINT, KEY)


def test_a_note_says_what_was_signed() -> None:
    assert read(NOTE, KEY.public_key) == CHECKPOINT


def test_it_has_the_form_of_public_logs() -> None:
    """Origin, size, root; an empty line; dash, key name, signature."""
    lines = NOTE.split("\n")
    assert lines[0] == f"cleargate/{CHECKPOINT.practice}"
    assert (lines[1], lines[3], lines[5]) == ("41", "", "")
    assert lines[4].startswith("\u2014 cleargate-trail ")


def test_another_key_s_note_is_refused() -> None:
    with pytest.raises(BadNote):
        read(NOTE, _Key().public_key)


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_no_character_can_be_another(at: int, character: str) -> None:
    changed = NOTE[:at] + character + NOTE[at + 1 :]
    if changed == NOTE:
        return
    try:
        said = read(changed, KEY.public_key)
    except BadNote:
        return
    assert said == CHECKPOINT  # Trailing blanks and the like: never another statement.


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "x", "cleargate/x\n1\nAAAA\n", "cleargate/x\n-1\n\n\n", NOTE + "x", NOTE[:-40]],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    if text == NOTE + "x":
        assert read(text, KEY.public_key) == CHECKPOINT  # A second signer's line is not ours.
        return
    with pytest.raises(BadNote):
        read(text, KEY.public_key)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    import base64

    for text in ("cleargate/x\n1\nAAAA\n", f"{CHECKPOINT.text}more\n", "one line\n"):
        signature = base64.b64encode(key_id(KEY.public_key) + KEY.sign(text.encode())).decode()
        with pytest.raises(BadNote):
            read(f"{text}\n\u2014 cleargate-trail {signature}\n", KEY.public_key)


def test_a_public_key_goes_into_one_line_and_back() -> None:
    assert public_key_of(verifier_key(KEY.public_key)) == KEY.public_key


@pytest.mark.parametrize("line", ["", "x", "a+b+c", "cleargate-trail+00000000+AAAA"])
def test_what_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(BadNote):
        public_key_of(line)


def test_a_public_key_with_another_s_id_is_refused() -> None:
    name, _, coded = verifier_key(KEY.public_key).split("+", 2)
    with pytest.raises(BadNote):
        public_key_of(f"{name}+{'0' * 8}+{coded}")
