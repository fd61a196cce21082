"""Athletes, their keys and who coaches them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openintervals import errors
from openintervals.db.transaction import Read, Tenant
from openintervals.platform import ids, journal
from openintervals.platform.api_keys import Caller
from openintervals.training import athlete_keys, athletes, coaching
from tests.athletes import Athlete, join
from tests.servers import START, Application


def caller(athlete: Athlete) -> Caller:
    found = athlete.read(lambda tx: athlete_keys.caller(tx, athlete.key))
    assert found is not None
    return found


def reach(athlete: Athlete, said: str) -> Tenant:
    """Whose transaction an athlete's key gets for a path that says `said`."""
    who = caller(athlete)

    async def work(tx: Read) -> Tenant:
        return (await athletes.reach(tx, who, said)).tenant

    return athlete.read(work)


class TestIds:
    def test_numbers_grow_within_a_millisecond_and_are_whole_in_a_double(self) -> None:
        made = [int(ids.numbered(START)[1:]) for _ in range(10_000)]

        assert made == sorted(set(made))
        assert all(float(number) == number and number < 2**53 for number in made)

    @given(st.integers(1, 10**16 - 1))
    def test_an_athlete_is_called_with_and_without_the_letter(self, number: int) -> None:
        assert athletes.addressed("i5", f"i{number}") == athletes.addressed("i5", str(number)) == f"i{number}"

    @pytest.mark.parametrize("said", ["0", "i0", "000"])
    def test_nought_is_whoever_asks(self, said: str) -> None:
        assert athletes.addressed("i5", said) == "i5"

    @pytest.mark.parametrize("said", ["", "i", "ann", "-1", "i1.5", "1e3", "i" + "9" * 17, "٣", "i1\n"])
    def test_what_is_no_id_names_nobody(self, said: str) -> None:
        with pytest.raises(errors.NotFound):
            athletes.addressed("i5", said)


class TestReach:
    def test_oneself_and_whom_one_coaches(self, ann: Athlete, bob: Athlete) -> None:
        ann.coaches(bob)

        reached = [reach(ann, said) for said in ("0", ann.id, bob.id, bob.id[1:])]

        assert reached == [ann.tenant, ann.tenant, bob.tenant, bob.tenant]

    def test_it_works_in_one_direction_and_one_step(self, app: Application, ann: Athlete, bob: Athlete) -> None:
        cleo = join(app, "Cleo")
        ann.coaches(bob)
        bob.coaches(cleo)

        for who, whom in ((bob, ann), (ann, cleo), (cleo, bob)):
            with pytest.raises(errors.Forbidden):
                reach(who, whom.id)

    def test_one_who_does_not_exist_is_refused_like_one_out_of_reach(self, ann: Athlete, bob: Athlete) -> None:
        said = []
        for whom in (bob.id, "i77"):
            with pytest.raises(errors.Forbidden) as refused:
                reach(ann, whom)
            said.append(refused.value.message.replace(whom, "X"))

        assert said[0] == said[1]

    def test_it_ends_with_the_coaching(self, ann: Athlete, bob: Athlete) -> None:
        ann.coaches(bob)
        bob.write(lambda tx: coaching.end(tx, ann.id))

        with pytest.raises(errors.Forbidden):
            reach(ann, bob.id)
        with pytest.raises(errors.NotFound):
            bob.write(lambda tx: coaching.end(tx, ann.id))

    def test_coaching_twice_is_once(self, ann: Athlete, bob: Athlete) -> None:
        ann.coaches(bob)
        ann.coaches(bob)

        entries = bob.read(lambda tx: journal.of_object(tx, f"{ann.id}:{bob.id}"))

        assert [entry.verb for entry in entries] == ["coaching.begun"]
        assert ann.read(coaching.of_coach) == [bob.id]

    def test_nobody_coaches_themselves(self, ann: Athlete) -> None:
        with pytest.raises(errors.Invalid):
            ann.coaches(ann)


