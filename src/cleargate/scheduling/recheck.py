"""Before the visit: the payers are asked once more, and only what has changed troubles a person.

The visit itself is never touched here. Nothing changed: the newer answer is kept in the practice's
system, and the case closes as it was. A payer that stays silent troubles somebody only when what
it said before cannot be trusted for the day of the visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from cleargate.coverage.difference import VERDICTS, Change, difference, is_good_news
from cleargate.directory.practice import Practice
from cleargate.eligibility.answer import is_worth_asking_again
from cleargate.eligibility.ask import ask_every_payer, budget_day, next_moment
from cleargate.eligibility.write_back import write_back
from cleargate.engine.endings import AtGate, Closed, Ending, NeedsPerson, Next
from cleargate.engine.run import Run
from cleargate.gates.policies import is_about_somebody_else
from cleargate.nouns.appointment import Opening
from cleargate.nouns.case import Case, CaseState, Recheck
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason
from cleargate.scheduling import visits
from cleargate.scheduling.phases import RECHECK
from cleargate.store import inquiries
from cleargate.store.inquiries import StoredInquiry

_CHOICES = (Choice.GO_ON, Choice.EDIT, Choice.ASK_AGAIN, Choice.SELF_PAY, Choice.DECLINE)


@dataclass(frozen=True, slots=True)
class _Policy:
    """A policy's newest question, and what its payer had said before this recheck."""

    question: StoredInquiry
    before: StoredInquiry | None

    @property
    def silent(self) -> bool:
        """Whether the payer gave no answer this time."""
        return is_silent(self.question)


def recheck(run: Run[Practice]) -> Ending:
    """Ask every payer anew about the day of the visit, and compare."""
    opening, asked = run.case.memo.opening, run.case.memo.recheck
    if opening is None or asked is None or not run.case.memo.booking_id or run.case.memo.self_pay:
        return Closed(CaseState.DONE)
    if asked.over:
        return _close(run)
    day = opening.start.astimezone(run.practice.zone).date()
    try:
        questions = ask_every_payer(run, day, asked)
    except NeedsPerson as needs:
        if needs.reason is not GateReason.CHECK_BUDGET_SPENT:
            raise
        return _without_budget(run, opening, asked, needs)
    soonest = next_moment(questions)
    if soonest is not None:
        return Next(RECHECK, soonest, "recheck")
    policies = _policies(run, questions, asked)
    for gate in (_changed(run, opening, policies), _silent(run, opening, policies)):
        if gate is not None and gate.reason not in run.case.memo.accepted:
            return AtGate(gate)
    _over(run, asked, policies)
    return _close(run)


def is_silent(question: StoredInquiry) -> bool:
    """Whether a settled question got no answer, or was put off until it was too late."""
    coverage = question.coverage
    return coverage is None or question.outcome != "ok" or is_worth_asking_again(coverage)


def _policies(
    run: Run[Practice], questions: Sequence[StoredInquiry], asked: Recheck
) -> list[_Policy]:
    return [_Policy(each, _before(run, each.rank, asked)) for each in questions]


def _before(run: Run[Practice], rank: int, asked: Recheck) -> StoredInquiry | None:
    """The newest answer about a policy from before this recheck."""
    with run.commit() as session:
        known = inquiries.of_case(session, run.case.id)
    earlier = [
        each for each in known if each.rank == rank and not asked.is_newer(rank, each.generation)
    ]
    best = [each for each in earlier if not is_silent(each)] or earlier
    return best[-1] if best else None


