"""Every public answer is explained, and nothing of its patient is printed with it."""

import json
import re
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from cleargate.coverage.reading import read_answers
from cleargate.eligibility.explain import explain
from cleargate.eligibility.read import read
from tests.corpus.files import needs_corpus, samples

pytestmark = needs_corpus

SERVICES = ("PT", "AE", "AF", "AD", "98", "30")
ON = date(2018, 1, 16)


@pytest.mark.parametrize(
    "path", [*samples("271"), *samples("eligibility-xml")], ids=lambda path: path.stem[-40:]
)
def test_every_sample_is_explained_without_its_patient(path) -> None:
    out = StringIO()
    code = explain([path], SERVICES, ON, "", False, Console(file=out, width=80))
    assert code == read([path], SERVICES, ON, True, Console(file=StringIO()))
    printed = out.getvalue().replace(str(path), "")
    coverages = read_answers(path.read_bytes(), SERVICES, ON).coverages
    assert len(re.findall(r", set \d+, patient \d+\n", printed)) == len(coverages)
    for coverage in coverages:
        private = {coverage.member_id, coverage.family_name, coverage.trace}
        assert not [one for one in private if len(one) > 3 and one in printed]


@pytest.mark.parametrize("path", samples("271"), ids=lambda path: path.stem[-40:])
def test_every_place_of_a_271_has_its_segment(path) -> None:
    out = StringIO()
    explain([path], SERVICES, ON, "", True, Console(file=out))
    for entry in json.loads(out.getvalue()):
        for service in entry["services"]:
            assert all(place["text"].startswith(("EB*", "MSG*")) for place in service["places"])
