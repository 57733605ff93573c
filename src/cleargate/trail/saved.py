"""Checkpoints in what a person kept: a saved mail, a whole mailbox, text that was typed from paper.

Nothing is believed of such a file but the signatures; so spaces, line ends, quotation marks and the
dash before the signature may be whatever a mail program or a typist made of them.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from uuid import UUID

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.trail.anchors import Anchored
from cleargate.trail.note import KEY_NAME

BYTES_MAX = 64_000_000

_HEX = "[0-9a-fA-F]"
_ORIGIN = re.compile(rf"cleargate/({_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}})\s")
_REST = re.compile(
    r"\s*(\d{1,18})\s+((?:[A-Za-z0-9+/]\s*){43}=)"
    rf"\s+\S{{1,9}}\s+{KEY_NAME}\s+((?:[A-Za-z0-9+/]\s*){{91}}=)"
)
"""Size, root and signature: 32 and 68 bytes in base64. Source: C2SP signed-note."""

_QUOTED = re.compile(r"^[> \t]+", re.M)
_MAILBOX_LINE = re.compile(rb"^From [^\n]*\n", re.M)
_OF_A_MAIL = ("From", "Received", "Message-ID")


def read_notes(path: Path) -> dict[PracticeId, list[Anchored]]:
    """Every checkpoint in a file, by practice. BadSettings where one begins and cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
        if len(content) > BYTES_MAX:
            raise BadSettings(f"{path} is larger than {BYTES_MAX} bytes; keep the mails apart")
        texts = list(_texts(content))
    except (OSError, RecursionError) as error:
        raise BadSettings(f"{path} cannot be read ({type(error).__name__})") from None
    found: dict[PracticeId, dict[str, Anchored]] = {}
    for text in texts:
        for practice, each in _notes(text, str(path)):
            found.setdefault(practice, {})[each.note] = each
    return {practice: list(each.values()) for practice, each in found.items()}


def _texts(content: bytes) -> Iterator[str]:
    """The plain texts of a mailbox, of a mail, or of the file itself."""
    for one in _MAILBOX_LINE.split(content) if content.startswith(b"From ") else [content]:
        mail = message_from_bytes(one)
        if any(name in mail for name in _OF_A_MAIL):
            yield from (_text(part) for part in mail.walk() if _is_plain(part))
        else:
            yield one.decode("utf-8", "replace")


def _is_plain(part: Message) -> bool:
    return part.get_content_type() == "text/plain"


def _text(part: Message) -> str:
    """A part's text; a charset that is none is read as UTF-8."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")


def _notes(text: str, where: str) -> Iterator[tuple[PracticeId, Anchored]]:
    """The checkpoints of one text, as they were before somebody saved or typed them."""
    plain = _QUOTED.sub("", text)
    for number, origin in enumerate(_ORIGIN.finditer(plain), start=1):
        practice = PracticeId(UUID(origin[1]))
        rest = _REST.match(plain, origin.end())
        if rest is None:
            raise BadSettings(
                f"{where}: checkpoint {number}, of practice {practice}, cannot be read; hold it"
                " against the mail or the paper"
            )
        size, root, signature = int(rest[1]), _joined(rest[2]), _joined(rest[3])
        note = f"cleargate/{practice}\n{size}\n{root}\n\n\u2014 {KEY_NAME} {signature}\n"
        yield practice, Anchored(note, "a saved checkpoint", where, size)


def _joined(broken: str) -> str:
    return "".join(broken.split())
