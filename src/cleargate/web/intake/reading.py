"""Reading what people type into fields: dates, phones, names. One plain sentence per mistake."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

import phonenumbers

from cleargate.nouns.patient import Name

AGE_MAX_YEARS = 120

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_AMERICAN = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})|(\d{2})(\d{2})(\d{4})")
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME_MARKS = frozenset(" '’-.,")
_UNREAD = date.min
"""Stands where a date could not be read; whoever made it has an error beside it."""

Word = TypeVar("Word", bound=StrEnum)


class Reader:
    """The fields of one form, and what is wrong with them.

    Every method answers with a value that fits, even when it could not read the field, so that
    one pass finds all mistakes; what it answers counts only while `errors` is empty.
    """

    def __init__(self, fields: Mapping[str, str], today: date) -> None:
        self.fields = fields
        self.today = today
        self.errors: dict[str, str] = {}

    def fail(self, field: str, message: str) -> None:
        """Note what is wrong; the first mistake of a field stays."""
        self.errors.setdefault(field, message)

    def text(self, field: str) -> str:
        """What was typed, on one line and without control characters."""
        return " ".join(_CONTROLS.sub(" ", self.fields.get(field, "")).split())

    def any(self, *fields: str) -> bool:
        """Whether at least one of the fields holds something."""
        return any(self.text(field) for field in fields)

    def required(self, field: str, message: str) -> str:
        """What was typed; a mistake when it is nothing."""
        text = self.text(field)
        if not text:
            self.fail(field, message)
        return text

    def choice(self, field: str, kind: type[Word], default: Word, message: str) -> Word:
        """One word of a list; nothing means the default."""
        text = self.text(field)
        if text and text not in set(kind):
            self.fail(field, message)
            return default
        return kind(text) if text else default

    def name(self, prefix: str, whose: str) -> Name:
        """The name in the fields `<prefix>given` and `<prefix>family`."""
        given = self._name_part(f"{prefix}given", f"Enter {whose} first name.")
        return Name(self._name_part(f"{prefix}family", f"Enter {whose} last name."), given)

    def past_date(self, field: str, missing: str) -> date:
        """A day that has been, at most 120 years ago."""
        found = self._date(field, missing)
        if found > self.today:
            self.fail(field, "This date is in the future.")
        elif found is not _UNREAD and self.today.year - found.year > AGE_MAX_YEARS:
            self.fail(field, f"This date is more than {AGE_MAX_YEARS} years ago.")
        return found

    def coming_date(self, field: str) -> date:
        """A day from today to a year ahead; nothing means today."""
        if not self.text(field):
            return self.today
        found = self._date(field, "")
        if found is not _UNREAD and found < self.today:
            self.fail(field, "This date has passed.")
        elif (found - self.today).days > 366:
            self.fail(field, "This date is more than a year ahead.")
        return found

    def phone(self, field: str) -> str:
        """A phone number in E.164 form, or nothing. Without a country it is American."""
        text = self.text(field)
        if not text:
            return ""
        try:
            number = phonenumbers.parse(text, "US")
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            self.fail(field, "Enter a phone number with area code, such as (214) 555-0123.")
            return ""
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def email(self, field: str) -> str:
        """An e-mail address that a mail can be sent to, or nothing."""
        text = self.text(field)
        if text and not _EMAIL.fullmatch(text):
            self.fail(field, "Enter an e-mail address such as name@example.com.")
            return ""
        return text

    def code(self, field: str, missing: str, wrong: str, known: Collection[str]) -> str:
        """One of the known codes."""
        text = self.required(field, missing)
        if text and text not in known:
            self.fail(field, wrong)
        return text

    def _name_part(self, field: str, missing: str) -> str:
        text = self.required(field, missing)
        odd = any(
            not (each in _NAME_MARKS or unicodedata.category(each)[0] in "LMN") for each in text
        )
        if text and (odd or not any(each.isalpha() for each in text)):
            self.fail(field, "Use letters, spaces, hyphens and apostrophes only.")
        return text

    def _date(self, field: str, missing: str) -> date:
        text = self.required(field, missing)
        found = date_from_text(text)
        if text and found is None:
            self.fail(field, "Enter a date as month, day and four-digit year: 03/14/1985.")
        return found or _UNREAD


def date_from_text(text: str) -> date | None:
    """Read `1985-03-14`, `3/14/1985` or `03141985`; None when it is no such day."""
    iso, american = _ISO.fullmatch(text), _AMERICAN.fullmatch(text)
    if iso:
        year, month, day = iso.groups()
    elif american:
        month, day, year = (part for part in american.groups() if part)
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def years_between(birth: date, today: date) -> int:
    """The age in whole years."""
    had_birthday = (today.month, today.day) >= (birth.month, birth.day)
    return today.year - birth.year - (0 if had_birthday else 1)
