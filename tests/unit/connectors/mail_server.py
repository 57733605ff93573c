"""A mail server on loopback whose every reply a test may change."""

import socket
import ssl


class Server:
    """An SMTP server over one connection. `replies` changes what follows a command.

    A reply may be a callable, which is given the connection in place of a reply.
    """

    def __init__(self, replies=None, *, tls: ssl.SSLContext | None = None, implicit=False):
        self.replies = {
            "greeting": "220 ready",
            "EHLO": "250 sample",
            "MAIL": "250 ok",
            "RCPT": "250 ok",
            "DATA": "354 go on",
            "dot": "250 taken",
            "QUIT": "221 bye",
            "STARTTLS": "220 go on",
        } | (replies or {})
        self.tls, self.implicit = tls, implicit
        self.commands: list[str] = []
        self.mail = b""

    def __call__(self, connection: socket.socket) -> None:
        if self.implicit:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            if self.answer(connection, "greeting"):
                self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        while line := self.line(connection):
            self.commands.append(line)
            word = line.split()[0].upper()
            if not self.answer(connection, word):
                return
            if word == "STARTTLS":
                with self.tls.wrap_socket(connection, server_side=True) as encrypted:
                    self.talk(encrypted)
                return
            if word == "DATA" and self.replies["DATA"].startswith("354"):
                while not self.mail.endswith(b"\r\n.\r\n"):
                    self.mail += connection.recv(65536) or b"\r\n.\r\n"
                if not self.answer(connection, "dot"):
                    return

    def answer(self, connection: socket.socket, word: str) -> bool:
        reply = self.replies.get(word, "502 unknown")
        if callable(reply):
            reply(connection)
            return False
        connection.sendall(f"{reply}\r\n".encode())
        return True

    @staticmethod
    def line(connection: socket.socket) -> str:
        read = b""
        while not read.endswith(b"\r\n"):
            byte = connection.recv(1)
            if not byte:
                return ""
            read += byte
        return read.decode().strip()
