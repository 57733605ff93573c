"""What a call is called and whom it is about, so that its faults do not hang on the order of calls.

A Ref is random from run to run, so it is no stable subject: the first record that carries a case's
Ref tells which person the case is for, and the person's name and birth date are the subject.
"""

from collections.abc import Mapping

from cleargate.nouns.ids import REF_SYSTEM
from cleargate.sandbox.ehr import Ehr, Interaction, interpret
from cleargate.sandbox.faults import ANY_HTTP, Call, Fault
from cleargate.sandbox.question_calls import question_call
from cleargate.sandbox.records import patient_of, ref_of
from cleargate.sandbox.trees import Tree, text, tree
from cleargate.sandbox.wire import Request

_WRITES = frozenset({"create", "update", "patch"})


class CallNamer:
    """Names the calls of all tenants."""

    def __init__(self, ehrs: Mapping[str, Ehr]) -> None:
        self._ehrs = ehrs
        self._people: dict[str, str] = {}

    def name(self, request: Request) -> Call | None:
        """The call, None for pages that never fail."""
        area = request.parts[0] if request.parts else ""
        if area == "clearinghouse":
            return question_call(request)
        ehr = self._ehrs.get(area)
        if ehr is None:
            return None
        wanted = interpret(request.method, request.parts[1:])
        cursor = ehr.cursor(request) if wanted == Interaction("search") else None
        kind = cursor.kind if cursor else wanted.kind
        name = f"ehr:{area}:{wanted.name or 'unknown'}" + (f":{kind}" if kind else "")
        subject = self._subject(ehr, wanted, request, cursor.params if cursor else ())
        return Call(name, subject, _open_to(wanted, request))

    def learn(self, ehr: Ehr, resource: Tree) -> str:
        """Whom a resource is about, as far as it can be known; remembers the person of its case."""
        case = ref_of(resource).partition(".")[0]
        person = self._person(ehr, resource)
        if case and person:
            self._people.setdefault(case, person)
        return person or self._people.get(case, case)

    def _subject(
        self,
        ehr: Ehr,
        wanted: Interaction,
        request: Request,
        params: tuple[tuple[str, str], ...],
    ) -> str:
        if wanted.name == "search":
            form = request.form if request.method == "POST" else ()
            return self._searched(params or request.query + form)
        record = ehr.records.get(wanted.kind, wanted.id)
        if wanted.name in ("create", "update"):
            sent = self.learn(ehr, tree(request.json))
            if sent:
                return sent
        return (self.learn(ehr, record.resource) if record else "") or wanted.id

    def _searched(self, params: tuple[tuple[str, str], ...]) -> str:
        for name, value in params:
            system, _, ref = value.partition("|")
            if name == "identifier" and system == REF_SYSTEM:
                case = ref.partition(".")[0]
                return self._people.get(case, case)
        return "&".join(sorted(f"{n}={v}" for n, v in params if not n.startswith("_")))

    def _person(self, ehr: Ehr, resource: Tree) -> str:
        if text(resource, "resourceType") != "Patient":
            record = ehr.records.get("Patient", patient_of(resource))
            if record is None:
                return ""
            resource = record.resource
        words = (
            text(resource, "name", 0, "family"),
            text(resource, "name", 0, "given", 0),
            text(resource, "birthDate"),
        )
        return "|".join(words).casefold()


def _open_to(wanted: Interaction, request: Request) -> frozenset[Fault]:
    faults = set(ANY_HTTP)
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        faults.add(Fault.UNAUTHORIZED)
    if wanted.name in _WRITES:
        faults.add(Fault.CONFLICT)
    if "if-match" in request.headers:
        faults.add(Fault.PRECONDITION)
    return frozenset(faults)
