"""A file of rules with a mistake is refused with the file, the place in it, and the way out."""

import re
from datetime import date
from pathlib import Path

import pytest

from cleargate.coverage.payers.files import KINDS, all_rules, read_rules, without_doubles
from cleargate.nouns.errors import Refused

GOOD = """\
names = ["EXAMPLE PLAN"]
ids = ["EX001"]
directory = ["example-plan"]

[[rule]]
kind = "percent_scale"
source = "Example Plan, companion guide, page 1"
date = 2026-05-01
network = "out"
one_means = 100
"""
SHARED = """\
names = ["EXAMPLE PLAN"]
[[rule]]
kind = "shared_limits"
source = "Example Plan, companion guide, page 2"
date = 2026-05-01
services = ["AD"]
words = "COMBINED"
counts_for = ["PT"]
"""


def test_a_good_file_is_read() -> None:
    rules = read_rules("example.toml", GOOD)
    assert (rules.names, rules.ids) == ({"EXAMPLE PLAN"}, {"EX001"})
    [rule] = rules.rules
    assert (rule.kind, rule.date) == ("percent_scale", date(2026, 5, 1))
    assert read_rules("example.toml", SHARED).rules[0].kind == "shared_limits"


@pytest.mark.parametrize(
    ("text", "written", "instead", "said"),
    [
        (GOOD, "[[rule]]", "[[rule", "example.toml: this is no TOML: .* line 5"),
        (GOOD, "names", "name", "example.toml: there is no key 'name'; use names, "),
        (GOOD, '["EXAMPLE PLAN"]', "[]", "example.toml, key names: list what"),
        (GOOD, '"EXAMPLE PLAN"', '"\u2014"', "example.toml, key names: use letters and digits"),
        (GOOD, '["EX001"]', '"EX001"', "example.toml, key ids: write a list"),
        (GOOD, '["EX001"]', "[1]", "example.toml, key ids: write a text"),
        (GOOD, "[[rule]]", "[rule]", r"example.toml: it has no \[\[rule\]\]"),
        (GOOD, "percent_scale", "percent", "rule 1, key kind: use one of percent_scale, "),
        (GOOD, 'kind = "percent_scale"', "", "rule 1, key kind: use one of"),
        (GOOD, "source", "because", r"rule 1 \(percent_scale\), key source: say who says so"),
        (GOOD, '"Example Plan, companion guide, page 1"', '" "', "key source: say who says so"),
        (GOOD, "2026-05-01", '"last May"', "key date: write the source's date as 2026-05-01"),
        (GOOD, "one_means", "one_mean", "there is no key 'one_mean'; use one_means, network"),
        (GOOD, "one_means = 100", "", "key one_means: it is missing"),
        (GOOD, "100", "10", "key one_means: use one of 1, 100"),
        (GOOD, "100", "true", "key one_means: write a whole number"),
        (GOOD, "100", '"100"', "key one_means: write a whole number"),
        (GOOD, '"out"', '"outside"', "key network: use one of any, in, out"),
        (SHARED, '["AD"]', '"AD"', "key services: write a list"),
        (SHARED, '["AD"]', "[]", "key services: write a list"),
        (SHARED, '"COMBINED"', '""', "key words: write a text of at most"),
        (SHARED, '"COMBINED"', f'"{"x" * 5000}"', "key words: write a text of at most"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_the_way_out(
    text: str, written: str, instead: str, said: str
) -> None:
    assert written in text
    with pytest.raises(Refused, match=said):
        read_rules("example.toml", text.replace(written, instead))


def test_a_table_of_codes_must_be_one() -> None:
    text = GOOD.replace("percent_scale", "coded_messages").replace('network = "out"\n', "")
    with pytest.raises(Refused, match="key codes: write a table of texts"):
        read_rules("example.toml", text.replace("one_means = 100", 'codes = "95"'))


@pytest.mark.parametrize("key", ["names", "ids", "directory"])
def test_two_files_may_not_claim_one_payer(key: str) -> None:
    first = read_rules("example.toml", GOOD)
    mine = {"names": '["OTHER PLAN"]', "ids": '["EX002"]', "directory": '["other-plan"]'}
    theirs = {"names": '["example plan"]', "ids": '["ex001"]', "directory": '["Example-Plan"]'}
    lines = [f"{one} = {(theirs if one == key else mine)[one]}" for one in mine]
    second = read_rules("other.toml", "\n".join([*lines, *GOOD.splitlines()[3:]]))
    with pytest.raises(Refused, match=rf"other.toml, key {key}: .* stands in example.toml already"):
        without_doubles([first, second])


def test_every_file_that_ships_is_good_and_every_rule_has_its_source_and_date() -> None:
    files = all_rules()
    assert len(files) >= 6
    for one in files:
        for rule in one.rules:
            assert rule.source.startswith(("Our collection", "UnitedHealthcare and WellMed"))
            assert date(2010, 1, 1) < rule.date < date(2027, 1, 1)


def test_the_page_on_eligibility_shows_a_file_that_is_good_and_every_kind_that_is_used() -> None:
    page = (Path(__file__).parents[3] / "docs/eligibility.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert read_rules("example.toml", example).rules[0].kind == "none_amounts"
    used = {rule.kind for one in all_rules() for rule in one.rules}
    assert used == KINDS.keys()
    assert not [kind for kind in used if f"| `{kind}` |" not in page]
