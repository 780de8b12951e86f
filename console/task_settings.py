"""The settings of a push task as lines and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pushlog.models import MessageType, PushTask, TargetKind, TaskSource, TaskState

# Deeper levels are shown as JSON.
_DEEPEST = 6

_SWITCH = {0: "off", 1: "on"}
# What numbers mean to TPNS, by path.
_MEANINGS = {
    "ring": _SWITCH,
    "vibrate": _SWITCH,
    "lights": _SWITCH,
    "clearable": {0: "cannot be dismissed", 1: "can be dismissed"},
    "action.action_type": {1: "opens an activity or the app", 2: "opens the browser", 3: "opens an intent"},
    "aps.badge_type": {-2: "adds one to the badge", -1: "leaves the badge as it is"},
    "aps.mutable-content": {1: "the app may change it before it is shown"},
}


@dataclass(frozen=True, slots=True)
class Setting:
    path: str  # of the objects around the key, with a dot at its end
    key: str
    value: str
    meaning: str = ""
    is_blank: bool = False  # null, or empty


# Fields that are shown only if they were given: name, label, and whether it tells what only some may see.
_FACTS = (
    ("collapse_id", "Collapse ID", False),
    ("upload_id", "Upload ID", False),
    ("group", "Group", False),
    ("media_url", "Rich media", True),
    ("audio_url", "Audio", True),
)


def configurations(task: PushTask) -> list[tuple[str, list[Setting]]]:
    """Those of each platform that has any."""
    found = [(name, [line for line in settings_of(value) if not line.is_blank]) for name, value in _platforms(task)]
    return [(name, lines) for name, lines in found if lines]


def unset(task: PushTask, *, sees_all: bool) -> list[str]:
    """What was not given, or given empty, by name."""
    names = [label for name, label, is_hidden in _FACTS if not getattr(task, name) and (sees_all or not is_hidden)]
    if not sees_all:
        return names
    for platform, value in _platforms(task):
        lines = settings_of(value)
        if all(line.is_blank and not line.key for line in lines):
            names.append(f"{platform} configuration")
        names += [f"{platform}: {line.path}{line.key} ({line.value})" for line in lines if line.is_blank and line.key]
    return names


def _platforms(task: PushTask) -> list[tuple[str, object]]:
    return [("Android", task.android), ("iOS", task.ios), ("IoT", task.iot)]


def settings_of(configuration: object) -> list[Setting]:
    return list(_lines(configuration, [])) if configuration is not None else []


def _lines(value: object, path: list[str]) -> Iterator[Setting]:
    parts: list[tuple[str, object]] = []
    if isinstance(value, dict):
        # jsonb does not keep the sender's order.
        parts = sorted(value.items(), key=lambda part: (isinstance(part[1], (dict, list)), part[0]))
    elif isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        parts = [(str(number), one) for number, one in enumerate(value, 1)]
    if parts and len(path) < _DEEPEST:
        for key, part in parts:
            yield from _lines(part, [*path, key])
        return
    *around, key = path or [""]
    words = _words(value)
    yield Setting(
        path="".join(f"{one}." for one in around),
        key=key,
        value=words,
        meaning=_meaning(".".join(path), value),
        is_blank=words in {"empty", "none"} and not (isinstance(value, str) and value),
    )


def _words(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in ("", {}, []):
        return "empty"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _meaning(path: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _MEANINGS.get(path, {}).get(value, "")
    return ""


def as_row(task: PushTask) -> dict[str, Any]:
    words = {
        "target_kind": TargetKind(task.target_kind),
        "state": TaskState(task.state),
        "message_type": MessageType(task.message_type),
        "source": TaskSource(task.source),
    }
    return {
        "push_id": task.push_id,
        **{name: member.word for name, member in words.items()},
        "environment": task.environment,
        "created_at": _iso(task.created_at),
        "pushed_at": _iso(task.pushed_at),
        **{name: getattr(task, name) for name in _AS_THEY_ARE},
    }


_AS_THEY_ARE = (
    *("title", "content", "expires_in", "collapse_id", "upload_id", "multi_package", "media_url", "audio_url", "group"),
    *("targets", "tag_rule", "android", "ios", "iot"),
)


def _iso(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))
