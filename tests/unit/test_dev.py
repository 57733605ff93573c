"""dev.py in a checkout of its own, with small programs in place of the real tools."""

import ast
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.postgres import until

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-tools.lock", "requirements-uv.lock")
INSPECTORS = ("python", "bandit", "semgrep")
TINY_METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


@pytest.fixture
def checkout(tmp_path):
    """Only what dev.py reads, with empty environments."""
    for name in ("dev.py", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    for environment in (".venv", ".venv-tools"):
        (tmp_path / environment / "bin").mkdir(parents=True)
    (tmp_path / "bench").mkdir()
    return tmp_path


@pytest.fixture
def dev(checkout):
    """The module, as that checkout sees it."""
    spec = importlib.util.spec_from_file_location("dev_under_test", checkout / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(checkout, name, script, environment=".venv"):
    """Put a shell script where dev.py expects one of its tools."""
    file = checkout / environment / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def set_up(checkout, dev):
    """Make the checkout look as an earlier run left it."""
    wanted = [(".venv", "python"), *((".venv-tools", name) for name in INSPECTORS)]
    for environment, name in wanted:
        if not (checkout / environment / "bin" / name).exists():
            program(checkout, name, "exit 0", environment)
    for environment in (dev.PRODUCT, dev.TOOLS):
        environment.stamp.write_text(dev.fingerprint(environment))


def run(checkout, *arguments, **environment):
    return subprocess.run(
        [sys.executable, checkout / "dev.py", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ, **environment),
    )


def test_an_old_python_can_read_the_file_and_is_told_so_in_one_sentence(dev, monkeypatch, capsys):
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    assert dev.main(["test"]) == 2

    told = capsys.readouterr().err
    assert told == "dev.py: Cleargate needs Python 3.11 or newer, and this is Python 3.9.\n"


def test_no_command_shows_the_commands_and_fails(checkout):
    shown = run(checkout)

    assert shown.returncode == 2
    for command in ("demo", "test", "check", "bench", "lock", "sbom"):
        assert f"python3 dev.py {command} " in shown.stdout


def test_help_is_not_a_failure(checkout):
    assert run(checkout, "--help").returncode == 0


def test_a_second_start_sets_nothing_up(checkout, dev):
    set_up(checkout, dev)

    dev.prepare(dev.PRODUCT)
    dev.prepare(dev.TOOLS)

    assert not (checkout / ".venv.lock").exists()


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("requirements.lock", {".venv"}),
        ("requirements-tools.lock", {".venv-tools"}),
        ("requirements-uv.lock", {".venv", ".venv-tools"}),
        ("pyproject.toml", {".venv", ".venv-tools"}),
    ],
)
def test_a_changed_input_sets_up_again_what_is_made_from_it(checkout, dev, name, again):
    set_up(checkout, dev)

    with (checkout / name).open("a") as file:
        file.write("# changed\n")

    stale = [
        each for each in (dev.PRODUCT, dev.TOOLS) if dev.stamped(each) != dev.fingerprint(each)
    ]
    assert {each.home.name for each in stale} == again


def test_setting_up_installs_the_locks_with_hashes_and_then_the_project(checkout, dev):
    version = dev.pinned_uv()
    program(checkout, "python", f"echo '{sys.version}'")
    program(
        checkout, "uv", f'[ "$1" = --version ] && echo "uv {version} (x)" || echo "$@" >> calls'
    )

    dev.prepare(dev.PRODUCT)

    sync, editable = (checkout / "calls").read_text().splitlines()
    assert sync.startswith("pip sync ")
    assert "--require-hashes" in sync
    assert "--no-deps --no-build-isolation --editable" in editable
    assert dev.stamped(dev.PRODUCT) == dev.fingerprint(dev.PRODUCT)


def test_the_tools_are_installed_apart_with_hashes_and_nothing_of_the_product(checkout, dev):
    set_up(checkout, dev)
    dev.TOOLS.stamp.unlink()
    program(checkout, "python", f"echo '{sys.version}'", ".venv-tools")
    program(checkout, "uv", 'echo "$@" >> calls')

    dev.prepare(dev.TOOLS)

    (sync,) = (checkout / "calls").read_text().splitlines()
    assert f"--python {checkout / '.venv-tools' / 'bin' / 'python'}" in sync
    assert sync.endswith(f"--require-hashes {checkout / 'requirements-tools.lock'}")


@pytest.mark.parametrize("command", ["test", "demo"])
def test_only_check_and_sbom_make_the_tools(checkout, dev, command):
    set_up(checkout, dev)
    dev.TOOLS.stamp.unlink()

    assert run(checkout, command).returncode == 0

    assert not dev.TOOLS.stamp.exists()


def test_a_failed_installation_is_one_sentence_and_is_tried_again_next_time(checkout, dev):
    program(checkout, "python", f"echo '{sys.version}'")
    program(checkout, "uv", f'[ "$1" = --version ] && echo "uv {dev.pinned_uv()}" || exit 1')

    done = run(checkout, "lock")

    assert done.returncode == 2
    assert done.stderr == (
        "dev.py: installing the dependencies failed: is the package registry reachable?\n"
    )
    assert dev.stamped(dev.PRODUCT) == ""


