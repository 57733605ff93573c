"""Which way a question goes next: a payer may be reached over several clearinghouses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cleargate.directory.payers import Connection, PayerDirectory
from cleargate.nouns.errors import ErrorKind
from cleargate.store.inquiries import InquiryState, StoredInquiry


@dataclass(frozen=True, slots=True)
class NextRoute:
    """Where the next try goes; `was_tried` says that all ways have failed by now."""

    connection: str
    payer_code: str
    was_tried: bool


def next_route(
    stored: StoredInquiry, payers: PayerDirectory, connections: Sequence[Connection]
) -> NextRoute | None:
    """The way after the one that has just failed; None where there is one way only.

    What is pending over there can be polled over there alone; what may have been asked over
    there would cost a second fee elsewhere.
    """
    if stored.pending_token or maybe_asked(stored):
        return None
    routes = payers.route(stored.payer_id, connections)
    names = [route.connection for route in routes]
    if len(routes) < 2 or stored.connection not in names:
        return None
    place = (names.index(stored.connection) + 1) % len(routes)
    return NextRoute(routes[place].connection, routes[place].payer_code, was_tried=place == 0)


def maybe_asked(stored: StoredInquiry) -> bool:
    """Whether an earlier try may have arrived, and no answer to it has come."""
    return stored.state is InquiryState.SENT or stored.outcome == ErrorKind.AMBIGUOUS
