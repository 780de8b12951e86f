from datetime import UTC, datetime

import pytest

from console.lists.empty import explain_miss
from console.tokens import SearchTerms
from pushlog.models import App
from tests import factories


def hints(app: App, others: bool = False, target_id: str = "", customer_message_id: str = "") -> str:
    apps, terms = App.objects.all() if others else App.objects.none(), SearchTerms(target_id, customer_message_id)
    found = explain_miss(app, terms, others=apps, now=datetime.now(UTC))
    return " ".join(f"{one.text} [{one.button}]" for one in found)


def test_miss_without_a_cause_has_no_hint(app: App) -> None:
    assert hints(app, others=True, target_id="t", customer_message_id="c") == ""


def test_miss_of_swapped_ids_says_so(app: App) -> None:
    factories.create_message(app, target_id="t", customer_message_id="c")

    assert "[Swap the two IDs]" in hints(app, target_id="c", customer_message_id="t")
    assert "This is a target ID. [Search for all to this target]" in hints(app, customer_message_id="t")


@pytest.mark.parametrize(
    ("stored", "typed", "expected"),
    [
        ("+8610000000781", "+86 100 0000 0781", "Without blanks there is a message: [Search +8610000000781]"),
        ("+8610000000781", "＋8610000000781", "In half-width characters there is a message:"),
        ("+8610000000781", "8610000000781", "With + there is a message:"),
        ("+8610000000781", "+86-100-0000-0781", "Without blanks, dashes and brackets there is a message:"),
        ("+8610000000781", "86 (100) 0000-0781", "Without blanks, dashes and brackets, with + there is a message:"),
        ("8610000000781", "+86 100 0000 0781", "Without blanks, without + there is a message:"),
        ("u-a01", "u-\u200ba01", "Without invisible characters there is a message: [Search u-a01]"),
        ("u-\u200ba01", "u-\u200bA01", "In other upper and lower case there is a message: [Search u-[U+200B]a01]"),
        ("Case-Sensitive-ID", "case-sensitive-id", "there is a message: [Search Case-Sensitive-ID]"),
        ("ÄRGER-1", "ärger-1", "[Search ÄRGER-1]"),
        (
            "0D78AA11BF28" * 5,
            ("0D78AA11BF28" * 5).lower(),
            f"In upper case there is a message: [Search {'0D78AA11BF28' * 5}]",
        ),
        ("order 1", "ORDER 1", "[Search order 1]"),
    ],
)
@pytest.mark.parametrize("column", ["target_id", "customer_message_id"])
def test_miss_names_the_form_that_there_is(app: App, stored: str, typed: str, expected: str, column: str) -> None:
    factories.create_message(app, **{column: stored})
    factories.create_message(factories.create_app(), **{column: stored})

    assert expected in hints(app, target_id=typed)


def test_miss_counts_what_another_form_would_find(app: App) -> None:
    for number in range(7):
        factories.create_message(app, target_id="+8610000000781", customer_message_id=f"{number}")
    factories.create_message(app, target_id="+8610000000781", customer_message_id="b", mode="broadcast")

    assert "Without blanks there are 7 messages:" in hints(app, target_id="+86 100 0000 0781")
    both = hints(app, target_id="+86 100 0000 0781", customer_message_id="3")
    assert "Without blanks there are messages: [Search +8610000000781]" in both


def test_people_who_did_not_type_an_id_get_no_buttons(app: App) -> None:
    factories.create_message(app, target_id="+8610000000781", customer_message_id="c")
    terms = SearchTerms("c", "+8610000000781"), SearchTerms("8610000000781"), SearchTerms("8610000000781", "c")

    for one in terms:
        found = explain_miss(app, one, others=App.objects.none(), now=datetime.now(UTC), shows_ids=False)
        assert not any(hint.button or hint.terms or "0781" in hint.text for hint in found)


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