class TestKeys:
    def test_a_key_is_known_by_its_hash_alone(self, ann: Athlete) -> None:
        stored = ann.read(athlete_keys.of_athlete)

        assert ann.key not in repr(stored)
        assert [key.last_four for key in stored] == [ann.key[-4:]]

    def test_a_revoked_key_is_nobodys(self, ann: Athlete) -> None:
        [key] = ann.read(athlete_keys.of_athlete)

        ann.write(lambda tx: athlete_keys.revoke(tx, key.id))

        assert ann.read(lambda tx: athlete_keys.caller(tx, ann.key)) is None
        with pytest.raises(errors.NotFound):
            ann.write(lambda tx: athlete_keys.revoke(tx, key.id))

    def test_a_key_of_somebody_else_cannot_be_revoked(self, ann: Athlete, bob: Athlete) -> None:
        [key] = ann.read(athlete_keys.of_athlete)

        with pytest.raises(errors.NotFound):
            bob.write(lambda tx: athlete_keys.revoke(tx, key.id))

    @given(st.integers(0, 43), st.sampled_from("0Az"))
    def test_a_mistyped_key_is_told_from_a_good_one_without_asking(self, place: int, character: str) -> None:
        key = "oi_athlete_JIpW98aZt8JnX1ZaLB924e7lYLX3Q5ol3"

        typed = key[:place] + character + key[place + 1 :]

        assert athlete_keys.well_formed(key)
        assert athlete_keys.well_formed(typed) is (typed == key)


class TestChanges:
    def test_only_what_is_sent_changes_and_none_clears(self, ann: Athlete) -> None:
        ann.write(lambda tx: athletes.change(tx, {"weight_kg": 62.5, "sex": "F"}, {"bio": "Rides", "city": "Kiel"}))

        after = ann.write(lambda tx: athletes.change(tx, {"sex": None}, {"bio": None}))

        assert (after.weight_kg, after.sex, bytes(after.preferences)) == (62.5, None, b'{"city":"Kiel"}')
        assert after.version == 3

    def test_what_changes_nothing_is_no_change(self, ann: Athlete) -> None:
        before = ann.read(athletes.current)

        after = ann.write(lambda tx: athletes.change(tx, {"name": "Ann"}, {"bio": None}))

        assert after == before
        assert len(ann.read(lambda tx: journal.of_object(tx, ann.id))) == 1

    def test_every_wrong_field_is_told(self, ann: Athlete) -> None:
        wrong = {"name": " ", "email": "nobody", "sex": "X", "timezone": "Mars", "weight_kg": 0, "resting_hr_bpm": 999}

        with pytest.raises(errors.Invalid) as refused:
            ann.write(lambda tx: athletes.change(tx, wrong, {}))

        assert set(refused.value.fields) == set(wrong)

    def test_there_is_an_end_to_what_is_kept(self, ann: Athlete) -> None:
        with pytest.raises(errors.Invalid):
            ann.write(lambda tx: athletes.change(tx, {}, {"bio": "x" * athletes.PREFERENCES_MOST_BYTES}))

    def test_small_numbers_are_given_once(self, ann: Athlete, bob: Athlete) -> None:
        first = [ann.write(athletes.number) for _ in range(3)]
        other = bob.write(athletes.number)

        assert first == list(range(first[0], first[0] + 3))
        assert other == first[0]

    @pytest.mark.parametrize(("zone", "day"), [("Pacific/Auckland", "2026-03-01"), ("Pacific/Honolulu", "2026-02-28")])
    def test_today_is_where_the_athlete_is(self, ann: Athlete, zone: str, day: str) -> None:
        athlete = ann.write(lambda tx: athletes.change(tx, {"timezone": zone}, {}))

        async def today(tx: Read) -> str:
            return athletes.today(athlete, tx)

        assert ann.read(today) == day
