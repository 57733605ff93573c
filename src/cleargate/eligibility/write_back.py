"""Keep what each payer said beside the patient's record in the practice's own system, once."""

from cleargate.directory.practice import Practice
from cleargate.engine.look import look_in
from cleargate.engine.run import Run, Write
from cleargate.nouns.coverage import AmountKind, Coverage
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.money import dollars
from cleargate.ports import RecordKind
from cleargate.store import inquiries
from cleargate.store.inquiries import InquiryState, StoredInquiry


def write_back(run: Run[Practice]) -> None:
    """Record each settled answer in the practice's system."""
    with run.commit() as session:
        questions = inquiries.current(session, run.case.id)
    for question in questions:
        if question.coverage is not None and question.state is not InquiryState.RETIRED:
            _record(run, question, question.coverage)


def _record(run: Run[Practice], question: StoredInquiry, coverage: Coverage) -> None:
    ehr = run.practice.ehr
    patient_id = run.case.memo.patient_id
    summary = EligibilitySummary(
        verdict=coverage.verdict.value,
        payer_name=question.payer_name,
        text=summary_line(coverage),
        checked_on=question.service_date,
    )
    run.write(
        Write(
            step=f"write_back{question.rank}",
            connection=ehr.connection,
            send=lambda ref: ehr.record_eligibility(patient_id, summary, ref),
            look=look_in(ehr, RecordKind.ELIGIBILITY),
        )
    )


def summary_line(coverage: Coverage) -> str:
    """One line that a person at the desk understands."""
    parts = [coverage.verdict.value.replace("_", " "), coverage.plan]
    for amount in coverage.amounts:
        if amount.kind is AmountKind.COPAY and amount.cents is not None:
            parts.append(f"copay {dollars(amount.cents)}")
            break
    parts += [reason.text for reason in coverage.reasons[:2]]
    return "; ".join(part for part in parts if part)
