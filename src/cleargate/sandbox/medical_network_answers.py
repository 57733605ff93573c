"""From a payer's 271 to the Medical Network's JSON: one `benefitsInformation` for each EB loop.

Codes and words stand side by side, and the 271 itself goes along in `x12`. Own code from raw
segments. Source: github.com/Stedi/openApi, healthcare.json (EligibilityCheck), read on 2026-11-23.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cleargate.sandbox import medical_network_words as words
from cleargate.sandbox.question import Segment, at
from cleargate.sandbox.trees import Json, Tree, text
from cleargate.sandbox.wire import Response, json_response

_LOOPS = {"20": "2100A", "21": "2100B", "22": "2100C", "23": "2100D"}
_REFERENCES = {
    "18": "planNumber",
    "1L": "groupNumber",
    "6P": "groupNumber",
    "F6": "medicareBeneficiaryId",
    "IG": "insurancePolicyNumber",
}


@dataclass(frozen=True, slots=True)
class _Marks:
    element: str
    repetition: str
    component: str


def translate(content: bytes, payer: str) -> Tree:
    """A payer's 271, without what each gateway adds. One that breaks off gives what it holds."""
    told, marks, lines = _taken_apart(content)
    document = _Document(marks)
    for line in lines:
        document.take(line)
    return {
        "tradingPartnerServiceId": payer,
        **document.members,
        "planStatus": document.statuses,
        "benefitsInformation": document.benefits,
        "errors": document.errors,
        "x12": told,
    }


def submitter_trace(content: bytes) -> str:
    """BHT03 of a 271: the submitter's own number of the question."""
    _, _, lines = _taken_apart(content)
    return next((at(line, 3) for line in lines if line[0] == "BHT"), "")


