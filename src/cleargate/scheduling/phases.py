"""The names of a booking's phases, for whoever starts one (see scheduling/booking.py)."""

RECEIVE = "booking.receive"
UNCONFIRMED = "booking.unconfirmed"
VERIFY = "booking.verify"
BOOK = "booking.book"
FINISH = "booking.finish"
WITHDRAW = "booking.withdraw"
REBOOK = "booking.rebook"
