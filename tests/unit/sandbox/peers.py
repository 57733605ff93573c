"""A registered client of the sandbox, as plain as a client can be: no retries, no tricks."""

import time
import uuid
from datetime import date

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Json, Tree, text, tree

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REF = "urn:cleargate:ref"
NPI = "1234567893"
KEY = ECKey.generate_key("P-384", auto_kid=True)


def assertion(token_url: str, **changes: object) -> str:
    claims: dict[str, object] = {
        "iss": "peer",
        "sub": "peer",
        "aud": token_url,
        "exp": int(time.time()) + 200,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode({"alg": "ES384", "kid": KEY.kid}, claims | changes, KEY, ["ES384"])


class Peer(httpx2.Client):
    """An HTTP client that holds a token of one tenant."""

    def __init__(self, sandbox: Sandbox, tenant: str = "riverside") -> None:
        super().__init__(base_url=text(sandbox.ready, "base_url"), timeout=5.0)
        self.sandbox = sandbox
        self.tenant = tenant
        self.fhir = f"/{tenant}/fhir"
        self.token_url = text(sandbox.ready, "tenants", tenant, "token")

    def sign_in(self) -> "Peer":
        jwks = {"keys": [KEY.as_dict(private=False)]}
        body = {"tenant": self.tenant, "client_id": "peer", "jwks": jwks}
        assert self.post("/_admin/clients", json=body).status_code == 201
        granted = self.ask_token()
        assert granted.status_code == 200
        self.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        return self

    def ask_token(self, **changes: str) -> httpx2.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(self.token_url),
        }
        return self.post(self.token_url, data=form | changes)

    def create(self, resource: Tree, ref: str = "", **headers: str) -> httpx2.Response:
        if ref:
            headers["If-None-Exist"] = f"identifier={REF}|{ref}"
        kind = text(resource, "resourceType")
        return self.post(
            f"{self.fhir}/{kind}",
            json=resource,
            headers={"Content-Type": "application/fhir+json", **headers},
        )

    def plan(self, fault: str, match: str = "*", times: int = 1, contains: str = "") -> None:
        body = {"fault": fault, "match": match, "times": times, "contains": contains}
        assert self.post("/_admin/faults", json=body).status_code == 200

    def ledger(self) -> Tree:
        return tree(self.get("/_admin/ledger").json())

    def free_slot(self, position: int = 0) -> Tree:
        found = self.get(f"{self.fhir}/Slot", params={"status": "free", "service-type": "eval"})
        return tree(found.json()["entry"][position]["resource"])

    def claim(self, slot: Tree, ref: str, version: str = "1") -> httpx2.Response:
        busy = {**slot, "status": "busy", "identifier": [{"system": REF, "value": ref}]}
        return self.put(
            f"{self.fhir}/Slot/{slot['id']}", json=busy, headers={"If-Match": f'W/"{version}"'}
        )

    def ask_payer(self, question: bytes, **changes: str) -> httpx2.Response:
        return self.post(
            text(self.sandbox.ready, "clearinghouse", "url"),
            content=envelope(self.sandbox, question, **changes),
            headers={"Content-Type": "application/soap+xml; charset=utf-8"},
        )

    def enrol(self, **member: Json) -> None:
        assert self.post("/_admin/people", json={"members": [MEMBER | member]}).status_code == 200


MEMBER: Tree = {
    "payer": "60054",
    "member_id": "W001",
    "group": "G1",
    "family": "Samplewright",
    "given": "Walter",
    "birth_date": "1970-01-02",
    "sex": "male",
    "state": "active",
    "dependents": [
        {
            "family": "Samplewright",
            "given": "Minna",
            "birth_date": "2012-03-04",
            "sex": "female",
            "relationship": "child",
        }
    ],
}


def patient(ref: str = "", given: str = "Walter", **more: Json) -> Tree:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": REF, "value": ref}] if ref else [],
        "name": [{"family": "Samplewright", "given": [given]}],
        "birthDate": "1970-01-02",
        **more,
    }


def appointment(patient_id: str, slot: Tree, ref: str, **more: Json) -> Tree:
    return {
        "resourceType": "Appointment",
        "identifier": [{"system": REF, "value": ref}],
        "status": "booked",
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient_id}"}, "status": "accepted"},
        ],
        **more,
    }


def envelope(sandbox: Sandbox, question: bytes, **changes: str) -> bytes:
    house = tree(sandbox.ready["clearinghouse"])
    said = {
        "username": text(house, "username"),
        "password": text(house, "password"),
        "payload_type": "X12_270_Request_005010X279A1",
        "mode": "RealTime",
        "payload_id": str(uuid.uuid4()),
        "receiver": text(house, "receiver_id"),
        "version": "2.2.0",
        "namespace": "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd",
    } | changes
    wss = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>'
        f'<w:Security xmlns:w="{wss}-wssecurity-secext-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>{said['username']}</w:Username>"
        f'<w:Password Type="{wss}-username-token-profile-1.0#PasswordText">'
        f"{said['password']}</w:Password></w:UsernameToken></w:Security></s:Header><s:Body>"
        f'<c:COREEnvelopeRealTimeRequest xmlns:c="{said["namespace"]}">'
        f"<PayloadType>{said['payload_type']}</PayloadType>"
        f"<ProcessingMode>{said['mode']}</ProcessingMode>"
        f"<PayloadID>{said['payload_id']}</PayloadID><TimeStamp>2026-11-22T12:00:00Z</TimeStamp>"
        f"<SenderID>riverside</SenderID><ReceiverID>{said['receiver']}</ReceiverID>"
        f"<CORERuleVersion>{said['version']}</CORERuleVersion>"
        f"<Payload><![CDATA[{question.decode()}]]></Payload>"
        "</c:COREEnvelopeRealTimeRequest></s:Body></s:Envelope>"
    ).encode()


def question(
    *,
    payer: str = "60054",
    npi: str = NPI,
    member_id: str = "W001",
    given: str = "Walter",
    birth: str = "19700102",
    dependent: tuple[str, str] | None = None,
    trace: str = "trace-1",
    on: date = date(2026, 12, 1),
) -> bytes:
    """A 270 written by hand; SE01 is counted."""
    lines = [
        "ST*270*0001*005010X279A1",
        "BHT*0022*13*1*20261122*1200",
        "HL*1**20*1",
        f"NM1*PR*2*PAYER*****PI*{payer}",
        "HL*2*1*21*1",
        f"NM1*1P*2*SAMPLE CLINIC*****XX*{npi}",
        f"HL*3*2*22*{1 if dependent else 0}",
        *([] if dependent else [f"TRN*1*{trace}*9CLEARGATE"]),
        f"NM1*IL*1*SAMPLEWRIGHT*{given}****MI*{member_id}",
        f"DMG*D8*{birth}*M",
    ]
    if dependent:
        lines += [
            "HL*4*3*23*0",
            f"TRN*1*{trace}*9CLEARGATE",
            f"NM1*03*1*SAMPLEWRIGHT*{dependent[0]}",
            f"DMG*D8*{dependent[1]}*F",
        ]
    lines += [f"DTP*291*D8*{on:%Y%m%d}", "EQ*PT^30"]
    lines.append(f"SE*{len(lines) + 1}*0001")
    head = (
        "ISA*00*          *00*          *ZZ*RIVERSIDE      *ZZ*SANDBOXCH      *261122*1200*^"
        "*00501*000000009*0*T*:~GS*HS*RIVERSIDE*SANDBOXCH*20261122*1200*9*X*005010X279A1~"
    )
    return (head + "".join(f"{line}~" for line in lines) + "GE*1*9~IEA*1*000000009~").encode()
