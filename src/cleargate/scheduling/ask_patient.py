"""Ask the patient to check what a payer did not know: a mail with a link, a reminder, then a call.

A person decides that the mail is sent, never a payer's answer by itself, and the mail says
nothing of it. What the patient sends comes in through scheduling/requests.correct.
"""

from datetime import datetime, timedelta

from cleargate.directory.practice import Practice
from cleargate.engine.endings import AtGate, Ending, Next
from cleargate.engine.run import Run
from cleargate.gates import doubtful
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason
from cleargate.scheduling import mails, visits
from cleargate.scheduling.phases import PATIENT_SILENT, REMIND_PATIENT, VERIFY

FAIR_WAIT = timedelta(hours=2)
"""A patient has at least so long to answer, however soon the wished visit is."""


def ask_patient(run: Run[Practice]) -> Ending:
    """Send the mail; half of the time to answer is over when the reminder goes."""
    mails.send_ask_patient(run)
    asked = _asked_at(run)
    return Next(REMIND_PATIENT, asked + (_answer_by(run) - asked) / 2, "asked_patient")


def remind_patient(run: Run[Practice]) -> Ending:
    """Send it once more, with the same link."""
    mails.send_remind_patient(run)
    return Next(PATIENT_SILENT, _answer_by(run), "reminded_patient")


def patient_silent(run: Run[Practice]) -> Ending:
    """No answer, or the birth date did not open the page: a person calls."""
    return AtGate(
        Gate(
            reason=GateReason.PATIENT_SILENT,
            tip="Call the patient and correct the request together.",
            facts=(
                Fact("Asked to check", doubtful.labels(run.case.memo.doubtful)),
                Fact("Asked by e-mail", "no answer, or the page did not open"),
            ),
            choices=(Choice.EDIT, Choice.GO_ON, Choice.SELF_PAY, Choice.DECLINE),
            phase=VERIFY,
        )
    )


def patient_checked(run: Run[Practice]) -> Ending:
    """The patient left everything as it was: asking the payer the same again would not help."""
    checked = doubtful.labels(run.case.memo.doubtful)
    return AtGate(
        Gate(
            reason=GateReason.PATIENT_CHECKED,
            tip="Compare with the photo of the card if there is one; otherwise call the payer.",
            facts=(Fact("Confirmed by the patient", checked),),
            choices=(Choice.EDIT, Choice.GO_ON, Choice.SELF_PAY, Choice.DECLINE),
            phase=VERIFY,
        )
    )


def _asked_at(run: Run[Practice]) -> datetime:
    return run.case.memo.asked_at or run.clock.now()


def _answer_by(run: Run[Practice]) -> datetime:
    """When a person calls: in time for the wished visit, but after a fair wait."""
    asked, clock = _asked_at(run), run.clock
    latest = asked + clock.scaled(run.practice.intake.answer_within)
    in_time = visits.known_by(run.practice, run.case)
    return max(min(latest, in_time), asked + clock.scaled(FAIR_WAIT))
