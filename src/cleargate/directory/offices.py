"""Where visits happen, who sees patients, and which kinds of visit there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cleargate.nouns.appointment import VisitType
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import npi_is_valid
from cleargate.nouns.patient import Address


@dataclass(frozen=True, slots=True)
class Office:
    """A place where patients are seen. `code` is ours and the EHR's; its visits are in `zone`."""

    code: str
    name: str
    zone: ZoneInfo
    address: Address
    phone: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A person who sees patients, in the offices whose codes are in `offices`."""

    code: str
    name: str
    npi: str
    offices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferedVisit:
    """A visit type with the codes of whoever may take it; `service_types` is what is verified."""

    type: VisitType
    providers: tuple[str, ...]
    service_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PracticeDirectory:
    """A practice's offices, providers and visits. Every code in it leads somewhere.

    Raises BadSettings, naming the key of practice.toml, when a code is unknown or stands twice.
    """

    offices: tuple[Office, ...]
    providers: tuple[Provider, ...]
    visits: tuple[OfferedVisit, ...]

    def __post_init__(self) -> None:
        offices = _codes("offices", (office.code for office in self.offices))
        providers = _codes("providers", (provider.code for provider in self.providers))
        _codes("visit_types", (visit.type.code for visit in self.visits))
        for provider in self.providers:
            _known(f"providers.{provider.code}.offices", provider.offices, offices)
            if not npi_is_valid(provider.npi):
                raise BadSettings(f"providers.{provider.code}.npi: the check digit is wrong.")
        for visit in self.visits:
            _known(f"visit_types.{visit.type.code}.providers", visit.providers, providers)

    @property
    def visit_types(self) -> tuple[VisitType, ...]:
        """The kinds of visit, in the order in which the form offers them."""
        return tuple(visit.type for visit in self.visits)

    def office(self, code: str) -> Office | None:
        """The office with this code, or None."""
        return next((office for office in self.offices if office.code == code), None)

    def visit(self, code: str) -> OfferedVisit | None:
        """The offered visit with this code, or None."""
        return next((visit for visit in self.visits if visit.type.code == code), None)

    def who(self, visit_code: str, office_code: str = "") -> tuple[Provider, ...]:
        """Whoever may take this kind of visit, at one office or anywhere."""
        visit = self.visit(visit_code)
        return tuple(
            provider
            for provider in self.providers
            if visit is not None
            and provider.code in visit.providers
            and (not office_code or office_code in provider.offices)
        )


def _codes(key: str, codes: Iterable[str]) -> frozenset[str]:
    seen: set[str] = set()
    for code in codes:
        if not code or code in seen:
            raise BadSettings(f"{key}: every code must be there once; {code!r} is not.")
        seen.add(code)
    if not seen:
        raise BadSettings(f"{key}: at least one is needed.")
    return frozenset(seen)


def _known(key: str, codes: tuple[str, ...], known: frozenset[str]) -> None:
    if not codes:
        raise BadSettings(f"{key}: at least one is needed.")
    for code in codes:
        if code not in known:
            raise BadSettings(f"{key}: there is no {code!r}.")
