"""Push tasks as TPNS's records (facts/tpns.md, 1.5 and 1.6)."""

from typing import Any
from zoneinfo import ZoneInfo

from pushlog.models import PushTask
from pushlog.tpns import words

Record = dict[str, Any]

_TO_THE_SECOND = len("2019-07-25 20:06:28")


def single(task: PushTask, *, zone: ZoneInfo, numeric: bool) -> Record:
    """A task as the answer to its push ID has it: sixteen fields, all of them there, empty or not.

    Times are in `zone`; `numeric` answers a push ID of digits as a number.
    """
    return {
        "date": task.pushed_at.astimezone(zone).isoformat(" ", "seconds")[:_TO_THE_SECOND],
        "pushId": _number(task.push_id) if numeric else task.push_id,
        "title": task.title,
        "content": task.content,
        "status": words.STATUS[task.state],
        "pushType": words.PUSH_TYPE[task.target_kind],
        "targetList": task.targets,
        "tagSet": _tag_set(task.tag_rule),
        "uploadId": task.upload_id,
        "expireTime": task.expires_in,
        "messageType": words.MESSAGE_TYPE[task.message_type],
        "xgMediaResources": task.media_url,
        "environment": words.ENVIRONMENT[task.environment],
        "collapseID": task.collapse_id,
        # As the sender gave them to the push service, so in TPNS's own shape if that was TPNS.
        "pushConfig": {"android": task.android, "ios": task.ios},
        "multiPkg": task.multi_package,
    }


def listed(task: PushTask, *, zone: ZoneInfo, numeric: bool) -> Record:
    """A task as the list of a period has it: with what its sample and its later tables add."""
    record = single(task, zone=zone, numeric=numeric)
    record["pushConfig"]["iot"] = task.iot
    record["createTime"] = int(task.created_at.timestamp())
    record["xgMediaAudioResources"] = task.audio_url
    record["groupId"] = task.group
    record["source"] = words.SOURCE[task.source]
    return record


def _number(push_id: str) -> str | int:
    """The push ID as a number, if it is one that is written in no other way."""
    # Other digits than these, and a nought in front, would be lost.
    if push_id.isascii() and push_id.isdigit() and (push_id == "0" or push_id[0] != "0"):
        return int(push_id)
    return push_id


def _tag_set(rule: dict[str, Any] | None) -> Record | None:
    if rule is None:
        return None
    tags = [{"tagTypeName": tag["type"], "tagValue": tag["value"]} for tag in rule["tags"]]
    return {"op": rule["operator"].upper(), "tagWithType": tags}
