"""IDs: what stands where in them, and that they order, repeat and hide as they should."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from pushlog import message_ids
from pushlog.models.message import PairHash

KEY = b"k" * 32
MOMENT = datetime(2026, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC)
MOMENT_MS = 1_795_339_800_123

# As text may come in: anything that can be encoded.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
milliseconds = st.integers(0, 2**47)
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))


def id_of(*, key: bytes = KEY, ms: int = MOMENT_MS, target: str = "target", customer: str = "customer") -> UUID:
    return message_ids.message_id(key=key, created_ms=ms, target_id=target, customer_message_id=customer)


def test_message_id_layout() -> None:
    identifier = id_of()

    assert identifier.version == 7
    assert identifier.variant == RFC_4122
    assert identifier.hex.startswith(f"{MOMENT_MS:012x}7")


def test_message_id_is_stable() -> None:
    """Written out, because another result would make every repeated message a second one."""
    assert id_of() == id_of()
    assert str(id_of()) == "01a20297-4e3b-74a3-ab3e-195ac4a73a9f"


def test_milliseconds_agree_with_created_at() -> None:
    assert message_ids.milliseconds(MOMENT) == MOMENT_MS
    assert message_ids.created_at(id_of()) == MOMENT
    assert message_ids.created_at(id_of()).tzinfo is UTC


@pytest.mark.parametrize("microseconds", [0, 1, 500, 999])
def test_milliseconds_are_rounded_down(microseconds: int) -> None:
    moment = MOMENT + timedelta(microseconds=microseconds)

    assert message_ids.milliseconds(moment) == MOMENT_MS


def test_milliseconds_do_not_depend_on_the_zone() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=8)))

    assert message_ids.milliseconds(elsewhere) == MOMENT_MS
    assert message_ids.first_id(elsewhere) == message_ids.first_id(MOMENT)


@pytest.mark.parametrize("other", [{"key": b"K" * 32}, {"target": "Target"}, {"customer": "customer "}, {"ms": 1}])
def test_message_id_depends_on_each_part(other: dict[str, Any]) -> None:
    assert id_of(**other) != id_of()


def test_message_id_keeps_the_two_ids_apart() -> None:
    assert id_of(target="ab", customer="c") != id_of(target="a", customer="bc")
    assert id_of(target="ab", customer="") != id_of(target="", customer="ab")


def test_pair_hash_depends_on_the_key() -> None:
    """Nobody without the key can test a guess of a target ID."""
    assert message_ids.pair_hash(id_of(key=b"1" * 32)) != message_ids.pair_hash(id_of(key=b"2" * 32))


@given(milliseconds, texts, texts)
def test_message_id_gives_back_its_time(ms: int, target: str, customer: str) -> None:
    identifier = id_of(ms=ms, target=target, customer=customer)

    assert (identifier.version, identifier.variant) == (7, RFC_4122)
    assert identifier.int >> 80 == ms


@given(milliseconds, milliseconds, texts, texts)
def test_message_ids_order_by_time(one: int, other: int, target: str, customer: str) -> None:
    """In Python and, byte by byte, in PostgreSQL."""
    first, second = sorted([one, other])

    assert (id_of(ms=first) < id_of(ms=second, target=target, customer=customer)) or first == second
    assert id_of(ms=first).bytes <= id_of(ms=second).bytes


@given(milliseconds, texts, texts)
def test_pair_is_what_an_id_is_without_its_time(ms: int, target: str, customer: str) -> None:
    identifier = id_of(ms=ms, target=target, customer=customer)
    pair = message_ids.pair_id(key=KEY, target_id=target, customer_message_id=customer)

    assert message_ids.without_time(identifier) == pair
    assert message_ids.pair_hash(identifier) == message_ids.pair_hash(pair) == pair.bytes[8:]
    assert not message_ids.has_time(pair)
    assert message_ids.has_time(identifier) == (ms > 0)


@given(moments, texts, texts)
def test_first_id_is_a_lower_bound(moment: datetime, target: str, customer: str) -> None:
    ms = message_ids.milliseconds(moment)

    assert message_ids.first_id(moment) <= id_of(ms=ms, target=target, customer=customer)
    if ms:
        assert message_ids.first_id(moment) > id_of(ms=ms - 1, target=target, customer=customer)


@given(moments)
def test_created_at_is_the_moment_to_the_millisecond(moment: datetime) -> None:
    found = message_ids.created_at(message_ids.first_id(moment))

    assert timedelta(0) <= moment - found < timedelta(milliseconds=1)
    assert message_ids.milliseconds(found) == message_ids.milliseconds(moment)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_first_id_at_the_edge_of_a_millisecond(step: int) -> None:
    moment = MOMENT + timedelta(microseconds=step)

    assert (message_ids.first_id(moment) == message_ids.first_id(MOMENT)) == (step >= 0)


@pytest.mark.django_db
@pytest.mark.parametrize("target", ["target", "+8613800000000", "目标", "x" * 512])
def test_pair_hash_is_what_the_index_holds(target: str) -> None:
    identifier = id_of(target=target)
    expression = PairHash.template % {"expressions": "%s::uuid"}

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}", [identifier])
        [value] = cursor.fetchone()

    assert bytes(value) == message_ids.pair_hash(identifier)
