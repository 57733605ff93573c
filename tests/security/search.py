"""The search for planted texts in whatever spelling and encoding they might have leaked.

`grep -F` looks for all needles in one pass. What is packed (base64, hexadecimal, gzip, zlib, a
mail's soft line breaks) is unpacked and searched again, a few layers deep.
"""

import base64
import binascii
import gzip
import html
import json
import os
import re
import subprocess
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""A needle of fewer characters would be found by chance."""

LAYERS = 2
_ASCII = str.maketrans(
    {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "ß": "ss", "þ": "th", "Þ": "Th"}
)
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
"""Base64 or hexadecimal, before which Postgres writes an x."""
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_SOFT_BREAK = re.compile(rb"=\r?\n|\r?\n[ \t]?")


class Search:
    """Finds any of the texts in bytes and files. A text has one or more ways to be written."""

    def __init__(self, texts: Mapping[str, Iterable[str]], folder: Path) -> None:
        self._owners: dict[bytes, str] = {}
        for text, ways in texts.items():
            for needle in _needles({text, *ways}):
                self._owners.setdefault(needle, text)
        self._file = folder / "needles"
        self._file.write_bytes(b"\n".join(self._owners))

    def find(self, haystack: bytes) -> set[str]:
        """The texts that the haystack betrays."""
        return self._grep((), b"\n".join(_views(haystack, LAYERS)))

    def find_in_files(self, paths: Iterable[Path]) -> set[str]:
        """The texts that stand in files as they are; nothing is unpacked."""
        return self._grep(tuple(map(str, paths)), b"")

    def _grep(self, paths: tuple[str, ...], content: bytes) -> set[str]:
        command = ["grep", "-a", "-o", "-h", "-s", "-F", "-f", str(self._file), *paths]
        done = subprocess.run(
            command,
            input=content,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        return {self._owners[needle] for needle in set(done.stdout.split(b"\n")) - {b""}}


def _needles(ways: set[str]) -> set[bytes]:
    found: set[bytes] = set()
    for way in ways:
        if len(way) < SHORTEST:
            raise ValueError(f"too short to search for: {len(way)} characters")
        for spelling in spellings(way):
            found |= {each for encode in ENCODINGS.values() for each in encode(spelling)}
    return {each for each in found if b"\n" not in each and b"\0" not in each}


def spellings(text: str) -> set[str]:
    """A text in upper and lower case, with its accents composed, apart, and left out."""
    composed, apart = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    forms = {text, composed, apart, without_accents(text)}
    return {case for form in forms for case in (form, form.upper(), form.lower(), form.casefold())}


def without_accents(text: str) -> str:
    """A text in plain letters."""
    apart = unicodedata.normalize("NFD", text.translate(_ASCII))
    return "".join(each for each in apart if not unicodedata.combining(each))


def _plain(text: str) -> Iterator[bytes]:
    yield text.encode()


def _wide(text: str) -> Iterator[bytes]:
    """UTF-16 without its zeros, which are taken from the haystack as well."""
    yield text.encode("utf-16-le").replace(b"\0", b"")
    yield text.encode("utf-16-be").replace(b"\0", b"")


def _one_byte(text: str) -> Iterator[bytes]:
    for codec in ("latin-1", "cp1250", "cp1252"):
        yield text.encode(codec, "ignore")


def _json(text: str) -> Iterator[bytes]:
    yield json.dumps(text)[1:-1].encode()
    yield ascii(text)[1:-1].encode()
    yield repr(text.encode())[2:-1].encode()


def _address(text: str) -> Iterator[bytes]:
    for quoted in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield quoted.encode()
        yield re.sub("%..", lambda found: found[0].lower(), quoted).encode()


def _markup(text: str) -> Iterator[bytes]:
    yield html.escape(text).encode()
    yield html.escape(text).replace("&#x27;", "&#39;").encode()
    yield html.escape(text).replace("&#x27;", "&apos;").encode()
    yield text.encode("ascii", "xmlcharrefreplace")


def _hex(text: str) -> Iterator[bytes]:
    yield text.encode().hex().encode()
    yield text.encode().hex().upper().encode()


def _base64(text: str) -> Iterator[bytes]:
    """The characters that depend on nothing but the text, wherever it begins in a longer one."""
    plain = text.encode()
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(plain)) // 6
        coded = base64.b64encode(bytes(before) + plain)[first:last]
        yield coded
        yield coded.translate(bytes.maketrans(b"+/", b"-_"))


def _mail(text: str) -> Iterator[bytes]:
    yield binascii.b2a_qp(text.encode(), istext=False)


ENCODINGS: Mapping[str, Callable[[str], Iterator[bytes]]] = {
    "plain": _plain,
    "utf-16": _wide,
    "one byte": _one_byte,
    "json": _json,
    "address": _address,
    "markup": _markup,
    "hex": _hex,
    "base64": _base64,
    "mail": _mail,
}


def _views(haystack: bytes, layers: int) -> Iterator[bytes]:
    """The haystack as it is, without zeros and line breaks, and what is packed in it."""
    yield haystack
    for other in (haystack.replace(b"\0", b""), _SOFT_BREAK.sub(b"", haystack)):
        if other != haystack:
            yield other
    if layers:
        packed = b"\n".join(_unpacked(haystack))
        if packed:
            yield from _views(packed, layers - 1)


def _unpacked(haystack: bytes) -> Iterator[bytes]:
    folded = b"Content-Transfer-Encoding" in haystack
    for run in _RUN.findall(_SOFT_BREAK.sub(b"", haystack) if folded else haystack):
        try:
            yield binascii.unhexlify(run.removeprefix(b"x"))
        except binascii.Error:
            yield _from_base64(run)
    for found in _PACKED.finditer(haystack):
        yield from _inflated(haystack[found.start() :])


def _from_base64(run: bytes) -> bytes:
    bare = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    bare = bare[:-1] if len(bare) % 4 == 1 else bare
    return base64.b64decode(bare + b"=" * (-len(bare) % 4))


def _inflated(packed: bytes) -> Iterator[bytes]:
    wbits = 31 if packed.startswith(b"\x1f\x8b") else 15
    try:
        yield zlib.decompressobj(wbits).decompress(packed, 10_000_000)
    except zlib.error:
        return


WRAPPINGS: Mapping[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "upper": lambda text: text.upper().encode(),
    "folded": lambda text: text.casefold().encode(),
    "accents apart": lambda text: unicodedata.normalize("NFD", text).encode(),
    "no accents": lambda text: without_accents(text).encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin-1": lambda text: text.encode("latin-1", "ignore"),
    "json": lambda text: json.dumps({"patient": text}).encode(),
    "log line": lambda text: repr({"patient": text}).encode(),
    "percent": lambda text: quote(text, safe="").encode(),
    "query": lambda text: quote_plus(text).encode(),
    "html": lambda text: html.escape(text).encode(),
    "hex": lambda text: b"\\x" + text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one in": lambda text: base64.b64encode(b"." + text.encode() + b"."),
    "base64, two in": lambda text: base64.urlsafe_b64encode(b".." + text.encode() + b"."),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(b"+++" + text.encode())),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zlib": lambda text: b"before" + zlib.compress(text.encode()),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(text.encode())),
    "mail": lambda text: binascii.b2a_qp(text.encode()),
    "mail in base64": lambda text: base64.encodebytes(b"Hello,\n\n" * 9 + text.encode()),
}
"""Ways in which something leaks, for the proof that the search would find it."""
