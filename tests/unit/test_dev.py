"""dev.py in a checkout of its own, with small programs in place of the real tools."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """Only what dev.py reads, without a `.venv`."""
    for name in ("dev.py", "pyproject.toml", "requirements.lock", "requirements-uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "bench").mkdir()
    return tmp_path


@pytest.fixture
def dev(checkout):
    """The module, as that checkout sees it."""
    spec = importlib.util.spec_from_file_location("dev_under_test", checkout / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(checkout, name, script):
    """Put a shell script where dev.py expects one of its tools."""
    file = checkout / ".venv" / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def set_up(checkout, dev):
    """Make the checkout look as an earlier run left it."""
    if not dev.PYTHON.exists():
        program(checkout, "python", "exit 0")
    dev.STAMP.write_text(dev.fingerprint())


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
    for command in ("demo", "test", "check", "bench", "lock"):
        assert f"python3 dev.py {command} " in shown.stdout


def test_help_is_not_a_failure(checkout):
    assert run(checkout, "--help").returncode == 0


def test_a_second_start_sets_nothing_up(checkout, dev):
    set_up(checkout, dev)

    dev.prepare()

    assert not (checkout / ".venv.lock").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-uv.lock", "pyproject.toml"])
def test_a_changed_input_sets_up_again(checkout, dev, name):
    set_up(checkout, dev)

    with (checkout / name).open("a") as file:
        file.write("# changed\n")

    assert dev.stamped() != dev.fingerprint()


def test_setting_up_installs_the_locks_with_hashes_and_then_the_project(checkout, dev):
    version = dev.pinned_uv()
    program(checkout, "python", f"echo '{sys.version}'")
    program(
        checkout, "uv", f'[ "$1" = --version ] && echo "uv {version} (x)" || echo "$@" >> calls'
    )

    dev.prepare()

    sync, editable = (checkout / "calls").read_text().splitlines()
    assert sync.startswith("pip sync ")
    assert "--require-hashes" in sync
    assert "--no-deps --no-build-isolation --editable" in editable
    assert dev.stamped() == dev.fingerprint()


def test_a_failed_installation_is_one_sentence_and_is_tried_again_next_time(checkout, dev):
    program(checkout, "python", f"echo '{sys.version}'")
    program(checkout, "uv", f'[ "$1" = --version ] && echo "uv {dev.pinned_uv()}" || exit 1')

    done = run(checkout, "lock")

    assert done.returncode == 2
    assert done.stderr == (
        "dev.py: installing the dependencies failed: is the package registry reachable?\n"
    )
    assert dev.stamped() == ""


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
        checkout, "uv", 'echo "$@" > calls; for out; do :; done; echo "a==1" > requirements.lock'
    )
    set_up(checkout, dev)

    assert run(checkout, "lock", "--upgrade").returncode == 0

    assert "--exclude-newer 7 days" in (checkout / "calls").read_text()
    assert "--upgrade" in (checkout / "calls").read_text()
    assert dev.LOCK.read_text() == f"{dev.LOCK_HEADER}{dev.lock_inputs()}\na==1\n"
    assert dev.lock_faults() == ["requirements.lock has no hash for a==1"]


@pytest.mark.parametrize(
    ("name", "before", "after", "fault"),
    [
        ("pyproject.toml", '"alembic>=', '"alembic>', "older than pyproject.toml"),
        ("requirements.lock", "alembic==", "--index-url x\nalembic==", "names a host"),
        ("requirements.lock", "alembic==", "# from https://x.invalid\nalembic==", "names a host"),
        ("requirements-uv.lock", "uv==", "bare==1\nuv==", "has no hash for bare==1"),
    ],
)
def test_a_spoiled_lock_is_found(checkout, dev, name, before, after, fault):
    text = (checkout / name).read_text()
    (checkout / name).write_text(text.replace(before, after, 1))

    assert [found for found in dev.lock_faults() if fault in found]


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

    assert dev.tool_environment()["UV_CACHE_DIR"] == str(dev.VENV / "uv-cache")


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

    assert done.stdout.splitlines()[-1] == "-m pytest -n 2 --dist loadfile"
    assert done.returncode == 4
