"""What a credential may use of the JSON API in a minute: requests, rows and bytes.

The database counts, for all processes together. A request that goes over a limit is still answered; the next one is
refused.
"""

from dataclasses import dataclass

from django.db import Error
from psycopg.errors import ReadOnlySqlTransaction

from pushlog.models import Credential, CredentialUsage
from pushlog.postgres.statements import run

_TABLE = CredentialUsage._meta.db_table
# The commit need not reach the disk: a crash forgets a second of counting.
_ADD = f"""
    WITH commit AS (SELECT set_config('synchronous_commit', 'off', true)),
    now AS (SELECT date_trunc('minute', statement_timestamp()) AS minute FROM commit)
    INSERT INTO {_TABLE} AS old (credential_id, minute, requests, rows, bytes)
    SELECT %(credential)b, minute, %(requests)b, %(rows)b, %(bytes)b FROM now
    ON CONFLICT (credential_id) DO UPDATE SET
        minute = excluded.minute,
        requests = excluded.requests + CASE WHEN old.minute = excluded.minute THEN old.requests ELSE 0 END,
        rows = excluded.rows + CASE WHEN old.minute = excluded.minute THEN old.rows ELSE 0 END,
        bytes = excluded.bytes + CASE WHEN old.minute = excluded.minute THEN old.bytes ELSE 0 END
    WHERE old.minute <> excluded.minute OR (
        old.requests < %(most_requests)b OR %(requests)b = 0
    ) AND old.rows < %(most_rows)b AND old.bytes < %(most_bytes)b
    RETURNING true
"""
_LEFT = "SELECT ceil(60 - extract(second FROM statement_timestamp()))::int"


@dataclass(eq=False)
class OverLimit(Exception):
    """The credential has used what it may in this minute."""

    seconds: int  # until the next one


def add(credential: Credential, *, requests: int = 0, rows: int = 0, size: int = 0) -> None:
    """Counts. Raises OverLimit if a limit was reached before. A standby does not count."""
    try:
        counted = run(
            _ADD,
            {
                "credential": credential.pk,
                "requests": requests,
                "rows": rows,
                "bytes": size,
                "most_requests": credential.requests_per_minute,
                "most_rows": credential.rows_per_minute,
                "most_bytes": credential.mib_per_minute << 20,
            },
        )
    except Error as error:
        # On a standby programs can only read, and may.
        if not isinstance(error.__cause__, ReadOnlySqlTransaction):
            raise
        return
    if not counted:
        [(seconds,)] = run(_LEFT, [])
        raise OverLimit(max(seconds, 1))
