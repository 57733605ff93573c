"""The verdict: rows in, one Coverage out, with one verdict for every service asked about.

What the payer says about a service itself decides; where it is silent, the plan decides as far
as it can. Nothing is guessed: what contradicts itself is ACTIVE_UNCLEAR with both sources, and
what is not said is not settled. The rules stand in docs/eligibility.md, each with its test.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain

from cleargate.coverage.amounts import read_amounts
from cleargate.coverage.dates import Standing, standing
from cleargate.coverage.denials_in_words import denials_in_words
from cleargate.coverage.limits import read_limits
from cleargate.coverage.needs import read_needs
from cleargate.coverage.network import provider_network, restricts_to_network
from cleargate.coverage.others import delegations, read_other_payers, replacements
from cleargate.coverage.plan import STATUS, Plan, read_plan
from cleargate.coverage.reasons import Doubt, reason, refusal
from cleargate.coverage.rows import PLAN, BenefitRow, Info, PayerAnswer
from cleargate.coverage.services import RELATED, Asked, is_named_in
from cleargate.nouns.coverage import (
    Coverage,
    Network,
    Reason,
    ServiceVerdict,
    Source,
    Verdict,
)

_BENEFITS = frozenset(
    {
        Info.COPAY,
        Info.COINSURANCE,
        Info.DEDUCTIBLE,
        Info.OUT_OF_POCKET,
        Info.LIMIT,
        Info.UNLIMITED,
    }
)
"""Rows that make no sense for a service that is not covered."""
_YES = frozenset({Info.ACTIVE})
_NO = frozenset({Info.INACTIVE, Info.NOT_COVERED})
"""Sets, also of one: looking up an enum's member costs four times as much, row after row."""
_STOPPING = {
    Info.ACTIVE_PENDING: "active_pending",
    Info.CANNOT_PROCESS: "cannot_process",
    Info.EXCLUDED: "excluded",
    Info.RESTRICTED: "restricted",
    Info.SPEND_DOWN: "spend_down",
}
"""Rows that leave a service unclear, whatever else is said."""


def judge(answer: PayerAnswer, asked: Asked) -> Coverage:
    """Judge one answer for the services asked, the first of which is the primary one."""
    plan = read_plan(answer, asked)
    dates = standing(answer.spans, asked.on)
    amounts, amount_doubts = read_amounts(plan.relevant, asked.each)
    limits, limit_doubts = read_limits(plan, asked.each)
    needs = read_needs(plan.relevant, asked.services[0])
    others, other_doubts = read_other_payers(plan)
    doubts = [*amount_doubts, *limit_doubts, *needs.doubts, *other_doubts]
    if plan.notable:
        replaced = replacements(answer.payer, plan)
        doubts[:0] = [*_row_doubts(plan), *replaced, *delegations(plan)]
    doubts[:0] = denials_in_words(plan.talking)
    doubts[:0] = _patient_doubts(answer, dates, asked.on)
    verdicts = _verdicts(asked, plan, doubts, answer.complete)
    bounds = _bounds(plan, dates, asked.on)
    return Coverage(
        payer=answer.payer,
        verdict=verdicts[0].verdict,
        services=verdicts,
        plan=plan.name,
        amounts=tuple(amounts),
        visit_limits=tuple(limits),
        authorisation=needs.authorisation,
        referral=needs.referral,
        other_payers=tuple(others),
        reasons=_reasons(verdicts, doubts, asked.each),
        begins=bounds.begins,
        ends=bounds.ends,
        trace=answer.trace,
        member_id=answer.member_id,
        birth_date=answer.birth_date,
        family_name=answer.family_name,
        given_name=answer.given_name,
        provider_network=provider_network(plan.talking),
        set_index=answer.set_index,
    )


_Stated = tuple[Verdict, tuple[Source, ...], tuple[Reason, ...], str]
"""A verdict, the rows that decided it, why it is not ACTIVE, and the rule (reasons.toml)."""


