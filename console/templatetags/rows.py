"""The rows of the message list. A template would take ten times as long."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from console.masking import Sight
from console.templatetags.console import clock, cut, moment, verdict
from pushlog.models import App, Message, PushType

register = template.Library()

# Roles: the style sheet makes cards of the rows on phones.
_ROW = """
<tbody role="rowgroup" class="message">
  <tr role="row" class="listing-row message-row">
    <th scope="row" role="rowheader" class="col-created_at"><button type="button" class="opener needs-scripts"\
 aria-expanded="false" aria-controls="detail-{id}" hx-get="{page}" hx-trigger="click once"\
 aria-label="Details of {customer_id}"></button><a href="{page}">{created_at}</a></th>
    <td role="cell" class="col-status">{status}</td>
    <td role="cell" class="col-target_id" title="{target_id}">{cut_target_id}</td>
    <td role="cell" class="col-title" dir="auto" title="{title}">{shown_title}</td>
    <td role="cell" class="col-customer_message_id" title="{customer_id}">{cut_customer_id}</td>
    <td role="cell" class="col-push_type"><span class="type-{kind}">{push_type}</span></td>
  </tr>
  <tr role="row" class="detail-row" id="detail-{id}" hidden><td role="cell" colspan="6"><span class="quiet"\
 role="status">Loading…</span></td></tr>
</tbody>"""
_PUSH_TYPES = {
    PushType.USER.value: ("user", "User"),
    PushType.ANDROID.value: ("device", "Android"),
    PushType.IOS.value: ("device", "iOS"),
    PushType.HARMONY.value: ("device", "HarmonyOS"),
}


@register.simple_tag
def message_rows(messages: Iterable[Message], app: App, now: datetime, offset: str, sight: Sight) -> SafeString:
    """Each row prints its offset if the header has none."""
    time = clock if offset else moment
    folder = reverse("messages", args=[app.slug])
    return format_html_join(
        "",
        _ROW,
        (
            {
                "id": message.pk,
                "page": f"{folder}{message.pk}/",
                "created_at": time(message.created_at),
                "status": verdict(message, now),
                "target_id": (target_id := sight.target_id(message)),
                "cut_target_id": cut(target_id),
                "title": message.title,
                "shown_title": message.title or "–",
                "customer_id": message.customer_message_id,
                "cut_customer_id": cut(message.customer_message_id),
                "kind": (kind := _PUSH_TYPES.get(message.push_type, ("device", message.push_type)))[0],
                "push_type": kind[1],
            }
            for message in messages
        ),
    )
