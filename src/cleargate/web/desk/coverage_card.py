"""What one payer said, as a card."""

from cleargate.gates.policies import is_about_somebody_else
from cleargate.nouns.case import Case
from cleargate.nouns.coverage import Amount, AuthorisationNeed, Coverage, Verdict, VisitLimit
from cleargate.nouns.money import dollars
from cleargate.store.inquiries import StoredInquiry
from cleargate.web import words
from cleargate.web.desk.door import AtDesk
from cleargate.web.views import AmountRow, CoverageCard, FactRow, ReasonRow

_RANKS = {1: "Primary", 2: "Secondary"}


def view(desk: AtDesk, case: Case, question: StoredInquiry) -> CoverageCard:
    """The card of one question, answered or not."""
    rank = _RANKS.get(question.rank, str(question.rank))
    asked_for = f"asked about {question.service_date:%m/%d/%Y}"
    coverage = question.coverage
    if coverage is None:
        due = question.next_try
        when = words.moment(due, desk.here.now, desk.here.profile.zone) if due else "in a moment"
        asked = f"{asked_for}; next try {when}"
        return CoverageCard(
            rank, question.payer_name, "pending", "The payer has not answered yet", asked
        )
    verdict, said = coverage.verdict, words.VERDICTS[coverage.verdict]
    policies = case.request.insurances[question.rank - 1 : question.rank]
    if any(is_about_somebody_else(coverage, each, case.request.patient) for each in policies):
        verdict, said = Verdict.UNDETERMINED, "About somebody else: do not use these amounts"
    return CoverageCard(
        rank=rank,
        payer=question.payer_name,
        verdict=verdict.value,
        verdict_words=said,
        asked=asked_for,
        facts=tuple(_facts(coverage)),
        amounts=tuple(_amount(each) for each in coverage.amounts),
        reasons=tuple(
            ReasonRow(
                each.code if each.code.startswith("AAA") else "",
                each.text,
                each.tip,
                ", ".join(map(str, each.sources)),
            )
            for each in coverage.reasons
        ),
    )


def _facts(coverage: Coverage) -> list[FactRow]:
    facts = []
    if coverage.plan:
        facts.append(FactRow("Plan", coverage.plan))
    needs = (("Authorization", coverage.authorisation), ("Referral", coverage.referral))
    facts += [
        FactRow(label, words.NEEDS[need])
        for label, need in needs
        if need is not AuthorisationNeed.UNSTATED
    ]
    facts += [FactRow("Visits", _limit(each)) for each in coverage.visit_limits]
    facts += [FactRow("Other payer", each.name) for each in coverage.other_payers]
    begins = f"from {coverage.begins:%m/%d/%Y}" if coverage.begins else ""
    ends = f"to {coverage.ends:%m/%d/%Y}" if coverage.ends else ""
    if begins or ends:
        facts.append(FactRow("Plan dates", f"{begins} {ends}".strip()))
    facts += [FactRow("Known of this payer", each.text) for each in coverage.settled]
    return facts


def _limit(limit: VisitLimit) -> str:
    left = "" if limit.remaining is None else f"{limit.remaining} left"
    allowed = "" if limit.allowed is None else f"of {limit.allowed}"
    shared = f", shared: {limit.shared}" if limit.shared else ""
    parts = (left, allowed, limit.unit, words.period(limit.period))
    return " ".join(part for part in parts if part) + shared


def _amount(amount: Amount) -> AmountRow:
    if amount.cents is not None:
        value = dollars(amount.cents)
    else:
        value = words.percent(amount.percent) if amount.percent is not None else ""
    scope = (
        words.PERSONS[amount.person],
        words.NETWORKS[amount.network],
        words.period(amount.period),
        amount.note,
    )
    return AmountRow(
        label=words.AMOUNTS[amount.kind],
        scope=", ".join(part for part in scope if part),
        value=value,
        remaining="" if amount.remaining is None else dollars(amount.remaining),
        source=str(amount.source),
    )
