"""`cleargate audit ...`: the trail of who did what, its seals, and their proofs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    help="The trail of who did what: sealed, verified, exported.", no_args_is_help=True
)

Practice = Annotated[str, typer.Option(help="The practice's slug; every practice if left out.")]
Against = Annotated[
    str,
    typer.Option(help="Anchors: a directory, s3://bucket, or a file with checkpoints in it."),
]


@app.command("new-key")
def new_key(path: Annotated[Path, typer.Argument(help="Where the new key goes.")]) -> None:
    """Make the key that signs checkpoints, and say the public key by which they are verified."""
    from cleargate.trail.keys import SigningKey
    from cleargate.trail.note import verifier_key

    SigningKey.create(path)
    console = Console(soft_wrap=True)
    console.print(f"CLEARGATE_TRAIL_KEY={path}  (for `cleargate audit seal` only)")
    console.print(f"CLEARGATE_TRAIL_PUBLIC_KEY={verifier_key(SigningKey(path).public_key)}")
    console.print("Keep the public key also where nobody of this machine can change it.")


@app.command("seal")
def seal(
    once: Annotated[bool, typer.Option("--once", help="Seal what is there, then end.")] = False,
) -> None:
    """Seal new events and anchor the roots, until told to stop."""
    from cleargate import logs
    from cleargate.operations.trail import seal_until_told
    from cleargate.settings import installation

    logs.configure()
    seal_until_told(installation(), once=once)


@app.command("verify")
def verify(
    practice: Practice = "",
    against: Against = "",
    log: Annotated[
        list[Path] | None, typer.Option(help="Log files that name the events; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold the trail against its seals and anchors; exit code 1 names the first bad event."""
    from cleargate.operations.trail import VerifyOptions, verify_trail
    from cleargate.settings import installation

    options = VerifyOptions(practice, against, tuple(log or ()), as_json=as_json)
    raise typer.Exit(verify_trail(installation(), options, Console(soft_wrap=True)))
