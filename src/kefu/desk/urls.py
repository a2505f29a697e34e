"""Addresses of the members' door, whole: the gateway hands over everything under /desk."""

from django.urls import path

from kefu.desk.api import api

urlpatterns = [path("desk/api/", api.urls)]

handler400 = "kefu.desk.http.problem.refused"
handler404 = "kefu.desk.http.problem.not_found"
handler500 = "kefu.desk.http.problem.crashed"
