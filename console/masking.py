"""What a person sees of an app's personal data. The only place that masks it."""

import re
from datetime import datetime, timedelta

from console.access import MemberRequest, Right
from console.tokens import SearchTerms
from pushlog import clock
from pushlog.audit import target_hash
from pushlog.models import Message, Reveal

REVEALED_FOR = timedelta(minutes=15)
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{5,22}[0-9]")
_EMAIL = re.compile(r"(.)[^@\s]*@([^@\s]+\.[^@\s]+)")
_LONG_TOKEN = re.compile(r"[!-~]{20,}")
_HIDDEN = "•••"


def masked(target_id: str) -> str:
    """A target ID, by its kind, with too little left to find the rest by trying."""
    if email := _EMAIL.fullmatch(target_id):
        return f"{email[1]}{_HIDDEN}@{email[2]}"
    if _PHONE.fullmatch(target_id):
        return _masked_phone(target_id)
    if _LONG_TOKEN.fullmatch(target_id):
        return f"{target_id[:4]}…{target_id[-4:]}"
    return f"{target_id[0]}{_HIDDEN}" if len(target_id) > 4 else _HIDDEN


def _masked_phone(number: str) -> str:
    """Hides six digits at least, if it has so many: a million to try, each a search."""
    digits = sum(character.isdigit() for character in number)
    if digits - sum(character.isdigit() for character in number[:3]) - 4 >= 6:
        return f"{number[:3]}{_HIDDEN}{number[-4:]}"
    return f"{_HIDDEN}{number[-4:]}" if digits >= 10 else f"{_HIDDEN}{number[-2:]}"


class Sight:
    def __init__(self, request: MemberRequest, terms: SearchTerms | None = None) -> None:
        self.sees_all = Right.SEE_ALL in request.rights
        self.may_reveal = Right.REVEAL in request.rights
        self.may_erase = Right.MANAGE in request.rights
        self._app, self._person = request.app, request.user.pk
        self._reveals = request.reveals if self.may_reveal else []
        self._typed_target = terms.target_id if terms and terms.typed_by == self._person else ""

    def target_id(self, message: Message) -> str:
        is_known = self.knows(message.target_id) or self.revealed_until(message) is not None
        return message.target_id if is_known else masked(message.target_id)

    def knows(self, target_id: str) -> bool:
        """People know what they typed themselves."""
        return self.sees_all or target_id == self._typed_target or bool(self._revealed(target=target_id))

    def shows_content(self, message: Message) -> bool:
        return self.sees_all or self.revealed_until(message) is not None

    def term(self, terms: SearchTerms) -> str:
        """The target ID that was searched for. Somebody else may have typed it."""
        return terms.target_id if not terms.target_id or self.knows(terms.target_id) else masked(terms.target_id)

    def typed(self, terms: SearchTerms) -> dict[str, str]:
        """What the fields of the search show again."""
        return terms.ids if self.knows(terms.target_id) else terms.ids | {"target_id": ""}

    def revealed_until(self, message: Message) -> datetime | None:
        found = self._revealed(message=message, target=message.target_id)
        return max(datetime.fromisoformat(one["until"]) for one in found) if found else None

    def _revealed(self, *, target: str, message: Message | None = None) -> list[dict[str, str]]:
        if not self._reveals:
            return []
        wanted = target_hash(self._app, target).hex()
        return [
            one
            for one in self._reveals
            if (one["target"] == wanted if one["target"] else message is not None and one["message"] == str(message.pk))
        ]


def reveal(request: MemberRequest, message: Message, *, reason: str, whole_target: bool) -> Reveal:
    now = clock.now()
    return Reveal.objects.create(
        user=request.user,
        app=request.app,
        message_id=message.pk,
        target=target_hash(request.app, message.target_id) if whole_target else None,
        reason=reason,
        at=now,
        until=now + REVEALED_FOR,
    )