def _changed(run: Run[Practice], opening: Opening, policies: Sequence[_Policy]) -> Gate | None:
    """A gate that shows what each payer says now and said before, if anything is otherwise."""
    facts: list[Fact] = []
    asking_helps = False
    for policy in policies:
        now = policy.question.coverage
        if policy.silent or now is None:
            continue
        changes = _changes(run.case, policy, now)
        if changes:
            facts.append(Fact("Payer", policy.question.payer_name))
            facts += [Fact(each.what, f"{each.before} → {each.now}") for each in changes]
            asking_helps = asking_helps or now.verdict is not Verdict.ACTIVE
    if not facts:
        return None
    return Gate(
        reason=GateReason.COVERAGE_CHANGED,
        tip="Call the patient about what has changed, then keep the visit or cancel it.",
        facts=(Fact("Visit", visits.label(run.practice, opening)), *facts),
        choices=tuple(each for each in _CHOICES if asking_helps or each is not Choice.ASK_AGAIN),
        phase=RECHECK,
    )


def _changes(case: Case, policy: _Policy, now: Coverage) -> list[Change]:
    insurance = case.request.insurances[policy.question.rank - 1]
    if is_about_somebody_else(now, insurance, case.request.patient):
        return [Change("The answer is about", "the patient", "somebody else")]
    before = policy.before.coverage if policy.before else None
    if before is None:
        clear = now.verdict is Verdict.ACTIVE
        return [] if clear else [Change("Coverage", "not known", VERDICTS[now.verdict])]
    return [] if is_good_news(before, now) else difference(before, now)


def _silent(run: Run[Practice], opening: Opening, policies: Sequence[_Policy]) -> Gate | None:
    """A gate for payers that are silent, and whose earlier answer is not good for the visit."""
    zone = run.practice.zone
    day = opening.start.astimezone(zone).date()
    doubtful = [
        each for each in policies if each.silent and not _is_good_for(run, each.before, day)
    ]
    if not doubtful:
        return None
    facts = [Fact("Visit", visits.label(run.practice, opening))]
    for each in doubtful:
        said = each.before.answered if each.before else None
        when = f"{said.astimezone(zone):%b %d, %Y}" if said else "never"
        facts += [Fact("Payer", each.question.payer_name), Fact("Answered last", when)]
    return Gate(
        reason=GateReason.VENDOR_SILENT,
        tip="The payer did not answer before the visit, and its last answer may not hold for that"
        " day. Call the payer, or go on as it stands.",
        facts=tuple(facts),
        choices=_CHOICES,
        phase=RECHECK,
    )


def _is_good_for(run: Run[Practice], earlier: StoredInquiry | None, day: date) -> bool:
    """Whether an answer was given in the month of the visit, for a plan that covers that day.

    Plans begin and end with months, Medicaid's every month; what was said in another one may be
    over.
    """
    if earlier is None or earlier.coverage is None or earlier.answered is None:
        return False
    said = earlier.answered.astimezone(run.practice.zone).date()
    coverage = earlier.coverage
    in_plan = (coverage.begins or day) <= day <= (coverage.ends or day)
    return in_plan and (said.year, said.month) == (day.year, day.month)


def _without_budget(
    run: Run[Practice], opening: Opening, asked: Recheck, needs: NeedsPerson
) -> Ending:
    """Wait for the next day's budget; where that is too late, ask a person only in doubt."""
    now = run.clock.now()
    tomorrow = budget_day(now, run.practice.zone, days=1)
    if tomorrow <= run.last_moment(now):
        return Next(RECHECK, tomorrow, "check_budget_spent")
    day = opening.start.astimezone(run.practice.zone).date()
    ranks = range(1, len(run.case.request.insurances) + 1)
    if all(_is_good_for(run, _before(run, rank, asked), day) for rank in ranks):
        return Closed(CaseState.DONE)
    raise needs


def _over(run: Run[Practice], asked: Recheck, policies: Sequence[_Policy]) -> None:
    """Remember that all is settled, and let what brought no answer step back: in one commit."""
    with run.commit() as session:
        for each in policies:
            if each.silent:
                inquiries.put_aside(session, each.question.id)
        run.remember(session, recheck=replace(asked, over=True))


def _close(run: Run[Practice]) -> Ending:
    """Keep the newer answers in the practice's system, if it wants them there."""
    if run.practice.eligibility.write_back:
        write_back(run)
    return Closed(CaseState.DONE)
