"""Eligibility answers (271): from a transaction set to typed loops, in 5010 and in 4010.

A set is cut into its hierarchical levels, a level into its head and its EB loops; each function
below reads one kind of loop. Order inside a loop is not relied on, for payers do not keep it.
What is missing or odd is reported, and the rest is read. The loops are named tuples and not
dataclasses because an answer has hundreds, and these are made three times as fast; what is
seldom asked for is decoded when it is asked for.
Source: 005010X279A1, chapter 2; 004010X092A1.
"""

from datetime import date
from typing import NamedTuple

from cleargate.x12.diagnostics import Report, warning
from cleargate.x12.envelope import TransactionSet, element
from cleargate.x12.tokenizer import Elements

PAYER, PROVIDER, SUBSCRIBER, DEPENDENT = "20", "21", "22", "23"
"""HL03: who a level is about."""
_CODES = frozenset({PAYER, PROVIDER, SUBSCRIBER, DEPENDENT})

_Segments = list[tuple[int, Elements]]
_Tagged = dict[str, _Segments]
"""The segments of a loop below its first one, under their tags, in file order."""
_Loop = tuple[int, Elements, _Tagged]
"""One EB and what is below it."""
_LevelLoop = tuple[int, Elements, _Tagged, list[_Loop]]
"""One HL, its head and its EB loops."""


class Party(NamedTuple):
    """One NM1. `role` is NM101 (`PR`, `IL`, `P4`, ...), `loop` is what it stands in."""

    segment: int
    role: str
    family: str
    given: str
    id_kind: str
    id: str
    loop: _Tagged

    @property
    def contacts(self) -> tuple[str, ...]:
        """The names and numbers of the PERs between this NM1 and the next, in file order."""
        following = (number for number, _ in self.loop["NM1"] if number > self.segment)
        end = next(following, _LAST)
        pers = [per for at, per in self.loop.get("PER", ()) if self.segment < at < end]
        return tuple(part for per in pers for part in per[2:9:2] if part)


class Rejection(NamedTuple):
    """One AAA: `reason` is AAA03, `follow_up` is AAA04."""

    segment: int
    valid: bool
    reason: str
    follow_up: str


class Period(NamedTuple):
    """One DTP. `end` is None for a single date; `qualifier` is DTP01."""

    segment: int
    qualifier: str
    begin: date
    end: date | None


class Text(NamedTuple):
    """One MSG."""

    segment: int
    text: str


class Reference(NamedTuple):
    """One REF: `kind` is REF01."""

    segment: int
    kind: str
    id: str
    description: str


class Delivery(NamedTuple):
    """One HSD: `quantity` of `unit` per `per`, over `periods` times `period` (HSD05, HSD06).

    `every` is HSD04: 2 with a `per` of months is every second month.
    """

    segment: int
    unit: str
    quantity: str
    per: str
    period: str
    periods: str
    every: str = ""


