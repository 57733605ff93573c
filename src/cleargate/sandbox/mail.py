"""The mail server and its mailbox: whatever is accepted is kept, repeats too."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default as modern
from functools import cached_property
from html import escape

from aiosmtpd.smtp import SMTP, Envelope, Session

from cleargate.sandbox.faults import CONNECT, MAIL, Call, Drawn, Fault
from cleargate.sandbox.trees import Json, Tree
from cleargate.sandbox.wire import Request, Response, json_response, reset

_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;)]")
_UID = re.compile(r"^UID:(.+?)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    """One accepted mail as it came over the wire; `id` counts from 1."""

    id: int
    at: str
    sender: str
    to: tuple[str, ...]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        parsed: Message = message_from_bytes(self.raw, policy=modern)
        assert isinstance(parsed, EmailMessage)  # noqa: S101  (the policy makes it one)
        return parsed

    @cached_property
    def text(self) -> str:
        """The plain text."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @cached_property
    def calendar(self) -> str:
        """The calendar document, empty when there is none."""
        for part in self.message.walk():
            if part.get_content_type() == "text/calendar" and isinstance(part, EmailMessage):
                content = part.get_content()
                return content.decode() if isinstance(content, bytes) else str(content)
        return ""

    @cached_property
    def message_id(self) -> str:
        """The Message-ID, empty when there is none."""
        return str(self.message.get("Message-ID", "")).strip()

    @cached_property
    def subject(self) -> str:
        """The subject."""
        return str(self.message.get("Subject", ""))

    @property
    def uid(self) -> str:
        """The calendar entry's UID, empty when there is none."""
        match = _UID.search(self.calendar)
        return match[1] if match else ""

    def tree(self) -> Tree:
        """The mail as `/mailbox.json` shows it."""
        return {
            "id": self.id,
            "at": self.at,
            "from": self.sender,
            "to": [*self.to],
            "subject": self.subject,
            "message_id": self.message_id,
            "text": self.text,
            "links": [*_LINK.findall(self.text)],
            "calendar": self.calendar,
        }


class Mailbox:
    """All accepted mails, oldest first, and the pages that show them."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def handle(self, request: Request) -> Response:
        """Answer `/mailbox.json`, `/mailbox` and `/mailbox/{id}`."""
        if request.parts[0] == "mailbox.json":
            to = dict(request.query).get("to", "")
            found: list[Json] = [mail.tree() for mail in self.mails if not to or to in mail.to]
            return json_response(200, found)
        if len(request.parts) == 1:
            return _page("Mailbox", self._list())
        number = int(request.parts[1]) if request.parts[1].isdigit() else 0
        if not 1 <= number <= len(self.mails):
            return Response(404, b"no such mail", "text/plain")
        return _page("Mail", _mail(self.mails[number - 1]))

    def _list(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(mail.at[:19])}</td><td>{escape(', '.join(mail.to))}</td>"
            f'<td><a href="/mailbox/{mail.id}">{escape(mail.subject or "(no subject)")}</a></td>'
            "</tr>"
            for mail in reversed(self.mails)
        )
        return f"<table><tr><th>At</th><th>To</th><th>Subject</th></tr>{rows}</table>"


def _mail(mail: Mail) -> str:
    text = _LINK.sub(lambda m: f'<a href="{m[0]}">{m[0]}</a>', escape(mail.text, quote=False))
    calendar = f"<h2>Calendar</h2><pre>{escape(mail.calendar)}</pre>" if mail.calendar else ""
    return (
        f'<p><a href="/mailbox">All mail</a></p><h2>{escape(mail.subject)}</h2>'
        f"<p>From {escape(mail.sender)} to {escape(', '.join(mail.to))}, {escape(mail.at[:19])}, "
        f"{escape(mail.message_id)}</p><pre>{text}</pre>{calendar}"
    )


def _page(title: str, body: str) -> Response:
    style = (
        "body{font:16px system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        "td,th{padding:.25rem 1rem .25rem 0;text-align:left}"
        "pre{white-space:pre-wrap;background:#f4f4f4;padding:1rem}"
    )
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
    return Response(200, html.encode(), "text/html; charset=utf-8")


Keep = Callable[[str, list[str], bytes], None]
"""Told of each accepted mail before the sender is: sender, recipients, bytes."""


Note = Callable[[str, bytes], None]
"""Told of each mail that comes in, accepted or not: the call's name, bytes."""


class MailServer:
    """An SMTP server on 127.0.0.1."""

    def __init__(self, keep: Keep, draw: Callable[[Call], Drawn], note: Note) -> None:
        self._keep = keep
        self._draw = draw
        self._note = note
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.BaseTransport] = set()

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every session."""
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._sessions):
            reset(transport)
        await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Accept a mail, or fail as the plan says."""
        raw = envelope.content or b""
        content = raw.encode() if isinstance(raw, str) else raw
        self._note("smtp:data", content)
        to = [str(address) for address in envelope.rcpt_tos]
        drawn = self._draw(Call("smtp:data", ",".join(to), MAIL))
        if drawn.delay_ms:
            await asyncio.sleep(drawn.delay_ms / 1000)
        if drawn.fault is Fault.SMTP_451:
            return "451 4.3.0 Try again later"
        self._keep(envelope.mail_from or "", to, content)
        if drawn.fault is Fault.SMTP_LOST and server.transport is not None:
            reset(server.transport)
        return "250 2.0.0 OK"

    def _session(self) -> asyncio.BaseProtocol:
        if self._draw(Call("connect:smtp", "", CONNECT)).fault is Fault.REFUSED:
            return _Refusing()
        return _TrackedSMTP(self, self._sessions)


class _Refusing(asyncio.Protocol):
    """Resets whoever connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        reset(transport)


class _TrackedSMTP(SMTP):
    """One session, known to the server so that a stop can end it."""

    def __init__(self, handler: MailServer, sessions: set[asyncio.BaseTransport]) -> None:
        super().__init__(handler, hostname="mail.sandbox.test", enable_SMTPUTF8=True)
        self._sessions = sessions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sessions.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._sessions.discard(self.transport)
        super().connection_lost(error)