def _verdicts(
    asked: Asked, plan: Plan, doubts: list[Doubt], complete: bool
) -> tuple[ServiceVerdict, ...]:
    """One verdict a service: what is stated, lowered by what is doubtful.

    Services about which the payer is silent share one statement: the plan's. Rows that are out of
    date may name one of them, so that there nothing is shared.
    """
    stopping = [doubt for doubt in doubts if doubt.stops]
    silent: _Stated | None = None
    verdicts: list[ServiceVerdict] = []
    for service in asked.services:
        if service == PLAN:
            stated = _stated_of_plan(plan, plan.naming(PLAN))
        elif plan.talking or plan.outdated or not asked.near[service].isdisjoint(plan.by_service):
            stated = _stated(service, plan, plan.naming(service))
        else:
            stated = silent = silent or _by_plan(service, plan, [])
        if stopping:
            stated = _lowered(stated, [one for one in stopping if one.reaches(service)], complete)
        verdicts.append(ServiceVerdict(service, *stated))
    return tuple(verdicts)


def _lowered(stated: _Stated, stopping: list[Doubt], complete: bool) -> _Stated:
    """ACTIVE does not survive a doubt that stops; nothing survives the loss of the end."""
    if not stopping:
        return stated
    verdict, sources, reasons, rule = stated
    why = tuple(dict.fromkeys([doubt.reason for doubt in stopping]))
    if not complete:
        verdict = Verdict.UNDETERMINED
    elif verdict is Verdict.ACTIVE:
        verdict = Verdict.ACTIVE_UNCLEAR
    silence = verdict is Verdict.UNDETERMINED and not sources
    return verdict, sources, why if silence else (*why, *reasons), rule


def _stated(service: str, plan: Plan, named: list[BenefitRow]) -> _Stated:
    """What the payer states about a service, before any doubt."""
    active = [row for row in named if row.info in _YES]
    refused = [row for row in named if row.info in _NO and _refuses(row)]
    benefits = [row for row in named if row.info in _BENEFITS]
    if refused:
        elsewhere = [row for row in named if row.info is Info.CONTACT]
        if elsewhere and not (active or benefits):
            return _carved_out(refused, elsewhere)
        return _no("service", refused, [*active, *benefits])
    held = active or benefits
    if held and (lapsed := _lapsed(service, plan, active)):
        return _no_longer(held, lapsed)
    if active and plan.inactive:
        rule = "plan_contradicted" if plan.active else "plan_inactive_but_service"
        return _contradiction(rule, [*active, *plan.active, *plan.inactive])
    if active:
        return Verdict.ACTIVE, _sources(active), (), "service_active"
    return _by_plan(service, plan, benefits)


_Lapsed = list[tuple[BenefitRow, Standing]]
"""Rows that held on another day, and how their dates miss this one."""


def _lapsed(service: str, plan: Plan, active: list[BenefitRow]) -> _Lapsed:
    """What the payer said of the service, or of the plan, for other days only."""
    no_plan = not (plan.active or plan.pending)
    return [
        (row, when)
        for row, when in plan.outdated
        if (no_plan and row.speaks_for_plan) or (not active and service in row.services)
    ]


def _no_longer(held: list[BenefitRow], lapsed: _Lapsed) -> _Stated:
    """The dates of one row say no, and another row, which has none, says yes."""
    rows = [*held, *(row for row, _ in lapsed)]
    ended = [row for row, _ in lapsed if row.info is Info.INACTIVE]
    if ended:
        return _contradiction("plan_inactive_but_service", [*held, *ended])
    return Verdict.ACTIVE_UNCLEAR, _sources(rows), tuple(_missing(lapsed)), "dates_missed"


def _missing(lapsed: _Lapsed) -> Iterable[Reason]:
    for row, when in lapsed:
        if when.missed:
            yield reason(when.missed, (row.at("info"), *when.sources))


