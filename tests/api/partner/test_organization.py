"""GET /organization: exactly the published fields. GET /usage: requests by day."""

from openintervals.platform import usage
from tests import clients
from tests.clients import Api, error, found
from tests.servers import Application


def test_the_organization_has_exactly_the_published_fields(app: Application) -> None:
    api = clients.join(app, plan="local")

    organization = found(api.get("/organization"))

    assert list(organization) == ["_id", "name", "slug", "roles", "plan"]
    assert organization["_id"] == api.tenant.organization_id
    assert organization["roles"] == ["organizer"]
    assert organization["plan"] == "local"


def test_the_organization_is_the_same_in_both_modes(api: Api) -> None:
    assert found(api.get("/organization")) == found(api.in_mode("test").get("/organization"))


def test_the_organization_needs_the_series_scope(api: Api) -> None:
    refused = api.with_scopes("read:events").get("/organization")

    assert refused.status_code == 403
    assert "read:series" in error(refused)["message"]


def test_usage_counts_this_key_and_all_of_the_organization_by_day(api: Api, app: Application) -> None:
    other = api.with_scopes("read:events")
    for _ in range(3):
        other.get("/events")
    api.get("/events")
    app.clock.advance(24 * 3600)

    days = found(api.get("/usage"))

    assert days == [
        {"date": "2026-03-02", "keyRequests": 1, "organizationRequests": 1},
        {"date": "2026-03-01", "keyRequests": 1, "organizationRequests": 4},
    ]


def test_usage_is_the_same_before_and_after_it_is_written_down(api: Api, app: Application) -> None:
    api.get("/events")
    before = found(api.get("/usage"))
    app.run(usage.write_down(app.database, app.asking(), app.runtime.usage))

    after = found(api.get("/usage"))

    assert before == [{"date": "2026-03-01", "keyRequests": 2, "organizationRequests": 2}]
    assert after == [{"date": "2026-03-01", "keyRequests": 3, "organizationRequests": 3}]


def test_usage_shows_a_month_and_needs_no_scope(api: Api, app: Application) -> None:
    key = api.with_scopes("read:groups")
    for _ in range(40):
        key.get("/groups")
        app.clock.advance(24 * 3600)

    days = [day["date"] for day in found(key.get("/usage"))]

    assert len(days) == 31
    assert days == sorted(days, reverse=True)
    assert days[0] == app.clock().date().isoformat()


def test_usage_of_one_mode_does_not_show_in_the_other(api: Api) -> None:
    api.get("/events")

    assert found(api.in_mode("test").get("/usage"))[0]["organizationRequests"] == 1
