"""The status catalogue. The same code means different things on different channels.

Sources of status_codes.csv: the mPaaS page "Message push status codes", an old Ant demo kit (3, 1000, 2000, 2999,
9999999), Huawei's server demo, Xiaomi's error codes, OPPO's server SDK, client code for vivo. -1000 and -1001 are ours.
"""

import csv
import functools
import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from pushlog.choices import WordChoices

NO_RECEIPT = -1000
REVOKED = -1001  # in histories only
RESENT_CODES = frozenset({0, 1})  # as common codes only
TAPPED = 3  # as a common code only

OWNERS = frozenset({"nobody", "user", "app team", "vendor", "platform"})
COLUMNS = ["channel", "code", "name", "short", "outcome", "final", "owner", "meaning", "next_step"]
LONGEST_NAME, LONGEST_SHORT, LONGEST_TEXT = 30, 30, 200

_PLAIN_TITLES = {REVOKED: "Revoked", TAPPED: "Received and tapped"}


class Channel(WordChoices):
    OWN = 1, "Own channel"
    APNS = 2, "Apple (APNs)"
    FCM = 3, "Google (FCM)"
    HUAWEI = 4, "Huawei"
    XIAOMI = 5, "Xiaomi"
    OPPO = 6, "OPPO"
    VIVO = 7, "vivo"
    HONOR = 8, "Honor"
    MEIZU = 9, "Meizu"
    HARMONY = 10, "HarmonyOS"


class Outcome(WordChoices):
    WAITING = 1, "Waiting"
    ACCEPTED = 2, "Accepted"
    RECEIVED = 3, "Received"
    FAILED = 4, "Failed"
    UNKNOWN = 5, "Unknown"


class Rank(IntEnum):
    """A status never gives way to one of lower rank."""

    NO_RECEIPT = 0
    OTHER = 1
    FAILED = 2  # and final
    RECEIVED = 3
    TAPPED = 4


# Waiting, past the expiry time. Stored nowhere.
EXPIRED = "expired"
# By the sender, whatever became of it before. Stored as a time.
TAKEN_BACK = "revoked"

_CHANNELS, _OUTCOMES_BY_WORD = Channel.by_word(), Outcome.by_word()
_WORDS, _CODE = re.compile(r"\w+"), re.compile(r"(?s)(.*?)(?<!\w)(-?[0-9]+)(?!\w|\.[0-9])")
# “apns”, “apple”, “Apple (APNs)”.
_CHANNELS_BY_NAME = {
    name: channel
    for channel in Channel
    for parts in [_WORDS.findall(str(channel.label).casefold())]
    for name in (*parts, " ".join(parts), channel.word)
}


@dataclass(frozen=True, slots=True)
class Status:
    """`channel` is None only in catalogue(). `final`: nothing more happens by itself."""

    channel: Channel | None
    code: int
    name: str
    short: str  # for a list: the reason in a few words
    meaning: str
    owner: str
    next_step: str
    outcome: Outcome
    final: bool
    known: bool
    common: bool

    @property
    def key(self) -> str:
        return f"{self.channel.word if self.channel else 'common'} {self.code}"

    @property
    def in_words(self) -> str:
        return f"{self.channel.label if self.channel else 'Any channel'} {self.code} {self.short}"

    @property
    def title(self) -> str:
        """At most 40 characters."""
        if not self.known:
            return f"Unknown code {self.code}"
        if self.common and self.code in _PLAIN_TITLES:
            return _PLAIN_TITLES[self.code]
        if self.outcome == Outcome.RECEIVED:
            return "Received"
        if self.outcome == Outcome.ACCEPTED:
            return f"Accepted by {self.channel.label if self.channel else 'the vendor'}"
        return f"{self.outcome.label}: {self.short}"


class Group(NamedTuple):
    word: str
    label: str
    statuses: tuple[Status, ...]


def look_up(channel: int, code: int) -> Status:
    """The channel's entry, else the common one, else an unknown. Raises ValueError for no channel."""
    status = _STATUSES.get((channel, code))
    return _unknown(channel, code) if status is None else status


def named(text: str) -> Status:
    """By channel and code (`apns 2011`, `Apple 2011 device token gone`), or by words of only one.

    Raises ValueError, whose text is for people.
    """
    found = _CODE.search(text)
    if found and abs(int(found[2])) < 2**31:
        code, where = int(found[2]), " ".join(_WORDS.findall(found[1].casefold())).removesuffix(" code")
        if channel := _CHANNELS_BY_NAME.get(where):
            return look_up(channel, code)
        fitting = [] if where not in {"", "code"} else [one for one in statuses() if one.code == code]
    else:
        typed = set(_WORDS.findall(text.casefold()))
        fitting = [one for one in statuses() if typed and typed <= {*_WORDS.findall(one.in_words.casefold())}]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ValueError("Type a channel and a code, such as apns 2011, or choose a status of the list.")
    several = ", ".join(one.key for one in fitting[:3])
    raise ValueError(f"This is several statuses: {several}{' and others' if len(fitting) > 3 else ''}. Choose one.")


def statuses() -> list[Status]:
    """Each code of each channel, common ones too."""
    return list(_STATUSES.values())


def outcome_of(channel: int, code: int) -> int:
    outcome = _OUTCOMES.get((channel, code))
    return _unknown(channel, code).outcome.value if outcome is None else outcome


