"""The space of query strings of the message list: what people can choose together, and on which page they can be."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.test import Client

from console import tokens
from console.lists.filters import Range
from console.lists.search import address_of
from console.lists.state import MESSAGES, cursor_purpose
from console.lists.tables import DEFAULT_SORT, SORTS
from console.tokens import SearchTerms
from pushlog.models import LISTED_MODES, App, Message, Mode, PushType
from pushlog.statuses import EXPIRED, TAKEN_BACK, Outcome
from tests.benchmarks.arrival import HEAVY_TARGET, MULTIPLE_CUSTOMER_ID, SHARED_CUSTOMER_ID, UNKNOWN

FIRST, MIDDLE, BACK, LAST = PLACES = ("first page", "middle", "middle, backwards", "last page")
NOBODY = "vivo 10085"

Values = Mapping[str, list[str]]  # by control
Chosen = tuple[tuple[str, str], ...]  # a value for each of some controls


@dataclass(frozen=True, slots=True)
class Question:
    """A page of an app's list. A search is named by its kind, because its token is another each time."""

    app: str
    chosen: Chosen
    place: str = FIRST

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.chosen)
        return f"{self.app}?{query}" + (f", {self.place}" if self.place != FIRST else "")

    @property
    def sort(self) -> str:
        return dict(self.chosen).get("sort", DEFAULT_SORT)

    @property
    def search(self) -> str:
        return dict(self.chosen).get("search", "")

    def reversed(self) -> "Question":
        """The first page of the same rows, sorted the other way round."""
        turned = self.sort[1:] if self.sort.startswith("-") else f"-{self.sort}"
        others = tuple(one for one in self.chosen if one[0] != "sort")
        return replace(self, chosen=(("sort", turned), *others), place=FIRST)


