"""Which mail a case sends, and to whom: the address on file where there is one."""

from cleargate.directory.practice import Practice
from cleargate.engine.run import Run, Write
from cleargate.nouns.case import Case
from cleargate.ports import Message
from cleargate.scheduling import letters
from cleargate.store import links
from cleargate.store.links import LinkPurpose

REPEATS_MAX = 1
"""A mail whose acceptance is unknown is sent once more, under the same Message-ID."""


def address(case: Case) -> str:
    """Where mail to this patient goes; empty when there is no address or no consent."""
    if not case.request.mail_consent:
        return ""
    if case.memo.patient_known:
        return case.memo.email_on_file
    return case.request.patient.contact.email


def send_confirm_contact(run: Run[Practice]) -> None:
    """Send the link by which the patient confirms the address."""
    purpose = LinkPurpose.CONFIRM_CONTACT
    expires = run.case.created + run.clock.scaled(run.practice.intake.confirm_within)
    with run.commit() as session:
        token = links.derived_token(session, run.case.id, purpose)
        links.keep(session, run.case.id, purpose, token, expires)
    link = f"{run.practice.public_url}/confirm/{token}"
    letter = letters.confirm_contact(run.practice, address(run.case), link)
    _send(run, "mail_confirm_contact", letter)


def send_confirmation(run: Run[Practice]) -> None:
    """Tell the patient when and where the visit is."""
    opening = run.case.memo.opening
    if opening is None:
        msg = "a confirmed case has a time"
        raise LookupError(msg)
    letter = letters.confirmation(run.practice, address(run.case), run.case.id, opening)
    _send(run, "mail_confirmation", letter)


def send_cancellation(run: Run[Practice]) -> None:
    """Tell the patient that the visit is cancelled."""
    _send(run, "mail_cancellation", letters.cancellation(run.practice, address(run.case)))


def _send(run: Run[Practice], step: str, message: Message) -> None:
    mail = run.practice.mail
    run.write(
        Write(
            step=step,
            connection=mail.connection,
            send=lambda ref: mail.send(message, ref),
            blind_sends=REPEATS_MAX,
        )
    )
