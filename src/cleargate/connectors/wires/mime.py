"""Multipart bodies: forms are written, and whatever came in parts is read, flat and within limits.

Source: RFC 2046 5.1 and RFC 7578. Own code, for the standard library's reader follows parts
within parts as deep as a stranger cares to nest them. Here a part's content is bytes and is not
looked into.
"""

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

PARTS_MAX = 50
HEAD_BYTES_MAX = 16_384

_FIRST_LINE = re.compile(rb"\s{0,100}--([^\r\n]{1,200})")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")


class Unreadable(Exception):
    """The answer is nothing that we would read; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: header names in lower case, the content decoded. `closed`: its end was found."""

    headers: Mapping[str, str]
    content: bytes
    closed: bool


def write_form(fields: Iterable[tuple[str, str]], boundary: str) -> bytes:
    """A multipart/form-data body. The boundary must not occur in any value."""
    lines = []
    for name, value in fields:
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"', "", value]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def parts(content_type: str, content: bytes) -> tuple[Part, ...]:
    """The parts of a body, in order. Raises Unreadable when it has none, or too many.

    Lines may end without CR. Where the header names no boundary, or a wrong one, the body's own
    first line does.
    """
    for boundary in _boundaries(content_type, content):
        if found := tuple(_parts(boundary, content)):
            return found
    raise Unreadable


def parameter(header: str, name: str) -> str:
    """A parameter of a header, quoted or not; empty when it is not there."""
    pattern = rf';\s*{name}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))'
    match = re.search(pattern, header[:HEAD_BYTES_MAX], re.IGNORECASE)
    return (match[1] if match[1] is not None else match[2]) if match else ""


def _boundaries(content_type: str, content: bytes) -> Iterator[bytes]:
    if declared := parameter(content_type, "boundary"):
        yield declared.encode("latin-1", "replace")
    first = _FIRST_LINE.match(content)
    if first and not first[1].rstrip().endswith(b"--"):
        yield first[1].rstrip()


def _parts(boundary: bytes, content: bytes) -> Iterator[Part]:
    mark = rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]{0,100}(?=\r?\n|\Z)"
    begin: int | None = None
    for count, delimiter in enumerate(re.finditer(mark, content)):
        if count > PARTS_MAX:
            raise Unreadable
        if begin is not None:
            yield _part(content[begin : delimiter.start()], closed=True)
        if delimiter[1]:
            return
        begin = delimiter.end()
    if begin is not None and _HEAD_END.search(content, begin, begin + HEAD_BYTES_MAX):
        yield _part(content[begin:], closed=False)


def _part(chunk: bytes, *, closed: bool) -> Part:
    """A part from the line end after its delimiter to the one before the next."""
    end = _HEAD_END.search(chunk + b"\n", 0, HEAD_BYTES_MAX)
    if end is None:
        raise Unreadable
    headers = _headers(chunk[: end.start()].decode("latin-1"))
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    return Part(headers, _decoded(chunk[end.end() :], encoding), closed)


def _headers(head: str) -> Mapping[str, str]:
    lines = [line.partition(":") for line in _FOLD.sub(" ", head).split("\n")]
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _decoded(content: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding != "base64":
        return content
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:
        raise Unreadable from None
