"""From a payer's 271 to Availity's coverage: one benefit a service, its details by network.

Made from the Medical Network's form of the same 271, whose entries are EB loops with codes and
words. Source, read on 2026-11-23: Availity's Swagger document "Coverages 1.0.0". What it leaves
open is decided here: `type` of a benefit is the service type, `statusCode` is EB01, a kind that
has no member of its own stands in `statusDetails`, `units` are Dollars or Percent, `code` of a
message is AAA03.
"""

from cleargate.sandbox.medical_network_words import ENTITIES, INFORMATION, SERVICES
from cleargate.sandbox.trees import Json, Tree, text, texts, tree, trees

_PLAN = "30"
_NETWORKS = {"Y": "inNetwork", "N": "outOfNetwork", "W": "notApplicableNetwork"}
_AMOUNTS = {"A": "coInsurance", "B": "coPayment", "C": "deductibles", "G": "outOfPocket"}
_DETAILS = {
    "CB": "coverageBasis",
    "D": "benefitDescriptions",
    "E": "exclusions",
    "F": "limitations",
    "I": "nonCovered",
    "J": "costContainment",
    "K": "reserve",
    "M": "preexistingConditions",
}
_OF_PLANS = frozenset({"CB", "D", "F", "J", "K", "M"})
"""Kinds that a plan has members for; others without a service stand at service type 30."""
_CONTACTS = frozenset({"L", "MC", "U", "X"})
_DATES = {
    "plan": ("coverageStartDate", "coverageEndDate"),
    "planBegin": ("planStartDate", "planEndDate"),
    "planEnd": ("", "planEndDate"),
    "eligibility": ("eligibilityStartDate", "eligibilityEndDate"),
    "eligibilityBegin": ("eligibilityStartDate", "eligibilityEndDate"),
    "eligibilityEnd": ("", "eligibilityEndDate"),
    "benefit": ("benefitBeginDate", "benefitEndDate"),
    "benefitBegin": ("benefitBeginDate", "benefitEndDate"),
    "benefitEnd": ("", "benefitEndDate"),
    "service": ("serviceDate", ""),
    "coordinationOfBenefits": (
        "coordinationOfBenefitsBeginDate",
        "coordinationOfBenefitsEndDate",
    ),
}
_RANKS = {"Primary Payer": "primary", "Secondary Payer": "secondary", "Tertiary Payer": "tertiary"}
_ENTITY_CODES = {word: code for code, word in ENTITIES.items()}


def coverage(told: Tree) -> Tree:
    """What the payer said. `told` is its 271 as medical_network_answers.translate writes it."""
    errors = trees(told, "errors")
    dependents = trees(told, "dependents")
    holder = tree(told.get("subscriber"))
    plan = _Plan()
    for entry in trees(told, "benefitsInformation"):
        plan.take(entry)
    plans: list[Json] = [plan.members | _dates(tree(told.get("planDateInformation")))]
    return {
        "status": "Request Error" if errors else "Complete",
        "statusCode": "19" if errors else "4",
        "validationMessages": [
            {"errorMessage": error["description"], "code": error["code"]} for error in errors
        ],
        "payer": {
            "payerId": text(told, "tradingPartnerServiceId"),
            "name": text(told, "payer", "name"),
            "responseName": text(told, "payer", "name"),
            "responsePayerId": text(told, "payer", "payorIdentification"),
        },
        "subscriber": _person(holder),
        "patient": _person(dependents[0] if dependents else holder),
        "plans": plans if trees(told, "benefitsInformation") else [],
    }


def _person(told: Tree) -> Tree:
    found = _stated(
        memberId=text(told, "memberId"),
        lastName=text(told, "lastName"),
        firstName=text(told, "firstName"),
        genderCode=text(told, "gender"),
        subscriberRelationshipCode=text(told, "relationToSubscriberCode"),
        subscriberRelationship=text(told, "relationToSubscriber"),
    )
    birth = text(told, "dateOfBirth")
    return found | (_stated(birthDate=_moment(birth)) if birth else {})


class _Plan:
    """The plan as it grows, entry by entry."""

    def __init__(self) -> None:
        self.members: Tree = {}
        self._benefits: dict[str, Tree] = {}

    def take(self, entry: Tree) -> None:
        """Put one EB loop where it belongs; once for each service that it lists."""
        code, services = text(entry, "code"), texts(entry, "serviceTypeCodes")
        if code in "12345678" and (not services or _PLAN in services):
            self.members.setdefault("statusCode", code)
            self.members.setdefault("status", INFORMATION[code])
        if not services and (code in _OF_PLANS | _CONTACTS or code in ("P", "R")):
            _add(self.members, code, entry, "")
            return
        for service in services or [_PLAN]:
            _add(self._benefit(service), code, entry, service)

    def _benefit(self, service: str) -> Tree:
        if service not in self._benefits:
            made: Tree = {"name": SERVICES.get(service, service), "type": service}
            self._benefits[service] = made
            _list(self.members, "benefits").append(made)
        return self._benefits[service]


def _add(holder: Tree, code: str, entry: Tree, service: str) -> None:
    if code == "P":
        for note in _notes(entry):
            _list(holder, "payerNotes").append({"typeCode": "P", "message": note})
    elif code == "R":
        _list(holder, "additionalPayers").append(_payer(entry, service))
    elif code in _CONTACTS:
        _list(holder, "contacts").append(_contact(entry, code))
    elif code in _AMOUNTS:
        amounts = holder.setdefault("amounts", {})
        _into(tree(amounts), _AMOUNTS[code], entry)
    else:
        if code in "12345678":
            holder.setdefault("statusCode", code)
            holder.setdefault("status", INFORMATION[code])
        _into(holder, _DETAILS.get(code, "statusDetails"), entry)


