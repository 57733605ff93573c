"""A captured fixture's folder: written whole or not at all, for its owner's eyes only."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cleargate import __version__
from cleargate.coverage.reading import read_answers
from cleargate.eligibility.read import Json, Part, entries
from cleargate.nouns.errors import Refused

VERDICT = "verdict.json"


@dataclass(frozen=True, slots=True)
class Expected:
    """A folder's answer, and the snapshot of what our reader made of it."""

    answer: Path
    services: tuple[str, ...]
    on: date
    answers: list[Json]

    def changes(self) -> list[str]:
        """Where the reader of today says something else; what it says beside it is no change."""
        today = read_entries(self.answer.read_bytes(), self.answer.name, self.services, self.on)
        return list(_changes(self.answers, today, "answers"))


def _changes(expected: object, today: object, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(today, dict):
        for key, value in expected.items():
            yield from _changes(value, today.get(key), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(today, list) and len(expected) == len(today):
        for at, (one, other) in enumerate(zip(expected, today, strict=True)):
            yield from _changes(one, other, f"{path}[{at}]")
    elif expected != today:
        yield path


def read_entries(content: bytes, name: str, services: tuple[str, ...], on: date) -> list[Json]:
    """What our reader makes of an answer, as `read --json` prints it."""
    return entries(Part(name, read_answers(content, services, on)), services)


def captured_folders(root: Path) -> list[Path]:
    """Every captured fixture below a folder, by name."""
    return sorted(path.parent for path in root.glob(f"*/{VERDICT}"))


def read_folder(folder: Path) -> Expected:
    """A captured fixture. Refused where a file is missing or no snapshot."""
    try:
        snapshot = json.loads((folder / VERDICT).read_text("utf-8"))
        answer = folder / snapshot["answer"]
        services, on = tuple(snapshot["services"]), date.fromisoformat(snapshot["on"])
        return Expected(answer, services, on, snapshot["answers"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(f"{folder / VERDICT} is no captured verdict.") from None


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, or leave nothing. Refused where the folder is there already."""
    draft = folder.with_name(f".{folder.name}.part")
    try:
        if folder.exists():
            raise Refused(f"{folder} is there already; choose another --name.")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        draft.rename(folder)
    except OSError as failure:
        shutil.rmtree(draft, ignore_errors=True)
        raise Refused(f"{folder} cannot be written ({failure.strerror}).") from None


def readme(facts: Mapping[str, str], counts: Mapping[str, int]) -> bytes:
    """What a person reads before the folder leaves the house."""
    replaced = [f"- {name}: {count}" for name, count in counts.items()] or ["- nothing"]
    lines = [
        "# A captured answer",
        "",
        *(f"{name}: {value}" for name, value in facts.items()),
        f"Reader: cleargate {__version__}",
        "",
        "Replaced, by class of place:",
        "",
        *replaced,
        "",
        "Read it before it leaves the house: a program cannot know what a person knows.",
        "",
    ]
    return "\n".join(lines).encode()
