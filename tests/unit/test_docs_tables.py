"""What the security documents name is there: files, tests, attacks, commands, settings."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from cleargate.__main__ import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("hipaa.md", "asvs.md", "threats.md", "incidents.md", "trail.md")
"""Documents whose every file and test must be there."""

COMMANDS = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"])
ATTACKS = "tests/security/test_trail_attacks.py"

ASVS_COUNTS = dict(
    zip(range(1, 17), (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16), strict=True)
)
"""How many requirements of levels 1 and 2 a chapter has. Source: ASVS 5.0.0's own list."""

ASVS_STATES = ("met", "in part", "not met", "not applicable")

_SPAN = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*/(?:[\w-]+\.[a-z]+)?")
_LINK = re.compile(r"\]\(([\w.-]*)#([\w-]+)\)")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


def spans(path: Path) -> list[str]:
    """What stands in backticks."""
    return _SPAN.findall(path.read_text("utf-8"))


def rows(text: str) -> Iterator[list[str]]:
    """The rows of every table, without heads and rules."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|-") and not below.startswith("|-"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@cache
def named_in(path: Path) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_file_is_there(name: str) -> None:
    """Named from the top of the repository, or from the package."""
    for span in spans(DOCS / name):
        if _FILE.fullmatch(span):
            places = (ROOT / span, ROOT / "src" / "cleargate" / span)
            assert any(place.exists() for place in places), f"{name}: {span}"


@pytest.mark.parametrize("name", PAGES)
def test_every_test_is_there(name: str) -> None:
    missing = []
    for span in spans(DOCS / name):
        found = _TEST.fullmatch(span)
        assert found or "::" not in span, f"{name}: {span} is not path::test"
        if found:
            path = ROOT / found[1]
            if not path.is_file() or found[2] not in named_in(path):
                missing.append(span)
    assert not missing


def headings(path: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_into_a_page_leads_to_a_heading(name: str) -> None:
    for page, anchor in _LINK.findall((DOCS / name).read_text("utf-8")):
        assert anchor in headings(DOCS / (page or name)), f"{name}: {page}#{anchor}"


def attacks() -> set[str]:
    """The names that the suite gives to its attacks."""
    named: set[str] = set()
    for node in ast.parse((ROOT / ATTACKS).read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in ("FOUND", "OUTSIDE"):
            assert isinstance(node.value, ast.Dict)
            named |= {ast.literal_eval(key) for key in node.value.keys if key is not None}
    assert named
    return named


def test_every_attack_of_the_suite_is_told_and_no_other() -> None:
    """By its name, and by the test that proves it."""
    text = (DOCS / "hipaa.md").read_text("utf-8")
    section = text.partition("## Attacks on the trail")[2].partition("\n## ")[0]
    told = {cells[0]: " ".join(cells[1:]) for cells in rows(section)}
    missing = attacks() - set(told)
    assert not missing
    proofs = set(chain.from_iterable(_TEST.findall(each) for each in told.values()))
    assert {name for path, name in proofs if path == ATTACKS} == named_in(ROOT / ATTACKS)


def test_every_requirement_of_asvs_is_answered_once() -> None:
    """Met needs a proof, everything else a reason."""
    text = (DOCS / "asvs.md").read_text("utf-8")
    chapters: Counter[int] = Counter()
    states: Counter[str] = Counter()
    seen = set()
    for cells in rows(text):
        found = re.fullmatch(r"V(\d+)\.\d+\.\d+", cells[0])
        if not found:
            continue
        identity, _, state, proof = cells
        assert identity not in seen, identity
        seen.add(identity)
        chapters[int(found[1])] += 1
        states[state] += 1
        assert _SPAN.search(proof) if state == "met" else len(proof) > 10, identity
    assert chapters == ASVS_COUNTS
    told = ", ".join(f"{states[state]} {state}" for state in ASVS_STATES)
    assert f"Of {states.total()}: {told}.\n" in text
    assert set(states) == set(ASVS_STATES)


def commands(path: Path) -> set[tuple[str, ...]]:
    """What follows `cleargate`, in backticks or as a line of an example."""
    text = path.read_text("utf-8")
    lines = re.findall(r"^ *(?:[A-Z_]+=\S+ )*(?:\S*/)?cleargate ([a-z-].*)$", text, re.M)
    lines += [span[10:] for span in spans(path) if re.match(r"cleargate [a-z.-]", span)]
    return {tuple(re.split(r" {2,}| [#(|]", line)[0].split()) for line in lines}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_every_command_and_option_is_there(path: Path) -> None:
    """A group's own name stands for all of it: `cleargate audit ...`."""
    root = get_command(app)
    for words in commands(path) - {("...",)}:
        command = root
        told = f"{path.name}: cleargate {' '.join(words)}"
        for before, word in pairwise(("", *words)):
            if isinstance(command, TyperGroup) and word in command.commands:
                command = command.commands[word]
            elif word.startswith("--"):
                known = {name for each in command.params for name in each.opts}
                assert word in known | {"--help"}, told
            elif isinstance(command, TyperGroup):
                assert word == "..." or before.startswith("--"), told
        assert command is not root, told
