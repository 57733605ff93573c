"""Is the person of a request one of the practice's patients?

Pure. A wrong link shows one patient's visit to another, a duplicate only splits a chart: so a link
needs certainty, and whatever is merely possible is for a person to decide.

The rules follow Table 2 of the CMS Patient Matching Proposal v3.4.0 as far as an intake form
reaches: given name, family name and birth date together with a phone, an e-mail or a street. They
are stricter in one place: a typing error in a given name is never certain, because twins share all
else and are called Jayden and Kayden.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from rapidfuzz.distance import DamerauLevenshtein

from cleargate.nouns.patient import Patient, PatientRecord, Sex
from cleargate.patients.nicknames import same_person_may_use
from cleargate.patients.plain import Person, plain

_TYPO_LENGTH_MIN = 5
"""A slip of one letter is believed in words of five letters and more. Source: CMS, Table 2."""


@dataclass(frozen=True, slots=True)
class Same:
    """The request is this patient's: link it."""

    record: PatientRecord


@dataclass(frozen=True, slots=True)
class Lookalike:
    """It may be one of these, likeliest first: a person decides."""

    records: tuple[PatientRecord, ...]


@dataclass(frozen=True, slots=True)
class New:
    """Nobody like this is known: create a record."""


Match = Same | Lookalike | New


class Likeness(IntEnum):
    """How alike two people are."""

    NONE = 0
    POSSIBLE = 1
    CERTAIN = 2


class _Given(IntEnum):
    DIFFERENT = 0
    TYPO = 1
    """One letter off, one name of several, or an initial."""
    NICKNAME = 2
    EQUAL = 3


class _Family(IntEnum):
    DIFFERENT = 0
    TYPO = 1
    """One letter off, or one of two family names."""
    EQUAL = 2


class _Birth(IntEnum):
    DIFFERENT = 0
    PARTLY = 1
    """Two of day, month and year are right."""
    NEAR = 2
    """A day off, or day and month changed over."""
    EQUAL = 3


def match(patient: Patient, candidates: Iterable[PatientRecord]) -> Match:
    """Decide whether a patient is one of the candidates, who may be any superset.

    Exactly one certain candidate is Same. Several certain ones, which are duplicates over there,
    or only possible ones are Lookalike.
    """
    person = plain(patient)
    unique = {candidate.id: candidate for candidate in candidates}
    graded = [(_likeness(person, plain(each.patient)), each) for each in unique.values()]
    certain = [record for likeness, record in graded if likeness is Likeness.CERTAIN]
    if len(certain) == 1:
        return Same(certain[0])
    possible = [record for likeness, record in graded if likeness is Likeness.POSSIBLE]
    return Lookalike((*certain, *possible)) if certain or possible else New()


def likeness(patient: Patient, record: PatientRecord) -> Likeness:
    """How alike a patient and one record are."""
    return _likeness(plain(patient), plain(record.patient))


def differences(patient: Patient, record: PatientRecord) -> tuple[str, ...]:
    """The names of the fields in which a patient now says something else than the record.

    What the patient left empty is no difference; a form of the same given name, a spelling of the
    same street and an added initial are none either. What the record lacks is one: a stranger who
    adds an e-mail address would receive the patient's mail.
    """
    said, held = plain(patient), plain(record.patient)
    same_name = (
        _given(said, held) >= _Given.NICKNAME
        and said.family == held.family
        and said.suffix in ("", held.suffix)
    )
    checks = (
        ("name", not same_name),
        ("birth_date", patient.birth_date != record.patient.birth_date),
        ("sex", _sexes_differ(said, held)),
        ("email", bool(said.email) and said.email != held.email),
        ("phone", bool(said.phone) and said.phone != held.phone),
        ("address", bool(said.street) and said.street != held.street),
    )
    return tuple(name for name, differs in checks if differs)