def test_demo_becomes_the_demo_with_its_arguments_and_exit_code(checkout, dev):
    program(checkout, "python", 'echo "$@"; exit 7')
    set_up(checkout, dev)

    done = run(checkout, "demo", "--requests", "40")

    assert done.stdout == "-m cleargate demo --requests 40\n"
    assert done.returncode == 7


def test_check_goes_on_after_a_failure_and_ends_with_the_summary_of_the_tests(checkout, dev):
    program(checkout, "python", '[ "$2" = mypy ] && exit 1; echo "3 passed in 0.1s"')
    program(checkout, "ruff", '[ "$1" = check ] && exit 1; exit 0')
    program(checkout, "lint-imports", "exit 0")
    set_up(checkout, dev)

    done = run(checkout, "check")

    lines = done.stdout.splitlines()
    assert lines[-1] == "3 passed in 0.1s"
    assert "FAILED before the tests: lint, types" in lines
    assert done.returncode == 1


@pytest.mark.parametrize("name", ["bandit", "semgrep"])
def test_what_an_inspector_finds_fails_the_check(checkout, dev, name):
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    program(checkout, name, "exit 1", ".venv-tools")
    set_up(checkout, dev)

    done = run(checkout, "check")

    assert f"FAILED before the tests: {name}" in done.stdout
    assert done.returncode == 1


def test_what_could_not_be_looked_at_is_said_and_is_no_failure(checkout, dev):
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    program(checkout, "python", '[ "$1" = tools/advisories.py ] && exit 3; exit 0', ".venv-tools")
    set_up(checkout, dev)

    done = run(checkout, "check")

    assert "not run before the tests: advisories" in done.stdout.splitlines()
    assert "FAILED" not in done.stdout
    assert done.returncode == 0


def test_every_lock_is_audited_and_the_licences_are_those_of_the_product(checkout, dev):
    commands = dict(dev.inspections())

    assert commands["advisories"][2:] == [str(checkout / name) for name in LOCKS]
    assert commands["licences"][2:] == [str(checkout / ".venv"), str(checkout / LOCKS[0])]


def test_semgrep_asks_nobody_and_fails_on_what_it_finds_or_cannot_read(checkout, dev, monkeypatch):
    monkeypatch.delenv("SEMGREP_SETTINGS_FILE", raising=False)  # `check` itself has set it
    commands = {name: " ".join(command) for name, command in dev.inspections()}

    assert "--metrics off --disable-version-check" in commands["semgrep's rules"]
    assert "--metrics off --disable-version-check" in commands["semgrep"]
    assert commands["semgrep"].endswith("--error --strict --config tools/semgrep src")
    assert str(checkout / ".venv-tools") in dev.tool_environment()["SEMGREP_SETTINGS_FILE"]


def test_sbom_writes_where_it_is_told(checkout, dev):
    program(checkout, "python", 'echo "$@"', ".venv-tools")
    set_up(checkout, dev)

    bill, elsewhere = run(checkout, "sbom"), run(checkout, "sbom", str(checkout / "bill.json"))

    assert bill.stdout.endswith(f" {checkout / 'sbom.cdx.json'}\n")
    assert elsewhere.stdout.endswith(f" {checkout / 'bill.json'}\n")
    assert run(checkout, "sbom", "one", "two").returncode == 2


@pytest.mark.parametrize(("tests", "code"), [(0, 0), (1, 1)])
def test_check_passes_only_if_the_tests_do(checkout, dev, tests, code):
    program(checkout, "python", f'[ "$2" = pytest ] && exit {tests}; exit 0')
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    set_up(checkout, dev)

    assert run(checkout, "check").returncode == code


def test_check_long_runs_every_test_and_refuses_other_words(checkout, dev):
    program(checkout, "python", 'echo "$@"')
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    set_up(checkout, dev)

    assert run(checkout, "check", "--long").stdout.endswith("pytest -m long or not long\n")
    assert run(checkout, "check", "--lnog").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "given"), [([], "-m tests.fuzz"), (["--long"], "-m tests.fuzz --seconds 600")]
)
def test_check_fuzzes_for_a_minute_or_for_ten(checkout, dev, arguments, given):
    program(checkout, "python", 'echo "$@"; [ "$2" = tests.fuzz ] && exit 1; exit 0')
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    set_up(checkout, dev)

    done = run(checkout, "check", *arguments)

    assert given in done.stdout.splitlines()
    assert "FAILED before the tests: fuzz" in done.stdout
    assert done.returncode == 1


def test_bench_runs_every_measurement_even_after_one_failed(checkout, dev):
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (checkout / "bench" / "alpha.py").write_text("def main():\n    return 3\n")
    (checkout / "bench" / "beta.py").write_text("def main():\n    print('ran beta')\n")
    set_up(checkout, dev)

    every, one = run(checkout, "bench"), run(checkout, "bench", "beta")

    assert "ran beta" in every.stdout
    assert every.stdout.endswith("FAILED: alpha\n")
    assert (every.returncode, one.returncode) == (1, 0)
    assert run(checkout, "bench", "gamma").returncode == 2


