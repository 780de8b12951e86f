"""The rows of the message list. A template would take ten times as long."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from console.masking import Sight
from console.templatetags.console import clock, drawn, moment, verdict
from pushlog.models import App, Message, PushType

register = template.Library()

# Roles: the style sheet makes cards of the rows on phones.
_ROW = """
<tbody role="rowgroup" class="message">
  <tr role="row" class="listing-row message-row">
    <th scope="row" role="rowheader" class="col-customer_message_id"><button type="button" class="opener"\
 aria-expanded="false" aria-controls="detail-{id}" hx-get="{page}" hx-trigger="click once"\
 aria-label="Details of {customer_id}"></button><a href="{page}" title="{customer_id}">{drawn_customer_id}</a></th>
    <td role="cell" class="col-push_type">{push_type}</td>
    <td role="cell" class="col-target_id" title="{target_id}">{drawn_target_id}</td>
    <td role="cell" class="col-title" dir="auto" title="{title}">{shown_title}</td>
    <td role="cell" class="col-status">{status}</td>
    <td role="cell" class="col-created_at">{created_at}</td>
  </tr>
  <tr role="row" class="detail-row" id="detail-{id}" hidden><td role="cell" colspan="6"><span class="quiet"\
 role="status">Loading…</span></td></tr>
</tbody>"""
_PUSH_TYPES = {member.value: member.label for member in PushType}


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
                "customer_id": message.customer_message_id,
                "push_type": _PUSH_TYPES.get(message.push_type, message.push_type),
                "drawn_customer_id": drawn(message.customer_message_id),
                "target_id": (target_id := sight.target_id(message)),
                "drawn_target_id": drawn(target_id),
                "title": message.title,
                "shown_title": message.title or "–",
                "status": verdict(message, now),
                "created_at": time(message.created_at),
            }
            for message in messages
        ),
    )
