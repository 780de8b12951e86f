"""The addresses of the site. People paste them into tickets, so they do not change."""

from allauth.account import views as account
from django.contrib import admin
from django.urls import include, path, re_path, register_converter
from django.views.generic import RedirectView

from console import single_sign_on
from console.compression import compressed
from console.url_converters import PushIDConverter
from console.views import (
    api_docs,
    apps,
    audit,
    erasure,
    errors,
    first_administrator,
    letter_keys,
    message,
    messages,
    ops,
    searches,
    sessions,
    static_files,
    statuses,
    tasks,
)
from pushlog.api.endpoints import api
from pushlog.tpns import views as tpns

handler400 = "console.views.errors.bad_request"
handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler500 = "console.views.errors.server_error"

register_converter(PushIDConverter, "push_id")

app_pages = [
    path("messages/", compressed(messages.message_list), name="messages"),
    path("messages/search/", searches.search, name="search"),
    path("messages/<uuid:message_id>/", compressed(message.message_detail), name="message"),
    path("messages/<uuid:message_id>/reveal/", message.reveal_message, name="reveal"),
    path("targets/<str:token>/", messages.target, name="target"),
    path("status-codes/", compressed(statuses.app_status_codes), name="app-status-codes"),
    path("erase/", erasure.erase, name="erase"),
    path("tasks/", compressed(tasks.task_list), name="tasks"),
    path("tasks/<push_id:push_id>/", compressed(tasks.task_detail), name="task"),
]

urlpatterns = [
    path("", compressed(apps.app_list), name="apps"),
    path("apps/<slug:app>/", include(app_pages)),
    path("audit/", audit.audit_log, name="audit-log"),
    path("audit/search/", audit.audit_search, name="audit-search"),
    path("audit/export/", audit.audit_export, name="audit-export"),
    path("status-codes/", compressed(statuses.status_codes), name="status-codes"),
    path("status-codes/options/", compressed(statuses.status_options), name="status-options"),
    # No page of allauth that needs mail or lets people sign up.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/password/set/", errors.no_password, name="account_set_password"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/inactive/", errors.deactivated, name="account_inactive"),
    path("accounts/oidc/<slug:provider_id>/login/", single_sign_on.login, name="openid_connect_login"),
    path("accounts/oidc/<slug:provider_id>/login/callback/", single_sign_on.callback, name="openid_connect_callback"),
    path("accounts/oidc/cancelled/", single_sign_on.cancelled, name="socialaccount_login_cancelled"),
    path("accounts/sessions/", sessions.session_list, name="usersessions_list"),
    path("accounts/keys/", letter_keys.letter_keys, name="letter-keys"),
    path("accounts/mfa/", include("allauth.mfa.urls")),
    path("first-administrator/<str:token>/", first_administrator.first_administrator, name="first-administrator"),
    # Instead of Django's page, which checks passwords without a limit.
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("static/<path:name>", static_files.other_version, name="static-file"),
    path("livez", ops.livez, name="livez"),
    path("readyz", ops.readyz, name="readyz"),
    path("healthz", ops.healthz, name="healthz"),
    path("metrics", ops.metrics, name="metrics"),
    path("api/v1/docs", api_docs.api_docs, name="api-docs"),
    path("api/v1/", api.urls),
    # TPNS names its hosts with a slash at the end. Programs that join one to a path ask for //v3/. The brackets are for
    # Django's check urls.W002, which takes a slash in front for a mistake.
    re_path("^[/]*v3/+", include("pushlog.tpns.urls")),
    re_path("^[/]*v3$", tpns.unknown),
]
