"""Every captured answer is read today as it was read when it was captured.

A new fixture is a new folder of `captured/`, made by `cleargate eligibility capture`; it needs no
line here. Where the reader has learned something, the snapshot is what changes, in the open.
"""

from pathlib import Path

import pytest

from cleargate.eligibility.lab.folder import captured_folders, read_folder

CAPTURED = captured_folders(Path(__file__).parent / "captured")


def test_there_are_captured_answers() -> None:
    assert CAPTURED


@pytest.mark.parametrize("folder", CAPTURED, ids=lambda folder: folder.name)
def test_captured_answer_is_read_as_it_was(folder: Path) -> None:
    assert read_folder(folder).changes() == []
