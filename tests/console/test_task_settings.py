from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.task_settings import Setting, as_row, settings_of
from pushlog import ingest
from pushlog.models import App, TargetKind, TaskState
from tests import factories


def lines(configuration: object) -> list[tuple[str, str]]:
    return [(line.path + line.key, line.value) for line in settings_of(configuration)]


def test_nested_objects_follow_with_their_paths() -> None:
    found = lines({"aps": {"sound": "default", "alert": {"subtitle": "s"}}, "b": 2, "a": "1"})

    assert found == [("a", "1"), ("b", "2"), ("aps.sound", "default"), ("aps.alert.subtitle", "s")]


@pytest.mark.parametrize(
    ("value", "words", "is_blank"),
    [
        (None, "none", True),
        ("", "empty", True),
        ({}, "empty", True),
        ([], "empty", True),
        ("none", "none", False),
        (0, "0", False),
        (True, "yes", False),
        (False, "no", False),
        (1.5, "1.5", False),
        (["a", "题"], "a, 题", False),
        ([1, None], "[1, null]", False),
        ("<b>", "<b>", False),
    ],
)
def test_value_in_words(value: object, words: str, is_blank: bool) -> None:
    assert settings_of({"key": value}) == [Setting("", "key", words, "", is_blank)]


def test_list_of_objects_is_numbered() -> None:
    assert lines({"buttons": [{"text": "Yes"}, {"text": "No"}]}) == [
        ("buttons.1.text", "Yes"),
        ("buttons.2.text", "No"),
    ]


def test_known_numbers_have_a_meaning() -> None:
    found = settings_of({"ring": 1, "vibrate": True, "action": {"action_type": 2, "ring": 1}, "lights": 7})

    assert {line.path + line.key: line.meaning for line in found} == {
        "ring": "on",
        "vibrate": "",
        "lights": "",
        "action.action_type": "opens the browser",
        "action.ring": "",
    }


def test_what_is_nested_too_deep_is_json() -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = {"a": deep}

    [line] = settings_of(deep)

    assert (line.path, line.key) == ("a.a.a.a.a.", "a")
    assert line.value.startswith('{"a": {"a"')


@pytest.mark.parametrize("configuration", [None, {}, [], "text", 5])
def test_configuration_that_is_no_object(configuration: object) -> None:
    assert len(settings_of(configuration)) == (configuration is not None)


def test_row_is_taken_back_and_changes_nothing(app: App) -> None:
    rule = {"operator": "or", "tags": [{"type": "xg_user_define", "value": "test68"}]}
    now = datetime.now(UTC)
    for number, kind in enumerate(TargetKind):
        task = factories.create_task(
            app,
            target_kind=kind.word,
            state=list(TaskState)[number].word,
            tag_rule=rule if kind is TargetKind.TAG else None,
            targets=["a"] if kind is TargetKind.DEVICES else None,
            android={"ring": 1},
            message_type="data",
            source="console",
            environment="development",
            media_url="https://example.com/a",
            expires_in=3600,
            created_at=(now - timedelta(days=1)).isoformat(),
            pushed_at=now + timedelta(days=1),
        )

        assert ingest.write_tasks(app=app, rows=[as_row(task)]) == ingest.TasksResult(0, 0, 1, [])
