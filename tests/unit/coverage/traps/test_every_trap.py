"""Every trap of docs/eligibility.md has its three tests, and the page links to them."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "eligibility.md"
TRAPS = range(1, 35)
KINDS = ("trap", "near_miss", "contradiction")
_NAME = re.compile(rf"test_({'|'.join(KINDS)})_(\d\d)_\w+")


def named() -> dict[tuple[int, str], list[str]]:
    """The tests of this folder, as `file::test`, under the trap's number and their kind."""
    found: dict[tuple[int, str], list[str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            match = _NAME.fullmatch(node.name) if isinstance(node, ast.FunctionDef) else None
            if match:
                found.setdefault((int(match[2]), match[1]), []).append(f"{path.name}::{node.name}")
    return found


def rows() -> dict[int, str]:
    """The rows of the page's table under their numbers."""
    lines = PAGE.read_text("utf-8").splitlines()
    return {int(line.split("|")[1]): line for line in lines if re.match(r"\| \d+ \|", line)}


def test_every_trap_has_a_trap_a_near_miss_and_a_contradiction() -> None:
    """One of each, and no more."""
    assert {key: len(names) for key, names in named().items()} == {
        (number, kind): 1 for number in TRAPS for kind in KINDS
    }


def test_the_page_links_every_trap_to_its_tests() -> None:
    """Its row has a link to each file, and the whole name of each test."""
    assert rows().keys() == set(TRAPS)
    for (number, _), [test] in named().items():
        file, _, name = test.partition("::")
        assert f"(../tests/unit/coverage/traps/{file})" in rows()[number]
        assert f"`{name}`" in rows()[number]


def test_the_page_names_no_test_that_is_not_there() -> None:
    """A test that is renamed is renamed on the page."""
    known = {name.partition("::")[2] for names in named().values() for name in names}
    written = re.findall(r"`(test_\w+)`", "\n".join(rows().values()))
    assert len(written) == len(TRAPS) * len(KINDS)
    assert set(written) <= known
