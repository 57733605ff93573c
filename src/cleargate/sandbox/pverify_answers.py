"""From a payer's 271 to pVerify's JSON: details in words under each service, and summaries.

Made from the Medical Network's form, which has every EB with its words. The members' names are
those of pVerify's API reference and of its own Java client (github.com/pVerify/restapijava), read
on 2026-11-23. Decided here, for neither shows it: X12's own words in the details, US dates, and
`Others` for a benefit without a service.
"""

import re
from collections.abc import Iterator

from cleargate.sandbox import medical_network_answers
from cleargate.sandbox.trees import Json, Tree, text, texts, tree, trees

_DATES = {
    "plan": "Plan",
    "benefit": "Benefit",
    "eligibility": "Eligibility",
    "planBegin": "Plan Begin",
    "planEnd": "Plan End",
    "benefitBegin": "Benefit Begin",
    "benefitEnd": "Benefit End",
    "eligibilityBegin": "Eligibility Begin",
    "eligibilityEnd": "Eligibility End",
    "coordinationOfBenefits": "Coordination of Benefits",
    "service": "Service",
}
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
_STATUS = {**dict.fromkeys("1234", "Active"), **dict.fromkeys("678", "Inactive")}
_NETWORKS = {"Y": ("In",), "N": ("Out",), "W": ("In", "Out"), "": ()}
_PERSONS = {"IND": "Individual", "FAM": "Family"}
_THERAPIES = {
    "PT": "PhysicalTherapySummary",
    "AD": "OccupationalTherapySummary",
    "AF": "SpeechThearySummary",
}
_APPROVALS = {"Y": "Yes", "N": "No", "U": "Unknown"}


def translate(content: bytes, payer: str, request_id: int, *, by_telephone: bool) -> Tree:
    """The answer to a question. By telephone there are summaries only."""
    told = medical_network_answers.translate(content, payer)
    entries = trees(told, "benefitsInformation")
    dependents = trees(told, "dependents")
    refused = trees(told, "errors")
    return {
        "RequestID": request_id,
        "APIResponseCode": "0",
        "APIResponseMessage": "Processed",
        "ProcessedWithError": bool(refused),
        "EDIErrorMessage": text(refused[0], "description") if refused else None,
        "FollowUpAction": text(refused[0], "followupAction") if refused else None,
        "ErrorCode": None,
        "ErrorDescription": None,
        "PverifyPayerCode": payer,
        "PayerName": text(told, "payer", "name"),
        "IsPayerBackOffice": "TRUE" if by_telephone else "FALSE",
        "VerificationType": "Dependent Verification" if dependents else "Subscriber Verification",
        "IsHMOPlan": False,
        "DemographicInfo": {
            "Subscriber": _person(tree(told.get("subscriber")), told, of_patient=not dependents),
            "Dependent": {
                "DependentInfo": _person(dependents[0], told, of_patient=True),
                "Relationship": text(dependents[0], "relationToSubscriber"),
            }
            if dependents
            else None,
        },
        "PlanCoverageSummary": _plan(told, entries),
        "OtherPayerInfo": _others(entries),
        **_summaries(entries),
        "ServiceDetails": None if by_telephone else _services(entries),
        "EligibilityResult": None,
    }


def _person(person: Tree, told: Tree, *, of_patient: bool) -> Tree:
    number = text(person, "memberId")
    dates = tree(told.get("planDateInformation")) if of_patient else {}
    return {
        "Firstname": text(person, "firstName"),
        "Lastname_R": text(person, "lastName"),
        "DOB_R": _us(text(person, "dateOfBirth")),
        "Gender_R": text(person, "gender"),
        "Identification": [{"Type": "Member ID", "Code": number, "Name": None}] if number else [],
        "Date": _dates(dates),
    }


def _dates(dates: Tree) -> list[Json]:
    return [
        {"Type": _DATES[name], "Date": _us(text(dates, name))} for name in dates if name in _DATES
    ]


def _us(days: str) -> str:
    """A day, or a range of them, as Americans write it."""
    return _DAY.sub(r"\2/\3/\1", days)


def _plan(told: Tree, entries: list[Tree]) -> Tree:
    status = next((one for one in entries if text(one, "code") in _STATUS), {})
    dates = tree(told.get("planDateInformation"))
    begin = text(dates, "planBegin") or text(dates, "eligibilityBegin")
    return {
        "Status": _STATUS.get(text(status, "code")),
        "PlanName": text(status, "planCoverage") or None,
        "PolicyType": text(status, "insuranceType") or None,
        "EffectiveDate": _us(begin) or None,
        "ExpiryDate": _us(text(dates, "planEnd") or text(dates, "eligibilityEnd")) or None,
        "GroupNumber": text(told, "subscriber", "groupNumber") or None,
    }


def _others(entries: list[Tree]) -> Tree | None:
    named = [
        party
        for one in entries
        if text(one, "code") == "R"
        for party in trees(one, "benefitsRelatedEntities")
    ]
    found: Tree = {
        name: next(
            (text(one, "entityName") for one in named if text(one, "entityIdentifier") == role),
            None,
        )
        for name, role in (("PrimaryPayer", "Primary Payer"), ("SecondaryPayer", "Secondary Payer"))
    }
    return found if any(found.values()) else None


def _services(entries: list[Tree]) -> list[Json]:
    """The benefits under each of their services, in the order in which services come."""
    found: dict[str, list[Json]] = {}
    for entry in entries:
        for name in texts(entry, "serviceTypes") or ["Others"]:
            found.setdefault(name, []).append(_detail(entry))
    return [{"ServiceName": name, "EligibilityDetails": told} for name, told in found.items()]


