"""Reading a 270 as strictly as a clearinghouse's gateway does. Own code, none of the codec's."""

from dataclasses import dataclass, replace
from datetime import date

Segment = list[str]


class Unreadable(Exception):
    """The question's structure is wrong; `acknowledgement` is what comes back: TA1 or 999."""

    def __init__(self, acknowledgement: str, place: str) -> None:
        super().__init__(f"{acknowledgement} {place}")
        self.acknowledgement = acknowledgement
        self.place = place


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as X12 names one; `birth` is CCYYMMDD."""

    family: str = ""
    given: str = ""
    birth: str = ""
    sex: str = ""

    def same_name(self, other: "Identity") -> bool:
        """Whether family and given name agree but for case and punctuation."""
        return _plain(self.family, self.given) == _plain(other.family, other.given)


def _plain(*names: str) -> list[str]:
    return ["".join(c for c in name.casefold() if c.isalnum()) for name in names]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and by whom."""

    sender: str = ""
    receiver: str = ""
    group_sender: str = ""
    group_receiver: str = ""
    payer: str = ""
    provider: str = ""
    npi: str = ""
    member_id: str = ""
    trace: str = ""
    subscriber: Identity = Identity()
    dependent: Identity | None = None
    services: tuple[str, ...] = ()
    service_date: str = ""

    @property
    def patient(self) -> Identity:
        """Whom the question is about."""
        return self.dependent or self.subscriber

    def on(self, today: date) -> date:
        """The asked date, today when none was asked."""
        try:
            return date.fromisoformat(self.service_date)
        except ValueError:
            return today


def read(content: bytes) -> Question:
    """Read the one 270 of an interchange. Raises Unreadable."""
    text = content.decode("latin-1").strip()
    if not text.startswith("ISA") or len(text) < 110:
        raise Unreadable("TA1", "ISA")
    element, repetition, terminator = text[3], text[82], text[105]
    segments = [s.strip("\r\n").split(element) for s in text.split(terminator) if s.strip()]
    _check(segments)
    isa, gs = segments[0], segments[1]
    question = Question(
        sender=isa[6].strip(), receiver=isa[8].strip(), group_sender=gs[2], group_receiver=gs[3]
    )
    for segment in segments[3:]:
        question = _take(question, segment, repetition)
    if not question.services:
        raise Unreadable("999", "EQ")
    return question


def _check(segments: list[Segment]) -> None:
    names = [segment[0] for segment in segments]
    if len(segments[0]) != 17 or names[-1] != "IEA" or at(segments[-1], 2) != segments[0][13]:
        raise Unreadable("TA1", "IEA")
    if names[:4] != ["ISA", "GS", "ST", "BHT"] or names[-3:] != ["SE", "GE", "IEA"]:
        raise Unreadable("999", "ST")
    gs, st, se, ge = segments[1], segments[2], segments[-3], segments[-2]
    if at(st, 1) != "270" or at(gs, 8) != "005010X279A1" or at(ge, 2) != at(gs, 6):
        raise Unreadable("999", "GS")
    if at(se, 1) != str(len(segments) - 4) or at(se, 2) != at(st, 2):
        raise Unreadable("999", "SE")
    if names.count("HL") < 3 or "NM1" not in names:
        raise Unreadable("999", "HL")


def at(segment: Segment, position: int) -> str:
    """An element, empty when the segment is shorter."""
    return segment[position] if position < len(segment) else ""


def _take(question: Question, segment: Segment, repetition: str) -> Question:
    match segment[0]:
        case "NM1":
            return _named(question, segment)
        case "TRN" if not question.trace:
            return replace(question, trace=at(segment, 2))
        case "DMG":
            return _born(question, at(segment, 2), at(segment, 3))
        case "DTP" if at(segment, 1) == "291":
            return replace(question, service_date=at(segment, 3)[:8])
        case "EQ":
            return replace(
                question, services=question.services + tuple(at(segment, 1).split(repetition))
            )
        case _:
            return question


def _named(question: Question, segment: Segment) -> Question:
    person = Identity(at(segment, 3), at(segment, 4))
    match at(segment, 1):
        case "PR":
            return replace(question, payer=at(segment, 9))
        case "1P":
            npi = at(segment, 9) if at(segment, 8) == "XX" else ""
            return replace(question, provider=at(segment, 3), npi=npi)
        case "IL":
            return replace(question, subscriber=person, member_id=at(segment, 9))
        case "03":
            return replace(question, dependent=person)
        case _:
            return question


def _born(question: Question, birth: str, sex: str) -> Question:
    if question.dependent is not None:
        return replace(question, dependent=replace(question.dependent, birth=birth, sex=sex))
    return replace(question, subscriber=replace(question.subscriber, birth=birth, sex=sex))
