"""Keep what each payer said in the practice's own system, once: in a field, a note, or by hand."""

from cleargate.directory.practice import Practice
from cleargate.engine.endings import NeedsPerson
from cleargate.engine.look import look_in
from cleargate.engine.run import Run, Write
from cleargate.nouns.coverage import AmountKind, Coverage
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.gate import Fact, GateReason
from cleargate.nouns.money import dollars
from cleargate.ports import RecordKind
from cleargate.store import effects, inquiries
from cleargate.store.inquiries import InquiryState, StoredInquiry


def write_back(run: Run[Practice]) -> tuple[Fact, ...]:
    """Record each answer that is not there yet; gives what a person has to write down instead."""
    with run.commit() as session:
        questions = inquiries.current(session, run.case.id)
    said = [
        (question, _summary(question, question.coverage))
        for question in questions
        if question.coverage is not None
        and question.state is not InquiryState.RETIRED
        and question.generation > run.case.memo.written_of(question.rank)
    ]
    by_hand = []
    for question, summary in said:
        try:
            _record(run, question, summary)
        except NeedsPerson as needs:
            if needs.reason is not GateReason.NOT_SUPPORTED:
                raise
            by_hand.append(Fact(summary.payer_name, summary.text))
    return tuple(by_hand)


def _summary(question: StoredInquiry, coverage: Coverage) -> EligibilitySummary:
    return EligibilitySummary(
        verdict=coverage.verdict.value,
        payer_name=question.payer_name,
        text=summary_line(coverage),
        checked_on=question.service_date,
    )


def _record(run: Run[Practice], question: StoredInquiry, summary: EligibilitySummary) -> None:
    """Write an answer down, beside an older one about the same policy if there is one."""
    ehr, memo, rank = run.practice.ehr, run.case.memo, question.rank
    step = f"write_back{rank}"
    if memo.written_of(rank):
        with run.commit() as session:
            effects.undo_older(session, run.case.id, step, run.case.generation)
    run.write(
        Write(
            step=step,
            connection=ehr.connection,
            send=lambda ref: ehr.record_eligibility(memo.patient_id, summary, ref),
            look=look_in(ehr, RecordKind.ELIGIBILITY),
            keeps=lambda _: {"written": run.case.memo.with_written(rank, question.generation)},
        )
    )


def summary_line(coverage: Coverage) -> str:
    """One line that a person at the desk understands."""
    parts = [coverage.verdict.value.replace("_", " "), coverage.plan]
    for amount in coverage.amounts:
        if amount.kind is AmountKind.COPAY and amount.cents is not None:
            parts.append(f"copay {dollars(amount.cents)}")
            break
    parts += [*dict.fromkeys(reason.text for reason in coverage.reasons)][:2]
    return "; ".join(part for part in parts if part)
