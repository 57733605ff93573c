"""One tenant's EHR: FHIR R4 over HTTP, as strict and as lax as real servers are.

It never touches a Slot by itself, lets clients book twice, ignores unknown search parameters and
answers a transaction Bundle with 200 whatever its entries did.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import parse_qsl

from cleargate.nouns.time import Clock
from cleargate.sandbox import shape
from cleargate.sandbox.capability import INTERACTIONS, capability_statement
from cleargate.sandbox.clinic import zone_of
from cleargate.sandbox.cursors import Cursor, Cursors
from cleargate.sandbox.records import Record, Records
from cleargate.sandbox.search import search
from cleargate.sandbox.tokens import TokenEndpoint
from cleargate.sandbox.trees import Json, Tree, text, tree, trees
from cleargate.sandbox.wire import Request, Response, json_response

FHIR_JSON = "application/fhir+json"
COUNT_DEFAULT = 20
COUNT_MAX = 100


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a request wants: `name` is FHIR's word for it, `kind` the resource type."""

    name: str
    kind: str = ""
    id: str = ""


def interpret(method: str, parts: tuple[str, ...]) -> Interaction:
    """Read method and path below `/{tenant}`; the name is empty for what no server knows."""
    wanted = Interaction("")
    match (method, *parts):
        case ("POST", "token"):
            wanted = Interaction("token")
        case ("GET", "fhir", "metadata") | ("GET", "fhir", ".well-known", "smart-configuration"):
            wanted = Interaction("discover", parts[-1])
        case ("POST", "fhir"):
            wanted = Interaction("batch")
        case ("GET", "fhir"):
            wanted = Interaction("search")
        case ("POST", "fhir", kind, "_search") | ("GET", "fhir", kind):
            wanted = Interaction("search", kind)
        case ("POST", "fhir", kind):
            wanted = Interaction("create", kind)
        case ("GET" | "PUT" | "PATCH" as verb, "fhir", kind, id_):
            wanted = Interaction({"GET": "read", "PUT": "update"}.get(verb, "patch"), kind, id_)
    return wanted


