"""From a 271's loops to benefit rows: X12's codes become words, nothing is interpreted.

Source: 005010X279A1, 2110C EB and its loop; the code lists are in codes.py.
"""

from cleargate.coverage.origins.codes import (
    AUTHORISATIONS,
    INFO,
    NETWORKS,
    PERIODS,
    PERSONS,
    PLAIN,
    QUANTITIES,
    ROLES,
    is_misplaced,
    per,
    span_of,
)
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

_NO_INFO = Info.OTHER
_NO_PERSON = Person.UNSTATED
_NO_NETWORK = Network.UNSTATED
_NO_AUTHORISATION = AuthorisationNeed.UNSTATED
"""What a row says that says nothing. Named here because every row needs them: looking up an
enum's member costs fifteen times as much."""


def payer_answer(
    member: Member, set_index: int, wanted: frozenset[str], *, complete: bool
) -> PayerAnswer:
    """Turn one member of a 271 into rows, with the refusals of every level above.

    Plain amounts and limits of services that are not wanted are left out: large payers list
    sixty services, and nothing is concluded from a copay for maternity.
    """
    source = _whom(member.payer)
    payer = source.family
    refusals = _refusals(member)
    patient = member.patient
    if patient is None:
        return PayerAnswer(
            payer, (), (), refusals, complete, set_index=set_index, payer_id=source.id
        )
    person = _whom(patient)
    # A dependent without an id or dates of its own has those of the subscriber.
    holder = member.subscriber or patient
    own, above = _spans(patient.periods), _spans(holder.periods)
    return PayerAnswer(
        payer=payer,
        rows=_rows(patient.benefits, wanted),
        spans=own or above,
        holder_spans=above if own and holder is not patient else (),
        refusals=refusals,
        complete=complete,
        trace=patient.trace,
        member_id=person.id or _whom(holder).id,
        family_name=person.family,
        given_name=person.given,
        birth_date=patient.birth_date,
        set_index=set_index,
        payer_id=source.id,
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
            if one.elements[1] not in PLAIN
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
        INFO.get(information, _NO_INFO),
        segment,
        services,
        PERSONS.get(level, _NO_PERSON),
        NETWORKS.get(network, _NO_NETWORK),
        insurance_type,
        plan,
        PERIODS.get(period, period),
        amount,
        percent,
        QUANTITIES.get(quantity_kind, quantity_kind),
        quantity,
        AUTHORISATIONS.get(authorisation, _NO_AUTHORISATION),
        procedure,
        information == "F" and is_misplaced(period, quantity_kind, quantity),
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


def _spans(periods: tuple[Period, ...]) -> tuple[Span, ...]:
    if not periods:
        return ()
    spans = (span_of(one.qualifier, one.begin, one.end, one.segment) for one in periods)
    return tuple([span for span in spans if span is not None])


def _frequency(delivery: Delivery) -> Frequency:
    return Frequency(
        QUANTITIES.get(delivery.unit, delivery.unit),
        delivery.quantity,
        per(delivery.per, delivery.every),
        PERIODS.get(delivery.period, delivery.period),
        delivery.periods,
        delivery.segment,
    )


def _refusal(rejection: Rejection) -> Refusal:
    return Refusal(rejection.reason, rejection.follow_up, rejection.segment)


def _entity(party: Party) -> Entity:
    name = f"{party.given} {party.family}" if party.given else party.family
    return Entity(ROLES.get(party.role, Role.OTHER), name, party.segment)
