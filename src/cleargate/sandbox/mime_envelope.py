"""The CAQH CORE 2.2.0 real-time envelope over HTTP+MIME, and how replies depart from it.

One part of a form for each field. The fields and the errors are those of the SOAP envelope, but
for UserName and Password, which are fields here. Source: CAQH CORE 270 Connectivity Rule 2.2.0,
4.2.1; the departures are what the MIME standards allow, and what careless writers do.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP

from cleargate.sandbox.envelope import (
    PAYLOAD_TYPES,
    RECEIVER,
    Asked,
    Credentials,
    Refusal,
    checked,
)
from cleargate.sandbox.wire import Request, Response

Fields = Iterable[tuple[str, str]]


def open_envelope(request: Request, expected: Credentials) -> Asked:
    """Read a request. Raises Refusal with the gateway's answer."""
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data;"):
        raise Refusal(Response(415))
    fields = _fields(content_type, request.body)
    if fields is None:
        raise Refusal(Response(400, b"malformed form", "text/plain"))
    payload_id = fields.get("PayloadID", "")
    for name in ("UserName", "Password"):
        if not fields.get(name):
            raise Refusal(error(f"{name}Required", payload_id))
    if (fields["UserName"], fields["Password"]) != (expected.username, expected.password):
        raise Refusal(error("UnAuthorized", payload_id))
    return checked(fields, error)


def _fields(content_type: str, body: bytes) -> dict[str, str] | None:
    """The form's fields; None for a form that is not written to the letter."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    boundary = message.get_boundary("")
    whole = body.startswith(f"--{boundary}\r\n".encode()) and body.endswith(
        f"\r\n--{boundary}--\r\n".encode()
    )
    if not boundary or not whole or not message.is_multipart():
        return None
    found: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_content_disposition() != "form-data" or not isinstance(name, str):
            return None
        if name in found or not isinstance(content, bytes):
            return None
        found[name] = content.decode("utf-8", "replace")
    return found


def reply(asked: Asked, payload: bytes, kind: str, deviation: str, now: datetime) -> Response:
    """The answer's envelope; `kind` is 271, 999 or TA1."""
    text = payload.decode("ascii")
    if deviation == "wrapped":
        # No envelope at all: what is asked for is the 271, and that is what comes.
        return Response(200, payload, "text/plain")
    fields = [
        ("PayloadType", PAYLOAD_TYPES[kind]),
        ("ProcessingMode", "RealTimeMode" if deviation == "real_time_mode" else "RealTime"),
        ("PayloadID", asked.payload_id),
        ("TimeStamp", f"{now:%Y-%m-%dT%H:%M:%SZ}"),
        ("SenderID", RECEIVER),
        ("ReceiverID", asked.sender),
        ("CORERuleVersion", "2.2.0"),
        ("Payload", text),
        ("ErrorCode", "Success"),
        ("ErrorMessage", ""),
    ]
    if deviation == "namespace_2_0_1":
        fields.reverse()
    return _form(fields, deviation)


def error(code: str, payload_id: str) -> Response:
    """A CORE error, with HTTP 200 as the rule has it."""
    return _form(
        [
            ("PayloadType", "CoreEnvelopeError"),
            ("ProcessingMode", "RealTime"),
            ("PayloadID", payload_id),
            ("SenderID", RECEIVER),
            ("CORERuleVersion", "2.2.0"),
            ("ErrorCode", code),
            ("ErrorMessage", code),
        ],
        "none",
    )


def _form(fields: Fields, deviation: str) -> Response:
    """A form, with the habits of one writer or another."""
    boundary = f"sandbox-{uuid.uuid5(uuid.NAMESPACE_OID, repr(fields)).hex}"
    head = {
        "none": 'Content-Disposition: form-data; name="{name}"',
        "escaped_cdata": "content-disposition:form-data;name={name}",
        "real_time_mode": 'CONTENT-DISPOSITION: form-data; NAME="{name}"',
        "multipart": "Content-Type: text/plain\r\nContent-ID: <{name}>",
        "namespace_2_0_1": 'Content-Disposition: attachment;\r\n name="{name}"; filename="x"',
    }[deviation]
    lines = []
    for name, value in fields:
        lines += [f"--{boundary}", head.format(name=name), "", value]
    text = "\r\n".join([*lines, f"--{boundary}--", ""])
    if deviation == "escaped_cdata":
        text = text.replace("\r\n", "\n")
    kind = "mixed" if deviation == "multipart" else "form-data"
    quoted = boundary if deviation in ("none", "escaped_cdata") else f'"{boundary}"'
    return Response(200, text.encode("ascii"), f"multipart/{kind}; boundary={quoted}")
