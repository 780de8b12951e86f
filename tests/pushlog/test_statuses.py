"""The status catalogue. The tables here are written out from the documents, not read from the CSV file."""

import re

import pytest

from pushlog import statuses
from pushlog.statuses import (
    NO_RECEIPT,
    REVOKED,
    Channel,
    Outcome,
    Rank,
    Status,
    catalogue,
    fingerprint,
    is_resent,
    look_up,
    named,
    outcome_of,
    rank_of,
    read_catalogue,
)

# Every documented code, by channel, and our own two among the common ones.
CODES: dict[str, list[int]] = {
    "common": [-1001, -1000, -1, 0, 1, 2, 3, 1000, 2000, 2999, 9999999, 99999999],
    "own": [2],
    "apns": list(range(2001, 2032)),
    "fcm": [],
    "huawei": [
        *(100, 101, 102, 106, 107, 109, 110, 111),
        *(80000000, 80000003, 80000004, 80000005, 80000006),
        *(80100000, 80100001, 80100002, 80100003, 80100004, 80100013, 80100016, 80100017, 80100018),
        *(80200001, 80200003, 80300002, 80300007, 80300008, 80300010, 80300011, 80600003, 81000001),
        *range(82000001, 82000014),
    ],
    "xiaomi": [
        *(-1, 0, 1, 10001, 10002, 10003, 10008, 10012, 10016, 10017, 10027, 10029, 10030, 10031, 10032),
        *(10033, 10034, 10035, 10036, 10037, 10038, 10039, 20209, 20215, 20216, 20301, 20315, 20607),
        *(21301, 21302, 21303, 21305, 22000, 22006, 22007, 22022, 22102, 26003, 26004, 26005, 26006),
        *(27001, 65003, 65006, 65007, 65008, 65009, 65010, 65011, 65012, 65013, 65014, 65015, 65016),
        *(65017, 65028, 65029, 65030, 65035, 65036, 65037, 65038, 65040, 65041),
    ],
    "oppo": [-3, -2, -1, 0, *range(11, 35), 40, 41, 51],
    "vivo": [10070, 10071, 10073, 10085, 10104, 10302],
    "honor": [],
    "meizu": [],
    "harmony": [],
}

# The documented names: the common codes', then Apple's from 2001 on. No other list has any.
COMMON_NAMES = {
    -1001: "Revoked",
    -1000: "NoReceipt",
    -1: "WaitingForVerify",
    0: "DeviceNotOnlineOrNoResponse",
    1: "NoBindInfo",
    2: "Acked",
    3: "Clicked",
    1000: "Exception",
    9999999: "NONE",
    99999999: "NONE",
}
APPLE_NAMES = """
PayloadEmpty PayloadTooLarge BadTopic TopicDisallowed BadMessageId BadExpirationDate BadPriority
MissingDeviceToken BadDeviceToken DeviceTokenNotForTopic Unregistered DuplicateHeaders
BadCertificateEnvironment BadCertificate Forbidden BadPath MethodNotAllowed TooManyRequests IdleTimeout
Shutdown InternalServerError ServiceUnavailable MissingTopic ConnClosed ConnUnavailable AppVersionOutOfBound
AppMinVersionFormatError AppMaxVersionFormatError AppVersionFormatError AppVersionIsNull
MaxVersionLessThanMinVersion
"""

# Words that the next step must hold, by owner.
ACTORS = {
    "nobody": r"^(Nothing|Wait)",
    "user": r"^Ask the user",
    "app team": r"the app team",
    "vendor": r"the platform team asks (Apple|Huawei|Xiaomi|OPPO)",
    "platform": r"the platform team",
}

ENTRIES = [status for group in catalogue() for status in group.statuses]


def name_of(status: Status) -> str:
    return f"{status.channel.word if status.channel else 'common'} {status.code}"


def test_channels_have_words_and_labels() -> None:
    assert [channel.value for channel in Channel] == list(range(1, 11))
    assert list(Channel.by_word()) == list(CODES)[1:]
    assert Channel.by_word()["harmony"] is Channel.HARMONY
    assert (Channel.APNS.label, Channel.OWN.label) == ("Apple (APNs)", "Own channel")


def test_catalogue_holds_exactly_the_documented_codes_in_order() -> None:
    assert [group.word for group in catalogue()] == list(CODES)
    assert {group.word: [status.code for status in group.statuses] for group in catalogue()} == CODES
    assert [group.label for group in catalogue()] == ["Any channel", *(str(c.label) for c in Channel)]


