"""Every value of an XML document with its place, and the document again with others in them.

Read as text, for white space, quotes and the order of everything shall stay. Only names of known
elements are kept, of attributes only the declarations of known namespaces; comments lose their
words. A text that is a document itself (an envelope's) is handed to `inside`.
"""

import re
from collections.abc import Callable
from html import unescape
from xml.sax.saxutils import escape

from cleargate.eligibility.lab.leaf import KNOWN_NAMES, Kind, Leaf, Visit, kind_of
from cleargate.nouns.errors import Refused

DEPTH_MAX = 64

Inside = Callable[[str], str | None]
"""Rewrites a document within a document; None for what is none."""

_TOKEN = re.compile(
    r"(?P<comment><!--.*?-->)|(?P<cdata><!\[CDATA\[(?P<raw>.*?)\]\]>)|(?P<pi><\?.*?\?>)"
    r"|(?P<tag><(?P<end>/?)(?P<name>[^\s<>/!?]++)(?P<rest>(?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)>)"
    r"|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(\s++)([^\s=/]++)(\s*+=\s*+)(\"[^\"]*\"|'[^']*')|(\s*+/?\s*+\Z)")
"""Both give nothing back that they took, so that no document takes more than one walk."""
_DECLARATION = re.compile(
    r"<\?xml\s+version=[\"']1\.\d[\"'](?:\s+encoding=[\"'](?:utf-?(?:8|16)|iso-8859-1|us-ascii"
    r"|windows-1252)[\"'])?(?:\s+standalone=[\"'](?:yes|no)[\"'])?\s*\?>",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"soap(?:env|12)?|s|xsi|xsd|xs|ns\d|xmlns|gedi", re.IGNORECASE)
_NAMESPACES = frozenset(
    """
    GatewayEDI.WebServices http://schemas.xmlsoap.org/soap/envelope/
    http://schemas.xmlsoap.org/soap/encoding/ http://schemas.xmlsoap.org/wsdl/
    http://www.w3.org/2003/05/soap-envelope http://www.w3.org/2001/XMLSchema
    http://www.w3.org/2001/XMLSchema-instance http://www.w3.org/2005/08/addressing
    http://www.w3.org/XML/1998/namespace http://www.w3.org/2000/09/xmldsig#
    """.split()  # noqa: SIM905
)


def rewrite(text: str, visit: Visit, inside: Inside) -> str:
    """The document, with what `visit` says at every place. Refused where it is no XML."""
    if "<!DOCTYPE" in text:
        raise Refused("The XML has a DTD; answers have none.")
    parts: list[str] = []
    path: list[str] = []
    line = 1
    at = 0
    while (token := _TOKEN.match(text, at)) is not None and len(path) <= DEPTH_MAX:
        parts.append(_token(token, path, line, visit, inside))
        line += token.group().count("\n")
        at = token.end()
    if at != len(text):
        raise Refused(f"The XML is malformed, or too deep, on line {line}.")
    return "".join(parts)


def _token(token: re.Match[str], path: list[str], line: int, visit: Visit, inside: Inside) -> str:
    match token.lastgroup:
        case "comment":
            return "<!-- -->" if _seen(token["comment"][4:-3], line, visit) else "<!---->"
        case "pi":
            return token["pi"] if _DECLARATION.fullmatch(token["pi"]) else "<?removed?>"
        case "cdata":
            return f"<![CDATA[{_text(token['raw'], path, line, visit, inside)}]]>"
        case "tag":
            return _tag(token, path, line, visit)
        case _:
            new = _text(unescape(token["text"]), path, line, visit, inside)
            return token["text"] if new == unescape(token["text"]) else escape(new)


def _seen(words: str, line: int, visit: Visit) -> bool:
    """Let a comment's words count as replaced; whether there were any."""
    if words.strip():
        visit(Leaf(words, Kind.UNKNOWN, f"line {line}, a comment"))
    return bool(words.strip())


def _tag(token: re.Match[str], path: list[str], line: int, visit: Visit) -> str:
    prefix, colon, local = token["name"].rpartition(":")
    name = _name(local, line, visit)
    if token["end"]:
        del path[-1:]
        return f"</{_prefix(prefix, line, visit)}{colon}{name}>"
    rest = _attributes(token["rest"], line, visit)
    if not token["rest"].rstrip().endswith("/"):
        path.append(local)
    return f"<{_prefix(prefix, line, visit)}{colon}{name}{rest}>"


def _attributes(text: str, line: int, visit: Visit) -> str:
    """What stands behind a tag's name. Refused where it is anything but attributes."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        found = _ATTRIBUTE.match(text, at)
        if found is None:
            raise Refused(f"The XML is malformed, or too deep, on line {line}.")
        parts.append(_attribute(found, line, visit))
        at = found.end()
    return "".join(parts)


def _attribute(found: re.Match[str], line: int, visit: Visit) -> str:
    gap, name, equals, quoted, end = found.groups()
    if end is not None:
        return end
    prefix, colon, local = name.rpartition(":")
    value, quote = unescape(quoted[1:-1]), quoted[0]
    if prefix == "xmlns" or name == "xmlns":
        own = f"xmlns:{_prefix(local, line, visit)}" if prefix else "xmlns"
        new = value if value in _NAMESPACES else "urn:" + _unknown(value, line, visit)
        return f"{gap}{own}{equals}{quote}{escape(new)}{quote}"
    own = _prefix(prefix, line, visit) + colon + _unknown_name(local, line, visit)
    return f"{gap}{own}{equals}{quote}{escape(_unknown(value, line, visit))}{quote}"


def _unknown(value: str, line: int, visit: Visit) -> str:
    """What stands in an attribute, which no answer needs."""
    if not value.strip():
        return value
    visit(Leaf(value, Kind.UNKNOWN, f"line {line}, an attribute"))
    return "removed"


def _name(local: str, line: int, visit: Visit) -> str:
    return local if local in KNOWN_NAMES else _unknown_name(local, line, visit)


def _unknown_name(local: str, line: int, visit: Visit) -> str:
    """A name that may hold anything; the same one becomes the same again."""
    letters = "".join(sign if sign.isalpha() and sign.isascii() else "x" for sign in local)
    return "x" + visit(Leaf(letters, Kind.UNKNOWN, f"line {line}, a name"))


def _prefix(prefix: str, line: int, visit: Visit) -> str:
    return prefix if not prefix or _PREFIX.fullmatch(prefix) else _unknown_name(prefix, line, visit)


def _text(value: str, path: list[str], line: int, visit: Visit, inside: Inside) -> str:
    body = value.strip()
    if not body:
        return value
    new = inside(body)
    if new is None:
        where = f"line {line}" + (f", {path[-1]}" if path and path[-1] in KNOWN_NAMES else "")
        new = visit(Leaf(body, kind_of(tuple(path)), where, ".".join(path[-2:])))
    start = value.index(body)
    return value[:start] + new + value[start + len(body) :]
