"""One connection in practice.toml: who the vendor is, what was agreed, and what must not be there.

What a vendor's own settings mean is read by the vendor's settings.py; here only what holds for all.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from cleargate.nouns.hosts import is_loopback
from cleargate.secrets import is_reference

Text = Annotated[str, Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]

_SECRET = re.compile(r"(.*[-_])?(password|secret|token|key|authori[sz]ation|cookie)", re.I)
"""Keys in whose place a secret's reference stands, or would stand: client_secret, X-Api-Key."""


class Table(BaseModel):
    """A table of practice.toml. Errors never show what stands in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class BudgetTable(Table):
    """How often a connection may be called: a bucket of `burst` filled by `per_second`."""

    burst: int = Field(ge=1)
    per_second: float = Field(gt=0)


class ConnectionTable(Table):
    """One connection: its vendor's folder, its budget, and what the vendor's settings.py reads.

    `baa_signed` is the date of the business associate agreement; without it nothing about a
    patient leaves this machine over the connection. `credential_expires` is the last day of what
    we sign in with, where the vendor has set one. `kind` is the kind of clearinghouse.
    `organisation` is who stands behind it, for the accounting of disclosures; its name if empty.
    """

    name: Slug
    vendor: Text
    organisation: str = Field(default="", max_length=200)
    kind: str = ""
    baa_signed: date | None = None
    credential_expires: date | None = None
    budget: BudgetTable | None = None
    settings: dict[str, Any]

    @property
    def leaves_machine(self) -> bool:
        """Whether anything that goes over this connection goes to another machine.

        A vendor's own address, where the settings name none, is elsewhere.
        """
        if not (self.settings.get("base_url") or self.settings.get("host")):
            return True
        return not all(is_loopback(each) for each in _hosts(self.settings))

    def agreement_fault(self, today: date) -> str:
        """Why nothing about a patient may go over this connection; empty when it may."""
        if not self.leaves_machine:
            return ""
        if self.baa_signed is None:
            return "baa_signed is missing: no agreement, no patient data over this connection."
        if self.baa_signed > today:
            return "baa_signed is a day to come: until then no patient data over this connection."
        return ""

    @property
    def references(self) -> tuple[str, ...]:
        """Where everything is that we sign in with, each once."""
        texts = _texts(self.settings)
        return tuple(dict.fromkeys(text for key, text in texts if _is_secret(key) and text))

    def literal_secret(self) -> tuple[str, ...]:
        """The key at which a secret itself stands in place of its reference; empty when none."""
        for key, text in _texts(self.settings):
            if _is_secret(key) and text and not is_reference(text):
                return key
        return ()


def _is_secret(key: tuple[str, ...]) -> bool:
    if "secret_headers" in key[:-1]:
        return True
    return _SECRET.fullmatch(key[-1]) is not None


def _texts(settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of the settings, those of inner tables and lists too, with its key."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from (((name, *key), text) for key, text in _texts(value))
        elif isinstance(value, list):
            yield from (((name,), each) for each in value if isinstance(each, str))
        elif isinstance(value, str):
            yield (name,), value


def _hosts(settings: Mapping[str, Any]) -> Iterator[str]:
    """Every host that the settings name; an address that cannot be read is a host by itself."""
    for key, text in _texts(settings):
        if key == ("host",):
            yield text
        elif "://" in text:
            try:
                yield urlsplit(text).hostname or text
            except ValueError:
                yield text