@pytest.mark.parametrize("word", CODES)
def test_every_documented_code_is_found(word: str) -> None:
    channel = Channel.FCM if word == "common" else Channel.by_word()[word]

    for code in CODES[word]:
        status = look_up(channel, code)
        assert status.known, code
        assert (status.channel, status.code) == (channel, code)
        assert status.common == (word == "common"), code


def test_names_are_the_documented_ones() -> None:
    named = {name_of(status): status.name for status in ENTRIES if status.name}

    assert named == {
        **{f"common {code}": name for code, name in COMMON_NAMES.items()},
        "own 2": "Acked",
        **{f"apns {code}": name for code, name in enumerate(APPLE_NAMES.split(), start=2001)},
    }


@pytest.mark.parametrize(
    ("channel", "code", "outcome", "final"),
    [
        (Channel.OWN, 2, Outcome.RECEIVED, True),
        (Channel.APNS, 2, Outcome.ACCEPTED, False),
        (Channel.XIAOMI, 2, Outcome.ACCEPTED, False),
        (Channel.HARMONY, 2, Outcome.ACCEPTED, False),
        (Channel.OWN, 3, Outcome.RECEIVED, True),
        (Channel.HUAWEI, 3, Outcome.RECEIVED, True),
        (Channel.OWN, NO_RECEIPT, Outcome.WAITING, False),
        (Channel.OPPO, NO_RECEIPT, Outcome.WAITING, False),
        (Channel.VIVO, REVOKED, Outcome.UNKNOWN, False),
        # The same three numbers on different channels.
        (Channel.OWN, -1, Outcome.WAITING, False),
        (Channel.XIAOMI, -1, Outcome.UNKNOWN, False),
        (Channel.OPPO, -1, Outcome.FAILED, True),
        (Channel.OWN, 0, Outcome.WAITING, False),
        (Channel.HUAWEI, 0, Outcome.WAITING, False),
        (Channel.XIAOMI, 0, Outcome.ACCEPTED, False),
        (Channel.OPPO, 0, Outcome.ACCEPTED, False),
        (Channel.OWN, 1, Outcome.WAITING, False),
        (Channel.XIAOMI, 1, Outcome.FAILED, True),
        (Channel.OPPO, 1, Outcome.WAITING, False),
        # Neither success nor failure.
        (Channel.OWN, 2000, Outcome.UNKNOWN, False),
        (Channel.OWN, 2999, Outcome.UNKNOWN, False),
        (Channel.FCM, 99999999, Outcome.UNKNOWN, False),
        (Channel.HUAWEI, 80100000, Outcome.UNKNOWN, False),
        (Channel.XIAOMI, 10030, Outcome.UNKNOWN, False),
        # Apple's codes are Apple's alone.
        (Channel.APNS, 2009, Outcome.FAILED, True),
        (Channel.OWN, 2009, Outcome.UNKNOWN, False),
        (Channel.HUAWEI, 80000000, Outcome.ACCEPTED, False),
        (Channel.HUAWEI, 80000003, Outcome.FAILED, False),
    ],
)
def test_outcome_depends_on_channel_and_code(channel: Channel, code: int, outcome: Outcome, final: bool) -> None:
    status = look_up(channel, code)

    assert (status.outcome, status.final) == (outcome, final)
    assert outcome_of(channel, code) == outcome.value
    assert look_up(channel.value, code) == status


def test_fast_path_agrees_with_look_up_and_gives_plain_integers() -> None:
    for channel in Channel:
        for code in {12345, *(code for codes in CODES.values() for code in codes)}:
            outcome = outcome_of(channel.value, code)
            assert outcome == look_up(channel, code).outcome
            assert type(outcome) is int


@pytest.mark.parametrize(
    ("channel", "code", "rank"),
    [
        *[(channel, 3, Rank.TAPPED) for channel in Channel],
        *[(channel, NO_RECEIPT, Rank.NO_RECEIPT) for channel in Channel],
        (Channel.OWN, 2, Rank.RECEIVED),
        (Channel.APNS, 2, Rank.OTHER),
        (Channel.OWN, 1000, Rank.FAILED),
        (Channel.APNS, 2009, Rank.FAILED),
        (Channel.OWN, 2009, Rank.OTHER),
        (Channel.HUAWEI, 80000003, Rank.OTHER),  # failed, but not final
        (Channel.OWN, 0, Rank.OTHER),
        (Channel.OPPO, -1, Rank.FAILED),
        (Channel.VIVO, 12345, Rank.OTHER),
    ],
)
def test_rank_depends_on_channel_and_code(channel: Channel, code: int, rank: Rank) -> None:
    assert rank_of(channel.value, code) is rank


