"""Every public 271, rewritten in both JSON forms, comes to what it comes to as it is."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.x12.envelope import transaction_sets
from tests.corpus.files import needs_corpus, samples
from tests.unit.coverage.as_json import NotInJson, benefits_document, outcome, plans_document

pytestmark = needs_corpus

ON = date(2026, 5, 1)
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")


def sets(path: Path) -> Iterator[str]:
    """The transaction sets of a file, one segment a line, with the commonest delimiters."""
    for one in transaction_sets([path.read_bytes()], lambda _: None):
        lines = "\n".join("*".join(segment) for segment in one.segments)
        mark = one.delimiters.repetition
        yield lines.replace(mark, "^") if mark else lines


@pytest.mark.parametrize("path", samples("271"), ids=lambda path: path.name[-40:])
@pytest.mark.parametrize("form", [benefits_document, plans_document])
def test_the_outcome_does_not_depend_on_the_form(path: Path, form) -> None:
    compared = 0
    coverages = read_answers(path.read_bytes(), SERVICES, ON).coverages
    for text, expected in zip(sets(path), coverages, strict=True):
        try:
            content = json.dumps(form(text)).encode()
        except NotInJson:
            continue
        [coverage] = read_answers(content, SERVICES, ON).coverages
        assert outcome(coverage, SERVICES) == outcome(expected, SERVICES)
        compared += 1
    assert compared >= 0.9 * len(coverages)
