"""The outermost shell: what it does to a request before any route is looked for."""

import pytest

from tests.clients import Api, error
from tests.servers import Application

HOST = "http://127.0.0.1:8000"


@pytest.mark.parametrize("path", ["//partner/organization", "/partner//organization", "///partner///events"])
def test_no_number_of_slashes_leads_past_the_key(app: Application, path: str) -> None:
    answer = app.request("GET", HOST + path)

    assert answer.status_code == 401
    assert error(answer)["code"] == "UNAUTHORIZED"


def test_several_slashes_are_one(api: Api) -> None:
    answer = api.app.request("GET", HOST + "//partner//events", headers={"authorization": f"Bearer {api.key}"})

    assert answer.status_code == 200


def test_old_paths_name_the_present_one_whatever_their_slashes(app: Application) -> None:
    answer = app.request("GET", HOST + "//v1/partner/events")

    assert answer.status_code == 404
    assert "the present path is /events" in error(answer)["message"]


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
def test_what_a_proxy_passes_on_gets_no_measurements_without_a_token(app: Application, header: str) -> None:
    direct = app.request("GET", "/metrics")
    passed_on = app.request("GET", "/metrics", headers={header: "203.0.113.7"})

    assert (direct.status_code, passed_on.status_code) == (200, 403)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_can_be_asked_with_head(app: Application, path: str) -> None:
    answer = app.request("HEAD", path)

    assert answer.status_code == 200


@pytest.mark.parametrize("length", ["1048577", "9223372036854775808", "9" * 40])
def test_a_body_that_says_it_is_too_large_is_refused_unread(api: Api, length: str) -> None:
    headers = {"authorization": f"Bearer {api.key}", "content-length": length}

    answer = api.app.request("POST", "/partner/events", headers=headers, content=b"{}")

    assert answer.status_code == 413
    assert error(answer)["code"] == "PAYLOAD_TOO_LARGE"
