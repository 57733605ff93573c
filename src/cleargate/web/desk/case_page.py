"""One case as a view: facts on the left, what happened in the middle, the decision on the right."""

from datetime import datetime
from uuid import UUID

from cleargate.nouns.case import Attempt, Case, CaseState
from cleargate.nouns.gate import Choice, Fact, GateReason
from cleargate.scheduling.requests import may_withdraw, waits_for_patient
from cleargate.store import attachments, attempts, effects, gates, inquiries, people
from cleargate.store.database import Session
from cleargate.store.effects import Effect
from cleargate.store.gates import StoredGate
from cleargate.web import words
from cleargate.web.desk import coverage_card, request_facts
from cleargate.web.desk.door import AtDesk
from cleargate.web.desk.gates_page import desk_view
from cleargate.web.views import (
    Action,
    AttemptRow,
    CaseView,
    ChoiceButton,
    DecisionForm,
    FactRow,
    Option,
    PastDecision,
    StepCard,
)

_LOOK = attempts.look_step("")
_CAREFUL = frozenset({Choice.DECLINE, Choice.CREATE_NEW})
_OFFERED = frozenset({Choice.TAKE_OPENING, Choice.USE_EXISTING})


def view(session: Session, desk: AtDesk, case: Case, error: str = "", note: str = "") -> CaseView:
    """The whole page. `error` says why a decision with that note was not carried out."""
    base = f"/{desk.here.profile.slug}/desk/cases/{case.id}"
    all_gates = gates.of_case(session, case.id)
    open_gate = next((each for each in all_gates if each.open), None)
    name = case.request.patient.name
    return CaseView(
        desk=desk_view(session, desk),
        url=base,
        title=f"{name.given} {name.family}".strip(),
        state="Waits for you" if open_gate else words.STATES[case.state],
        what_next=_what_next(desk, case, at_gate=open_gate is not None),
        facts=request_facts.groups(desk, case, _differing(open_gate)),
        steps=_steps(desk, attempts.of_case(session, case.id), effects.of_case(session, case.id)),
        coverages=tuple(
            coverage_card.view(desk, case, each) for each in inquiries.shown(session, case.id)
        ),
        decision=_decision(desk, case, open_gate, note) if open_gate else None,
        decided=tuple(_past(session, desk, each) for each in all_gates if each.choice is not None),
        photos=tuple(
            Option(f"{base}/photos/{photo}", kind.replace("_", " ").capitalize())
            for photo, kind in attachments.of_case(session, case.id)
        ),
        actions=_actions(desk, case, base),
        live=case.state is CaseState.OPEN and open_gate is None,
        error=error,
    )


def _differing(open_gate: StoredGate | None) -> frozenset[str]:
    """The labels of what the patient's record has otherwise than the form."""
    if open_gate is None or open_gate.gate.reason is not GateReason.CHANGED_DATA:
        return frozenset()
    return frozenset(name for fact in open_gate.gate.facts for name in fact.value.split(", "))


def _what_next(desk: AtDesk, case: Case, *, at_gate: bool) -> str:
    due = _moment(desk, case.due) if case.due else ""
    return words.what_happens_next(case.state, case.note, due, at_gate=at_gate)


def _moment(desk: AtDesk, when: datetime) -> str:
    return words.moment(when, desk.here.now, desk.here.profile.zone)


def _steps(desk: AtDesk, tries: list[Attempt], kept: list[Effect]) -> tuple[StepCard, ...]:
    """One card a step, in the order in which the steps were first tried."""
    by_step: dict[str, list[Attempt]] = {}
    for each in tries:
        by_step.setdefault(each.step.removesuffix(_LOOK), []).append(each)
    states: dict[str, list[str]] = {}
    for effect in kept:
        states.setdefault(effect.step, []).append(effect.state)
    return tuple(_step(desk, step, rows, states.get(step, [])) for step, rows in by_step.items())


def _step(desk: AtDesk, step: str, tries: list[Attempt], effects: list[str]) -> StepCard:
    """`effects` are the states of what the step wrote; a step that only reads has none.

    A look for an earlier try is no try: it may work and find nothing, or find that all is done.
    """
    sends = [each for each in tries if not each.step.endswith(_LOOK)] or tries
    last = sends[-1]
    if "done" in effects or (not effects and last.outcome == "ok"):
        state, said = "done", words.OUTCOMES["ok"]
    elif last.outcome == "ok":
        state, said = "done", "Taken back"
    else:
        state = "waiting" if last.next_try else "failed"
        said = words.OUTCOMES.get(last.outcome, "Waiting")
    count = "one try" if len(sends) == 1 else f"{len(sends)} tries"
    rows = tuple(_try(desk, each) for each in tries)
    return StepCard(words.step(step), state, f"{said}, {count}", rows)


