"""A person in one spelling, for comparing: no case, accents, punctuation or placeholders."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from cleargate.nouns.patient import Address, Patient, Sex

_SUFFIXES = {
    "jr": "jr", "junior": "jr", "ii": "jr", "2nd": "jr",
    "sr": "sr", "senior": "sr",
    "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv",
}  # fmt: skip
_PLACEHOLDER_NAMES = frozenset({
    "baby", "babyboy", "babygirl", "boy", "girl", "infant", "newborn",
    "test", "unknown", "unk", "none", "na", "xx", "xxx", "patient",
})  # fmt: skip
_PLACEHOLDER_BIRTHS = frozenset({date(1900, 1, 1), date(1901, 1, 1)})
_PLACEHOLDER_MAILBOXES = frozenset({
    "none", "noemail", "nomail", "na", "test", "unknown", "noreply", "no-reply",
    "declined", "patient", "email",
})  # fmt: skip
_STREET_WORDS = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln",
    "boulevard": "blvd", "court": "ct", "place": "pl", "circle": "cir", "highway": "hwy",
    "parkway": "pkwy", "terrace": "ter", "trail": "trl", "square": "sq",
    "north": "n", "south": "s", "east": "e", "west": "w",
    "apartment": "apt", "unit": "apt", "suite": "apt", "ste": "apt", "no": "apt",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """What of a patient can be compared. Empty and None mean: not given, or a placeholder."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    suffix: str
    birth_date: date | None
    sex: Sex
    phone: str
    email: str
    street: str


def plain(patient: Patient) -> Person:
    """Bring a patient into the one spelling."""
    given, suffix_of_given = _name(patient.name.given)
    family, suffix = _name(patient.name.family)
    contact = patient.contact
    return Person(
        given=given,
        family=family,
        suffix=suffix or suffix_of_given,
        birth_date=None if patient.birth_date in _PLACEHOLDER_BIRTHS else patient.birth_date,
        sex=patient.sex,
        phone=_phone(contact.phone),
        email=_email(contact.email),
        street=_street(contact.address) if contact.address else "",
    )


def _name(text: str) -> tuple[tuple[str, ...], str]:
    """The words of a name, and its generation; a suffix alone is a name."""
    words = _words(text.replace("'", "").replace("’", ""))
    suffix = _SUFFIXES.get(words[-1], "") if len(words) > 1 else ""
    kept = words[:-1] if suffix else words
    return (() if _PLACEHOLDER_NAMES.issuperset(kept) else tuple(kept)), suffix


def _phone(text: str) -> str:
    """The last ten digits; none when they are one digit over and over, or counting up."""
    digits = re.sub(r"\D", "", text)[-10:]
    is_filler = len(set(digits)) <= 1 or digits in ("1234567890", "0123456789")
    return "" if len(digits) < 10 or is_filler else digits


def _email(text: str) -> str:
    address = text.strip().casefold()
    return "" if address.partition("@")[0] in _PLACEHOLDER_MAILBOXES else address


def _street(address: Address) -> str:
    """Street and five-digit ZIP; the street alone or the ZIP alone says too little."""
    words = [_STREET_WORDS.get(word, word) for word in _words(address.line.replace("#", " apt "))]
    zip_code = re.sub(r"\D", "", address.zip)[:5]
    return f"{' '.join(words)} {zip_code}" if words and zip_code else ""


def _words(text: str) -> list[str]:
    """Lower-case words without accents; scripts without a Latin form keep their letters."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return re.findall(r"[^\W_]+", letters)
