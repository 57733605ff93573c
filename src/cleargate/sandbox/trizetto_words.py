"""TriZetto's words for X12's codes, as they stand in its public answers, misspelling included.

What no answer shows has the word of the guide, which Stedi uses as well.
"""

from cleargate.sandbox import medical_network_words as guide

INFORMATION = guide.INFORMATION
LEVELS = guide.LEVELS
INSURANCES = guide.INSURANCES
SERVICES = guide.SERVICES
QUANTITIES = guide.QUANTITIES
RELATIONS = guide.RELATIONS
REASONS = guide.REASONS
FOLLOW_UPS = guide.FOLLOW_UPS
PERIODS = guide.PERIODS | {"36": "Admisson"}
NETWORKS = {"Y": "In Plan-Network", "N": "Out of Plan-Network"}
"""There is no word for W: the element is then missing."""
ANSWERS = {"Y": "Yes", "N": "No", "U": "Unknown"}
SEXES = {"F": "Female", "M": "Male"}
ENTITIES = {
    "1P": "Provider",
    "P3": "Primary Care Provider",
    "P4": "Prior Insurance Carrier",
    "PR": "Payer",
    "PRP": "Primary Payer",
    "X3": "Utilization Management Organization",
}
"""Others have no word; the entity is then named without what it is."""
MODES = {"TE": "Telephone", "UR": "Uniform Resource Locator (URL)"}
DATES = {
    "193": "Period Start",
    "194": "Period End",
    "290": "Coordination of Benefits",
    "291": "Plan",
    "292": "Benefit",
    "307": "Eligibility",
    "346": "Plan Begin",
    "347": "Plan End",
    "348": "Benefit Begin",
    "349": "Benefit End",
    "356": "Eligibility Begin",
    "357": "Eligibility End",
    "472": "Service",
}