def _likeness(one: Person, other: Person) -> Likeness:
    given, family, birth = _given(one, other), _family(one, other), _birth(one, other)
    reached = bool(one.email and one.email == other.email) or bool(
        one.phone and one.phone == other.phone
    )
    housed = bool(one.street) and one.street == other.street
    if one.suffix and other.suffix and one.suffix != other.suffix:
        return _generations(birth)
    if _is_certain(given, family, birth, reached, housed):
        return Likeness.POSSIBLE if _sexes_differ(one, other) else Likeness.CERTAIN
    if _is_possible(given, family, birth, reached or housed):
        return Likeness.POSSIBLE
    if _names_are_swapped(one, other) and birth >= _Birth.NEAR:
        return Likeness.POSSIBLE
    if given is _Given.DIFFERENT and _sexes_differ(one, other):
        return Likeness.NONE
    # One name for two people of a family, or two names of one person: nobody but a person knows.
    renamed = family is _Family.EQUAL and birth is _Birth.EQUAL and (reached or housed)
    return Likeness.POSSIBLE if renamed else Likeness.NONE


def _is_certain(given: _Given, family: _Family, birth: _Birth, reached: bool, housed: bool) -> bool:
    """The rules that link: one slip at most, and never in the given name's letters."""
    if given < _Given.NICKNAME or birth < _Birth.NEAR:
        return False
    slips = (given < _Given.EQUAL) + (family < _Family.EQUAL) + (birth < _Birth.EQUAL)
    if family is _Family.DIFFERENT:
        # A new family name is the rule "first + dob + phone or e-mail": neighbours share a street.
        return slips == 1 and reached
    return slips <= 1 and (reached or housed)


def _is_possible(given: _Given, family: _Family, birth: _Birth, shares_contact: bool) -> bool:
    """What a person should look at: the same name and birth date, or one of them and a contact."""
    if given is _Given.DIFFERENT:
        return False
    if family is _Family.DIFFERENT:
        return birth >= _Birth.NEAR and shares_contact
    if birth is _Birth.DIFFERENT:
        return given is _Given.EQUAL and family is _Family.EQUAL and shares_contact
    return birth >= _Birth.NEAR or shares_contact


def _generations(birth: _Birth) -> Likeness:
    """Junior and senior: never linked; a common birth date says that a suffix is wrong."""
    return Likeness.POSSIBLE if birth >= _Birth.NEAR else Likeness.NONE


def _sexes_differ(one: Person, other: Person) -> bool:
    return Sex.UNKNOWN not in (one.sex, other.sex) and one.sex is not other.sex


def _given(one: Person, other: Person) -> _Given:
    if not one.given or not other.given:
        return _Given.DIFFERENT
    first, second = one.given[0], other.given[0]
    if "".join(one.given) == "".join(other.given):
        return _Given.EQUAL
    if not _middles_agree(one.given[1:], other.given[1:]):
        return _Given.TYPO
    if first == second:
        return _Given.EQUAL
    if same_person_may_use(first, second):
        return _Given.NICKNAME
    initial = 1 in (len(first), len(second)) and first[0] == second[0]
    shared = not set(one.given).isdisjoint(other.given)
    return _Given.TYPO if initial or shared or _one_slip(first, second) else _Given.DIFFERENT


def _middles_agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether further given names say the same: an initial agrees with its name."""
    return all(a.startswith(b) or b.startswith(a) for a, b in zip(one, other, strict=False))


def _family(one: Person, other: Person) -> _Family:
    if not one.family or not other.family:
        return _Family.DIFFERENT
    joined, others = "".join(one.family), "".join(other.family)
    if joined == others:
        return _Family.EQUAL
    part = not set(one.family).isdisjoint(other.family)
    return _Family.TYPO if part or _one_slip(joined, others) else _Family.DIFFERENT


def _birth(one: Person, other: Person) -> _Birth:
    first, second = one.birth_date, other.birth_date
    if first is None or second is None:
        return _Birth.DIFFERENT
    if first == second:
        return _Birth.EQUAL
    swapped = (first.year, first.month, first.day) == (second.year, second.day, second.month)
    if swapped or abs((first - second).days) == 1:
        return _Birth.NEAR
    return _Birth.PARTLY if _common_parts(first, second) == 2 else _Birth.DIFFERENT


def _common_parts(first: date, second: date) -> int:
    return (first.year == second.year) + (first.month == second.month) + (first.day == second.day)


def _names_are_swapped(one: Person, other: Person) -> bool:
    return bool(one.given) and one.given == other.family and one.family == other.given


def _one_slip(one: str, other: str) -> bool:
    """One letter missing, extra, wrong or changed over with its neighbour."""
    if min(len(one), len(other)) < _TYPO_LENGTH_MIN:
        return False
    return DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1
