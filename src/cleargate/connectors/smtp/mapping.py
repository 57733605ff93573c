"""From our Message to the bytes of a mail; pure."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from cleargate.connectors.smtp.settings import SmtpSettings, is_address
from cleargate.nouns.ids import Ref
from cleargate.ports import Message

# A long Message-ID stays on the line of its name: not every reader unfolds it (RFC 5322 2.1.1
# allows 998 characters).
_POLICY = SMTP.clone(max_line_length=998)
_LINE_STARTS_WITH_DOT = re.compile(rb"(?m)^\.")


def message_id(ref: Ref, domain: str) -> str:
    """The Message-ID: the same for each try, so that a repeated mail is seen as one."""
    return f"<{ref.value}@{domain}>"


def compose(message: Message, ref: Ref, settings: SmtpSettings, when: datetime) -> EmailMessage:
    """The mail. Raises ValueError for an address or a subject that no header can hold."""
    if not is_address(message.to):
        raise ValueError("no plain mail address")
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(settings.sender_name, addr_spec=settings.sender)
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(when)
    mail["Message-ID"] = message_id(ref, settings.domain)
    # No vacation reply is wanted (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.calendar:
        mail.add_attachment(
            message.calendar,
            subtype="calendar",
            filename="visit.ics",
            params={"method": "PUBLISH"},
        )
    return mail


def dot_stuffed(mail: bytes) -> bytes:
    """The mail as it follows DATA, with the final dot (RFC 5321 4.5.2). Lines end in CRLF."""
    body = _LINE_STARTS_WITH_DOT.sub(b"..", mail)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"
