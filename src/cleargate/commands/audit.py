"""`cleargate audit ...`: the trail of who did what, its seals, and their proofs."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cleargate.nouns.errors import Refused

app = typer.Typer(
    help="The trail of who did what: sealed, verified, exported.", no_args_is_help=True
)

Practice = Annotated[str, typer.Option(help="The practice's slug; every practice if left out.")]
Against = Annotated[
    str,
    typer.Option(help="Anchors: a directory, s3://bucket, or a saved mail, mailbox or text."),
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
    from cleargate.settings import trail_settings

    logs.configure()
    seal_until_told(trail_settings(), once=once)


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
    from cleargate.operations.trail_verify import VerifyOptions, verify_trail
    from cleargate.settings import trail_settings

    options = VerifyOptions(practice, against, tuple(log or ()), as_json=as_json)
    raise typer.Exit(verify_trail(trail_settings(), options, Console(soft_wrap=True)))


@app.command("checkpoint")
def checkpoint(
    practice: Practice = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Where it goes; must not be there yet.")
    ] = None,
) -> None:
    """Print the newest signed checkpoints, to be kept on paper or mailed."""
    from cleargate.operations.trail_checkpoint import print_checkpoints
    from cleargate.settings import trail_settings

    print_checkpoints(trail_settings(), practice, out, Console(soft_wrap=True))


Since = Annotated[str, typer.Option(help="From this day on, YYYY-MM-DD, in UTC.")]
Until = Annotated[str, typer.Option(help="Up to this day, not including it.")]
Out = Annotated[Path, typer.Option("--out", help="Where it goes; must not be there yet.")]
ThisPractice = Annotated[str, typer.Option(help="The practice's slug, where there are several.")]


@app.command("export")
def export(
    out: Out,
    practice: ThisPractice = "",
    since: Since = "",
    until: Until = "",
    fhir: Annotated[
        bool, typer.Option("--fhir", help="FHIR AuditEvents, one a line, without the proof.")
    ] = False,
) -> None:
    """Write sealed events with their proof; `verify_bundle.py` beside it checks them offline."""
    from cleargate.operations.trail_export import ExportOptions, export_trail
    from cleargate.settings import trail_settings

    options = ExportOptions(practice, _day(since), _day(until), fhir=fhir)
    export_trail(trail_settings(), options, out, Console(soft_wrap=True))


@app.command("receipt")
def receipt(
    event: Annotated[str, typer.Argument(help="The event's id.")],
    out: Out,
    practice: ThisPractice = "",
) -> None:
    """Write the proof of one event; of others it shows hashes only."""
    from cleargate.operations.trail_export import write_receipt
    from cleargate.settings import trail_settings

    write_receipt(trail_settings(), practice, event, out, Console(soft_wrap=True))


@app.command("who")
def who(
    case: Annotated[
        str, typer.Option(help="A case of the patient; without it, name and birth date are asked.")
    ] = "",
    practice: ThisPractice = "",
    disclosures: Annotated[
        bool, typer.Option("--disclosures", help="Only what left the house.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Who saw this patient, and to whom something about them was disclosed."""
    from cleargate.house import open_house
    from cleargate.operations.trail_who import WhoOptions, who_saw
    from cleargate.settings import installation

    options = WhoOptions(practice, case, disclosures=disclosures, as_json=as_json)
    who_saw(open_house(installation()), options, Console())


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise Refused("--since and --until are days such as 2027-01-31.") from None
