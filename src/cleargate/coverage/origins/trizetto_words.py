"""TriZetto's words for X12's codes. Words are compared as `key` writes them.

Sources: the words in TriZetto's public sample answers, for a word may differ from the guide's
(`Admisson`, `Other or Additional Payor`); beside them the texts of the code lists in
005010X279A1. A code that TriZetto has no word for comes through as it stands.
"""

import re

_OTHER = re.compile(r"[^a-z0-9]+")


def key(words: str) -> str:
    """Words in small letters with single spaces, and nothing else between them."""
    return _OTHER.sub(" ", words.lower()).strip()


INFO = {
    "active coverage": "1",
    "active": "1",
    "active full risk capitation": "2",
    "active services capitated": "3",
    "active services capitated to primary care physician": "4",
    "active pending investigation": "5",
    "inactive": "6",
    "inactive pending eligibility update": "7",
    "inactive pending investigation": "8",
    "co insurance": "A",
    "coinsurance": "A",
    "co payment": "B",
    "copayment": "B",
    "deductible": "C",
    "coverage basis": "CB",
    "benefit description": "D",
    "exclusions": "E",
    "limitations": "F",
    "out of pocket stop loss": "G",
    "unlimited": "H",
    "non covered": "I",
    "cost containment": "J",
    "reserve": "K",
    "primary care provider": "L",
    "pre existing condition": "M",
    "managed care coordinator": "MC",
    "services restricted to following provider": "N",
    "not deemed a medical necessity": "O",
    "benefit disclaimer": "P",
    "second surgical opinion required": "Q",
    "other or additional payor": "R",
    "other or additional payer": "R",
    "prior year s history": "S",
    "card s reported lost stolen": "T",
    "contact following entity for eligibility or benefit information": "U",
    "cannot process": "V",
    "other source of data": "W",
    "health care facility": "X",
    "spend down": "Y",
}

LEVELS = {
    "children only": "CHD",
    "dependents only": "DEP",
    "employee and children": "ECH",
    "employee only": "EMP",
    "employee and spouse": "ESP",
    "family": "FAM",
    "individual": "IND",
    "spouse and children": "SPC",
    "spouse only": "SPO",
}

SERVICES = {
    "health benefit plan coverage": "30",
    "chiropractic": "33",
    "professional physician visit office": "98",
    "rehabilitation": "A9",
    "occupational therapy": "AD",
    "physical medicine": "AE",
    "speech therapy": "AF",
    "physical therapy": "PT",
}
"""The services that we may ask for; needed only where `servicetypecode` is missing."""

INSURANCES = {"medicare part a": "MA", "medicare part b": "MB"}
"""Needed only where `insurancetypecode` is missing."""

PERIODS = {
    "hour": "6",
    "day": "7",
    "24 hours": "13",
    "years": "21",
    "service year": "22",
    "calendar year": "23",
    "year to date": "24",
    "contract": "25",
    "episode": "26",
    "visit": "27",
    "outlier": "28",
    "remaining": "29",
    "exceeded": "30",
    "not exceeded": "31",
    "lifetime": "32",
    "lifetime remaining": "33",
    "month": "34",
    "week": "35",
    "admission": "36",
    "admisson": "36",
}

QUANTITIES = {
    "quantity used": "99",
    "covered actual": "CA",
    "days": "DY",
    "units": "FL",
    "hours": "HS",
    "maximum": "M2",
    "month": "MN",
    "months": "MN",
    "number of services or procedures": "P6",
    "quantity approved": "QA",
    "age high value": "S7",
    "age low value": "S8",
    "visits": "VS",
    "years": "YY",
}

YES_NO = {"yes": "Y", "no": "N", "unknown": "U", "not applicable": "W"}

NETWORKS = {
    "in plan network": "Y",
    "out of plan network": "N",
    "unknown": "U",
    "not applicable": "W",
}
"""`W` is listed for the day on which TriZetto sends it; so far the element is then missing."""

