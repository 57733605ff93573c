"""Questions in the JSON of the Medical Network, as the gateways that speak it read them.

What a gateway requires and how it refuses is its own; see stedi.py and optum.py.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trees import Json, Tree, at, text, texts, tree, trees

_OBJECTS = ("provider", "subscriber", "encounter")
_PERSON = {
    "firstName": r".{1,35}",
    "lastName": r".{1,60}",
    "memberId": r".{2,80}",
    "dateOfBirth": r"\d{8}",
    "gender": r"[MF]",
}
SHAPES = {
    "controlNumber": r"\d{1,9}",
    "tradingPartnerServiceId": r".{1,80}",
    "provider.organizationName": r".{1,60}",
    "provider.npi": r"\d{10}",
    "encounter.dateOfService": r"\d{8}",
    **{f"subscriber.{name}": shape for name, shape in _PERSON.items()},
    **{f"dependents.0.{name}": shape for name, shape in _PERSON.items()},
}
"""Members by their path; any other is ignored."""
_DAYS = ("encounter.dateOfService", "subscriber.dateOfBirth", "dependents.0.dateOfBirth")
_SERVICE = re.compile(r"[A-Z0-9]{1,2}")


def mistakes(
    asked: Tree, required: tuple[str, ...], shapes: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong: the path of a member, and what it should be; never its value."""
    for name in required:
        if not asked.get(name):
            yield name, "is required"
    for name in _OBJECTS:
        if not isinstance(asked.get(name, {}), dict):
            yield name, "must be an object"
    if not isinstance(asked.get("dependents", []), list) or len(trees(asked, "dependents")) > 1:
        yield "dependents", "must be a list of one"
    for path, shape in shapes.items():
        found = _found(asked, path)
        if found is not None and not (isinstance(found, str) and re.fullmatch(shape, found)):
            yield path, "is malformed"
        elif found is not None and path in _DAYS and not _is_day(found):
            yield path, "is no date"
    services = at(asked, "encounter", "serviceTypeCodes")
    if services is not None and not _are_services(services):
        yield "encounter.serviceTypeCodes", "is malformed"


def _found(asked: Tree, path: str) -> Json:
    return at(asked, *[int(step) if step.isdigit() else step for step in path.split(".")])


def _is_day(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _are_services(value: Json) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(code, str) and _SERVICE.fullmatch(code) for code in value)
    )


def question(asked: Tree, sender: str) -> Question:
    """A question without mistakes, as the gateway `sender` puts it to the payer."""
    dependents = trees(asked, "dependents")
    return Question(
        sender=sender,
        receiver="SANDBOXCH",
        group_sender=sender,
        group_receiver="SANDBOXCH",
        payer=text(asked, "tradingPartnerServiceId"),
        provider=text(asked, "provider", "organizationName"),
        npi=text(asked, "provider", "npi"),
        member_id=text(asked, "subscriber", "memberId"),
        # What a client calls a question stays with the gateway; payers hear its own number.
        trace=text(asked, "controlNumber"),
        subscriber=_identity(tree(asked["subscriber"])),
        dependent=_identity(dependents[0]) if dependents else None,
        services=tuple(texts(asked, "encounter", "serviceTypeCodes")) or ("30",),
        service_date=text(asked, "encounter", "dateOfService"),
    )


def _identity(person: Tree) -> Identity:
    return Identity(
        text(person, "lastName"),
        text(person, "firstName"),
        text(person, "dateOfBirth"),
        text(person, "gender"),
    )