def test_lock_leaves_out_new_releases_and_notes_its_inputs(checkout, dev):
    program(
        checkout,
        "uv",
        'echo "$@" >> calls; while [ "$1" != -o ]; do shift; done; echo "a==1" > "$2"',
    )
    set_up(checkout, dev)

    assert run(checkout, "lock", "--upgrade").returncode == 0

    product, tools = (checkout / "calls").read_text().splitlines()
    assert "--group dev" in product
    assert f"--group {checkout / 'pyproject.toml'}:tools" in tools
    for call, made in ((product, dev.PRODUCT.lock), (tools, dev.TOOLS.lock)):
        assert "--exclude-newer 7 days" in call
        assert call.endswith("--upgrade")
        assert made.read_text() == f"{dev.LOCK_HEADER}{dev.lock_inputs()}\na==1\n"
    assert dev.lock_faults() == [f"{name} has no hash for a==1" for name in LOCKS[:2]]


@pytest.mark.parametrize(
    ("name", "before", "after", "fault"),
    [
        ("pyproject.toml", '"alembic>=', '"alembic>', "older than pyproject.toml"),
        ("requirements.lock", "alembic==", "--index-url x\nalembic==", "names a host"),
        ("requirements.lock", "alembic==", "# from https://x.invalid\nalembic==", "names a host"),
        ("requirements-uv.lock", "uv==", "bare==1\nuv==", "has no hash for bare==1"),
        ("requirements-tools.lock", "semgrep==", "bare==1\nsemgrep==", "has no hash for bare==1"),
        ("requirements-tools.lock", "inputs ", "inputs 0", "older than pyproject.toml"),
    ],
)
def test_a_spoiled_lock_is_found(checkout, dev, name, before, after, fault):
    text = (checkout / name).read_text()
    (checkout / name).write_text(text.replace(before, after, 1))

    assert [found for found in dev.lock_faults() if fault in found]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_file_that_is_not_the_one_in_the_lock_is_not_installed(checkout, dev, swapped):
    """The real uv with the words of `install`, a wheel of our own, and no registry."""
    wheel = checkout / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        for name, text in TINY_METADATA.items():
            archive.writestr(f"tiny-1.0.dist-info/{name}", text)
    locked = b"what was locked" if swapped else wheel.read_bytes()
    digest = hashlib.sha256(locked).hexdigest()
    dev.TOOLS.lock.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", dev.TOOLS.home], check=True)

    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), *dev.sync(dev.TOOLS)[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        env=dev.tool_environment()
        | {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(checkout), "UV_NO_CACHE": "1"},
    )

    assert (done.returncode != 0) == swapped
    assert ("Hash mismatch" in done.stderr) == swapped


def test_a_link_that_leads_nowhere_is_found(checkout, dev):
    (checkout / "docs").mkdir()
    (checkout / "docs" / "there.md").write_text("[up](../README.md) [out](https://x.invalid/y)")
    (checkout / "README.md").write_text("[a](docs/there.md#part) [b](docs/gone.md)")

    assert dev.doc_faults() == ["README.md links to docs/gone.md, which is not there"]


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_without_a_home_the_packages_are_cached_in_the_checkout(dev, monkeypatch, home):
    for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home)

    assert dev.tool_environment()["UV_CACHE_DIR"] == str(dev.PRODUCT.home / "uv-cache")


def test_with_a_home_the_cache_is_left_to_uv(dev, monkeypatch, tmp_path):
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert "UV_CACHE_DIR" not in dev.tool_environment()


def test_a_mirror_set_for_pip_also_serves_uv(dev, monkeypatch):
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")

    assert dev.tool_environment()["UV_DEFAULT_INDEX"] == "https://mirror.invalid/simple"


def test_ctrl_c_gives_the_tests_time_to_clean_up(checkout, dev):
    trap = "trap 'sleep 1; touch cleaned; exit 2' INT; touch started; while :; do sleep 0.1; done"
    program(checkout, "python", trap)
    set_up(checkout, dev)

    command = [sys.executable, checkout / "dev.py", "test"]
    with subprocess.Popen(command, start_new_session=True) as terminal:
        until((checkout / "started").exists, "the tests did not start")
        os.killpg(terminal.pid, signal.SIGINT)

        assert terminal.wait(timeout=30) == 130
    assert (checkout / "cleaned").exists()


def test_ci_calls_check(checkout, dev):
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    program(checkout, "python", 'echo "$@"; [ "$2" = pytest ] && exit 4; exit 0')
    program(checkout, "ruff", "exit 0")
    program(checkout, "lint-imports", "exit 0")
    set_up(checkout, dev)

    done = subprocess.run(
        [checkout / ".ci" / "run"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}", "CI": "true"},
    )

    assert done.stdout.splitlines()[-1] == " ".join(["-m", "pytest", *dev.THREE_AT_ONCE])
    assert done.returncode == 4
