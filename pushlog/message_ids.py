"""Time-ordered message IDs: one UUID that is primary key, sort key, cursor and partition key.

The layout is UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds since 1970, then version and
variant, and 74 bits which are free. Where the RFC suggests random bits, ours are a keyed hash of the target ID
and the customer message ID, so that the same message sent twice gets the same ID. The key is the app's own and
secret: an ID stands in URLs, and without a key it could be used to test guesses of a phone number.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_HASH_BITS = 74
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_LOW_HASH_MASK = (1 << 62) - 1


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds from 1970 to an aware moment, rounded down."""
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """The moment, UTC, so many milliseconds after 1970."""
    return EPOCH + count * MILLISECOND


def message_id(*, key: bytes, created_ms: int, target_id: str, customer_message_id: str) -> UUID:
    """The ID of a message created at `created_ms` (milliseconds since 1970, UTC) in the app with this key."""
    target = target_id.encode()
    hasher = _keyed(key).copy()
    # The length in front keeps ("ab", "c") and ("a", "bc") apart.
    hasher.update(len(target).to_bytes(4, "big") + target + customer_message_id.encode())
    digest = int.from_bytes(hasher.digest(), "big") >> (80 - _HASH_BITS)
    return UUID(int=created_ms << 80 | _VERSION_AND_VARIANT | (digest >> 62) << 64 | digest & _LOW_HASH_MASK)


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> "blake2b":
    """The hash of an app, to be copied: taking in the key is half of the work."""
    return blake2b(key=key, digest_size=10)


def pair_id(*, key: bytes, target_id: str, customer_message_id: str) -> UUID:
    """The ID without its time: what all messages of this target and customer message ID have in common."""
    return message_id(key=key, created_ms=0, target_id=target_id, customer_message_id=customer_message_id)


def without_time(identifier: UUID) -> UUID:
    """The `pair_id` of the message that has this ID."""
    return UUID(int=identifier.int & ((1 << 80) - 1))


def has_time(identifier: UUID) -> bool:
    """Whether this is the ID of a message rather than a `pair_id`."""
    return created_ms(identifier) != 0


def pair_hash(identifier: UUID) -> bytes:
    """The last 8 bytes of an ID, which do not depend on its time.

    PostgreSQL has an index on the same bytes (`Message`, index `message_pair`).
    """
    return identifier.bytes[8:]


def first_id(moment: datetime) -> UUID:
    """The smallest ID of all messages created in the millisecond of `moment` (aware) or later.

    Of a moment before 1970, the smallest ID there is.
    """
    return UUID(int=max(milliseconds(moment), 0) << 80 | _VERSION_AND_VARIANT)


def created_at(identifier: UUID) -> datetime:
    """When the message with this ID was created: UTC, to the millisecond."""
    return from_milliseconds(created_ms(identifier))


def created_ms(identifier: UUID) -> int:
    """The same in milliseconds since 1970."""
    return identifier.int >> 80
