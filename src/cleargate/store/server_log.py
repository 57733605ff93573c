"""What Postgres must keep out of its own log: the list for our server, and for a practice's own.

A statement, its parameters, and the details of an error may quote what somebody typed.
"""

from dataclasses import dataclass

import sqlalchemy as sa

NO_PARAMETERS = "log_parameter_max_length"
"""With 0 a statement is told without its values; ours hold none in their text."""


@dataclass(frozen=True, slots=True)
class LogSetting:
    """A setting of Postgres, what it must be, and what is as good.

    `or_bare`: any value is well where NO_PARAMETERS is 0. `is_extra`: it is there only where an
    extension is, and our own server has none.
    """

    name: str
    wanted: str
    as_good: frozenset[str] = frozenset()
    or_bare: bool = False
    is_extra: bool = False


LOG_SETTINGS = (
    LogSetting("log_statement", "none", frozenset({"ddl"})),
    LogSetting("log_min_duration_statement", "-1", or_bare=True),
    LogSetting("log_min_duration_sample", "-1", or_bare=True),
    LogSetting("log_transaction_sample_rate", "0", or_bare=True),
    LogSetting("log_parameter_max_length_on_error", "0"),
    # A failed statement, and the details and the place of its failure: "Failing row contains ...".
    LogSetting("log_min_error_statement", "panic", frozenset({"fatal"})),
    LogSetting("log_error_verbosity", "terse"),
    # An error's own message may quote a value too ("invalid input syntax for type date: ..."), and
    # a warning; what the server says about itself is of the level LOG or above.
    LogSetting("log_min_messages", "log", frozenset({"fatal", "panic"})),
    LogSetting("debug_print_parse", "off"),
    LogSetting("debug_print_rewritten", "off"),
    LogSetting("debug_print_plan", "off"),
    LogSetting("auto_explain.log_min_duration", "-1", is_extra=True),
    LogSetting("pgaudit.log", "none", frozenset({""}), is_extra=True),
)
"""Source: Postgres 18, "Error Reporting and Logging", 19.8, and "auto_explain"; pgaudit 1.7."""

# What a setting is for us; null where there is no such setting.
_VALUES = sa.text(
    "select name, current_setting(name, true) as value from unnest(cast(:names as text[])) as name"
)


@dataclass(frozen=True, slots=True)
class Loose:
    """A setting that lets values into the server's log."""

    name: str
    value: str
    wanted: str


def loose(connection: sa.Connection) -> list[Loose]:
    """Every setting of the list that is not as it must be for our role."""
    names = [NO_PARAMETERS, *(each.name for each in LOG_SETTINGS)]
    values = {row.name: row.value for row in connection.execute(_VALUES, {"names": names})}
    is_bare = values[NO_PARAMETERS] == "0"
    return [
        Loose(each.name, value, each.wanted)
        for each in LOG_SETTINGS
        if (value := values[each.name]) is not None
        and value not in {each.wanted, *each.as_good}
        and not (each.or_bare and is_bare)
    ]
