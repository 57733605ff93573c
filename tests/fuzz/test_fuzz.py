"""The fuzzer finds what is planted, and what it found can be seen again."""

import re
import subprocess
import sys
from random import Random

import pytest

from tests.fuzz.__main__ import ROOT
from tests.fuzz.mutations import MUTATIONS, bent
from tests.fuzz.seeds import SECRETS, seeds

only_where_memory_has_a_limit = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS does not limit the memory of a process"
)


def fuzz(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout


def test_a_short_run_finds_nothing() -> None:
    code, told = fuzz("--seconds", "3", "--giants", "0", "--seed", "1")
    assert code == 0, told
    assert re.fullmatch(r"fuzz: seed 1, 3 s\nfuzz: \d+ cases, 0 findings\n", told)


def test_a_failure_is_found_and_seen_again() -> None:
    planted = ("--check", "tests.fuzz.planted:fails", "--giants", "0")
    code, told = fuzz("--seconds", "6", "--seed", "5", *planted)
    assert code == 1
    assert "KeyError: 'planted'" in told
    again = re.search(r"--seed 5 --case (\d+)", told)
    assert again is not None
    assert fuzz("--seed", "5", "--case", again[1], *planted[:2])[0] == 1


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("hangs", "It did not end"),
        pytest.param("swells", "MemoryError", marks=only_where_memory_has_a_limit),
    ],
)
def test_what_does_not_end_or_takes_all_memory_is_found(planted: str, told: str) -> None:
    check = f"tests.fuzz.planted:{planted}"
    code, said = fuzz("--seed", "5", "--case", "1", "--check", check, "--cpu", "1")
    assert code == 1
    assert told in said
    assert "--seed 5 --case 1" in said


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_changes_something_and_always_the_same(name: str) -> None:
    changed = 0
    for number, seed in enumerate(seeds()[:10]):
        once = MUTATIONS[name](seed.content, Random(number))
        assert once == MUTATIONS[name](seed.content, Random(number))
        changed += once != seed.content
    assert changed


def test_a_case_follows_from_its_numbers() -> None:
    [seed, *_] = seeds()
    assert bent(seed.content, Random("1:2")) == bent(seed.content, Random("1:2"))
    assert any(secret.encode() in seed.content for secret in SECRETS)
