"""The practice's system over FHIR R4: the port, in the order in which a booking walks it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx2

from cleargate.connectors.fhir.client import FhirClient
from cleargate.connectors.fhir.mapping import (
    APPOINTMENT_STATUS,
    appointment_resource,
    claimed,
    coverage_resource,
    display_name,
    eligibility_resource,
    escaped,
    identifier_search,
    instant,
    national_number,
    note_resource,
    opening,
    patient_record,
    patient_resource,
    released,
    unmarked,
    with_status,
)
from cleargate.connectors.fhir.resources import (
    AppointmentView,
    Head,
    NamedView,
    PatientView,
    Reference,
    Resource,
    ScheduleView,
    SlotView,
)
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.wires.http import Http
from cleargate.connectors.wires.smart import SmartHttp
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Patient, PatientQuery, PatientRecord
from cleargate.nouns.time import Clock
from cleargate.ports import (
    Capabilities,
    Dedupe,
    RateBudget,
    Recorder,
    RecordKind,
    SecretStore,
    TokenStore,
    WriteBack,
)

SUB_CALLS = 4
"""A booking reads the Slot, claims it, creates the Appointment, and may have to free the Slot."""

NAMES_LIFE = timedelta(hours=1)
"""How long the names of a schedule's provider and place are believed."""

_TYPES = {
    RecordKind.PATIENT: "Patient",
    RecordKind.INSURANCE: "Coverage",
    RecordKind.BOOKING: "Appointment",
}
_FIELD, _NOTE = "CoverageEligibilityResponse", "DocumentReference"
"""Where an answer of a payer is kept: in its own resource, or as a note."""
_PROVIDERS = frozenset({"Practitioner", "PractitionerRole"})
_STARTED = frozenset({"arrived", "checked-in", "fulfilled"})
_OVER = frozenset({"cancelled", "noshow", "entered-in-error"})


