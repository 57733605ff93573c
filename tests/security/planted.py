"""The planted patients: requests of the demo under names that cannot be missed."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from PIL import Image

from cleargate.nouns.insurance import Insurance, Subscriber
from cleargate.nouns.patient import Address, Name, Patient
from cleargate.nouns.request import VisitRequest
from cleargate.sandbox.population import Policy, Scenario, SyntheticPerson, people
from tests.security.search import SHORTEST, without_accents

NAMES = (
    *("Żółwińska-Przybysz|Ñandúmila", "O'Shaughnessyville|Siobhánette", "Quistelbrand|Thorvaldine"),
    *("d'Étrangèremont|Zoé-Éléonore", "Müßiggangster|Jürgen-Ottomar", "Nguyễnvạn|Thảonguyên"),
    *("Björkäsdóttir|Þórunnborg", "Van der Plankhoven|Ermintrude", "Đurđevačka|Željkanida"),
    *("McQuillabyson|Xiomarella", "Oyelowo-Adébáyò|Olúwaseunla", "Brûléchâteau|Françoislin"),
    *("Kowalczykowa|Wiesławina", "Ångströmquist|Håkanssine", "Ibarra-Núñezco|Guadalupina"),
)
SCENARIOS = (
    *(Scenario.PLAIN, Scenario.SPOUSE, Scenario.MINOR, Scenario.SECONDARY, Scenario.EXISTING),
    *(Scenario.UNCLEAR, Scenario.MISTYPED, Scenario.AUTO, Scenario.LOOKALIKE),
    *(Scenario.CHANGED_DATA, Scenario.SLOW_PAYER, Scenario.SELF_PAY),
)
REASONS = ("limps since the lighthouse stairs", "wakes with a frozen left wing")
NOTE = "Quistelbrand's sister called about the lighthouse"
PHOTO_TEXT = "CANARYPHOTO of Quistelbrand"
TYPED = {
    "wrong name at the desk": "Wrongdooryperson",
    "wrong password": "hunter2-lighthouse",
    "typed for a payer": "Grandmothersplan",
    "typed into an address": "Addressbarperson",
    "typed into a query": "Querystringperson",
    "typed into a program's call": "Programcallperson",
    "typed into a broken form": "Brokenformperson",
    "typed as a birth date": "thirty-first of Junetember",
}
"""What people typed where it does not belong."""

Texts = Mapping[str, Iterable[str]]


def cast(seed: int, today: date) -> list[SyntheticPerson]:
    """One planted patient of each scenario."""
    crowd = people(seed, 80, today)
    chosen = [next(each for each in crowd if each.scenario is scenario) for scenario in SCENARIOS]
    return [_renamed(person, number) for number, person in enumerate(chosen)]


def _renamed(person: SyntheticPerson, number: int) -> SyntheticPerson:
    request = person.request
    patient = _patient(request.patient, number)
    holder = _holder(request, number)
    insurances = tuple(_insurance(each, holder, number) for each in request.insurances)
    guarantor = request.guarantor and replace(
        request.guarantor, name=holder.name, birth_date=holder.birth_date, contact=patient.contact
    )
    accident = request.accident and replace(
        request.accident, claim_number=f"CLMQ-{number}-77031", adjuster="Adjusterina Lighthouse"
    )
    return replace(
        person,
        request=replace(
            request,
            patient=patient,
            reason=REASONS[number % len(REASONS)],
            insurances=insurances,
            guarantor=guarantor,
            accident=accident,
        ),
        policies=tuple(_policy(each, patient, holder, number) for each in person.policies),
        known=person.known and _known(person.known, request.patient, patient),
    )


def _name(number: int) -> Name:
    family, _, given = NAMES[number % len(NAMES)].partition("|")
    return Name(family, given)


def _patient(patient: Patient, number: int) -> Patient:
    contact = replace(
        patient.contact,
        email=patient.contact.email and f"plover{number}.quill@mail.example.test",
        phone=f"+120255501{number + 40:02}",
        address=Address(f"{4700 + number} Ploverquill Row", "Plovertonville", "IL", "62701"),
    )
    return replace(patient, name=_name(number), contact=contact)


def _holder(request: VisitRequest, number: int) -> Patient:
    """Who holds the policy: the patient, or a relative with a name of their own."""
    stated = next((each.subscriber for each in request.insurances if each.subscriber), None)
    patient = _patient(request.patient, number)
    if stated is None:
        return patient
    birth = stated.birth_date or request.patient.birth_date
    sex = stated.sex or patient.sex
    return Patient(_name(number + len(SCENARIOS)), birth, sex, patient.contact)


def _insurance(stated: Insurance, holder: Patient, number: int) -> Insurance:
    changed = replace(stated, group=f"GRPQ{number:02}-{stated.member_id[-5:]}")
    if stated.subscriber is None:
        return changed
    return replace(changed, subscriber=Subscriber(holder.name, holder.birth_date, holder.sex))


def _policy(policy: Policy, patient: Patient, holder: Patient, number: int) -> Policy:
    return replace(
        policy,
        group=f"GRPQ{number:02}-{policy.member_id[-5:]}",
        holder=_as_payers_write(holder),
        dependent=policy.dependent and _as_payers_write(patient),
    )


def _as_payers_write(patient: Patient) -> Patient:
    """X12 has no accents, and neither has a payer's file."""
    name = Name(without_accents(patient.name.family), without_accents(patient.name.given))
    return replace(patient, name=name)


