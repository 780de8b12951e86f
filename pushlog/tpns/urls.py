"""The addresses of the dialect below /v3."""

from django.urls import path, re_path

from pushlog.tpns import views

app_name = "tpns"
urlpatterns = [
    path("statistics/get_push_record", views.get_push_record, name="get_push_record"),
    re_path("", views.unknown),
]
