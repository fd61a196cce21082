"""Who gets in by which way, and what a refusal says."""

import base64
from datetime import timedelta

import pytest

from openintervals.training import athlete_keys
from tests.athletes import Athlete, found, join, refused
from tests.clients import Api
from tests.clients import join as join_club
from tests.servers import START, Application, application


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def ask(app: Application, authorization: str | None, path: str = "/athlete/0") -> tuple[int, str]:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = app.request("GET", f"/api/v1{path}", headers=headers)
    if answer.status_code == 200:
        return 200, answer.json()["id"]
    return answer.status_code, refused(answer, answer.status_code)


def test_a_key_comes_by_basic_and_by_bearer(ann: Athlete) -> None:
    for authorization in (basic(f"API_KEY:{ann.key}"), f"Bearer {ann.key}", f"bearer  {ann.key}"):
        assert ask(ann.app, authorization) == (200, ann.id)


@pytest.mark.parametrize("said", ["0", "{id}", "{digits}"])
def test_an_athlete_has_three_names(ann: Athlete, said: str) -> None:
    path = f"/athlete/{said.format(id=ann.id, digits=ann.id[1:])}"

    assert found(ann.get(path))["id"] == ann.id


def test_a_refusal_says_which_way_would_work(ann: Athlete) -> None:
    said = {
        None: "user API_KEY and the key as password",
        basic(f"ann:{ann.key}"): "literally API_KEY",
        basic("API_KEY:wrong"): "unknown, mistyped or revoked",
        "Basic %%%": "literally API_KEY",
        f"Digest {ann.key}": "Authorization: Bearer <key>",
        f"Bearer {ann.key[:-1]}": "unknown, mistyped or revoked",
    }
    for authorization, words in said.items():
        status, told = ask(ann.app, authorization)

        assert status == 401
        assert words in told


@pytest.mark.parametrize("junk", ["Basic", "Basic ", "Bearer ", "Basic " + "A" * 9, "Basic /w==", "Bearer \x00"])
def test_junk_is_401(app: Application, junk: str) -> None:
    assert ask(app, junk)[0] == 401


def test_the_two_apis_do_not_take_each_others_keys(app: Application, ann: Athlete) -> None:
    club: Api = join_club(app)

    assert ask(app, f"Bearer {club.key}")[0] == 401
    assert Api(app, club.tenant, ann.key, "").get("/organization").status_code == 401


def test_somebody_elses_data_is_403(ann: Athlete, bob: Athlete) -> None:
    said = refused(ann.get(f"/athlete/{bob.id}"), 403)

    assert said.startswith("Access denied")
    assert ann.id in said


def test_a_coach_reads_and_writes_for_the_athletes_coached(ann: Athlete, bob: Athlete) -> None:
    ann.coaches(bob)

    found(ann.put(f"/athlete/{bob.id}", {"icu_weight": 80}))

    assert found(bob.get("/athlete/0"))["icu_weight"] == 80
    assert [each["id"] for each in found(ann.get("/athletes"))] == [ann.id, bob.id]
    assert [each["id"] for each in found(bob.get("/athletes"))] == [bob.id]


def test_a_revoked_key_ends_within_a_second(ann: Athlete) -> None:
    [key] = ann.read(athlete_keys.of_athlete)
    found(ann.get("/athlete/0"))

    ann.write(lambda tx: athlete_keys.revoke(tx, key.id))
    ann.app.clock.advance(1.1)

    assert ann.get("/athlete/0").status_code == 401


def test_the_documents_need_no_key_and_everything_else_does(app: Application) -> None:
    answers = {path: app.request("GET", f"/api/v1{path}").status_code for path in ("/docs", "/docs-3.0", "", "/x")}

    assert answers == {"/docs": 200, "/docs-3.0": 200, "": 401, "/x": 401}


def test_an_unknown_path_and_a_wrong_method_are_told_in_this_dialect(ann: Athlete) -> None:
    unknown, wrong = ann.get("/nothing"), ann.send("PATCH", "/athlete/0", json={})

    assert "/api/v1/docs" in refused(unknown, 404)
    assert "GET" in refused(wrong, 405)
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "PUT", "OPTIONS"}


def test_the_limit_of_athletes_is_theirs(tmp_path: object) -> None:
    with application(f"sqlite:///{tmp_path}/openintervals.db", rate_limits="athlete=60/minute:2") as app:
        athlete = join(app)

        answers = [athlete.get("/athlete/0") for _ in range(3)]
        app.clock.now = START + timedelta(seconds=1)

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"default";q=60;w=60'
        assert answers[2].headers["retry-after"] == "1"
        refused(answers[2], 429)
        assert athlete.get("/athlete/0").status_code == 200


def test_a_write_takes_effect_once_for_one_idempotency_key(ann: Athlete, bob: Athlete) -> None:
    ann.coaches(bob)
    request = {"json": {"types": ["Yoga"]}, "headers": {"Idempotency-Key": "once"}}

    first, second = (ann.send("POST", f"/athlete/{bob.id}/sport-settings", **request) for _ in range(2))

    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len(found(bob.get("/athlete/0/sport-settings"))) == 5
