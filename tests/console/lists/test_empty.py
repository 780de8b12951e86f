from datetime import UTC, datetime

from console.lists.empty import explain_miss
from console.tokens import SearchTerms
from pushlog.models import App
from tests import factories


def hints(app: App, others: bool = False, target_id: str = "", customer_message_id: str = "") -> str:
    apps, terms = App.objects.all() if others else App.objects.none(), SearchTerms(target_id, customer_message_id)
    return " ".join(explain_miss(app, terms, others=apps, now=datetime.now(UTC)))


def test_miss_without_a_cause_has_no_hint(app: App) -> None:
    assert hints(app, others=True, target_id="t", customer_message_id="c") == ""


def test_miss_of_swapped_ids_says_so(app: App) -> None:
    factories.create_message(app, target_id="t", customer_message_id="c")

    assert "Swap the two fields" in hints(app, target_id="c", customer_message_id="t")
    assert "Swap the two fields" in hints(app, target_id="c")
    assert "Swap the two fields" in hints(app, customer_message_id="t")


def test_miss_of_both_tells_which_one_is_known(app: App) -> None:
    factories.create_message(app, target_id="t", customer_message_id="c")

    assert "There are messages to this target ID" in hints(app, target_id="t", customer_message_id="x")
    assert "This customer message ID exists" in hints(app, target_id="x", customer_message_id="c")


def test_miss_of_two_known_targets_tells_of_the_one_entered_as_target(app: App) -> None:
    factories.create_message(app, target_id="s")
    factories.create_message(app, target_id="t")

    # Whichever of the two is met first.
    for target, other in (("s", "t"), ("t", "s")):
        assert "There are messages to this target ID" in hints(app, target_id=target, customer_message_id=other)


def test_miss_points_to_another_app_of_the_person(app: App) -> None:
    other = factories.create_app(name="Elsewhere")
    factories.create_message(other, target_id="t")

    assert "Elsewhere" in hints(app, others=True, target_id="t")
    assert "Elsewhere" not in hints(app, target_id="t")
    assert "Elsewhere" not in hints(app, others=True, target_id="t", customer_message_id="x")


def test_miss_never_gives_a_broadcast_away(app: App) -> None:
    factories.create_message(app, target_id="t", customer_message_id="c", mode="broadcast")

    assert hints(app, others=True, target_id="c", customer_message_id="t") == ""
    assert hints(app, others=True, target_id="t", customer_message_id="x") == ""
