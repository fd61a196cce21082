"""API keys: told apart by a look, stored as a hash, ended at once."""

import hashlib
import re
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import errors, instants
from openintervals.db.transaction import Read
from openintervals.platform import api_keys, usage
from openintervals.platform.scopes import SCOPES
from tests import databases
from tests.clients import Api, error
from tests.servers import START, Application


@given(st.sampled_from(api_keys.MODES))
def test_a_key_says_its_mode_has_160_random_bits_and_a_checksum(mode: str) -> None:
    key = api_keys.generate(mode)

    assert re.fullmatch(rf"oi_{mode}_sk_[0-9A-Za-z]{{33}}", key)
    assert re.search(api_keys.PATTERN, f'token = "{key}";')
    assert api_keys.well_formed(key)


def test_no_two_keys_are_alike() -> None:
    assert len({api_keys.generate("live") for _ in range(1000)}) == 1000


@given(st.integers(0, 41), st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]))
def test_one_mistyped_character_breaks_the_checksum(place: int, typed: str) -> None:
    key = api_keys.generate("live")
    mistyped = key[:place] + typed + key[place + 1 :]

    assert api_keys.well_formed(mistyped) is (mistyped == key)


@given(st.integers(11, 40))
def test_two_characters_exchanged_break_the_checksum(place: int) -> None:
    key = api_keys.generate("test")
    exchanged = key[:place] + key[place + 1] + key[place] + key[place + 2 :]

    assert api_keys.well_formed(exchanged) is (exchanged == key)


@given(st.text(max_size=60))
def test_other_text_is_no_key(text: str) -> None:
    assert not api_keys.well_formed(text)
    assert not api_keys.well_formed(api_keys.generate("live") + (text or " "))


def test_what_is_stored_cannot_be_used_and_is_enough_to_recognise_it(api: Api, module_url: str) -> None:
    stored = databases.rows(module_url, f"SELECT * FROM api_keys WHERE id = '{api.key_id}'")

    assert len(stored) == 1
    assert api.key not in repr(stored)
    assert api.key[11:-4] not in repr(stored)
    assert {hashlib.sha256(api.key.encode()).hexdigest(), "oi_live_sk_", api.key[-4:], "test"} <= set(stored[0])


def statements_of(app: Application, key: str) -> int:
    """How many statements it takes to find out who a key belongs to."""

    async def count(tx: Read) -> int:
        await api_keys.caller(tx, key)
        return tx.session.statements

    return app.read(count)


def test_a_malformed_key_asks_the_database_nothing(api: Api, app: Application) -> None:
    mistyped = api.key[:-1] + ("0" if api.key[-1] != "0" else "1")

    counted = [statements_of(app, key) for key in (mistyped, "", "oi_live_sk_", api.key.upper(), api.key + "\n")]

    assert counted == [0] * 5
    assert statements_of(app, api.key) == 1
    assert statements_of(app, api_keys.generate("live")) == 1


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic QVBJX0tFWTprZXk=", "Bearer \xff", "Bearer a b", "{key}"],
)
def test_without_a_good_key_the_answer_is_401_and_says_how(api: Api, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header.replace("{key}", api.key).encode("latin-1")}

    refused = api.app.request("GET", "/partner/organization", headers=headers)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="partner"'
    assert error(refused)["code"] == "UNAUTHORIZED"
    assert "Bearer" in error(refused)["message"] or "key" in error(refused)["message"]


def test_a_key_of_the_right_form_that_nobody_has_is_refused_like_a_mistyped_one(api: Api) -> None:
    unknown = Api(api.app, api.tenant, api_keys.generate("live"), "").get("/organization")
    mistyped = Api(api.app, api.tenant, api.key[:-1], "").get("/organization")

    assert (unknown.status_code, unknown.content) == (mistyped.status_code, mistyped.content)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(api: Api, scheme: str) -> None:
    answer = api.app.request("GET", "/partner/organization", headers={"authorization": f"{scheme} {api.key}"})

    assert answer.status_code == 200


def test_a_key_in_the_query_is_no_key(api: Api) -> None:
    assert api.anonymous().get("/organization", key=api.key, access_token=api.key).status_code == 401


def test_a_revoked_key_is_refused_within_a_second(api: Api, app: Application) -> None:
    before = api.get("/organization")
    key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))

    app.write(lambda tx: api_keys.revoke(tx, key), api.tenant)
    app.clock.advance(1)

    assert before.status_code == 200
    assert api.get("/organization").status_code == 401


