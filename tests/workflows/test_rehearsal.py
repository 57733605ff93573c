"""The whole office under faults: every case ends as was fixed, nothing lost, nothing twice."""

import io
import json
import random
from pathlib import Path

import pytest
from rich.console import Console

from cleargate.operations.demo import DemoOptions
from cleargate.operations.rehearsal import rehearse
from tests.workflows.conftest import demo_home

pytestmark = pytest.mark.timeout(900)

SEEDS = random.Random(20261122).sample(range(1, 1_000_000), 20)
"""Chosen at random, once, so that a seed that fails can be played again."""


def _play(folder: Path, seed: int, people: int) -> dict[str, object]:
    told = io.StringIO()
    options = DemoOptions(folder, seed=seed, faults="heavy")
    code = rehearse(options, people, folder / "result.json", Console(file=told, width=160))
    result: dict[str, object] = json.loads((folder / "result.json").read_text())
    assert code == 0, told.getvalue()
    return result


@pytest.mark.parametrize("people", [8, pytest.param(20, marks=pytest.mark.long)])
def test_patients_under_heavy_faults_end_as_expected(people: int) -> None:
    with demo_home() as folder:
        result = _play(folder, 7, people)
    assert (result["requests"], result["lost"], result["duplicated"]) == (people, 0, 0)
    assert result["retries"], "the faults never struck"


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_any_seed_ends_as_expected(seed: int) -> None:
    with demo_home() as folder:
        result = _play(folder, seed, 12)
    assert (result["lost"], result["duplicated"], result["unexpected"]) == (0, 0, 0)
