"""The rules for a new password, and what is kept of it."""

import secrets

import pytest

from cleargate.nouns.errors import Refused
from cleargate.people.passwords import LENGTH_MAX, LENGTH_MIN, check_new, hash_of, is_right

OWN = ("robin.frontdesk", "Robin Frontdesk", "Sample Creek Physical Therapy", "sample-creek")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Frühling im alten Garten",
        "Xk9#mQ2vLp7w",
        "   spaces   are   fine too",
        "пароль из четырёх слов",
        "robin likes otters, not weasels",
        "x9" * 3 + secrets.token_urlsafe(LENGTH_MAX)[: LENGTH_MAX - 6],
    ],
)
def test_a_long_password_of_any_characters_is_taken(password: str) -> None:
    check_new(password, OWN)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", f"at least {LENGTH_MIN}"),
        ("Xk9#mQ2vLp7", f"at least {LENGTH_MIN}"),
        (secrets.token_urlsafe(LENGTH_MAX)[: LENGTH_MAX + 1], f"at most {LENGTH_MAX}"),
        ("Xk9#mQ2vLp7w\tq", "cannot be typed"),
        ("Xk9#mQ2vLp7w\0q", "cannot be typed"),
        ("Xk9#mQ2vLp7w\ud800", "cannot be typed"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_way_out(password: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        check_new(password, OWN)
    assert len(password) < LENGTH_MIN or password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        *("password1234", "P@ssw0rd2024!", "iloveyou12345", "Welcome2026!!", "administrator1"),
        *("qwertyuiop12", "1qaz2wsx3edc", "123456789012", "zaq1xsw2cde3", "abcdefghijklm"),
        *("aaaaaaaaaaaa", "abc123abc123", "abababababab", "passwordpassword", "112233445566"),
        *("robin.frontdesk", "Frontdesk2026!", "SampleCreek2026!", "creek-therapy-robin"),
        *("medicalpractice1", "Summer2026!!!", "OctoberOctober", "insurance2027"),
    ],
)
def test_what_is_easily_guessed_is_refused(password: str) -> None:
    assert len(password) >= LENGTH_MIN
    with pytest.raises(Refused, match="easily guessed"):
        check_new(password, OWN)


def test_what_a_password_manager_makes_is_never_refused() -> None:
    for _ in range(300):
        check_new(secrets.token_urlsafe(15), OWN)


def test_a_hash_fits_its_password_alone() -> None:
    hashed = hash_of("three otters under glass")
    assert hashed.startswith("$argon2id$")
    assert is_right(hashed, "three otters under glass")
    for other in ("Three otters under glass", "three otters under glass ", "", "\ud800"):
        assert not is_right(hashed, other)
    assert not is_right(None, "three otters under glass")
    assert not is_right("no hash at all", "three otters under glass")
