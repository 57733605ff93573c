"""X12's codes in words: what every format that is derived from the 271 shares.

Source: 005010X279A1, code lists EB01, EB02, EB06, EB09, EB11, EB12, HSD03, DTP01, NM101.
"""

import re
from datetime import date

from cleargate.coverage.rows import Info, Role, Span, SpanKind
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person

INFO = {
    "1": Info.ACTIVE,
    "2": Info.ACTIVE,  # full risk capitation
    "3": Info.ACTIVE,  # services capitated
    "4": Info.ACTIVE,  # services capitated to primary care physician
    "5": Info.ACTIVE_PENDING,
    "6": Info.INACTIVE,
    "7": Info.INACTIVE,  # pending eligibility update
    "8": Info.INACTIVE,  # pending investigation
    "A": Info.COINSURANCE,
    "B": Info.COPAY,
    "C": Info.DEDUCTIBLE,
    "CB": Info.BASIS,
    "D": Info.DESCRIPTION,
    "E": Info.EXCLUDED,
    "F": Info.LIMIT,
    "G": Info.OUT_OF_POCKET,
    "H": Info.UNLIMITED,
    "I": Info.NOT_COVERED,
    "MC": Info.MANAGED_CARE,
    "N": Info.RESTRICTED,
    "R": Info.OTHER_PAYER,
    "U": Info.CONTACT,
    "V": Info.CANNOT_PROCESS,
    "Y": Info.SPEND_DOWN,
}
PLAIN = frozenset({"A", "B", "C", "F", "G"})
"""EB01 of amounts and limits, which say nothing beyond their own services."""
PERSONS = {"IND": Person.INDIVIDUAL, "FAM": Person.FAMILY}
NETWORKS = {"Y": Network.IN, "N": Network.OUT, "W": Network.EITHER}
AUTHORISATIONS = {"Y": AuthorisationNeed.REQUIRED, "N": AuthorisationNeed.NOT_REQUIRED}
PERIODS = {
    "6": "hour",
    "7": "day",
    "13": "24_hours",
    "21": "years",
    "22": "service_year",
    "23": "calendar_year",
    "24": "year_to_date",
    "25": "contract",
    "26": "episode",
    "27": "visit",
    "28": "outlier",
    "29": "remaining",
    "30": "exceeded",
    "31": "not_exceeded",
    "32": "lifetime",
    "33": "lifetime_remaining",
    "34": "month",
    "35": "week",
    "36": "admission",
}
QUANTITIES = {
    "99": "used",
    "CA": "used",
    "DY": "days",
    "FL": "units",
    "HS": "hours",
    "M2": "maximum",
    "MN": "months",
    "P6": "services",
    "QA": "approved",
    "S7": "age_above",
    "S8": "age_below",
    "VS": "visits",
    "YY": "years",
}
PER = {"DA": "day", "MO": "month", "VS": "visit", "WK": "week", "YR": "year"}
SPANS = {
    "291": SpanKind.PLAN,
    "292": SpanKind.BENEFIT,
    "307": SpanKind.ELIGIBILITY,
    "340": SpanKind.COBRA,
    "341": SpanKind.COBRA,
    "346": SpanKind.PLAN,
    "347": SpanKind.PLAN,
    "348": SpanKind.BENEFIT,
    "349": SpanKind.BENEFIT,
    "356": SpanKind.ELIGIBILITY,
    "357": SpanKind.ELIGIBILITY,
    "472": SpanKind.SERVICE,
    "539": SpanKind.POLICY,
    "540": SpanKind.POLICY,
}
ENDS = frozenset({"341", "347", "349", "357", "540"})
ROLES = {
    "PR": Role.PAYER,
    "PRP": Role.PRIMARY_PAYER,
    "SEP": Role.SECONDARY_PAYER,
    "TTP": Role.TERTIARY_PAYER,
    "P4": Role.PRIOR_PAYER,
    "X3": Role.MANAGER,
    "Y2": Role.MANAGER,
}


