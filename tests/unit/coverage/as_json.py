"""The 271 documents of `answers.py` in the two JSON forms, as a clearinghouse would write them.

Written from Stedi's OpenAPI specification and SDK, not by our reader. `comparable` is all that was
read but the names of places, which are each format's own; `outcome` is what it comes to.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from cleargate.nouns.coverage import Coverage, Source

EB = (
    "code", "coverageLevelCode", "serviceTypeCodes", "insuranceTypeCode", "planCoverage",
    "timeQualifierCode", "benefitAmount", "benefitPercent", "quantityQualifierCode",
    "benefitQuantity", "authOrCertIndicator", "inPlanNetworkIndicatorCode",
)  # fmt: skip
DATES = {
    "291": "plan", "292": "benefit", "307": "eligibility", "340": "cobraBegin", "341": "cobraEnd",
    "346": "planBegin", "347": "planEnd", "348": "benefitBegin", "349": "benefitEnd",
    "356": "eligibilityBegin", "357": "eligibilityEnd", "472": "service",
    "539": "policyEffective", "540": "policyExpiration", "636": "dateOfLastUpdate",
}  # fmt: skip
ENTITIES = {
    "PR": "Payer", "PRP": "Primary Payer", "SEP": "Secondary Payer", "TTP": "Tertiary Payer",
    "P4": "Prior Insurance Carrier", "X3": "Utilization Management Organization",
    "Y2": "Managed Care Organization", "1P": "Provider", "VN": "Vendor",
    "P3": "Primary Care Provider", "P5": "Plan Sponsor",
}  # fmt: skip
FOLLOW_UPS = {
    "C": "Please Correct and Resubmit", "N": "Resubmission Not Allowed",
    "P": "Please Resubmit Original Transaction", "R": "Resubmission Allowed",
}  # fmt: skip

Entry = dict[str, Any]


class NotInJson(Exception):
    """The document says what the JSON form has no member for, as a second date of one kind."""


def benefits_document(text: str) -> Entry:
    """A 271 of one patient as `benefitsInformation`, which has one level's dates only."""
    document, dates = _document(text)
    if len(dates) > 1:
        raise NotInJson
    return document


def _document(text: str) -> tuple[Entry, dict[str, Entry]]:
    """The document, and the dates under the level that they are of."""
    document: Entry = {
        "meta": {"applicationMode": "test", "traceId": "EXAMPLE"},
        "controlNumber": "000000007",
        "tradingPartnerServiceId": "EX001",
        "x12": text,
        "errors": [],
    }
    dates: dict[str, Entry] = {}
    level, entry = document, None
    for segment in _segments(text):
        tag = segment[0]
        if tag == "HL":
            level, entry = _level(document, segment[3]), None
        elif tag == "EB":
            entry = _entry(segment)
            document.setdefault("benefitsInformation", []).append(entry)
            dates.setdefault("benefits", {})[segment_level(document, level)] = True
        elif entry is not None:
            _attach(entry, segment)
        else:
            _head(document, level, segment, dates)
    if len(dates.get("benefits", {})) > 1:
        raise NotInJson
    people = [document.get("dependents", [{}])[0], document.get("subscriber", {})]
    found = [dates.get(segment_level(document, one), {}) for one in people if one]
    document["planDateInformation"] = next((one for one in found if one), {})
    document["planStatus"] = _plan_status(document)
    dates.pop("benefits", None)
    return document, {level: own for level, own in dates.items() if own}


def segment_level(document: Entry, level: Entry) -> str:
    """What a level is called in this module."""
    return "dependents" if level in document.get("dependents", []) else "subscriber"


