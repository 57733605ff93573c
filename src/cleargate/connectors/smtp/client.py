"""The Messenger port over SMTP, and what this vendor's failures mean.

A mail is the server's from the moment at which it has read the final dot. Before that moment every
failure is free to repeat; after it, only the server's reply can tell.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from cleargate.connectors.smtp.mapping import compose, dot_stuffed, message_id
from cleargate.connectors.smtp.settings import MailTls, SmtpSettings
from cleargate.connectors.wires.told import Seen, told
from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import SEND, Left
from cleargate.nouns.time import Clock
from cleargate.ports import Message, RateBudget, Recorder, SecretStore

_ACCESS_CODES = frozenset({530, 534, 535, 538})
"""Sign-in is missing, too weak or refused (RFC 4954)."""


class SmtpMessenger:
    """Messenger over SMTP, one connection a mail.

    Mail servers do not deduplicate: a mail that is sent again carries the same Message-ID, and is
    CREATED again.
    """

    def __init__(
        self,
        connection: str,
        settings: SmtpSettings,
        *,
        secrets: SecretStore,
        budget: RateBudget,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self.connection = connection
        self.deadline_s = settings.deadline_s
        self._settings = settings
        self._budget = budget
        self._recorder = recorder
        self._clock = clock
        self._password = secrets.get(settings.password) if settings.password else ""
        self._tls = ssl.create_default_context()
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.ca_file is not None:
            self._tls.load_verify_locations(cafile=settings.ca_file)

    def send(self, message: Message, ref: Ref) -> Receipt:
        """Hand a mail over. RETRYABLE before the final dot and for 4xx, REJECTED for 5xx."""
        try:
            mail = compose(message, ref, self._settings, self._clock.now()).as_bytes()
        except ValueError:
            # The reason would quote the address.
            raise self._error(ErrorKind.REJECTED, "bad_address", ("to",)) from None
        self._budget.take(self.connection)
        with told(
            self._recorder,
            self._clock,
            self.connection,
            SEND,
            self._settings.host,
            mail,
            recipients=1,
        ) as seen:
            self._hand_over(message.to, mail, seen)
        return Receipt(message_id(ref, self._settings.domain), Outcome.CREATED)

    def _hand_over(self, to: str, mail: bytes, seen: Seen) -> None:
        seen.left, accepted = Left.NO, False
        try:
            with self._session() as server:
                self._expect(server.mail(self._settings.sender))
                # The address alone tells who is a patient here.
                seen.left = Left.UNSURE
                self._expect(self._seen(server.rcpt(to), seen), ("to",))
                self._expect(server.docmd("DATA"), good=(354,))
                server.send(dot_stuffed(mail))
                accepted, seen.left = True, Left.UNSURE
                self._expect(self._seen(server.getreply(), seen))
        except (OSError, smtplib.SMTPException) as failure:
            # Whatever arrives late or not at all after the final dot leaves the mail in doubt.
            if accepted:
                raise self._error(ErrorKind.AMBIGUOUS, "connection_lost") from None
            raise self._unsent(failure) from None

    def _seen(self, reply: tuple[int, bytes], seen: Seen) -> tuple[int, bytes]:
        """A reply to what tells of a patient; a code below zero is none."""
        if reply[0] > 0:
            seen.answered(str(reply[0]))
            seen.came(reply[1])
        return reply

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is encrypted and signed in, and cut off at the deadline."""
        with closing(_Server(self._settings, self._tls)) as server:
            server.ehlo_or_helo_if_needed()
            if self._settings.tls is MailTls.STARTTLS:
                server.starttls(context=self._tls)
            if self._settings.username:
                server.login(self._settings.username, self._password)
            yield server
            # The mail's fate is known; how the server says goodbye does not matter.

    def _expect(
        self,
        reply: tuple[int, bytes],
        fields: tuple[str, ...] = (),
        *,
        good: tuple[int, ...] = (250, 251),
    ) -> None:
        """Go on after a good reply; 5xx is the server's no, anything else is worth another try."""
        code = reply[0]
        if code in good:
            return
        if code < 0:
            raise smtplib.SMTPServerDisconnected
        kind = ErrorKind.REJECTED if 500 <= code < 600 else ErrorKind.RETRYABLE
        if code in _ACCESS_CODES:
            kind = ErrorKind.AUTH
        raise self._error(kind, str(code), fields if kind is ErrorKind.REJECTED else ())

    def _unsent(self, failure: Exception) -> PortError:
        """A failure before the mail was the server's."""
        if isinstance(failure, smtplib.SMTPAuthenticationError):
            permanent = failure.smtp_code >= 500
            kind = ErrorKind.AUTH if permanent else ErrorKind.RETRYABLE
            return self._error(kind, str(failure.smtp_code))
        if isinstance(failure, smtplib.SMTPNotSupportedError):
            return self._error(ErrorKind.AUTH, "tls_or_login_not_offered")
        if isinstance(failure, smtplib.SMTPResponseException) and failure.smtp_code > 0:
            return self._error(ErrorKind.RETRYABLE, str(failure.smtp_code))
        if isinstance(failure, ssl.SSLError):
            return self._error(ErrorKind.RETRYABLE, "tls_failed")
        if isinstance(failure, smtplib.SMTPException):
            return self._error(ErrorKind.RETRYABLE, "connection_lost")
        return self._error(ErrorKind.RETRYABLE, "connect_failed")

    def _error(self, kind: ErrorKind, code: str, fields: tuple[str, ...] = ()) -> PortError:
        return PortError(kind, self.connection, vendor_code=code, fields=fields)


class _Server(smtplib.SMTP):
    """smtplib's client with one deadline for everything, the greeting included.

    smtplib's own timeout is per read: a server that sends a byte a second holds the line for ever.
    """

    def __init__(self, settings: SmtpSettings, tls: ssl.SSLContext) -> None:
        self._implicit = tls if settings.tls is MailTls.IMPLICIT else None
        self._line: socket.socket | None = None
        self._watch = threading.Timer(settings.deadline_s, self._cut)
        self._watch.daemon = True
        self._watch.start()
        try:
            super().__init__(
                settings.host,
                settings.port,
                # Spares a look-up of this machine's name, which is nobody's business.
                local_hostname=settings.domain,
                timeout=settings.deadline_s,
            )
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect; smtplib's place for it, as its own SMTP_SSL uses it."""
        self._line = socket.create_connection((host, port), timeout)
        if self._implicit is not None:
            self._line = self._implicit.wrap_socket(self._line, server_hostname=host)
        return self._line

    def close(self) -> None:
        self._watch.cancel()
        super().close()

    def _cut(self) -> None:
        """End a call whose time is up: the thread that waits in it reads an end of file."""
        line = self.sock or self._line
        if line is not None:
            with suppress(OSError):  # The peer was quicker.
                socket.socket.shutdown(line, socket.SHUT_RDWR)
