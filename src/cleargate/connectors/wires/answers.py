"""What every clearinghouse's answer may be: one JSON object, or something to be kept unread."""

import json
from collections.abc import Iterator, Mapping

from cleargate.connectors.wires.http import Http, Reply
from cleargate.nouns.eligibility import ContentKind, RawAnswer

Members = Mapping[str, object]

_OK = 200


def document(content: bytes) -> Members | None:
    """A body that is one JSON object, else None."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def objects(value: object) -> Iterator[Members]:
    """The objects of a list; none of anything else."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def whole_text(http: Http, reply: Reply) -> RawAnswer:
    """A question's success that cannot be read, whole as TEXT: it is paid for.

    Raises PortError for another status, by what it means, and for a success that is empty.
    """
    if reply.status != _OK:
        raise http.failure(reply, write=True)
    if not reply.content.strip():
        raise http.unreadable(reply, write=True)
    return RawAnswer(reply.content, ContentKind.TEXT, reply.request_id)
