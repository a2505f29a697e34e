"""Addresses of the members' door, whole: the gateway hands over everything under /desk."""

from django.urls import path
from django.views.decorators.http import require_GET

from kefu.desk.accounts.sign_on_views import callback, start
from kefu.desk.api import api

urlpatterns = [
    path("desk/api/", api.urls),
    path("desk/sso/<slug:slug>/start", require_GET(start)),
    path("desk/sso/<slug:slug>/callback", require_GET(callback)),
]

handler400 = "kefu.desk.http.problem.refused"
handler404 = "kefu.desk.http.problem.not_found"
handler500 = "kefu.desk.http.problem.crashed"
