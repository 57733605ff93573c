"""How a payer wants to be asked: by which details it finds a person, and how services are listed.

Cells of a payer file. `searches`: `member_id+birth_date | member_id+family_name`, what is asked
first and then what else may find a person who was not found. `services`: see ServiceList. A payer
without an entry is asked by the standard's primary search, once.
"""

from cleargate.nouns.eligibility import PRIMARY_SEARCH, Detail, Search, ServiceList

STANDARD: tuple[Search, ...] = (PRIMARY_SEARCH,)
SEARCHES_MAX = 4
"""More tries than a payer has options would be guessing who somebody is."""

_ENOUGH: tuple[Search, ...] = (
    frozenset({Detail.MEMBER_ID, Detail.BIRTH_DATE}),
    frozenset({Detail.MEMBER_ID, Detail.FAMILY_NAME}),
    frozenset({Detail.FAMILY_NAME, Detail.GIVEN_NAME, Detail.BIRTH_DATE}),
)
"""Fewer details than one of these find somebody else. Source: 005010X279A1, 1.4.8.2 to 1.4.8.4."""


class Unknown(Exception):
    """A cell that cannot be read; its words are for whoever keeps the file."""


def read_searches(cell: str) -> tuple[Search, ...]:
    """The searches of a cell, in the order of their tries. Raises Unknown."""
    found = tuple(_search(part) for part in cell.split("|") if part.strip())
    if len(set(found)) != len(found) or len(found) > SEARCHES_MAX:
        raise Unknown(f"name up to {SEARCHES_MAX} searches, each once")
    return found


def _search(text: str) -> Search:
    words = [word.strip() for word in text.split("+")]
    if not set(words) <= set(Detail):
        raise Unknown("join these with +: " + ", ".join(Detail))
    search = frozenset(map(Detail, words))
    if not any(enough <= search for enough in _ENOUGH):
        raise Unknown("too few details to tell one person from another")
    if Detail.GIVEN_NAME in search and Detail.FAMILY_NAME not in search:
        raise Unknown("given_name needs family_name beside it")
    return search


def read_service_list(cell: str) -> ServiceList:
    """How services are listed. Raises Unknown."""
    if cell not in set(ServiceList):
        raise Unknown("use separate, repeated or plan, or leave it empty")
    return ServiceList(cell)
