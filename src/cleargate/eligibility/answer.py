"""From a raw answer to a coverage; and the coverage of a payer that gave none."""

from datetime import date

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Coverage, Reason, ReasonKind, ServiceVerdict, Verdict
from cleargate.nouns.eligibility import RawAnswer

_REASONS = {
    "unreadable_answer": Reason(
        "unreadable_answer",
        "The answer could not be read.",
        "Ask again; if it stays so, call the payer. The answer is kept for support.",
        kind=ReasonKind.ASK_AGAIN_LATER,
    ),
    "no_answer": Reason(
        "no_answer",
        "The payer did not answer in time.",
        "Ask again later or call the payer.",
    ),
    "maybe_asked": Reason(
        "maybe_asked",
        "The connection broke while the payer was being asked, and asking again may cost a fee.",
        "Look at the clearinghouse's own website whether the question arrived, then decide.",
    ),
    "answer_gone": Reason(
        "answer_gone",
        "The clearinghouse took the question and no longer has the answer.",
        "Look for it at the clearinghouse's own website; asking again may cost a fee.",
    ),
    "connection_stopped": Reason(
        "connection_stopped",
        "The clearinghouse does not accept our sign-in.",
        "Tell whoever looks after the connections, then ask again.",
    ),
    "no_route": Reason(
        "no_route",
        "This payer cannot be asked over the practice's connections.",
        "Call the payer, or tell whoever looks after the payer directory.",
    ),
    "question_refused": Reason(
        "question_refused",
        "The clearinghouse refused the question.",
        "Check the insurance details and the practice's enrolment with this payer, then ask again.",
    ),
    "search_refused": Reason(
        "search_refused",
        "The clearinghouse needs a detail that must not be told to this payer.",
        "Call the payer, or tell whoever looks after the payer directory.",
    ),
}


def undetermined(payer: str, services: tuple[str, ...], code: str) -> Coverage:
    """The coverage that says: we could not find out, for this reason, and this is the way on."""
    reason = _REASONS[code]
    verdicts = tuple(ServiceVerdict(each, Verdict.UNDETERMINED, ()) for each in services)
    return Coverage(payer, Verdict.UNDETERMINED, verdicts, reasons=(reason,))


def read_raw(
    answer: RawAnswer,
    payer: str,
    services: tuple[str, ...],
    on: date,
    known: tuple[str, ...] = (),
) -> Coverage:
    """What the payer said about the one patient who was asked about. Never raises on content.

    `known` are the payer's id and name in our directory, which choose its rules; `payer` may be
    what the patient called it. An answer without exactly one patient is unreadable.
    """
    reading = read_answers(answer.content, services, on, known)
    if len(reading.coverages) != 1:
        return undetermined(payer, services, "unreadable_answer")
    return reading.coverages[0]


_BROKEN = frozenset({"unreadable_answer", "answer_cut_off", "Gateway:Later", "Gateway:Timeout"})
"""A page in place of an answer does not tell whether the payer was asked, and paid for it."""


def is_broken(coverage: Coverage) -> bool:
    """Whether the answer was cut off, or was no answer at all."""
    return any(reason.code in _BROKEN for reason in coverage.reasons)


def is_worth_asking_again(coverage: Coverage) -> bool:
    """Whether the payer, or what is left of its answer, says: later."""
    return coverage.verdict is not Verdict.ACTIVE and any(
        reason.kind is ReasonKind.ASK_AGAIN_LATER for reason in coverage.reasons
    )
