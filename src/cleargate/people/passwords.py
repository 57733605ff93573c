"""Passwords: the rules that a new one must keep, and the hash that is kept of it (argon2id).

No rule asks for kinds of characters, and none makes a password end: people answer both with a "1!".
Source: NIST SP 800-63B; ASVS 5.0, V6.2.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cleargate.nouns.errors import Refused

LENGTH_MIN = 12
LENGTH_MAX = 200
SURPRISES_MIN = 7
"""So many characters or words must not follow from what stands before them."""

OWN_WORD_MIN = 3

_hasher = PasswordHasher()
# Verified when there is no such name, so that a wrong name takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))

# How people write letters with digits and signs.
_DISGUISES = str.maketrans("013457@$!", "oleastasi")
# What lies side by side on a keyboard or in the alphabet.
_ROWS = (
    *("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "q1w2e3r4t5y6u7i8o9p0"),
    *("1q2w3e4r5t6y7u8i9o0p", "1a2s3d4f5g6h7j8k9l", "1z2x3c4v5b6n7m"),
)
_STEPS = frozenset(
    pair
    for row in _ROWS
    for first, second in pairwise(row)
    for pair in (first + second, second + first)
)


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of the hash; without a hash it takes as long, and is not."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def check_new(password: str, own_words: Sequence[str]) -> None:
    """Raise Refused, with what to do, for a password that breaks a rule or is easily guessed.

    `own_words` are names of the person and the practice: they count as common words do.
    """
    if len(password) < LENGTH_MIN:
        raise Refused(f"The password is too short: take at least {LENGTH_MIN} characters.")
    if len(password) > LENGTH_MAX:
        raise Refused(f"The password is too long: take at most {LENGTH_MAX} characters.")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in password):
        raise Refused(
            "The password has a character that cannot be typed into a form: leave it out."
        )
    if _surprises(password, own_words) < SURPRISES_MIN:
        raise Refused(
            "The password is easily guessed: names, common words, years, and rows of keys count"
            " little. Take one that a password manager makes, or four words that nobody expects."
        )


def _surprises(password: str, own_words: Iterable[str]) -> int:
    """How many of its characters and words do not follow from what stands before them."""
    plain = password.casefold()
    own = {part for each in own_words for part in re.split(r"[\W_]+", each.casefold())}
    words = _easy_words() | {each for each in own if len(each) >= OWN_WORD_MIN}
    return min(_count(_once(each), words) for each in (plain, plain.translate(_DISGUISES)))


def _once(text: str) -> str:
    """A text that is a shorter one several times, as that shorter one."""
    length = (text + text).find(text, 1)
    return text[:length]


def _count(text: str, words: Iterable[str]) -> int:
    """Count each word and year as one, and what goes on along a row of keys not at all."""
    known = "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True))
    short = re.sub(f"{known}|(?:19|20)[0-9]{{2}}", "\0", text)
    steps = [first == second or first + second in _STEPS for first, second in pairwise(short)]
    # One step may be chance; two make a run.
    runs = [here and (before or after) for before, here, after in _with_neighbours(steps)]
    return 1 + runs.count(False)


def _with_neighbours(steps: Sequence[bool]) -> Iterable[tuple[bool, bool, bool]]:
    return zip((False, *steps), steps, (*steps[1:], False), strict=False)


@cache
def _easy_words() -> frozenset[str]:
    """The words of `easy_words.txt`: what the lists of the commonest passwords are made of, and
    what a practice is likely to think of.
    """
    text = resources.files("cleargate.people").joinpath("easy_words.txt").read_text("utf-8")
    return frozenset(text.split())
