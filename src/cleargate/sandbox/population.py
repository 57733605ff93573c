"""Synthetic patients with their requests, what payers and EHR know of them, and how each must end.

Pure: the same seed, count and day give the same people. Of every 40, 30 are booked untouched.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from cleargate.nouns.appointment import DayPart, Wish
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.insurance import (
    AccidentClaim,
    Insurance,
    Payment,
    Referral,
    Relationship,
    Subscriber,
)
from cleargate.nouns.patient import Address, Contact, Guarantor, Name, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.sandbox.members import State
from cleargate.sandbox.trees import Json, Tree


class Scenario(StrEnum):
    """Why a request is as it is."""

    PLAIN = "plain"
    SPOUSE = "spouse"
    MINOR = "minor"
    EXISTING = "existing"
    SECONDARY = "secondary"
    SELF_PAY = "self_pay"
    SLOW_PAYER = "slow_payer"
    INACTIVE = "inactive"
    UNCLEAR = "unclear"
    WRONG_PATIENT = "wrong_patient"
    MISTYPED = "mistyped"
    AAA_71 = "aaa_71"
    AAA_72 = "aaa_72"
    AAA_73 = "aaa_73"
    AAA_75 = "aaa_75"
    AUTHORISATION = "authorisation"
    REFERRAL = "referral"
    WORKERS_COMPENSATION = "workers_compensation"
    AUTO = "auto"
    LOOKALIKE = "lookalike"
    CHANGED_DATA = "changed_data"
    UNKNOWN_PAYER = "unknown_payer"
    NO_EMAIL = "no_email"


class Final(StrEnum):
    """How a case ends."""

    BOOKED = "booked"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Expected:
    """The end that was fixed before the run: which gates, and what the scripted person decides."""

    final: Final
    gates: tuple[tuple[GateReason, Choice], ...] = ()

    @property
    def untouched(self) -> bool:
        """Whether no person is needed."""
        return not self.gates


@dataclass(frozen=True, slots=True)
class Policy:
    """What one payer knows: the subscriber, perhaps one dependent, and what it will answer."""

    payer_code: str
    member_id: str
    group: str
    holder: Patient
    state: State = State.ACTIVE
    dependent: Patient | None = None
    relationship: Relationship = Relationship.SELF


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """One patient. `practice` is an index to be taken modulo the number of practices.

    `known` is the record that the practice's EHR has before the request, if any.
    """

    number: int
    practice: int
    scenario: Scenario
    request: VisitRequest
    expected: Expected
    policies: tuple[Policy, ...] = ()
    known: Patient | None = None


BLOCK = 40
_UNTOUCHED = Expected(Final.BOOKED)
_PLAN: tuple[tuple[int, tuple[Scenario, ...]], ...] = (
    # How many of a block, and what they are in turn from block to block.
    (12, (Scenario.PLAIN,)),
    (4, (Scenario.SPOUSE,)),
    (3, (Scenario.MINOR,)),
    (3, (Scenario.EXISTING,)),
    (3, (Scenario.SECONDARY,)),
    (3, (Scenario.SELF_PAY,)),
    (2, (Scenario.SLOW_PAYER,)),
    (1, (Scenario.INACTIVE,)),
    (1, (Scenario.UNCLEAR, Scenario.WRONG_PATIENT)),
    (
        1,
        (
            Scenario.MISTYPED,
            Scenario.AAA_72,
            Scenario.AAA_71,
            Scenario.AAA_75,
            Scenario.AAA_73,
        ),
    ),
    (1, (Scenario.AUTHORISATION, Scenario.REFERRAL)),
    (1, (Scenario.WORKERS_COMPENSATION,)),
    (1, (Scenario.AUTO,)),
    (1, (Scenario.LOOKALIKE,)),
    (1, (Scenario.CHANGED_DATA,)),
    (1, (Scenario.UNKNOWN_PAYER,)),
    (1, (Scenario.NO_EMAIL,)),
)


def _one_gate(reason: GateReason, choice: Choice) -> Expected:
    final = Final.DECLINED if choice is Choice.DECLINE else Final.BOOKED
    return Expected(final, ((reason, choice),))


_EXPECTED = {
    Scenario.INACTIVE: _one_gate(GateReason.COVERAGE_INACTIVE, Choice.DECLINE),
    Scenario.UNCLEAR: _one_gate(GateReason.COVERAGE_UNCLEAR, Choice.GO_ON),
    Scenario.WRONG_PATIENT: _one_gate(GateReason.WRONG_PATIENT_ANSWER, Choice.SELF_PAY),
    Scenario.MISTYPED: _one_gate(GateReason.COVERAGE_UNDETERMINED, Choice.ASK_PATIENT),
    Scenario.AAA_71: _one_gate(GateReason.COVERAGE_UNDETERMINED, Choice.SELF_PAY),
    Scenario.AAA_72: _one_gate(GateReason.COVERAGE_UNDETERMINED, Choice.SELF_PAY),
    Scenario.AAA_73: _one_gate(GateReason.COVERAGE_UNDETERMINED, Choice.DECLINE),
    Scenario.AAA_75: _one_gate(GateReason.COVERAGE_UNDETERMINED, Choice.SELF_PAY),
    Scenario.AUTHORISATION: _one_gate(GateReason.AUTHORISATION_NEEDED, Choice.GO_ON),
    Scenario.REFERRAL: _one_gate(GateReason.REFERRAL_NEEDED, Choice.GO_ON),
    Scenario.WORKERS_COMPENSATION: _one_gate(GateReason.ACCIDENT_CLAIM, Choice.GO_ON),
    Scenario.AUTO: _one_gate(GateReason.ACCIDENT_CLAIM, Choice.DECLINE),
    Scenario.LOOKALIKE: _one_gate(GateReason.LOOKALIKE_PATIENT, Choice.CREATE_NEW),
    Scenario.CHANGED_DATA: _one_gate(GateReason.CHANGED_DATA, Choice.GO_ON),
    Scenario.UNKNOWN_PAYER: _one_gate(GateReason.UNKNOWN_PAYER, Choice.SELF_PAY),
    Scenario.NO_EMAIL: Expected(
        Final.BOOKED,
        (
            (GateReason.CONTACT_UNCONFIRMED, Choice.GO_ON),
            (GateReason.CALL_PATIENT, Choice.DONE_BY_HAND),
        ),
    ),
}
_STATES = {
    Scenario.SLOW_PAYER: State.AAA_42_THEN_ACTIVE,
    Scenario.INACTIVE: State.INACTIVE,
    Scenario.UNCLEAR: State.ACTIVE_UNCLEAR,
    Scenario.WRONG_PATIENT: State.WRONG_PATIENT,
    Scenario.AAA_71: State.AAA_71,
    Scenario.AAA_72: State.AAA_72,
    Scenario.AAA_73: State.AAA_73,
    Scenario.AAA_75: State.AAA_75,
    Scenario.AUTHORISATION: State.AUTH_REQUIRED,
    Scenario.REFERRAL: State.REFERRAL_NEEDED,
}
_PAYMENTS = {
    Scenario.SELF_PAY: Payment.SELF_PAY,
    Scenario.WORKERS_COMPENSATION: Payment.WORKERS_COMPENSATION,
    Scenario.AUTO: Payment.AUTO,
}

PAYERS = (
    # Public payer code, the directory's id and name, how its member ids begin.
    ("60054", "aetna", "Aetna", "W"),
    ("87726", "unitedhealthcare", "UnitedHealthcare", "9"),
    ("62308", "cigna", "Cigna", "U"),
    ("61101", "humana", "Humana", "H"),
    (
        "00710",
        "blue-cross-blue-shield-of-michigan",
        "Blue Cross Blue Shield of Michigan",
        "XYZ",
    ),
    ("99726", "tricare-west", "TRICARE West", "0"),
    ("04271", "harvard-pilgrim-health-care", "Harvard Pilgrim Health Care", "HP"),
    ("37308", "allied-benefit-systems", "Allied Benefit Systems", "AB"),
)
# Spouses and children need a payer that knows dependents: all of these do.
_FAMILIES = (
    *("Testperson", "Samplewright", "Exampleton", "Specimenson", "Mockingham"),
    *("Placeholderly", "Demosworth", "Fictivano", "Imaginara", "Syntheston"),
    *("Pretendham", "Inventado", "Makebelieve", "Nonesuch", "Dummerton"),
    *("Paragonsky", "Stubfield", "Protobrook", "Patternby", "Templateau"),
)
_GIVEN_FEMALE = (
    *("Adele", "Beatrix", "Celeste", "Dorothea", "Elsbeth", "Florence", "Gwendolyn"),
    *("Henrietta", "Isolde", "Josephine", "Katarina", "Lucinda", "Millicent"),
)
_GIVEN_MALE = (
    *("Ambrose", "Bartholomew", "Clemens", "Desmond", "Everett", "Ferdinand", "Gideon"),
    *("Horatio", "Ignatius", "Jeremias", "Konstantin", "Leopold", "Maximilian"),
)
_AREAS = ("312", "773", "217", "630", "815", "618", "309", "847", "708", "224")
_REASONS = ("Knee pain", "Lower back pain", "Shoulder stiffness", "Ankle sprain", "Neck pain")
_WISHES = (
    (),
    (Wish(part=DayPart.MORNING),),
    (Wish(part=DayPart.AFTERNOON), Wish(part=DayPart.MORNING)),
    (Wish(weekday=1), Wish(weekday=3)),
)
_REFERRER_NPI = "1234567893"


def people(seed: int, count: int, today: date) -> list[SyntheticPerson]:
    """The people of a run, in the order in which they send their requests."""
    dice = random.Random(seed)  # noqa: S311  (a repeatable population, no secret)
    families, given = list(_FAMILIES), list(zip(_GIVEN_FEMALE, _GIVEN_MALE, strict=True))
    dice.shuffle(families)
    dice.shuffle(given)
    casting = _Casting(seed, today, families, given)
    scenarios: list[Scenario] = []
    while len(scenarios) < count:
        block = len(scenarios) // BLOCK
        cast = [turn[block % len(turn)] for share, turn in _PLAN for _ in range(share)]
        dice.shuffle(cast)
        scenarios += cast
    return [casting.person(number, scenarios[number]) for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Casting:
    """Makes a person for a number: everything about it follows from the number."""

    seed: int
    today: date
    families: Sequence[str]
    given: Sequence[tuple[str, str]]

    def person(self, number: int, scenario: Scenario) -> SyntheticPerson:
        minor = scenario is Scenario.MINOR
        patient = self._patient(number, minor=minor)
        if scenario is Scenario.NO_EMAIL:
            patient = replace(patient, contact=replace(patient.contact, email=""))
        holder, relationship = self._holder(number, scenario, patient)
        policies, insurances = self._insured(number, scenario, patient, holder, relationship)
        existing = scenario in (Scenario.EXISTING, Scenario.CHANGED_DATA)
        request = VisitRequest(
            channel=Channel.WEB,
            patient=patient,
            visit_type="followup" if existing else "eval",
            reason=_REASONS[number % len(_REASONS)],
            earliest=self.today + timedelta(days=3 + number % 5),
            wishes=_WISHES[number % len(_WISHES)],
            payment=_PAYMENTS.get(scenario, Payment.INSURANCE),
            insurances=insurances,
            accident=self._accident(number, scenario),
            referral=Referral(self.today - timedelta(days=6), _REFERRER_NPI)
            if number % 6 == 0 and scenario is not Scenario.REFERRAL
            else None,
            guarantor=Guarantor(holder.name, holder.birth_date, holder.contact, "parent")
            if minor
            else None,
            mail_consent=bool(patient.contact.email),
        )
        expected = _EXPECTED.get(scenario, _UNTOUCHED)
        known = self._known(number, scenario, patient)
        practice = number % 2
        return SyntheticPerson(number, practice, scenario, request, expected, policies, known)

    def _patient(self, number: int, *, minor: bool = False) -> Patient:
        female = number % 2 == 0
        pair = self.given[(number // len(self.families) + number) % len(self.given)]
        name = Name(self.families[number % len(self.families)], pair[0 if female else 1])
        # Steps of 173 days keep namesakes from sharing a birth date.
        days = 1500 + number * 29 % 4000 if minor else 8000 + number * 173 % 19_000
        mailbox = f"{name.given}.{name.family}.{self.seed}-{number}".lower()
        contact = Contact(
            email=f"{mailbox}@mail.example.test",
            phone=_phone(number, 100),
            address=Address(f"{100 + number} Sample Street", "Springfield", "IL", "62701"),
        )
        born = self.today - timedelta(days=days)
        return Patient(name, born, Sex.FEMALE if female else Sex.MALE, contact)

    def _holder(
        self, number: int, scenario: Scenario, patient: Patient
    ) -> tuple[Patient, Relationship]:
        """Who holds the policy."""
        if scenario not in (Scenario.SPOUSE, Scenario.MINOR):
            return patient, Relationship.SELF
        female = patient.sex is Sex.MALE
        name = Name(patient.name.family, self.given[number % 7][0 if female else 1])
        years = 30 if scenario is Scenario.MINOR else 2
        born = patient.birth_date - timedelta(days=365 * years + 11)
        holder = Patient(name, born, Sex.FEMALE if female else Sex.MALE, patient.contact)
        minor = scenario is Scenario.MINOR
        return holder, Relationship.CHILD if minor else Relationship.SPOUSE

    def _insured(
        self,
        number: int,
        scenario: Scenario,
        patient: Patient,
        holder: Patient,
        relationship: Relationship,
    ) -> tuple[tuple[Policy, ...], tuple[Insurance, ...]]:
        """What the payers know, and what the patient says."""
        if scenario in _PAYMENTS:
            return (), ()
        policies: list[Policy] = []
        insurances: list[Insurance] = []
        for rank in range(2 if scenario is Scenario.SECONDARY else 1):
            code, id_, name, prefix = PAYERS[(number + 3 * rank) % len(PAYERS)]
            member_id = f"{prefix}{self.seed % 1000:03}{rank}{number:05}"
            group = f"G{1000 + number}"
            stated = Insurance(id_, name, member_id, group, relationship)
            if relationship is not Relationship.SELF:
                subscriber = Subscriber(holder.name, holder.birth_date, holder.sex)
                stated = replace(stated, subscriber=subscriber)
            if scenario is Scenario.UNKNOWN_PAYER:
                stated = replace(stated, payer_id="", payer_name="Sample Village Health Plan")
            if scenario is Scenario.MISTYPED:
                stated = replace(stated, member_id=f"{member_id}0")
            dependent = patient if relationship is not Relationship.SELF else None
            state = _STATES.get(scenario, State.ACTIVE)
            policies.append(Policy(code, member_id, group, holder, state, dependent, relationship))
            insurances.append(stated)
        if scenario is Scenario.UNKNOWN_PAYER:
            policies.clear()
        return tuple(policies), tuple(insurances)

    def _accident(self, number: int, scenario: Scenario) -> AccidentClaim | None:
        if scenario not in (Scenario.WORKERS_COMPENSATION, Scenario.AUTO):
            return None
        happened = self.today - timedelta(days=14)
        return AccidentClaim(f"CLAIM-{number:05}", "Robin Sampleadjuster", "+13125550188", happened)

    def _known(self, number: int, scenario: Scenario, patient: Patient) -> Patient | None:
        """What the EHR knows before the request."""
        other = replace(patient.contact, phone=_phone(number, 200))
        match scenario:
            case Scenario.EXISTING:
                return patient
            case Scenario.CHANGED_DATA:
                return replace(patient, contact=other)
            case Scenario.LOOKALIKE:
                # A twin: the same family and birthday, one letter apart, reached elsewhere.
                given = patient.name.given
                letter = "a" if given[-2] == "o" else "o"
                twin = Name(patient.name.family, given[:-2] + letter + given[-1])
                contact = Contact(phone=other.phone, email=f"twin.{patient.contact.email}")
                return replace(patient, name=twin, contact=contact)
            case _:
                return None


def _phone(number: int, block: int) -> str:
    """A number of the 555 exchange; `block` 100 is reserved for fiction, 200 only looks so."""
    return f"+1{_AREAS[number // 100 % len(_AREAS)]}555{block // 100:02}{number % 100:02}"


def admin_body(cast: Iterable[SyntheticPerson], tenants: Sequence[str]) -> Tree:
    """The body of `POST /_admin/people` that makes the outside world know these people."""
    members: list[Json] = []
    patients: list[Json] = []
    for person in cast:
        members += [_member(policy) for policy in person.policies]
        if person.known is not None:
            tenant = tenants[person.practice % len(tenants)]
            patients.append({"tenant": tenant, **_person(person.known), **_reach(person.known)})
    return {"members": members, "patients": patients}


def _member(policy: Policy) -> Tree:
    dependents: list[Json] = []
    if policy.dependent is not None:
        dependents = [{**_person(policy.dependent), "relationship": policy.relationship.value}]
    return {
        "payer": policy.payer_code,
        "member_id": policy.member_id,
        "group": policy.group,
        "state": policy.state.value,
        "dependents": dependents,
        **_person(policy.holder),
    }


def _person(patient: Patient) -> Tree:
    return {
        "family": patient.name.family,
        "given": patient.name.given,
        "birth_date": patient.birth_date.isoformat(),
        "sex": patient.sex.value,
    }


def _reach(patient: Patient) -> Tree:
    contact = patient.contact
    found: Tree = {"phone": contact.phone, "email": contact.email}
    if contact.address is not None:
        address = contact.address
        found |= {
            "line": address.line,
            "city": address.city,
            "state": address.state,
            "zip": address.zip,
        }
    return found
