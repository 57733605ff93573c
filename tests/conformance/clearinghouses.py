"""Every clearinghouse ready to be asked, with what the suite has to know of its vendor."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from xml.etree.ElementTree import fromstring

from cleargate.connectors.availity.client import AvailityClearinghouse
from cleargate.connectors.availity.settings import AvailitySettings
from cleargate.connectors.core_mime.client import CoreMimeClearinghouse
from cleargate.connectors.core_mime.settings import CoreMimeSettings
from cleargate.connectors.core_soap.client import CoreClearinghouse
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.optum.client import OptumClearinghouse
from cleargate.connectors.optum.settings import OptumSettings
from cleargate.connectors.pverify.client import PverifyClearinghouse
from cleargate.connectors.pverify.settings import PverifySettings
from cleargate.connectors.stedi_json.client import StediClearinghouse
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.trizetto.client import TrizettoClearinghouse
from cleargate.connectors.trizetto.settings import TrizettoSettings
from cleargate.connectors.waystar.client import WaystarClearinghouse
from cleargate.connectors.waystar.settings import WaystarSettings
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.ids import Ref
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from cleargate.nouns.time import SystemClock
from cleargate.ports import Clearinghouse
from tests.conformance.outside import World
from tests.unit.connectors.parts import Secrets, Tokens, Unlimited

PAYERS = ("60054", "87726", "62308", "61101", "00710", "CMS", "SKIL0", "99726", "04271", "37308")


@dataclass(frozen=True)
class ClearinghouseCase:
    """A clearinghouse: `call` names its question to a payer, `{}` is the payer's code.

    `kind` is what a good answer is, `broken` what one is that breaks off, as the fault `cut`
    makes it. `holds` says whether an answer is whole and names somebody, `refuses` whether a payer
    says no in it, with its code. `stranger` is a setting with wrong credentials. `wrong` is what
    the clearinghouse refuses: settings, changes to the question, and the fields that it names.
    `unknown_payer` is what the answer about one is where it is of another kind.
    `garbled` is what a good answer is whose end is lost with its envelope, where it has one.
    `answers_refusals`: its refusal is an answer that coverage reads, and no error.
    `late` are payers whose answers are pending first, and `look` names the call that fetches one.
    `answered_at` names the call that brings the answer of payer 60054, and how often it is made
    until then, where that is such a look. `forgets`: an answer that is looked for too late is gone.
    """

    world: World
    make: Callable[..., Clearinghouse]
    call: str
    kind: ContentKind
    broken: ContentKind
    cut: str
    holds: Callable[[bytes, str], bool]
    refuses: Callable[[bytes, str], bool]
    stranger: dict[str, object]
    wrong: tuple[dict[str, object], dict[str, object], tuple[str, ...]]
    unknown_payer: ContentKind | None = None
    garbled: ContentKind = ContentKind.TEXT
    answers_refusals: bool = False
    late: tuple[str, ...] = ()
    look: str = ""
    answered_at: tuple[str, int] | None = None
    forgets: bool = False

    def spoil(self, fault: str) -> None:
        """Let a fault befall the call that brings the answer of payer 60054."""
        match, times = self.answered_at or (self.call.format("60054"), 1)
        self.world.fail(match, fault, times)


LOOKS_MAX = 5


def ask(clearinghouse: Clearinghouse, inquiry: Inquiry, ref: Ref) -> RawAnswer:
    """Ask, and look for the answer as often as the clearinghouse says that it comes later."""
    return settled(clearinghouse, clearinghouse.check_eligibility(inquiry, ref))


def settled(clearinghouse: Clearinghouse, answer: RawAnswer | Pending) -> RawAnswer:
    """The answer, looked for while it is pending."""
    for _ in range(LOOKS_MAX):
        if isinstance(answer, RawAnswer):
            return answer
        assert 0 < answer.retry_after_s <= 14_400
        answer = clearinghouse.poll(answer.token)
    raise AssertionError("the answer does not come")


def _core_soap(world: World) -> ClearinghouseCase:
    return _core(world, "clearinghouse", "core:{}", CoreClearinghouse, CoreSettings)


def _core_mime(world: World) -> ClearinghouseCase:
    return _core(world, "core_mime", "core_mime:{}", CoreMimeClearinghouse, CoreMimeSettings)


def _core(world: World, door: str, call: str, client: type, settings_of: type) -> ClearinghouseCase:
    """CAQH CORE through one of the sandbox's two doors."""
    place = world.ready[door]

    def make(**settings) -> Clearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
            "sender_id": "RIVERSIDE",
            "receiver_id": place["receiver_id"],
        }
        return client(
            "desk",
            settings_of(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    return ClearinghouseCase(
        world,
        make,
        call,
        kind=ContentKind.X12_271,
        broken=ContentKind.X12_271,
        cut="truncated_271",
        holds=_is_whole_271,
        refuses=lambda content, code: f"**{code}*".encode() in content,
        stranger={"password": "env:WRONG"},
        wrong=({"receiver_id": "NOBODY"}, {}, ("ReceiverID",)),
    )


def _is_whole_271(content: bytes, family: str) -> bool:
    text = content.decode("ascii").strip()
    mark, end = text[3], text[105]
    return (
        text.startswith("ISA")
        and f"{end}IEA{mark}" in text.replace("\n", end)
        and f"{mark}{family.upper()}{mark}" in text.upper()
    )


def _stedi_json(world: World) -> ClearinghouseCase:
    place = world.ready["stedi"]

    def make(**settings) -> StediClearinghouse:
        chosen = {"base_url": place["url"], "api_key": "env:KEY"}
        return StediClearinghouse(
            "desk",
            StediSettings(**(chosen | settings)),
            secrets=Secrets({"env:KEY": place["api_key"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    return _medical_network(world, make, "stedi:{}", {"api_key": "env:WRONG"})


def _medical_network(
    world: World, make: Callable[..., Clearinghouse], call: str, stranger: dict[str, object]
) -> ClearinghouseCase:
    def holds(content: bytes, family: str) -> bool:
        told = json.loads(content)
        people = [told["subscriber"], *told.get("dependents", [])]
        return bool(told["benefitsInformation"]) and family.upper() in [
            person["lastName"] for person in people
        ]

    def refuses(content: bytes, code: str) -> bool:
        return [error["code"] for error in json.loads(content)["errors"]] == [code]

    return ClearinghouseCase(
        world,
        make,
        call,
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=refuses,
        stranger=stranger,
        wrong=({}, {"service_types": ("PT-1",)}, ("encounter", "serviceTypeCodes")),
    )


def _trizetto(world: World) -> ClearinghouseCase:
    """TriZetto with the payer's own 271 in its envelope, as it is asked by default."""
    place = world.ready["trizetto"]

    def make(**settings) -> TrizettoClearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
        }
        return TrizettoClearinghouse(
            "desk",
            TrizettoSettings(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":  # A payer that nobody knows is TriZetto's own no.
            return _told(content, "SuccessCode") == "PayerNotSupported"
        return f"**{code}*" in _told(content, "ResponseAsRawString")

    nameless = Patient(Name("Testperson", ""), date(1987, 2, 20), Sex.FEMALE, Contact())
    return ClearinghouseCase(
        world,
        make,
        "trizetto:{}",
        kind=ContentKind.XML,
        broken=ContentKind.XML,
        cut="truncated_271",
        holds=lambda content, family: _is_whole_271(
            _told(content, "ResponseAsRawString").encode(), family
        ),
        refuses=refuses,
        stranger={"password": "env:WRONG"},
        wrong=({}, {"patient": nameless}, ("name",)),
        answers_refusals=True,
    )


def _trizetto_xml(world: World) -> ClearinghouseCase:
    """TriZetto with the answer in its own words."""
    raw = _trizetto(world)
    words = {
        "42": "Unable to Respond at Current Time",
        "72": "Invalid/Missing Subscriber/Insured ID",
        "75": "Subscriber/Insured Not Found",
    }

    def holds(content: bytes, family: str) -> bool:
        document = fromstring(_told(content, "ResponseAsXml"))
        return bool(document.findall(".//benefit")) and family.upper() in [
            node.text for node in document.iter("last")
        ]

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":
            return raw.refuses(content, code)
        document = fromstring(_told(content, "ResponseAsXml"))
        return [node.text for node in document.iter("rejectreason")] == [words[code]]

    return replace(
        raw,
        make=lambda **settings: raw.make(response="Xml", **settings),
        holds=holds,
        refuses=refuses,
    )


def _waystar(world: World) -> ClearinghouseCase:
    place = world.ready["waystar"]

    def make(**settings) -> WaystarClearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
        }
        return WaystarClearinghouse(
            "desk",
            WaystarSettings(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":  # A payer that nobody knows is Waystar's own no, on a page.
            return b"is not setup for eligibility" in content
        return f"||{code}|".encode() in content

    return ClearinghouseCase(
        world,
        make,
        "waystar:{}",
        kind=ContentKind.X12_271,
        broken=ContentKind.X12_271,
        cut="truncated_271",
        holds=_is_whole_271,
        refuses=refuses,
        stranger={"password": "env:WRONG"},
        wrong=({"receiver_id": "NOBODY"}, {}, ()),
        unknown_payer=ContentKind.TEXT,
        garbled=ContentKind.X12_271,
        answers_refusals=True,
    )


def _told(content: bytes, name: str) -> str:
    """What an element of DoInquiry's answer holds."""
    return fromstring(content).findtext(f".//{{GatewayEDI.WebServices}}{name}") or ""


def _optum(world: World) -> ClearinghouseCase:
    place = world.ready["optum"]

    def make(**settings) -> OptumClearinghouse:
        chosen = {
            "base_url": place["url"],
            "client_id": place["client_id"],
            "client_secret": "env:SECRET",
        }
        return OptumClearinghouse(
            "desk",
            OptumSettings(**(chosen | settings)),
            secrets=Secrets({"env:SECRET": place["client_secret"], "env:WRONG": "wrong"}),
            tokens=Tokens(),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    return _medical_network(world, make, "optum:{}", {"client_secret": "env:WRONG"})


def _availity(world: World) -> ClearinghouseCase:
    place = world.ready["availity"]

    def make(**settings) -> AvailityClearinghouse:
        chosen = {
            "base_url": place["url"],
            "environment": "live",
            "client_id": place["client_id"],
            "client_secret": "env:SECRET",
        }
        return AvailityClearinghouse(
            "desk",
            AvailitySettings(**(chosen | settings)),
            secrets=Secrets({"env:SECRET": place["client_secret"], "env:WRONG": "wrong"}),
            tokens=Tokens(),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    def holds(content: bytes, family: str) -> bool:
        told = json.loads(content)
        people = [told["subscriber"], told["patient"]]
        return bool(told["plans"]) and family.upper() in [one["lastName"] for one in people]

    def refuses(content: bytes, code: str) -> bool:
        return [one["code"] for one in json.loads(content)["validationMessages"]] == [code]

    return ClearinghouseCase(
        world,
        make,
        "availity:{}",
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=refuses,
        stranger={"client_secret": "env:WRONG"},
        wrong=({}, {"service_types": ("PT-1",)}, ("serviceType",)),
        late=PAYERS,
        look="availity:poll",
        answered_at=("availity:poll", 2),
        forgets=True,
    )


def _pverify(world: World) -> ClearinghouseCase:
    place = world.ready["pverify"]

    def make(**settings) -> PverifyClearinghouse:
        chosen = {
            "base_url": place["url"],
            "client_id": place["client_id"],
            "client_secret": "env:SECRET",
            "location": "Main",
            "practice_type": "12",
        }
        return PverifyClearinghouse(
            "desk",
            PverifySettings(**(chosen | settings)),
            secrets=Secrets({"env:SECRET": place["client_secret"], "env:WRONG": "wrong"}),
            tokens=Tokens(),
            budget=Unlimited(),
            recorder=world.calls,
            clock=SystemClock(),
        )

    def holds(content: bytes, family: str) -> bool:
        told = json.loads(content)
        people = [told["DemographicInfo"]["Subscriber"]]
        if told["DemographicInfo"]["Dependent"]:
            people.append(told["DemographicInfo"]["Dependent"]["DependentInfo"])
        return bool(told["PlanCoverageSummary"]["Status"] or told["ServiceDetails"]) and (
            family.upper() in [person["Lastname_R"] for person in people]
        )

    words = {
        "42": "Unable to Respond at Current Time",
        "72": "Invalid/Missing Subscriber/Insured ID",
        "75": "Subscriber/Insured Not Found",
        "79": "Invalid Participant Identification",
    }
    return ClearinghouseCase(
        world,
        make,
        "pverify:{}",
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=lambda content, code: json.loads(content)["EDIErrorMessage"] == words[code],
        stranger={"client_secret": "env:WRONG"},
        # pVerify's own no is an answer; what it would refuse is not sent.
        wrong=({}, {"payer_code": "60*054"}, ("payer id",)),
        late=("37308",),
        look="pverify:fetch",
    )


CLEARINGHOUSES = (
    _core_soap,
    _stedi_json,
    _trizetto,
    _trizetto_xml,
    _waystar,
    _optum,
    _availity,
    _pverify,
    _core_mime,
)

LATE = (_availity, _pverify)
"""Those that have an answer later, from some payers at least."""
