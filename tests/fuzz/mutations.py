"""Ways to bend an answer: bytes, segments, members, numbers, encodings, sizes. Pure."""

import gzip
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]

_SEGMENTS = (
    "EB*1**30~ EB*I**PT~ EB~ EB*F*IND*PT*PO*23*20****VS~ HL*9*3*23*0~ HL~ AAA~ AAA*N**72*C~ NM1~"
    " NM1*IL*1~ DTP*291*RD8*-~ DTP*291*D8*00000000~ HSD*VS*99999999999999999999~ SE*1~ SE~ ST*271~"
    " ST~ IEA~ GE~ GS~ TA1~ MSG~ III*ZZ~ LS*2120~NM1*X3~ ST*999*1~IK4~SE*3*1~ ISA* GS*HB ISA"
)
_TEXTS = (
    '~ * ^ | ]]> <![CDATA[ <!-- <?xml?> &lt; &#0; &a; </benefit> <benefit> { } [ ] " \\u0000'
    ' \\ud800 :null, :{}, :[], true "code":"EB01" ٣٠ İ'
)
_FRAGMENTS = [
    *_SEGMENTS.encode().split(),
    *_TEXTS.encode().split(),
    *(b"\n", b"\xff\xfe\x00", b"\xef\xbb\xbf", b"\x00", b"\x85", b"\xed\xa0\x80"),
]
_NUMBERS = [
    *b"1e9999 -1e9999 NaN Infinity -Infinity sNaN -0 0 1 .2 1e-9999 1_000 0x10 99999.99".split(),
    *b"1,000.00 -5 +7 1E5 20261301 00000000 99991231".split(),
    b"9" * 400,
    b"0." + b"0" * 400 + b"1",
    b"",
]
_OPENINGS = [
    (b"[", 50_000),
    (b'{"a":', 50_000),
    (b"<a>", 50_000),
    (b"(", 50_000),
    (b"HL*5*4*23*1~", 3_000),
    (b"LS*2120~", 3_000),
]
"""What nests, and how often at most: each HL is a patient, who is judged."""
_ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "cp037", "utf-7"]
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;">'
    b'<!ENTITY x SYSTEM "file:///etc/passwd">]>'
)


def _flip(content: bytes, rng: Random) -> bytes:
    bent = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        if bent:
            bent[rng.randrange(len(bent))] = rng.randrange(256)
    return bytes(bent)


def _insert(content: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(_FRAGMENTS) + content[at:]


def _remove(content: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + content[at + rng.choice([1, 2, 10, 200]) :]


def truncate(content: bytes, rng: Random) -> bytes:
    """An answer that broke off."""
    return content[: rng.randint(0, len(content))]


def _mark(content: bytes) -> bytes:
    """What stands between the pieces of a document: segments, elements or members."""
    if content.lstrip()[:1] in (b"{", b"["):
        return b","
    return b"<" if content.lstrip()[:1] == b"<" else b"~"


def _pieces(change: Callable[[list[bytes], Random], None]) -> Mutation:
    def changed(content: bytes, rng: Random) -> bytes:
        mark = _mark(content)
        pieces = content.split(mark)
        change(pieces, rng)
        return mark.join(pieces)

    return changed


def _drop(pieces: list[bytes], rng: Random) -> None:
    del pieces[rng.randrange(len(pieces))]


def _double(pieces: list[bytes], rng: Random) -> None:
    at = rng.randrange(len(pieces))
    pieces[at:at] = [pieces[at]] * rng.choice([1, 1, 2, 50])


def _swap(pieces: list[bytes], rng: Random) -> None:
    one, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
    pieces[one], pieces[other] = pieces[other], pieces[one]


def _shuffle(pieces: list[bytes], rng: Random) -> None:
    at = rng.randrange(len(pieces))
    part = pieces[at : at + 20]
    rng.shuffle(part)
    pieces[at : at + 20] = part


def _delimiters(content: bytes, rng: Random) -> bytes:
    one = rng.choice(b'*:^~|\n<>",{}[]')
    return content.replace(bytes([one]), bytes([rng.choice(b"*:^~|\n\x00 \x1d<>A0")]))


def _number(content: bytes, rng: Random) -> bytes:
    """Another number in the place of one."""
    starts = [at for at in range(len(content)) if content[at : at + 1].isdigit()]
    if not starts:
        return content
    start = end = rng.choice(starts)
    while content[end : end + 1].isdigit():
        end += 1
    return content[:start] + rng.choice(_NUMBERS) + content[end:]


def _repetitions(content: bytes, rng: Random) -> bytes:
    return content.replace(b"^PT", b"^PT" * rng.choice([200, 20_000]), 1)


def _deep(content: bytes, rng: Random) -> bytes:
    opening, most = rng.choice(_OPENINGS)
    at = rng.randint(0, len(content))
    return content[:at] + opening * rng.choice([50, 500, most]) + content[at:]


def _encoding(content: bytes, rng: Random) -> bytes:
    return content.decode("latin-1").encode(rng.choice(_ENCODINGS), "replace")


def _nul(content: bytes, rng: Random) -> bytes:
    return b"\0".join(content[at : at + 1] for at in range(min(len(content), 3000)))


def _bomb(content: bytes, rng: Random) -> bytes:
    use = rng.choice([b"&d;", b"&x;", b""])
    return _BOMB + content.replace(b">", b">" + use, 3)


def _shape(content: bytes, rng: Random) -> bytes:
    """JSON values of another kind."""
    values = [b"null", b"true", b"7", b'"x"', b"[]", b"{}", b'[{"code":7}]', b"[[[]]]", b"1e9999"]
    parts = content.split(b": ")
    at = rng.randrange(len(parts))
    parts[at : at + 1] = [rng.choice(values) + b", " + parts[at]] if at else parts[at : at + 1]
    return b": ".join(parts)


def _twice(content: bytes, rng: Random) -> bytes:
    return content + content[rng.randint(0, len(content)) :]


def _packed(content: bytes, rng: Random) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def _blanks(content: bytes, rng: Random) -> bytes:
    mark = _mark(content)
    return content.replace(mark, mark + rng.choice([b" ", b"\r\n", b"\t", b"\n\n", b" " * 300]))


MUTATIONS: dict[str, Mutation] = {
    "flip": _flip,
    "insert": _insert,
    "remove": _remove,
    "truncate": truncate,
    "drop": _pieces(_drop),
    "double": _pieces(_double),
    "swap": _pieces(_swap),
    "shuffle": _pieces(_shuffle),
    "delimiters": _delimiters,
    "number": _number,
    "repetitions": _repetitions,
    "deep": _deep,
    "encoding": _encoding,
    "nul": _nul,
    "bomb": _bomb,
    "shape": _shape,
    "twice": _twice,
    "packed": _packed,
    "blanks": _blanks,
}

BYTES_MAX = 2_000_000


def bent(content: bytes, rng: Random) -> tuple[bytes, tuple[str, ...]]:
    """An answer after one to four mutations, and their names."""
    names = tuple(rng.choices(list(MUTATIONS), k=rng.choice([1, 1, 2, 3, 4])))
    for name in names:
        content = MUTATIONS[name](content, rng)[:BYTES_MAX]
    return content, names
