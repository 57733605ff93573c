"""The ledger as it is shown: what clients did, and what was done twice, by Ref and by substance."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cleargate.sandbox.mail import Mail
from cleargate.sandbox.records import Records, patient_of, ref_of, slots_of
from cleargate.sandbox.trees import Json, Tree, at, text, texts

_KINDS = {
    "Patient": "patient",
    "Coverage": "insurance",
    "Appointment": "booking",
    "CoverageEligibilityResponse": "eligibility",
    "DocumentReference": "eligibility",
}
_ACTIVE = frozenset({"proposed", "pending", "booked", "arrived", "checked-in", "fulfilled"})


@dataclass(frozen=True, slots=True)
class Effect:
    """One change that a client made to an EHR: how it came, and the resource after it."""

    tenant: str
    how: str
    resource: Tree

    @property
    def kind(self) -> str:
        """The resource type."""
        return text(self.resource, "resourceType")

    @property
    def at(self) -> str:
        """When it was made."""
        return text(self.resource, "meta", "lastUpdated")

    def head(self) -> Tree:
        """What every line of the ledger begins with."""
        return {
            "tenant": self.tenant,
            "id": text(self.resource, "id"),
            "ref": ref_of(self.resource),
            "at": self.at,
        }


def report(
    effects: Sequence[Effect],
    records: Mapping[str, Records],
    mails: Sequence[Mail],
    questions: Sequence[Tree],
    drawn: Mapping[str, int],
) -> Tree:
    """The body of `GET /_admin/ledger`."""
    created = [effect for effect in effects if effect.how == "create"]
    duplicates: list[Json] = [
        *_by_ref(created),
        *_by_substance(created, records),
        *_same_mails(mails),
    ]
    return {
        "patients": [{**e.head(), **_patient(e)} for e in created if e.kind == "Patient"],
        "insurances": [{**e.head(), **_insurance(e)} for e in created if e.kind == "Coverage"],
        "bookings": [*_bookings(effects)],
        "slot_changes": [
            {
                "tenant": e.tenant,
                "slot": text(e.resource, "id"),
                "ref": ref_of(e.resource),
                "status": text(e.resource, "status"),
                "at": e.at,
            }
            for e in effects
            if e.kind == "Slot"
        ],
        "eligibility": [
            {
                **e.head(),
                "patient": patient_of(e.resource),
                "insurer": _label(at(e.resource, "insurer")),
                "disposition": text(e.resource, "disposition") or text(e.resource, "description"),
            }
            for e in created
            if _KINDS.get(e.kind) == "eligibility"
        ],
        "mails": [
            {
                "id": mail.id,
                "to": [*mail.to],
                "message_id": mail.message_id,
                "subject": mail.subject,
                "uid": mail.uid,
                "at": mail.at,
            }
            for mail in mails
        ],
        "questions": [*questions],
        "faults": {**drawn},
        "mail_repeats": len(mails) - len({(mail.message_id or mail.id, mail.to) for mail in mails}),
        "duplicates": duplicates,
    }


def _patient(effect: Effect) -> Tree:
    return {
        "family": text(effect.resource, "name", 0, "family"),
        "given": " ".join(texts(effect.resource, "name", 0, "given")),
        "birth_date": text(effect.resource, "birthDate"),
    }


def _insurance(effect: Effect) -> Tree:
    return {
        "patient": patient_of(effect.resource),
        "member_id": text(effect.resource, "subscriberId"),
        "payer": _label(at(effect.resource, "payor", 0)),
        "order": at(effect.resource, "order"),
    }


def _label(reference: Json) -> str:
    return (
        text(reference, "display")
        or text(reference, "identifier", "value")
        or text(reference, "reference")
    )


def _bookings(effects: Iterable[Effect]) -> Iterator[Tree]:
    histories: dict[tuple[str, str], list[Effect]] = defaultdict(list)
    for effect in effects:
        if effect.kind == "Appointment":
            histories[effect.tenant, text(effect.resource, "id")].append(effect)
    for history in histories.values():
        first, last = history[0], history[-1]
        statuses: list[Json] = []
        for effect in history:
            status = text(effect.resource, "status")
            if not statuses or statuses[-1] != status:
                statuses.append(status)
        yield {
            **first.head(),
            "patient": patient_of(last.resource),
            "slot": next(iter(slots_of(last.resource)), ""),
            "start": text(last.resource, "start"),
            "status": text(last.resource, "status"),
            "history": statuses,
        }


def _duplicate(kind: str, by: str, tenant: str, key: str, ids: Iterable[str]) -> Tree:
    return {"kind": kind, "by": by, "tenant": tenant, "key": key, "ids": [*ids]}


def _by_ref(created: Iterable[Effect]) -> Iterator[Tree]:
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for effect in created:
        ref = ref_of(effect.resource)
        if ref and effect.kind in _KINDS:
            groups[_KINDS[effect.kind], effect.tenant, ref].append(text(effect.resource, "id"))
    for (kind, tenant, ref), ids in groups.items():
        if len(ids) > 1:
            yield _duplicate(kind, "ref", tenant, ref, ids)


def _by_substance(created: Iterable[Effect], records: Mapping[str, Records]) -> Iterator[Tree]:
    made = {(effect.tenant, text(effect.resource, "id")) for effect in created}
    for tenant, kept in records.items():
        for kind, key, ids in _groups(kept):
            # What was seeded twice on purpose is no client's doing.
            if any((tenant, id_) in made for id_ in ids):
                yield _duplicate(kind, "substance", tenant, key, ids)
        yield from _slot_troubles(tenant, kept)


def _groups(kept: Records) -> Iterator[tuple[str, str, list[str]]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in kept.all("Patient"):
        name = " ".join(texts(record.resource, "name", 0, "given"))
        family = text(record.resource, "name", 0, "family")
        person = f"{family}|{name}|{text(record.resource, 'birthDate')}".casefold()
        groups["same_person", person].append(record.id)
    for record in kept.all("Coverage"):
        payer = _label(at(record.resource, "payor", 0))
        policy = f"{patient_of(record.resource)}|{text(record.resource, 'subscriberId')}|{payer}"
        groups["same_policy", policy].append(record.id)
    for appointment in _active(kept):
        for slot in slots_of(appointment):
            groups["double_booked_slot", slot].append(text(appointment, "id"))
        case = ref_of(appointment).partition(".")[0]
        if case:
            groups["two_bookings_of_one_case", case].append(text(appointment, "id"))
    for (kind, key), ids in groups.items():
        if len(ids) > 1:
            yield kind, key, ids
    yield from _overlaps(kept)


def _active(kept: Records) -> Iterator[Tree]:
    for record in kept.all("Appointment"):
        if text(record.resource, "status") in _ACTIVE:
            yield record.resource


def _overlaps(kept: Records) -> Iterator[tuple[str, str, list[str]]]:
    """Appointments of one schedule that run into each other on different slots."""
    schedules: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for appointment in _active(kept):
        for slot in slots_of(appointment):
            record = kept.get("Slot", slot)
            if record is not None:
                line = (text(appointment, "start"), text(appointment, "end"), slot)
                schedule = text(record.resource, "schedule", "reference")
                schedules[schedule].append((*line, text(appointment, "id")))
    for schedule, lines in schedules.items():
        ordered = sorted(lines)
        for before, after in pairwise(ordered):
            if after[0] < before[1] and after[2] != before[2]:
                yield "overlapping_provider", schedule, [before[3], after[3]]


def _slot_troubles(tenant: str, kept: Records) -> Iterator[Tree]:
    holders: dict[str, list[str]] = defaultdict(list)
    for appointment in _active(kept):
        for slot in slots_of(appointment):
            holders[slot].append(text(appointment, "id"))
    for record in kept.all("Slot"):
        free = text(record.resource, "status") == "free"
        if free and record.id in holders:
            ids = holders[record.id]
            yield _duplicate("booked_on_free_slot", "substance", tenant, record.id, ids)
        elif not free and record.version > 1 and record.id not in holders:
            ids = [record.id]
            yield _duplicate("slot_claimed_for_nothing", "substance", tenant, record.id, ids)


def _same_mails(mails: Iterable[Mail]) -> Iterator[Tree]:
    groups: dict[tuple[tuple[str, ...], str, str], dict[str, int]] = defaultdict(dict)
    for mail in mails:
        groups[mail.to, mail.subject, mail.text][mail.message_id or str(mail.id)] = mail.id
    for (to, _, _), ids in groups.items():
        if len(ids) > 1:
            key = ",".join(to)
            yield _duplicate("same_mail_other_id", "substance", "", key, map(str, ids.values()))
