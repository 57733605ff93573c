"""Everything a developer or a first-time visitor does, in one command each.

    python3 dev.py demo [ARGS]      set up, then run Cleargate with a sandbox around it
    python3 dev.py test [ARGS]      set up, then run the tests (arguments go to pytest)
    python3 dev.py check [--long]   format, lint, types, contracts, docs, supply, fuzz, tests: CI
    python3 dev.py bench [NAME...]  the measurements in bench/
    python3 dev.py lock [ARGS]      pin the dependencies again (--upgrade and such go to uv)
    python3 dev.py sbom [FILE]      the bill of materials of what an installation runs (CycloneDX)

It needs Python 3.11 or newer with pip, and nothing else: it makes `.venv`, puts a pinned uv into it
and installs exactly what the lock files name, each file checked against its hash. What inspects the
code and its dependencies lives apart, in `.venv-tools`, which only `check` and `sbom` make.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
UV_LOCK = ROOT / "requirements-uv.lock"
PYPROJECT = ROOT / "pyproject.toml"


class Environment(NamedTuple):
    """A virtual environment, the lock that says what is in it, and what that is computed from."""

    home: Path
    lock: Path
    asked: list[str]

    def program(self, name: str) -> Path:
        """One of its programs."""
        return self.home / "bin" / name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.program("python")

    @property
    def stamp(self) -> Path:
        """The file that says what it was brought to."""
        return self.home / "cleargate-stamp"


PRODUCT = Environment(
    ROOT / ".venv", ROOT / "requirements.lock", [str(PYPROJECT), "--group", "dev"]
)
TOOLS = Environment(
    ROOT / ".venv-tools", ROOT / "requirements-tools.lock", ["--group", f"{PYPROJECT}:tools"]
)
PYTHON = PRODUCT.python
UV = PRODUCT.program("uv")
COOLDOWN = "7 days"
LOCK_HEADER = "# Made by `dev.py lock`; inputs "
OK, FAILED, NOT_RUN = "ok", "FAILED", "not run"
NOT_RUN_CODE = 3
"""How a check says that it could not look: neither a pass nor a failure."""

DEBIAN = {"chromium": ["fonts-liberation", "chromium"], "pgbouncer": ["pgbouncer"]}
"""Programs of Debian that a test drives, each with the packages that bring it."""
SYSTEM = f"{os.defpath}:/usr/sbin"
RULES = ["--config", "tools/semgrep"]
THREE_AT_ONCE = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "-p", "no:randomly"]
"""For two processors: much of a test is waiting. The order is that of tests/conftest.py; with
arguments of one's own it is another one each time."""
FUZZ_LONG = ["--seconds", "600"]
"""Ten minutes, with everything that is large; the usual run takes one."""


class Trouble(Exception):
    """Something only the person at the keyboard can mend, in one plain sentence."""


