"""Bytes to segments under every delimiter that payers use, and under none."""

import tracemalloc
from collections.abc import Iterator

import pytest

from cleargate.x12.diagnostics import Diagnostic, Severity
from cleargate.x12.tokenizer import CHUNK_BYTES, Tokenizer, chunked

ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       "
    "*260501*1200*^*00501*000000001*0*T*:"
)


def read(content: str | bytes) -> tuple[list[list[str]], list[Diagnostic], Tokenizer]:
    findings: list[Diagnostic] = []
    raw = content.encode() if isinstance(content, str) else content
    tokenizer = Tokenizer(chunked(raw), findings.append)
    return list(tokenizer), findings, tokenizer


@pytest.mark.parametrize(
    "end", ["~", "~\n", "~\r\n", "\n", "\r\n", "\x1c", " ~\r\n", "!", "~~\n\n"]
)
def test_any_segment_terminator_gives_the_same_segments(end: str) -> None:
    segments, findings, _ = read(end.join([ISA, "GS*HB", "ST*271*0001", ""]))
    assert [segment[0] for segment in segments] == ["ISA", "GS", "ST"]
    assert segments[2] == ["ST", "271", "0001"]
    assert findings == []


@pytest.mark.parametrize("mark", ["*", "|", "\x1d", "^", "+"])
def test_any_element_separator_is_taken_from_the_header(mark: str) -> None:
    header = ISA.replace("^", "}").replace("*", mark)
    segments, _, tokenizer = read(f"{header}~EB{mark}1{mark}{mark}30}}98~")
    assert segments[1] == ["EB", "1", "", "30}98"]
    assert (tokenizer.delimiters.element, tokenizer.delimiters.repetition) == (mark, "}")


def test_the_u_of_4010_is_no_repetition_mark() -> None:
    _, _, tokenizer = read(ISA.replace("*^*00501*", "*U*00401*") + "~")
    assert tokenizer.delimiters.repetition == ""


def test_a_second_interchange_brings_its_own_delimiters() -> None:
    second = ISA.replace("*", "|").replace("^", "~")
    segments, findings, tokenizer = read(f"{ISA}~IEA*1*1~\n{second}!EB|1||30~98!IEA|1|1!")
    assert segments[3] == ["EB", "1", "", "30~98"]
    assert tokenizer.delimiters.terminator == "!"
    assert findings == []


@pytest.mark.parametrize("name", ["ISA", "ISAAC", "LISA*ISA*00*00"])
def test_isa_in_a_name_starts_no_interchange(name: str) -> None:
    segments, findings, _ = read(f"{ISA}~NM1*IL*1*{name}~SE*2*0001~")
    assert [segment[0] for segment in segments] == ["ISA", "NM1", "SE"]
    assert findings == []


def test_an_interchange_that_follows_a_torn_segment_is_found() -> None:
    segments, findings, _ = read(f"{ISA}~NM1*IL*1*TESTP{ISA}~GS*HB~")
    assert [segment[0] for segment in segments] == ["ISA", "NM1", "ISA", "GS"]
    assert [finding.code for finding in findings] == ["segment_unterminated"]


def test_a_header_whose_elements_have_lost_their_width_is_read() -> None:
    narrow = "ISA*00**00**ZZ*SENDER*ZZ*RECEIVER*260501*1200*^*00501*1*0*T*:"
    segments, _, _ = read(f"{narrow}~GS*HB~")
    assert [segment[0] for segment in segments] == ["ISA", "GS"]


def test_outer_blanks_of_elements_are_dropped() -> None:
    segments, _, _ = read(f"{ISA}~NM1* PR *2*EXAMPLE PLAN  *~")
    assert segments[1] == ["NM1", "PR", "2", "EXAMPLE PLAN", ""]


@pytest.mark.parametrize("offset", range(0, 130, 7))
def test_a_header_may_lie_across_two_chunks(offset: int) -> None:
    filler = "X" * (CHUNK_BYTES - len(ISA) - len("~NTE*~") - offset)
    second = ISA.replace("*", "|").replace("^", "~")
    segments, findings, _ = read(f"{ISA}~NTE*{filler}~{second}!GS|HB!")
    assert [segment[0] for segment in segments] == ["ISA", "NTE", "ISA", "GS"]
    assert findings == []