def _into(holder: Tree, kind: str, entry: Tree) -> None:
    """A detail under its network; what remains of a total goes beside that total."""
    network = _NETWORKS.get(text(entry, "inPlanNetworkIndicatorCode"), "noNetwork")
    detail = holder.setdefault(kind, {})
    listed = _list(tree(detail), network)
    made = _network_benefit(entry)
    if text(entry, "timeQualifierCode") == "29" and "amount" in made:
        for earlier in listed:
            if isinstance(earlier, dict) and _is_total_of(earlier, made):
                earlier["total"] = earlier.pop("amount")
                earlier["totalTimePeriodCode"] = earlier.pop("amountTimePeriodCode")
                earlier["totalTimePeriod"] = earlier.pop("amountTimePeriod", "")
                earlier["remaining"] = made["amount"]
                earlier["remainingTimePeriod"] = "Remaining"
                earlier["remainingTimePeriodCode"] = "29"
                return
    listed.append(made)


_SIZES = ("amount", "amountTimePeriod", "amountTimePeriodCode")


def _is_total_of(earlier: Tree, made: Tree) -> bool:
    if "amount" not in earlier or text(earlier, "amountTimePeriodCode") not in ("22", "23"):
        return False
    rest = [{k: v for k, v in one.items() if k not in _SIZES} for one in (earlier, made)]
    return rest[0] == rest[1]


def _network_benefit(entry: Tree) -> Tree:
    percent = text(entry, "benefitPercent")
    amount = percent or text(entry, "benefitAmount")
    indicator = text(entry, "authOrCertIndicator")
    made = _stated(
        statusCode=text(entry, "code"),
        status=text(entry, "name"),
        description=text(entry, "planCoverage"),
        quantity=text(entry, "benefitQuantity"),
        quantityQualifier=text(entry, "quantityQualifier"),
        quantityQualifierCode=text(entry, "quantityQualifierCode"),
        insuranceType=text(entry, "insuranceType"),
        insuranceTypeCode=text(entry, "insuranceTypeCode"),
        amount=amount,
        units=("Percent" if percent else "Dollars") if amount else "",
        amountTimePeriod=text(entry, "timeQualifier"),
        amountTimePeriodCode=text(entry, "timeQualifierCode"),
        level=text(entry, "coverageLevel"),
        levelCode=text(entry, "coverageLevelCode"),
        placeOfServiceCode=text(entry, "eligibilityAdditionalInformationList", 0, "industryCode"),
    )
    if indicator in ("Y", "N"):
        made["authorizationRequired"] = indicator == "Y"
    elif indicator:
        made["authorizationRequiredUnknown"] = True
    if notes := _notes(entry):
        made["payerNotes"] = [*notes]
    if delivered := [_delivery(one) for one in trees(entry, "benefitsServiceDelivery")]:
        made["deliveryInformation"] = [*delivered]
    named: list[Json] = [{"name": text(one, "entityName")} for one in _parties(entry)]
    if named:
        made["contacts"] = named
    return made | _dates(tree(entry.get("benefitsDateInformation")))


def _notes(entry: Tree) -> list[str]:
    return [text(one, "description") for one in trees(entry, "additionalInformation")]


def _parties(entry: Tree) -> list[Tree]:
    return trees(entry, "benefitsRelatedEntities")


def _delivery(one: Tree) -> Tree:
    return _stated(
        quantity=text(one, "quantity"),
        quantityQualifier=text(one, "quantityQualifier"),
        quantityQualifierCode=text(one, "quantityQualifierCode"),
        per=text(one, "unitForMeasurementQualifier"),
        perCode=text(one, "unitForMeasurementQualifierCode"),
        amount=text(one, "sampleSelectionModulus"),
        timePeriod=text(one, "timePeriodQualifier"),
        timePeriodCode=text(one, "timePeriodQualifierCode"),
        timePeriods=text(one, "numOfPeriods"),
    )


def _contact(entry: Tree, code: str) -> Tree:
    party = next(iter(_parties(entry)), {})
    kind = text(party, "entityIdentifier")
    made = _stated(
        typeCode=code,
        type=INFORMATION[code],
        category=kind,
        categoryCode=_ENTITY_CODES.get(kind, ""),
        name=text(party, "entityName"),
        firstName=text(party, "entityFirstname"),
    )
    if notes := _notes(entry):
        made["payerNotes"] = [*notes]
    return made | _dates(tree(entry.get("benefitsDateInformation")))


def _payer(entry: Tree, service: str) -> Tree:
    party = next(iter(_parties(entry)), {})
    kind = text(party, "entityIdentifier")
    made = _stated(
        name=text(party, "entityName"),
        type=kind,
        typeCode=_ENTITY_CODES.get(kind, ""),
        serviceTypeCode=service,
    )
    if kind in _RANKS:
        made[_RANKS[kind]] = True
    if notes := _notes(entry):
        made["payerNotes"] = [*notes]
    return made | _dates(tree(entry.get("benefitsDateInformation")))


def _dates(told: Tree) -> Tree:
    made: Tree = {}
    for name, (first, last) in _DATES.items():
        begin, _, end = text(told, name).partition("-")
        if begin and not first:
            begin, end = "", begin
        if begin:
            made[first] = _moment(begin)
        if end and last:
            made[last] = _moment(end)
    return made


def _moment(day: str) -> str:
    """A day as Availity writes it: midnight in the east, as UTC."""
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}T05:00:00.000+0000"


def _stated(**members: str) -> Tree:
    return {name: value for name, value in members.items() if value}


def _list(holder: Tree, name: str) -> list[Json]:
    found = holder.setdefault(name, [])
    assert isinstance(found, list)  # noqa: S101  (made by the line above)
    return found