def _segments(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        yield line.split("*") + [""] * 14


def _level(document: Entry, code: str) -> Entry:
    name = {"20": "payer", "21": "provider", "22": "subscriber", "23": "dependents"}[code]
    if name in document:
        raise NotInJson
    if name == "dependents":
        document[name] = [{}]
        return document[name][0]
    document[name] = {}
    return document[name]


def _entry(segment: list[str]) -> Entry:
    found: Entry = {name: value for name, value in zip(EB, segment[1:], strict=False) if value}
    if "serviceTypeCodes" in found:
        found["serviceTypeCodes"] = found["serviceTypeCodes"].split("^")
    if segment[13]:
        kind, colon, code = segment[13].partition(":")
        if not colon:
            raise NotInJson
        found["compositeMedicalProcedureIdentifier"] = {
            "productOrServiceIdQualifierCode": kind,
            "procedureCode": code,
        }
    return found


def _attach(entry: Entry, segment: list[str]) -> None:
    match segment[0]:
        case "MSG":
            entry.setdefault("additionalInformation", []).append({"description": segment[1]})
        case "DTP":
            _date(entry.setdefault("benefitsDateInformation", {}), segment)
        case "HSD":
            unit, quantity, per, every, period, periods = segment[1:7]
            delivery = {
                "quantityQualifierCode": unit,
                "quantity": quantity,
                "unitForMeasurementQualifierCode": per,
                "sampleSelectionModulus": every,
                "timePeriodQualifierCode": period,
                "numOfPeriods": periods,
            }
            stated = {name: value for name, value in delivery.items() if value}
            entry.setdefault("benefitsServiceDelivery", []).append(stated)
        case "AAA":
            entry.setdefault("aaaErrors", []).append(_aaa(segment))
        case "III" if segment[1] == "ZZ":
            place = {"codeListQualifierCode": "ZZ", "industryCode": segment[2]}
            entry.setdefault("eligibilityAdditionalInformation", place)
            entry.setdefault("eligibilityAdditionalInformationList", []).append(place)
        case "NM1":
            party = {"entityIdentifier": ENTITIES[segment[1]], "entityName": segment[3]}
            if segment[4]:
                party["entityFirstname"] = segment[4]
            entry.setdefault("benefitsRelatedEntity", party)
            entry.setdefault("benefitsRelatedEntities", []).append(party)


def _head(document: Entry, level: Entry, segment: list[str], dates: dict[str, Entry]) -> None:
    match segment[0]:
        case "NM1" if "payer" in document and level is document["payer"]:
            level["name"] = segment[3]
        case "NM1":
            level |= {"lastName": segment[3], "firstName": segment[4]}
            if segment[9]:
                level["memberId"] = segment[9]
        case "DMG":
            level["dateOfBirth"] = segment[2]
        case "TRN":
            trace = {"traceTypeCode": segment[1], "referenceIdentification": segment[2]}
            document["subscriberTraceNumbers"] = [trace]
        case "DTP":
            _date(dates.setdefault(segment_level(document, level), {}), segment)
        case "AAA":
            level.setdefault("aaaErrors", []).append(_aaa(segment))
            document["errors"].append(_aaa(segment))


def _date(dates: Entry, segment: list[str]) -> None:
    name = DATES[segment[1]]
    if name in dates:
        raise NotInJson
    dates[name] = segment[3]


def _aaa(segment: list[str]) -> Entry:
    return {
        "field": "AAA",
        "code": segment[3],
        "description": "in words",
        "followupAction": FOLLOW_UPS[segment[4]],
        "location": "Loop 2100C",
        "possibleResolutions": "- Ask again.",
    }


def _plan_status(document: Entry) -> list[Entry]:
    """What Stedi makes of the entries 1 to 8."""
    return [
        {
            "statusCode": entry["code"],
            "planDetails": entry.get("planCoverage", ""),
            "serviceTypeCodes": entry.get("serviceTypeCodes", []),
        }
        for entry in document.get("benefitsInformation", [])
        if entry.get("code", "") in "12345678"
    ]


KINDS = {
    "A": "coInsurance", "B": "coPayment", "C": "deductible", "CB": "coverageBasis",
    "D": "benefitDescription", "E": "exclusions", "F": "limitations", "G": "outOfPocket",
    "H": "unlimited", "I": "nonCovered", "J": "costContainment", "K": "reserve",
    "L": "primaryCareProvider", "M": "preExistingCondition", "MC": "managedCareCoordinator",
    "N": "servicesRestrictedToFollowingProvider", "O": "notDeemedMedicalNecessity",
    "P": "benefitDisclaimer", "Q": "secondSurgicalOpinionRequired",
    "R": "otherOrAdditionalPayer", "S": "priorYearsHistory", "T": "cardReportedStolen",
    "U": "contactFollowingEntityForInformation", "V": "cannotProcess", "W": "otherSourceOfData",
    "X": "healthCareFacility", "Y": "spendDown",
}  # fmt: skip
STATUSES = {
    "1": "ACTIVE_COVERAGE", "2": "ACTIVE_FULL_RISK_CAPITATION", "3": "ACTIVE_SERVICES_CAPITATED",
    "4": "ACTIVE_SERVICES_CAPITATED_TO_PRIMARY_CARE_PROVIDER",
    "5": "ACTIVE_PENDING_INVESTIGATION", "6": "INACTIVE",
    "7": "INACTIVE_PENDING_ELIGIBILITY_UPDATE", "8": "INACTIVE_PENDING_INVESTIGATION",
}  # fmt: skip
PERIODS = {
    "7": "DAY", "22": "SERVICE_YEAR", "23": "CALENDAR_YEAR", "24": "YEAR_TO_DATE", "26": "EPISODE",
    "27": "VISIT", "29": "REMAINING", "32": "LIFETIME", "33": "LIFETIME_REMAINING",
    "34": "MONTH", "35": "WEEK", "36": "ADMISSION", "21": "YEARS",
}  # fmt: skip
QUANTITIES = {
    "VS": "VISITS", "DY": "DAYS", "HS": "HOURS", "FL": "UNITS", "YY": "YEARS", "99":
    "QUANTITY_USED", "QA": "QUANTITY_APPROVED", "P6": "NUMBER_OF_SERVICES_OR_PROCEDURES",
    "MN": "MONTH", "M2": "MAXIMUM", "CA": "COVERED_ACTUAL",
}  # fmt: skip
LEVELS = {"IND": "INDIVIDUAL", "FAM": "FAMILY", "ESP": "EMPLOYEE_AND_SPOUSE"}
NETWORKS = {"Y": "IN_NETWORK", "N": "OUT_OF_NETWORK", "W": "IN_AND_OUT_OF_NETWORK"}
AUTHORISATIONS = {"Y": "REQUIRED", "N": "NOT_REQUIRED"}
INSURANCES = {
    "MA": "MEDICARE_PART_A", "MB": "MEDICARE_PART_B", "IN": "INDEMNITY",
    "HM": "HEALTH_MAINTENANCE_ORGANIZATION_HMO", "PS": "POINT_OF_SERVICE_POS",
    "HN": "HEALTH_MAINTENANCE_ORGANIZATION_HMO_MEDICARE_RISK",
    "PR": "PREFERRED_PROVIDER_ORGANIZATION_PPO",
}  # fmt: skip
SYSTEMS = {"AD": "CDT", "HC": "HCPCS", "CJ": "CPT"}
EVERY = {"DA": "DAYS", "MO": "MONTHS", "VS": "VISIT", "WK": "WEEK", "YR": "YEARS"}


def plans_document(text: str) -> Entry:
    """A 271 of one patient in the newer form: one plan without a name, one service an entry."""
    old, dates = _document(text)
    benefits: Entry = {}
    for entry in old.get("benefitsInformation", []):
        if entry.get("aaaErrors"):
            raise NotInJson
        for service in _services(entry):
            _add(benefits, entry["code"], _plan_entry(entry) | service)
    document: Entry = {
        "id": "ec_example",
        "x12": text,
        "payer": {"type": "PAYER", "name": {"organization": old["payer"]["name"]}},
        "payerId": "EX001",
        "plans": [{"benefits": benefits}],
        "meta": {
            "subscriberTraceNumbers": [
                {
                    "type": "REFERENCED_TRANSACTION",
                    "referenceIdentification": one["referenceIdentification"],
                }
                for one in old.get("subscriberTraceNumbers", [])
            ]
        },
        "errors": [one | {"location": "SUBSCRIBER"} for one in old["errors"]],
    }
    for name, people in (
        ("subscriber", [old.get("subscriber")]),
        ("dependent", old.get("dependents")),
    ):
        for person in filter(None, people or []):
            document[name] = _person(person)
    for level, own in dates.items():
        document[level.removesuffix("s")]["dates"] = _plan_dates(own)
    return document


def _services(entry: Entry) -> list[Entry]:
    if (procedure := entry.get("compositeMedicalProcedureIdentifier")) is not None:
        system = SYSTEMS[procedure["productOrServiceIdQualifierCode"]]
        return [{"service": {"system": system, "value": procedure["procedureCode"]}}]
    codes = entry.get("serviceTypeCodes")
    return [{"service": {"system": "STC", "value": code}} for code in codes] if codes else [{}]


def _add(benefits: Entry, code: str, entry: Entry) -> None:
    """Put an entry under its kind; one that lacks its size is invalid."""
    if code in STATUSES:
        benefits.setdefault("statuses", []).append(entry | {"status": STATUSES[code]})
        return
    size = {"A": "percent", "B": "amount", "C": "amount", "G": "amount"}.get(code)
    if size is not None and size not in entry:
        benefits = benefits.setdefault("invalidEntries", {})
        entry = entry | {"invalidReasons": [{"code": f"MISSING_{size.upper()}"}]}
    benefits.setdefault(KINDS[code], []).append(entry)


def _plan_entry(old: Entry) -> Entry:
    quantity = {
        "value": old.get("benefitQuantity"),
        "qualifier": QUANTITIES.get(old.get("quantityQualifierCode", "")),
    }
    period = old.get("timeQualifierCode")
    entry: Entry = {
        "coverageLevel": LEVELS[old.get("coverageLevelCode", "IND")],
        "insuranceType": INSURANCES.get(old.get("insuranceTypeCode", "")),
        "planCoverageDescription": old.get("planCoverage"),
        "timePeriod": PERIODS.get(period, period),
        "amount": old.get("benefitAmount"),
        "percent": old.get("benefitPercent"),
        "priorAuthIndicator": AUTHORISATIONS.get(old.get("authOrCertIndicator", "")),
        "messages": [one["description"] for one in old.get("additionalInformation", [])],
        "placesOfService": [
            {"code": one["industryCode"]}
            for one in old.get("eligibilityAdditionalInformationList", [])
        ],
        "dates": _plan_dates(old.get("benefitsDateInformation", {})),
        "serviceLimits": [_limit(one) for one in old.get("benefitsServiceDelivery", [])],
        "relatedEntities": [_related(one) for one in old.get("benefitsRelatedEntities", [])],
    }
    age = {"S7": "ageMaximum", "S8": "ageMinimum"}.get(old.get("quantityQualifierCode", ""))
    if age is not None:
        entry["serviceLimits"].append({age: int(old["benefitQuantity"])})
    else:
        entry["quantity"] = {name: value for name, value in quantity.items() if value}
    if "inPlanNetworkIndicatorCode" in old:
        entry["network"] = {"indicator": NETWORKS[old["inPlanNetworkIndicatorCode"]]}
    return {name: value for name, value in entry.items() if value not in (None, [], {})}


def _limit(old: Entry) -> Entry:
    periods = old.get("numOfPeriods")
    limit = {
        "quantity": {
            "value": old["quantity"],
            "qualifier": QUANTITIES[old["quantityQualifierCode"]],
        },
        "period": {
            "value": int(periods) if periods else None,
            "qualifier": PERIODS.get(old.get("timePeriodQualifierCode", "")),
        },
        "frequency": {
            "value": old.get("sampleSelectionModulus"),
            "qualifier": EVERY.get(old.get("unitForMeasurementQualifierCode", "")),
        },
    }
    return {"delivery": limit}


def _related(old: Entry) -> Entry:
    words = old["entityIdentifier"].upper().replace(" ", "_")
    return {"type": words, "name": _plan_name(old.get("entityFirstname"), old["entityName"])}


def _person(old: Entry) -> Entry:
    person: Entry = {"name": _plan_name(old["firstName"], old["lastName"])}
    if "dateOfBirth" in old:
        person["dateOfBirth"] = _iso(old["dateOfBirth"])
    if "memberId" in old:
        person["memberId"] = old["memberId"]
    return person


def _plan_name(given: str | None, family: str) -> Entry:
    if given:
        return {"person": {"firstName": given, "lastName": family}}
    return {"organization": family}


def _plan_dates(old: Entry) -> Entry:
    """Begin and end of one kind become one range, as the newer form has them."""
    found: Entry = {}
    for name, value in old.items():
        begin, _, end = value.partition("-")
        kind = name.removesuffix("Begin").removesuffix("End")
        side = {"end" if name.endswith("End") else "start": _iso(begin)}
        if end:
            side["end"] = _iso(end)
        if kind in found and found[kind].keys() & side.keys():
            raise NotInJson
        found.setdefault(kind, {}).update(side)
    return found


def _iso(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def outcome(coverage: Coverage, services: tuple[str, ...]) -> dict[str, Any]:
    """What a coverage comes to, whatever the order and the splitting of its entries."""
    return {
        "verdicts": [(one.code, one.verdict) for one in coverage.services],
        "reasons": {one.code for one in coverage.reasons},
        "who": (
            coverage.payer, coverage.member_id, coverage.family_name, coverage.given_name,
            coverage.birth_date, coverage.trace, coverage.provider_network,
        ),
        "plan": (coverage.plan, coverage.begins, coverage.ends),
        "needs": (coverage.authorisation, coverage.referral),
        "others": {(one.name, one.order) for one in coverage.other_payers},
        "amounts": {
            (one.kind, one.cents, one.percent, one.network, one.period, one.remaining, one.used, at)
            for one in coverage.amounts
            for at in {*one.service_types} & {*services} or {""}
        },
        "limits": {
            (one.allowed, one.remaining, one.period, one.network, one.shared, one.unit)
            for one in coverage.visit_limits
        },
    }  # fmt: skip


def entry_of_segment(text: str) -> dict[int, int]:
    """The number of the EB loop that every segment of a document is in; 0 outside of them."""
    entry, found, inside = 0, {}, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("EB*"):
            entry, inside = entry + 1, True
        elif line.startswith("HL*"):
            inside = False
        found[number] = entry if inside else 0
    return found


def comparable(value: Any, owner: dict[int, int] | None = None) -> Any:
    """A coverage without the names of its places; segments become the entries they are in."""
    if isinstance(value, Source):
        return ("source", owner[value.segment] if owner is not None else value.segment)
    if isinstance(value, Enum):
        return value
    if is_dataclass(value):
        return {one.name: comparable(getattr(value, one.name), owner) for one in fields(value)}
    if isinstance(value, tuple):
        return [comparable(item, owner) for item in value]
    return value