class Attached(NamedTuple):
    """What hangs on an EB segment. `places` are the III codes of a place of service."""

    messages: tuple[Text, ...] = ()
    periods: tuple[Period, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    references: tuple[Reference, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    places: tuple[str, ...] = ()
    parties: tuple[Party, ...] = ()


class Benefit(NamedTuple):
    """One EB loop (2110C, 2110D): EB itself, and what hangs on it.

    `elements` are EB00 to EB13 as they stand, empty where absent; `services` are EB03's codes.
    """

    segment: int
    elements: Elements
    services: tuple[str, ...]
    attached: Attached


class Level(NamedTuple):
    """One HL loop: its head's segments under their tags, and its EB loops. `parent` is HL02."""

    segment: int
    id: str
    parent: str
    code: str
    birth_date: date | None
    head: _Tagged
    periods: tuple[Period, ...]
    rejections: tuple[Rejection, ...]
    benefits: tuple[Benefit, ...]

    @property
    def party(self) -> Party | None:
        """Whom the level is about: its first NM1."""
        return _party(*self.head["NM1"][0], self.head) if "NM1" in self.head else None

    @property
    def trace(self) -> str:
        """The trace number that we sent (TRN01 is 2), or else the payer's own."""
        traces = self.head.get("TRN", ())
        for _, trn in traces:
            if element(trn, 1) == "2":
                return element(trn, 2)
        return element(traces[0][1], 2) if traces else ""

    @property
    def references(self) -> tuple[Reference, ...]:
        """The REFs of the head: group, plan, other ids."""
        return _references(self.head["REF"]) if "REF" in self.head else ()


class Member(NamedTuple):
    """One person of the answer with the levels above. `dependent` is None for the subscriber."""

    payer: Level | None
    provider: Level | None
    subscriber: Level | None
    dependent: Level | None

    @property
    def patient(self) -> Level | None:
        """The level that is about the patient: the lowest there is."""
        return self.dependent or self.subscriber

    def only_leads_to(self, subscriber: Level | None) -> bool:
        """Whether this is the subscriber above a dependent, and nothing is said about them."""
        if subscriber is None or self.dependent or self.subscriber is not subscriber:
            return False
        return not (subscriber.benefits or subscriber.rejections)


class Answer(NamedTuple):
    """One 271. There is at least one member, without a patient where the payer named nobody."""

    members: tuple[Member, ...]


def read_answer(transaction: TransactionSet, report: Report) -> Answer:
    """Read a 271 into its loops."""
    repetition = transaction.delimiters.repetition
    levels = [_level(loop, repetition, report) for loop in _hierarchy(transaction, report)]
    if not levels:
        report(warning("no_levels", transaction.first, "The 271 has no HL segment."))
    return Answer(_members(levels, report))


def _hierarchy(transaction: TransactionSet, report: Report) -> list[_LevelLoop]:
    """Cut the set at HL into levels, and each level at EB: its head, then its EB loops."""
    levels: list[_LevelLoop] = []
    outside: list[_Loop] = []
    benefits = outside
    segments: _Tagged = {}
    for number, segment in enumerate(transaction.segments, transaction.first):
        tag = segment[0]
        if tag == "EB":
            segments = {}
            benefits.append((number, segment, segments))
        elif tag == "HL":
            segments, benefits = {}, []
            levels.append((number, segment, segments, benefits))
        elif tag in segments:
            segments[tag].append((number, segment))
        else:
            segments[tag] = [(number, segment)]
    segments.pop("SE", None)
    for number, _, _ in outside:
        report(warning("eb_outside_level", number, "EB stands before any HL."))
    return levels


def _members(levels: list[Level], report: Report) -> tuple[Member, ...]:
    """Hang every patient's level under its subscriber, provider and payer.

    The last level above is the parent; only a dependent may name another subscriber in HL02. A
    subscriber about whom nothing is said and whom a dependent follows is no patient.
    """
    payer = provider = subscriber = None
    subscribers: dict[str, Level] = {}
    members: list[Member] = []
    for level in levels:
        match level.code:
            case "20":
                payer, provider, subscriber = level, None, None
            case "21":
                provider, subscriber = level, None
            case "22":
                subscriber = subscribers[level.id] = level
                members.append(Member(payer, provider, level, None))
            case "23":
                subscriber = subscribers.get(level.parent, subscriber)
                if level.parent not in subscribers:
                    report(warning("hl_parent", level.segment, "HL02 names no subscriber."))
                if members and members[-1].only_leads_to(subscriber):
                    members.pop()
                members.append(Member(payer, provider, subscriber, level))
    if not members:
        members.append(Member(payer, provider, None, None))
    return tuple(members)


def _level(loop: _LevelLoop, repetition: str, report: Report) -> Level:
    """Read one HL loop: its head, then one EB loop after another."""
    number, hl, head, benefits = loop
    identifier, parent, code = (hl + _PADDING)[1:4]
    level = Level(
        number,
        identifier,
        parent,
        code,
        _date(element(head["DMG"][0][1], 2)) if "DMG" in head else None,
        head,
        _periods(head["DTP"], report) if "DTP" in head else (),
        _rejections(head["AAA"], report) if "AAA" in head else (),
        tuple([_benefit(one, repetition, report) for one in benefits]),
    )
    _check_level(level, report)
    return level


def _check_level(level: Level, report: Report) -> None:
    """Report what the guide requires of each level and what is not there."""
    head = level.head
    if level.code not in _CODES:
        report(warning("hl_code", level.segment, "HL03 is none of 20, 21, 22, 23."))
    if "NM1" not in head:
        report(warning("no_name", level.segment, "The level has no NM1 segment."))
    elif level.code == PAYER and not element(head["NM1"][0][1], 3):
        report(warning("no_payer_name", head["NM1"][0][0], "NM103 of the payer is empty."))
    if level.birth_date is None and "DMG" in head and element(head["DMG"][0][1], 2):
        report(warning("birth_date", head["DMG"][0][0], "DMG02 is no date CCYYMMDD."))


def _benefit(loop: _Loop, repetition: str, report: Report) -> Benefit:
    """Read one EB loop. NM1 and PER belong to its 2120 loop, whether LS and LE wrap it or not."""
    number, eb, segments = loop
    elements = (eb + _PADDING)[:14]
    codes = elements[3]
    services = _service_types(codes, repetition)
    if not elements[1]:
        report(warning("eb_without_code", number, "EB01 is empty."))
    if len(codes) > 2 and max(map(len, services), default=0) > 2:
        report(warning("service_type", number, "EB03 holds something that is no service type."))
    attached = _attached(segments, report) if segments else NOTHING_ATTACHED
    return Benefit(number, elements, services, attached)


def _attached(loop: _Tagged, report: Report) -> Attached:
    return Attached(
        tuple([Text(at, element(msg, 1)) for at, msg in loop["MSG"]]) if "MSG" in loop else (),
        _periods(loop["DTP"], report) if "DTP" in loop else (),
        tuple([_delivery(at, hsd) for at, hsd in loop["HSD"]]) if "HSD" in loop else (),
        _references(loop["REF"]) if "REF" in loop else (),
        _rejections(loop["AAA"], report) if "AAA" in loop else (),
        _places(loop["III"]) if "III" in loop else (),
        tuple([_party(at, nm1, loop) for at, nm1 in loop["NM1"]]) if "NM1" in loop else (),
    )


NOTHING_ATTACHED = Attached()
"""Most EB segments stand alone."""
_PADDING = [""] * 14


def _service_types(text: str, repetition: str) -> tuple[str, ...]:
    if repetition and repetition in text:
        return tuple([code for code in text.replace(" ", "").split(repetition) if code])
    return (text,) if text else ()


def _party(number: int, nm1: Elements, loop: _Tagged) -> Party:
    padded = nm1 + _PADDING
    return Party(number, padded[1], padded[3], padded[4], padded[8], padded[9], loop)


_LAST = 1 << 62
"""Beyond every segment number."""


def _references(refs: _Segments) -> tuple[Reference, ...]:
    return tuple(
        [
            Reference(number, element(ref, 1), element(ref, 2), element(ref, 3))
            for number, ref in refs
        ]
    )


def _places(codes: _Segments) -> tuple[str, ...]:
    return tuple([element(iii, 2) for _, iii in codes if element(iii, 1) == "ZZ"])


def _delivery(number: int, hsd: Elements) -> Delivery:
    unit, quantity, per, every, period, periods = (hsd + _PADDING)[1:7]
    return Delivery(number, unit, quantity, per, period, periods, every)


def _rejections(segments: _Segments, report: Report) -> tuple[Rejection, ...]:
    found: list[Rejection] = []
    for number, aaa in segments:
        _, valid, _, reason, follow_up = (aaa + _PADDING)[:5]
        found.append(Rejection(number, valid == "Y", reason, follow_up))
        if not reason:
            report(warning("aaa_without_reason", number, "AAA03 is empty."))
    return tuple(found)


def _periods(segments: _Segments, report: Report) -> tuple[Period, ...]:
    found: list[Period] = []
    for number, dtp in segments:
        first, _, last = element(dtp, 3).partition("-")
        begin, end = _date(first), _date(last) if last else None
        if begin is None or (last and end is None):
            report(warning("date", number, "DTP03 is no date or range of dates; not used."))
        elif end is not None and end < begin:
            report(warning("date_order", number, "DTP03 ends before it begins; not used."))
        else:
            found.append(Period(number, element(dtp, 1), begin, end))
    return tuple(found)


def _date(text: str) -> date | None:
    """A CCYYMMDD date, with or without a time after it; None when it is none."""
    if len(text) not in {8, 12} or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        return None
