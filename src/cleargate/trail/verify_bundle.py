"""Checks a bundle of Cleargate's trail, offline, without Cleargate and without its database.

    python3 verify_bundle.py BUNDLE PUBLIC_KEY

Needs Python 3.9 and the package `cryptography`. PUBLIC_KEY is the line that begins with
`cleargate-trail+`, from a source that you trust: not from whoever gave you the bundle. Says what is
proved, and ends with 0 only if all of it is. The form: a line of JSON (the signed checkpoint, the
place of the first event, the proof), then the events' exact texts, a line each.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root(low: int, high: int, first: int, leaves: list[bytes], proof: Iterator[bytes]) -> bytes:
    """The root over the places low to high - 1; RFC 6962, 2.1."""
    if high <= first or first + len(leaves) <= low:
        return next(proof)
    if high - low == 1:
        return leaves[low - first]
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    left = root(low, middle, first, leaves, proof)
    return hashlib.sha256(b"\x01" + left + root(middle, high, first, leaves, proof)).digest()


def signed_text(note: str, public_key: str) -> str:
    """What stands above the signature, once that is the key's."""
    text, _, signature = note.partition("\n\n")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.split("+", 2)[2])[1:])
    key.verify(base64.b64decode(signature.rsplit(" ", 1)[1])[4:], f"{text}\n".encode())
    return text


def main(path: str, public_key: str) -> str:
    """What the bundle proves, in a sentence."""
    header, *events = Path(path).read_bytes().rstrip(b"\n").split(b"\n")
    said = json.loads(header)
    first, proof = int(said["first"]), [base64.b64decode(each) for each in said["proof"]]
    origin, size, expected = signed_text(said["checkpoint"], public_key).split("\n")
    leaves = [hashlib.sha256(b"\x00" + event).digest() for event in events]
    rest = iter(proof)
    found = root(0, int(size), first, leaves, rest)
    if not leaves or next(rest, None) is not None or found != base64.b64decode(expected):
        raise ValueError("these events are not the ones that were sealed")
    last = first + len(leaves) - 1
    return f"proved: events {first} to {last} of the {size} of {origin}, unchanged\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(main(*sys.argv[1:]))
    except (InvalidSignature, StopIteration, TypeError, ValueError, LookupError, OSError) as error:
        sys.exit(f"NOT PROVED ({type(error).__name__}): the bundle or the key is not what it says")
