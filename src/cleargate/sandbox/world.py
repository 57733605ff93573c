"""The whole outside world of a practice in one place, wired to its journal and fault plan."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from cleargate.nouns.errors import Refused
from cleargate.nouns.time import Clock, SystemClock
from cleargate.sandbox import clinic
from cleargate.sandbox.calls import CallNamer
from cleargate.sandbox.clearinghouse import Clearinghouse
from cleargate.sandbox.courses import course
from cleargate.sandbox.doors import Doors, secret
from cleargate.sandbox.ehr import Ehr
from cleargate.sandbox.envelope import Credentials
from cleargate.sandbox.faults import CONNECT, Call, Fault, FaultPlan, Mix
from cleargate.sandbox.journal import Journal
from cleargate.sandbox.lab import captured_payers
from cleargate.sandbox.mail import Mail, Mailbox
from cleargate.sandbox.members import Member, member
from cleargate.sandbox.pverify import restored
from cleargate.sandbox.received import Received
from cleargate.sandbox.records import Records
from cleargate.sandbox.report import Effect
from cleargate.sandbox.trees import Tree, text, texts, tree, whole
from cleargate.sandbox.wire import SMOOTH, Course, Request, Response, json_response


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How a sandbox is started; port 0 takes a free one. `lab` holds captured payers."""

    data: Path
    port: int = 0
    smtp_port: int = 0
    seed: int = 7
    faults: str = "light"
    tenants: tuple[str, ...] = ("riverside", "lakeside")
    clock: Clock = field(default_factory=SystemClock)
    lab: Path | None = None