def _detail(entry: Tree) -> Tree:
    procedure = tree(entry.get("compositeMedicalProcedureIdentifier"))
    code = text(procedure, "procedureCode")
    place = trees(entry, "eligibilityAdditionalInformationList")
    return {
        "AuthorizationOrCertificationRequired": _APPROVALS.get(text(entry, "authOrCertIndicator")),
        "EligibilityOrBenefit": text(entry, "name"),
        "CoverageLevel": text(entry, "coverageLevel") or None,
        "Date": _dates(tree(entry.get("benefitsDateInformation"))),
        "InsuranceType": text(entry, "insuranceType") or None,
        "Message": [
            text(one, "description") for one in trees(entry, "additionalInformation")
        ],
        "MonetaryAmount": text(entry, "benefitAmount") or None,
        "Percent": text(entry, "benefitPercent") or None,
        "PlanCoverageDescription": text(entry, "planCoverage") or None,
        "PlanNetworkIndicator": text(entry, "inPlanNetworkIndicator") or None,
        "QuantityQualifier": text(entry, "quantityQualifier") or None,
        "Quantity": text(entry, "benefitQuantity") or None,
        "TimePeriodQualifier": text(entry, "timeQualifier") or None,
        "Procedure": f"{text(procedure, 'productOrServiceIdQualifierCode')}:{code}"
        if code
        else None,
        "PlaceOfService": text(place[0], "industryCode") if place else None,
        "BenefitEntities": [_entity(one) for one in trees(entry, "benefitsRelatedEntities")],
        "HealthCareServiceDeliveries": [
            _delivery(one) for one in trees(entry, "benefitsServiceDelivery")
        ],
    }  # fmt: skip


def _entity(party: Tree) -> Tree:
    return {
        "EntityType": text(party, "entityIdentifier"),
        "Firstname": text(party, "entityFirstname") or None,
        "Lastname_R": text(party, "entityName"),
        "IdentificationCode": text(party, "entityIdentificationValue") or None,
    }


def _delivery(one: Tree) -> Tree:
    return {
        "QuantityQualifier": text(one, "quantityQualifier") or None,
        "TotalQuantity": text(one, "quantity") or None,
        "MeasurementUnit": text(one, "unitForMeasurementQualifier") or None,
        "MeasurementPeriod": text(one, "sampleSelectionModulus") or None,
        "TimePeriodQualifier": text(one, "timePeriodQualifier") or None,
        "TotalNumberOfPeriods": text(one, "numOfPeriods") or None,
    }


def _summaries(entries: list[Tree]) -> Tree:
    """The plan's pools, and the therapies' shares and visits; the first of a kind stands."""
    pools: Tree = {}
    therapies: dict[str, Tree] = {name: {} for name in _THERAPIES.values()}
    for entry in entries:
        codes = texts(entry, "serviceTypeCodes")
        if "30" in codes:
            _set_all(pools, _pools(entry))
        for code in codes:
            if code in _THERAPIES:
                _set_all(therapies[_THERAPIES[code]], _shares(entry))
    return {
        "HBPC_Deductible_OOP_Summary": pools or None,
        **{name: told or None for name, told in therapies.items()},
        "MedicareInfoSummary": None,
    }


def _set_all(summary: Tree, told: Iterator[tuple[str, Json]]) -> None:
    for name, value in told:
        summary.setdefault(name, value)


def _pools(entry: Tree) -> Iterator[tuple[str, Json]]:
    kind = {"C": "Deductible", "G": "OOP"}.get(text(entry, "code"))
    person = _PERSONS.get(text(entry, "coverageLevelCode"))
    amount = text(entry, "benefitAmount")
    if kind is None or person is None or not amount:
        return
    left = "Remaining" if text(entry, "timeQualifierCode") == "29" else ""
    for network in _NETWORKS[text(entry, "inPlanNetworkIndicatorCode")]:
        # pVerify's own names: IndividualOOP_InNet, but FamilyOOPInNet.
        line = "_" if kind == "OOP" and person == "Individual" and not left else ""
        yield f"{person}{kind}{left}{line}{network}Net", {"Value": f"${amount}", "Notes": None}


def _shares(entry: Tree) -> Iterator[tuple[str, Json]]:
    code = text(entry, "code")
    notes = "; ".join(
        text(one, "description") for one in trees(entry, "additionalInformation")
    )  # fmt: skip
    for network in _NETWORKS[text(entry, "inPlanNetworkIndicatorCode") or "W"]:
        if code == "1":
            yield f"ServiceCovered{network}Net", "YES"
        elif code == "I":
            yield f"ServiceCovered{network}Net", "NO"
        elif code == "B" and text(entry, "benefitAmount"):
            yield f"CoPay{network}Net", _value(f"${text(entry, 'benefitAmount')}", notes)
        elif code == "A" and text(entry, "benefitPercent"):
            share = float(text(entry, "benefitPercent"))
            yield f"CoIns{network}Net", _value(f"{share * 100 if share <= 1 else share:g}%", notes)
        elif code == "F" and text(entry, "benefitQuantity"):
            left = text(entry, "timeQualifierCode") == "29"
            kind = "Remaining" if left else "Limitations"
            visits = text(entry, "benefitQuantity")
            yield f"TherapyVisits{kind}{network}Net", _value(visits, notes)
        if text(entry, "authOrCertIndicator") == "Y":
            yield f"{network}NetServiceAuthorizationInfo", "Authorization Required"


def _value(value: str, notes: str) -> Tree:
    return {"Value": value, "Notes": notes or None}
