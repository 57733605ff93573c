"""What a question to a payer is called, and whom it is about, by the door that it came through."""

import re
from collections.abc import Callable

from cleargate.sandbox.faults import ANY_HTTP, Call, Fault
from cleargate.sandbox.trees import text
from cleargate.sandbox.wire import Request

_PAYER = re.compile(rb"NM1(.)PR\1(?:.*?\1){7}([\w-]+)", re.DOTALL)
_MEMBER = re.compile(rb"NM1(.)IL\1(?:.*?\1){7}([\w-]+)", re.DOTALL)
_CODE = re.compile(r"[\w-]{1,40}", re.ASCII)
_PAIR = re.compile(r"<Name>(\w+)</Name>\s*<Value>([\w-]{1,80})</Value>", re.ASCII)
_X12 = ANY_HTTP | {Fault.TRUNCATED_271}
_BEARER = ANY_HTTP | {Fault.UNAUTHORIZED}


def question_call(request: Request) -> Call:
    """The call of a request below /clearinghouse."""
    door = request.parts[1] if len(request.parts) > 1 else ""
    return _DOORS.get(door, _core)(request)


def _core(request: Request) -> Call:
    return _x12("core", request.body)


def _core_mime(request: Request) -> Call:
    return _x12("core_mime", request.body)


def _waystar(request: Request) -> Call:
    return _x12("waystar", dict(request.form).get("Data", "").encode())


def _x12(door: str, question: bytes) -> Call:
    payer, member = _PAYER.search(question), _MEMBER.search(question)
    code = payer[2].decode() if payer else "unreadable"
    return Call(f"{door}:{code}", member[2].decode() if member else "", _X12)


def _stedi(request: Request) -> Call:
    return _medical_network("stedi", request, ANY_HTTP)


def _trizetto(request: Request) -> Call:
    pairs = _PAIR.findall(request.body.decode("utf-8", "replace"))
    named = {name.lower(): value for name, value in pairs}
    payer = named.get("gedipayerid", "unreadable")
    return Call(f"trizetto:{payer}", named.get("insurancenum", ""), _X12)


def _optum(request: Request) -> Call:
    if request.parts[-1] == "token":
        return Call("optum:token", "", ANY_HTTP)
    return _medical_network("optum", request, _BEARER)


def _medical_network(door: str, request: Request, open_to: frozenset[Fault]) -> Call:
    member = text(request.json, "subscriber", "memberId")
    return _named(door, text(request.json, "tradingPartnerServiceId"), member, open_to)


def _availity(request: Request) -> Call:
    """A token, a question, or a look for its answer, whose id follows from who was asked about."""
    if request.parts[-1] == "token":
        return Call("availity:token", "", ANY_HTTP)
    if request.method != "POST":
        return Call("availity:poll", request.parts[-1], _BEARER)
    form = dict(request.form)
    return _named("availity", form.get("payerId", ""), form.get("memberId", ""), _BEARER)


def _pverify(request: Request) -> Call:
    """A token, a question, or the fetching of an answer, whose id is whom it is about."""
    below = request.parts[2:]
    if below == ("Token",):
        return Call("pverify:token", "", ANY_HTTP)
    if request.method == "GET":
        return Call("pverify:fetch", below[-1] if below else "", _BEARER)
    member = text(request.json, "subscriber", "memberId")
    return _named("pverify", text(request.json, "payerCode"), member, _BEARER)


def _named(door: str, payer: str, member: str, open_to: frozenset[Fault]) -> Call:
    code = payer if _CODE.fullmatch(payer) else "unreadable"
    return Call(f"{door}:{code}", member, open_to)


_DOORS: dict[str, Callable[[Request], Call]] = {
    "core-mime": _core_mime,
    "stedi": _stedi,
    "trizetto": _trizetto,
    "waystar": _waystar,
    "optum": _optum,
    "availity": _availity,
    "pverify": _pverify,
}
"""Who names the questions at each of the clearinghouse's doors; the rest is CORE."""
