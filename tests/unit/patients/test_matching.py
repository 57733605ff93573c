from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.nouns.patient import Address, Contact, Name, Patient, PatientRecord, Sex
from cleargate.patients.matching import Likeness, Lookalike, New, Same, differences, likeness, match

HOME = Address("12 Sample Street Apt 4", "Sampletown", "TX", "75001")
CONTACT = Contact("robin@sample.example", "+12145550123", HOME)
ROBIN = Patient(Name("Testperson", "Robert"), date(1987, 3, 14), Sex.MALE, CONTACT)
ELSEWHERE = Contact("other@sample.example", "+12145550199", replace(HOME, line="99 Far Road"))
NOWHERE = Contact()


def record(patient: Patient, number: str = "1") -> PatientRecord:
    return PatientRecord(number, patient)


def robin(given: str = "Robert", family: str = "Testperson", **changes: object) -> Patient:
    return replace(ROBIN, name=Name(family, given), **changes)  # type: ignore[arg-type]


CERTAIN, POSSIBLE, NONE = Likeness.CERTAIN, Likeness.POSSIBLE, Likeness.NONE

TABLE = {
    "himself": (robin(), CERTAIN),
    "another spelling of everything": (
        robin(
            "ROBERT",
            "Test-Person",
            contact=Contact(
                " ROBIN@sample.example", "214-555-0123", replace(HOME, line="12 sample st #4")
            ),
        ),
        CERTAIN,
    ),
    "only the phone is the same": (
        robin(contact=replace(ELSEWHERE, phone=CONTACT.phone)),
        CERTAIN,
    ),
    "only the street is the same": (robin(contact=Contact(address=HOME)), CERTAIN),
    "nickname and a shared e-mail": (robin("Bob", contact=Contact(CONTACT.email)), CERTAIN),
    "an initial after the given name": (robin("Robert J."), CERTAIN),
    "a slip in the family name": (robin(family="Testpersom"), CERTAIN),
    "letters changed over in the family name": (robin(family="Tsetperson"), CERTAIN),
    "two family names, one left out": (robin(family="Testperson Sample"), CERTAIN),
    "birth date a day off": (robin(birth_date=date(1987, 3, 15)), CERTAIN),
    "a new family name, same phone": (robin(family="Marriedname"), CERTAIN),
    "two slips at once": (robin("Bob", "Testpersom"), POSSIBLE),
    "nickname and birth date a day off": (robin("Bob", birth_date=date(1987, 3, 13)), POSSIBLE),
    "a slip in the given name": (robin("Robart"), POSSIBLE),
    "an initial for the given name": (robin("R"), POSSIBLE),
    "the second given name alone": (robin("James Robert"), POSSIBLE),
    "another sex": (robin(sex=Sex.FEMALE), POSSIBLE),
    "an unstated sex": (robin(sex=Sex.UNKNOWN), CERTAIN),
    "name and birth date but no contact in common": (robin(contact=ELSEWHERE), POSSIBLE),
    "name and birth date and nothing else known": (robin(contact=NOWHERE), POSSIBLE),
    "given and family name swapped": (robin("Testperson", "Robert"), POSSIBLE),
    "the year mistyped": (robin(birth_date=date(1978, 3, 14)), POSSIBLE),
    "the year mistyped, no contact": (
        robin(birth_date=date(1978, 3, 14), contact=ELSEWHERE),
        NONE,
    ),
    "a new family name, only the street": (
        robin(family="Marriedname", contact=Contact(address=HOME)),
        POSSIBLE,
    ),
    "a new family name, nothing in common": (
        robin(family="Marriedname", contact=ELSEWHERE),
        NONE,
    ),
    "a twin of the same sex": (robin("Andrew"), POSSIBLE),
    "a twin of the other sex": (robin("Andrea", sex=Sex.FEMALE), NONE),
    "a child of the household": (robin("Nora", birth_date=date(2015, 8, 2)), NONE),
    "a spouse": (robin("Dana", birth_date=date(1985, 12, 1), sex=Sex.FEMALE), NONE),
    "the father, Sr, another birth date": (
        robin(family="Testperson Sr.", birth_date=date(1955, 6, 1)),
        POSSIBLE,
    ),
    "a stranger of that name": (
        robin(birth_date=date(1955, 6, 1), contact=ELSEWHERE),
        NONE,
    ),
    "a stranger born that day": (robin("Kim", "Sample", contact=ELSEWHERE), NONE),
    "no name at all": (robin("", ""), NONE),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_rules_say_how_alike_two_people_are(case: str) -> None:
    patient, expected = TABLE[case]
    assert likeness(patient, record(ROBIN)) is expected
    assert likeness(ROBIN, record(patient)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("Jr", "Sr.", NONE), ("II", "III", NONE), ("Jr.", "Junior", CERTAIN), ("", "Jr", CERTAIN)],
)
def test_a_generation_told_apart_is_never_linked(one: str, other: str, expected: Likeness) -> None:
    born = date(1955, 6, 1) if expected is NONE else ROBIN.birth_date
    junior = robin(family=f"Testperson {one}")
    senior = robin(family=f"Testperson {other}", birth_date=born)
    assert likeness(junior, record(senior)) is expected
    if expected is NONE:
        same_day = replace(senior, birth_date=ROBIN.birth_date)
        assert likeness(junior, record(same_day)) is POSSIBLE


