"""The list of what needs somebody, as a view."""

from collections.abc import Iterator

from cleargate.nouns.case import Case
from cleargate.nouns.gate import Gate
from cleargate.store import attempts, cases, connections, gates, outages
from cleargate.store.database import Session
from cleargate.store.gates import StoredGate
from cleargate.store.outages import Outage
from cleargate.web import words
from cleargate.web.desk.door import AtDesk
from cleargate.web.views import Desk, GateRow, GatesView

PAGE = 50


def desk_view(session: Session, desk: AtDesk) -> Desk:
    """What every page of the desk shows around its own matter."""
    base = f"/{desk.here.profile.slug}/desk"
    return Desk(
        site=desk.here.site,
        staff=desk.who.member.name,
        csrf=desk.who.csrf,
        gates_url=base,
        phone_request_url=f"{base}/phone",
        password_url=f"{base}/password",
        sign_out_url=f"{base}/sign-out",
        open_gates=gates.count_open(session),
        banners=(
            *(
                f"The connection “{each.name}” has stopped ({each.code}): tell your IT person."
                for each in connections.states(session)
                if each.state != "ok"
            ),
            *(_outage(desk, each) for each in outages.standing(session)),
            *_expiries(desk),
        ),
    )


def _outage(desk: AtDesk, outage: Outage) -> str:
    """Said once, and not by every case that waits for it."""
    who = outage.payer_name or f"The connection “{outage.connection}”"
    since = words.moment(outage.since, desk.here.now, desk.here.profile.zone)
    one = "One check waits, and is tried again by itself."
    several = f"{outage.waiting} checks wait, and are tried again by themselves."
    return f"{who} has not answered since {since}. {one if outage.waiting == 1 else several}"


def _expiries(desk: AtDesk) -> Iterator[str]:
    """What ends soon, from a month before."""
    here = desk.here
    today = here.now.astimezone(here.profile.zone).date()
    for each in here.pages.expiries(here.profile.id):
        if each.is_near(today):
            what = words.EXPIRIES[each.kind].format(connection=each.connection)
            yield f"{what} {words.ends(each.last_day, each.days_left(today))}: tell your IT person."


def view(session: Session, desk: AtDesk, page: int) -> GatesView:
    """One page of the list, oldest first."""
    found = gates.list_open(session, PAGE + 1, page * PAGE)
    base = f"/{desk.here.profile.slug}/desk"
    return GatesView(
        desk=desk_view(session, desk),
        url=f"{base}?page={page}" if page else base,
        rows=tuple(_row(session, desk, each) for each in found[:PAGE]),
        next_url=f"{base}?page={page + 1}" if len(found) > PAGE else "",
        previous_url=f"{base}?page={page - 1}" if page else "",
    )


def _row(session: Session, desk: AtDesk, stored: StoredGate) -> GateRow:
    case = cases.get(session, stored.case)
    if case is None:
        msg = "a gate always has its case"
        raise LookupError(msg)
    here = desk.here
    opened = stored.opened.astimezone(here.profile.zone)
    return GateRow(
        case=case.id,
        url=f"/{here.profile.slug}/desk/cases/{case.id}",
        why=words.REASONS[stored.gate.reason],
        patient=_initials(case),
        payer=_payer(case, stored.gate),
        visit=_visit(desk, case),
        age=words.age(stored.opened, here.now),
        waited_since=f"{opened:%Y-%m-%d %H:%M %Z}",
        attempts=len(attempts.of_case(session, case.id)),
    )


def _initials(case: Case) -> str:
    name = case.request.patient.name
    return f"{name.given[:1]}{name.family[:1]}".upper()


def _payer(case: Case, gate: Gate) -> str:
    named = [fact.value for fact in gate.facts if fact.label == "Payer"]
    policies = [each.payer_name for each in case.request.insurances]
    return (named or policies or [words.PAYMENTS[case.request.payment]])[0]


def _visit(desk: AtDesk, case: Case) -> str:
    opening = case.memo.opening
    zone = desk.here.profile.zone
    if opening is not None and case.memo.booking_id:
        return words.moment(opening.start, desk.here.now, zone)
    earliest = case.request.earliest
    return f"from {earliest:%a %b} {earliest.day}"
