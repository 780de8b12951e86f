"""Places far down a list, as the links to its pages say them."""

from django.db.models import Model, QuerySet

from console import tokens
from console.lists.state import Listing, cursor_purpose
from pushlog.keyset import PAGE_SIZE, page_of
from pushlog.models import App

PAGE = 1000


def thousandth(listing: Listing, app: App, rows: QuerySet[Model], sort: str) -> str:
    """The cursor of page 1,000, found by walking in large steps: an offset would do too, but none is in our code."""
    keys = listing.sorts[sort.removeprefix("-")]
    page = page_of(rows.only(*keys), keys=keys, descending=sort.startswith("-"), size=PAGE_SIZE * (PAGE - 1))
    assert page.older, f"too few rows for page {PAGE:,}"
    return tokens.seal(cursor_purpose(listing, app, sort), page.older)


def last(listing: Listing, app: App, rows: QuerySet[Model], sort: str) -> str:
    """The cursor behind which only the last rows are, one fewer than a page has."""
    keys = listing.sorts[sort.removeprefix("-")]
    page = page_of(rows.only(*keys), keys=keys, descending=not sort.startswith("-"))
    assert page.older, "no more than one page"
    return tokens.seal(cursor_purpose(listing, app, sort), page.older)
