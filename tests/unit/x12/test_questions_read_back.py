"""Whatever is asked, by any option and with any delimiters, reads back as it was meant."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.nouns.eligibility import Detail, Inquiry, ServiceList
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from cleargate.x12.characters import plain_name
from cleargate.x12.eligibility_270 import Routing, write_270
from cleargate.x12.tokenizer import Delimiters
from tests.unit.x12.question_reader import Level, Read, read_270
from tests.unit.x12.test_eligibility_270 import INQUIRY, ROUTING, WHEN

SEXES = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.UNKNOWN: ""}
RELATIONSHIPS = {"spouse": "01", "child": "19"}
SERVICE_TYPES = ["1", "2", "3", "12", "30", "33", "35", "48", "98", "A4", "AD", "AE", "MH", "PT"]

names = st.builds(lambda head, tail: f"{head}{tail}", st.sampled_from("AZb"), st.text(max_size=70))
people = st.builds(
    Subscriber,
    st.builds(Name, names, st.one_of(st.just(""), names)),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    st.sampled_from(Sex),
)
ids = st.text("ABCxyz0189- ./", min_size=1, max_size=40).filter(str.strip)
delimiters = st.permutations("*:^~|}>!#\x1d").map(lambda signs: Delimiters(*signs[:4]))
routings = st.builds(
    lambda repeat, marks: replace(ROUTING, repeat_services=repeat, delimiters=marks),
    st.booleans(),
    delimiters,
)
searches = st.frozensets(st.sampled_from(Detail))
services = st.lists(st.sampled_from(SERVICE_TYPES), min_size=1, max_size=99)


@st.composite
def inquiries(draw: st.DrawFn) -> Inquiry:
    """A question about a subscriber or a dependent."""
    patient = draw(people)
    holder = draw(st.none() | people)
    insurance = Insurance(
        "ex",
        "Example Health Plan",
        draw(ids),
        draw(st.just("") | ids),
        draw(st.sampled_from(Relationship)),
        holder,
    )
    return replace(
        INQUIRY,
        patient=Patient(patient.name, patient.birth_date, patient.sex, Contact()),
        insurance=insurance,
        service_types=tuple(draw(services)),
        service_date=draw(st.dates(date(2000, 1, 1), date(2100, 1, 1))),
        search=draw(searches),
        service_list=draw(st.sampled_from(ServiceList)),
    )


@settings(max_examples=300, deadline=None)
@given(inquiries(), routings)
def test_what_we_write_reads_back_as_what_was_meant(inquiry: Inquiry, routing: Routing) -> None:
    read = read_270(write_270(inquiry, routing, 7, WHEN))
    assert read.delimiters == routing.delimiters
    assert read.services == list(inquiry.asked_services)
    assert read.person.element("DTP", 3) == inquiry.service_date.isoformat().replace("-", "")
    assert read.person.element("TRN", 2) == inquiry.trace
    payer, practice, holder = read.levels[:3]
    assert (payer.element("NM1", 9), practice.element("NM1", 9)) == ("EX001", "1234567893")
    patient = Subscriber(inquiry.patient.name, inquiry.patient.birth_date, inquiry.patient.sex)
    _assert_ids(inquiry, holder)
    _assert_told(inquiry, routing, inquiry.insurance.subscriber or patient, holder)
    if inquiry.insurance.subscriber is not None:
        _assert_dependent(inquiry, routing, patient, read)


def _assert_ids(inquiry: Inquiry, holder: Level) -> None:
    policy = inquiry.insurance
    told = Detail.MEMBER_ID in inquiry.search
    assert holder.element("NM1", 9) == (policy.member_id.strip() if told else "")
    group = policy.group.strip() if Detail.GROUP in inquiry.search else ""
    assert holder.element("REF", 2) == group


def _assert_told(inquiry: Inquiry, routing: Routing, person: Subscriber, level: Level) -> None:
    marks = set(_marks(routing.delimiters))
    family = plain_name(person.name.family, "name", 60, marks)
    given_name = person.name.given and plain_name(person.name.given, "name", 35, marks)
    expected = {
        ("NM1", 3): family if Detail.FAMILY_NAME in inquiry.search else "",
        ("NM1", 4): given_name if Detail.GIVEN_NAME in inquiry.search else "",
        ("DMG", 2): person.birth_date.isoformat().replace("-", "")
        if Detail.BIRTH_DATE in inquiry.search
        else "",
        ("DMG", 3): SEXES[person.sex] if Detail.SEX in inquiry.search else "",
    }
    assert {place: level.element(*place) for place in expected} == expected


def _assert_dependent(inquiry: Inquiry, routing: Routing, patient: Subscriber, read: Read) -> None:
    dependent = read.person
    assert (dependent.code, dependent.element("NM1", 1)) == ("23", "03")
    assert dependent.element("NM1", 9) == "", "the member id is the subscriber's"
    relationship = RELATIONSHIPS.get(inquiry.insurance.relationship, "34")
    assert dependent.all("INS") == [["INS", "N", relationship]]
    _assert_told(inquiry, routing, patient, dependent)


def _marks(marks: Delimiters) -> tuple[str, ...]:
    """The four signs."""
    return (marks.element, marks.component, marks.repetition, marks.terminator)
