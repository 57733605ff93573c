"""271 bytes to verdict, against pyx12's X12Reader, which only tokenizes the same file.

Two files of about 0.4 MB: one shaped like the public corpus (short answers), one benefit-dense
(60 EB rows a set). Rounds are interleaved, so that a busy machine slows both; medians and their
ratio are printed. Run: `python bench/x12_read.py [ROUNDS]`.
"""

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pyx12.x12file import X12Reader

from cleargate.coverage.reading import read_parts
from cleargate.coverage.services import DEFAULT_SERVICES
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import chunked

ON = date(2026, 5, 4)
SIZE_BYTES = 400_000
TARGETS = {"corpus": 4.0, "dense": 1.2}

HEAD = [
    "ISA*00*          *00*          *ZZ*EXAMPLEPAYER   *ZZ*EXAMPLECLINIC  "
    "*260501*1200*^*00501*000000007*0*T*:",
    "GS*HB*EXAMPLEPAYER*EXAMPLECLINIC*20260501*1200*7*X*005010X279A1",
]


def opening(number: int) -> list[str]:
    """The levels above the benefits, as in the corpus."""
    return [
        f"ST*271*{number:04d}*005010X279A1",
        f"BHT*0022*11*REF{number:06d}*20260501*1200",
        "HL*1**20*1",
        "NM1*PR*2*EXAMPLE HEALTH PLAN*****PI*EX001",
        "HL*2*1*21*1",
        "NM1*1P*2*EXAMPLE THERAPY LLC*****XX*1234567893",
        "HL*3*2*22*0",
        f"TRN*2*TRACE{number:06d}*9876543210",
        f"NM1*IL*1*TESTPERSON{number}*ANN****MI*TST{number:06d}",
        "DMG*D8*19800201*F",
    ]


def batch_member(number: int) -> list[str]:
    """Most of the corpus: one active row with a list of services, and a plan sponsor's desk."""
    return [
        *opening(number),
        f"EB*1**30^1^35^47^48^50^86^88^AL^MH*MC*TEST PLAN A{number:03d}",
        "DTP*291*D8*20260422",
        "LS*2120",
        f"NM1*P5*2*PLAN SPONSOR {number}",
        "PER*IC*PROVIDER RELATIONS*TE*8665550001*EM*support@example.test",
        "PER*IC*EDI HELPDESK*TE*8775550001",
        "LE*2120",
    ]


def commercial(number: int) -> list[str]:
    """The corpus's commercial shape: plan, list, primary care physician, two copays."""
    services = "1^33^35^47^86^88^98^AL^MH^UC"
    return [
        *opening(number),
        "DTP*346*D8*20260101",
        "EB*1**30**GOLD 123 PLAN",
        "EB*L",
        "LS*2120",
        "NM1*P3*1*SAMPLEDOC*CASEY****SV*0202034",
        "LE*2120",
        f"EB*1**{services}",
        f"EB*B**{services}*HM*GOLD 123 PLAN*27*10.00*****Y",
        f"EB*B**{services}*HM*GOLD 123 PLAN*27*30.00*****N",
    ]


def refused(number: int) -> list[str]:
    """The corpus's third shape: a refusal."""
    return [*opening(number)[:-1], "AAA*N**73*C"]


SERVICE_LISTS = ["98", "PT", "AE^AF^AD", "33", "48^50", "86", "UC", "MH", "1^35^47^AL", "88"]


def dense(number: int) -> list[str]:
    """60 EB rows with text and dates, as large payers send them: totals, remainders, shares."""
    rows = ["DTP*346*D8*20260101", "EB*1**30*PR*EXAMPLE PPO 500", "EB*1**1^33^48^86^98^PT^UC"]
    for kind in "CG":
        for person in ("IND", "FAM"):
            for network in "YN":
                rows.append(
                    f"EB*{kind}*{person}*30***23*{4000 if kind == 'G' else 2000}*****{network}"
                )
                rows.append("DTP*292*RD8*20260101-20261231")
                rows.append(f"EB*{kind}*{person}*30***29*{number % 900}.50*****{network}")
    for services in SERVICE_LISTS:
        rows.append(f"EB*A*IND*{services}***27**.2***N*Y")
        rows.append(f"EB*A*IND*{services}***27**.4***N*N")
        rows.append("MSG*COINSURANCE APPLIES TO OUT OF POCKET")
        rows.append(f"EB*C*IND*{services}***23*0****N*Y")
    for services in ("PT", "AE^AF^AD", "33"):
        rows.append(f"EB*F*IND*{services}***23***VS*30**Y")
        rows.append(f"EB*F*IND*{services}***29***VS*{number % 30}**Y")
    rows.extend(f"EB*CB**{services}********N*Y" for services in SERVICE_LISTS[:6])
    return [*opening(number), *rows]


def corpus(number: int) -> list[str]:
    """One set of the corpus's mixture: of 163 public sets, 136 to 10 to 15 are of these shapes."""
    if number % 16 == 0:
        return commercial(number)
    return refused(number) if number % 11 == 0 else batch_member(number)


def built(shape: Callable[[int], list[str]]) -> tuple[bytes, int]:
    """A file of one shape and the number of its sets."""
    lines, size, number = list(HEAD), 0, 0
    while size < SIZE_BYTES:
        number += 1
        body = shape(number)
        body.append(f"SE*{len(body) + 1}*{number:04d}")
        lines.extend(body)
        size += sum(map(len, body)) + 2 * len(body)
    lines.extend([f"GE*{number}*7", "IEA*1*000000007"])
    return ("~\n".join(lines) + "~\n").encode(), number


def measure(rounds: int, works: dict[str, Callable[[], None]]) -> dict[str, float]:
    """The median CPU seconds of each work, in interleaved rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            started = time.process_time()
            work()
            seconds[name].append(time.process_time() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def compare(name: str, content: bytes, sets: int, rounds: int) -> None:
    """Print one file's medians and ratios."""

    def to_verdicts() -> None:
        verdicts = 0
        for reading in read_parts(chunked(content), DEFAULT_SERVICES, ON):
            verdicts += len(reading.coverages)
        assert verdicts == sets

    def to_segments() -> None:
        assert sum(1 for _ in transaction_sets(chunked(content), print)) == sets

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.271"
        path.write_bytes(content)

        def pyx12_segments() -> None:
            with X12Reader(str(path)) as reader:
                for _ in reader:
                    pass

        medians = measure(
            rounds,
            {"pyx12": pyx12_segments, "segments": to_segments, "verdicts": to_verdicts},
        )
    print(f"{name}: {len(content) / 1e6:.2f} MB, {sets} sets, {content.count(b'EB*')} EB rows")
    for work, seconds in medians.items():
        print(
            f"  {work:<9} {len(content) / seconds / 1e6:7.2f} MB/s  "
            f"{seconds / sets * 1e6:8.1f} us/set  {medians['pyx12'] / seconds:5.2f} x pyx12"
        )
    print(f"  target for verdicts: {TARGETS[name]} x")


def main() -> None:
    """Measure both shapes."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    for name, shape in (("corpus", corpus), ("dense", dense)):
        compare(name, *built(shape), rounds)


if __name__ == "__main__":
    main()