def test_a_byte_that_is_no_utf8_is_read_as_latin_1_and_told() -> None:
    content = f"{ISA}~NM1*IL*1*MÜLLER~".encode("latin-1")
    segments, findings, _ = read(content)
    assert segments[1][3] == "MÜLLER"
    assert [(f.code, f.severity) for f in findings] == [("charset", Severity.WARNING)]


def test_utf8_across_two_chunks_is_no_wrong_charset() -> None:
    raw = f"{ISA}~NM1*IL*1*MÜLLER~".encode()
    findings: list[Diagnostic] = []
    cut = raw.index(b"\xc3") + 1
    segments = list(Tokenizer(iter([raw[:cut], raw[cut:]]), findings.append))
    assert segments[1][3] == "MÜLLER"
    assert findings == []


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"", {"not_x12"}),
        (b"\xef\xbb\xbf", {"not_x12"}),
        (b"<html><body>502 Bad Gateway</body></html>", {"markup", "not_x12"}),
        (b"payer is down", {"preamble", "not_x12"}),
        (bytes(range(256)), {"charset", "preamble", "not_x12"}),
        (b"ISA*00*", {"preamble", "not_x12"}),
    ],
)
def test_what_is_no_x12_is_told_and_not_raised(content: bytes, codes: set[str]) -> None:
    segments, findings, _ = read(content)
    assert segments == []
    assert {finding.code for finding in findings} == codes


def test_text_before_the_header_is_skipped_and_told() -> None:
    segments, findings, _ = read(f"HTTP/1.1 200 OK\r\n\r\n{ISA}~GS*HB~")
    assert [segment[0] for segment in segments] == ["ISA", "GS"]
    assert [finding.code for finding in findings] == ["preamble"]


def test_a_file_without_a_terminator_is_given_up_in_constant_memory() -> None:
    def endless() -> Iterator[bytes]:
        yield f"{ISA}~".encode()
        for _ in range(128):
            yield b"X" * CHUNK_BYTES

    findings: list[Diagnostic] = []
    tracemalloc.start()
    for _ in Tokenizer(endless(), findings.append):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 1024 * 1024
    assert "segment_too_long" in {finding.code for finding in findings}


def in_pieces(raw: bytes, size: int) -> list[list[str]]:
    pieces = iter([raw[at : at + size] for at in range(0, len(raw), size)])
    return list(Tokenizer(pieces, lambda _: None))


@pytest.mark.parametrize("size", [1, 7, 50, 90, 104, 105, 106, 200])
def test_a_name_in_the_header_that_begins_as_a_header_does_cuts_nothing(size: int) -> None:
    """A sender such as ISALAB, where a piece of the file ends behind it."""
    header = ISA.replace("SENDER         ", "ISALAB         ").replace("RECEIVER ", "ISALABTWO")
    raw = f"{header}~GS*HB*ISALAB~".encode()
    assert [segment[0] for segment in in_pieces(raw, size)] == ["ISA", "GS"]


@pytest.mark.parametrize("size", [1, 110, 125, 126, 1000])
def test_what_was_read_before_a_strange_byte_does_not_hang_on_the_pieces(size: int) -> None:
    raw = f"{ISA}~NM1*IL*1*MÜLLER~".encode() + "NM1*03*1*MÜLLER~".encode("latin-1")
    assert [segment[3] for segment in in_pieces(raw, size)[1:]] == ["MÜLLER", "MÜLLER"]


@pytest.mark.parametrize("size", [1, 108, 118, 1000])
def test_what_stands_at_the_edge_of_an_element_does_not_hang_on_the_pieces(size: int) -> None:
    raw = f"{ISA}~MSG*\tTAB*X~MSG* BLANK *X~".encode()
    assert [segment[1] for segment in in_pieces(raw, size)[1:]] == ["\tTAB", "BLANK"]
