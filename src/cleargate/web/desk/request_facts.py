"""What we know of a case, as facts for the left column."""

from datetime import date

from cleargate.nouns.appointment import BookingStatus, DayPart, Wish
from cleargate.nouns.case import CHECK, Case
from cleargate.nouns.insurance import Insurance, Payment
from cleargate.nouns.patient import Patient
from cleargate.nouns.request import Channel
from cleargate.web import words
from cleargate.web.desk.door import AtDesk
from cleargate.web.views import FactGroup, FactRow

_RANKS = ("Primary insurance", "Secondary insurance")


_CHANNELS = {
    Channel.WEB: "Web form",
    Channel.PHONE: "Phone",
    Channel.STAFF: "Staff's insurance check",
}


def groups(desk: AtDesk, case: Case, differing: frozenset[str]) -> tuple[FactGroup, ...]:
    """Patient, visit, payment, and whoever else is involved.

    `differing` are labels of what the patient's record has otherwise.
    """
    request = case.request
    found = [
        _group("Patient", _patient(request.patient), differing),
        _group("Visit", _visit(desk, case)),
    ]
    found += [
        _group(_RANKS[min(rank, 1)], _insurance(each))
        for rank, each in enumerate(request.insurances)
    ]
    if request.accident is not None:
        claim = request.accident
        rows = {
            "Claim number": claim.claim_number,
            "Adjuster": claim.adjuster,
            "Adjuster's phone": words.phone(claim.adjuster_phone),
            "Accident": _day(claim.accident_date) if claim.accident_date else "",
        }
        found.append(_group("Accident", rows))
    if request.guarantor is not None:
        guarantor = request.guarantor
        rows = {
            "Name": f"{guarantor.name.given} {guarantor.name.family}",
            "Born": _day(guarantor.birth_date),
            "Relationship": guarantor.relationship,
            "Phone": words.phone(guarantor.contact.phone),
        }
        found.append(_group("Guarantor", rows))
    if request.referral is not None:
        referral = request.referral
        rows = {"Issued": _day(referral.issued), "Referrer's NPI": referral.referrer_npi}
        found.append(_group("Referral", rows))
    return tuple(found)


def _group(title: str, rows: dict[str, str], differing: frozenset[str] = frozenset()) -> FactGroup:
    filled = ((label, value) for label, value in rows.items() if value)
    return FactGroup(title, tuple(FactRow(*row, row[0] in differing) for row in filled))


def _patient(patient: Patient) -> dict[str, str]:
    address = patient.contact.address
    return {
        "Birth date": _day(patient.birth_date),
        "Sex": words.SEXES[patient.sex],
        "Phone": words.phone(patient.contact.phone),
        "E-mail": patient.contact.email,
        "Address": f"{address.line}, {address.city}, {address.state} {address.zip}"
        if address
        else "",
    }


def _visit(desk: AtDesk, case: Case) -> dict[str, str]:
    request = case.request
    offered = desk.here.profile.directory.visit(request.visit_type)
    opening = case.memo.opening if case.memo.booking_id else None
    zone = desk.here.profile.zone
    time = words.moment(opening.start, desk.here.now, zone) if opening else ""
    held = case.memo.booking_status is BookingStatus.TENTATIVE
    return {
        "Kind": offered.type.name if offered else request.visit_type,
        "Held" if held else "Booked": f"{time}, {opening.provider}" if opening else "",
        "Reason": request.reason,
        "Asked about" if case.kind == CHECK else "From": _day(request.earliest),
        "Wishes": "; ".join(map(_wish, request.wishes)),
        "Paid by": _paid_by(case),
        "Came by": _CHANNELS[request.channel],
    }


def _wish(wish: Wish) -> str:
    day = "any day" if wish.weekday is None else words.WEEKDAYS[wish.weekday]
    return day if wish.part is DayPart.ANY else f"{day}, {wish.part}"


def _paid_by(case: Case) -> str:
    payment = case.request.payment
    return (
        "Self-pay" if case.memo.self_pay or payment is Payment.SELF_PAY else words.PAYMENTS[payment]
    )


def _insurance(insurance: Insurance) -> dict[str, str]:
    holder = insurance.subscriber
    return {
        "Company": insurance.payer_name,
        "Member ID": insurance.member_id,
        "Group": insurance.group,
        "Policy holder": words.RELATIONSHIPS[insurance.relationship],
        "Holder's name": f"{holder.name.given} {holder.name.family}" if holder else "",
        "Holder born": _day(holder.birth_date) if holder else "",
    }


def _day(day: date) -> str:
    return f"{day:%m/%d/%Y}"
