"""Bundles and receipts: proved before they leave, checked by a program that knows nothing of us."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleargate.nouns.errors import Refused
from cleargate.store import audit, trail
from cleargate.store.audit import Action, Event
from cleargate.store.trail import TrailSession
from cleargate.trail import bundle, verify_bundle
from cleargate.trail.note import verifier_key
from tests.house import House

EVENTS = 7


@pytest.fixture(scope="module")
def sealed(house: House) -> House:
    """A trail of seven events, sealed in three rounds."""
    for number in range(EVENTS):
        with house.session() as session:
            audit.record(session, Event("case.view", Action.READ, "case", f"sample-{number}"))
        if number % 3 == 0:
            house.seal()
    house.seal()
    return house


@pytest.fixture
def session(sealed: House) -> Iterator[TrailSession]:
    """A transaction of the auditor."""
    with sealed.auditing() as database, database.session(sealed.practice) as opened:
        yield opened


def _file(folder: Path, made: tuple[str, Iterator[bytes]]) -> Path:
    header, events = made
    path = folder / "sample.bundle"
    path.write_bytes(b"\n".join([header.encode(), *events]) + b"\n")
    return path


def _check(path: Path, key: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-I", str(Path(verify_bundle.__file__)), str(path), key]
    return subprocess.run(program, capture_output=True, text=True)


@pytest.mark.parametrize(("first", "end"), [(0, EVENTS), (2, 5), (6, 7), (0, 1)])
def test_a_bundle_is_proved_by_the_program_that_goes_with_it(
    sealed: House, session: TrailSession, tmp_path: Path, first: int, end: int
) -> None:
    key = sealed.signing_key.public_key
    path = _file(tmp_path, bundle.bundle(session, first, end, key))
    said = _check(path, verifier_key(key))
    assert said.returncode == 0, said.stderr
    assert f"events {first} to {end - 1} of the {EVENTS}" in said.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"sample-3", b"sample-9"),
        lambda text: text.replace(b'"first": 2', b'"first": 1'),
        lambda text: text.replace(b"\n7\n", b"\n8\n").replace(b"\\n7\\n", b"\\n8\\n"),
        lambda text: b"\n".join(text.split(b"\n")[:-2]) + b"\n",
        lambda text: b"\n".join(sorted(text.split(b"\n")[:-1], reverse=True)),
        lambda text: text.split(b"\n")[0] + b"\n",
        lambda text: b"",
        lambda text: b"{}",
        lambda text: text.replace(b'"proof": [', b'"proof": ["AAAA", '),
    ],
)
def test_a_changed_bundle_is_not_proved(
    sealed: House, session: TrailSession, tmp_path: Path, change: object
) -> None:
    assert callable(change)
    key = sealed.signing_key.public_key
    path = _file(tmp_path, bundle.bundle(session, 2, 5, key))
    text = path.read_bytes()
    path.write_bytes(change(text))
    assert path.read_bytes() != text
    said = _check(path, verifier_key(key))
    assert said.returncode == 1
    assert said.stderr.startswith("NOT PROVED")
    assert "Traceback" not in said.stderr


def test_a_receipt_shows_one_event_and_hashes(sealed: House, session: TrailSession) -> None:
    [leaf] = trail.leaves(session, 4, 5)
    header, events = bundle.receipt(session, leaf.event, sealed.signing_key.public_key)
    [event] = events
    assert json.loads(event)["entity_id"] == "sample-4"
    assert "sample" not in header
    assert len(json.loads(header)["proof"]) == 3


def test_no_receipt_for_another_practice_s_event(sealed: House) -> None:
    with sealed.session(sealed.other) as writing:
        theirs = audit.record(writing, Event("case.view", Action.READ, "case", "x"))
    sealed.seal(sealed.other)
    key = sealed.signing_key.public_key
    with (
        sealed.auditing() as database,
        database.session(sealed.practice) as session,
        pytest.raises(Refused, match="not on the trail"),
    ):
        bundle.receipt(session, theirs, key)


def test_the_program_has_sixty_lines() -> None:
    """Whoever must trust it can read it."""
    assert len(Path(verify_bundle.__file__).read_text().splitlines()) <= 60
