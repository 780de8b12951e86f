"""Makes messages and receipts, skewed like a real log. The same count, seed and end give the same messages.

Memory does not grow with their number.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, islice
from typing import Any
from zoneinfo import ZoneInfo

from pushlog import ingest, message_ids, statuses
from pushlog.demo import tasks as demo_tasks
from pushlog.demo import texts as demo_texts
from pushlog.models import App

_Status = demo_texts.Status
_Drawn = tuple[dict[str, Any], list[dict[str, Any]]]

HEAVY_TARGET = "+8610000000000"
SHARED_CUSTOMER_ID = "campaign-2026-11"
# Most messages with the heavy target, and with the shared customer message ID.
HEAVY = 100_000
UNKNOWN = ("meizu", 4242)
TEN_TIMES = [("apns", 2009), ("huawei", 80300007), ("xiaomi", 65003), ("oppo", 33)]

_BATCH = 5_000
_HOURS = 30 * 24 - 1
_HOUR = 3_600_000
_TIES = 24
_DELIVERED: _Status = ("own", 2)


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 5,000 messages of one app; receipts, each with its message's index."""

    app: str
    messages: list[dict[str, Any]]
    receipts: list[tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Profile:
    slug: str
    name: str
    zone: str
    share: float
    texts: list[tuple[int, str, str]]


_PROFILES = [
    _Profile("shop", "Shop", "Asia/Shanghai", 0.8, demo_texts.SHOP),
    _Profile("bank", "Bank", "Europe/Berlin", 0.2, demo_texts.BANK),
]


def ensure_demo_apps() -> dict[str, App]:
    return {
        one.slug: App.objects.get_or_create(
            slug=one.slug,
            defaults={"name": one.name, "environment": App.Environment.PRODUCTION, "time_zone": one.zone},
        )[0]
        for one in _PROFILES
    }


def load(
    *,
    count: int,
    seed: int,
    until: datetime,
    progress: Callable[[int], None] | None = None,
    share: tuple[int, int] = (0, 1),
) -> int:
    """Stores `count` messages of the 30 days up to `until` (aware), with receipts. Returns how many were new.

    `progress` gets the size of each stored batch. A `share` (k, n) is every n-th batch from the k-th on: n processes
    can load one demo together.
    """
    apps = ensure_demo_apps()
    accepted = 0
    known: dict[str, set[str]] = {slug: set() for slug in apps}
    for batch in islice(batches(count=count, seed=seed, until=until), share[0], None, share[1]):
        app = apps[batch.app]
        # A campaign may continue from the previous batch.
        tasks = demo_tasks.rows(batch.messages, until=until, known=known[batch.app])
        known[batch.app] = {message["task"] for message in batch.messages if "task" in message}
        ingest.write_tasks(app=app, rows=tasks, now=until)
        # For the demo's senders it is always `until`, however long loading takes.
        stored = ingest.write_messages(app=app, rows=batch.messages, now=until)
        accepted += stored.accepted
        for place, receipt in batch.receipts:
            receipt["message_id"] = stored.ids[place]
        receipts = [receipt for _, receipt in batch.receipts]
        for start in range(0, len(receipts), ingest.MAX_ROWS):
            ingest.write_receipts(app=app, rows=receipts[start : start + ingest.MAX_ROWS], now=until)
        if progress:
            progress(len(batch.messages))
    for app in apps.values():
        ingest.write_tasks(app=app, rows=demo_tasks.to_come(until), now=until)
    return accepted


def batches(*, count: int, seed: int, until: datetime) -> Iterator[Batch]:
    shop, bank = _PROFILES
    of_shop = round(count * shop.share)
    for profile, its_count in (shop, of_shop), (bank, count - of_shop):
        drawn = _messages(profile, its_count, random.Random(f"{seed} {profile.slug}"), until)  # noqa: S311
        while some := list(islice(drawn, _BATCH)):
            receipts = [(place, receipt) for place, (_, its) in enumerate(some) for receipt in its]
            yield Batch(profile.slug, [message for message, _ in some], receipts)


def _messages(profile: _Profile, count: int, rng: random.Random, until: datetime) -> Iterator[_Drawn]:
    draw, end = rng.random, message_ids.milliseconds(until)
    texts = rng.choices([text for _, *text in profile.texts], [text[0] for text in profile.texts], k=2_000)
    people = max(20, count // 12)
    heavy = min(count // 16, HEAVY) if profile.slug == "shop" else 0
    stride = count // max(heavy, 1) or 1
    rare = _rare(rng, count) if profile.slug == "shop" else {}
    unusual = max(0.01, 0.03 - len(rare) / max(count, 1))
    for index, created in enumerate(_moments(rng, count, end, ZoneInfo(profile.zone))):
        is_new = end - created < 2 * _HOUR
        status: _Status = _DELIVERED
        if index in rare:
            status = rare[index]
        elif is_new and draw() < 0.12:
            status = demo_texts.WAITING[int(draw() * len(demo_texts.WAITING))]
        elif draw() < unusual:
            status = demo_texts.COMMON[int(draw() * len(demo_texts.COMMON))]
        title, content = texts[int(draw() * 2_000)]
        person = 1 + int(people * draw() ** 2)
        push_type, target_id = demo_texts.target(profile.slug, person, status[0])
        message: dict[str, Any] = {
            "target_id": target_id,
            "push_type": push_type,
            "mode": "template" if draw() < 0.2 else "simple",
            "customer_message_id": demo_texts.customer_id(index, created),
            "title": title,
            "content": content % (index + 10_000),
            "extras": demo_texts.EXTRAS[int(draw() * len(demo_texts.EXTRAS))],
            "channel": status[0],
            "created_at": _iso(created),
        }
        if validity := 259_200 if is_new else demo_texts.VALIDITY[int(draw() * len(demo_texts.VALIDITY))]:
            message["expires_in"] = validity
        if index not in rare:
            demo_tasks.assign(message, index, count, profile.texts)
        nth, place = divmod(index, stride)
        if place == 3 and nth < heavy:
            message.update(target_id=HEAVY_TARGET, push_type="user")
        elif place == 7 and nth < heavy:
            # Two to one person in one millisecond would be the same message.
            _, target_id = demo_texts.target(profile.slug, 10 + nth % people * 10, "own")
            message.update(customer_message_id=SHARED_CUSTOMER_ID, target_id=target_id, push_type="user")
        yield message, _receipts(draw, status, created, end, revoked=index % 500 == 123)


def _moments(rng: random.Random, count: int, end: int, zone: ZoneInfo) -> Iterator[int]:
    """Creation times in milliseconds since 1970, fewer by night than by day."""
    starts = [end - hour * _HOUR for hour in range(_HOURS, 0, -1)]
    weights = [demo_texts.BY_HOUR[datetime.fromtimestamp(start // 1000, zone).hour] for start in starts]
    total = sum(weights)
    due = [so_far * count // total for so_far in accumulate(weights)]
    cycle, newest = demo_tasks.cycle(count), min(12, count // 10)
    index = anchor = 0
    for start, upto in zip(starts, due, strict=True):
        for moment in sorted([start + int(rng.random() * _HOUR) for _ in range(upto - index)]):
            place = index % cycle
            in_run = place - cycle // 2
            if place == 0 or in_run == 0:
                anchor = moment
            if count - index <= newest:
                yield end - (count - index) * 20_000 + int(rng.random() * 20_000)
            elif place < _TIES:
                yield anchor
            elif 0 <= in_run < cycle // 10:
                yield anchor + in_run // 5
            else:
                yield moment
            index += 1


def _rare(rng: random.Random, count: int) -> dict[int, _Status]:
    known = [(group.word, status.code) for group in statuses.catalogue() for status in group.statuses]
    once = dict.fromkeys([*((word.replace("common", "own"), code) for word, code in known), UNKNOWN])
    reserved = {("own", statuses.NO_RECEIPT), ("own", statuses.REVOKED)}
    elsewhere = reserved | {_DELIVERED, *demo_texts.COMMON, *TEN_TIMES}
    pairs: list[_Status] = [pair for pair in once if pair not in elsewhere]
    pairs = [*pairs, *TEN_TIMES * 10][: count // 50]
    rng.shuffle(pairs)
    return {5 + place * (count // len(pairs)): pair for place, pair in enumerate(pairs)}


def _receipts(
    draw: Callable[[], float], status: _Status, created: int, end: int, *, revoked: bool
) -> list[dict[str, Any]]:
    channel, code = status
    soon = created + 80 + int(40_000 * draw() ** 6)
    steps: list[tuple[str, int, int]] = []
    if code is not None:
        steps.append((channel, code, soon))
        course = draw()
        if code == 3:
            steps = [(channel, 2, soon), (channel, 3, soon + 2_000 + int(500_000 * draw()))]
        elif status != _DELIVERED:
            if channel != "own" and course < 0.5:
                # Without a connection of our own, the vendor's channel is used.
                steps.insert(0, ("own", 0, created + 40))
        elif course > 0.98:
            steps.append(("own", 0, created + 40))  # an older status arrives last
        elif course > 0.95:
            steps.insert(0, ("own", -1, created + 40))
        elif course > 0.88:
            steps = [("own", 0, created + 40), ("own", 2, soon + int(540_000 * draw()))]
    rows: list[dict[str, Any]] = [
        {"channel": channel, "code": code, "at": _iso(min(at, end))} for channel, code, at in steps
    ]
    if rows and status != _DELIVERED:
        rows[-1]["detail"] = demo_texts.DETAILS[int(draw() * len(demo_texts.DETAILS))]
    if revoked:
        rows.append({"revoked": True, "at": _iso(min(created + 90_000, end))})
    return rows


def _iso(ms: int) -> str:
    minute, rest = divmod(ms, 60_000)
    return f"{_minute(minute)}{rest // 1000:02d}.{rest % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    return datetime.fromtimestamp(number * 60, UTC).strftime("%Y-%m-%dT%H:%M:")
