"""Whether a known vulnerability is in what the locks pin, asked of OSV by pip-audit.

    python tools/advisories.py LOCK...

A vulnerability fails. A source that cannot be reached does not, and is said aloud: "not run". What
was looked at and found harmless here stands, with reason and date, in tools/advisories.toml.
`PIP_AUDIT_OSV_URL` names another source, such as a mirror.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IGNORED = ROOT / "tools" / "advisories.toml"
SOURCE = os.environ.get("PIP_AUDIT_OSV_URL", "https://api.osv.dev/v1/query")
PROBE = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "1.0"}
VULNERABLE = "VULNERABLE"
NOT_RUN = 3
PROBE_TIMEOUT_S = 5
AUDIT_TIMEOUT_S = 300


def main(locks: list[str]) -> int:
    """Audit every lock; 0 is nothing found, 1 a vulnerability or a broken audit, 3 not run."""
    ignored = tomllib.loads(IGNORED.read_text())["ignored"]
    bare = [name for name, why in ignored.items() if not (why.get("on") and why.get("reason"))]
    if bare:
        print(f"tools/advisories.toml ignores {', '.join(bare)} without a date and a reason.")
        return 1
    away = why_away()
    found = [] if away else [one for lock in locks for one in audit(Path(lock), sorted(ignored))]
    broken = [fault for fault in found if not fault.startswith(VULNERABLE)]
    # An audit that breaks because its source went away meanwhile is no fault of ours.
    away = away or (why_away() if broken else "")
    faults = [fault for fault in found if not away or fault not in broken]
    for fault in faults:
        print(fault)
    if away:
        print(f"not run: {SOURCE} {away}")
    return 1 if faults else NOT_RUN if away else 0


def why_away() -> str:
    """Why the source answers no question, or nothing."""
    if not SOURCE.startswith(("https://", "http://127.0.0.1:")):
        return "is neither https nor on this machine"
    question = urllib.request.Request(SOURCE, json.dumps(PROBE).encode())
    try:
        # Its scheme is looked at above.
        with urllib.request.urlopen(question, timeout=PROBE_TIMEOUT_S) as reply:  # nosec B310
            json.load(reply)
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except OSError as error:
        return f"cannot be reached: {getattr(error, 'reason', error)}"
    except ValueError:
        return "answers something else than JSON"
    return ""


def audit(lock: Path, ignored: list[str]) -> list[str]:
    """What pip-audit finds in one lock; and a fault if it looked at less than the lock pins."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--progress-spinner", "off"]
    command += ["--vulnerability-service", "osv", "--osv-url", SOURCE, "--format", "json"]
    command += ["--desc", "off", "--disable-pip", "--require-hashes", "--requirement", str(lock)]
    for name in ignored:
        command += ["--ignore-vuln", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return [f"{lock.name}: pip-audit took more than {AUDIT_TIMEOUT_S} s"]
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return [f"{lock.name}: pip-audit broke: {last}"]
    left_out = pinned_everywhere(lock) - {each["name"] for each in found}
    faults = [f"{lock.name}: pip-audit left out {name}" for name in sorted(left_out)]
    return faults + [vulnerable(lock, each, one) for each in found for one in each["vulns"]]


def vulnerable(lock: Path, package: dict[str, Any], one: dict[str, Any]) -> str:
    """One vulnerability in a line that says the way out."""
    names = ", ".join([one["id"], *one["aliases"]])
    way_out = f"take {one['fix_versions'][0]}" if one["fix_versions"] else "no release mends it yet"
    return f"{VULNERABLE} {package['name']} {package['version']} ({lock.name}): {names}; {way_out}."


def pinned_everywhere(lock: Path) -> set[str]:
    """The names that the lock pins on every platform; what has a marker may be left out here."""
    return set(re.findall(r"^([a-z0-9-]+)==[^ ;]+ \\$", lock.read_text(), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