class FhirPracticeSystem:
    """PracticeSystem over FHIR R4 with SMART Backend Services.

    Our Ref is an identifier of every record, under `urn:cleargate:ref`. A visit is booked as: claim
    the Slot with If-Match, create the Appointment with If-None-Exist, release the Slot when that
    failed for certain. Transactions are not used: some servers answer them with 200 and do half.
    """

    def __init__(
        self,
        connection: str,
        settings: FhirSettings,
        *,
        secrets: SecretStore,
        tokens: TokenStore,
        budget: RateBudget,
        recorder: Recorder,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self.deadline_s = settings.deadline_s * SUB_CALLS
        self._settings = settings
        self._clock = clock
        self._zone = ZoneInfo(settings.zone)
        self._http = Http(
            connection,
            settings,
            secrets=secrets,
            budget=budget,
            recorder=recorder,
            clock=clock,
            transport=transport,
        )
        authorised = SmartHttp(
            self._http, settings.smart, secrets=secrets, tokens=tokens, clock=clock
        )
        self._client = FhirClient(self._http, authorised, settings)
        self._names: dict[str, tuple[datetime, str, str]] = {}

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def capabilities(self) -> Capabilities:
        """What the server's CapabilityStatement says."""
        return Capabilities(
            create_patient=self._client.dedupe("Patient"),
            put_insurance=self._client.dedupe("Coverage"),
            book=self._client.dedupe("Appointment"),
            write_back=self._write_back(),
            zone=self._zone,
        )

    def find_patients(self, query: PatientQuery) -> Sequence[PatientRecord]:
        """Everyone born on that day who shares the family name, the phone or the e-mail."""
        searches = [("family", escaped(query.name.family))]
        if query.contact.phone:
            searches.append(("phone", national_number(query.contact.phone)))
        if query.contact.email:
            searches.append(("email", escaped(query.contact.email)))
        born = ("birthdate", query.birth_date.isoformat())
        found: dict[str, PatientRecord] = {}
        for parameter in searches:
            for resource in self._client.search("Patient", [parameter, born]):
                view = self._client.view(PatientView, resource)
                if record := patient_record(view, query):
                    found[record.id] = record
        return list(found.values())

    def create_patient(self, patient: Patient, ref: Ref) -> Receipt:
        """Create the Patient, once per Ref."""
        return self._client.create(patient_resource(patient, ref), ref)

    def put_insurance(self, patient_id: str, insurance: Insurance, rank: int, ref: Ref) -> Receipt:
        """Add a Coverage; other Coverages of the patient are left alone."""
        return self._client.create(coverage_resource(patient_id, insurance, rank, ref), ref)

    def find_openings(self, query: OpeningQuery) -> Sequence[Opening]:
        """Free Slots of the visit type that start after now, earliest first."""
        start, end = self._midnight(query.earliest), self._midnight(query.latest, after_days=1)
        system = self._settings.service_type_system
        kind = escaped(query.visit_type)
        hits = self._client.search(
            "Slot",
            [
                ("service-type", f"{escaped(system)}|{kind}" if system else kind),
                ("status", "free"),
                ("start", f"ge{instant(start)}"),
                ("start", f"lt{instant(end)}"),
            ],
        )
        start = max(start, self._clock.now())
        free = []
        for resource in hits:
            slot = self._client.view(SlotView, resource)
            # A filter that the server does not know is ignored, so every hit is looked at again.
            fits = slot.status == "free" and start <= slot.start < end
            if fits and slot.offers(query.visit_type, system):
                free.append(opening(slot, *self._names_of(slot.schedule), self._zone))
        return sorted(free, key=lambda found: (found.start, found.provider, found.token))

    def book(self, opening: Opening, patient_id: str, details: BookingDetails, ref: Ref) -> Receipt:
        """Claim the Slot, then create the Appointment; see the class.

        Sent again with the same Ref, it goes on where the earlier try ended. AMBIGUOUS when a
        part's reply was lost; then the Slot stays claimed for the next try.
        """
        slot_id, system = opening.token, self._settings.service_type_system
        appointment = appointment_resource(opening, patient_id, details, system, ref)
        try:
            self._claim(slot_id, opening.start, ref)
            receipt = self._client.create(appointment, ref)
        except PortError as failure:
            if failure.kind is ErrorKind.AMBIGUOUS:
                raise
            # This try failed for certain, but an earlier one may have booked.
            earlier = self.find_by_ref(RecordKind.BOOKING, ref)
            if earlier is None:
                self._release_all_but(frozenset(), slot_id, ref)
                raise
            receipt = earlier
        kept = frozenset({slot_id})
        if receipt.outcome is Outcome.EXISTED:
            kept = self._slots_of(receipt.id, otherwise=kept)
        self._release_all_but(kept, slot_id, ref)
        return receipt

    def set_booking_status(self, booking_id: str, status: BookingStatus, ref: Ref) -> Receipt:
        """Change the Appointment's status; a cancelled one gives its Slots back.

        CONFLICT when the visit has begun, or is over, in the practice's system.
        """
        for _ in range(2):
            resource = self._client.read("Appointment", booking_id)
            view = self._client.view(AppointmentView, resource)
            if _is_reached(view.status, status):
                receipt = Receipt(booking_id, Outcome.EXISTED, view.meta.version)
                break
            if view.status in _STARTED | _OVER:
                raise self._conflict(f"appointment_{view.status}")
            version = self._update(with_status(resource, status, ref))
            if version is not None:
                receipt = Receipt(booking_id, Outcome.CREATED, version)
                break
        else:
            raise self._conflict("412")
        if status is BookingStatus.CANCELLED:
            for slot in view.slot:
                self._release(slot.id, view.our_refs())
        return receipt

    def record_eligibility(self, patient_id: str, summary: EligibilitySummary, ref: Ref) -> Receipt:
        """Keep the payer's answer as a CoverageEligibilityResponse, or else as a note."""
        as_note = self._write_back() is WriteBack.NOTE
        resource = note_resource if as_note else eligibility_resource
        return self._client.create(resource(patient_id, summary, ref), ref)

    def _write_back(self) -> WriteBack:
        if self._client.dedupe(_FIELD) is not Dedupe.NONE:
            return WriteBack.FIELD
        noted = self._client.dedupe(_NOTE) is not Dedupe.NONE
        return WriteBack.NOTE if noted else WriteBack.NONE

    def _type(self, kind: RecordKind) -> str:
        """The resource type of a write."""
        if kind is not RecordKind.ELIGIBILITY:
            return _TYPES[kind]
        return _NOTE if self._write_back() is WriteBack.NOTE else _FIELD

    def find_by_ref(self, kind: RecordKind, ref: Ref) -> Receipt | None:
        """The record that carries the Ref; for a status change, the Appointment changed by it.

        None for a cancelled Appointment that still holds a Slot: its cancellation is to be sent
        again.
        """
        found = self._client.find(self._type(kind), ref)
        if found is None or (kind is RecordKind.BOOKING and self._is_half_cancelled(found)):
            return None
        head = self._client.view(Head, found)
        return Receipt(head.id, Outcome.EXISTED, head.meta.version)

    def _is_half_cancelled(self, appointment: Resource) -> bool:
        """Whether a visit is over and one of its Slots is still marked as ours."""
        view = self._client.view(AppointmentView, appointment)
        if view.status not in _OVER:
            return False
        slots = (self._client.read_if_there("Slot", slot.id) for slot in view.slot)
        heads = (self._client.view(Head, slot) for slot in slots if slot is not None)
        return any(head.our_refs() & view.our_refs() for head in heads)

    def _claim(self, slot_id: str, start: datetime, ref: Ref) -> None:
        """Make the Slot ours, unless an earlier try has done so and it still is.

        The mark alone does not say so: the practice may have freed the Slot since, or have given
        it to somebody else, and its software leaves our mark where it was.
        """
        for _ in range(2):
            resource = self._client.read_if_there("Slot", slot_id)
            if resource is None:
                raise self._conflict("slot_gone")
            slot = self._client.view(SlotView, resource)
            if slot.status != "free" and slot.carries(ref):
                if self._is_given(slot_id, frozenset({ref.value})):
                    raise self._conflict("slot_taken")
                return
            if slot.status != "free" or slot.start != start:
                raise self._conflict("slot_taken")
            if self._update(claimed(resource, ref)) is not None:
                return
        raise self._conflict("slot_taken")

    def _release(self, slot_id: str, refs: frozenset[str]) -> None:
        """Take the marks of these Refs from the Slot, and free it unless it is somebody else's."""
        for _ in range(2):
            resource = self._client.read_if_there("Slot", slot_id)
            marks = self._client.view(Head, resource or {}).our_refs()
            if resource is None or not marks & refs:
                return
            keep = bool(marks - refs) or self._is_given(slot_id, refs)
            if self._update(unmarked(resource, refs) if keep else released(resource)) is not None:
                return
        raise self._conflict("slot_not_released")

    def _is_given(self, slot_id: str, refs: frozenset[str]) -> bool:
        """Whether a visit of nobody with these Refs stands in the Slot, if the server can tell."""
        if not self._client.can_search("Appointment", "slot"):
            return False
        hits = self._client.search("Appointment", [("slot", f"Slot/{slot_id}")])
        views = [self._client.view(AppointmentView, resource) for resource in hits]
        return any(
            view.status not in _OVER
            and not view.our_refs() & refs
            and slot_id in {slot.id for slot in view.slot}
            for view in views
        )

    def _release_all_but(self, kept: frozenset[str], slot_id: str, ref: Ref) -> None:
        """Free what this Ref holds and does not need: this Slot, or those of earlier tries."""
        held = {slot_id}
        if self._client.can_search("Slot", "identifier"):
            hits = self._client.search("Slot", [("identifier", identifier_search(ref))])
            heads = [self._client.view(Head, resource) for resource in hits]
            held |= {head.id for head in heads if head.carries(ref)}
        for needless in held - kept:
            self._release(needless, frozenset({ref.value}))

    def _slots_of(self, booking_id: str, *, otherwise: frozenset[str]) -> frozenset[str]:
        """The Slots that a visit occupies: none when it is over, `otherwise` when it names none."""
        view = self._client.view(AppointmentView, self._client.read("Appointment", booking_id))
        if view.status in _OVER:
            return frozenset()
        return frozenset(slot.id for slot in view.slot) or otherwise

    def _update(self, resource: Resource) -> str | None:
        """The new version, or None when somebody else was quicker."""
        try:
            return self._client.update(resource)
        except PortError as failure:
            if failure.kind is ErrorKind.CONFLICT:
                return None
            raise

    def _conflict(self, code: str) -> PortError:
        return PortError(ErrorKind.CONFLICT, self.connection, vendor_code=code)

    def _midnight(self, day: date, *, after_days: int = 0) -> datetime:
        return datetime.combine(day + timedelta(days=after_days), time(), self._zone)

    def _names_of(self, schedule: Reference) -> tuple[str, str]:
        """The provider and the place of a Schedule, kept for an hour."""
        kept = self._names.get(schedule.id)
        if kept is None or kept[0] <= self._clock.now():
            resource = self._client.read("Schedule", schedule.id)
            actors = self._client.view(ScheduleView, resource).actor
            places = [actor for actor in actors if actor.type == "Location"]
            people = [actor for actor in actors if actor.type in _PROVIDERS]
            kept = (self._clock.now() + NAMES_LIFE, self._name(people), self._name(places))
            self._names[schedule.id] = kept
        return kept[1], kept[2]

    def _name(self, actors: list[Reference]) -> str:
        """How people call the first of these actors."""
        if not actors or actors[0].display:
            return actors[0].display if actors else ""
        resource = self._client.read(actors[0].type, actors[0].id)
        return display_name(self._client.view(NamedView, resource))


def _is_reached(found: str, wanted: BookingStatus) -> bool:
    """Whether an Appointment is where it should be; a visit that began had been booked."""
    return found == APPOINTMENT_STATUS[wanted] or (
        wanted is BookingStatus.BOOKED and found in _STARTED
    )
