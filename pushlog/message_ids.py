"""Message IDs: UUIDs of version 7 (RFC 9562, section 5.7) that begin with the creation time in milliseconds.

The 74 free bits are a hash of target ID and customer message ID, so that a repeated message has the same ID. It is
keyed with a secret of the app, so that an ID in a URL cannot confirm a guessed phone number.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from pushlog.invisible import strip_invisible

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_HASH_BITS = 74
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_LOW_HASH_MASK = (1 << 62) - 1


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down; `moment` is aware."""
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(count: int) -> datetime:
    return EPOCH + count * MILLISECOND


def message_id(*, key: bytes, created_ms: int, target_id: str, customer_message_id: str) -> UUID:
    target = target_id.encode()
    hasher = _keyed(key).copy()
    # With its length in front, ("ab", "c") and ("a", "bc") differ.
    hasher.update(len(target).to_bytes(4, "big") + target + customer_message_id.encode())
    digest = int.from_bytes(hasher.digest(), "big") >> (80 - _HASH_BITS)
    return UUID(int=created_ms << 80 | _VERSION_AND_VARIANT | (digest >> 62) << 64 | digest & _LOW_HASH_MASK)


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> "blake2b":
    # The hasher is copied for each ID: keying it is half of the work.
    return blake2b(key=key, digest_size=10)


def pair_id(*, key: bytes, target_id: str, customer_message_id: str) -> UUID:
    return message_id(key=key, created_ms=0, target_id=target_id, customer_message_id=customer_message_id)


def without_time(identifier: UUID) -> UUID:
    return UUID(int=identifier.int & ((1 << 80) - 1))


def parsed(text: str) -> UUID | None:
    try:
        return UUID(strip_invisible(text))
    except ValueError:
        return None


def has_time(identifier: UUID) -> bool:
    return created_ms(identifier) != 0


def pair_hash(identifier: UUID) -> bytes:
    """The 8 bytes that the index `message_pair` is on."""
    return identifier.bytes[8:]


def first_id(moment: datetime) -> UUID:
    """The smallest ID of the millisecond of `moment` (aware)."""
    return UUID(int=max(milliseconds(moment), 0) << 80 | _VERSION_AND_VARIANT)


def created_at(identifier: UUID) -> datetime:
    """Creation time, UTC, to the millisecond."""
    return from_milliseconds(created_ms(identifier))


def created_ms(identifier: UUID) -> int:
    """Creation time in milliseconds since 1970."""
    return identifier.int >> 80
