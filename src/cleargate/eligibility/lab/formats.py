"""The three formats of an answer: told apart, decoded, walked through, encoded again."""

import codecs
import json
from dataclasses import dataclass
from enum import StrEnum

from cleargate.coverage.origins import json_answers, trizetto_xml
from cleargate.eligibility.lab import json_places, x12_places, xml_places
from cleargate.eligibility.lab.leaf import Visit
from cleargate.nouns.errors import Refused

BYTES_MAX = 1024 * 1024
"""The answer about one patient has a tenth of this."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Format(StrEnum):
    """What an answer is written in; the value is the fixture's file ending."""

    X12 = "x12"
    XML = "xml"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Document:
    """An answer as text, and how it was encoded."""

    text: str
    format: Format
    encoding: str
    mark: bytes

    def encoded(self, text: str) -> bytes:
        """A text in this document's encoding."""
        return self.mark + text.encode(self.encoding, "replace")


def open_document(content: bytes) -> Document:
    """An answer's text. Refused where it is too large."""
    if len(content) > BYTES_MAX:
        raise Refused("The file is larger than the answer about one patient.")
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "")
    )
    body = content[len(mark) :]
    for name in (encoding,) if encoding else ("utf-8", "latin-1"):
        try:
            return Document(body.decode(name), _format(content), name, mark)
        except UnicodeDecodeError:
            continue
    raise Refused("The file is no clean text in the encoding that it begins with.")


def _format(content: bytes) -> Format:
    if trizetto_xml.recognises(content[:4096]):
        return Format.XML
    return Format.JSON if json_answers.recognises(content[:4096]) else Format.X12


def rewrite(document: Document, visit: Visit) -> str:
    """The document's text, with what `visit` says at every place."""

    def inside(text: str) -> str | None:
        return _inside(text, visit)

    match document.format:
        case Format.XML:
            return xml_places.rewrite(document.text, visit, inside)
        case Format.JSON:
            return json_places.rewrite(document.text, visit, inside)
        case _:
            return x12_places.rewrite(document.text, visit)


def _inside(text: str, visit: Visit) -> str | None:
    """A document within a document, rewritten; None for what is none."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("ISA") and len(start) > 100:
        return x12_places.rewrite(text, visit)
    if start.startswith("<") and start.rstrip().endswith(">"):
        return xml_places.rewrite(text, visit, lambda _: None)
    return None


def in_lines(document: Document, text: str) -> str:
    """A copy for the second look: X12 with a segment a line, the others as they are."""
    if document.format is not Format.X12:
        return text
    terminator = x12_places.delimiters(text).terminator
    return (
        text.replace("\r", " ")
        .replace("\n", " " if terminator != "\n" else "\n")
        .replace(terminator, "\n")
    )


def payer_name(entries: list[dict[str, object]]) -> str:
    """The payer's name as the reader gives it."""
    return str(entries[0].get("payer", "")) if entries else ""


def as_json(value: object) -> str:
    """JSON as the lab's files have it."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