class Space:
    """The questions about one app's list at `now` (aware)."""

    def __init__(self, app: App, *, now: datetime) -> None:
        self.app, self.now = app, now
        self._middles: dict[tuple[str, str], list[Any] | None] = {}
        self._lasts: dict[Question, list[Any] | None] = {}

    @cached_property
    def searches(self) -> dict[str, SearchTerms]:
        rows = Message.objects.findable(self.app, now=self.now).order_by("-pk")
        newest, one = rows[0], rows[min(20, rows[:21].count() - 1)]
        others = Message.objects.exclude(app=self.app).filter(mode=Mode.TEMPLATE).order_by("-pk")
        return {
            "busy target": SearchTerms(HEAVY_TARGET),
            "ordinary target": SearchTerms(one.target_id),
            "target of another app": SearchTerms(others[0].target_id),
            "unknown target": SearchTerms("u-nobody"),
            "shared customer ID": SearchTerms("", SHARED_CUSTOMER_ID),
            "customer ID of multiple messages": SearchTerms("", MULTIPLE_CUSTOMER_ID),
            "ordinary customer ID": SearchTerms("", newest.customer_message_id),
            "unknown customer ID": SearchTerms("", "nothing"),
            "both IDs": SearchTerms(one.target_id, one.customer_message_id),
            "both frequent IDs": SearchTerms(HEAVY_TARGET, SHARED_CUSTOMER_ID),
            "both unknown IDs": SearchTerms("u-nobody", "nothing"),
        }

    @cached_property
    def values(self) -> Values:
        return {
            "sort": [f"{sign}{name}" for name in SORTS for sign in ("", "-")],
            "search": [*self.searches],
            "push_type": [one.word for one in PushType],
            "mode": [one.word for one in (*LISTED_MODES, Mode.MULTIPLE)],
            "outcome": [*(one.word for one in Outcome), EXPIRED, TAKEN_BACK],
            "status": ["own 2", "own 0", "apns 2011", "huawei 80000004", "{} {}".format(*UNKNOWN), NOBODY],
            "range": [one.word for one in Range],
            "created_from": [self._local(days=20), self._local(days=3)],
            "created_to": [self._local(days=19), self._local(days=29, hours=18)],
        }

    def pairs(self, *, places: tuple[str, ...] = (FIRST, MIDDLE, LAST)) -> Iterator[Question]:
        """Each value alone, and with each value of each other control. Pages behind the first only where a page is
        long in coming: in an order that is not that of time, or by a search."""
        for first in self.values:
            for value in self.values[first]:
                yield from self._on(places, ((first, value),))
        for first, second in combinations(self.values, 2):
            for value in self.values[first]:
                for other in self.values[second]:
                    chosen = (first, value), (second, other)
                    yield from self._on(places if first in {"sort", "search"} else (FIRST,), chosen)

    def sample(self, number: int, *, seed: int) -> Iterator[Question]:
        """Combinations of three to six controls."""
        rng = random.Random(f"{seed} {self.app.slug}")
        while number:
            names = {"sort", *rng.sample([*self.values], rng.randint(3, 6))}
            chosen = tuple((name, rng.choice(self.values[name])) for name in self.values if name in names)
            if self._can_be_asked(chosen):
                number -= 1
                yield Question(self.app.slug, chosen, rng.choice(PLACES))

    def address(self, question: Question, client: Client) -> str:
        """Empty if the list has no such page."""
        query = {name: value for name, value in question.chosen if name != "search"}
        if question.place != FIRST:
            last = question.place == LAST
            key = self._last(question, client) if last else self._middle(question.search, question.sort)
            if key is None:
                return ""
            name = "before" if question.place == BACK else "after"
            query[name] = tokens.seal(cursor_purpose(MESSAGES, self.app, question.sort), key)
        found = address_of(self.app, self.searches.get(question.search, SearchTerms()))
        if not question.search:
            found = found.partition("?")[0]
        return f"{found}{'&' if '?' in found else '?'}{urlencode(query)}"

    def note(self, question: Question, response: HttpResponseBase) -> None:
        """Keeps where the last page begins of the same rows, sorted the other way round."""
        if question.place == FIRST:
            page = (getattr(response, "context_data", None) or {}).get("page")
            self._lasts[_in_order(question)] = page.older if page else None

    def _on(self, places: tuple[str, ...], chosen: Chosen) -> Iterator[Question]:
        if self._can_be_asked(chosen):
            for place in places:
                yield Question(self.app.slug, chosen, place)

    def _can_be_asked(self, chosen: Chosen) -> bool:
        given = dict(chosen)
        if given.get("mode") == Mode.MULTIPLE.word and "search" not in given:
            return False
        return not ("created_from" in given and "created_to" in given and given["created_from"] >= given["created_to"])

    def _last(self, question: Question, client: Client) -> list[Any] | None:
        turned = _in_order(question.reversed())
        if turned not in self._lasts:
            self.note(turned, client.get(self.address(turned, client)))
        return self._lasts[turned]

    def _middle(self, search: str, sort: str) -> list[Any] | None:
        """A row in the middle of the list without its filters. Whoever filters there keeps the place."""
        column = sort.removeprefix("-")
        if (search, column) not in self._middles:
            keys, rows = SORTS[column], self._rows(search)
            half = rows.count() // 2
            found = rows.order_by(*keys).values_list(*keys)[half : half + 1]
            self._middles[search, column] = [
                str(value) if key == "id" else value for row in found for key, value in zip(keys, row, strict=True)
            ] or None
        return self._middles[search, column]

    def _rows(self, search: str) -> QuerySet[Message]:
        if not search:
            return Message.objects.listed(self.app, now=self.now)
        terms = self.searches[search]
        return Message.objects.matching(
            self.app, target_id=terms.target_id, customer_message_id=terms.customer_message_id, now=self.now
        )

    def _local(self, **ago: int) -> str:
        return f"{self.now - timedelta(**ago):%Y-%m-%dT%H:%M}"


def _in_order(question: Question) -> Question:
    """Without the default sort, and the same whatever was chosen first."""
    others = sorted(one for one in question.chosen if one[0] != "sort")
    return replace(question, chosen=(("sort", question.sort), *others))
