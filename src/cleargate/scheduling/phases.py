"""The names of a booking's phases, for whoever starts one (see scheduling/booking.py)."""

from cleargate.gates.correct import CORRECTED_PHASE
from cleargate.gates.decide import ASK_PATIENT_PHASE

RECEIVE = CORRECTED_PHASE
UNCONFIRMED = "booking.unconfirmed"
VERIFY = "booking.verify"
ASK_PATIENT = ASK_PATIENT_PHASE
REMIND_PATIENT = "booking.remind_patient"
PATIENT_SILENT = "booking.patient_silent"
PATIENT_CHECKED = "booking.patient_checked"
BOOK = "booking.book"
FINISH = "booking.finish"
WITHDRAW = "booking.withdraw"
REBOOK = "booking.rebook"
RECHECK = "booking.recheck"
