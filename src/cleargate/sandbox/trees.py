"""JSON as typed trees, and reading into them without trusting their shape."""

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Tree: TypeAlias = dict[str, "Json"]


def tree(value: Json) -> Tree:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def at(value: Json, *path: str | int) -> Json:
    """What stands at a path, or None."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def text(value: Json, *path: str | int) -> str:
    """The text at a path, empty when there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def whole(value: Json, *path: str | int, default: int = 0) -> int:
    """The integer at a path, or the default."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def trees(value: Json, *path: str | int) -> list[Tree]:
    """The objects in the list at a path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(value: Json, *path: str | int) -> list[str]:
    """The texts in the list at a path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