class Ehr:
    """One practice's EHR at `base`, the URL of `/{tenant}`."""

    def __init__(
        self, tenant: str, base: Callable[[], str], records: Records, clock: Clock
    ) -> None:
        self.tenant = tenant
        self.records = records
        self.tokens = TokenEndpoint(clock)
        self.zone = zone_of(tenant)
        self.without: frozenset[str] = frozenset()
        self._base = base
        self._clock = clock
        self._cursors = Cursors(clock)

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        wanted = interpret(request.method, request.parts[1:])
        if wanted.name == "token":
            return self.tokens.grant(request, f"{self._base()}/token")
        if wanted.name == "discover":
            return self._discover(wanted.kind)
        refusal = self._unknown(wanted) or self.tokens.refusal(request, wanted.name, wanted.kind)
        return refusal or self._dispatch(request, wanted)

    def cursor(self, request: Request) -> Cursor | None:
        """The search that a `_getpages` request goes on with."""
        return self._cursors.get(dict(request.query).get("_getpages", ""))

    def _unknown(self, wanted: Interaction) -> Response | None:
        if not wanted.name:
            return _outcome(404, "not-found")
        if wanted.kind and (wanted.kind not in INTERACTIONS or wanted.kind in self.without):
            return _outcome(404, "not-supported")
        if wanted.kind and wanted.name not in INTERACTIONS[wanted.kind]:
            return _outcome(405, "not-supported")
        return None

    def _dispatch(self, request: Request, wanted: Interaction) -> Response:
        match wanted.name:
            case "batch":
                return self._transaction(request)
            case "search":
                return self._search(wanted.kind, request)
            case "create":
                return self._create(wanted.kind, request)
            case _:
                return self._one(request, wanted)

    def _one(self, request: Request, wanted: Interaction) -> Response:
        record = self.records.get(wanted.kind, wanted.id)
        if record is None:
            return _outcome(404, "not-found")
        if wanted.name == "read":
            return _resource(200, record)
        return self._change(record, wanted, request)

    def _discover(self, document: str) -> Response:
        if document == "metadata":
            return _fhir(200, capability_statement(f"{self._base()}/fhir", self.without))
        return json_response(
            200,
            {
                "token_endpoint": f"{self._base()}/token",
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
                "grant_types_supported": ["client_credentials"],
                "scopes_supported": ["system/*.cruds"],
                "capabilities": ["client-confidential-asymmetric", "permission-v2"],
            },
        )

    def _search(self, kind: str, request: Request) -> Response:
        if not kind:
            cursor = self.cursor(request)
            return self._page(cursor) if cursor else _outcome(410, "expired")
        params = request.query + _searched(request)
        try:
            asked = int(dict(params).get("_count", COUNT_DEFAULT))
            return self._page(Cursor(kind, params, min(max(asked, 1), COUNT_MAX), 0))
        except ValueError:
            return _outcome(400, "value", f"{kind}.search")

    def _page(self, cursor: Cursor) -> Response:
        found = search(self.records, cursor.kind, cursor.params, self.zone)
        page = list(islice(found, cursor.offset, cursor.offset + cursor.count + 1))
        links: list[Json] = []
        if len(page) > cursor.count:
            token = self._cursors.keep(cursor.next())
            links.append({"relation": "next", "url": f"{self._base()}/fhir?_getpages={token}"})
        # The stored JSON of each resource goes out as it is: a page costs no encoding.
        entries = b",".join(
            b'{"fullUrl":"%s/fhir/%s/%s","resource":%s,"search":{"mode":"match"}}'
            % (self._base().encode(), cursor.kind.encode(), record.id.encode(), record.content)
            for record in page[: cursor.count]
        )
        body = b'{"resourceType":"Bundle","type":"searchset","link":%s,"entry":[%s]}'
        return Response(200, body % (json.dumps(links).encode(), entries), FHIR_JSON)

    def _create(self, kind: str, request: Request) -> Response:
        refused = self._refused(kind, request)
        if refused is not None:
            return refused
        condition = request.headers.get("if-none-exist")
        if condition is not None:
            params = tuple(parse_qsl(condition.partition("?")[2] or condition))
            if not params:
                return _outcome(400, "value", "If-None-Exist")
            matches = list(islice(search(self.records, kind, params, self.zone), 2))
            if len(matches) > 1:
                return _outcome(412, "multiple-matches")
            if matches:
                return _resource(200, matches[0])
        record = self.records.create(tree(request.json), self._clock.now())
        location = f"{self._base()}/fhir/{kind}/{record.id}/_history/{record.version}"
        return _resource(201, record, (("Location", location),))

    def _change(self, record: Record, wanted: Interaction, request: Request) -> Response:
        expected = request.headers.get("if-match")
        if expected is not None and expected != record.etag:
            return _outcome(412, "conflict")
        if wanted.name == "patch":
            patched = _patched(record.resource, request)
            if patched is None:
                return _outcome(400, "invalid", f"{wanted.kind}.patch")
            request = _with_json(request, patched)
        refused = self._refused(wanted.kind, request)
        if refused is not None:
            return refused
        resource = tree(request.json)
        if text(resource, "id") != record.id:
            return _outcome(400, "invalid", f"{wanted.kind}.id")
        changed = self.records.replace(record, resource, self._clock.now(), wanted.name)
        return _resource(200, changed)

    def _refused(self, kind: str, request: Request) -> Response | None:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if content_type not in (FHIR_JSON, "application/json"):
            return _outcome(415, "not-supported", "Content-Type")
        resource = tree(request.json)
        if not resource:
            return _outcome(400, "invalid", kind)

        def exists(target: str, id_: str) -> bool:
            return self.records.get(target, id_) is not None

        found = list(shape.issues(resource, kind, exists))
        return _outcomes(400, found) if found else None

    def _transaction(self, request: Request) -> Response:
        """Each entry by itself, in order: not atomic, and 200 whatever they did."""
        bundle = tree(request.json)
        if text(bundle, "type") not in ("transaction", "batch"):
            return _outcome(400, "invalid", "Bundle.type")
        made: dict[str, str] = {}
        answers: list[Json] = []
        for entry in trees(bundle, "entry"):
            response = self.handle(_entry_request(request, entry, made, f"/{self.tenant}/fhir"))
            found = tree(json.loads(response.body or b"{}"))
            if response.status < 300 and text(entry, "fullUrl"):
                made[text(entry, "fullUrl")] = f"{text(found, 'resourceType')}/{found.get('id')}"
            headers = dict(response.headers)
            said: Tree = {"status": str(response.status)}
            said |= {k.lower(): headers[k] for k in ("Location", "ETag") if k in headers}
            answers.append({"response": said, "resource": found})
        return _fhir(
            200, {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
        )


def _searched(request: Request) -> tuple[tuple[str, str], ...]:
    return request.form if request.method == "POST" else ()


def _patched(resource: Tree, request: Request) -> Tree | None:
    """JSON Patch of top-level members; None for an operation that is none."""
    if not request.headers.get("content-type", "").startswith("application/json-patch+json"):
        return None
    changed = dict(resource)
    operations = trees({"list": request.json}, "list")
    for operation in operations:
        name = text(operation, "path").removeprefix("/")
        match operation.get("op"):
            case "add" | "replace" if name and "/" not in name:
                changed[name] = operation.get("value")
            case "remove" if name in changed:
                del changed[name]
            case "test" if changed.get(name) == operation.get("value"):
                pass
            case _:
                return None
    return changed if operations else None


def _with_json(request: Request, value: Tree) -> Request:
    headers = {**request.headers, "content-type": FHIR_JSON}
    body = json.dumps(value).encode()
    return Request(request.method, request.path, request.query, headers, body)


def _entry_request(request: Request, entry: Tree, made: Mapping[str, str], base: str) -> Request:
    headers = {"authorization": request.headers.get("authorization", ""), "content-type": FHIR_JSON}
    for name, header in (("ifNoneExist", "if-none-exist"), ("ifMatch", "if-match")):
        value = text(entry, "request", name)
        if value:
            headers[header] = value
    body = json.dumps(entry.get("resource") or {})
    for placeholder, reference in made.items():
        body = body.replace(placeholder, reference)
    path, _, query = text(entry, "request", "url").partition("?")
    return Request(
        text(entry, "request", "method"),
        f"{base}/{path}",
        tuple(parse_qsl(query)),
        headers,
        body.encode(),
    )


def _fhir(status: int, value: Tree, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, json.dumps(value).encode(), FHIR_JSON, headers)


def _resource(status: int, record: Record, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, record.content, FHIR_JSON, (("ETag", record.etag), *headers))


def _outcome(status: int, code: str, expression: str = "") -> Response:
    return _outcomes(status, [shape.Issue(code, expression)])


def _outcomes(status: int, issues: list[shape.Issue]) -> Response:
    """An OperationOutcome: codes and elements, never a value."""
    listed: list[Json] = []
    for issue in issues:
        line: Tree = {"severity": "error", "code": issue.code}
        if issue.expression:
            line["expression"] = [issue.expression]
        listed.append(line)
    return _fhir(status, {"resourceType": "OperationOutcome", "issue": listed})
