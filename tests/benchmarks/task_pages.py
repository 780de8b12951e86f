"""Which pages of push tasks are measured: those of the app that has the messages, whose tasks are as many as befits
them, and those of the app with a million tasks and not one message (tests/benchmarks/million_tasks.py)."""

from console.lists.state import TASK_MESSAGES, TASKS
from pushlog.demo import tasks as demo_tasks
from pushlog.models import App, Message, PushTask
from tests.benchmarks.cursors import PAGE, last, thousandth


def addresses(app: App) -> dict[str, str]:
    """The addresses, by what is measured there, of the app with the messages."""
    tasks = PushTask.objects.findable(app)
    small = tasks.filter(push_id__lt=str(demo_tasks.MULTIPLE)).order_by("-push_id")[100].push_id
    campaigns = tasks.filter(push_id__gte=str(demo_tasks.MULTIPLE), push_id__lt=str(demo_tasks.BROADCAST))
    campaign = campaigns.order_by("-push_id")[1].push_id
    base = f"/apps/{app.slug}/tasks/"
    end = last(TASK_MESSAGES, app, Message.objects.of_task(app, campaign), "-created_at")
    return {
        "task list": base,
        "task list, last page": f"{base}?after={last(TASKS, app, tasks, '-pushed_at')}",
        "task list, rarest state": f"{base}?state=cancelled",
        "task list, state failed, by title": f"{base}?state=failed&sort=title",
        "a push ID that nobody has": f"{base}?push_id=no-such-task",
        "a task with few messages": f"{base}{small}/",
        "the task with most messages": f"{base}{campaign}/",
        "the task with most messages, last page": f"{base}{campaign}/?after={end}",
    }


def crowded(app: App) -> dict[str, str]:
    """The same of the app with a million tasks."""
    tasks = PushTask.objects.findable(app)
    base = f"/apps/{app.slug}/tasks/"
    return {
        "a million tasks": base,
        "a million tasks, last page": f"{base}?after={last(TASKS, app, tasks, '-pushed_at')}",
        f"a million tasks by title, page {PAGE:,}": f"{base}?sort=title&after={thousandth(TASKS, app, tasks, 'title')}",
        "a million tasks, rarest kind": f"{base}?target_kind=device_file",
        "a million tasks, rarest kind, by title": f"{base}?target_kind=device_file&sort=title",
        "a million tasks, a state that none has": f"{base}?state=revoked&sort=title",
    }
