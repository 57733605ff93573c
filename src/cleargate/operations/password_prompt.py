"""A new password, from the terminal or from standard input; never from the command line."""

import sys
from collections.abc import Callable
from typing import BinaryIO

import typer

from cleargate.nouns.errors import Refused
from cleargate.people.passwords import LENGTH_MAX

_BYTES_MAX = 4 * LENGTH_MAX + 2

Prompt = Callable[[str], str]


def ask_unseen(question: str) -> str:
    """Ask at the terminal; what is typed is not shown."""
    if not sys.stdin.isatty():
        raise Refused("There is no terminal to ask at: give --password-stdin.")
    return str(typer.prompt(question, hide_input=True))


def ask_twice(prompt: Prompt = ask_unseen) -> str:
    """The new password, typed twice. Raises Refused when the two differ."""
    first = prompt("New password (12 characters or more)")
    if prompt("The same again") != first:
        raise Refused("The two are not the same: nothing was changed. Try again.")
    return first


def first_line(source: BinaryIO) -> str:
    """The first line of a stream, without its end. Raises Refused when it is no password."""
    line = source.readline(_BYTES_MAX + 1)
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("--password-stdin: write the password as UTF-8, in one line.") from None


def asker(*, from_stdin: bool) -> Callable[[], str]:
    """How a command gets the new password."""
    return (lambda: first_line(sys.stdin.buffer)) if from_stdin else ask_twice
