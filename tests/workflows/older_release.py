"""An older release of the booking, as far as a newer one has to do with it.

The same phases by the same names, cut otherwise: no phase runs on into the next, each queues it.
"""

from cleargate.directory.practice import Practice
from cleargate.eligibility.ask import ask_every_payer
from cleargate.eligibility.write_back import write_back
from cleargate.engine.endings import Closed, Ending, Next
from cleargate.engine.phases import Procedure
from cleargate.engine.run import Run
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import CaseState
from cleargate.patients.find import create_patient
from cleargate.scheduling import mails, visits
from cleargate.scheduling.phases import BOOK, FINISH, VERIFY

VERSION = "0.0.9"


def verify(run: Run[Practice]) -> Ending:
    ask_every_payer(run, run.case.memo.ask_on or run.case.request.earliest)
    return Next(BOOK)


def book(run: Run[Practice]) -> Ending:
    patient_id = create_patient(run)
    visits.put_insurances(run, patient_id)
    if visits.choose_opening(run, BOOK) is None:
        visits.book_opening(run, patient_id, BookingStatus.BOOKED)
    return Next(FINISH)


def finish(run: Run[Practice]) -> Ending:
    write_back(run)
    mails.send_confirmation(run)
    return Closed(CaseState.DONE)


PROCEDURES: dict[str, Procedure[Practice]] = {VERIFY: verify, BOOK: book, FINISH: finish}
