"""The changes feed of an athlete."""

from tests.athletes import Athlete, found, refused

FEED = "/athlete/0/changes"


def test_whoever_follows_it_has_what_a_get_shows(ann: Athlete) -> None:
    found(ann.put("/athlete/0", {"city": "Kiel"}))
    found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": 250}))
    found(ann.delete("/athlete/0/sport-settings/Swim"))

    seen: dict[tuple[str, str], dict[str, object]] = {}
    cursor, more = None, True
    while more:
        part = found(ann.get(FEED, limit=2, **({"after": cursor} if cursor else {})))
        seen |= {(item["type"], item["id"]): item for item in part["items"]}
        cursor, more = part["cursor"], part["has_more"]

    shown = found(ann.get("/athlete/0"))
    settings = {str(each["id"]): each for each in shown.pop("sportSettings")}
    shown.pop("custom_items")
    assert seen.pop(("athlete", ann.id))["object"] == shown
    gone = [item["id"] for item in seen.values() if item["deleted"]]
    assert len(gone) == 1
    assert {key[1]: item["object"] for key, item in seen.items() if not item["deleted"]} == settings
    assert found(ann.get(FEED, after=cursor))["items"] == []


def test_each_change_is_told_once_and_in_order(ann: Athlete) -> None:
    for ftp in (250, 260, 270):
        found(ann.put("/athlete/0/sport-settings/Ride", {"ftp": ftp}))

    items = found(ann.get(FEED))["items"]

    assert [item["object"]["ftp"] for item in items[-3:]] == [250, 260, 270]
    assert [item["version"] for item in items[-3:]] == [2, 3, 4]
    assert [item["cursor"] for item in items] == sorted({item["cursor"] for item in items})


def test_a_coach_follows_the_athletes_coached(ann: Athlete, bob: Athlete) -> None:
    refused(ann.get(f"/athlete/{bob.id}/changes"), 403)

    ann.coaches(bob)

    assert found(ann.get(f"/athlete/{bob.id}/changes")) == found(bob.get(FEED))


def test_a_cursor_that_is_none_is_refused(ann: Athlete) -> None:
    assert "cursor" in refused(ann.get(FEED, after="4711"), 422)
