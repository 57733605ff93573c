"""Times in the practice's book: choose one that fits, take it, make it firm, give it back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from cleargate.directory.practice import Practice
from cleargate.engine.look import look_in
from cleargate.engine.run import Run, Write
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Case
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason, Offer
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Payment
from cleargate.ports import RecordKind
from cleargate.store import effects

TAKEN_MAX = 5
"""How many times may be snatched away in one go before the book is read again."""


def known_by(practice: Practice, case: Case) -> datetime:
    """Two office hours before the visit, or the earliest wished one: the office has to prepare."""
    opening = case.memo.opening
    visit = opening.start if opening else practice.opens_on(case.request.earliest)
    local = visit.astimezone(practice.zone)
    return practice.office_hours.before(local, practice.booking.office_hours_before_visit)


def put_insurances(run: Run[Practice], patient_id: str) -> None:
    """Add each policy to the patient's record, primary first."""
    if run.case.request.payment is not Payment.INSURANCE or run.case.memo.self_pay:
        return
    ehr = run.practice.ehr
    for rank, insurance in enumerate(run.case.request.insurances, start=1):
        run.write(
            Write(
                step=f"put_insurance{rank}",
                connection=ehr.connection,
                send=partial(ehr.put_insurance, patient_id, insurance, rank),
                look=look_in(ehr, RecordKind.INSURANCE),
            )
        )


def choose_opening(run: Run[Practice], phase: str) -> Gate | None:
    """Keep the earliest time that fits the patient's wishes; a gate with offers if none does."""
    if run.case.memo.opening is not None:
        return None
    ehr = run.practice.ehr
    upcoming: list[Opening] = []
    for query in _weeks(run):
        openings = run.read("find_openings", ehr.connection, partial(ehr.find_openings, query))
        possible = [each for each in openings if _is_possible(run, each)]
        fitting = _shared_out(run.case.id, [each for each in possible if _fits(run, each)])
        if fitting:
            with run.commit() as session:
                run.remember(session, opening=fitting[0], openings=tuple(fitting[1:TAKEN_MAX]))
            return None
        upcoming += possible
    offers = tuple(upcoming[: run.practice.booking.offers_max])
    with run.commit() as session:
        run.remember(session, openings=offers)
    return _no_opening(run.practice, offers, phase)


def _weeks(run: Run[Practice]) -> Iterator[OpeningQuery]:
    """The days to look through, a week at a time: most find their time in the first."""
    request = run.case.request
    local_today = run.clock.now().astimezone(run.practice.zone).date()
    first = max(request.earliest, local_today)
    last = first + timedelta(days=run.practice.booking.search_days)
    while first <= last:
        yield OpeningQuery(request.visit_type, first, min(first + timedelta(days=6), last))
        first += timedelta(days=7)


def _shared_out(case: CaseId, fitting: list[Opening]) -> list[Opening]:
    """The times in their order, but among those that begin first each case looks at another one.

    Requests that come in together would otherwise all want the same room.
    """
    first = [each for each in fitting if each.start == fitting[0].start]
    turn = case.int % len(first) if first else 0
    return [*first[turn:], *first[:turn], *fitting[len(first) :]]


def _is_possible(run: Run[Practice], opening: Opening) -> bool:
    """Whether the office still has time to prepare for it, and it was not given back before."""
    practice = run.practice
    start = opening.start.astimezone(practice.zone)
    by = practice.office_hours.before(start, practice.booking.office_hours_before_visit)
    return by > run.clock.now() and opening.start not in run.case.memo.given_back


def _fits(run: Run[Practice], opening: Opening) -> bool:
    start = opening.start.astimezone(run.practice.zone)
    wishes = run.case.request.wishes
    return not wishes or any(wish.fits(start) for wish in wishes)


def _no_opening(practice: Practice, offers: tuple[Opening, ...], phase: str) -> Gate:
    choices = (Choice.ASK_AGAIN, Choice.DONE_BY_HAND, Choice.DECLINE)
    return Gate(
        reason=GateReason.NO_OPENING,
        tip="Call the patient and agree on one of the nearest times.",
        facts=(Fact("Times that fit the wishes", "none"),),
        choices=(Choice.TAKE_OPENING, *choices) if offers else choices,
        phase=phase,
        offers=tuple(Offer(str(n), label(practice, each)) for n, each in enumerate(offers)),
    )


