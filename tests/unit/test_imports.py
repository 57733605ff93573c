"""What a process pays for: a page imports neither the engine nor a vendor."""

import json
import subprocess
import sys

import pytest

NEVER = ("dbos", "anthropic", "cleargate.connectors", "cleargate.sandbox", "cleargate.engine")

_IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


def _loaded_by(module: str) -> list[str]:
    """Every module that a fresh interpreter holds after importing one."""
    command = [sys.executable, "-c", _IMPORT, module]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded: list[str] = json.loads(answer.stdout)
    return loaded


def _of(loaded: list[str], package: str) -> list[str]:
    return [each for each in loaded if each == package or each.startswith(f"{package}.")]


@pytest.mark.parametrize("module", ["cleargate.app", "cleargate.web.server"])
def test_pages_load_neither_the_engine_nor_a_model_nor_a_vendor(module: str) -> None:
    loaded = _loaded_by(module)
    assert module in loaded
    assert {package: _of(loaded, package) for package in NEVER} == {each: [] for each in NEVER}


def test_the_engine_is_seen_where_it_is_imported() -> None:
    """The test above can fail: the engine's own room brings dbos."""
    assert _of(_loaded_by("cleargate.engine.durable"), "dbos")