def _stated_of_plan(plan: Plan, named: list[BenefitRow]) -> _Stated:
    """What the payer states about service type 30. Its deductibles do not prove it active."""
    not_covered = [row for row in named if row.info in _NO and row.info not in STATUS]
    refused = [*plan.inactive, *filter(_refuses, not_covered)]
    if refused:
        return _no("plan", refused, plan.active)
    return _by_plan(PLAN, plan, [row for row in named if row.info in _BENEFITS])


def _no(subject: str, refused: list[BenefitRow], held: Sequence[BenefitRow]) -> _Stated:
    """A no to the subject, service or plan, unless something else says yes."""
    if held:
        return _contradiction(f"{subject}_contradicted", [*held, *refused])
    code = "not_covered" if refused[0].info is Info.NOT_COVERED else "inactive"
    return _said(f"{subject}_inactive", Verdict.INACTIVE, refused, code)


def _carved_out(refused: list[BenefitRow], elsewhere: list[BenefitRow]) -> _Stated:
    """A no, and somebody else to be asked about the service: this policy is not all there is."""
    code = "not_covered" if refused[0].info is Info.NOT_COVERED else "inactive"
    why = (reason(code, _sources(refused)),)
    sources = _sources([*refused, *elsewhere])
    return Verdict.ACTIVE_UNCLEAR, sources, why, "service_carved_out"


def _refuses(row: BenefitRow) -> bool:
    """Whether a row says no to the whole service, and not to a procedure or a network of it."""
    if row.info is Info.NOT_COVERED:
        return not row.procedure and row.network is not Network.OUT
    return row.info is Info.INACTIVE


def _by_plan(service: str, plan: Plan, benefits: list[BenefitRow]) -> _Stated:
    """What the plan's own status says about a service without one."""
    if plan.active and plan.inactive:
        return _contradiction("plan_contradicted", [*plan.active, *plan.inactive])
    if plan.inactive:
        if benefits and service != PLAN:
            return _contradiction("plan_inactive_but_service", [*benefits, *plan.inactive])
        return _said("plan_inactive", Verdict.INACTIVE, plan.inactive, "inactive")
    if held := [*plan.active, *plan.pending]:
        return _by_active_plan(service, plan, held, benefits)
    return _without_plan(service, plan, benefits)


def _by_active_plan(
    service: str, plan: Plan, held: list[BenefitRow], benefits: list[BenefitRow]
) -> _Stated:
    """An active plan settles itself, and a service for which it has a benefit."""
    if service == PLAN:
        return Verdict.ACTIVE, _sources(held), (), "plan_active"
    if benefits:
        return Verdict.ACTIVE, _sources([*held, *benefits]), (), "plan_active_and_benefit"
    return _unsettled("plan_active_only", service, plan, held)


def _without_plan(service: str, plan: Plan, benefits: list[BenefitRow]) -> _Stated:
    """Nothing in force speaks for the plan: what else is active, or was, or was said at all."""
    outdated = [
        (row, when) for row, when in plan.outdated if row.speaks_for_plan or service in row.services
    ]
    ended = [row for row, _ in outdated if row.info is Info.INACTIVE]
    if ended:
        return _said("plan_ended", Verdict.INACTIVE, ended, "inactive")
    if outdated:
        sources = _sources(row for row, _ in outdated)
        return Verdict.ACTIVE_UNCLEAR, sources, tuple(_missing(outdated)), "dates_missed"
    elsewhere = [row for row in plan.rows if row.info in _YES]
    if elsewhere:
        return _unsettled("others_active", service, plan, elsewhere)
    if plan.carved_out:
        return _said("part_active", Verdict.ACTIVE_UNCLEAR, plan.carved_out, "carve_out")
    if benefits:
        return _said("nothing_stated", Verdict.UNDETERMINED, benefits, "no_status")
    return Verdict.UNDETERMINED, (), (reason("no_answer"),), "nothing_stated"