def test_ranks_are_in_order() -> None:
    assert Rank.TAPPED > Rank.RECEIVED > Rank.FAILED > Rank.OTHER > Rank.NO_RECEIPT


@pytest.mark.parametrize("table", ["_OUTCOMES", "_RANKS"])
def test_fingerprint_changes_with_any_outcome_or_rank(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    before = fingerprint()
    assert fingerprint() == before

    changed: Outcome | Rank = Rank.FAILED if table == "_RANKS" else Outcome.FAILED
    monkeypatch.setitem(getattr(statuses, table), (Channel.OWN, 0), changed)

    assert fingerprint() != before


def test_final_follows_from_the_outcome_but_for_offline_devices() -> None:
    settled = {Outcome.RECEIVED, Outcome.FAILED}

    odd = [name_of(status) for status in ENTRIES if status.final != (status.outcome in settled)]

    assert odd == ["huawei 80000003", "xiaomi 65003"]  # the vendor may still deliver: nobody documents it


def test_look_up_of_a_code_outside_the_catalogue_says_so() -> None:
    status = look_up(Channel.VIVO, 12345)

    assert (status.known, status.common, status.final) == (False, False, False)
    assert (status.outcome, status.name, status.title) == (Outcome.UNKNOWN, "", "Unknown code 12345")
    assert "12345" in status.meaning
    assert "vivo" in status.meaning
    assert "not in the catalogue" in status.meaning


@pytest.mark.parametrize("code", [2, 12345])
@pytest.mark.parametrize("channel", [0, 11, -1])
def test_unknown_channel_is_an_error(channel: int, code: int) -> None:
    with pytest.raises(ValueError, match="not a valid Channel"):
        look_up(channel, code)
    with pytest.raises(ValueError, match="not a valid Channel"):
        outcome_of(channel, code)


def test_only_the_common_0_and_1_are_resent() -> None:
    resent = {(channel.word, code) for channel in Channel for code in range(-5, 100) if is_resent(channel, code)}

    every_channel = {(channel.word, code) for channel in Channel for code in (0, 1)}
    assert resent == every_channel - {("xiaomi", 0), ("xiaomi", 1), ("oppo", 0)}


@pytest.mark.parametrize(
    ("channel", "code", "title"),
    [
        (Channel.OWN, 2, "Received"),
        (Channel.XIAOMI, 3, "Received and tapped"),
        (Channel.XIAOMI, 0, "Accepted by Xiaomi"),
        (Channel.APNS, 2, "Accepted by Apple (APNs)"),
        (Channel.APNS, 2009, "Failed: device token not valid"),
        (Channel.HUAWEI, 80300007, "Failed: device token not valid"),
        (Channel.XIAOMI, 1, "Failed: error at Xiaomi"),
        (Channel.OPPO, 1, "Waiting: no device linked to the user"),
        (Channel.OWN, 0, "Waiting: no answer from the device"),
        (Channel.OWN, NO_RECEIPT, "Waiting: no receipt yet"),
        (Channel.OWN, REVOKED, "Revoked"),
        (Channel.OWN, 99999999, "Unknown: status not known"),
        (Channel.OPPO, -3, "Unknown: answer not readable"),
    ],
)
def test_titles(channel: Channel, code: int, title: str) -> None:
    assert look_up(channel, code).title == title


@pytest.mark.parametrize("status", ENTRIES, ids=name_of)
def test_every_entry_has_a_few_plain_words(status: Status) -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z ,()]{2,29}", status.short)
    assert str(status.code) not in status.title
    assert status.outcome != Outcome.FAILED or status.title == f"Failed: {status.short}"


def test_titles_fit_a_narrow_column() -> None:
    codes = {-(2**31), *(code for codes in CODES.values() for code in codes)}
    titles = {look_up(channel, code).title for channel in Channel for code in codes}

    assert [title for title in titles if not 5 <= len(title) <= 40] == []


def test_common_entries_of_the_catalogue_name_no_channel() -> None:
    common = {status.code: status for status in catalogue()[0].statuses}

    assert {status.channel for status in common.values()} == {None}
    assert common[2].title == "Accepted by the vendor"


