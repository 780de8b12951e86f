"""A log as it arrives: the messages of five apps in the order of time, each with its receipts seconds to hours later.

Values go together as in real logs, and not as if drawn apart: a planner that takes them for independent is wrong. Push
types have target IDs of their own look, a campaign shares its customer message ID, title and minutes, and a target
that was busy weeks ago is quiet now. The same count, seed and end give the same messages.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from pushlog import demo, ingest, message_ids
from pushlog.demo import tasks as demo_tasks
from pushlog.demo import texts as demo_texts
from pushlog.models import App

HEAVY_TARGET = "u-000000000"
SHARED_CUSTOMER_ID = "campaign-2026-11"
MULTIPLE_CUSTOMER_ID = "campaign-0"  # of multiple messages only
UNKNOWN = demo.UNKNOWN

# Few in each transaction, or an app's messages would lie together.
_FEWEST, _MOST = 60, 2_000
_HOURS = 30 * 24
_MINUTE, _HOUR = 60_000, 3_600_000
_MOST_BUSY, _MOST_CAMPAIGN = 100_000, 300_000
_BURSTS = (21, 20, 18, 16, 15)  # days ago
# By number: how many days ago.
_CAMPAIGNS = {0: 28, 1: 24, 2: 19, 3: 13, 4: 8, 5: 4, 7: 1}
_SHARED, _SHARED_AGO = 6, 10
_REVOKED = 3  # the campaign that was taken back
_OUTAGE = 12  # a day on which a vendor failed for hours
_HARMONY_SINCE = 3
_MIX = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95
_UPPER = str.maketrans("0123456789abcdef", "GHIJKLMNOPQRSTUV")
_RARE: list[demo_texts.Status] = [*demo.TEN_TIMES, ("own", 1)]
_DELIVERED: demo_texts.Status = ("own", 2)
_NEWS = [(3, "Headlines of the morning", "Today: %s."), (2, "Breaking", "No. %s."), (1, "Your evening read", "No. %s.")]


@dataclass(frozen=True, slots=True)
class _Profile:
    slug: str
    name: str
    zone: str
    share: float
    texts: list[tuple[int, str, str]]
    push_types: tuple[str, ...]  # of a person, by the number
    modes: tuple[str, ...]  # equally often


_PROFILES = [
    _Profile(
        *("shop", "Shop", "Asia/Shanghai", 0.8, demo_texts.SHOP),
        *(("user",) * 5 + ("android",) * 3 + ("ios",) * 2, ("simple",) * 4 + ("template",)),
    ),
    _Profile(
        *("bank", "Bank", "Europe/Berlin", 0.1, demo_texts.BANK),
        *(("user",) * 999 + ("android",), ("simple",) * 1_999 + ("template",)),
    ),
    _Profile("news", "News", "UTC", 0.06, _NEWS, ("android", "android", "ios"), ("template",)),
    _Profile(
        *("games", "Games", "Asia/Tokyo", 0.039, demo_texts.SHOP[:8]),
        *(("android", "ios"), ("multiple",) * 19 + ("simple",)),
    ),
    _Profile("lab", "Lab", "Europe/Berlin", 0.001, demo_texts.BANK[:3], ("ios",), ("simple",)),
]
_SHOP = _PROFILES[0]


@dataclass(frozen=True, slots=True)
class _Event:
    """So many messages within a few minutes: a campaign, or the busy target's."""

    size: int
    minutes: int
    fields: dict[str, Any]
    revoked: int = 0  # of the first ones


@dataclass(slots=True)
class Batch:
    """Messages of one app; receipts that come before them; those after them, with the message's index and time."""

    app: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    early: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)
    until: int = 0  # milliseconds since 1970, when the last of them was created


_Drawn = tuple[int, _Profile, dict[str, Any], demo_texts.Status, bool]  # created, whose, message, status, revoked


