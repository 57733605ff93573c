"""Which mail a case sends: always to the address on file where there is one."""

from datetime import timedelta

from cleargate.directory.practice import Practice
from cleargate.engine.run import Run, Write
from cleargate.ports import Message
from cleargate.scheduling import letters
from cleargate.store import links
from cleargate.store.links import LinkPurpose

REPEATS_MAX = 1
"""A mail whose acceptance is unknown is sent once more, under the same Message-ID."""


CHECK_LINK_VALID = timedelta(days=7)
"""Longer than a reply is waited for: who answers late still spares everybody a call."""


def send_confirm_contact(run: Run[Practice]) -> None:
    """Send the link by which the patient confirms the address."""
    purpose = LinkPurpose.CONFIRM_CONTACT
    expires = run.case.created + run.clock.scaled(run.practice.intake.confirm_within)
    with run.commit() as session:
        token = links.derived_token(session, run.case.id, purpose)
        links.keep(session, run.case.id, purpose, token, expires)
    link = f"{run.practice.public_url}/confirm/{token}"
    letter = letters.confirm_contact(run.practice, run.case.mail_address, link)
    _send(run, "mail_confirm_contact", letter)


def send_ask_patient(run: Run[Practice]) -> None:
    """Ask the patient to check the doubtful details."""
    letter = letters.check_details(run.practice, run.case.mail_address, _check_link(run))
    _send(run, "mail_ask_patient", letter)


def send_remind_patient(run: Run[Practice]) -> None:
    """Ask once more, with the same link."""
    link = _check_link(run)
    letter = letters.check_details(run.practice, run.case.mail_address, link, again=True)
    _send(run, "mail_remind_patient", letter)


def _check_link(run: Run[Practice]) -> str:
    """The link of this asking; whoever is asked anew gets another."""
    purpose, case = LinkPurpose.CHECK_DETAILS, run.case
    asked = case.memo.asked_at or run.clock.now()
    with run.commit() as session:
        token = links.derived_token(session, case.id, purpose, case.generation)
        links.keep(session, case.id, purpose, token, asked + CHECK_LINK_VALID)
    return f"{run.practice.public_url}/check/{token}"


def send_confirmation(run: Run[Practice]) -> None:
    """Tell the patient when and where the visit is."""
    opening = run.case.memo.opening
    if opening is None:
        msg = "a confirmed case has a time"
        raise LookupError(msg)
    to, now = run.case.mail_address, run.clock.now()
    letter = letters.confirmation(run.practice, to, run.case.id, opening, now)
    _send(run, "mail_confirmation", letter)


def send_cancellation(run: Run[Practice]) -> None:
    """Tell the patient that the visit is cancelled."""
    _send(run, "mail_cancellation", letters.cancellation(run.practice, run.case.mail_address))


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
