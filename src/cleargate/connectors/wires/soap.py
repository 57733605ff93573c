"""SOAP 1.2: the envelope that goes out, with whatever signs it in, and the parts that come in.

What comes in is a stranger's: no entities, no DTD, no network. Errors say that it is unreadable
and keep nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from xml.sax.saxutils import escape

from lxml import etree

from cleargate.connectors.wires.mime import Unreadable, parameter, parts
from cleargate.connectors.wires.questions import plain_code
from cleargate.nouns.errors import ErrorKind

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WORDS_MAX = 2000
"""So many characters of a fault's reason are looked at."""

_ACCESS_FAULTS = frozenset({"FailedAuthentication", "InvalidSecurityToken", "InvalidSecurity"})
_SENDER_FAULTS = frozenset({"Sender", "Client", "MustUnderstand", "VersionMismatch"})

_ENVELOPE = """\
<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="{soap}">
<soap:Header>
{header}
</soap:Header>
<soap:Body>{body}</soap:Body>
</soap:Envelope>
"""
_WS_SECURITY = """\
<wsse:Security soap:mustUnderstand="true" xmlns:wsse="{wsse}-wssecurity-secext-1.0.xsd">
<wsse:UsernameToken>
<wsse:Username>{username}</wsse:Username>
<wsse:Password Type="{wsse}-username-token-profile-1.0#PasswordText">{password}</wsse:Password>
</wsse:UsernameToken>
</wsse:Security>"""


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer: its XML, and what the XML includes by Content-ID (XOP)."""

    root: "etree._Element"
    attachments: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: its code and innermost subcode, without prefixes. Its text is dropped."""

    code: str
    subcode: str


def envelope(body: str, *, header: str) -> bytes:
    """The request around a header and a body that are XML already."""
    return _ENVELOPE.format(soap=SOAP_12, header=header, body=body).encode()


def username_token(username: str, password: str) -> str:
    """WS-Security's header that signs a request in."""
    return _WS_SECURITY.format(wsse=_WSSE, username=escape(username), password=escape(password))


def cdata(text: str) -> str:
    """Text as a CDATA section; its own `]]>` is cut over two sections."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def parse(content_type: str, content: bytes) -> Parts:
    """Read an answer, plain or multipart. Raises Unreadable."""
    if not content_type.lower().startswith("multipart/"):
        return Parts(_xml(content), {})
    named = {
        part.headers.get("content-id", "").strip("<>"): part.content
        for part in parts(content_type, content)
    }
    start = parameter(content_type, "start").strip("<>")
    root = named.get(start) or next(iter(named.values()), b"")
    return Parts(_xml(root), named)


def text_of(element: "etree._Element", attachments: Mapping[str, bytes]) -> bytes:
    """What an element holds, inline or as an attachment that it includes."""
    include = next((child for child in element if local_name(child) == "Include"), None)
    if include is None:
        return (element.text or "").encode()
    name = unquote(str(include.get("href", "")).removeprefix("cid:"))
    if name not in attachments:
        raise Unreadable
    return attachments[name]


def find(root: "etree._Element", name: str) -> "etree._Element | None":
    """The first element with a local name, whatever its namespace and wrapping."""
    return next((element for element in root.iter() if local_name(element) == name), None)


def fault_of(root: "etree._Element") -> Fault | None:
    """The fault that an envelope carries, SOAP 1.2 or 1.1."""
    fault = find(root, "Fault")
    if fault is None:
        return None
    values = [
        (element.text or "").strip().rpartition(":")[2]
        for element in fault.iter()
        if local_name(element) in ("Value", "faultcode")
    ]
    return Fault(values[0] if values else "", values[-1] if len(values) > 1 else "")


def fault_words(root: "etree._Element") -> str:
    """The reason of a fault, to be searched for known words and never shown."""
    fault = find(root, "Fault")
    return "" if fault is None else " ".join(map(str, fault.itertext()))[:WORDS_MAX]


def fault_kind(fault: Fault) -> ErrorKind | None:
    """What a fault means; None when only the HTTP status can say."""
    if fault.subcode in _ACCESS_FAULTS or fault.code in _ACCESS_FAULTS:
        return ErrorKind.AUTH
    return ErrorKind.REJECTED if fault.code in _SENDER_FAULTS else None


def fault_code(fault: Fault) -> str:
    """A fault in one word, such as `fault:Sender`."""
    word = plain_code(fault.subcode or fault.code)
    return f"fault:{word}" if word else "fault"


def local_name(element: "etree._Element") -> str:
    """An element's name without its namespace; empty for a comment or an instruction."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _xml(content: bytes) -> "etree._Element":
    # The parser leaves entities alone, but a DTD alone can cost time: it is refused unread.
    if b"<!DOCTYPE" in content:
        raise Unreadable
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content.strip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable
    return root
