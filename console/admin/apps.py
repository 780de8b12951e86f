"""Apps and their members in Django's admin."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import slugify

from console.access import Right, standing, visible_apps
from console.admin import members
from console.admin.members import MemberForm, MembersFormSet, MembershipForm
from console.admin.strict import StrictAdmin
from pushlog.models import App, Membership

# New ones at once. Two thousand took a minute.
_MOST_MEMBERS = 100


class MembershipInline(admin.TabularInline):
    """On the app's page."""

    model = Membership
    form: type[forms.ModelForm] = MemberForm
    formset = MembersFormSet
    extra = 1
    readonly_fields = ["end"]

    @admin.display(description="Remove")
    def end(self, membership: Membership) -> str:
        if membership.pk is None:
            return ""
        where = reverse("admin:pushlog_membership_end", args=[membership.pk])
        return format_html('<a href="{}">Remove <span class="visually-hidden">{}</span></a>', where, membership)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "app")

    def get_max_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return _MOST_MEMBERS + (obj.memberships.count() if obj else 0)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, absolute_max=self.get_max_num(request, obj), **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_add_permission = has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A page asks first: console/admin/members.py."""
        return False


class OwnMembershipInline(MembershipInline):
    """On the person's page."""

    form: type[forms.ModelForm] = MembershipForm

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without links to the app's own pages: this page is about the person."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for name in ("can_add_related", "can_change_related", "can_view_related"):
            if field is not None and hasattr(field.widget, name):
                setattr(field.widget, name, False)
        return field


class AppForm(forms.ModelForm):
    """Time zones from a list."""

    class Meta:
        model = App
        fields = ["name", "slug", "environment", "time_zone", "numeric_push_ids", "reveal_reasons", "encrypts_content"]
        widgets = {"reveal_reasons": AdminTextareaWidget(attrs={"rows": 4})}

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # An app may have a zone that this machine no longer knows.
        names = sorted({*available_timezones(), self.instance.time_zone})
        stored = self.fields["time_zone"]
        self.fields["time_zone"] = forms.ChoiceField(
            choices=[(name, name) for name in names], help_text=stored.help_text, initial=stored.initial
        )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))
        if not slug:
            raise forms.ValidationError("Type a name for addresses, in Latin letters.")
        return slug


@admin.register(App)
class AppAdmin(StrictAdmin):
    asks_password = True
    change_form_template = "admin/pushlog/app/change.html"
    form = AppForm
    list_display = ["name", "environment", "slug", "time_zone"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[App]:
        return App.objects.all() if self.has_add_permission(request) else visible_apps(request.user, Right.MANAGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return standing(request).is_administrator

    def has_change_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        return self.get_queryset(request).exists() or self.has_add_permission(request)

    def get_urls(self) -> list[Any]:
        own = [
            path("members/<int:pk>/remove/", self.admin_site.admin_view(members.end), name="pushlog_membership_end"),
            path(
                "members/removed/<int:pk>/take-back/",
                self.admin_site.admin_view(members.take_back),
                name="pushlog_membership_take_back",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        app = self.get_object(request, object_id)
        extra = {"ended": members.just_ended(app) if app else []}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "slug" in form.base_fields:
            # Without JavaScript nothing fills it in.
            form.base_fields["slug"].required = False
            form.base_fields["slug"].help_text += " Empty: made from the name."
        return form

    def get_prepopulated_fields(self, request: HttpRequest, obj: App | None = None) -> Any:
        return {} if obj else {"slug": ["name"]}

    def response_add(self, request: HttpRequest, obj: App, post_url_continue: str | None = None) -> HttpResponse:
        """Stays on the page, where members are added."""
        says = format_html(
            "{} was added. Next: its members and their roles, below, one of them a manager."
            " Then a manager <a href='{}'>makes a credential</a>,"
            " with which a program <a href='{}'>sends the first message</a>.",
            obj,
            reverse("admin:pushlog_credential_add"),
            reverse("api-docs"),
        )
        self.message_user(request, says, messages.SUCCESS)
        return redirect("admin:pushlog_app_change", obj.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> list[str]:
        """Addresses hold the slug, and people paste them into tickets."""
        return ["slug"] if obj else []
