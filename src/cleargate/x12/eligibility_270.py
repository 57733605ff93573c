"""Eligibility questions (270): from an Inquiry to the bytes of one interchange.

Source: 005010X279A1, chapter 3 (270).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from cleargate.nouns.eligibility import Detail, Inquiry, ServiceList
from cleargate.nouns.errors import Refused
from cleargate.nouns.insurance import Relationship, Subscriber
from cleargate.nouns.patient import Sex
from cleargate.x12.characters import plain_id, plain_name, plain_npi
from cleargate.x12.tokenizer import Delimiters

VERSION = "005010X279A1"

_RELATIONSHIPS = {Relationship.SPOUSE: "01", Relationship.CHILD: "19", Relationship.OTHER: "34"}
_SEXES = {Sex.FEMALE: "F", Sex.MALE: "M"}
"""DMG03 of a 270 knows no third code; the element is left out."""
_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Routing:
    """How a clearinghouse wants its interchanges.

    `originator` is TRN03, ten characters that name the asker. `repeat_services`: several service
    types go into one EQ01; otherwise each into its own EQ. A payer that wants it otherwise says
    so in the question. `usage` is `P` or `T`.
    """

    sender_id: str
    receiver_id: str
    sender_kind: str = "ZZ"
    receiver_kind: str = "ZZ"
    originator: str = "9CLEARGATE"
    usage: str = "P"
    repeat_services: bool = False
    delimiters: Delimiters = field(default_factory=Delimiters)


def write_270(inquiry: Inquiry, routing: Routing, control: int, when: datetime) -> bytes:
    """Write one question as one interchange with one group and one set.

    `control` is the interchange's number, 1 to 999,999,999. Of the people no more is told than the
    question's search names. Names are reduced to X12's characters; ids are never changed. Raises
    Refused, naming the field, for an NPI with a wrong check digit and for an id, name or service
    type that X12 cannot carry.
    """
    if not 1 <= control <= 999_999_999:
        raise Refused("The interchange control number must be between 1 and 999999999.")
    writer = _Writer(routing)
    body = list(writer.transaction(inquiry, when))
    delimiters = routing.delimiters
    number = str(control)
    lines = [
        _isa(routing, control, when),
        ["GS", "HS", writer.id(routing.sender_id, "sender", 15),
         writer.id(routing.receiver_id, "receiver", 15), f"{when:%Y%m%d}", f"{when:%H%M}",
         number, "X", VERSION],
        ["ST", "270", "0001", VERSION],
        *body,
        ["SE", str(len(body) + 2), "0001"],
        ["GE", "1", number],
        ["IEA", "1", f"{control:09d}"],
    ]  # fmt: skip
    text = "".join(
        delimiters.element.join(_trimmed(line)) + delimiters.terminator for line in lines
    )
    return text.encode("ascii")


def _isa(routing: Routing, control: int, when: datetime) -> list[str]:
    """The header, whose elements alone have fixed widths."""
    return [
        "ISA", "00", " " * 10, "00", " " * 10,
        routing.sender_kind, f"{routing.sender_id:<15}", routing.receiver_kind,
        f"{routing.receiver_id:<15}", f"{when:%y%m%d}", f"{when:%H%M}",
        routing.delimiters.repetition, "00501", f"{control:09d}", "0", routing.usage,
        routing.delimiters.component,
    ]  # fmt: skip


def _trimmed(line: list[str]) -> list[str]:
    """A segment without its empty trailing elements."""
    end = len(line)
    while end > 1 and not line[end - 1]:
        end -= 1
    return line[:end]


class _Writer:
    """Writes the segments between ST and SE; knows which characters are taken as delimiters."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        marks = routing.delimiters
        self._taken = {marks.element, marks.component, marks.repetition, marks.terminator}
        if len(self._taken) != 4 or any(len(mark) != 1 or mark.isalnum() for mark in self._taken):
            raise Refused("The four X12 delimiters must be four different signs.")

    def transaction(self, inquiry: Inquiry, when: datetime) -> Iterator[list[str]]:
        trace = self.id(inquiry.trace, "trace", 50)
        yield ["BHT", "0022", "13", trace, f"{when:%Y%m%d}", f"{when:%H%M}"]
        yield ["HL", "1", "", "20", "1"]
        payer = self.id(inquiry.payer_code, "payer id", 80)
        yield ["NM1", "PR", "2", self.name(inquiry.payer_name, "payer", 60),
               *[""] * 4, "PI", payer]  # fmt: skip
        yield ["HL", "2", "1", "21", "1"]
        yield ["NM1", "1P", "2", self.name(inquiry.asker.name, "practice", 60),
               *[""] * 4, "XX", plain_npi(inquiry.asker.npi)]  # fmt: skip
        yield from self._people(inquiry, trace)
        yield ["DTP", "291", "D8", _day(inquiry.service_date)]
        yield from self._questions(inquiry)

    def _people(self, inquiry: Inquiry, trace: str) -> Iterator[list[str]]:
        """The subscriber's level, and the patient's below it when that is somebody else."""
        insurance, patient = inquiry.insurance, inquiry.patient
        traced = ["TRN", "1", trace, self.id(self._routing.originator, "originator", 10)]
        dependent = insurance.subscriber is not None
        holder = insurance.subscriber or Subscriber(patient.name, patient.birth_date, patient.sex)
        yield ["HL", "3", "2", "22", "1" if dependent else "0"]
        if not dependent:
            yield traced
        named = self._person("IL", holder, "subscriber", inquiry)
        if inquiry.tells(Detail.MEMBER_ID):
            member_id = self.id(insurance.member_id, "member id", 80)
            named = [*named, *[""] * 3, "MI", member_id]
        yield named
        if insurance.group and inquiry.tells(Detail.GROUP):
            yield ["REF", "6P", self.id(insurance.group, "group", 50)]
        yield from _demographics(holder, inquiry)
        if dependent:
            person = Subscriber(patient.name, patient.birth_date, patient.sex)
            yield ["HL", "4", "3", "23", "0"]
            yield traced
            yield self._person("03", person, "patient", inquiry)
            yield from _demographics(person, inquiry)
            yield ["INS", "N", _RELATIONSHIPS.get(insurance.relationship, "34")]

    def _person(self, role: str, person: Subscriber, what: str, inquiry: Inquiry) -> list[str]:
        family = given = ""
        if inquiry.tells(Detail.FAMILY_NAME):
            family = self.name(person.name.family, f"{what}'s family name", 60)
        if inquiry.tells(Detail.GIVEN_NAME) and person.name.given.strip():
            given = self.name(person.name.given, f"{what}'s given name", 35)
        return ["NM1", role, "1", family, given]

    def _questions(self, inquiry: Inquiry) -> Iterator[list[str]]:
        service_types = inquiry.asked_services
        if not service_types or len(service_types) > 99:
            raise Refused("A question names 1 to 99 service types.")
        if not all(_SERVICE_TYPE.fullmatch(code) for code in service_types):
            raise Refused("A service type code has one or two capital letters or digits.")
        repeat = self._routing.repeat_services
        if inquiry.service_list is not ServiceList.UNSTATED:
            repeat = inquiry.service_list is ServiceList.REPEATED
        if repeat:
            yield ["EQ", self._routing.delimiters.repetition.join(service_types)]
        else:
            yield from (["EQ", code] for code in service_types)

    def name(self, text: str, what: str, chars_max: int) -> str:
        return plain_name(text, what, chars_max, self._taken)

    def id(self, text: str, what: str, chars_max: int) -> str:
        return plain_id(text, what, chars_max, self._taken)


def _demographics(person: Subscriber, inquiry: Inquiry) -> Iterator[list[str]]:
    """A DMG, unless there is nothing to tell."""
    sex = _SEXES.get(person.sex, "") if inquiry.tells(Detail.SEX) else ""
    if inquiry.tells(Detail.BIRTH_DATE):
        yield ["DMG", "D8", _day(person.birth_date), sex]
    elif sex:
        yield ["DMG", "", "", sex]


def _day(day: date) -> str:
    return f"{day:%Y%m%d}" if day.year > 999 else f"{day.year:04d}{day:%m%d}"