@pytest.mark.parametrize("status", [*ENTRIES, look_up(Channel.OPPO, -(2**31))], ids=name_of)
def test_texts_are_short_plain_sentences(status: Status) -> None:
    for text in (status.meaning, status.next_step):
        assert 10 <= len(text) <= 200
        assert re.fullmatch(r"(vivo|[A-Z]).*[^.]\.", text)
        assert not re.search(r"[–—{}<>]|\s\s", text)
        assert not re.search(r"temporar|does not exist|retr(y|ied|ies)|automatic|guarantee", text, re.I)
        promises = re.search(r"(is|be|are) sent again", text) is not None
        assert promises == (status.common and status.code in {0, 1} and text == status.next_step)
    assert re.search(ACTORS[status.owner], status.next_step, re.I)


HEADER = "channel,code,name,short,outcome,final,owner,meaning,next_step\n"
GOOD = "vivo,7,,gone,failed,yes,vendor,It failed.,Do this.\n"


def test_read_catalogue_accepts_a_good_file() -> None:
    entries = read_catalogue([HEADER, GOOD, GOOD.replace("vivo", "common")])

    assert list(entries) == [(Channel.VIVO, 7), (None, 7)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (GOOD, "vivo 7 is there twice"),
        (GOOD.replace("vivo", "nokia"), "unknown channel 'nokia'"),
        (GOOD.replace("7", "07"), "'07' is not a plain number"),
        (GOOD.replace("7", "2147483648"), "not a plain number of 32 bits"),
        (GOOD.replace("7", "x"), "invalid literal"),
        (GOOD.replace(",,", ",Bad Name,"), "'Bad Name' is not a name"),
        (GOOD.replace(",,", f",{'N' * 31},"), "is not a name of up to 30"),
        (GOOD.replace("gone", ""), "short must be"),
        (GOOD.replace("gone", " gone"), "short must be"),
        (GOOD.replace("gone", "x" * 31), "short must be"),
        (GOOD.replace("failed", "lost"), "unknown outcome 'lost'"),
        (GOOD.replace("yes", "maybe"), "final must be yes or no"),
        (GOOD.replace("vendor", "somebody"), "unknown owner 'somebody'"),
        (GOOD.replace("It failed.", ""), "meaning must be"),
        (GOOD.replace("Do this.", ""), "next_step must be"),
        (GOOD.replace("It failed.", " It failed."), "meaning must be"),
        (GOOD.replace("It failed.", "It failed"), "meaning must be"),
        (GOOD.replace("It failed.", "x" * 200 + "."), "meaning must be"),
        (GOOD.replace("Do this.", "Do this.,more"), "10 columns instead of 9"),
        ("\n", "0 columns instead of 9"),
        (GOOD.replace("It failed.", '"It" failed.'), "expected after"),
    ],
)
def test_read_catalogue_names_the_line_of_a_bad_row(row: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"line 3: .*{re.escape(message)}"):
        read_catalogue([HEADER, GOOD, row])


@pytest.mark.parametrize("lines", [[], [GOOD], [HEADER.replace("owner", "who"), GOOD]])
def test_read_catalogue_wants_its_header(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="line 1: the header must be channel,code,name"):
        read_catalogue(lines)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("apns 2011", "apns 2011"),
        ("APNS 2011", "apns 2011"),
        ("Apple (APNs) 2011 device token gone", "apns 2011"),
        ("apple 2011", "apns 2011"),
        ("Apple (APNs), code 2011", "apns 2011"),
        ("Xiaomi code 65010", "xiaomi 65010"),
        ("code 65010", "xiaomi 65010"),
        ("apple gone", "apns 2011"),
        ("65010", "xiaomi 65010"),
        ("own -1000", "own -1000"),
        ("meizu 4242", "meizu 4242"),
    ],
)
def test_status_is_found_by_what_people_type(text: str, key: str) -> None:
    assert named(text).key == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2", "This is several statuses: own 2, apns 2, fcm 2 and others."),
        ("nobody 2", "Type a channel and a code"),
        ("huawei", "This is several statuses: huawei "),
        ("apns 99999999999", "Type a channel and a code"),
        ("nonsense", "Type a channel and a code"),
        ("", "Type a channel and a code"),
    ],
)
def test_status_that_is_not_named_says_what_to_type(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        named(text)


def test_each_status_is_found_by_its_key_and_its_words() -> None:
    for one in statuses.statuses():
        assert named(one.key) == named(one.in_words) == one
