"""Find the patient in the practice's own system, or create the record once."""

from cleargate.directory.practice import Practice
from cleargate.engine.look import look_in
from cleargate.engine.run import Run, Write
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason, Offer
from cleargate.nouns.patient import PatientQuery, PatientRecord
from cleargate.patients.matching import Lookalike, Same, differences, match
from cleargate.ports import RecordKind

CHANGED_FIELDS = {
    "name": "Name",
    "birth_date": "Birth date",
    "sex": "Sex",
    "email": "E-mail",
    "phone": "Phone",
    "address": "Address",
}


def find_patient(run: Run[Practice], phase: str) -> Gate | None:
    """Decide whether the practice knows this person; a gate where only a person can tell.

    Nothing in an existing record is ever changed because a form said so: a difference is a gate.
    """
    memo = run.case.memo
    if memo.create_new or (memo.patient_id and not memo.patient_known):
        return None
    said = run.case.request.patient
    query = PatientQuery(said.name, said.birth_date, said.contact)
    ehr = run.practice.ehr
    records = run.read("find_patient", ehr.connection, lambda: ehr.find_patients(query))
    if memo.patient_id:
        chosen = next((each for each in records if each.id == memo.patient_id), None)
        return _known(run, chosen, phase) if chosen else None
    found = match(said, records)
    if isinstance(found, Same):
        return _known(run, found.record, phase)
    if isinstance(found, Lookalike):
        return _lookalike(found, phase)
    return None


def _known(run: Run[Practice], record: PatientRecord, phase: str) -> Gate | None:
    """Keep who it is; what the form says differently is for a person to decide."""
    with run.commit() as session:
        run.remember(
            session,
            patient_id=record.id,
            patient_known=True,
            email_on_file=record.patient.contact.email,
        )
    changed = differences(run.case.request.patient, record)
    if not changed or GateReason.CHANGED_DATA in run.case.memo.accepted:
        return None
    names = ", ".join(CHANGED_FIELDS[each] for each in changed)
    return Gate(
        reason=GateReason.CHANGED_DATA,
        tip="Ask the patient which is right and change it in the practice's system, then go on.",
        facts=(Fact("Different from the record", names),),
        choices=(Choice.GO_ON, Choice.DECLINE),
        phase=phase,
    )


def _lookalike(found: Lookalike, phase: str) -> Gate:
    offers = tuple(Offer(each.id, _label(each)) for each in found.records)
    return Gate(
        reason=GateReason.LOOKALIKE_PATIENT,
        tip="Compare birth date and phone. If in doubt, call the patient.",
        facts=(Fact("Similar records", str(len(offers))),),
        choices=(Choice.USE_EXISTING, Choice.CREATE_NEW, Choice.DECLINE),
        phase=phase,
        offers=offers,
    )


def _label(record: PatientRecord) -> str:
    patient = record.patient
    phone = patient.contact.phone[-4:]
    ends = f", phone ends in {phone}" if phone else ""
    return f"{patient.name.given} {patient.name.family}, born {patient.birth_date:%m/%d/%Y}{ends}"


def create_patient(run: Run[Practice]) -> str:
    """The patient's id in the practice's system; creates the record where there is none."""
    memo = run.case.memo
    if memo.patient_id:
        return memo.patient_id
    ehr = run.practice.ehr
    said = run.case.request.patient
    receipt = run.write(
        Write(
            step="create_patient",
            connection=ehr.connection,
            send=lambda ref: ehr.create_patient(said, ref),
            look=look_in(ehr, RecordKind.PATIENT),
            keeps=lambda made: {"patient_id": made.id},
        )
    )
    return receipt.id
