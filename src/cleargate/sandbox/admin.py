"""The sandbox's own pages under `/_admin`: people, clients, faults, the ledger, the calls."""

from collections.abc import Callable, Mapping

from cleargate.nouns.errors import Refused
from cleargate.sandbox.clinic import Resident
from cleargate.sandbox.faults import Fault, Mix, Planned
from cleargate.sandbox.report import report
from cleargate.sandbox.trees import Json, Tree, text, texts, tree, trees, whole
from cleargate.sandbox.wire import Request, Response, json_response
from cleargate.sandbox.world import World


class Admin:
    """Answers `/_admin`; anything else goes on to the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages: Mapping[tuple[str, str], Callable[[Tree], Response]] = {
            ("GET", "health"): self._health,
            ("GET", "ledger"): self._ledger,
            ("GET", "calls"): self._calls,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._plan_faults,
            ("POST", "clients"): self._clients,
            ("POST", "people"): self._people,
            ("POST", "capability"): self._capability,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if not request.parts or request.parts[0] != "_admin":
            return self._world.handle(request)
        page = self._pages.get((request.method, "/".join(request.parts[1:])))
        if page is None:
            return json_response(404, {"error": "not_found"})
        try:
            return page(tree(request.json))
        except (Refused, ValueError, KeyError, TypeError) as error:
            return json_response(400, {"error": str(error)})

    def _health(self, _: Tree) -> Response:
        options = self._world.options
        return json_response(
            200,
            {
                "status": "ok",
                "seed": options.seed,
                "faults": self._world.faults.mix.text,
                "today": {
                    tenant: self._world.today(tenant).isoformat() for tenant in options.tenants
                },
                "tenants": [*options.tenants],
            },
        )

    def _ledger(self, _: Tree) -> Response:
        world = self._world
        records = {tenant: ehr.records for tenant, ehr in world.ehrs.items()}
        mails, drawn = world.mailbox.mails, world.faults.drawn
        return json_response(200, report(world.effects, records, mails, world.questions, drawn))

    def _calls(self, _: Tree) -> Response:
        return json_response(200, {"calls": self._world.received.lines()})

    def _faults(self, _: Tree) -> Response:
        plan = self._world.faults
        planned: list[Json] = [
            {"match": p.match, "fault": p.fault.value, "times": p.times} for p in plan.planned
        ]
        return json_response(
            200, {"mix": plan.mix.text, "planned": planned, "drawn": {**plan.drawn}}
        )

    def _plan_faults(self, body: Tree) -> Response:
        plan = self._world.faults
        if body.get("clear"):
            plan.planned.clear()
        if "mix" in body:
            plan.mix = Mix.parse(text(body, "mix"))
        if "fault" in body:
            plan.planned.append(
                Planned(
                    match=text(body, "match") or "*",
                    fault=Fault(text(body, "fault")),
                    times=whole(body, "times", default=1),
                    contains=text(body, "contains"),
                    delay_ms=whole(body, "delay_ms", default=1500),
                )
            )
        return self._faults(body)

    def _clients(self, body: Tree) -> Response:
        client_id, jwks = text(body, "client_id"), tree(body["jwks"])
        self._world.register_client(self._tenant(body), client_id, jwks)
        return json_response(201, {"client_id": text(body, "client_id")})

    def _people(self, body: Tree) -> Response:
        members = sum(self._world.enrol(entry) for entry in trees(body, "members"))
        patients: list[Json] = []
        for entry in trees(body, "patients"):
            tenant = self._tenant(entry)
            known = {name: text(entry, name) for name in _RESIDENT if text(entry, name)}
            patients.append(
                {"tenant": tenant, "id": self._world.add_resident(tenant, Resident(**known))}
            )
        return json_response(200, {"members": members, "patients": patients})

    def _capability(self, body: Tree) -> Response:
        """Take types of resources away from a practice's EHR, until told otherwise."""
        without = frozenset(texts(body, "without"))
        self._world.ehrs[self._tenant(body)].without = without
        return json_response(200, {"without": [*sorted(without)]})

    def _tenant(self, body: Tree) -> str:
        tenant = text(body, "tenant")
        if tenant not in self._world.ehrs:
            raise Refused("tenant: no such practice here")
        return tenant


_RESIDENT = tuple(Resident.__dataclass_fields__)
