"""Every verdict names the rule that decided it: one row of the table in docs/eligibility.md."""

import re
from pathlib import Path

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.coverage.reasons import RULES
from cleargate.nouns.coverage import Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, ON, SERVICES, document, encoded

PAST = "DTP*346*RD8*20240101-20240331"
DECIDED = [
    ("service_inactive", f"{ACTIVE_PLAN}\nEB*I**PT", Verdict.INACTIVE),
    ("service_contradicted", f"{ACTIVE_PLAN}\nEB*1**PT\nEB*I**PT", Verdict.ACTIVE_UNCLEAR),
    ("service_carved_out", f"{ACTIVE_PLAN}\nEB*I**PT\nEB*U**PT", Verdict.ACTIVE_UNCLEAR),
    ("service_active", f"{ACTIVE_PLAN}\nEB*1**PT", Verdict.ACTIVE),
    ("plan_contradicted", f"{ACTIVE_PLAN}\nEB*6**30", Verdict.ACTIVE_UNCLEAR),
    ("plan_inactive", "EB*6**30", Verdict.INACTIVE),
    ("plan_inactive_but_service", "EB*6**30\nEB*B*IND*PT***27*20", Verdict.ACTIVE_UNCLEAR),
    ("plan_inactive_but_service", "EB*6**30\nEB*1**PT", Verdict.ACTIVE_UNCLEAR),
    ("plan_active_and_benefit", f"{ACTIVE_PLAN}\nEB*B*IND*PT***27*20", Verdict.ACTIVE),
    ("plan_active_only", ACTIVE_PLAN, Verdict.ACTIVE_UNCLEAR),
    ("plan_active_only", f"{ACTIVE_PLAN}\nEB*1**AE", Verdict.ACTIVE_UNCLEAR),
    ("plan_ended", f"EB*6**30\n{PAST}", Verdict.INACTIVE),
    ("dates_missed", f"{ACTIVE_PLAN}\n{PAST}", Verdict.ACTIVE_UNCLEAR),
    ("dates_missed", f"{ACTIVE_PLAN}\n{PAST}\nEB*1**PT", Verdict.ACTIVE_UNCLEAR),
    ("plan_contradicted", f"{ACTIVE_PLAN}\nEB*6**30\nEB*1**PT", Verdict.ACTIVE_UNCLEAR),
    ("others_active", "EB*1**98", Verdict.ACTIVE_UNCLEAR),
    ("part_active", "EB*1**30**SPECTERA VISION PLAN", Verdict.ACTIVE_UNCLEAR),
    ("nothing_stated", "EB*B*IND*PT***27*20", Verdict.UNDETERMINED),
    ("nothing_stated", "EB*X", Verdict.UNDETERMINED),
]


@pytest.mark.parametrize(("rule", "rows", "verdict"), DECIDED)
def test_a_verdict_names_its_rule(rule: str, rows: str, verdict: Verdict) -> None:
    [coverage] = read_answers(encoded(document(rows, background="")), SERVICES, ON).coverages
    service = coverage.services[0]
    assert (service.code, service.rule, service.verdict) == ("PT", rule, verdict)


def test_the_plan_has_a_rule_of_its_own() -> None:
    [coverage] = read_answers(encoded(document(ACTIVE_PLAN)), SERVICES, ON).coverages
    assert (coverage.services[-1].code, coverage.services[-1].rule) == ("30", "plan_active")


def test_a_reason_lowers_the_verdict_and_leaves_the_rule() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*V**PT"
    [coverage] = read_answers(encoded(document(rows)), SERVICES, ON).coverages
    service = coverage.services[0]
    assert (service.rule, service.verdict) == ("service_active", Verdict.ACTIVE_UNCLEAR)


def test_every_rule_has_words_and_every_word_a_rule() -> None:
    source = Path(__file__).parents[3] / "src/cleargate/coverage"
    code = (source / "verdict.py").read_text() + (source / "reading.py").read_text()
    decided = {rule for rule, _, _ in DECIDED} | {"plan_active", "acknowledged"}
    assert decided == RULES.keys()
    built = {
        f"{subject}_{end}"
        for subject in ("service", "plan")
        for end in ("inactive", "contradicted")
    }
    assert RULES.keys() - built <= set(re.findall(r'"([a-z_]+)"', code))