def _try(desk: AtDesk, attempt: Attempt) -> AttemptRow:
    local = attempt.started.astimezone(desk.here.profile.zone)
    return AttemptRow(
        when=_moment(desk, attempt.started),
        exact=f"{local:%Y-%m-%d %H:%M:%S %Z}",
        connection=attempt.connection,
        outcome=_outcome(attempt),
        ok=attempt.outcome == "ok",
        took=words.took(attempt.duration_ms),
        code=attempt.vendor_code,
        request_id=attempt.request_id,
        ref=attempt.ref,
        next_try=_moment(desk, attempt.next_try) if attempt.next_try else "",
    )


def _outcome(attempt: Attempt) -> str:
    if attempt.outcome == "ok" and attempt.step.endswith(_LOOK):
        return "Looked whether it was done"
    return words.OUTCOMES.get(attempt.outcome, "The payer answers later")


def _decision(desk: AtDesk, case: Case, stored: StoredGate, note: str) -> DecisionForm:
    gate = stored.gate
    return DecisionForm(
        action=f"/{desk.here.profile.slug}/desk/gates/{stored.id}/decision",
        why=words.REASONS[gate.reason],
        tip=gate.tip,
        version=stored.version,
        facts=tuple(_fact(each) for each in gate.facts),
        choices=tuple(_button(desk, each, stored) for each in gate.choices),
        offers=tuple(Option(each.id, each.label) for each in gate.offers),
        note=note,
        call=_call(case),
    )


def _call(case: Case) -> Option | None:
    """Whom to call about a case: who answers for a minor, else the patient; None without a phone.

    `value` is the number to dial.
    """
    who = case.request.guarantor or case.request.patient
    phone = who.contact.phone
    name = f"{who.name.given} {who.name.family}".strip()
    return Option(phone, words.phone(phone), name) if phone else None


def _fact(fact: Fact) -> FactRow:
    return FactRow(fact.label, words.step(fact.value) if fact.label == "Step" else fact.value)


def _button(desk: AtDesk, made: Choice, stored: StoredGate) -> ChoiceButton:
    said = words.choice(made, stored.gate.reason)
    form = f"/{desk.here.profile.slug}/desk/cases/{stored.case}/edit"
    return ChoiceButton(
        made.value,
        said.label,
        said.effect,
        needs_offer=made in _OFFERED,
        careful=made in _CAREFUL,
        url=form if made is Choice.EDIT else "",
    )


def _past(session: Session, desk: AtDesk, stored: StoredGate) -> PastDecision:
    label = words.choice(stored.choice, stored.gate.reason).label if stored.choice else ""
    when = _moment(desk, stored.decided) if stored.decided else ""
    by = _who(session, desk, stored.decided_by)
    return PastDecision(words.REASONS[stored.gate.reason], label, by, when, stored.note)


def _who(session: Session, desk: AtDesk, actor: str) -> str:
    """Whoever decided, as colleagues call them."""
    if actor == desk.who.actor:
        return "you"
    kind, _, member = actor.partition(":")
    if kind != "staff":
        return "a program"
    found = people.by_id(session, UUID(member))
    return found.name if found else "a former colleague"


def _actions(desk: AtDesk, case: Case, base: str) -> tuple[Action, ...]:
    if not may_withdraw(case, desk.here.now):
        return ()
    held = "gives the time back" if case.memo.booking_id else "stops the work on it"
    actions = [Action(f"{base}/withdraw", "Withdraw", f"The patient does not want it: {held}.")]
    if case.phase and waits_for_patient(case):
        effect = "The patient calls instead of writing: type what they say."
        actions.insert(0, Action(f"{base}/edit", "Correct the request", effect, is_page=True))
    if case.memo.booking_id:
        url = f"{base}/rebook?seen={case.phase_seq}"
        actions.append(Action(url, "Find another time", "Gives this time back and books anew."))
    return tuple(actions)
