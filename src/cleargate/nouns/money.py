"""Money is integer cents. Nothing here rounds silently."""

import re

DIGITS_MAX = 18
"""X12's longest amount (EB07 is R 1/18); `int` itself raises at some thousands of digits."""
_AMOUNT = re.compile(rf"(-?)(\d{{0,{DIGITS_MAX}}})(?:\.(\d*))?")


def cents_from_text(text: str) -> int | None:
    """Read a decimal amount of dollars such as `1500`, `.5` or `20.00` into cents.

    None when the text is no such number, or has digits below the cent that are not zero.
    """
    # Most payers write whole dollars.
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
        return int(text) * 100
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or not (match[2] or match[3]):
        return None
    fraction = match[3] or ""
    if fraction[2:].strip("0"):
        return None
    cents = int(match[2] or "0") * 100 + int(fraction[:2].ljust(2, "0"))
    return -cents if match[1] else cents


def dollars(cents: int) -> str:
    """Write cents as people write dollars: `$1,500.00`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
