"""A step that could not go on, worded for the person who has to."""

from dataclasses import replace

from cleargate.engine.endings import NeedsPerson
from cleargate.gates import doubtful
from cleargate.nouns.case import Case
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason

_TIPS = {
    GateReason.VENDOR_REFUSED: "Correct what it names in the practice's system or on the request,"
    " then try again.",
    GateReason.VENDOR_UNSURE: "Look in the practice's system whether it was done. If not,"
    " try again.",
    GateReason.VENDOR_SILENT: "It did not answer for a long time. Try again, or do it by hand.",
    GateReason.CONNECTION_STOPPED: "The sign-in was refused. Tell whoever looks after the"
    " connections, then try again.",
    GateReason.NOT_SUPPORTED: "This system cannot do that. Do it by hand, then mark it done.",
    GateReason.UNKNOWN_PAYER: "Correct the insurance company, or call the patient about the card.",
    GateReason.CHECK_BUDGET_SPENT: "Today's insurance checks are used up. Go on to check anyway.",
    GateReason.PROGRAM_ERROR: "Cleargate made a mistake here. Try again; if it stays so,"
    " report it.",
}

_CHOICES = {
    GateReason.UNKNOWN_PAYER: (
        Choice.EDIT,
        Choice.SELF_PAY,
        Choice.DONE_BY_HAND,
        Choice.DECLINE,
    ),
    GateReason.VENDOR_REFUSED: (
        Choice.EDIT,
        Choice.ASK_AGAIN,
        Choice.DONE_BY_HAND,
        Choice.DECLINE,
    ),
    GateReason.CHECK_BUDGET_SPENT: (Choice.GO_ON, Choice.SELF_PAY, Choice.DECLINE),
}

_DEFAULT_CHOICES = (Choice.ASK_AGAIN, Choice.DONE_BY_HAND, Choice.DECLINE)


def gate_for(needs: NeedsPerson, case: Case, phase: str) -> Gate:
    """The gate for a step that failed: what failed, where, with which code and fields."""
    facts = [Fact("Step", needs.step)]
    if needs.error is not None:
        facts.append(Fact("Connection", needs.error.connection))
        if needs.error.vendor_code:
            facts.append(Fact("Code", needs.error.vendor_code))
        if needs.error.fields:
            facts.append(Fact("Fields", ", ".join(needs.error.fields)))
    gate = Gate(
        reason=needs.reason,
        tip=_TIPS[needs.reason],
        facts=tuple(facts),
        choices=_CHOICES.get(needs.reason, _DEFAULT_CHOICES),
        phase=phase,
    )
    if needs.reason is GateReason.UNKNOWN_PAYER:
        rank = int(needs.step.removeprefix("ask"))
        stated = Fact("Insurance company", case.request.insurances[rank - 1].payer_name)
        gate = replace(gate, facts=(stated,))
        return doubtful.offered(gate, case, doubtful.in_policy(case, rank))
    return gate