def rank_of(channel: int, code: int) -> Rank:
    rank = _RANKS.get((channel, code))
    return _rank(_unknown(channel, code)) if rank is None else rank


def strong_pairs(codes: Collection[int]) -> list[tuple[int, int, int]]:
    return [
        (channel, code, rank.value) for (channel, code), rank in _RANKS.items() if rank > Rank.OTHER and code in codes
    ]


def fingerprint() -> str:
    """Changes with any pair's outcome or rank."""
    pairs = sorted((*pair, outcome, _RANKS[pair].value) for pair, outcome in _OUTCOMES.items())
    return hashlib.sha256(repr(pairs).encode()).hexdigest()


def is_resent(channel: int, code: int) -> bool:
    """Whether the message is sent again when a device connects."""
    return code in RESENT_CODES and look_up(channel, code).common


def catalogue() -> tuple[Group, ...]:
    """The common codes, then every channel's own."""
    by_code = sorted(_ENTRIES.values(), key=lambda status: status.code)
    headings: list[Channel | None] = [None, *Channel]
    return tuple(
        Group(
            word=channel.word if channel else "common",
            label=str(channel.label) if channel else "Any channel",
            statuses=tuple(status for status in by_code if status.channel == channel),
        )
        for channel in headings
    )


def read_catalogue(lines: Iterable[str]) -> dict[tuple[Channel | None, int], Status]:
    reader = csv.reader(lines, strict=True)
    entries: dict[tuple[Channel | None, int], Status] = {}
    try:
        if next(reader, None) != COLUMNS:
            raise ValueError(f"the header must be {','.join(COLUMNS)}")
        for row in reader:
            status = _read_row(row)
            if (status.channel, status.code) in entries:
                raise ValueError(f"{row[0]} {status.code} is there twice")
            entries[status.channel, status.code] = status
    except (ValueError, csv.Error) as error:
        raise ValueError(f"status codes, line {max(reader.line_num, 1)}: {error}") from error
    return entries


def _read_row(row: list[str]) -> Status:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}")
    channel, code, name, short, outcome, final, owner, meaning, next_step = row
    if channel != "common" and channel not in _CHANNELS:
        raise ValueError(f"unknown channel {channel!r}")
    if str(int(code)) != code or abs(int(code)) >= 2**31:
        raise ValueError(f"{code!r} is not a plain number of 32 bits")
    if name and not (name.isascii() and name.isalnum() and len(name) <= LONGEST_NAME):
        raise ValueError(f"{name!r} is not a name of up to {LONGEST_NAME} letters and digits")
    if not short or short != short.strip() or len(short) > LONGEST_SHORT:
        raise ValueError(f"short must be 1 to {LONGEST_SHORT} characters")
    if outcome not in _OUTCOMES_BY_WORD:
        raise ValueError(f"unknown outcome {outcome!r}")
    if final not in {"yes", "no"}:
        raise ValueError(f"final must be yes or no, not {final!r}")
    if owner not in OWNERS:
        raise ValueError(f"unknown owner {owner!r}")
    for column, text in ("meaning", meaning), ("next_step", next_step):
        if text != text.strip() or not text.endswith(".") or len(text) > LONGEST_TEXT:
            raise ValueError(f"{column} must be a sentence of up to {LONGEST_TEXT} characters, with a full stop")
    return Status(
        channel=_CHANNELS.get(channel),
        code=int(code),
        name=name,
        short=short,
        meaning=meaning,
        owner=owner,
        next_step=next_step,
        outcome=_OUTCOMES_BY_WORD[outcome],
        final=final == "yes",
        known=True,
        common=channel == "common",
    )


def _rank(status: Status) -> Rank:
    if status.common and status.code == NO_RECEIPT:
        return Rank.NO_RECEIPT
    if status.common and status.code == TAPPED:
        return Rank.TAPPED
    if status.outcome == Outcome.RECEIVED:
        return Rank.RECEIVED
    return Rank.FAILED if status.outcome == Outcome.FAILED and status.final else Rank.OTHER


@functools.lru_cache(maxsize=1024)  # codes come from outside
def _unknown(channel: int, code: int) -> Status:
    where = Channel(channel)
    return Status(
        channel=where,
        code=code,
        name="",
        short="unknown code",
        meaning=f"Code {code} ({where.label}) is not in the catalogue, so what it means is not known.",
        owner="platform",
        next_step="Give the code to the platform team, who find out its meaning and add it to the catalogue.",
        outcome=Outcome.UNKNOWN,
        final=False,
        known=False,
        common=False,
    )


with Path(__file__).with_name("status_codes.csv").open(encoding="utf-8", newline="") as _file:
    _ENTRIES = read_catalogue(_file)

_STATUSES: dict[tuple[int, int], Status] = {
    (channel.value, code): replace(status, channel=channel)
    for channel in Channel
    for (listed, code), status in _ENTRIES.items()
    if listed == channel or (listed is None and (channel, code) not in _ENTRIES)
}
_OUTCOMES: dict[tuple[int, int], int] = {pair: status.outcome.value for pair, status in _STATUSES.items()}
_RANKS: dict[tuple[int, int], Rank] = {pair: _rank(status) for pair, status in _STATUSES.items()}