def response(status: int, answer: Tree, content: bytes) -> Response:
    """The answer on the wire. A payer's 271 that broke off makes JSON that breaks off."""
    whole = json_response(status, answer)
    return whole if b"IEA" in content else replace(whole, body=whole.body[: len(whole.body) // 2])


def _taken_apart(content: bytes) -> tuple[str, _Marks, list[Segment]]:
    told = content.decode("latin-1").strip()
    marks = _Marks(told[3], told[82], told[104])
    lines = [line.strip("\r\n") for line in told.split(told[105]) if line.strip()]
    return told, marks, [line.split(marks.element) for line in lines]


class _Document:
    """The answer as it grows, segment by segment."""

    def __init__(self, marks: _Marks) -> None:
        self.members: dict[str, Json] = {}
        self.benefits: list[Json] = []
        self.statuses: list[Json] = []
        self.errors: list[Json] = []
        self._marks = marks
        self._level = ""
        self._party: Tree = {}
        self._entry: Tree | None = None

    def take(self, segment: Segment) -> None:
        """Put one segment where it belongs."""
        match segment[0]:
            case "HL":
                self._open(at(segment, 3))
            case "EB":
                self._entry = _entry(segment, self._marks)
                self.benefits.append(self._entry)
                self._sum_up(self._entry)
            case "AAA":
                error = _error(segment, _LOOPS[self._level])
                _list(self._party, "aaaErrors").append(error)
                self.errors.append(error)
            case _ if self._entry is not None:
                _add_to_benefit(self._entry, segment)
            case "TRN":
                _list(self.members, "subscriberTraceNumbers").append(_trace(segment))
            case "DTP":
                _add_date(self.members, "planDateInformation", segment)
            case _:
                _add_to_party(self._party, segment)

    def _open(self, level: str) -> None:
        self._level, self._entry, self._party = level, None, {}
        match level:
            case "20":
                self.members["payer"] = self._party
            case "21":
                self.members["provider"] = self._party
            case "22":
                self.members["subscriber"] = self._party
            case _:
                _list(self.members, "dependents").append(self._party)

    def _sum_up(self, entry: Tree) -> None:
        if text(entry, "code") in "12345678":
            status: Tree = {"statusCode": entry["code"], "status": entry["name"]}
            if "planCoverage" in entry:
                status["planDetails"] = entry["planCoverage"]
            if "serviceTypeCodes" in entry:
                status["serviceTypeCodes"] = entry["serviceTypeCodes"]
            self.statuses.append(status)


def _list(holder: Tree, name: str) -> list[Json]:
    found = holder.setdefault(name, [])
    assert isinstance(found, list)  # noqa: S101  (made by the line above)
    return found


def _object(holder: Tree, name: str) -> Tree:
    found = holder.setdefault(name, {})
    assert isinstance(found, dict)  # noqa: S101  (made by the line above)
    return found


def _entry(segment: Segment, marks: _Marks) -> Tree:
    """One EB; an element that is empty gives no member."""
    services = at(segment, 3).split(marks.repetition) if at(segment, 3) else []
    entry: Tree = {"code": at(segment, 1), "name": words.INFORMATION.get(at(segment, 1), "Other")}
    _coded(entry, "coverageLevel", at(segment, 2), words.LEVELS)
    if services:
        entry["serviceTypeCodes"] = [*services]
        entry["serviceTypes"] = [words.SERVICES.get(code, code) for code in services]
    _coded(entry, "insuranceType", at(segment, 4), words.INSURANCES)
    _stated(entry, planCoverage=at(segment, 5))
    _coded(entry, "timeQualifier", at(segment, 6), words.PERIODS)
    _stated(entry, benefitAmount=at(segment, 7), benefitPercent=at(segment, 8))
    _coded(entry, "quantityQualifier", at(segment, 9), words.QUANTITIES)
    _stated(entry, benefitQuantity=at(segment, 10), authOrCertIndicator=at(segment, 11))
    _coded(entry, "inPlanNetworkIndicator", at(segment, 12), words.NETWORKS)
    if at(segment, 13):
        kind, _, code = at(segment, 13).partition(marks.component)
        entry["compositeMedicalProcedureIdentifier"] = {
            "productOrServiceIdQualifierCode": kind,
            "procedureCode": code,
        }
    return entry


def _coded(entry: Tree, name: str, code: str, known: Mapping[str, str]) -> None:
    """A code, and its word where there is one."""
    _stated(entry, **{f"{name}Code": code, name: known.get(code, "")})


def _stated(entry: Tree, **members: str) -> None:
    entry |= {name: value for name, value in members.items() if value}


def _add_to_benefit(entry: Tree, segment: Segment) -> None:
    match segment[0]:
        case "MSG":
            _list(entry, "additionalInformation").append({"description": at(segment, 1)})
        case "DTP":
            _add_date(entry, "benefitsDateInformation", segment)
        case "HSD":
            _list(entry, "benefitsServiceDelivery").append(_delivery(segment))
        case "III":
            place: Tree = {
                "codeListQualifierCode": at(segment, 1),
                "codeListQualifier": "Mutually Defined",
                "industryCode": at(segment, 2),
            }
            entry.setdefault("eligibilityAdditionalInformation", place)
            _list(entry, "eligibilityAdditionalInformationList").append(place)
        case "REF" if at(segment, 1) in _REFERENCES:
            more = _object(entry, "benefitsAdditionalInformation")
            more[_REFERENCES[at(segment, 1)]] = at(segment, 2)
        case "NM1":
            _list(entry, "benefitsRelatedEntities").append(_related(segment))
            entry.setdefault("benefitsRelatedEntity", _related(segment))
        case "PER":
            for party in _list(entry, "benefitsRelatedEntities")[-1:]:
                if isinstance(party, dict):
                    party["contactInformation"] = _contact(segment)


def _related(segment: Segment) -> Tree:
    party: Tree = {
        "entityIdentifier": words.ENTITIES.get(at(segment, 1), at(segment, 1)),
        "entityType": words.KINDS.get(at(segment, 2), ""),
        "entityName": at(segment, 3),
    }
    _stated(party, entityFirstname=at(segment, 4), entityIdentificationValue=at(segment, 9))
    return party


def _delivery(segment: Segment) -> Tree:
    found: Tree = {}
    _coded(found, "quantityQualifier", at(segment, 1), words.QUANTITIES)
    _stated(found, quantity=at(segment, 2))
    _coded(found, "unitForMeasurementQualifier", at(segment, 3), words.EVERY)
    _stated(found, sampleSelectionModulus=at(segment, 4))
    _coded(found, "timePeriodQualifier", at(segment, 5), words.PERIODS)
    _stated(found, numOfPeriods=at(segment, 6))
    return found


def _add_to_party(party: Tree, segment: Segment) -> None:
    match segment[0]:
        case "NM1":
            party |= _named(segment)
        case "DMG":
            _stated(party, dateOfBirth=at(segment, 2), gender=at(segment, 3))
        case "INS":
            relation = at(segment, 2)
            _stated(
                party,
                insuredIndicator=at(segment, 1),
                relationToSubscriberCode=relation,
                relationToSubscriber=words.RELATIONS.get(relation, ""),
            )
        case "REF" if at(segment, 1) in _REFERENCES:
            party[_REFERENCES[at(segment, 1)]] = at(segment, 2)
            _stated(party, groupDescription=at(segment, 3))
        case "N3":
            _object(party, "address")["address1"] = at(segment, 1)
        case "N4":
            _stated(
                _object(party, "address"),
                city=at(segment, 1),
                state=at(segment, 2),
                postalCode=at(segment, 3),
            )
        case "PER":
            party["contactInformation"] = _contact(segment)


def _named(segment: Segment) -> Tree:
    """A party; each level calls its names and its number otherwise."""
    role = at(segment, 1)
    party: Tree = {
        "entityIdentifier": words.ENTITIES.get(role, role),
        "entityType": words.KINDS.get(at(segment, 2), ""),
    }
    name, number = at(segment, 3), at(segment, 9)
    match role:
        case "1P":
            _stated(party, providerName=name, npi=number)
        case "IL" | "03":
            _stated(party, lastName=name, firstName=at(segment, 4), memberId=number)
        case _:
            _stated(party, name=name, payorIdentification=number)
    return party


def _contact(segment: Segment) -> Tree:
    contacts: list[Json] = [
        {"communicationMode": words.MODES.get(mode, mode), "communicationNumber": number}
        for mode, number in zip(segment[3::2], segment[4::2], strict=False)
    ]
    found: Tree = {"contacts": contacts}
    _stated(found, name=at(segment, 2))
    return found


def _trace(segment: Segment) -> Tree:
    kind = "Referenced Transaction Trace Numbers" if at(segment, 1) == "2" else ""
    found: Tree = {}
    _stated(
        found,
        traceTypeCode=at(segment, 1),
        traceType=kind,
        referenceIdentification=at(segment, 2),
        originatingCompanyIdentifier=at(segment, 3),
    )
    return found


def _add_date(holder: Tree, name: str, segment: Segment) -> None:
    """A day `20261201` or a range `20261201-20261231`; the first of a kind stands."""
    if at(segment, 1) in words.DATES:
        _object(holder, name).setdefault(words.DATES[at(segment, 1)], at(segment, 3))


def _error(segment: Segment, loop: str) -> Tree:
    code, follow_up = at(segment, 3), at(segment, 4)
    return {
        "field": "AAA",
        "code": code,
        "description": words.REASONS.get(code, ""),
        "followupAction": words.FOLLOW_UPS.get(follow_up, follow_up),
        "location": f"Loop {loop}",
        "possibleResolutions": "Look at the details of the question.",
    }
