"""What must last: the keys, the trail's seals, the backups, and what ends on a day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cleargate.house import House
from cleargate.operations.backup_folder import listed
from cleargate.operations.backup_schedule import newest_good_age
from cleargate.operations.doctor.finding import Finding, look, ok, wrong
from cleargate.operations.expiries import expiries
from cleargate.operations.keys.status import KeyStanding, key_report
from cleargate.settings import backup_settings, trail_settings
from cleargate.store import trail
from cleargate.store.trail import TrailSession
from cleargate.trail.verify import LAG_MAX

KEY_AGE_MAX = timedelta(days=365)
BACKUP_LATE, BACKUP_TOO_OLD = timedelta(hours=25), timedelta(hours=48)
"""A backup a day; two days is what the proposed rule allows. Source: 90 FR 898, 164.308(a)(11)."""


def keys(house: House) -> Iterator[Finding]:
    """How old the keys are, and whether a rotation was left half done."""
    report = key_report(house.database)
    if report.in_force not in ("", house.keys.name):
        yield wrong(
            f"The settings name {house.keys.name}, and {report.in_force} is in force.",
            "Set CLEARGATE_KEY_FILE or CLEARGATE_KMS_KEY to the one in force, then restart.",
        )
    faults = [fault for each in report.practices for fault in _standing(each)]
    yield from faults
    if not faults:
        yield ok("Each practice's newest key is younger than a year.")


def _standing(standing: KeyStanding) -> Iterator[Finding]:
    if standing.left_over:
        yield look(
            f"{standing.slug}: {standing.left_over} values are still under an older key.",
            "Run `cleargate keys rotate` again: it goes on where it was stopped.",
        )
    if standing.keys and datetime.now(UTC) - standing.keys[-1].created > KEY_AGE_MAX:
        yield look(
            f"{standing.slug}: the newest key is older than a year.",
            "Run `cleargate keys rotate`; work goes on beside it.",
        )


def seals(house: House) -> Iterator[Finding]:
    """Whether the trail is sealed as it grows, guarded, and anchored elsewhere."""
    for practice, profile in house.profiles.items():
        with house.database.session(practice) as session:
            seen = TrailSession(session.connection, practice)
            waiting, newest = trail.unsealed(seen), trail.newest(seen)
            guarded = all(trail.guards(seen))
        if not guarded:
            yield wrong(
                f"{profile.slug}: the trail's trigger or its grants are not what they were.",
                "Run `cleargate audit verify`, keep what it says, then `cleargate migrate`.",
            )
        if waiting.oldest is not None and waiting.now - waiting.oldest > LAG_MAX:
            yield wrong(
                f"{profile.slug}: {waiting.events} events wait for their seal.",
                "Start `cleargate audit seal`, and see its log if it runs already.",
            )
        elif newest is None:
            yield look(f"{profile.slug}: nothing is sealed yet.", "Start `cleargate audit seal`.")
        else:
            yield ok(f"{profile.slug}: events sealed: {newest.size}.")
    if not (trail_settings().anchors or trail_settings().anchor_mail):
        yield look(
            "This environment names no place for anchors of the trail.",
            "Set CLEARGATE_ANCHORS for `cleargate audit seal`, best to another machine.",
        )


def backups(_house: House) -> Iterator[Finding]:
    """How old the newest backup is that was restored well."""
    folder = backup_settings().backups
    if folder is None:
        yield look(
            "This environment names no folder for backups.",
            "Set CLEARGATE_BACKUPS and run `cleargate backup --if-due` from a timer.",
        )
        return
    age = newest_good_age(listed(folder), datetime.now(UTC))
    way_out = "Run `cleargate backup`, and see why the timer does not."
    if age is None:
        yield wrong(f"There is no good backup in {folder}.", way_out)
    elif age > BACKUP_TOO_OLD:
        yield wrong(f"The newest good backup is {age.days} days old.", way_out)
    elif age > BACKUP_LATE:
        yield look("The newest good backup is older than a day.", way_out)
    else:
        yield ok("There is a good backup of the last day.")


def endings(house: House) -> Iterator[Finding]:
    """Credentials and certificates that end soon."""
    near = 0
    for practice, profile in house.profiles.items():
        today = house.clock.now().astimezone(profile.zone).date()
        for each in expiries(house.installation, house.settings[practice]):
            if not each.is_near(today):
                continue
            near += 1
            left = each.days_left(today)
            what = f"{profile.slug}: {each.name}"
            if left < 0:
                yield wrong(f"{what} ended on {each.last_day}.", "Renew it now.")
            else:
                yield look(f"{what} ends on {each.last_day}, in {left} days.", "Renew it in time.")
    if not near:
        yield ok("No credential or certificate with a known end is near it.")