def test_day_and_month_changed_over_count_as_one_slip() -> None:
    american, european = date(1987, 3, 4), date(1987, 4, 3)
    assert likeness(robin(birth_date=american), record(robin(birth_date=european))) is CERTAIN


@pytest.mark.parametrize(("one", "other"), [("Jayden", "Kayden"), ("Mary Ann", "Mary Beth")])
def test_twins_with_rhyming_or_double_names_are_never_linked(one: str, other: str) -> None:
    assert likeness(robin(one), record(robin(other))) is POSSIBLE


@pytest.mark.parametrize(
    "contact",
    [
        Contact(phone="000-000-0000"),
        Contact(phone="5555555555"),
        Contact(phone="1234567890"),
        Contact(email="none@none.example"),
        Contact(phone="555-0123"),
        Contact(address=replace(HOME, line="")),
        Contact(address=replace(HOME, zip="")),
    ],
)
def test_a_placeholder_in_common_is_nothing_in_common(contact: Contact) -> None:
    assert likeness(robin(contact=contact), record(robin(contact=contact))) is POSSIBLE


def test_newborns_without_a_name_are_not_one_another() -> None:
    baby = robin("Baby Boy")
    assert likeness(baby, record(baby)) is POSSIBLE
    born = replace(baby, birth_date=date(1900, 1, 1))
    assert likeness(born, record(born)) is NONE


def test_one_certain_record_is_the_same_whatever_else_is_possible() -> None:
    twin = record(robin("Andrew"), "2")
    assert match(ROBIN, [twin, record(ROBIN)]) == Same(record(ROBIN))


def test_a_record_that_is_answered_twice_counts_once() -> None:
    assert match(ROBIN, [record(ROBIN), record(ROBIN)]) == Same(record(ROBIN))


def test_two_certain_records_are_for_a_person_and_stand_before_possible_ones() -> None:
    twin, first, second = record(robin("Andrew"), "2"), record(ROBIN), record(ROBIN, "3")
    assert match(ROBIN, [twin, first, second]) == Lookalike((first, second, twin))


def test_nobody_alike_is_new() -> None:
    assert match(ROBIN, []) == New()
    stranger = record(robin("Kim", "Sample", contact=ELSEWHERE))
    assert match(ROBIN, [stranger]) == New()


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (robin(), ()),
        (robin("Bob"), ()),
        (robin("ROBERT J"), ()),
        (robin(contact=NOWHERE), ()),
        (robin(sex=Sex.UNKNOWN), ()),
        (robin(contact=replace(CONTACT, phone="0000000000")), ()),
        (robin(contact=replace(CONTACT, address=replace(HOME, line="12 SAMPLE ST., #4"))), ()),
        (robin(family="Marriedname"), ("name",)),
        (robin("Robart"), ("name",)),
        (robin(family="Testperson Jr"), ("name",)),
        (robin(birth_date=date(1987, 3, 15), sex=Sex.FEMALE), ("birth_date", "sex")),
        (robin(contact=ELSEWHERE), ("email", "phone", "address")),
    ],
)
def test_differences_name_the_fields_that_changed(said: Patient, names: tuple[str, ...]) -> None:
    assert differences(said, record(ROBIN)) == names


def test_what_the_record_lacks_is_a_difference() -> None:
    bare = record(robin(contact=NOWHERE))
    assert differences(ROBIN, bare) == ("email", "phone", "address")


WORDS = st.text(st.characters(categories=["L", "M", "Pd", "Zs", "Nd"]), max_size=12)
PEOPLE = st.builds(
    Patient,
    st.builds(Name, WORDS, WORDS),
    st.dates(date(1901, 1, 2), date(2026, 1, 1)),
    st.sampled_from(Sex),
    st.builds(Contact, WORDS, st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True), st.none()),
)


@given(PEOPLE, PEOPLE)
def test_likeness_does_not_depend_on_who_is_asked_about_whom(one: Patient, other: Patient) -> None:
    assert likeness(one, record(other)) is likeness(other, record(one))


@given(PEOPLE, PEOPLE)
def test_nothing_links_people_of_different_birth_dates(one: Patient, other: Patient) -> None:
    other = replace(other, birth_date=one.birth_date + timedelta(days=40))
    assert likeness(one, record(other)) is not CERTAIN


@given(PEOPLE)
def test_a_patient_differs_in_nothing_from_his_own_record(one: Patient) -> None:
    assert set(differences(one, record(one))) <= {"name"}
    assert likeness(one, record(one)) is not NONE or not one.name.given or not one.name.family
