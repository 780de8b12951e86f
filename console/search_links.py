"""Search terms as a token that is safe in a URL: it can be pasted in a ticket, and logs hold nothing personal."""

from dataclasses import dataclass

from console import tokens
from pushlog.models import App


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What is looked for: a complete target ID, a complete customer message ID, or both. Empty means not given."""

    target_id: str = ""
    customer_message_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.target_id or self.customer_message_id)

    @property
    def has_both(self) -> bool:
        """Whether neither is empty."""
        return bool(self.target_id and self.customer_message_id)


def token_of(app: App, terms: SearchTerms) -> str:
    """The token that stands for these terms in the addresses of one app."""
    return tokens.seal(["search", app.pk], [terms.target_id, terms.customer_message_id])


def terms_of(app: App, token: str) -> SearchTerms:
    """The terms that a token of this app stands for. Raises tokens.BadToken."""
    try:
        target_id, customer_message_id = tokens.unseal(["search", app.pk], token)
    except ValueError as error:
        raise tokens.BadToken from error
    return SearchTerms(target_id, customer_message_id)