class World:
    """EHRs, clearinghouse and mailbox, as the journal left them."""

    def __init__(self, options: SandboxOptions) -> None:
        if not all(tenant.isalnum() for tenant in options.tenants) or not options.tenants:
            raise Refused("--tenants: give names of letters and digits, with commas between.")
        self.options = options
        self.base_url = ""
        self.faults = FaultPlan(options.seed, Mix.parse(options.faults), self._fault_drawn)
        self.effects: list[Effect] = []
        self.questions: list[Tree] = []
        self.mailbox = Mailbox()
        self.received = Received(options.clock)
        self.ehrs = {tenant: self._ehr(tenant) for tenant in options.tenants}
        self.clearinghouse = Clearinghouse(
            Credentials("cleargate", secret("clearinghouse", options.seed)),
            options.clock,
            self._question_answered,
            captured_payers(options.lab) if options.lab else {},
        )
        self.doors = Doors(self.clearinghouse, options.seed, options.clock, self._pverify_answered)
        self._calls = CallNamer(self.ehrs)
        self._journal = Journal(options.data / "journal.jsonl")
        self._open()

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def today(self, tenant: str) -> date:
        """The date at a tenant's office."""
        return self.options.clock.now().astimezone(clinic.zone_of(tenant)).date()

    # What the servers ask.

    def course(self, request: Request) -> Course:
        """How this call goes on the wire."""
        call = self._calls.name(request)
        if call is None:
            return SMOOTH
        self.received.note(call.name, request.body or request.target.encode())
        # What a proxy on the way would write into its log.
        self._journal.append("asked", method=request.method, target=request.target)
        return course(self.faults.draw(call, request.body))

    def admit(self, request: Request) -> bool:
        """Whether a new connection is taken; those to the sandbox's own pages always are."""
        if self._calls.name(request) is None:
            return True
        return self.faults.draw(Call("connect:http", "", CONNECT)).fault is not Fault.REFUSED

    def handle(self, request: Request) -> Response:
        """Answer an outside call; admin calls are answered in `admin`."""
        area = request.parts[0] if request.parts else ""
        if area in self.ehrs:
            return self.ehrs[area].handle(request)
        if area == "clearinghouse":
            return self.doors.handle(request)
        if area in ("mailbox", "mailbox.json") and request.method == "GET":
            return self.mailbox.handle(request)
        return json_response(404, {"error": "not_found"})

    # What changes the world. Each is written down before it counts.

    def keep_mail(self, sender: str, to: list[str], raw: bytes) -> None:
        """Take in an accepted mail."""
        at = self.options.clock.now().isoformat()
        encoded = b64encode(raw).decode()
        self._journal.append("mail", at=at, sender=sender, to=[*to], raw=encoded)
        self.mailbox.mails.append(Mail(len(self.mailbox.mails) + 1, at, sender, tuple(to), raw))

    def enrol(self, entry: Tree) -> bool:
        """Make somebody a member of a payer; False when that was known. Raises ValueError."""
        found: Member = member(entry)
        if not self.clearinghouse.register.enrol(found):
            return False
        self._journal.append("member", entry=entry)
        return True

    def register_client(self, tenant: str, client_id: str, jwks: Tree) -> None:
        """Know a client's public keys. Raises ValueError for a key set that is none."""
        self.ehrs[tenant].tokens.register(client_id, jwks)
        self._journal.append("client", tenant=tenant, client_id=client_id, jwks=jwks)

    def add_resident(self, tenant: str, resident: clinic.Resident) -> str:
        """Let a practice know a patient already, once; returns the Patient's id."""
        records = self.ehrs[tenant].records
        resource = clinic.patient_resource(resident)
        for record in records.having("Patient", "birthdate", resident.birth_date):
            if record.resource.get("name") == resource["name"]:
                return record.id
        count = sum(1 for _ in records.all("Patient"))
        marked: Tree = {**resource, "id": f"known-{count + 1}", "active": True}
        records.seed(marked, self.options.clock.now())
        kept = records.get("Patient", f"known-{count + 1}")
        if kept is not None:
            self._journal.append("put", tenant=tenant, how="seed", resource=kept.resource)
        return f"known-{count + 1}"

    def _ehr(self, tenant: str) -> Ehr:
        records = Records(partial(self._put, tenant))
        return Ehr(tenant, lambda: f"{self.base_url}/{tenant}", records, self.options.clock)

    def _put(self, tenant: str, how: str, resource: Tree) -> None:
        self._journal.append("put", tenant=tenant, how=how, resource=resource)
        self.effects.append(Effect(tenant, how, resource))

    def _question_answered(self, payer: str, member_id: str, trace: str, answer: str) -> None:
        line: Tree = {
            "payer": payer,
            "member_id": member_id,
            "trace": trace,
            "answer": answer,
            "at": self.options.clock.now().isoformat(),
        }
        self._journal.append("question", line=line)
        self.questions.append(line)

    def _pverify_answered(self, request_id: int, body: str, pending: int) -> None:
        self._journal.append("pverify", id=request_id, body=body, pending=pending)

    def _fault_drawn(self, key: str, tries: int, fault: Fault) -> None:
        self._journal.append("fault", key=key, tries=tries, fault=fault.value)

    # The start: the seeded clinic, then the journal over it.

    def _open(self) -> None:
        entries = list(self._journal.entries())
        days = {text(entry, "tenant"): entry for entry in entries if entry["kind"] == "opened"}
        for tenant, ehr in self.ehrs.items():
            today = self.today(tenant)
            first = text(days.get(tenant), "day")
            if not first:
                self._journal.append("opened", tenant=tenant, day=today.isoformat())
            self._seed(tenant, ehr, date.fromisoformat(first) if first else today, today)
        for entry in entries:
            self._replay(entry)

    def _seed(self, tenant: str, ehr: Ehr, first: date, today: date) -> None:
        last = today + timedelta(days=clinic.DAYS - 1)
        now = self.options.clock.now()
        for resource in clinic.resources(tenant, self.options.seed, first, last):
            ehr.records.seed(resource, now)

    def _replay(self, entry: Tree) -> None:
        match entry["kind"]:
            case "put" if text(entry, "tenant") in self.ehrs:
                self._replay_put(entry)
            case "mail":
                raw = b64decode(text(entry, "raw"))
                sent = (text(entry, "at"), text(entry, "sender"), tuple(texts(entry, "to")), raw)
                self.mailbox.mails.append(Mail(len(self.mailbox.mails) + 1, *sent))
            case "question":
                line = tree(entry["line"])
                self.questions.append(line)
                self.clearinghouse.count(text(line, "payer"), text(line, "member_id"))
                self.doors.availity.count(text(line, "payer"), text(line, "member_id"))
            case "member":
                self.clearinghouse.register.enrol(member(tree(entry["entry"])))
            case "client" if text(entry, "tenant") in self.ehrs:
                tokens = self.ehrs[text(entry, "tenant")].tokens
                tokens.register(text(entry, "client_id"), tree(entry["jwks"]))
            case "pverify":
                self.doors.pverify.restore(*restored(entry))
            case "fault":
                tries, fault = whole(entry, "tries"), Fault(text(entry, "fault"))
                self.faults.restore(text(entry, "key"), tries, fault)

    def _replay_put(self, entry: Tree) -> None:
        tenant, how, resource = text(entry, "tenant"), text(entry, "how"), tree(entry["resource"])
        ehr = self.ehrs[tenant]
        ehr.records.load(resource)
        self._calls.learn(ehr, resource)
        if how != "seed":
            self.effects.append(Effect(tenant, how, resource))
