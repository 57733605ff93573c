"""A synthetic practice, as in the public matching experiments: households, twins, Jr and Sr.

Returning patients come back with typing errors, nicknames, a new phone or a new home; new ones
are strangers and relatives. A link to the wrong person is never tolerated.
"""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cleargate.nouns.patient import Address, Contact, Name, Patient, PatientRecord, Sex
from cleargate.patients.matching import Lookalike, Same, match

GIVEN = [
    "Robert", "William", "James", "Margaret", "Elizabeth", "Jennifer", "Michael", "Patricia",
    "Thomas", "Katherine", "Jayden", "Kayden", "Maria", "Julia", "Julie", "Brian", "Bryan",
    "Amelia", "Harper", "Logan", "Wei", "Ana", "Jose", "Samuel", "Victoria", "Daniel",
]  # fmt: skip
NICK = {
    "Robert": "Bob", "William": "Bill", "James": "Jim", "Margaret": "Peggy", "Thomas": "Tom",
    "Elizabeth": "Beth", "Jennifer": "Jen", "Michael": "Mike", "Patricia": "Pat",
    "Katherine": "Kate", "Samuel": "Sam", "Daniel": "Dan", "Victoria": "Vicky",
}  # fmt: skip
FAMILY = [
    "Testperson", "Samplesmith", "Demogarcia", "Mockjohnson", "Fakenguyen", "Trialbrown",
    "Examplelee", "Testpatel", "Sampleton", "Demowicz",
]  # fmt: skip


class Town:
    """Makes people from a seed; `owner` of a record id is the true person."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.serial = 0

    def contact(self) -> Contact:
        self.serial += 1
        line = f"{self.serial} Sample Street"
        return Contact(
            f"p{self.serial}@sample.example",
            f"+1214555{self.serial:04d}",
            Address(line, "Sampletown", "TX", "75001"),
        )

    def stranger(self) -> Patient:
        born = date(1940, 1, 1) + timedelta(days=self.random.randrange(29_000))
        name = Name(self.random.choice(FAMILY), self.random.choice(GIVEN))
        sex = self.random.choice([Sex.FEMALE, Sex.MALE])
        return Patient(name, born, sex, self.contact())

    def relative(self, of: Patient) -> Patient:
        kind = self.random.choice(["twin", "junior", "child", "spouse"])
        other = self.random.choice([each for each in GIVEN if each != of.name.given])
        if kind == "twin":
            return replace(of, name=replace(of.name, given=other))
        born = of.birth_date + timedelta(days=7_000 + self.random.randrange(6_000))
        if kind == "junior":
            return replace(of, birth_date=born)
        if kind == "child":
            return replace(of, name=replace(of.name, given=other), birth_date=born)
        near = of.birth_date + timedelta(days=self.random.randrange(2, 2_000))
        return replace(of, name=replace(of.name, given=other), birth_date=near)

    def returning(self, person: Patient) -> Patient:
        """The same person at the next visit, with up to two of the usual changes."""
        for _ in range(self.random.choice([0, 1, 1, 2])):
            person = self.random.choice(
                [self.typo, self.nickname, self.moved, self.new_phone, self.new_email, self.born]
            )(person)
        return person

    def typo(self, person: Patient) -> Patient:
        family = person.name.family
        at = self.random.randrange(1, len(family) - 1)
        slip = family[:at] + family[at + 1] + family[at] + family[at + 2 :]
        return replace(person, name=replace(person.name, family=slip))

    def nickname(self, person: Patient) -> Patient:
        given = person.name.given
        return replace(person, name=replace(person.name, given=NICK.get(given, given)))

    def moved(self, person: Patient) -> Patient:
        home = self.contact().address
        return replace(person, contact=replace(person.contact, address=home))

    def new_phone(self, person: Patient) -> Patient:
        return replace(person, contact=replace(person.contact, phone=self.contact().phone))

    def new_email(self, person: Patient) -> Patient:
        return replace(person, contact=replace(person.contact, email=self.contact().email))

    def born(self, person: Patient) -> Patient:
        return replace(person, birth_date=person.birth_date + timedelta(days=1))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_linked_to_another_and_few_are_duplicated(seed: int) -> None:
    town = Town(seed)
    strangers = [town.stranger() for _ in range(220)]
    people = strangers + [town.relative(of) for of in strangers[:40]]
    records = [PatientRecord(str(number), person) for number, person in enumerate(people)]
    back = town.random.sample(range(len(people)), 100)
    newcomers = [town.stranger() for _ in range(70)]
    newcomers += [town.relative(town.random.choice(people)) for _ in range(30)]

    duplicated = reviewed = 0
    for owner in back:
        found = match(town.returning(people[owner]), records)
        if isinstance(found, Same):
            assert people[int(found.record.id)] == people[owner], "linked to another person"
        elif isinstance(found, Lookalike):
            assert len(found.records) <= 5
            reviewed += 1
            duplicated += records[owner] not in found.records
        else:
            duplicated += 1
    linked = [newcomer for newcomer in newcomers if isinstance(match(newcomer, records), Same)]

    assert [person for person in linked if person not in people] == []
    assert duplicated <= 2
    assert reviewed <= 25
