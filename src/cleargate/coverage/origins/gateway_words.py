"""What a clearinghouse says in words, as a page or as plain text, where an answer should be.

Only sentences that are known are taken, from the portals' lists of messages (Waystar's, in the
profile github.com/api-evangelist/waystar, read on 2026-11-23) and from the pages of servers that
are down. Any other page stays what it is: no X12, and unreadable. Whether the payer was asked is
not known from such words.
"""

import re
from html import unescape

from cleargate.coverage.origins.xml_tree import decoded, spaced
from cleargate.coverage.rows import PayerAnswer, Refusal
from cleargate.x12.diagnostics import Report, error, warning

TEXT_BYTES_MAX = 1000
"""Plain text is taken for a message only when it is as short as one."""
WORDS_MAX = 200
"""So many characters of the other side's words are shown."""

_PAGE_BYTES = 16_384
_PAGE = re.compile(r"\A[\ufeff\s]*<(?:!doctype\s+html|html|head|body|h\d|p|div|span)[\s/>]", re.I)
_HEADER = re.compile(r"ISA[^A-Za-z0-9\s]\d\d")
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.I | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_DIGITS_MAX = 2
"""A word with more digits may be an id, a date or a phone number."""
_KNOWN = (
    ("SignIn", r"authentication fail|invalid (?:user|password|credential)|access (?:is )?denied"),
    ("PayerNotSupported", r"payer .{0,200}not set ?up for eligibility"),
    ("NotEnrolled", r"not (?:set ?up|enrolled|active|authori[sz]ed) for|enroll?ment"),
    ("DataInvalid", r"'?data'? is not valid|invalid (?:data|request|format)"),
    ("Timeout", r"\btime(?:d)?[ -]?out\b|did not respond|no response"),
    ("Later", r"processing error|unavailable|temporarily|try again|maintenance|right back"),
)
"""The codes of reasons.toml, the surer ones first."""
_SENTENCES = tuple((code, re.compile(words, re.I)) for code, words in _KNOWN)


def recognises(head: bytes) -> bool:
    """Whether a page or a short text with a known message begins here, and no X12."""
    text = decoded(head)
    if _HEADER.search(text) or not (_PAGE.match(text) or len(head) <= TEXT_BYTES_MAX):
        return False
    return _message(text) is not None


def read(content: bytes, wanted: frozenset[str], report: Report) -> tuple[PayerAnswer, ...]:  # noqa: ARG001
    """One answer that holds the refusal. Never raises for what the bytes hold."""
    found = _message(decoded(content[:_PAGE_BYTES]))
    if found is None:
        report(error("markup", 0, "A page without a known message stands for an answer."))
        return ()
    code, words = found
    report(warning("gateway_words", 0, "A clearinghouse's words stand where an answer should be."))
    return (PayerAnswer("", (), refusals=(Refusal(code, "", 0, "text", "Gateway", words),)),)


def _message(text: str) -> tuple[str, str] | None:
    """The surest message of a page: its code, and the line that it stands in, fit to be shown."""
    lines = _lines(text)
    for code, pattern in _SENTENCES:
        for line in lines:
            if pattern.search(line):
                return code, _shown(line)
    return None


def _lines(text: str) -> list[str]:
    """What a page says, a line for each piece between its tags."""
    pieces = _TAG.sub("\n", _SCRIPT.sub("\n", text[:_PAGE_BYTES])).splitlines()
    return [line for piece in pieces if (line := spaced(unescape(piece)))]


def _shown(line: str) -> str:
    words = ("..." if _may_be_a_value(word) else word for word in line.split())
    return " ".join(words)[:WORDS_MAX].rstrip(". ")


def _may_be_a_value(word: str) -> bool:
    return sum(map(str.isdigit, word)) > _DIGITS_MAX
