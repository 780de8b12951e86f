"""The numbers of our advisory locks, in one place because each must be unique in the database."""

from enum import IntEnum


class AdvisoryLock(IntEnum):
    PARTITIONS = 7_205_001  # creating partitions
    COUNTS = 7_205_002  # compacting and expiring counts
    MAINTENANCE = 7_205_003  # a maintenance run; a session-level lock
    MIGRATION = 7_205_004  # preparing the database for `serve`; a session-level lock
    AUDIT = 7_205_005  # sealing the audit log
