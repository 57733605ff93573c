"""One tenant's FHIR resources: versions, look-up keys, and slots in the order of time."""

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cleargate.nouns.ids import REF_SYSTEM
from cleargate.sandbox.trees import Tree, text, trees


def identifiers(resource: Tree) -> Iterator[str]:
    """Each identifier as `system|value`."""
    for identifier in trees(resource, "identifier"):
        yield f"{text(identifier, 'system')}|{text(identifier, 'value')}"


def ref_of(resource: Tree) -> str:
    """The Ref that a client stored in the resource, empty when there is none."""
    for identifier in trees(resource, "identifier"):
        if text(identifier, "system") == REF_SYSTEM:
            return text(identifier, "value")
    return ""


def patient_of(resource: Tree) -> str:
    """The id of the Patient whom the resource is about, empty when it names none."""
    references = [
        text(resource, "beneficiary", "reference"),
        text(resource, "patient", "reference"),
        text(resource, "subject", "reference"),
    ]
    references += [text(p, "actor", "reference") for p in trees(resource, "participant")]
    for reference in references:
        kind, _, found = reference.rpartition("/")
        if kind == "Patient":
            return found
    return ""


def slots_of(resource: Tree) -> list[str]:
    """The ids of the Slots that an Appointment names."""
    return [text(slot, "reference").rpartition("/")[2] for slot in trees(resource, "slot")]


@dataclass(slots=True)
class Record:
    """One version of one resource. `content` is its JSON, written once."""

    resource: Tree
    version: int
    _content: bytes = b""

    @property
    def content(self) -> bytes:
        """The resource as it goes over the wire."""
        if not self._content:
            self._content = json.dumps(self.resource, separators=(",", ":")).encode()
        return self._content

    @property
    def id(self) -> str:
        """The resource's id."""
        return text(self.resource, "id")

    @property
    def etag(self) -> str:
        """The weak entity tag of this version."""
        return f'W/"{self.version}"'


class Records:
    """Resources by type and id. `kept` is told of each change before it counts."""

    def __init__(self, kept: Callable[[str, Tree], None] = lambda *_: None) -> None:
        self._kept = kept
        self._types: dict[str, dict[str, Record]] = {}
        self._keys: dict[tuple[str, str, str], dict[str, None]] = {}
        self._slot_times: list[tuple[float, str]] = []

    def get(self, kind: str, id_: str) -> Record | None:
        """One resource, or None."""
        return self._types.get(kind, {}).get(id_)

    def all(self, kind: str) -> Iterable[Record]:
        """All resources of a type, in the order of their making; Slots by time."""
        if kind == "Slot":
            return self.slots(float("-inf"), float("inf"))
        return list(self._types.get(kind, {}).values())

    def having(self, kind: str, key: str, value: str) -> list[Record]:
        """The resources with that value under an indexed key: identifier, birthdate or patient."""
        found = self._types.get(kind, {})
        return [found[id_] for id_ in self._keys.get((kind, key, value), {})]

    def slots(self, earliest: float, latest: float) -> Iterator[Record]:
        """Slots that start at or after `earliest` and before `latest`, in seconds of the epoch."""
        found = self._types.get("Slot", {})
        for start, id_ in self._slot_times[bisect_left(self._slot_times, (earliest, "")) :]:
            if start >= latest:
                return
            yield found[id_]

    def create(self, resource: Tree, at: datetime) -> Record:
        """Keep a new resource under a new id."""
        kind = text(resource, "resourceType")
        id_ = f"{kind[:4].lower()}-{len(self._types.get(kind, {})) + 1}"
        return self._keep("create", {**resource, "id": id_}, 1, at)

    def replace(self, record: Record, resource: Tree, at: datetime, how: str) -> Record:
        """Keep the next version of a resource."""
        return self._keep(how, {**resource, "id": record.id}, record.version + 1, at)

    def seed(self, resource: Tree, at: datetime) -> None:
        """Take in a resource that was there before anybody called; the journal is not told."""
        self.load(_stamped(resource, 1, at))

    def load(self, resource: Tree) -> Record:
        """Take in a stamped resource: a seeded one, or one from the journal."""
        kind, id_ = text(resource, "resourceType"), text(resource, "id")
        before = self.get(kind, id_)
        if before is not None:
            for key in _keys(before.resource):
                del self._keys[kind, *key][id_]
        elif kind == "Slot":
            start = datetime.fromisoformat(text(resource, "start")).timestamp()
            insort(self._slot_times, (start, id_))
        record = Record(resource, int(text(resource, "meta", "versionId")))
        self._types.setdefault(kind, {})[id_] = record
        for key in _keys(resource):
            self._keys.setdefault((kind, *key), {})[id_] = None
        return record

    def _keep(self, how: str, resource: Tree, version: int, at: datetime) -> Record:
        stamped = _stamped(resource, version, at)
        self._kept(how, stamped)
        return self.load(stamped)


def _stamped(resource: Tree, version: int, at: datetime) -> Tree:
    meta: Tree = {"versionId": str(version), "lastUpdated": at.isoformat(timespec="milliseconds")}
    return {**resource, "meta": meta}


def _keys(resource: Tree) -> list[tuple[str, str]]:
    keys = {("identifier", identifier) for identifier in identifiers(resource)}
    birth_date = text(resource, "birthDate")
    patient = patient_of(resource)
    if birth_date:
        keys.add(("birthdate", birth_date))
    if patient:
        keys.add(("patient", patient))
    return sorted(keys)
