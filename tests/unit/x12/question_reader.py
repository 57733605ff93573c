"""A reader of 270s for the tests: strict about structure, and knowing nothing of the writer.

Source: 005010X279A1, chapter 3 (270): the order of segments within each loop.
"""

from dataclasses import dataclass, field

from cleargate.x12.diagnostics import Diagnostic
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import Delimiters, Elements, chunked

LEVELS = {"20": "", "21": "20", "22": "21", "23": "22"}
"""HL03 and that of the level above."""
ORDER = ("HL", "TRN", "NM1", "REF", "N3", "N4", "PRV", "DMG", "INS", "HI", "DTP", "EQ")


@dataclass
class Level:
    """One HL and what stands below it."""

    code: str
    segments: list[Elements] = field(default_factory=list)

    def all(self, tag: str) -> list[Elements]:
        return [each for each in self.segments if each[0] == tag]

    def element(self, tag: str, position: int) -> str:
        found = self.all(tag)
        return found[0][position] if found and position < len(found[0]) else ""


@dataclass
class Read:
    """A question as it was read."""

    control: str
    delimiters: Delimiters
    levels: list[Level]

    @property
    def person(self) -> Level:
        """The level of the patient."""
        return self.levels[-1]

    @property
    def services(self) -> list[str]:
        mark = self.delimiters.repetition
        return [code for eq in self.person.all("EQ") for code in eq[1].split(mark)]


def read_270(content: bytes) -> Read:
    """Read the one question of an interchange; asserts everything that the guide says of it."""
    findings: list[Diagnostic] = []
    [found] = transaction_sets(chunked(content), findings.append)
    assert findings == [], "counts, control numbers, trailers"
    assert (found.code, found.version, found.complete) == ("270", "005010X279A1", True)
    assert all(segment[-1] for segment in found.segments), "no empty element ends a segment"
    header, begin, *body, trailer = found.segments
    assert (header[0], begin[:3], trailer[0]) == ("ST", ["BHT", "0022", "13"], "SE")
    assert int(trailer[1]) == len(found.segments)
    return Read(header[2], found.delimiters, _levels(body))


def _levels(body: list[Elements]) -> list[Level]:
    levels: list[Level] = []
    for segment in body:
        if segment[0] == "HL":
            levels.append(Level(segment[3]))
        levels[-1].segments.append(segment)
    for number, level in enumerate(levels, 1):
        parent = str(number - 1) if number > 1 else ""
        has_child = str(int(number < len(levels)))
        assert level.segments[0] == ["HL", str(number), parent, level.code, has_child]
        assert LEVELS[level.code] == (levels[number - 2].code if number > 1 else "")
        places = [ORDER.index(segment[0]) for segment in level.segments]
        assert places == sorted(places), "the order of the guide"
        assert len(level.all("NM1")) == 1
        is_patient = number == len(levels)
        assert bool(level.all("EQ")) == bool(level.all("TRN")) == is_patient
    assert [level.code for level in levels] in (["20", "21", "22"], ["20", "21", "22", "23"])
    return levels
