"""semgrep's rules: none is dead, and none excepts a file that is not there.

What the snippets say is held against the rules by `dev.py check` (semgrep --test).
"""

import re

import pytest

from tests.unit.tools.programs import ROOT, TOOLS

RULES = TOOLS / "semgrep"
FILES = sorted(RULES.glob("*.yml"))


def snippets(file):
    """The snippets beside a file of rules."""
    (beside,) = [each for each in RULES.glob(f"{file.stem}.*") if each != file]
    return beside.read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("mark", ["ruleid", "ok"])
def test_every_rule_has_a_bad_and_a_good_snippet(file, mark):
    ids = set(re.findall(r"^  - id: (\S+)$", file.read_text(), re.MULTILINE))
    marked = re.findall(rf"(?:#|<!--) {mark}: ([a-z, -]+?)(?: -->)?$", snippets(file), re.MULTILINE)

    assert ids
    assert ids - {name for names in marked for name in names.split(", ")} == set()


def test_there_are_rules():
    assert len(FILES) >= 5


def test_no_rule_excepts_a_file_that_is_gone():
    text = "".join(file.read_text() for file in FILES)

    paths = re.findall(r"\b(src/[\w./]+)", text)

    assert "src/cleargate/store/connect.py" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_exception_to_a_rule_has_its_reason_on_its_line():
    """In the rules themselves, in the code (nosec, nosemgrep) and in what bandit skips."""
    files = [*(ROOT / "src").rglob("*.py"), ROOT / "dev.py", *TOOLS.glob("*.py")]

    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(r"# nosemgrep(?!: [\w.-]+ - \S)", line) or re.search(r"# nosec(?! B\d)", line)
    ]

    assert bare == []