def main(arguments: list[str]) -> int:
    """Run one command; 0 is success, 1 a failed check, 2 something to mend first."""
    commands = {
        "demo": demo,
        "test": test,
        "check": check,
        "bench": bench,
        "lock": lock,
        "sbom": sbom,
    }
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name not in commands:
        print(__doc__)
        return 0 if name in ("-h", "--help", "help") else 2
    try:
        refuse_strange_machines()
        prepare(PRODUCT)
        return commands[name](rest)
    except Trouble as trouble:
        print(f"dev.py: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


# -- commands


def demo(arguments: list[str]) -> int:
    """Become the demo: its Ctrl-C and its exit code are then its own."""
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", "cleargate", "demo", *arguments])


def test(arguments: list[str]) -> int:
    """Run pytest; tests marked `long` only when asked for with -m.

    Without arguments everything runs, in three processes, each with a database of its own.
    """
    provide_debian()
    return run([str(PYTHON), "-m", "pytest", *(arguments or THREE_AT_ONCE)])


def check(arguments: list[str]) -> int:
    """Run every check, also after one has failed; the tests last, so that their summary is."""
    if set(arguments) - {"--long"}:
        raise Trouble("check takes no argument but --long.")
    prepare(TOOLS)
    ruff = str(PRODUCT.program("ruff"))
    fuzz = [str(PYTHON), "-m", "tests.fuzz", *(FUZZ_LONG if arguments else [])]
    steps: list[tuple[str, list[str]]] = [
        ("fuzz", fuzz),
        ("format", [ruff, "format", "--check", "--quiet", "."]),
        ("lint", [ruff, "check", "--quiet", "."]),
        ("types", [str(PYTHON), "-m", "mypy", "--strict"]),
        ("imports", [str(PRODUCT.program("lint-imports"))]),
        *inspections(),
    ]
    went = {"locks": report("locks", lock_faults()), "docs": report("docs", doc_faults())}
    with ThreadPoolExecutor(2) as beside_each_other:
        went |= zip([name for name, _ in steps], beside_each_other.map(step, steps), strict=True)
    for how in (FAILED, NOT_RUN):
        if how in went.values():
            names = ", ".join(name for name in went if went[name] == how)
            print(f"{how} before the tests: {names}", flush=True)
    everything = ["-m", "long or not long"] if "--long" in arguments else []
    return test(everything) or (1 if FAILED in went.values() else 0)


def inspections() -> list[tuple[str, list[str]]]:
    """What the tools apart look for in our code and in what we depend on."""
    python, semgrep = str(TOOLS.python), str(TOOLS.program("semgrep"))
    offline = ["--metrics", "off", "--disable-version-check", "--quiet"]
    # A rule that a busy machine cuts short on a file would be a warning, and fail.
    patient = ["--timeout", "60"]
    locks = [str(lock) for lock in (PRODUCT.lock, TOOLS.lock, UV_LOCK)]
    ours = ["src", "tools", "dev.py"]
    bandit = [str(TOOLS.program("bandit")), "--quiet", "-c", "pyproject.toml", "-r", *ours]
    return [
        ("bandit", bandit),
        ("semgrep's rules", [semgrep, "scan", *offline, "--test", "tools/semgrep"]),
        ("semgrep", [semgrep, "scan", *offline, *patient, "--error", "--strict", *RULES, "src"]),
        ("advisories", [python, "tools/advisories.py", *locks]),
        ("licences", [python, "tools/sbom.py", str(PRODUCT.home), str(PRODUCT.lock)]),
    ]


def sbom(arguments: list[str]) -> int:
    """Write what an installation runs: names, versions, hashes and licences, nothing of `dev`."""
    if len(arguments) > 1:
        raise Trouble("sbom takes no argument but the file to write.")
    prepare(TOOLS)
    file = Path(arguments[0] if arguments else ROOT / "sbom.cdx.json").resolve()
    inputs = [str(PRODUCT.home), str(PRODUCT.lock)]
    return run([str(TOOLS.python), "tools/sbom.py", *inputs, str(file)])


def bench(arguments: list[str]) -> int:
    """Run the measurements one after the other, never two at once: they share the machine."""
    names = sorted(file.stem for file in (ROOT / "bench").glob("[!_]*.py"))
    unknown = set(arguments) - set(names)
    if unknown:
        raise Trouble(f"there is no such measurement; there are: {', '.join(names)}.")
    failed = []
    for name in arguments or names:
        print(f"== {name}", flush=True)
        code = (
            f"import sys; sys.path.insert(0, '.'); from bench.{name} import main; sys.exit(main())"
        )
        if run([str(PYTHON), "-c", code]) != 0:
            failed.append(name)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def lock(arguments: list[str]) -> int:
    """Pin what pyproject.toml asks for; releases younger than a week are left for others to try."""
    return max(pin(environment, arguments) for environment in (PRODUCT, TOOLS))


def pin(environment: Environment, arguments: list[str]) -> int:
    """Compute one lock, with a first line that says what from."""
    command = [str(UV), "pip", "compile", *environment.asked, "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--exclude-newer", COOLDOWN, "--quiet", "-o", str(environment.lock), *arguments]
    code = run(command)
    if code == 0:
        text = environment.lock.read_text()
        pins = [line for line in text.splitlines() if not line.startswith("#")]
        environment.lock.write_text("\n".join([LOCK_HEADER + lock_inputs(), *pins]) + "\n")
    return code


# -- setting up


def refuse_strange_machines() -> None:
    """Say in one sentence what a traceback would say in twenty lines."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this file may have an older one
        found = ".".join(map(str, sys.version_info[:2]))
        raise Trouble(f"Cleargate needs Python 3.11 or newer, and this is Python {found}.")
    if os.name != "posix":
        raise Trouble("Cleargate runs on Linux and macOS; on Windows, use it inside WSL.")


def prepare(environment: Environment) -> None:
    """Bring an environment to what its lock says; a stamp makes the second time cost nothing."""
    wanted = fingerprint(environment)
    if stamped(environment) == wanted:
        return
    import fcntl

    # Two demos may be started at once on a fresh checkout: the second waits for the first.
    with (ROOT / ".venv.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if stamped(environment) != wanted:
            install(environment)
            environment.stamp.write_text(wanted)


def fingerprint(environment: Environment) -> str:
    """What decides whether it is up to date: its lock and uv's, the project, Python, the place."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for file in (environment.lock, UV_LOCK, PYPROJECT):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stamped(environment: Environment) -> str:
    """What an environment was brought to, or nothing."""
    there = environment.stamp.exists() and environment.python.exists()
    return environment.stamp.read_text() if there else ""


def install(environment: Environment) -> None:
    """Make an environment and fill it. Whatever was in it and is not in its lock goes away.

    uv and Cleargate itself are in the product's only; from there uv fills the other.
    """
    name, started = environment.home.name, time.monotonic()
    print(f"Setting up {name} (once; later starts skip this) ...", flush=True)
    if not environment_fits(environment):
        must(
            [sys.executable, "-m", "venv", "--clear", str(environment.home)],
            "a virtual environment cannot be made; on Debian: apt-get install python3-venv.",
        )
    environment.stamp.unlink(missing_ok=True)
    unreachable = "installing the dependencies failed: is the package registry reachable?"
    if environment == PRODUCT and installed_uv() != pinned_uv():
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
        pip += ["--disable-pip-version-check", "--require-hashes", "-r", str(UV_LOCK)]
        must(pip, unreachable)
    must(sync(environment), unreachable)
    if environment == PRODUCT:
        editable = [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps"]
        editable += ["--no-build-isolation", "--editable", str(ROOT)]
        must(editable, "installing Cleargate itself failed.")
    print(f"{name} is set up, {time.monotonic() - started:.1f} s", flush=True)


def sync(environment: Environment) -> list[str]:
    """The command that fills an environment with exactly the files of its lock."""
    command = [str(UV), "pip", "sync", "--quiet", "--compile-bytecode"]
    command += ["--python", str(environment.python)]
    return [*command, "--require-hashes", str(environment.lock)]


def environment_fits(environment: Environment) -> bool:
    """Whether it is there, works, has pip, and is of the Python that runs this file."""
    if not environment.python.exists():
        return False
    code = "import pip, sys; print(sys.version)"
    found = subprocess.run([environment.python, "-c", code], capture_output=True, text=True)
    return found.stdout.strip() == sys.version.strip()


def pinned_uv() -> str:
    """The version of uv that its lock names."""
    return UV_LOCK.read_text().split("==", 1)[1].split()[0]


def installed_uv() -> str:
    """The version of the uv in `.venv`, or nothing."""
    if not UV.exists():
        return ""
    found = subprocess.run([UV, "--version"], capture_output=True, text=True)
    return found.stdout.removeprefix("uv ").split(" ")[0].strip()


def tool_environment() -> dict[str, str]:
    """Our environment, with what uv needs to behave the same on every machine.

    uv does not read pip's settings, so a mirror that is set for pip is passed on.
    """
    environment = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never"} | dict(os.environ)
    # semgrep keeps its papers beside itself, whatever the home.
    for name in ("SEMGREP_SETTINGS_FILE", "SEMGREP_LOG_FILE", "SEMGREP_VERSION_CACHE_PATH"):
        environment.setdefault(name, str(TOOLS.home / name.lower()))
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    home = environment.get("HOME", "")
    has_cache = any(environment.get(name) for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME"))
    if not has_cache and not (home and os.access(home, os.W_OK)):
        environment["UV_CACHE_DIR"] = str(PRODUCT.home / "uv-cache")
    return environment


def provide_debian() -> None:
    """Install the Debian programs that some tests need if we may; otherwise those skip, and say so.

    The service that a package brings is not for us: each test starts its own, and ends it.
    """
    missing = {what: of for what, of in DEBIAN.items() if shutil.which(what, path=SYSTEM) is None}
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"No {', '.join(missing)}: their tests will skip (install to run them).", flush=True)
        return
    print(f"Installing {', '.join(missing)} for their tests ...", flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install_it = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends"]
    for command in (["apt-get", "update", "-qq"], *([*install_it, *of] for of in missing.values())):
        done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            print(f"`{' '.join(command)}` failed: the tests that need it will skip.", flush=True)


# -- checks of our own


def lock_inputs() -> str:
    """A digest of what the locks are computed from, kept in their first lines."""
    import tomllib

    project = tomllib.loads(PYPROJECT.read_text())
    asked = [project["project"]["dependencies"], project["project"]["requires-python"]]
    asked += [project["dependency-groups"], project["build-system"]["requires"], COOLDOWN]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def lock_faults() -> list[str]:
    """Faults of the lock files: stale, a host in them, or a pin without a hash."""
    faults = []
    for made in (PRODUCT.lock, TOOLS.lock):
        if made.read_text().split("\n", 1)[0] != LOCK_HEADER + lock_inputs():
            faults.append(f"{made.name} is older than pyproject.toml: run dev.py lock")
    for file in (PRODUCT.lock, TOOLS.lock, UV_LOCK):
        text = file.read_text()
        if "://" in text or re.search(r"^\s*--(index|extra-index|find-links)", text, re.MULTILINE):
            faults.append(
                f"{file.name} names a host: see docs/decisions/0001-lock-without-hosts.md"
            )
        pins = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        bare = [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin]
        faults += [f"{file.name} has no hash for {name}" for name in bare]
    return faults


def doc_faults() -> list[str]:
    """Relative links in our Markdown that lead nowhere."""
    faults = []
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in sorted(pages):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            elsewhere = "://" in target or target.startswith("mailto:")
            if not elsewhere and not (page.parent / target).exists():
                faults.append(f"{page.relative_to(ROOT)} links to {target}, which is not there")
    return faults


# -- running


def run(command: list[str]) -> int:
    """Run a program in the checkout, its output ours, nothing to read.

    On Ctrl-C it is given the time to clean up: the tests stop their Postgres then.
    """
    sys.stdout.flush()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=tool_environment(), stdin=quiet) as program:
        try:
            return program.wait()
        except KeyboardInterrupt:
            program.wait()
            raise


def must(command: list[str], otherwise: str) -> None:
    """Run a program whose failure ends everything, with a sentence that says so."""
    if run(command) != 0:
        raise Trouble(otherwise)


def step(check: tuple[str, list[str]]) -> str:
    """Run one check; print in one piece what it said, and how it went."""
    name, command = check
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=tool_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    how = {0: OK, NOT_RUN_CODE: NOT_RUN}.get(done.returncode, FAILED)
    took = time.monotonic() - started
    print(f"{done.stdout}{how:7} {name} {took:.1f} s\n", end="", flush=True)
    return how


def report(name: str, faults: list[str]) -> str:
    """Print the faults of one of our own checks, and how it went."""
    for fault in faults:
        print(fault)
    how = FAILED if faults else OK
    print(f"{how:7} {name}", flush=True)
    return how


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
