"""The addresses of the dialect below /v3. Those that TPNS has and we do not are answered too."""

from django.urls import path, re_path

from pushlog.tpns import views

app_name = "tpns"
urlpatterns = [
    path("statistics/get_push_record", views.get_push_record, name="get_push_record"),
    re_path("", views.unknown),
]