def label(practice: Practice, opening: Opening) -> str:
    """A time as people say it: `Tue Dec 1, 9:40 AM with Dr. Sample, Main Office`."""
    start = opening.start.astimezone(practice.zone)
    clock = start.strftime("%I:%M %p").lstrip("0")
    return f"{start:%a %b} {start.day}, {clock} with {opening.provider}, {opening.place}"


def book_opening(run: Run[Practice], patient_id: str, status: BookingStatus) -> bool:
    """Take the chosen time; False when it, and those kept in reserve, were taken meanwhile."""
    while (opening := run.case.memo.opening) is not None:
        try:
            _book(run, patient_id, opening, status)
        except PortError as error:
            if error.kind is not ErrorKind.CONFLICT:
                raise
            _take_next(run)
        else:
            return True
    return False


def _book(run: Run[Practice], patient_id: str, opening: Opening, status: BookingStatus) -> None:
    """Take one time. A time that was to be held only is known as such before it is taken.

    Otherwise a worker that dies in between leaves it to the next one, which by then may have the
    payers' answers and would think it firm.
    """
    ehr = run.practice.ehr
    if run.case.memo.booking_status is not None:
        status = run.case.memo.booking_status
    elif status is BookingStatus.TENTATIVE:
        with run.commit() as session:
            run.remember(session, booking_status=status)
    details = BookingDetails(run.case.request.visit_type, status)
    run.write(
        Write(
            step="book",
            connection=ehr.connection,
            send=lambda ref: ehr.book(opening, patient_id, details, ref),
            look=look_in(ehr, RecordKind.BOOKING),
            contested=True,
            keeps=lambda made: {
                "booking_id": made.id,
                "booking_status": status,
                "taken_back": False,
            },
        )
    )


def _take_next(run: Run[Practice]) -> None:
    """Somebody else was quicker: the next time in reserve, or none."""
    reserve = run.case.memo.openings
    with run.commit() as session:
        opening = reserve[0] if reserve else None
        run.remember(session, opening=opening, openings=reserve[1:], booking_status=None)


def make_firm(run: Run[Practice]) -> None:
    """A time that was only held becomes a booked one."""
    memo = run.case.memo
    if memo.booking_status is BookingStatus.TENTATIVE:
        _set_status(run, "make_firm", BookingStatus.BOOKED)


def cancel(run: Run[Practice]) -> None:
    """Give the time back, if there is one; the next booking is a new effect."""
    _complete_booking(run)
    if not run.case.memo.booking_id:
        return
    _set_status(run, "cancel", BookingStatus.CANCELLED)
    with run.commit() as session:
        for step in ("book", "make_firm", "cancel", "mail_confirmation"):
            effects.undo(session, run.case.id, step)
        opening = run.case.memo.opening
        run.remember(
            session,
            booking_id="",
            booking_status=None,
            opening=None,
            openings=(),
            ask_on=None,
            taken_back=True,
            given_back=(*run.case.memo.given_back, *([opening.start] if opening else [])),
        )
        run.raise_generation(session)


def _complete_booking(run: Run[Practice]) -> None:
    """Bring a booking to its end that may have left, so that nothing of it can come late.

    A phase that was overtaken, or died, may have sent it. Looking whether it has arrived is not
    enough: it may still be on its way. Sent again under its own Ref it happens once, and is known.
    """
    memo = run.case.memo
    with run.commit() as session:
        begun = effects.begun(session, run.case.id, "book")
    if memo.booking_id or memo.opening is None or not begun:
        return
    try:
        _book(run, memo.patient_id, memo.opening, BookingStatus.TENTATIVE)
    except PortError as error:
        if error.kind is not ErrorKind.CONFLICT:  # Then somebody else has the time.
            raise


def _set_status(run: Run[Practice], step: str, status: BookingStatus) -> None:
    """Set a status; the vendor sees by itself when it is set already, so a look is not needed."""
    ehr = run.practice.ehr
    booking_id = run.case.memo.booking_id
    run.write(
        Write(
            step=step,
            connection=ehr.connection,
            send=lambda ref: ehr.set_booking_status(booking_id, status, ref),
            look=lambda _: None,
            keeps=lambda _: {"booking_status": status},
        )
    )
