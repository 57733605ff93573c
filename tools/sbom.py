"""The bill of materials of what an installation runs, in CycloneDX, and the licences in it.

    python tools/sbom.py ENVIRONMENT LOCK [FILE]

Of what is installed in ENVIRONMENT only what Cleargate itself needs is listed, with the hashes that
LOCK names and the licence that its own metadata names. The same inputs give the same bytes. Fails,
and writes nothing, when a licence is not allowed (tools/licences.toml) or a component not locked.
"""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
POLICY = ROOT / "tools" / "licences.toml"
PRODUCT = "cleargate"
SCHEMA = "1.6"
SAYS_NOTHING = "License :: OSI Approved"
TIMEOUT_S = 120

Bom = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Make the bill, check it, write it if there is a file to write."""
    environment, lock = Path(arguments[0]), Path(arguments[1])
    bom = listed(environment)
    keep_only(bom, needed(environment))
    policy = tomllib.loads(POLICY.read_text())
    text, faults = "", add_hashes(bom, pins(lock.read_text())) + judge(bom, policy)
    if not faults:
        text = json.dumps(bom, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        faults = against_schema(text)
    for fault in faults:
        print(fault)
    if faults:
        return 1
    if len(arguments) > 2:
        Path(arguments[2]).write_text(text)
        print(f"{arguments[2]}: {len(bom['components'])} components.")
    return 0


def listed(environment: Path) -> Bom:
    """Everything in the environment as the tool lists it, without a time or a random number."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    command += ["--no-validate", "--spec-version", SCHEMA, "--output-format", "JSON"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), str(environment)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    bom: Bom = json.loads(done.stdout)
    return bom


def needed(environment: Path) -> dict[str, set[str]]:
    """What Cleargate needs to run on this machine, and what each of these needs.

    The tool counts every extra of a package as needed: the tests of our libraries, for example.
    """
    installed = {
        plain(each.metadata["Name"]): each
        for each in distributions(path=[str(site) for site in environment.glob("lib/*/*-packages")])
    }
    edges: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(PRODUCT, "")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for wish in wishes(installed[name], extra):
            other = plain(wish.name)
            edges.setdefault(name, set()).add(other)
            waiting += [(other, each) for each in ("", *wish.extras)]
        edges.setdefault(name, set())
    return edges


def wishes(package: Distribution, extra: str) -> list[Requirement]:
    """What a package asks for here, by itself or (with an extra) for that extra."""
    every = [Requirement(each) for each in package.requires or []]
    return [each for each in every if each.marker is None or each.marker.evaluate({"extra": extra})]


def keep_only(bom: Bom, edges: dict[str, set[str]]) -> None:
    """Leave out what is not needed, from the components and from the edges between them.

    Links to chats and donations go too: they tell nothing about what runs.
    """
    bom["components"] = [each for each in bom["components"] if plain(each["name"]) in edges]
    for component in bom["components"]:
        component.pop("externalReferences", None)
    refs = {plain(each["name"]): each["bom-ref"] for each in bom["components"]}
    refs[PRODUCT] = bom["metadata"]["component"]["bom-ref"]
    bom["dependencies"] = [
        {"ref": ref, "dependsOn": sorted(refs[other] for other in edges[name])}
        for name, ref in sorted(refs.items())
    ]


def plain(name: str) -> str:
    """The name that is the same however it is written."""
    return str(canonicalize_name(name))


def pins(lock: str) -> dict[str, tuple[str, list[str]]]:
    """Version and hashes of every pin, by name."""
    found = {}
    for pin in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]:
        name, version = pin.split()[0].split("==")
        hashes = sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", pin))
        found[plain(name)] = (version, hashes)
    return found


def add_hashes(bom: Bom, locked: dict[str, tuple[str, list[str]]]) -> list[str]:
    """Give each component the hashes of its files, a platform's each; say what is not locked."""
    faults = []
    for component in bom["components"]:
        version, hashes = locked.get(plain(component["name"]), ("", []))
        if component["version"] != version or not hashes:
            faults.append(f"{component['name']} {component['version']} is not what the lock names.")
        component["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in hashes]
    return faults


def judge(bom: Bom, policy: Bom) -> list[str]:
    """Every licence that the policy does not allow, in a sentence that says the way out."""
    faults = []
    unused = set(policy["exceptions"])
    for component in bom["components"]:
        name, found = plain(component["name"]), licences(component)
        exception = policy["exceptions"].get(name)
        if exception is not None and exception["licence"] in found:
            unused.discard(name)
        elif not found or not all(is_allowed(each, policy) for each in found):
            told = " and ".join(found) or "no licence"
            faults.append(
                f"{name} has {told}, which is not allowed: leave it out, or give its licence a line"
                " with the reason in tools/licences.toml."
            )
    return faults + [f"tools/licences.toml excepts {name} in vain." for name in sorted(unused)]


def licences(component: Bom) -> list[str]:
    """The licences that a component declares: SPDX expressions, or a classifier's words."""
    declared = []
    for each in component.get("licenses", []):
        licence = each.get("license", {})
        declared.append(each.get("expression") or licence.get("id") or licence.get("name"))
    return [each for each in declared if each != SAYS_NOTHING]


def is_allowed(licence: str, policy: Bom) -> bool:
    """Whether an expression can be met by allowed licences: one of an OR, all of an AND."""
    if licence in policy["classifiers"]:
        return True
    choices = [choice.split(" AND ") for choice in licence.split(" OR ")]
    return any(all(each in policy["allowed"] for each in choice) for choice in choices)


def against_schema(text: str) -> list[str]:
    """What CycloneDX's own schema finds wrong."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wrong = JsonStrictValidator(SchemaVersion.from_version(SCHEMA)).validate_str(text)
    return [] if wrong is None else [f"the bill is no valid CycloneDX: {wrong}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
