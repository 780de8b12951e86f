"""The limit of calls per credential and endpoint. An hour begins with its first call; TPNS does not say when."""

import math
from datetime import timedelta

from pushlog.models import CallWindow, Credential
from pushlog.postgres.statements import run
from pushlog.tpns.codes import Code, Refused

HOUR = timedelta(hours=1)
# The database's clock is the same for all workers. A call over the limit writes nothing.
_COUNT = f"""
    INSERT INTO {CallWindow._meta.db_table} AS old (credential_id, endpoint, started_at, calls)
    VALUES (%b, %b, now(), 1)
    ON CONFLICT (credential_id, endpoint) DO UPDATE SET
        calls = CASE WHEN old.started_at <= now() - %b::interval THEN 1 ELSE old.calls + 1 END,
        started_at = CASE WHEN old.started_at <= now() - %b::interval THEN now() ELSE old.started_at END
    WHERE old.calls < %b OR old.started_at <= now() - %b::interval
    RETURNING calls
"""
_LEFT = f"""
    SELECT EXTRACT(epoch FROM started_at + %b::interval - now())::float8 FROM {CallWindow._meta.db_table}
    WHERE credential_id = %b AND endpoint = %b
"""


def count_call(credential: Credential, endpoint: str) -> None:
    """Counts a call in its own transaction. Raises Refused over the limit."""
    most = credential.calls_per_hour
    counted = run(_COUNT, [credential.pk, endpoint, HOUR, HOUR, most, HOUR])
    if not counted or counted[0][0] > most:
        [(seconds,)] = run(_LEFT, [HOUR, credential.pk, endpoint])
        raise Refused(Code.TOO_FAST, retry_after=max(math.ceil(seconds), 1))
