"""The command `python -m cleargate.sandbox`."""

import argparse
import sys
from pathlib import Path

from cleargate.nouns.errors import Refused
from cleargate.sandbox.server import serve
from cleargate.sandbox.world import SandboxOptions


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser("cleargate.sandbox", description="A practice's outside world.")
    parser.add_argument("--data", type=Path, required=True, help="where the journal lives")
    parser.add_argument("--port", type=int, default=0, help="HTTP port, 0 for a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="SMTP port, 0 for a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", default="light", help="none, light, heavy or kind=rate,...")
    parser.add_argument("--tenants", default="riverside,lakeside")
    parser.add_argument("--lab", type=Path, help="a folder of captured answers, as payers")
    parser.add_argument("--ready-file", type=Path, help="gets the addresses as JSON")
    given = parser.parse_args(arguments)
    options = SandboxOptions(
        data=given.data,
        port=given.port,
        smtp_port=given.smtp_port,
        seed=given.seed,
        faults=given.faults,
        tenants=tuple(given.tenants.split(",")),
        lab=given.lab,
    )
    try:
        serve(options, given.ready_file)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
