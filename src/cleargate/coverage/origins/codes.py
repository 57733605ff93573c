"""X12's codes in words: what every format that is derived from the 271 shares.

Source: 005010X279A1, code lists EB01, EB02, EB06, EB09, EB11, EB12, HSD03, DTP01, NM101.
"""

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


def is_misplaced(period: str, quantity_kind: str, quantity: str) -> bool:
    """Whether a limit's quantity, its kind or the period stands in another element's place.

    Seen: `EB*F*IND*PT*PO*23*20****VS`, each value one or more elements off.
    """
    if quantity in QUANTITIES and not quantity_kind:
        return True
    return bool(period) and period not in PERIODS
