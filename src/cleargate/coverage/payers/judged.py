"""An answer judged with what is known of its payer; without a file for it, strictly."""

from dataclasses import replace
from functools import lru_cache

from cleargate.coverage.payers.coverage_rules import CoverageRule
from cleargate.coverage.payers.files import PayerRules, Rule, all_rules
from cleargate.coverage.payers.row_rules import Found, RowRule
from cleargate.coverage.payers.spelling import NAME_MAX, plain
from cleargate.coverage.rows import BenefitRow, PayerAnswer
from cleargate.coverage.services import Asked
from cleargate.coverage.verdict import judge
from cleargate.nouns.coverage import Coverage, Settled


def judge_known(answer: PayerAnswer, asked: Asked) -> Coverage:
    """Judge one answer, with the rules of its payer where there are any."""
    rules = rules_for(answer.payer, answer.payer_id, asked.payer)
    return judge(answer, asked) if rules is None else by_rules(rules, answer, asked)


def by_rules(rules: PayerRules, answer: PayerAnswer, asked: Asked) -> Coverage:
    """Put the rows into the standard's terms, judge them, then say more about the outcome."""
    settled: list[Settled] = []
    telling = {row.segment for row in answer.rows if _concerns(row, asked)}
    for rule in rules.rules:
        if isinstance(rule.how, RowRule):
            rows, found = rule.how.rewrite(answer.rows)
            answer = answer._replace(rows=rows)
            told = [one for one in found if one.sources[0].segment in telling]
            settled.extend(_settled(rules, rule, told))
    coverage = judge(answer, asked)
    for rule in rules.rules:
        if isinstance(rule.how, CoverageRule):
            coverage, found = rule.how.add(coverage, answer)
            settled.extend(_settled(rules, rule, found))
    return replace(coverage, payer_rules=rules.file, settled=tuple(settled))


def _concerns(row: BenefitRow, asked: Asked) -> bool:
    """Whether a row is about the plan or a service asked; to tell of others is only noise."""
    return row.speaks_for_plan or not asked.each.isdisjoint(row.services)


def _settled(rules: PayerRules, rule: Rule, found: list[Found]) -> list[Settled]:
    return [
        Settled(rule.kind, one.text, one.sources, rules.file, rule.source, rule.date)
        for one in found
    ]


def rules_for(name: str, payer_id: str, known: tuple[str, ...] = ()) -> PayerRules | None:
    """The one file for a payer, by what its answer and the caller call it; None when in doubt.

    `known` are what the caller calls the payer whom it asked: its id in the directory, its name.
    Then these choose, and an answer of another known payer's is read strictly. Otherwise the name
    in the answer chooses, and the id only where no name is stated. A name that is on no list is
    nobody's, whatever id stands beside it.
    """
    if len(name) > NAME_MAX or len(payer_id) > NAME_MAX:
        return None
    return _chosen(name, payer_id, known)


@lru_cache(maxsize=256)
def _chosen(name: str, payer_id: str, known: tuple[str, ...]) -> PayerRules | None:
    files = all_rules()
    by_name = {one.file: one for one in files if plain(name) in one.names}
    by_id = {one.file: one for one in files if plain(payer_id) in one.ids}
    stated = {**by_name, **by_id}
    if known:
        labels = {plain(label) for label in known}
        asked = {one.file: one for one in files if labels & (one.directory | one.names)}
        return _only(asked) if stated.keys() <= asked.keys() else None
    if name.strip():
        return _only(by_name) if by_id.keys() <= by_name.keys() else None
    return _only(by_id)


def _only(found: dict[str, PayerRules]) -> PayerRules | None:
    return next(iter(found.values())) if len(found) == 1 else None
