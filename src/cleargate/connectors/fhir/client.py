"""FHIR's REST calls, and what this vendor's failures mean; the only file that decides that.

Nothing is taken on trust: a success is a readable answer about the record that was meant, every
hit of a search is looked at again, and a search that does not end is an error.
"""

import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, TypeAdapter, ValidationError

from cleargate.connectors.fhir.mapping import identifier_search
from cleargate.connectors.fhir.resources import (
    Bundle,
    CapabilityStatement,
    Head,
    Resource,
    outcome_of,
)
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.wires.http import Http, Reply, parts_of
from cleargate.connectors.wires.smart import SmartHttp
from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import DISCOVER
from cleargate.ports import Dedupe

FHIR_JSON = "application/fhir+json"

_Model = TypeVar("_Model", bound=BaseModel)
_RESOURCE = TypeAdapter(Resource)
_LOCATION = re.compile(
    r"/(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(/_history/(?P<v>.+))?"
)
_ETAG = re.compile(r'(?:W/)?"(?P<v>[^"]+)"')
_GONE = frozenset({"404:not-found", "410", "410:deleted", "410:not-found"})
_ABOUT_ACCESS = frozenset({"", "security", "login", "unknown", "expired", "forbidden"})


class FhirClient:
    """One FHIR server, as far as we use it."""

    def __init__(self, http: Http, authorised: SmartHttp, settings: FhirSettings) -> None:
        self.connection = http.connection
        self._http = http
        self._authorised = authorised
        self._settings = settings
        self._base = settings.base_url
        self._capability: CapabilityStatement | None = None

    def capability(self) -> CapabilityStatement:
        """The server's own statement; asked once."""
        if self._capability is None:
            reply = self._http.call(
                "GET",
                f"{self._base}/metadata",
                operation=DISCOVER,
                write=False,
                headers={"Accept": FHIR_JSON},
            )
            if reply.status != 200:
                raise self._failure(reply, write=False)
            self._capability = self._read_as(CapabilityStatement, reply, write=False)
        return self._capability

    def dedupe(self, kind: str) -> Dedupe:
        """How the server keeps a create of this type from happening twice."""
        about = self.capability().of(kind)
        if "create" not in {interaction.code for interaction in about.interaction}:
            return Dedupe.NONE
        if about.conditional_create:
            return Dedupe.NATIVE_KEY
        searchable = self.can_search(kind, "identifier")
        return Dedupe.SEARCHABLE_REF if searchable else Dedupe.NONE

    def can_search(self, kind: str, parameter: str) -> bool:
        """Whether searches of this type obey a parameter."""
        return parameter in {known.name for known in self.capability().of(kind).search}

    def read(self, kind: str, record_id: str) -> Resource:
        """One record; REJECTED when it is not there."""
        reply = self._call("GET", self._url(kind, record_id), operation=f"read:{kind}", write=False)
        if reply.status != 200:
            raise self._failure(reply, write=False)
        resource = self._resource(reply)
        head = self.view(Head, resource)
        if head.type != kind or head.id != record_id:
            raise self._http.unreadable(reply, write=False)
        return resource

    def read_if_there(self, kind: str, record_id: str) -> Resource | None:
        """One record, or None when the server says that it has gone.

        A 404 without FHIR's own word for it may be that of a gateway, and is an error.
        """
        try:
            return self.read(kind, record_id)
        except PortError as failure:
            if failure.vendor_code in _GONE:
                return None
            raise

    def search(self, kind: str, parameters: Sequence[tuple[str, str]]) -> list[Resource]:
        """All hits of one type, from all pages, each once.

        The form travels in the body: names and birth dates are kept out of addresses. REJECTED
        `too_many_hits` when the pages do not end, or when the server cuts a result off.
        """
        # A full page without a link to the next is the whole result, or its beginning. A server
        # that is asked for one more tells which.
        for count in (self._settings.page_size, self._settings.page_size + 1):
            hits = self._search(kind, [*parameters, ("_count", str(count))], count)
            if hits is not None:
                return hits
        raise self._refusal("too_many_hits")

    def _search(
        self, kind: str, form: Sequence[tuple[str, str]], count: int
    ) -> list[Resource] | None:
        """One search through its pages; None when it may have been cut off at `count`."""
        reply = self._call(
            "POST",
            f"{self._url(kind)}/_search",
            operation=f"search:{kind}",
            write=False,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
        )
        hits: dict[str, Resource] = {}
        for number in range(self._settings.pages_max):
            if reply.status != 200:
                raise self._failure(reply, write=False)
            page = self._read_as(Bundle, reply, write=False)
            for entry in page.entry:
                found = entry.resource.get("id")
                if entry.resource.get("resourceType") == kind and found and isinstance(found, str):
                    hits[found] = entry.resource
            following = page.next_url()
            if not following:
                whole = number > 0 or len(page.entry) < count or page.total == len(hits)
                return list(hits.values()) if whole else None
            self._expect_own_address(following)
            reply = self._call("GET", following, operation=f"search:{kind}", write=False)
        raise self._refusal("too_many_hits")

    def find(self, kind: str, ref: Ref) -> Resource | None:
        """The record that carries our Ref. REJECTED when several do: a person has to look."""
        found = [
            resource
            for resource in self.search(kind, [("identifier", identifier_search(ref))])
            if self.view(Head, resource).carries(ref)
        ]
        if len(found) > 1:
            raise self._refusal("duplicate_ref")
        return found[0] if found else None

    def create(self, resource: Resource, ref: Ref) -> Receipt:
        """Create a record once per Ref. UNSUPPORTED where the server could not keep it to once."""
        kind = self.view(Head, resource).type
        dedupe = self.dedupe(kind)
        if dedupe is Dedupe.NONE:
            raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code=f"create:{kind}")
        if dedupe is Dedupe.SEARCHABLE_REF and (earlier := self.find(kind, ref)):
            return self._receipt(earlier, Outcome.EXISTED)
        reply = self._call(
            "POST",
            self._url(kind),
            operation=f"create:{kind}",
            write=True,
            headers={
                "Content-Type": FHIR_JSON,
                "If-None-Exist": f"identifier={identifier_search(ref)}",
                "Prefer": "return=representation",
            },
            content=_RESOURCE.dump_json(resource),
        )
        if reply.status == 201:
            return self._created(reply, kind, ref)
        if reply.status == 200:
            return self._existing(reply, kind, ref)
        if reply.status == 412:
            # A conditional create finds several records: not a lost race, nothing to repeat.
            raise self._failure(reply, write=True, kind=ErrorKind.REJECTED)
        raise self._failure(reply, write=True)

    def update(self, resource: Resource) -> str:
        """Put a record back over the version that it was read in; CONFLICT when it has moved on.

        The answer is the new version. UNSUPPORTED where the server keeps no versions.
        """
        head = self.view(Head, resource)
        if not head.meta.version:
            raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="no_versions")
        reply = self._call(
            "PUT",
            self._url(head.type, head.id),
            operation=f"update:{head.type}",
            write=True,
            headers={
                "Content-Type": FHIR_JSON,
                "If-Match": f'W/"{head.meta.version}"',
                "Prefer": "return=representation",
            },
            content=_RESOURCE.dump_json(resource),
        )
        if reply.status not in (200, 201):
            raise self._failure(reply, write=True)
        version = _etag(reply)
        if not reply.content and version:
            return version
        written = self._read_as(Head, reply, write=True)
        if (written.type, written.id) != (head.type, head.id):
            raise self._http.unreadable(reply, write=True)
        return written.meta.version or version

    def view(self, model: type[_Model], resource: Resource) -> _Model:
        """A record as one of our models; RETRYABLE when it has another shape."""
        try:
            return model.model_validate(resource)
        except ValidationError:
            raise PortError(
                ErrorKind.RETRYABLE, self.connection, vendor_code="unreadable_answer"
            ) from None

    def _created(self, reply: Reply, kind: str, ref: Ref) -> Receipt:
        """A 201 names its record in Location; some servers only show it, some do neither."""
        location = _LOCATION.search(parts_of(reply.headers.get("location", "")).path)
        if location and location["type"] == kind:
            version = location["v"] or _etag(reply)
            return Receipt(location["id"], Outcome.CREATED, version)
        found = self._carrier(reply, kind, ref)
        return self._receipt(found, Outcome.CREATED)

    def _existing(self, reply: Reply, kind: str, ref: Ref) -> Receipt:
        """A 200 says "there is one": believed only of a record that carries our Ref."""
        return self._receipt(self._carrier(reply, kind, ref), Outcome.EXISTED)

    def _carrier(self, reply: Reply, kind: str, ref: Ref) -> Resource:
        """The record with our Ref: the one in the answer, or else the one that a search finds."""
        try:
            shown = _RESOURCE.validate_json(reply.content)
            head = Head.model_validate(shown)
        except ValidationError:
            head, shown = Head(), {}
        if head.type == kind and head.id and head.carries(ref):
            return shown
        found = self.find(kind, ref)
        if found is None:
            raise self._http.unreadable(reply, write=True)
        return found

    def _receipt(self, resource: Resource, outcome: Outcome) -> Receipt:
        head = self.view(Head, resource)
        return Receipt(head.id, outcome, head.meta.version)

    def _call(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        write: bool,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
    ) -> Reply:
        asked = {"Accept": FHIR_JSON, **(headers or {})}
        return self._authorised.call(
            method, url, operation=operation, write=write, headers=asked, content=content
        )

    def _url(self, kind: str, record_id: str = "") -> str:
        return f"{self._base}/{kind}" + (f"/{quote(record_id, safe='')}" if record_id else "")

    def _resource(self, reply: Reply) -> Resource:
        try:
            return _RESOURCE.validate_json(reply.content)
        except ValidationError:
            raise self._http.unreadable(reply, write=False) from None

    def _read_as(self, model: type[_Model], reply: Reply, *, write: bool) -> _Model:
        try:
            return model.model_validate_json(reply.content)
        except ValidationError:
            raise self._http.unreadable(reply, write=write) from None

    def _failure(self, reply: Reply, *, write: bool, kind: ErrorKind | None = None) -> PortError:
        """A status that is no success, with the issue and the elements that the server names."""
        issue, fields = outcome_of(reply.content)
        if reply.status == 403 and issue not in _ABOUT_ACCESS:
            # The server lets us in and refuses this record: the connection is well.
            kind = ErrorKind.REJECTED
        code = f"{reply.status}:{issue}" if issue else str(reply.status)
        return self._http.failure(reply, write=write, kind=kind, code=code, fields=fields)

    def _refusal(self, code: str) -> PortError:
        return PortError(ErrorKind.REJECTED, self.connection, vendor_code=code)

    def _expect_own_address(self, url: str) -> None:
        """The token goes with every call: a link may not lead it to another host."""
        ours, theirs = parts_of(self._base), parts_of(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise self._refusal("foreign_link")


def _etag(reply: Reply) -> str:
    found = _ETAG.fullmatch(reply.headers.get("etag", ""))
    return found["v"] if found else ""
