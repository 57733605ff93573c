"""`cleargate staff ...`: who may sign in at the desk."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Who may sign in at a practice's desk.", no_args_is_help=True)

Practice = Annotated[str, typer.Option(help="The practice's slug, where there are several.")]
Username = Annotated[str, typer.Argument(help="The name to sign in with.")]
FromStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Take the password from the first line of standard input."
    ),
]


@app.command("add")
def add_member(
    username: Username,
    name: Annotated[str, typer.Option(help="The person's name, as the desk shows it.")] = "",
    practice: Practice = "",
    again: Annotated[
        bool, typer.Option("--again", help="The same person is back who had left.")
    ] = False,
    password_stdin: FromStdin = False,
) -> None:
    """Let somebody sign in; the password is asked for, twice and unseen."""
    from cleargate.house import opened
    from cleargate.operations.password_prompt import asker
    from cleargate.operations.staff import Member, add
    from cleargate.settings import installation

    who = Member(practice, username, name)
    ask = asker(from_stdin=password_stdin)
    with opened(installation()) as house:
        add(house, who, ask, Console(), again=again)


@app.command("list")
def list_members(practice: Practice = "") -> None:
    """Show everybody, those who have left included."""
    from cleargate.house import opened
    from cleargate.operations.staff import show
    from cleargate.settings import installation

    with opened(installation()) as house:
        show(house, practice, Console())


@app.command("password")
def set_password(
    username: Username, practice: Practice = "", password_stdin: FromStdin = False
) -> None:
    """Give somebody a new password; whoever signed in with the old one is out at once."""
    from cleargate.house import opened
    from cleargate.operations.password_prompt import asker
    from cleargate.operations.staff import Member, set_password
    from cleargate.settings import installation

    who = Member(practice, username)
    with opened(installation()) as house:
        set_password(house, who, asker(from_stdin=password_stdin), Console())


@app.command("leave")
def leave(username: Username, practice: Practice = "") -> None:
    """Let somebody sign in no more; their sessions end at once."""
    from cleargate.house import opened
    from cleargate.operations.staff import Member, leave
    from cleargate.settings import installation

    with opened(installation()) as house:
        leave(house, Member(practice, username), Console())