def _unsettled(rule: str, service: str, plan: Plan, active: list[BenefitRow]) -> _Stated:
    """The plan is active and silent about the service; say what comes nearest to it."""
    in_words, related = _nearest(service, plan) or ([], [])
    if in_words:
        sources = (*_sources(active), *(row.messages[0].source for row in in_words))
        return Verdict.ACTIVE_UNCLEAR, sources, (reason("service_in_text", sources),), rule
    if related:
        return _said(rule, Verdict.ACTIVE_UNCLEAR, [*active, *related], "related_service")
    return _said(rule, Verdict.ACTIVE_UNCLEAR, active, "service_not_settled")


def _nearest(service: str, plan: Plan) -> tuple[list[BenefitRow], list[BenefitRow]] | None:
    """Rows that name a service in words only, and rows of related services; None without any."""
    in_words = [row for row in plan.talking if is_named_in(row.text, service)]
    related = [row for code in RELATED.get(service, ()) for row in plan.naming(code)]
    return (in_words, related) if in_words or related else None


def _said(rule: str, verdict: Verdict, rows: Iterable[BenefitRow], code: str) -> _Stated:
    sources = _sources(rows)
    return verdict, sources, (reason(code, sources),), rule


def _contradiction(rule: str, rows: Iterable[BenefitRow]) -> _Stated:
    return _said(rule, Verdict.ACTIVE_UNCLEAR, rows, "contradiction")


def _sources(rows: Iterable[BenefitRow]) -> tuple[Source, ...]:
    """Where rows stand, each once, in file order."""
    places = {row.segment: row.at("info") for row in rows}
    return tuple([places[segment] for segment in sorted(places)])


def _patient_doubts(answer: PayerAnswer, dates: Standing, on: date) -> Iterable[Doubt]:
    """Doubts about the answer as a whole: refusals, its dates, its end."""
    for said in answer.refusals:
        yield Doubt(refusal(said), stops=True)
    if dates.missed:
        yield Doubt(reason(dates.missed, dates.sources), stops=True)
    elif answer.holder_spans and (above := standing(answer.holder_spans, on)).missed:
        sources = (*above.sources, *(span.source for span in answer.spans))
        yield Doubt(reason(above.missed, sources), stops=True)
    if not answer.complete:
        yield Doubt(reason("answer_cut_off"), stops=True)


def _row_doubts(plan: Plan) -> Iterable[Doubt]:
    """Doubts that single rows raise, each about the services that its row names."""
    for row in plan.notable:
        services = None if row.speaks_for_plan else frozenset(row.services)
        for said in row.details.refusals:
            yield Doubt(refusal(said), services, stops=True)
        code = _STOPPING.get(row.info)
        if row.info is Info.RESTRICTED and restricts_to_network(row):
            yield Doubt(reason("restricted_to_network", (row.at("info"),)), services)
        elif code is not None and not (row.info is Info.EXCLUDED and row.speaks_for_plan):
            yield Doubt(reason(code, (row.at("info"),)), services, stops=not row.procedure)
        elif row.info is Info.NOT_COVERED and row.network is Network.OUT:
            source = (row.at("network"),)
            yield Doubt(reason("not_covered_out_of_network", source), frozenset(row.services))


def _bounds(plan: Plan, dates: Standing, on: date) -> Standing:
    """The plan's dates: the patient's, or else those of the rows that speak for the plan."""
    if dates.begins or dates.ends:
        return dates
    for row in chain(plan.active, plan.pending, plan.inactive):
        if row.details.spans:
            return standing(row.details.spans, on)
    return plan.outdated[0][1] if plan.outdated else dates


def _reasons(
    verdicts: tuple[ServiceVerdict, ...], doubts: list[Doubt], asked: frozenset[str]
) -> tuple[Reason, ...]:
    """All reasons once: the primary service's first, then what else touches a service asked."""
    if not doubts:
        return verdicts[0].reasons
    touching = (
        doubt.reason
        for doubt in doubts
        if not doubt.services or not asked.isdisjoint(doubt.services)
    )
    return tuple(dict.fromkeys(chain(verdicts[0].reasons, touching)))