DATES = {
    "benefit": "292",
    "benefit begin": "348",
    "benefit end": "349",
    "cobra begin": "340",
    "cobra end": "341",
    "eligibility": "307",
    "eligibility begin": "356",
    "eligibility end": "357",
    "plan": "291",
    "plan begin": "346",
    "plan end": "347",
    "policy effective": "539",
    "policy expiration": "540",
    "service": "472",
    "added": "382",
    "admission": "435",
    "certification": "152",
    "coordination of benefits": "290",
    "date of death": "442",
    "date of last update": "636",
    "discharge": "096",
    "issue": "102",
    "latest visit or consultation": "304",
    "period end": "194",
    "period start": "193",
    "premium paid to date begin": "342",
    "premium paid to date end": "343",
    "primary care provider": "295",
    "status": "441",
}

ROLES = {
    "managed care organization": "Y2",
    "payer": "PR",
    "payor": "PR",
    "primary payer": "PRP",
    "primary payor": "PRP",
    "prior insurance carrier": "P4",
    "secondary payer": "SEP",
    "secondary payor": "SEP",
    "tertiary payer": "TTP",
    "tertiary payor": "TTP",
    "utilization management organization": "X3",
}
"""Who matters to the coverage; all others are bystanders, and no list of them is kept."""

REFUSALS = {
    "authorized quantity exceeded": "04",
    "required application data missing": "15",
    "required data missing": "15",
    "input errors": "33",
    "out of network": "35",
    "authorization access restrictions": "41",
    "authorization or access restrictions": "41",
    "unable to respond at current time": "42",
    "invalid missing provider identification": "43",
    "invalid missing provider name": "44",
    "invalid missing provider specialty": "45",
    "invalid missing provider phone number": "46",
    "invalid missing provider state": "47",
    "invalid missing referring provider identification number": "48",
    "provider is not primary care physician": "49",
    "provider ineligible for inquiries": "50",
    "provider not on file": "51",
    "service dates not within provider plan enrollment": "52",
    "inquired benefit inconsistent with provider type": "53",
    "inappropriate product service id qualifier": "54",
    "inappropriate product service id": "55",
    "inappropriate date": "56",
    "invalid missing date s of service": "57",
    "invalid missing date of birth": "58",
    "date of birth follows date s of service": "60",
    "date of death precedes date s of service": "61",
    "date of service not within allowable inquiry period": "62",
    "date of service in future": "63",
    "invalid missing patient id": "64",
    "invalid missing patient name": "65",
    "invalid missing patient gender code": "66",
    "patient not found": "67",
    "duplicate patient id number": "68",
    "inconsistent with patient s age": "69",
    "inconsistent with patient s gender": "70",
    "patient birth date does not match that for the patient on the database": "71",
    "invalid missing subscriber insured id": "72",
    "invalid missing subscriber insured name": "73",
    "invalid missing subscriber insured gender code": "74",
    "subscriber insured not found": "75",
    "duplicate subscriber insured id number": "76",
    "subscriber found patient not found": "77",
    "subscriber insured not in group plan identified": "78",
    "invalid participant identification": "79",
    "no response received transaction terminated": "80",
    "invalid or missing provider address": "97",
    "invalid missing provider address": "97",
    "experimental service or procedure": "98",
    "payer name or identifier missing": "T4",
}
"""AAA03, X12 code list 901."""

FOLLOW_UPS = {
    "please correct and resubmit": "C",
    "resubmission not allowed": "N",
    "please resubmit original transaction": "P",
    "resubmission allowed": "R",
    "do not resubmit inquiry initiated to a third party": "S",
    "please wait 30 days and resubmit": "W",
    "please wait 10 days and resubmit": "X",
    "do not resubmit we will hold your request and respond again shortly": "Y",
}
"""AAA04, X12 code list 889."""
