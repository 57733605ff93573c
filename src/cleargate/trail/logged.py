"""What the log of the processes holds of the trail: every event's id, and the sealer's checkpoints.

A log that was sent elsewhere as it was written is a second anchor, and the only witness of an event
that was deleted before its seal.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import PracticeId
from cleargate.trail.anchors import Anchored
from cleargate.trail.note import KEY_NAME


@dataclass(slots=True)
class Logged:
    """Events and checkpoints, by practice."""

    events: dict[PracticeId, list[UUID]] = field(default_factory=dict)
    checkpoints: dict[PracticeId, list[Anchored]] = field(default_factory=dict)


def read_logs(files: Sequence[Path]) -> Logged:
    """Everything of the trail in some log files; lines of other things are passed over."""
    found = Logged()
    for path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                _read(lines, str(path), found)
        except OSError as error:
            raise Refused(f"--log: {path} cannot be read ({error.strerror}).") from None
    return found


def _read(lines: Iterable[str], name: str, found: Logged) -> None:
    for number, line in enumerate(lines, start=1):
        if '"audit"' not in line and '"checkpoint"' not in line:
            continue
        try:
            said = json.loads(line)
            practice = PracticeId(UUID(said["practice_id"]))
            if "audit" in said:
                found.events.setdefault(practice, []).append(UUID(said["audit"]))
            elif said["event"] == "checkpoint":
                anchored = _checkpoint(practice, said, f"{name}:{number}")
                found.checkpoints.setdefault(practice, []).append(anchored)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _checkpoint(practice: PracticeId, said: Mapping[str, Any], where: str) -> Anchored:
    """The signed note of a line that LogAnchor wrote."""
    size = int.from_bytes(base64.b64decode(said["size"], validate=True))
    note = (
        f"cleargate/{practice}\n{size}\n{said['root']}\n\n\u2014 {KEY_NAME} {said['signature']}\n"
    )
    return Anchored(note, str(said["time"]), where, size)
