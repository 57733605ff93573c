"""From a payer's 271 to TriZetto's XML: an `eligibilityresponse` in words, a `benefit` for each EB.

Own code from raw segments, after the public answers of github.com/GoodMeasuresLLC/trizetto-api
(spec/fixtures), read on 2026-11-23. What has no element there is lost here as well: EB12 W, III,
EB13, TRN01, HSD03 and HSD04.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from xml.sax.saxutils import escape

from cleargate.sandbox import trizetto_words as words
from cleargate.sandbox.question import Segment, at

_OWNER = "99Trizetto"
"""What stands beside the number that TriZetto sent to the payer."""


def translate(content: bytes) -> str:
    """The document. A 271 that breaks off gives what it holds until then."""
    told = content.decode("latin-1").strip()
    document = _Document(repetition=told[82], id=blake2b(content, digest_size=15).hexdigest())
    for line in told.split(told[105]):
        if line.strip():
            document.take(line.strip("\r\n").split(told[3]))
    return document.written()


def tag(name: str, *inner: str) -> str:
    """An element around XML."""
    return f"<{name}>{''.join(inner)}</{name}>"


def _stated(name: str, text: str) -> str:
    """An element around text; nothing where there is none."""
    return tag(name, escape(text)) if text else ""


@dataclass
class _Level:
    """A level of the 271: its elements by the order in which they are written."""

    code: str
    parts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, part: str, *elements: str) -> None:
        self.parts.setdefault(part, []).extend(elements)

    def written(self, *order: str) -> str:
        return "".join(each for part in order for each in self.parts.get(part, ()))


@dataclass
class _Document:
    """The answer as it grows, segment by segment."""

    repetition: str
    id: str
    levels: list[_Level] = field(default_factory=list)
    benefit: list[str] | None = None

    def take(self, segment: Segment) -> None:
        """Put one segment where it belongs."""
        if segment[0] == "HL":
            self._close()
            self.levels.append(_Level(at(segment, 3)))
        elif segment[0] == "EB":
            self._close()
            self.benefit = [*_stated_benefit(segment, self.repetition)]
        elif self.benefit is not None:
            _attach(self.benefit, segment)
        elif self.levels:
            _take(self.levels[-1], segment)

    def _close(self) -> None:
        if self.benefit is not None:
            self.levels[-1].add("benefits", tag("benefit", *self.benefit))
            self.benefit = None

    def written(self) -> str:
        self._close()
        return tag("eligibilityresponse", *(self._level(level) for level in self.levels))

    def _level(self, level: _Level) -> str:
        has_dependent = self.levels[-1].code == "23"
        match level.code:
            case "20":
                identified = tag("transactionid", self.id) + level.written("payer", "rejections")
                return tag("infosource", level.written("contact"), identified)
            case "21":
                return tag("inforeceiver", level.written("rejections", "provider"))
            case "22" if has_dependent:
                return tag("subscriber", level.written("holder", "rejections"))
            case _:
                name = "subscriber" if level.code == "22" else "dependent"
                order = ("traces", "references", "dates", "name", "id", "born", "relation")
                return tag(name, level.written(*order, "rejections", "benefits"))


def _take(level: _Level, segment: Segment) -> None:
    """What stands above the benefits."""
    match segment[0]:
        case "NM1":
            _name(level, segment)
        case "PER":
            level.add("contact", tag("contact-info", *_contact(segment)))
        case "TRN":
            trace = _stated("trace_number", at(segment, 2))
            owner = _OWNER if at(segment, 1) == "2" else at(segment, 3)
            level.add("traces", trace, _stated("trace_id", owner))
        case "REF":
            level.add("references", tag("subscriberaddinfo", *_reference(segment)))
        case "DMG":
            sex = words.SEXES.get(at(segment, 3), "")
            level.add("born", _stated("sex", sex), _stated("date-of-birth", at(segment, 2)))
        case "INS":
            level.add("relation", tag("relationship", *_relation(segment)))
        case "DTP" if at(segment, 1) in words.DATES:
            level.add("dates", tag("date", *_date(segment)))
        case "AAA":
            level.add("rejections", _rejection(segment))


def _name(level: _Level, segment: Segment) -> None:
    last, first, number = at(segment, 3), at(segment, 4), at(segment, 9)
    match at(segment, 1):
        case "PR":
            level.add("payer", _stated("payername", last), _stated("payerid", number))
        case "1P":
            level.add("provider", tag("providername", _stated("last", last)))
            level.add("provider", _stated("npi", number))
        case _:
            named = _stated("first", first) + _stated("last", last)
            level.add("name", tag("patientname", named))
            level.add("id", _stated("patientid", number))
            level.add("holder", tag("subscribername", named), _stated("subscriberid", number))


def _contact(segment: Segment) -> Iterator[str]:
    yield _stated("informationcontact", at(segment, 2))
    pairs = zip(segment[3::2], segment[4::2], strict=False)
    for (mode, number), suffix in zip(pairs, ("", "2"), strict=False):
        yield _stated(f"communicationnumberqualifier{suffix}", words.MODES.get(mode, mode))
        yield _stated(f"communicationnumber{suffix}", number)


def _reference(segment: Segment) -> Iterator[str]:
    yield _stated("subsupplementalid", at(segment, 1))
    yield _stated("grouppolicynum", at(segment, 2))
    yield _stated("plansponsorname", at(segment, 3))


def _relation(segment: Segment) -> Iterator[str]:
    yield _stated("insuredindicator", words.ANSWERS.get(at(segment, 1), ""))
    yield _stated("relationshipcode", words.RELATIONS.get(at(segment, 2), at(segment, 2)))


def _date(segment: Segment) -> Iterator[str]:
    yield _stated("datequalifier", words.DATES[at(segment, 1)])
    yield _stated("date-of-service", at(segment, 3))


def _rejection(segment: Segment) -> str:
    reason, follow_up = at(segment, 3), at(segment, 4)
    return tag(
        "rejection",
        _stated("rejectreason", words.REASONS.get(reason, reason)),
        _stated("followupaction", words.FOLLOW_UPS.get(follow_up, follow_up)),
    )


def _stated_benefit(segment: Segment, repetition: str) -> Iterator[str]:
    """One EB, in the order of the public answers; a single service has its name as well."""
    services = at(segment, 3).split(repetition)
    yield _worded("info", at(segment, 1), words.INFORMATION)
    yield _worded("coveragelevel", at(segment, 2), words.LEVELS)
    if len(services) == 1:
        yield _stated("servicetype", words.SERVICES.get(services[0], ""))
    yield _stated("servicetypecode", "^".join(services))
    yield _stated("insurancetype", words.INSURANCES.get(at(segment, 4), ""))
    yield _stated("insurancetypecode", at(segment, 4))
    yield _stated("plancoveragedescription", at(segment, 5))
    yield _worded("time_period_qualifier", at(segment, 6), words.PERIODS)
    yield _stated("benefitamount", at(segment, 7))
    yield _stated("percent", at(segment, 8))
    yield _worded("quantityqualifier", at(segment, 9), words.QUANTITIES)
    yield _stated("quantity", at(segment, 10))
    yield _worded("yes_no_response_code", at(segment, 11), words.ANSWERS)
    yield _stated("plannetworkindicator", words.NETWORKS.get(at(segment, 12), ""))


def _worded(name: str, code: str, known: Mapping[str, str]) -> str:
    """A code in words, or itself where there are none."""
    return _stated(name, known.get(code, code))


def _attach(benefit: list[str], segment: Segment) -> None:
    """What hangs on a benefit."""
    match segment[0]:
        case "MSG":
            benefit.append(_stated("message", at(segment, 1)))
        case "DTP" if at(segment, 1) in words.DATES:
            benefit.extend(_date(segment))
        case "HSD":
            benefit.append(_worded("benefitquantityqualifier", at(segment, 1), words.QUANTITIES))
            benefit.append(_stated("benefitquantity", at(segment, 2)))
            benefit.append(_worded("period_count_qualifier", at(segment, 5), words.PERIODS))
            benefit.append(_stated("period_count", at(segment, 6)))
        case "REF":
            benefit.extend(_reference(segment))
        case "AAA":
            benefit.append(_rejection(segment))
        case "NM1":
            benefit.append(tag("benefitentity", *_entity(segment)))


def _entity(segment: Segment) -> Iterator[str]:
    yield _stated("entitycode", words.ENTITIES.get(at(segment, 1), ""))
    yield _stated("first", at(segment, 4))
    yield _stated("name", at(segment, 3))
    yield _stated("benefit_related_entity_id", at(segment, 9))
