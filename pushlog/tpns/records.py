"""Push tasks as TPNS's records."""

from typing import Any
from zoneinfo import ZoneInfo

from pushlog.models import PushTask
from pushlog.tpns import words

Record = dict[str, Any]

_TO_THE_SECOND = len("2019-07-25 20:06:28")


def single(task: PushTask, *, zone: ZoneInfo, numeric: bool) -> Record:
    """A task in the answer to its push ID. Empty fields are present, as in TPNS.

    Times are in `zone`; `numeric` makes a push ID of digits a number.
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
        # As the sender wrote them.
        "pushConfig": {"android": task.android, "ios": task.ios},
        "multiPkg": task.multi_package,
    }


def listed(task: PushTask, *, zone: ZoneInfo, numeric: bool) -> Record:
    record = single(task, zone=zone, numeric=numeric)
    record["pushConfig"]["iot"] = task.iot
    record["createTime"] = int(task.created_at.timestamp())
    record["xgMediaAudioResources"] = task.audio_url
    record["groupId"] = task.group
    record["source"] = words.SOURCE[task.source]
    return record


def _number(push_id: str) -> str | int:
    # Other digits and leading zeros would be lost.
    if push_id.isascii() and push_id.isdigit() and (push_id == "0" or push_id[0] != "0"):
        return int(push_id)
    return push_id


def _tag_set(rule: dict[str, Any] | None) -> Record | None:
    if rule is None:
        return None
    tags = [{"tagTypeName": tag["type"], "tagValue": tag["value"]} for tag in rule["tags"]]
    return {"op": rule["operator"].upper(), "tagWithType": tags}