def test_on_sqlite_a_revoked_key_is_refused_at_the_next_request(api: Api, app: Application, database_kind: str) -> None:
    if database_kind == "postgres":
        pytest.skip("a look-up is kept for a second there")
    api.get("/organization")
    key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))

    app.write(lambda tx: api_keys.revoke(tx, key), api.tenant)

    assert api.get("/organization").status_code == 401


def test_revoking_twice_keeps_the_first_time(api: Api, app: Application) -> None:
    for _ in range(2):
        key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))
        app.write(partial(api_keys.revoke, key=key), api.tenant)
        app.clock.advance(60)

    key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))
    assert key.revoked_at == instants.text(START)


def test_a_key_expires_on_time(api: Api, app: Application) -> None:
    ends_at = START + timedelta(hours=1)
    made = app.write(lambda tx: api_keys.create(tx, scopes=["read:series"], expires_at=ends_at), api.tenant)
    short = Api(app, api.tenant, made.key, made.id)

    app.clock.now = ends_at - timedelta(seconds=1)
    before = short.get("/organization")
    app.clock.now = ends_at
    after = short.get("/organization")

    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize("overlap", ["now", "1h", "24h", "7d"])
def test_rotation_gives_a_key_with_the_same_rights_and_lets_the_old_one_run_out(
    api: Api, app: Application, overlap: str
) -> None:
    old = api.with_scopes("read:series", "write:events")
    found, _ = app.read(lambda tx: api_keys.find(tx, old.key_id))

    made = app.write(lambda tx: api_keys.rotate(tx, found, overlap_s=api_keys.OVERLAPS[overlap]), api.tenant)
    new = Api(app, api.tenant, made.key, made.id)

    assert made.scopes == ["read:series", "write:events"]
    assert new.get("/organization").status_code == 200
    app.clock.advance(api_keys.OVERLAPS[overlap] - 1)
    if overlap != "now":
        assert old.get("/organization").status_code == 200
    app.clock.advance(2)
    assert old.get("/organization").status_code == 401
    assert new.get("/organization").status_code == 200


def test_rotation_never_lengthens_a_key_s_life(api: Api, app: Application) -> None:
    ends_at = START + timedelta(minutes=5)
    made = app.write(lambda tx: api_keys.create(tx, scopes=["read:series"], expires_at=ends_at), api.tenant)
    key, _ = app.read(lambda tx: api_keys.find(tx, made.id))

    app.write(lambda tx: api_keys.rotate(tx, key, overlap_s=3600), api.tenant)

    kept, _ = app.read(lambda tx: api_keys.find(tx, made.id))
    assert kept.expires_at == instants.text(ends_at)


def test_a_key_that_has_ended_cannot_be_rotated(api: Api, app: Application) -> None:
    key, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))
    app.write(lambda tx: api_keys.revoke(tx, key), api.tenant)
    ended, _ = app.read(lambda tx: api_keys.find(tx, api.key_id))

    with pytest.raises(errors.Conflict, match="ended already"):
        app.write(lambda tx: api_keys.rotate(tx, ended, overlap_s=0), api.tenant)


@pytest.mark.parametrize("scopes", [[], ["read:everything"], ["read:events", "read:Events"]])
def test_a_key_has_at_least_one_scope_and_only_known_ones(api: Api, app: Application, scopes: list[str]) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        app.write(lambda tx: api_keys.create(tx, scopes=scopes), api.tenant)

    assert all(scope in refusal.value.fields["scopes"][0] for scope in SCOPES)


def test_the_last_use_is_noted_once_a_minute_with_its_address(api: Api, app: Application, module_url: str) -> None:
    def noted() -> list[tuple[str | None, str | None]]:
        app.run(usage.write_down(app.database, app.asking(), app.runtime.usage))
        return databases.rows(module_url, f"SELECT last_used_at, last_address FROM api_keys WHERE id = '{api.key_id}'")

    api.send("GET", "/organization", address="192.0.2.1")
    first = noted()
    app.clock.advance(59)
    api.send("GET", "/organization", address="192.0.2.2")
    same_minute = noted()
    app.clock.advance(1)
    api.send("GET", "/organization", address="192.0.2.3")
    next_minute = noted()

    assert first == same_minute == [(instants.text(START), "192.0.2.1")]
    assert next_minute == [(instants.text(START + timedelta(minutes=1)), "192.0.2.3")]
