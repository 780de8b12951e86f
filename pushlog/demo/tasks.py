"""The demo's push tasks: campaigns, small tasks, and some still to come."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from pushlog.demo import texts as demo_texts

SMALL, MULTIPLE, BROADCAST = 10_000_000, 20_000_000, 30_000_000

# Every tenth of 50 messages is of a small task. A batch is a multiple of 50.
_SPAN, _EVERY = 50, 10
# By the last two digits of the task's number; all others finish.
_FATES = {7: "revoked", 19: "overwritten", 23: "terminated", 41: "failed", 67: "deleted", 89: "revoked"}
_ANDROID = {
    "ring": 1,
    "vibrate": 1,
    "lights": 1,
    "clearable": 1,
    "action": {"action_type": 3, "activity": "", "intent": "shop://orders"},
    "custom_content": '{"page": "orders"}',
}
_IOS = {
    "aps": {"alert": {"subtitle": ""}, "badge_type": -2, "category": "ORDERS", "sound": "default", "mutable-content": 1}
}
_TAGS = {
    "operator": "or",
    "tags": [
        {"type": "xg_auto_province", "value": "guangdong"},
        {"type": "xg_user_define", "value": "likes tea & books"},
    ],
}


def cycle(count: int) -> int:
    return max(400, count // 20)


def assign(message: dict[str, Any], index: int, count: int, texts: list[tuple[int, str, str]]) -> None:
    number, place = divmod(index, cycle(count))
    title, content = demo_texts.CAMPAIGNS[number % len(demo_texts.CAMPAIGNS)]
    if 0 <= place - cycle(count) // 2 < cycle(count) // 10:
        message.update(mode="multiple", task=str(MULTIPLE + number), title=title, content=content % number)
    elif place == cycle(count) * 3 // 4:
        message.update(mode="broadcast", task=str(BROADCAST + number), title=title, content=content % number)
        message.update(target_id="all-devices", push_type="android")
    elif index % _EVERY == _EVERY // 2:
        number = index // _SPAN
        _, title, content = texts[number % len(texts)]
        message.update(task=str(SMALL + number), title=title, content=content % number)


def rows(messages: Iterable[dict[str, Any]], *, until: datetime, known: Collection[str] = ()) -> list[dict[str, Any]]:
    of_task: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if (push_id := message.get("task")) and push_id not in known:
            of_task.setdefault(push_id, []).append(message)
    return [_row(push_id, its_messages, until) for push_id, its_messages in of_task.items()]


def to_come(until: datetime) -> list[dict[str, Any]]:
    common = {"target_kind": "all", "created_at": (until - timedelta(hours=3)).isoformat(), "expires_in": 86_400}
    plans = [("waiting", 5), ("waiting", 26), ("created", 50), ("cancelled", 8)]
    return [
        common
        | {
            "push_id": str(BROADCAST + 1_000 + number),
            "state": state,
            "pushed_at": (until + timedelta(hours=hours)).isoformat(),
            "title": demo_texts.CAMPAIGNS[number % len(demo_texts.CAMPAIGNS)][0],
            "source": "console",
            "android": _ANDROID,
            "ios": _IOS,
        }
        for number, (state, hours) in enumerate(plans)
    ]


def _row(push_id: str, messages: list[dict[str, Any]], until: datetime) -> dict[str, Any]:
    first, number = messages[0], int(push_id) % 10_000_000
    pushed_at = datetime.fromisoformat(first["created_at"])
    is_new = until - pushed_at < timedelta(hours=3)
    return {
        "push_id": push_id,
        "state": "started" if is_new else _FATES.get(number % 100, "finished"),
        "message_type": "notification" if first["title"] else "data",
        "source": "api" if int(push_id) < MULTIPLE else "console",
        "environment": "development" if number % 100 == 50 else "production",
        "created_at": (pushed_at - timedelta(hours=number % 5, seconds=2)).isoformat(),
        "pushed_at": pushed_at.isoformat(),
        "title": first["title"],
        "content": first["content"],
        "expires_in": first.get("expires_in", 0),
        "collapse_id": number % 1_000 if number % 100 == 19 else 0,
        "android": _ANDROID if first["push_type"] != "ios" else None,
        "ios": _IOS if first["push_type"] in ("ios", "user") else None,
        **_audience(int(push_id), number, messages),
    }


def _audience(push_id: int, number: int, messages: list[dict[str, Any]]) -> dict[str, Any]:
    if push_id >= BROADCAST:
        return {"target_kind": "all"}
    if push_id >= MULTIPLE:
        if number % 2:
            return {"target_kind": "account_file", "upload_id": 7_000 + number}
        return {"target_kind": "tag", "tag_rule": _TAGS}
    kind = "accounts" if messages[0]["push_type"] == "user" else "devices"
    return {"target_kind": kind, "targets": [message["target_id"] for message in messages]}
