"""An ID that was not found is looked for in other forms with few reads, however many IDs begin like it."""

import pytest

from pushlog.other_forms import known_forms
from tests.pushlog.plans.plans import NOW, Log, check, plans_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("typed", ["TARGET-1234", "target-1 234", "no such ID", "Hot", "MESSAGE-1234", "+86 100"])
def test_few_rows_are_read(log: Log, typed: str) -> None:
    found: list[str] = []

    [plan] = plans_of(log, lambda: found.extend(one.text for one in known_forms(log.app, typed, now=NOW)))

    assert bool(found) is (typed not in {"no such ID", "+86 100"})
    # A row from each partition and spelling, letter by letter; of a hot ID, all that are counted.
    check(plan, readable=3000)
    assert "" not in plan.indexes(log)
