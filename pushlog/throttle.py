"""Failed tries with a password or secret delay further ones.

They are counted in the database, for all processes together. It holds keyed hashes and no names.
"""

import hmac
import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db.models import Q, QuerySet

from pushlog.models import FailedTry
from pushlog.postgres.statements import run

FORGOTTEN = timedelta(hours=1)
_TABLE = FailedTry._meta.db_table
_RECENT = "old.last_at >= now() - %(forgotten)b::interval"
# In one order of rows, so that two statements do not deadlock.
_FAIL = f"""
    INSERT INTO {FailedTry._meta.db_table} AS old (who, place, beyond, last_at, wait_until)
    SELECT who, place, 1 - free, now(), now()
    FROM unnest(%(who)b::bytea[], %(place)b::bytea[], %(free)b::int[]) AS given (who, place, free)
    ORDER BY who, place
    ON CONFLICT (who, place) DO UPDATE SET
        beyond = CASE WHEN {_RECENT} THEN least(old.beyond + 1, 1000) ELSE excluded.beyond END,
        wait_until = now() + CASE WHEN {_RECENT} AND old.beyond >= -1
            THEN least(2.0 ^ least(old.beyond + 1, 10), 900) ELSE 0 END * interval '1 second',
        last_at = now()
"""
_TAKE_BACK = f"""
    UPDATE {FailedTry._meta.db_table} AS old SET beyond = beyond - 1, wait_until = now()
    FROM unnest(%(who)b::bytea[], %(place)b::bytea[]) AS given (who, place)
    WHERE (old.who, old.place) = (given.who, given.place)
"""
_WAIT = f"""
    SELECT ceil(EXTRACT(epoch FROM max(wait_until) - now()))::int
    FROM unnest(%(who)b::bytea[], %(place)b::bytea[]) AS given (who, place) JOIN {_TABLE} USING (who, place)
"""


class Key(NamedTuple):
    """Who tries, from where, and how many failures are free."""

    who: str
    place: str
    free: int


def of_person(username: str) -> str:
    return "person:" + unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).strip()


def of_second_factor(username: str) -> str:
    return "second factor of " + of_person(username)


def of_program(access_id: str) -> str:
    return "program:" + access_id


def seconds_to_wait(*keys: Key) -> int:
    """Seconds until the next try with these keys; 0 if it may be made now."""
    [(seconds,)] = run(_WAIT, _pairs(keys))
    return max(seconds or 0, 0)


def waiting(key: Key) -> QuerySet[FailedTry]:
    return FailedTry.objects.filter(who=_hash(key.who), place=_hash(key.place), wait_until__gt=TransactionNow())


def fail(*keys: Key) -> None:
    """Counts a failure. Each one beyond the free ones doubles the wait: 1, 2, 4 seconds, up to 15 minutes."""
    run(_FAIL, _columns(keys) | {"forgotten": FORGOTTEN})


def begin(*keys: Key) -> int:
    """Counts a try as a failure before it is made, so that tries at once cannot all be made within one wait.

    Returns the seconds to wait if it may not be made; then it is not counted.
    """
    if seconds := seconds_to_wait(*keys):
        return seconds
    # Another process may have counted since: its row is looked at again under a lock. now() would be before that.
    counted = run(
        f"{_FAIL} WHERE old.wait_until <= clock_timestamp() RETURNING 1", _columns(keys) | {"forgotten": FORGOTTEN}
    )
    return 0 if len(counted) == len(keys) else max(seconds_to_wait(*keys), 1)


def take_back(*keys: Key) -> None:
    """Undoes `begin` for a try that was no failure."""
    run(_TAKE_BACK, _pairs(keys))


def forget(key: Key) -> None:
    FailedTry.objects.filter(who=_hash(key.who), place=_hash(key.place)).delete()


def unlock(*names: str) -> int:
    """Forgets the failures of these accounts, access IDs or addresses; says how many counts there were."""
    hashes = [_hash(name) for name in names]
    return FailedTry.objects.filter(Q(who__in=hashes) | Q(place__in=hashes)).delete()[0]


def expired(now: datetime) -> QuerySet[FailedTry]:
    return FailedTry.objects.filter(last_at__lt=now - FORGOTTEN)


def _columns(keys: tuple[Key, ...]) -> dict[str, object]:
    return _pairs(keys) | {"free": [key.free for key in keys]}


def _pairs(keys: tuple[Key, ...]) -> dict[str, object]:
    return {"who": [_hash(key.who) for key in keys], "place": [_hash(key.place) for key in keys]}


def _hash(text: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), text.encode(errors="replace"), "sha256")
