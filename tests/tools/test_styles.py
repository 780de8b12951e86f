"""The part of Tabler that is served."""

import pytest

from tools.styles import DARK, OURS, USED, WHOLE, cut, dark_rules, used_names


def test_served_part_is_what_make_styles_makes() -> None:
    assert USED.read_text() == cut(WHOLE.read_text(), *used_names()), "Run `make styles`."


def test_dark_theme_without_scripts_is_what_make_styles_makes() -> None:
    assert DARK.read_text() == dark_rules(USED.read_text(), OURS.read_text()), "Run `make styles`."
    assert "--quiet:" in DARK.read_text()
    assert dark_rules('[data-bs-theme="dark"] p, .x{top:0}p{top:1px}') == ":root:not(.scripts) p{top:0}\n"


def test_served_part_keeps_the_notice_and_both_themes() -> None:
    used = USED.read_text()

    assert "Licensed under MIT" in used[:400]
    assert "[data-bs-theme=dark]" in used
    assert len(used) < len(WHOLE.read_text()) / 10


def test_classes_of_every_kind_of_source_are_found() -> None:
    classes, data = used_names()

    # In a template, between tags of a template, in Python, in a script, in Django's admin and its widgets.
    assert classes >= {"card-body", "btn-primary", "form-select", "visually-hidden", "colM", "vTextField"}
    assert "data-bs-theme" in data
    assert not classes & {"carousel", "btn-danger", "navbar", "offcanvas"}


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        (".btn,.modal{color:red}.modal-x{top:0}", ".btn{color:red}"),
        (".btn .icon{top:0}.card>.btn{top:0}", ".card>.btn{top:0}"),
        (".btn:not(.modal){top:0}", ".btn:not(.modal){top:0}"),
        ("p,a:hover{top:0}", "p,a:hover{top:0}"),
        ("[data-bs-theme=dark] p{top:0}[data-vc] p{top:0}", "[data-bs-theme=dark] p{top:0}"),
        ("@media print{.modal{top:0}}@media print{.btn{top:0!important}}", "@media print{.btn{top:0!important}}"),
        ("p{--x-a:1px;--x-b:var(--x-a);--x-c:2px;top:var(--x-b)}", "p{--x-a:1px;--x-b:var(--x-a);top:var(--x-b)}"),
        ("p{--x-c:2px}", ""),
        ("@keyframes a{to{top:0}}@keyframes b{to{top:0}}p{animation:a 1s}", "@keyframes a{to{top:0}}p{animation:a 1s}"),
        ("/*! notice */p{top:0}/* no notice */", "/*! notice */p{top:0}"),
    ],
)
def test_rules_stay_that_can_match(sheet: str, kept: str) -> None:
    assert cut(sheet, {"btn", "card"}, {"data-bs-theme"}).strip() == kept


def test_a_sheet_that_cannot_be_parsed_is_refused() -> None:
    with pytest.raises(ValueError, match="EOF"):
        cut("p", set(), set())