def _known(known: Patient, before: Patient, patient: Patient) -> Patient:
    """The record in the EHR: the patient's, perhaps with another phone, or that of a twin."""
    if known.name != before.name:
        given = patient.name.given
        twin = Name(patient.name.family, given[:-2] + "o" + given[-1])
        return replace(known, name=twin, birth_date=patient.birth_date)
    if known.contact.phone == before.contact.phone:
        return patient
    return replace(patient, contact=replace(patient.contact, phone=known.contact.phone))


def photo() -> bytes:
    """A card's photo with a text where a camera writes its place, and one behind the picture."""
    picture = Image.effect_noise((900, 1200), 60)
    exif = Image.Exif()
    exif[0x010E] = PHOTO_TEXT
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue() + PHOTO_TEXT.encode()


def texts(planted: Sequence[SyntheticPerson]) -> dict[str, set[str]]:
    """Everything planted, each with the ways in which people and programs write it."""
    found: dict[str, set[str]] = {NOTE: set(), PHOTO_TEXT: {"CANARYPHOTO"}}
    found |= {text: set() for text in (*TYPED.values(), *REASONS)}
    for person in planted:
        for text, ways in _of(person):
            found.setdefault(text, set()).update(ways)
    return {text: ways for text, ways in found.items() if len(text) >= SHORTEST}


def _of(person: SyntheticPerson) -> Iterator[tuple[str, set[str]]]:
    request = person.request
    for each in (request.patient, person.known):
        if each is None:
            continue
        yield each.name.family, set()
        yield each.name.given, set()
        yield each.birth_date.isoformat(), dates(each.birth_date)
        yield each.contact.email, set()
        yield each.contact.phone, phones(each.contact.phone)
        if each.contact.address is not None:
            yield each.contact.address.line, set()
    for insurance in request.insurances:
        holder = insurance.subscriber
        if holder is not None and holder.birth_date is not None:
            yield holder.name.family, set()
            yield holder.name.given, set()
            yield holder.birth_date.isoformat(), dates(holder.birth_date)
        yield insurance.member_id, set()
        yield insurance.group, set()
    if request.accident is not None:
        yield request.accident.claim_number, set()
        yield request.accident.adjuster, set()


def dates(day: date) -> set[str]:
    """A day as it is written."""
    month, short = f"{day:%B}", f"{day:%b}"
    return {
        *(f"{day:%Y%m%d}", f"{day:%Y/%m/%d}", f"{day:%m/%d/%Y}", f"{day:%m-%d-%Y}"),
        *(
            f"{day:%d.%m.%Y}",
            f"{day.month}/{day.day}/{day.year}",
            f"{day.day}.{day.month}.{day.year}",
        ),
        *(f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}"),
        *(f"{short} {day.day}, {day.year}", f"{day:%d %b %Y}", repr(day)),
    }


def phones(number: str) -> set[str]:
    """A number of the form +1AAABBBCCCC as it is written."""
    area, exchange, line = number[2:5], number[5:8], number[8:]
    if not line:
        return set()
    joined = {mark.join((area, exchange, line)) for mark in ("", "-", ".", " ")}
    return joined | {f"({area}) {exchange}-{line}", f"1-{area}-{exchange}-{line}"}
