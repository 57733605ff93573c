"""What must hold of every answer, however it is bent."""

from collections.abc import Iterator
from datetime import date
from io import StringIO
from random import Random

from rich.console import Console

from cleargate.coverage.reading import Reading, read_answers, read_parts
from cleargate.eligibility.answer import read_raw
from cleargate.eligibility.card import card
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.store.codec import dump, load
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import chunked
from tests.fuzz.clients import refusals
from tests.fuzz.seeds import SECRETS

ON = date(2026, 5, 4)
SERVICES = ("PT", "AE", "30")
CONTENT_TYPES = (
    "application/soap+xml; charset=utf-8",
    'multipart/related; boundary="b"; start="<root>"',
    'multipart/form-data; boundary="b"',
    "application/json",
)
_SHOWN_MAX = 10


def check(content: bytes, rng: Random) -> None:
    """Read an answer in every way; raises for whatever does not hold."""
    reading = read_answers(content, SERVICES, ON)
    assert reading.coverages or reading.diagnostics, "nothing was read, and nothing was said"
    _no_secret(reading)
    _nothing_from_the_broken(reading, content)
    _kept_and_shown(reading)
    assert read_answers(content, SERVICES, ON) == reading, "read twice, two readings"
    _chunks(content, reading, rng)
    read_raw(RawAnswer(content, ContentKind.TEXT), "Payer", SERVICES, ON)
    _wires(content, rng)


def lost_its_end(content: bytes) -> None:
    """Nothing of an answer that was cut off is active."""
    for coverage in read_answers(content, SERVICES, ON).coverages:
        assert not _actives(coverage), "cut off, and active"


def _actives(coverage: Coverage) -> list[Verdict]:
    verdicts = [coverage.verdict, *(service.verdict for service in coverage.services)]
    return [verdict for verdict in verdicts if verdict is Verdict.ACTIVE]


def _no_secret(reading: Reading) -> None:
    told = " ".join(str(finding) for finding in reading.diagnostics).upper()
    assert not [secret for secret in SECRETS if secret in told], "a diagnostic tells who it is"


def _nothing_from_the_broken(reading: Reading, content: bytes) -> None:
    """By two ways: what the coverage says of itself, and what the envelope says of its set."""
    whole = {
        number: found.complete
        for number, found in enumerate(transaction_sets(chunked(content), _ignore), 1)
    }
    is_x12 = any(finding.code == "set_cut_off" for finding in reading.diagnostics)
    for coverage in reading.coverages:
        cut = any(reason.code == "answer_cut_off" for reason in coverage.reasons)
        if cut or (is_x12 and not whole.get(coverage.set_index, True)):
            assert not _actives(coverage), "incomplete, and active"


def _ignore(_: object) -> None:
    """Findings are looked at elsewhere."""


def _kept_and_shown(reading: Reading) -> None:
    console = Console(file=StringIO(), width=100)
    for coverage in reading.coverages[:_SHOWN_MAX]:
        assert load(Coverage, dump(coverage)) == coverage, "kept, and another"
        console.print(card(coverage, "a file"))


def _chunks(content: bytes, reading: Reading, rng: Random) -> None:
    """The bytes may come in any pieces; only the order of findings may then be another."""
    size = rng.choice([1, 2, 7, 105, 106, 1000, 70_000])
    if len(content) // size > 20_000:
        size = 70_001
    found = Reading((), ())
    for part in read_parts(_cut(content, size), SERVICES, ON):
        found = Reading(found.coverages + part.coverages, found.diagnostics + part.diagnostics)
    assert found.coverages == reading.coverages, "cut otherwise, another coverage"
    assert _sorted(found) == _sorted(reading), "cut otherwise, other findings"


def _sorted(reading: Reading) -> list[str]:
    return sorted(str(finding) for finding in reading.diagnostics)


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _wires(content: bytes, rng: Random) -> None:
    """What stands before the readers: every client hands it on, or says in codes what is wrong."""
    for error in refusals(content, rng.choice(CONTENT_TYPES), rng.choice((200, 200, 400))):
        told = f"{error} {error.vendor_code} {error.request_id} {' '.join(error.fields)}"
        assert not [secret for secret in SECRETS if secret in told.upper()]