@dataclass(frozen=True)
class Arrivals:
    """The log of the 30 days up to `until` (aware)."""

    count: int
    seed: int
    until: datetime

    def days(self) -> list[list[int]]:
        """The hours of each UTC day. A day is a partition, so days may be stored in any order."""
        return [list(hours) for _, hours in groupby(range(_HOURS), self._day)]

    def batches(self, hours: Iterable[int]) -> Iterator[Batch]:
        size = min(max(_FEWEST, self.count // 200), _MOST)
        drawn = (one for hour in hours for one in sorted(self._messages(hour), key=lambda one: one[0]))
        while some := list(islice(drawn, size)):
            yield from self._batches(some)

    @cached_property
    def _end(self) -> int:
        return message_ids.milliseconds(self.until)

    def _start(self, hour: int) -> int:
        return (self._end // _HOUR - _HOURS + 1 + hour) * _HOUR

    def _day(self, hour: int) -> date:
        return message_ids.from_milliseconds(self._start(hour)).date()

    @cached_property
    def _events(self) -> dict[tuple[str, int], list[_Event]]:
        busy = min(self.count // 16, _MOST_BUSY)
        found: dict[tuple[str, int], list[_Event]] = {}

        def add(profile: _Profile, days_ago: int, event: _Event) -> None:
            if event.size:
                found.setdefault((profile.slug, _HOURS - 24 * days_ago - 1), []).append(event)

        for ago in _BURSTS:
            target = {"target_id": HEAVY_TARGET, "push_type": "user", "mode": "simple"}
            add(_SHOP, ago, _Event(busy // len(_BURSTS), 40, target))
        add(_SHOP, _SHARED_AGO, _Event(busy, 15, _campaign(_SHARED, "template", SHARED_CUSTOMER_ID)))
        for number, ago in _CAMPAIGNS.items():
            size, mode = min(self.count // 40, _MOST_CAMPAIGN), "simple" if number % 2 else "multiple"
            fields = _campaign(number, mode, f"campaign-{number}")
            add(_SHOP, ago, _Event(size, 10, fields, revoked=size // 5 if number == _REVOKED else 0))
        for number, ago in enumerate((17, 5)):
            add(_PROFILES[2], ago, _Event(self.count // 100, 5, _campaign(number, "template", f"edition-{number}")))
        return found

    @cached_property
    def _ordinary(self) -> dict[str, list[int]]:
        """How many ordinary messages each app has created by the end of each hour: fewer by night."""
        due: dict[str, list[int]] = {}
        left = self.count
        for profile in reversed(_PROFILES):
            its = left if profile is _SHOP else round(self.count * profile.share)
            left -= its
            its -= sum(
                event.size for (slug, _), events in self._events.items() if slug == profile.slug for event in events
            )
            zone = ZoneInfo(profile.zone)
            weights = [
                demo_texts.BY_HOUR[datetime.fromtimestamp(self._start(hour) // 1000, zone).hour]
                * min(1.0, (self._end - self._start(hour)) / _HOUR)
                for hour in range(_HOURS)
            ]
            total, so_far, due[profile.slug] = sum(weights), 0.0, []
            for weight in weights:
                so_far += weight
                due[profile.slug].append(round(its * so_far / total))
        return due

    def _messages(self, hour: int) -> Iterator[_Drawn]:
        for profile in _PROFILES:
            rng = random.Random(f"{self.seed} {profile.slug} {hour}")
            due = self._ordinary[profile.slug]
            number = due[hour] - (due[hour - 1] if hour else 0)
            yield from self._drawn(profile, hour, rng, number)
            for event in self._events.get((profile.slug, hour), []):
                yield from self._of_event(profile, hour, rng, event)

    def _drawn(self, profile: _Profile, hour: int, rng: random.Random, number: int) -> Iterator[_Drawn]:
        draw, start = rng.random, self._start(hour)
        span = max(1, min(_HOUR, self._end - start))
        texts = rng.choices([text for _, *text in profile.texts], [text[0] for text in profile.texts], k=200)
        for index, created in enumerate(sorted(start + int(draw() * span) for _ in range(number))):
            message = self._message(profile, hour, index, created, draw)
            title, content = texts[int(draw() * len(texts))]
            if message["mode"] == "multiple":
                day = self._day(hour).toordinal() % 1_000
                message["task"] = str(demo_tasks.MULTIPLE + 1_000 + day)
                title, content = demo_texts.CAMPAIGNS[day % len(demo_texts.CAMPAIGNS)]
            elif index % 10 == 5:
                message["task"] = str(demo_tasks.SMALL + hour * 10_000 + index // 50)
            elif index == 1 and hour % 24 == 12:
                message |= {"mode": "broadcast", "target_id": "all-devices", "push_type": "android"}
                message["task"] = str(demo_tasks.BROADCAST + hour)
            message |= {"title": title, "content": content % (hour * 1_000_000 + index)}
            yield created, profile, message, self._status(profile, hour, index, message, draw), index % 2_000 == 123

    def _of_event(self, profile: _Profile, hour: int, rng: random.Random, event: _Event) -> Iterator[_Drawn]:
        start, people = self._start(hour) + 5 * _MINUTE, self._people(profile)
        for place in range(event.size):
            created = start + place * event.minutes * _MINUTE // event.size
            # Each person once, in no order of theirs.
            message = self._message(profile, hour, 1_000_000 + place, created, rng.random, 1 + place * 7_919 % people)
            message |= {"title": "Delivered", "content": "Your order was handed over."} | event.fields
            status = self._status(profile, hour, 1_000_000 + place, message, rng.random)
            yield created, profile, message, status, place < event.revoked

    def _message(
        self, profile: _Profile, hour: int, index: int, created: int, draw: Callable[[], float], person: int = 0
    ) -> dict[str, Any]:
        # Some people get far more than others.
        person = person or 1 + int(self._people(profile) * draw() ** 2)
        push_type = profile.push_types[person % len(profile.push_types)]
        if profile is _SHOP and person % 499 == 0 and hour >= _HOURS - 24 * _HARMONY_SINCE:
            push_type = "harmony"
        message: dict[str, Any] = {
            "target_id": _target(push_type, person),
            "push_type": push_type,
            "mode": profile.modes[int(draw() * len(profile.modes))],
            "customer_message_id": demo_texts.customer_id(hour * 2_000_000 + index, created),
            "extras": demo_texts.EXTRAS[int(draw() * len(demo_texts.EXTRAS))],
            "created_at": _iso(created),
        }
        if validity := demo_texts.VALIDITY[int(draw() * len(demo_texts.VALIDITY))]:
            message["expires_in"] = validity
        return message

    def _people(self, profile: _Profile) -> int:
        return max(20, round(self.count * profile.share) // 12)

    def _status(
        self, profile: _Profile, hour: int, index: int, message: dict[str, Any], draw: Callable[[], float]
    ) -> demo_texts.Status:
        days_ago, of_day = (_HOURS - 1 - hour) // 24, hour % 24
        if profile is _SHOP and of_day == 6 and index < len(_RARE):
            # The only one of its status.
            return UNKNOWN if (days_ago, index) == (11, 1) else _RARE[index]
        chance = draw()
        if hour >= _HOURS - 2 and chance < 0.12:
            return demo_texts.WAITING[index % len(demo_texts.WAITING)]
        if days_ago == _OUTAGE and of_day in (9, 10) and message["push_type"] == "android" and chance < 0.7:
            return "huawei", 80000004
        if chance < 0.97:
            return _DELIVERED
        if message["push_type"] == "ios":
            return "apns", 2011
        return demo_texts.COMMON[int(draw() * len(demo_texts.COMMON))]

    def _batches(self, drawn: Sequence[_Drawn]) -> Iterator[Batch]:
        batches: dict[str, Batch] = {}
        draw = random.Random(drawn[0][0]).random
        for created, profile, message, status, revoked in drawn:
            batch = batches.setdefault(profile.slug, Batch(profile.slug))
            place = len(batch.messages)
            batch.messages.append(message)
            for at, receipt in _receipts(draw, status, created, self._end, revoked=revoked):
                if at < created + 2_000 and draw() < 0.002:
                    pair = {name: message[name] for name in ("target_id", "customer_message_id")}
                    batch.early.append(receipt | pair)
                else:
                    batch.receipts.append((place, at, receipt))
        for batch in batches.values():
            batch.until = drawn[-1][0]
            yield batch


def load(
    arrivals: Arrivals, *, share: tuple[int, int] = (0, 1), progress: Callable[[int], None] = lambda stored: None
) -> None:
    """Stores the log by the project's own path. A `share` (k, n) is every n-th day from the k-th on."""
    apps, now = ensure_apps(), arrivals.until
    for hours in arrivals.days()[share[0] :: share[1]]:
        waiting: dict[str, list[tuple[int, dict[str, Any]]]] = {slug: [] for slug in apps}
        known: dict[str, set[str]] = {slug: set() for slug in apps}
        for batch in arrivals.batches(hours):
            app = apps[batch.app]
            tasks = demo_tasks.rows(batch.messages, until=now, known=known[batch.app])
            known[batch.app] |= {task["push_id"] for task in tasks}
            assert not ingest.write_tasks(app=app, rows=tasks, now=now).rejected
            _report(app, batch.early, now)
            stored = ingest.write_messages(app=app, rows=batch.messages, now=now)
            assert not stored.rejected, stored.rejected[:3]
            its = waiting[batch.app]
            its += [(at, receipt | {"message_id": stored.ids[place]}) for place, at, receipt in batch.receipts]
            due = [one for one in its if one[0] <= batch.until]
            waiting[batch.app] = [one for one in its if one[0] > batch.until]
            _report(app, [receipt for _, receipt in sorted(due, key=lambda one: one[0])], now)
            progress(len(batch.messages))
        for slug, its in waiting.items():
            _report(apps[slug], [receipt for _, receipt in sorted(its, key=lambda one: one[0])], now)
    for app in apps.values():
        ingest.write_tasks(app=app, rows=demo_tasks.to_come(now), now=now)


def ensure_apps() -> dict[str, App]:
    return {
        one.slug: App.objects.get_or_create(
            slug=one.slug,
            defaults={"name": one.name, "environment": App.Environment.PRODUCTION, "time_zone": one.zone},
        )[0]
        for one in _PROFILES
    }


def _report(app: App, receipts: list[dict[str, Any]], now: datetime) -> None:
    for start in range(0, len(receipts), ingest.MAX_ROWS):
        result = ingest.write_receipts(app=app, rows=receipts[start : start + ingest.MAX_ROWS], now=now)
        assert not result.rejected, result.rejected[:3]


def _campaign(number: int, mode: str, customer_message_id: str) -> dict[str, Any]:
    title, content = demo_texts.CAMPAIGNS[number % len(demo_texts.CAMPAIGNS)]
    return {
        "mode": mode,
        "customer_message_id": customer_message_id,
        "task": str(demo_tasks.MULTIPLE + number),
        "title": title,
        "content": content % number,
    }


def _target(push_type: str, person: int) -> str:
    """People by number, tokens of devices in lower case, of Apple's in capitals."""
    if push_type == "user":
        return f"u-{person:09d}"
    token = f"{(person + 1) * _MIX % (1 << 256):064x}"
    return token.translate(_UPPER) if push_type == "ios" else token


def _receipts(
    draw: Callable[[], float], status: demo_texts.Status, created: int, end: int, *, revoked: bool
) -> list[tuple[int, dict[str, Any]]]:
    """With the time of each. Most come within a minute, a few after minutes or hours."""
    channel, code = status
    chance = draw()
    soon = created + 80 + int(40_000 * draw() ** 4)
    if chance > 0.95:
        soon += int(draw() * (4 * _HOUR if chance > 0.99 else 9 * _MINUTE))
    steps: list[tuple[str, int, int]] = []
    if code is not None:
        steps.append((channel, code, soon))
        if code == 3:
            steps = [(channel, 2, soon), (channel, 3, soon + int(8 * _MINUTE * draw()))]
        elif chance < 0.05:
            steps.insert(0, ("own", 0, created + 40))
    rows: list[tuple[int, dict[str, Any]]] = [
        (at, {"channel": channel, "code": code, "at": _iso(min(at, end))}) for channel, code, at in steps
    ]
    if revoked:
        at = min(created + 2 * _MINUTE, end)
        rows.append((at, {"revoked": True, "at": _iso(at)}))
    return rows


def _iso(ms: int) -> str:
    return (datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)).isoformat()