STATUS_WORDS = {
    "ACTIVE_COVERAGE": "1",
    "ACTIVE_FULL_RISK_CAPITATION": "2",
    "ACTIVE_SERVICES_CAPITATED": "3",
    "ACTIVE_SERVICES_CAPITATED_TO_PRIMARY_CARE_PHYSICIAN": "4",
    "ACTIVE_SERVICES_CAPITATED_TO_PRIMARY_CARE_PROVIDER": "4",
    "ACTIVE_PENDING_INVESTIGATION": "5",
    "INACTIVE": "6",
    "INACTIVE_PENDING_ELIGIBILITY_UPDATE": "7",
    "INACTIVE_PENDING_INVESTIGATION": "8",
}
"""The words of the JSON forms for codes, as `words` writes them: EB01 of a status."""
INFO_WORDS = STATUS_WORDS | {
    "CO_INSURANCE": "A",
    "CO_PAYMENT": "B",
    "DEDUCTIBLE": "C",
    "COVERAGE_BASIS": "CB",
    "BENEFIT_DESCRIPTION": "D",
    "EXCLUSIONS": "E",
    "LIMITATIONS": "F",
    "OUT_OF_POCKET_STOP_LOSS": "G",
    "UNLIMITED": "H",
    "NON_COVERED": "I",
    "MANAGED_CARE_COORDINATOR": "MC",
    "SERVICES_RESTRICTED_TO_FOLLOWING_PROVIDER": "N",
    "OTHER_OR_ADDITIONAL_PAYOR": "R",
    "CONTACT_FOLLOWING_ENTITY_FOR_ELIGIBILITY_OR_BENEFIT_INFORMATION": "U",
    "CANNOT_PROCESS": "V",
    "SPEND_DOWN": "Y",
}
PERSON_WORDS = {"INDIVIDUAL": "IND", "FAMILY": "FAM"}
NETWORK_WORDS = {
    "YES": "Y",
    "NO": "N",
    "NOT_APPLICABLE": "W",
    "IN_NETWORK": "Y",
    "OUT_OF_NETWORK": "N",
    "IN_AND_OUT_OF_NETWORK": "W",
}
AUTHORISATION_WORDS = {"REQUIRED": "Y", "NOT_REQUIRED": "N"}
PERIOD_WORDS = {word.upper(): code for code, word in PERIODS.items()}
QUANTITY_WORDS = {
    "AGE_HIGH_VALUE": "S7",
    "AGE_LOW_VALUE": "S8",
    "COVERED_ACTUAL": "CA",
    "DAYS": "DY",
    "HOURS": "HS",
    "MAXIMUM": "M2",
    "MONTH": "MN",
    "NUMBER_OF_SERVICES_OR_PROCEDURES": "P6",
    "QUANTITY_APPROVED": "QA",
    "QUANTITY_USED": "99",
    "UNITS": "FL",
    "VISITS": "VS",
    "YEARS": "YY",
}
PER_WORDS = {
    "DAYS": "DA",
    "MONTHS": "MO",
    "VISIT": "VS",
    "VISITS": "VS",
    "WEEK": "WK",
    "YEARS": "YR",
}
ROLE_WORDS = {
    "MANAGED_CARE_ORGANIZATION": "Y2",
    "PAYER": "PR",
    "PRIMARY_PAYER": "PRP",
    "PRIOR_INSURANCE_CARRIER": "P4",
    "SECONDARY_PAYER": "SEP",
    "TERTIARY_PAYER": "TTP",
    "UTILIZATION_MANAGEMENT_ORGANIZATION": "X3",
}
INSURANCE_WORDS = {
    "HEALTH_MAINTENANCE_ORGANIZATION_HMO": "HM",
    "HEALTH_MAINTENANCE_ORGANIZATION_HMO_MEDICARE_RISK": "HN",
    "INDEMNITY": "IN",
    "MEDICARE_PART_A": "MA",
    "MEDICARE_PART_B": "MB",
    "POINT_OF_SERVICE_POS": "PS",
    "PREFERRED_PROVIDER_ORGANIZATION_PPO": "PR",
}
"""EB04. Only those that a rule looks for; the others stay words."""
SERVICE_WORDS = {
    "CHIROPRACTIC": "33",
    "HEALTH_BENEFIT_PLAN_COVERAGE": "30",
    "OCCUPATIONAL_THERAPY": "AD",
    "PHYSICAL_MEDICINE": "AE",
    "PHYSICAL_THERAPY": "PT",
    "PROFESSIONAL_PHYSICIAN_VISIT_OFFICE": "98",
    "REHABILITATION": "A9",
    "SPEECH_THERAPY": "AF",
}
"""EB03. Only those that a rule looks for; any other name stays a service, and is not the plan."""
FOLLOW_UP_WORDS = {
    "PLEASE_CORRECT_AND_RESUBMIT": "C",
    "RESUBMISSION_NOT_ALLOWED": "N",
    "PLEASE_RESUBMIT_ORIGINAL_TRANSACTION": "P",
    "RESUBMISSION_ALLOWED": "R",
    "DO_NOT_RESUBMIT_INQUIRY_INITIATED_TO_A_THIRD_PARTY": "S",
    "PLEASE_WAIT_30_DAYS_AND_RESUBMIT": "W",
    "PLEASE_WAIT_10_DAYS_AND_RESUBMIT": "X",
    "DO_NOT_RESUBMIT_WE_WILL_HOLD_YOUR_REQUEST_AND_RESPOND_AGAIN_SHORTLY": "Y",
}
"""X12 code list 889. Clearinghouses send "Resubmission Not Allowed" for an outage, too (AAA03 is
42 or 80): what to do is decided by AAA03 alone."""
_GAPS = re.compile(r"[^A-Z0-9]+")


def span_of(
    qualifier: str, begin: date, end: date | None, segment: int, element: str = "DTP03"
) -> Span | None:
    """The span of a date (DTP01); None where it bounds nothing that we look at.

    A lone date begins its span, or ends it where the qualifier says so.
    """
    kind = SPANS.get(qualifier)
    if kind is None:
        return None
    if end is None and kind is SpanKind.SERVICE:
        end = begin
    if end is None and qualifier in ENDS:
        return Span(kind, None, begin, segment, element)
    return Span(kind, begin, end, segment, element)


def words(text: str) -> str:
    """Words as the tables spell them: `Out of Pocket (Stop Loss)` is OUT_OF_POCKET_STOP_LOSS."""
    return _GAPS.sub("_", text.upper()).strip("_")


def per(code: str, every: str) -> str:
    """HSD03 and HSD04 in words: `month`, or `2 months` where it is every second one."""
    word = PER.get(code, code)
    if every in {"", "1"} or not word:
        return word
    return f"{every} {word}s" if every.isdigit() else every


def is_misplaced(period: str, quantity_kind: str, quantity: str) -> bool:
    """Whether a limit's quantity, its kind or the period stands in another element's place.

    Seen: `EB*F*IND*PT*PO*23*20****VS`, each value one or more elements off.
    """
    if quantity in QUANTITIES and not quantity_kind:
        return True
    return bool(period) and period not in PERIODS
