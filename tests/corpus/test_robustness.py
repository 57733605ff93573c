"""Nothing that a file holds raises: samples and our own answers, cut, bent and mixed."""

from datetime import date
from io import StringIO

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from cleargate.coverage.reading import Reading, read_answers
from cleargate.eligibility.card import card
from cleargate.nouns.coverage import Verdict
from tests.corpus.files import samples
from tests.unit.coverage.answers import document, encoded
from tests.unit.x12.test_eligibility_271 import LOOP

ROWS = """
EB*C*IND*30***23*2000*****Y
EB*C*IND*30***29*800*****Y
EB*B*IND*PT***27*20****Y*Y
MSG*IN NETWORK
EB*G*FAM*30***24*99999.99
EB*A*IND*PT*****1"""
RICH = encoded(document(f"EB*1**30^PT*PR*EXAMPLE PPO\n{LOOP}{ROWS}"))
SEEDS = [RICH, *(path.read_bytes()[:3000] for path in samples("271") + samples("999"))]
FRAGMENTS = [
    b"~", b"*", b"^", b"\n", b"ISA", b"EB*1**30~", b"EB*I**PT~", b"EB*F*IND*PT*PO*23*20****VS~",
    b"HL*9*3*23*0~", b"HL~", b"EB~", b"AAA~", b"NM1~", b"DTP*291*RD8*-~", b"DTP*291*D8*00000000~",
    b"HSD*VS*99999999999999999999~", b"SE*1~", b"SE~", b"ST*271~", b"ST~", b"IEA~", b"GE~", b"GS~",
    b"EB*B**PT****" + b"9" * 400 + b"~", b"EB*A**PT*****" + b"1" * 400 + b"~", b"\xff\xfe\x00",
    b"EB*A**PT*****.~", b"LS*2120~NM1*X3~", b"MSG~", b"III*ZZ~", b"TA1~", b"ST*999*1~IK4~SE*3*1~",
    "EB*1**٣٠~".encode(), "DTP*291*D8*٢٠٢٦٠١٠١~".encode(),
]  # fmt: skip

EDITS = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 40), st.sampled_from([b"", *FRAGMENTS])),
    max_size=6,
)


def show(reading: Reading) -> None:
    console = Console(file=StringIO(), width=100)
    for coverage in reading.coverages:
        console.print(card(coverage, "a file"))


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), EDITS, st.integers(0, 5000))
def test_no_edit_of_an_answer_raises(seed: bytes, edits: list, length: int) -> None:
    content = seed
    for at, cut, fragment in edits:
        content = content[:at] + fragment + content[at + cut :]
    reading = read_answers(content[: max(length, 1)], ("PT", "30"), date(2026, 5, 1))
    assert reading.coverages or reading.diagnostics
    show(reading)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise(content: bytes, behind_a_header: bool) -> None:
    reading = read_answers(RICH[:106] * behind_a_header + content, ("PT",), date(2026, 5, 1))
    assert reading.diagnostics or reading.coverages
    # A few letters may be a clearinghouse's own words, such as "unavailable".
    verdicts = {coverage.verdict for coverage in reading.coverages}
    assert verdicts <= {Verdict.UNDETERMINED} or behind_a_header
