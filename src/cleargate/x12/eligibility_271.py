"""Eligibility answers (271): from a transaction set to typed loops, in 5010 and in 4010.

A set is cut into its hierarchical levels, a level into its head and its EB loops; each function
below reads one kind of loop. Order inside a loop is not relied on, for payers do not keep it.
What is missing or odd is reported, and the rest is read.
Source: 005010X279A1, chapter 2; 004010X092A1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from cleargate.x12.diagnostics import Report, warning
from cleargate.x12.envelope import TransactionSet, element
from cleargate.x12.tokenizer import Elements

PAYER, PROVIDER, SUBSCRIBER, DEPENDENT = "20", "21", "22", "23"
"""HL03: who a level is about."""

_Numbered = tuple[int, Elements]
_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Party:
    """One NM1. `role` is NM101 (`PR`, `IL`, ...); `contacts` are the names and numbers of PERs."""

    segment: int
    role: str
    family: str
    given: str
    id_kind: str
    id: str
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """One AAA: `reason` is AAA03, `follow_up` is AAA04."""

    segment: int
    valid: bool
    reason: str
    follow_up: str


@dataclass(frozen=True, slots=True)
class Period:
    """One DTP. `end` is None for a single date; `qualifier` is DTP01."""

    segment: int
    qualifier: str
    begin: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Text:
    """One MSG."""

    segment: int
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """One REF: `kind` is REF01."""

    segment: int
    kind: str
    id: str
    description: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HSD: `quantity` of `unit` per `per`, in `count` periods of kind `period` (HSD05)."""

    segment: int
    unit: str
    quantity: str
    per: str
    period: str
    count: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """One EB loop (2110C, 2110D): the elements EB01 to EB13 as they stand, and what hangs on it.

    `services` is EB03, one code or many. `places` are the III codes of a place of service.
    """

    segment: int
    information: str
    level: str
    services: tuple[str, ...]
    insurance_type: str
    plan: str
    period: str
    amount: str
    percent: str
    quantity_kind: str
    quantity: str
    authorisation: str
    network: str
    procedure: str
    messages: tuple[Text, ...] = ()
    periods: tuple[Period, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    references: tuple[Reference, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    places: tuple[str, ...] = ()
    parties: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One HL loop. `parent` is HL02; `trace` is the TRN02 that came with our question."""

    segment: int
    id: str
    parent: str
    code: str
    party: Party | None
    trace: str
    birth_date: date | None
    sex: str
    references: tuple[Reference, ...]
    periods: tuple[Period, ...]
    rejections: tuple[Rejection, ...]
    benefits: tuple[Benefit, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the answer with the levels above. `dependent` is None for the subscriber."""

    payer: Level | None
    provider: Level | None
    subscriber: Level | None
    dependent: Level | None

    @property
    def patient(self) -> Level | None:
        """The level that is about the patient: the lowest there is."""
        return self.dependent or self.subscriber


@dataclass(frozen=True, slots=True)
class Answer:
    """One 271. There is at least one member: one without levels where the payer named nobody."""

    members: tuple[Member, ...]


def read_answer(transaction: TransactionSet, report: Report) -> Answer:
    """Read a 271 into its loops."""
    levels = [
        _level(segments, transaction.delimiters.repetition, report)
        for segments in _hierarchy(transaction)
    ]
    if not levels:
        report(warning("no_levels", transaction.first, "The 271 has no HL segment."))
    return Answer(_members(levels, report) or (Member(None, None, None, None),))


def _hierarchy(transaction: TransactionSet) -> Iterator[list[_Numbered]]:
    """Cut the set at its HL segments; what stands before the first one is BHT and the like."""
    group: list[_Numbered] | None = None
    for numbered in enumerate(transaction.segments, transaction.first):
        tag = numbered[1][0]
        if tag == "HL":
            if group:
                yield group
            group = [numbered]
        elif group is not None and tag != "SE":
            group.append(numbered)
    if group:
        yield group


def _members(levels: list[Level], report: Report) -> tuple[Member, ...]:
    """Hang every patient's level under its subscriber, provider and payer.

    A subscriber without benefits or rejections of its own whose dependent follows is no patient.
    Parents are taken from HL02; where that points nowhere, the last one above is the parent.
    """
    above: dict[str, Level] = {}
    by_id: dict[str, Level] = {}
    members: list[Member] = []
    for level in levels:
        parent = by_id.get(level.parent)
        if level.code in {SUBSCRIBER, DEPENDENT} and (parent is None or parent.code == level.code):
            report(warning("hl_parent", level.segment, "HL02 does not name the level above."))
        elif parent is not None and parent.code < level.code:
            above[parent.code] = parent
        above = {code: kept for code, kept in above.items() if code < level.code}
        above[level.code] = by_id[level.id] = level
        if level.code == DEPENDENT and members and _only_leads_to(members[-1], above):
            members.pop()
        if level.code in {SUBSCRIBER, DEPENDENT}:
            members.append(_member(above))
    if not members and above:
        members.append(_member(above))
    return tuple(members)


def _only_leads_to(member: Member, above: dict[str, Level]) -> bool:
    """Whether a member is a subscriber about whom nothing is said, with this dependent below."""
    patient = member.patient
    if patient is None or patient is not above.get(SUBSCRIBER):
        return False
    return not (patient.benefits or patient.rejections)


def _member(above: dict[str, Level]) -> Member:
    return Member(
        above.get(PAYER), above.get(PROVIDER), above.get(SUBSCRIBER), above.get(DEPENDENT)
    )


def _level(segments: list[_Numbered], repetition: str, report: Report) -> Level:
    """Read one HL loop: its head, then one EB loop after another."""
    number, hl = segments[0]
    starts = [at for at, (_, segment) in enumerate(segments) if segment[0] == "EB"]
    head = segments[1 : starts[0]] if starts else segments[1:]
    party: Party | None = None
    trace = ""
    demographics: Elements = []
    for at, (_, segment) in enumerate(head):
        match segment[0]:
            case "NM1" if party is None:
                party = _party(head, at)
            case "TRN" if not trace or element(segment, 1) == "2":
                trace = element(segment, 2)
            case "DMG":
                demographics = segment
    level = Level(
        number,
        element(hl, 1),
        element(hl, 2),
        element(hl, 3),
        party,
        trace,
        _date(element(demographics, 2)),
        element(demographics, 3),
        _references(head),
        _periods(head, report),
        _rejections(head, report),
        tuple(
            _benefit(segments[start:end], repetition, report)
            for start, end in pairwise([*starts, len(segments)])
        ),
    )
    _check_level(level, demographics, report)
    return level


def _check_level(level: Level, demographics: Elements, report: Report) -> None:
    """Report what the guide requires of each level and what is not there."""
    if level.code not in {PAYER, PROVIDER, SUBSCRIBER, DEPENDENT}:
        report(warning("hl_code", level.segment, "HL03 is none of 20, 21, 22, 23."))
    if level.party is None:
        report(warning("no_name", level.segment, "The level has no NM1 segment."))
    elif level.code == PAYER and not level.party.family:
        report(warning("no_payer_name", level.party.segment, "NM103 of the payer is empty."))
    if demographics and element(demographics, 2) and level.birth_date is None:
        report(warning("birth_date", level.segment, "DMG02 is no date CCYYMMDD."))


def _benefit(segments: list[_Numbered], repetition: str, report: Report) -> Benefit:
    """Read one EB loop. NM1 and PER belong to its 2120 loop, whether LS and LE wrap it or not."""
    number, eb = segments[0]
    (
        _, information, level, services, insurance_type, plan, period, amount, percent,
        quantity_kind, quantity, authorisation, network, procedure,
    ) = map(str.strip, (eb + _PADDING)[:14])  # fmt: skip
    codes = _service_types(services, repetition)
    if not information:
        report(warning("eb_without_code", number, "EB01 is empty."))
    if not all(map(_SERVICE_TYPE.fullmatch, codes)):
        report(warning("service_type", number, "EB03 holds something that is no service type."))
    fields = (
        number, information, level, codes, insurance_type, plan, period, amount, percent,
        quantity_kind, quantity, authorisation, network, procedure,
    )  # fmt: skip
    if len(segments) == 1:
        return Benefit(*fields)
    loop = segments[1:]
    return Benefit(
        *fields,
        tuple(Text(n, element(s, 1)) for n, s in loop if s[0] == "MSG"),
        _periods(loop, report),
        tuple(_delivery(n, s) for n, s in loop if s[0] == "HSD"),
        _references(loop),
        _rejections(loop, report),
        tuple(element(s, 2) for _, s in loop if s[0] == "III" and element(s, 1) == "ZZ"),
        tuple(_party(loop, at) for at, (_, s) in enumerate(loop) if s[0] == "NM1"),
    )


_PADDING = [""] * 14


def _service_types(text: str, repetition: str) -> tuple[str, ...]:
    if not text:
        return ()
    if not repetition or repetition not in text:
        return (text,)
    return tuple(code for part in text.split(repetition) if (code := part.strip()))


def _party(loop: list[_Numbered], at: int) -> Party:
    """Read the NM1 at a place of a loop, with the PERs that follow it."""
    number, nm1 = loop[at]
    contacts: list[str] = []
    for _, segment in loop[at + 1 :]:
        if segment[0] in {"NM1", "LE", "EB"}:
            break
        if segment[0] == "PER":
            contacts.extend(part for part in (element(segment, n) for n in (2, 4, 6, 8)) if part)
    return Party(
        number,
        element(nm1, 1),
        element(nm1, 3),
        element(nm1, 4),
        element(nm1, 8),
        element(nm1, 9),
        tuple(contacts),
    )


def _references(loop: list[_Numbered]) -> tuple[Reference, ...]:
    return tuple(
        Reference(n, element(s, 1), element(s, 2), element(s, 3)) for n, s in loop if s[0] == "REF"
    )


def _delivery(number: int, hsd: Elements) -> Delivery:
    return Delivery(number, *(element(hsd, position) for position in (1, 2, 3, 5, 6)))


def _rejections(loop: list[_Numbered], report: Report) -> tuple[Rejection, ...]:
    found: list[Rejection] = []
    for number, segment in loop:
        if segment[0] == "AAA":
            rejection = Rejection(
                number, element(segment, 1) == "Y", element(segment, 3), element(segment, 4)
            )
            if not rejection.reason:
                report(warning("aaa_without_reason", number, "AAA03 is empty."))
            found.append(rejection)
    return tuple(found)


def _periods(loop: list[_Numbered], report: Report) -> tuple[Period, ...]:
    found: list[Period] = []
    for number, segment in loop:
        if segment[0] != "DTP":
            continue
        first, _, last = element(segment, 3).partition("-")
        begin, end = _date(first), _date(last)
        if begin is None or (last and end is None):
            report(warning("date", number, "DTP03 is no date or range of dates; not used."))
        elif end is not None and end < begin:
            report(warning("date_order", number, "DTP03 ends before it begins; not used."))
        else:
            found.append(Period(number, element(segment, 1), begin, end))
    return tuple(found)


def _date(text: str) -> date | None:
    """A CCYYMMDD date, with or without a time after it; None when it is none."""
    if len(text) not in {8, 12} or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
