"""All our advisory locks. PostgreSQL knows them by number, so each needs one of its own."""

from enum import IntEnum


class AdvisoryLock(IntEnum):
    """What a session or transaction holds while it works on something that no row stands for."""

    PARTITIONS = 7_205_001  # creating partitions
    COUNTS = 7_205_002  # compacting and expiring counts
    MAINTENANCE = 7_205_003  # a maintenance run; held by its session
