"""From a 271's loops to benefit rows: X12's codes become words, nothing is interpreted.

Source: 005010X279A1, 2110C EB and its loop; code lists EB01, EB06, EB09, DTP01, NM101.
"""

from cleargate.coverage.rows import (
    NO_DETAILS,
    BenefitRow,
    Details,
    Entity,
    Frequency,
    Info,
    Message,
    PayerAnswer,
    Refusal,
    Role,
    Span,
    SpanKind,
)
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.eligibility_271 import (
    NOTHING_ATTACHED,
    Attached,
    Benefit,
    Delivery,
    Level,
    Member,
    Party,
    Period,
    Rejection,
)

_INFO = {
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
_PLAIN = frozenset({"A", "B", "C", "F", "G"})
"""EB01 of amounts and limits, which say nothing beyond their own services."""
_PERSONS = {"IND": Person.INDIVIDUAL, "FAM": Person.FAMILY}
_NETWORKS = {"Y": Network.IN, "N": Network.OUT, "W": Network.EITHER}
_AUTHORISATIONS = {"Y": AuthorisationNeed.REQUIRED, "N": AuthorisationNeed.NOT_REQUIRED}
_NO_INFO = Info.OTHER
_NO_PERSON = Person.UNSTATED
_NO_NETWORK = Network.UNSTATED
_NO_AUTHORISATION = AuthorisationNeed.UNSTATED
"""What a row says that says nothing. Named here because every row needs them: looking up an
enum's member costs fifteen times as much."""
_PERIODS = {
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
_QUANTITIES = {
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
_PER = {"DA": "day", "MO": "month", "VS": "visit", "WK": "week", "YR": "year"}
_SPANS = {
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
_ENDS = frozenset({"341", "347", "349", "357", "540"})
_ROLES = {
    "PR": Role.PAYER,
    "PRP": Role.PRIMARY_PAYER,
    "SEP": Role.SECONDARY_PAYER,
    "TTP": Role.TERTIARY_PAYER,
    "P4": Role.PRIOR_PAYER,
    "X3": Role.MANAGER,
    "Y2": Role.MANAGER,
}


def payer_answer(
    member: Member, set_index: int, wanted: frozenset[str], *, complete: bool
) -> PayerAnswer:
    """Turn one member of a 271 into rows, with the refusals of every level above.

    Plain amounts and limits of services that are not wanted are left out: large payers list
    sixty services, and nothing is concluded from a copay for maternity.
    """
    payer = _whom(member.payer).family
    refusals = _refusals(member)
    patient = member.patient
    if patient is None:
        return PayerAnswer(payer, (), (), refusals, complete, set_index=set_index)
    person = _whom(patient)
    # A dependent without an id or dates of its own has those of the subscriber.
    holder = member.subscriber or patient
    return PayerAnswer(
        payer=payer,
        rows=_rows(patient.benefits, wanted),
        spans=_spans(patient.periods) or _spans(holder.periods),
        refusals=refusals,
        complete=complete,
        trace=patient.trace,
        member_id=person.id or _whom(holder).id,
        family_name=person.family,
        given_name=person.given,
        birth_date=patient.birth_date,
        set_index=set_index,
    )


def _whom(level: Level | None) -> Party:
    """Whom a level is about."""
    return (level.party if level else None) or _NOBODY


_NOBODY = Party(0, "", "", "", "", "", {})


def _refusals(member: Member) -> tuple[Refusal, ...]:
    """What is refused at any level, from the payer down."""
    levels = (member.payer, member.provider, member.subscriber, member.dependent)
    return tuple([_refusal(one) for level in levels if level for one in level.rejections])


def _rows(benefits: tuple[Benefit, ...], wanted: frozenset[str]) -> tuple[BenefitRow, ...]:
    return tuple(
        [
            _row(one)
            for one in benefits
            if one.elements[1] not in _PLAIN
            or not one.services
            or not wanted.isdisjoint(one.services)
            or one.attached is not NOTHING_ATTACHED
        ]
    )


def _row(benefit: Benefit) -> BenefitRow:
    segment, elements, services, attached = benefit
    (
        _, information, level, _, insurance_type, plan, period, amount, percent,
        quantity_kind, quantity, authorisation, network, procedure,
    ) = elements  # fmt: skip
    return BenefitRow(
        _INFO.get(information, _NO_INFO),
        segment,
        services,
        _PERSONS.get(level, _NO_PERSON),
        _NETWORKS.get(network, _NO_NETWORK),
        insurance_type,
        plan,
        _PERIODS.get(period, period),
        amount,
        percent,
        _QUANTITIES.get(quantity_kind, quantity_kind),
        quantity,
        _AUTHORISATIONS.get(authorisation, _NO_AUTHORISATION),
        procedure,
        information == "F" and _is_misplaced(period, quantity_kind, quantity),
        NO_DETAILS if attached is NOTHING_ATTACHED else _details(attached),
    )


def _details(attached: Attached) -> Details:
    messages, periods, deliveries, _, rejections, places, parties = attached
    return Details(
        tuple([Message(text, segment) for segment, text in messages]),
        _spans(periods),
        tuple(map(_frequency, deliveries)) if deliveries else (),
        tuple(map(_refusal, rejections)) if rejections else (),
        places,
        tuple(map(_entity, parties)) if parties else (),
        " / ".join([message.text for message in messages]).upper() if messages else "",
    )


def _is_misplaced(period: str, quantity_kind: str, quantity: str) -> bool:
    """Whether a limit's quantity, its kind or the period stands in another element's place.

    Seen: `EB*F*IND*PT*PO*23*20****VS`, each value one or more elements off.
    """
    if quantity in _QUANTITIES and not quantity_kind:
        return True
    return bool(period) and period not in _PERIODS


def _spans(periods: tuple[Period, ...]) -> tuple[Span, ...]:
    """A lone date begins its span, or ends it where the qualifier says so."""
    if not periods:
        return ()
    spans: list[Span] = []
    for period in periods:
        kind = _SPANS.get(period.qualifier)
        if kind is None:
            continue
        begin, end = period.begin, period.end
        if end is None and kind is SpanKind.SERVICE:
            end = begin
        if end is None and period.qualifier in _ENDS:
            spans.append(Span(kind, None, begin, period.segment))
        else:
            spans.append(Span(kind, begin, end, period.segment))
    return tuple(spans)


def _frequency(delivery: Delivery) -> Frequency:
    return Frequency(
        _QUANTITIES.get(delivery.unit, delivery.unit),
        delivery.quantity,
        _PER.get(delivery.per, delivery.per),
        _PERIODS.get(delivery.period, delivery.period),
        delivery.periods,
        delivery.segment,
    )


def _refusal(rejection: Rejection) -> Refusal:
    return Refusal(rejection.reason, rejection.follow_up, rejection.segment)


def _entity(party: Party) -> Entity:
    name = f"{party.given} {party.family}" if party.given else party.family
    return Entity(_ROLES.get(party.role, Role.OTHER), name, party.segment)
