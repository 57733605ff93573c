"""271 bytes to verdict, against x12sdk's typed models, which stop before anybody judges.

The files are those of `x12_read`, without what x12sdk 2.2.0 refuses to read: an entity without an
id, AAA 73 of a subscriber, a limit counted in visits (EB09), a remainder of 0 visits. Rounds are
interleaved; medians and their ratio are printed. Ends with 1 where the target is missed. Run:
`python bench/x12_models.py [ROUNDS]`.
"""

import logging
import re
import sys

from x12sdk.io import X12ModelReader

from bench.x12_read import ON, built, corpus, dense, measure
from cleargate.coverage.reading import read_parts
from cleargate.coverage.services import DEFAULT_SERVICES
from cleargate.x12.tokenizer import chunked

TARGET = 10.0


def readable(content: bytes) -> bytes:
    """The same sets, as x12sdk can read them."""
    named = re.sub(rb"(NM1\*P5\*2\*PLAN SPONSOR (\d+))~", rb"\1*****PI*\2~", content)
    counted = re.sub(rb"\*VS\*\d+", rb"*1*9", named)
    return counted.replace(b"AAA*N**73*C", b"AAA*N**43*C")


def compare(name: str, file: bytes, sets: int, rounds: int) -> float:
    """Print one file's medians; gives the ratio."""
    content = readable(file)
    text = content.decode("ascii")

    def to_verdicts() -> None:
        parts = read_parts(chunked(content), DEFAULT_SERVICES, ON)
        assert sum(len(reading.coverages) for reading in parts) == sets

    def to_models() -> None:
        with X12ModelReader(text) as reader:
            assert sum(1 for _ in reader.models()) == sets

    medians = measure(rounds, {"x12sdk": to_models, "verdicts": to_verdicts})
    print(f"{name}: {len(content) / 1e6:.2f} MB, {sets} sets")
    for work, seconds in medians.items():
        print(f"  {work:<9} {seconds / sets * 1e6:8.1f} us/set  {sets / seconds:8.0f} sets/s")
    ratio = medians["x12sdk"] / medians["verdicts"]
    print(f"  {ratio:.1f} x x12sdk's models; target {TARGET:.0f} x")
    return ratio


def main() -> int:
    """Measure both shapes."""
    logging.disable(logging.WARNING)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    shapes = (("corpus", corpus), ("dense", dense))
    ratios = [compare(name, *built(shape), rounds) for name, shape in shapes]
    return 0 if min(ratios) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
