"""Apps in Django's admin."""

from django.contrib.auth.models import User
from django.test import Client

from pushlog.models import App
from tests.console.admin.forms import untouched

ADD = "/admin/pushlog/app/add/"


def test_zones_are_chosen_and_the_page_says_what_comes_next(browser: Client, admin: User) -> None:
    form = untouched(browser, ADD)
    assert form["time_zone"] == "Asia/Shanghai"

    page = browser.post(ADD, form | {"name": "New", "slug": "new", "time_zone": "Europe/Berlin"}, follow=True)

    made = App.objects.get(slug="new")
    assert made.time_zone == "Europe/Berlin"
    assert page.redirect_chain == [(f"/admin/pushlog/app/{made.pk}/change/", 302)]
    assert "Next: its members" in page.content.decode()


def test_a_zone_that_is_no_longer_known_is_not_replaced(browser: Client, app: App) -> None:
    App.objects.update(time_zone="Mars/Olympus")
    address = f"/admin/pushlog/app/{app.pk}/change/"

    response = browser.post(address, untouched(browser, address) | {"name": "Renamed"})

    app.refresh_from_db()
    assert (response.status_code, app.name, app.time_zone) == (200, app.name, "Mars/Olympus")
