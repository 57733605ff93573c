"""tools/sbom.py: what is in the bill, and which licences it lets pass."""

import json
import shutil
import subprocess
import tomllib

import pytest

from tests.unit.tools.programs import ROOT, TOOLS, TOOLS_PYTHON, load

sbom = load("sbom")
VENV = ROOT / ".venv"
POLICY = tomllib.loads((TOOLS / "licences.toml").read_text()) | {"exceptions": {}}


def component(name, *licences):
    """A component as the tool lists it: SPDX expressions and ids, or a classifier's words."""
    listed = []
    for each in licences:
        if " OR " in each or " AND " in each:
            listed.append({"expression": each})
        else:
            listed.append({"license": {"name" if "::" in each else "id": each}})
    return {"name": name, "version": "1.0", "bom-ref": f"{name}==1.0", "licenses": listed}


@pytest.mark.parametrize(
    "licences",
    [
        ["MIT"],
        ["Apache-2.0", "License :: OSI Approved", "License :: OSI Approved :: BSD License"],
        ["GPL-3.0-only OR MIT"],
        ["MIT AND PSF-2.0"],
    ],
)
def test_an_allowed_licence_passes(licences):
    assert sbom.judge({"components": [component("some", *licences)]}, POLICY) == []


@pytest.mark.parametrize(
    "licences",
    [
        ["GPL-3.0-or-later"],
        ["AGPL-3.0-only"],
        ["LGPL-3.0-only"],
        ["BUSL-1.1"],
        ["MIT AND GPL-3.0-only"],
        ["MIT", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"],
        ["License :: OSI Approved"],
        ["Proprietary"],
        [],
    ],
)
def test_any_other_or_none_is_refused_with_the_way_out(licences):
    (fault,) = sbom.judge({"components": [component("Some.Thing", *licences)]}, POLICY)

    assert fault.startswith("some-thing has ")
    assert fault.endswith(
        ", which is not allowed: leave it out, or give its licence a line with the reason in"
        " tools/licences.toml."
    )


def test_an_exception_is_for_one_package_and_one_licence():
    policy = POLICY | {"exceptions": {"driver": {"licence": "LGPL-3.0-only", "reason": "It is."}}}

    named = {"components": [component("driver", "LGPL-3.0-only")]}
    other = {"components": [component("driver", "LGPL-3.0-only"), component("x", "LGPL-3.0-only")]}
    changed = {"components": [component("driver", "GPL-3.0-only")]}

    assert sbom.judge(named, policy) == []
    assert len(sbom.judge(other, policy)) == 1
    assert len(sbom.judge(changed, policy)) == 2


def test_an_exception_that_nothing_needs_is_found():
    policy = POLICY | {"exceptions": {"gone": {"licence": "LGPL-3.0-only", "reason": "It was."}}}

    assert sbom.judge({"components": []}, policy) == ["tools/licences.toml excepts gone in vain."]


def test_every_exception_has_a_reason():
    exceptions = tomllib.loads((TOOLS / "licences.toml").read_text())["exceptions"]

    assert exceptions
    assert [name for name, each in exceptions.items() if not each["reason"].strip()] == []


@pytest.mark.skipif(not VENV.exists(), reason="there is no .venv in this checkout")
def test_only_what_runs_is_needed():
    needed = sbom.needed(VENV)

    assert {"cleargate", "fastapi", "psycopg", "psycopg-binary"} <= set(needed)
    assert not {"pytest", "mypy", "ruff", "moto", "uv", "pip"} & set(needed)


def test_what_is_not_needed_leaves_the_components_and_the_edges():
    bom = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [component("Web.App", "MIT"), component("pytest", "MIT")],
        "dependencies": [{"ref": "Web.App==1.0", "dependsOn": ["pytest==1.0"]}],
    }

    sbom.keep_only(bom, {"cleargate": {"web-app"}, "web-app": set()})

    assert [each["name"] for each in bom["components"]] == ["Web.App"]
    assert bom["dependencies"] == [
        {"ref": "root", "dependsOn": ["Web.App==1.0"]},
        {"ref": "Web.App==1.0", "dependsOn": []},
    ]


def test_a_component_that_the_lock_does_not_name_is_found():
    locked = sbom.pins(
        f"a==1.0 \\\n    --hash=sha256:{'a' * 64}\nb==2.0 ; python_version > '3' \\\n"
    )
    bom = {"components": [component("a"), component("b"), component("c")]}

    faults = sbom.add_hashes(bom, locked)

    assert faults == [
        "b 1.0 is not what the lock names.",
        "c 1.0 is not what the lock names.",
    ]
    assert bom["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


@pytest.mark.skipif(
    not TOOLS_PYTHON.exists(), reason="the schema is in .venv-tools, which `dev.py check` makes"
)
def test_the_bill_is_valid_the_same_twice_and_refused_with_a_foreign_licence(tmp_path):
    """A checkout of its own, so that the policy can be another."""
    shutil.copytree(TOOLS, tmp_path / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def run(*file):
        return subprocess.run(
            [TOOLS_PYTHON, "tools/sbom.py", VENV, ROOT / "requirements.lock", *file],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    assert [run("one.json").returncode, run("two.json").returncode] == [0, 0]
    one = (tmp_path / "one.json").read_bytes()
    assert one == (tmp_path / "two.json").read_bytes()
    bill = json.loads(one)
    assert bill["bomFormat"] == "CycloneDX"
    assert not {"serialNumber", "timestamp"} & {*bill, *bill["metadata"]}
    assert all(each["hashes"] and each["licenses"] for each in bill["components"])

    policy = tmp_path / "tools" / "licences.toml"
    policy.write_text(policy.read_text().replace('    "ISC",\n', ""))
    refused = run("three.json")

    assert refused.returncode == 1
    assert refused.stdout.startswith("shellingham has ISC, which is not allowed")
    assert not (tmp_path / "three.json").exists()
