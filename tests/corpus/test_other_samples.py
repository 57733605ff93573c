"""Public files of other kinds: the envelope reads them, and they are not taken for a 271."""

from datetime import date

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Verdict
from cleargate.x12.diagnostics import Diagnostic
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import chunked
from tests.corpus.files import CORPUS, needs_corpus, samples

pytestmark = needs_corpus

OTHERS = [path for kind in ("270", "276", "277", "278", "835", "837P") for path in samples(kind)]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name[-40:])
def test_another_transaction_is_no_coverage(path) -> None:
    findings: list[Diagnostic] = []
    sets = list(transaction_sets(chunked(path.read_bytes()), findings.append))
    reading = read_answers(path.read_bytes(), ("PT",), date(2026, 5, 1))
    assert reading.coverages == ()
    assert [finding.code for finding in reading.diagnostics].count("not_271") == len(sets)
    assert sets


@pytest.mark.parametrize("path", samples("999"), ids=lambda path: path.name[-40:])
def test_a_999_is_an_undetermined_coverage_with_its_reason(path) -> None:
    reading = read_answers(path.read_bytes(), ("PT",), date(2026, 5, 1))
    assert {coverage.verdict for coverage in reading.coverages} == {Verdict.UNDETERMINED}
    assert all(coverage.reasons for coverage in reading.coverages)


EVERYTHING = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.name[-40:])
def test_no_public_file_of_any_kind_raises(path) -> None:
    """Claims, remittances, code lists: each is read to its end, or is told from an answer."""
    reading = read_answers(path.read_bytes(), ("PT",), date(2026, 5, 1))
    assert reading.coverages or reading.diagnostics
