"""Registering, waiting, transferring, bibs and check-in in any order, held after every step to a model of the rules (`model.py`).

The steps are Hypothesis's; every example has an organization of its own in one database. A failure prints the story that shows it.
"""

import copy
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET

from openintervals import errors, instants
from openintervals.club import registrations, waiting
from openintervals.club.events import events
from openintervals.club.pace_groups import pace_groups
from openintervals.club.registrations import Registration
from openintervals.club.runs import event_runs
from openintervals.db import schema
from openintervals.db.statement import Statement, columns
from openintervals.db.transaction import Read, Write
from openintervals.platform import journal, pages
from tests.club import clubs, model
from tests.club.clubs import Club
from tests.club.model import Refused, World
from tests.servers import START, Application

STEPS = 50
ROUNDS = {"sqlite": range(4), "postgres": range(100, 102)}
ROUNDS_LONG = 200

EMAILS = (
    "ann@example.com",
    "bob@example.com",
    "cem@example.com",
    "dua@example.com",
    "eva@example.com",
    "fay@example.com",
)
GROUPS = ("fast", "slow", "friends of Bob")  # the last is never declared: a label, without a cap
BIBS = ("1", "2", "3", "11", "12", "A7")
DEVICES = (None, "gate", "phone")

numbers = st.integers(0, 1_000)
emails = st.sampled_from(EMAILS)
caps = st.sampled_from((1, 2, 3, 0, None))
places = st.sampled_from((None, None, *GROUPS))
wishes = st.sampled_from(("waitlist", "confirmed", "cancelled", "cancelled", "refunded"))
ranges = st.sampled_from((None, None, (1, 3), (2, 2), (11, 20)))
declared = st.dictionaries(st.sampled_from(GROUPS[:2]), st.tuples(caps, ranges), max_size=2)
hours = st.sampled_from((None, 24, 24))


def _all_of(table: sa.Table, order: sa.ColumnElement[Any]) -> Statement:
    return Statement(sa.select(table).where(schema.own(table)).order_by(order))


REGISTRATIONS = Statement(
    sa.select(*columns(Registration, registrations.registrations))
    .where(schema.own(registrations.registrations))
    .order_by(registrations.registrations.c.id)
)
RUNS = _all_of(event_runs, event_runs.c.id)
EVENTS = _all_of(events, events.c.id)
PACE_GROUPS = _all_of(pace_groups, pace_groups.c.name)
JOURNAL = Statement(
    sa.select(*columns(journal.Entry, journal.journal))
    .where(schema.own(journal.journal), journal.journal.c.sequence > sa.bindparam("seen", type_=sa.BigInteger))
    .order_by(journal.journal.c.sequence)
)
CLEAN_UP = [
    Statement(sa.delete(table).where(schema.own(table)))
    for table in (journal.journal, registrations.registrations, pace_groups, event_runs, events)
]


def _how(**how: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(how)


# One rule with a choice of verbs, rather than a rule for each: Hypothesis turns most rules off in any one story, which is a
# good way to find what needs few of them; here nearly everything worth finding needs several that belong together.
HOW = {
    "register": _how(which=numbers, email=emails, wish=wishes, group=places),
    "change_status": _how(which=numbers, wish=wishes),
    "transfer": _how(
        which=numbers, where=numbers, email=st.one_of(st.none(), emails), group=places, keeps=st.booleans()
    ),
    "change_pace_group": _how(which=numbers, group=places),
    "change_cap_of_run": _how(which=numbers, cap=caps),
    "change_cap_of_race": _how(race=st.integers(0, 1), cap=st.sampled_from((None, None, 1, 2, 4))),
    "declare_pace_groups": _how(which=numbers, wanted=declared),
    "open_or_close_run": _how(
        which=numbers,
        status=st.sampled_from((None, None, None, "rescheduled", "cancelled", "postponed")),
        override=st.sampled_from((None, None, None, None, "paused", "closed")),
        sold_out=st.sampled_from((False, False, False, True)),
    ),
    "change_window_offers_and_bibs": _how(
        which=numbers,
        opens=st.sampled_from((None, None, None, 0, 5)),
        closes=st.sampled_from((None, None, None, 24)),
        offer_hours=hours,
        range_=ranges,
    ),
    "delete_run": _how(which=numbers, cancel=st.sampled_from((False, True))),
    "time_passes": _how(later=st.sampled_from((24, 5)), worker=st.sampled_from((False, True))),
    "check_in_or_undo": _how(
        which=numbers, minutes_ago=st.sampled_from((0, 10, None)), device=st.sampled_from(DEVICES)
    ),
    "give_bib": _how(which=numbers, bib=st.sampled_from((None, *BIBS)), pinned=st.sampled_from((None, True, False))),
    "assign_bibs": _how(race=st.integers(0, 1), which=st.one_of(st.none(), numbers)),
    "handle_bib": _how(which=numbers, act=st.sampled_from(("pin", "let go", "take away", "swap")), other=numbers),
}
OFTEN = {
    "register": 3,
    "change_status": 10,
    "transfer": 4,
    "change_pace_group": 2,
    "change_cap_of_run": 3,
    "time_passes": 5,
}
VERBS = st.sampled_from([name for name in HOW for _ in range(OFTEN.get(name, 1))]).flatmap(
    lambda name: st.tuples(st.just(name), HOW[name])
)


class Seen(msgspec.Struct):
    """Everything one organization has in the database."""

    registrations: dict[str, Registration]
    runs: dict[str, dict[str, Any]]
    events: dict[str, dict[str, Any]]
    groups: list[dict[str, Any]]
    waiting: dict[str, list[waiting.Waiting]]
    journal: list[journal.Entry]


async def look(tx: Read, sequence: int) -> Seen:
    async def rows(statement: Statement, table: sa.Table) -> list[dict[str, Any]]:
        return [dict(zip(table.c.keys(), row, strict=True)) for row in await tx.rows(statement)]

    runs = {row["id"]: row for row in await rows(RUNS, event_runs)}
    return Seen(
        {row.id: row for row in await tx.all(Registration, REGISTRATIONS)},
        runs,
        {row["id"]: row for row in await rows(EVENTS, events)},
        await rows(PACE_GROUPS, pace_groups),
        {run: (await waiting.of_run(tx, run, pages.Window(limit=100)))[0] for run in runs},
        await tx.all(journal.Entry, JOURNAL, seen=sequence),
    )


class RegistrationMachine(RuleBasedStateMachine):
    """`self.world` is the model, `self.club` the real thing; `*_ids` say which is which."""

    def __init__(self, app: Application) -> None:
        super().__init__()
        self.club: Club = clubs.found(app)
        self.world = World(START)
        self.race_ids: dict[int, str] = {}
        self.run_ids: dict[int, str] = {}
        self.entry_ids: dict[int, str] = {}
        self.sequence = 0
        self.known: dict[str, Registration] = {}
        self.known_versions: dict[str, int] = {}
        self.told_full: dict[str, bool] = {}
        self.settled = True

    # Setting the scene

    @initialize(
        race_caps=st.tuples(st.sampled_from((None, None, None, 2, 3)), caps),
        run_caps=st.tuples(caps, caps, caps),
        offers=st.tuples(hours, hours, hours),
        range_=ranges,
        groups=declared,
        crowd=st.lists(st.tuples(st.integers(0, 2), places), min_size=4, max_size=12),
    )
    def two_races(
        self,
        race_caps: tuple[Any, Any],
        run_caps: tuple[Any, Any, Any],
        offers: tuple[Any, Any, Any],
        range_: Any,
        groups: dict[str, Any],
        crowd: list[Any],
    ) -> None:
        """One with two runs, one with a single run, and the first who wish to come or wait."""
        for number, cap in enumerate(race_caps):
            self.world.races.append(model.Race(number, cap))
            self.race_ids[number] = self.club.event(maxParticipants=cap)
        self._add_run(0, run_caps[0], offers[0], range_)
        self._add_run(0, run_caps[1], offers[1], None)
        self._add_run(1, run_caps[2], offers[2], None)
        self._declare(0, groups)
        for position, (run, group) in enumerate(crowd):
            self.register(run, EMAILS[position % len(EMAILS)], "waitlist", group)

    @rule(verb=VERBS)
    def step(self, verb: tuple[str, dict[str, Any]]) -> None:
        name, how = verb
        if self.world.entries and self.world.runs:
            getattr(self, name)(**how)

    def _add_run(self, race: int, cap: int | None, offer_hours: int | None, range_: tuple[int, int] | None) -> None:
        run = model.Run(len(self.run_ids), self.world.races[race], cap, {}, range_, offer_hours)
        run.race.runs.append(run)
        wire = {"maxParticipants": cap, "waitlistOfferHours": offer_hours, **_range(range_)}
        self.run_ids[run.number] = self.club.run(self.race_ids[race], **wire)

    # Places

    def register(self, which: int, email: str, wish: str, group: str | None) -> None:
        run = self._run(which)
        made = self._both(
            lambda world: world.register(world.run(run), email, wish, group),
            lambda: self.club.register(self.run_ids[run], email, wish, pace_group=group),
        )
        if made is not None:
            entry, id_ = made
            self.entry_ids[entry.number] = id_

    def change_status(self, which: int, wish: str) -> None:
        entry = self._entry(which)
        self._both(
            lambda world: world.change_status(world.entry(entry), wish),
            lambda: self.club.set_status(self.entry_ids[entry], wish),
        )

    def change_pace_group(self, which: int, group: str | None) -> None:
        entry = self._entry(which)
        self._both(
            lambda world: world.change_group(world.entry(entry), group),
            lambda: self.club.set_pace_group(self.entry_ids[entry], group),
        )

    def transfer(self, which: int, where: int, email: str | None, group: str | None, *, keeps: bool) -> None:
        """To another run of the event, to one of the other event, to another person, or at once; into a group, out of all, or as it is."""
        entry = self._entry(which)
        others = [run.number for run in self.world.runs if run is not self.world.entry(entry).run]
        run = others[where % len(others)] if others and where % 5 else self.world.entry(entry).run.number
        person = {} if email is None else {"email": email}
        self._both(
            lambda world: world.transfer(
                world.entry(entry), world.run(run), email or world.entry(entry).email, group, keeps=keeps
            ),
            lambda: self.club.transfer(self.entry_ids[entry], self.run_ids[run], UNSET if keeps else group, **person),
        )

    # Caps and doors

    def change_cap_of_run(self, which: int, cap: int | None) -> None:
        self._change_run(self._run(which), {"cap": cap}, {"maxParticipants": cap})

    def change_cap_of_race(self, race: int, cap: int | None) -> None:
        self._both(
            lambda world: world.change_race(world.races[race], cap),
            lambda: self.club.change_event(self.race_ids[race], maxParticipants=cap),
        )

    def declare_pace_groups(self, which: int, wanted: dict[str, Any]) -> None:
        self._declare(self._run(which), wanted)

    def _declare(self, run: int, wanted: dict[str, tuple[int | None, tuple[int, int] | None]]) -> None:
        groups = {name: model.Group(cap, bibs) for name, (cap, bibs) in wanted.items()}
        wire = [{"name": name, "maxParticipants": cap, **_range(bibs)} for name, (cap, bibs) in wanted.items()]
        self._change_run(run, {"groups": groups}, {"paceGroups": wire})

    def open_or_close_run(self, which: int, status: str | None, override: str | None, *, sold_out: bool) -> None:
        values = {"status": status, "override": override, "sold_out": sold_out}
        wire = {"eventStatus": status, "registrationOverride": override, "soldOut": sold_out}
        self._change_run(self._run(which), values, wire)

    def change_window_offers_and_bibs(
        self, which: int, opens: int | None, closes: int | None, offer_hours: int | None, range_: tuple[int, int] | None
    ) -> None:
        """Registration opens and closes so many hours from now."""
        opens_at = None if opens is None else self.world.now + timedelta(hours=opens)
        closes_at = None if closes is None else self.world.now + timedelta(hours=closes)
        values = {"opens_at": opens_at, "closes_at": closes_at, "offer_hours": offer_hours, "bibs": range_}
        wire = {"registrationOpensAt": opens_at, "registrationClosesAt": closes_at, "waitlistOfferHours": offer_hours}
        self._change_run(self._run(which), values, {**wire, **_range(range_)})

    def delete_run(self, which: int, *, cancel: bool) -> None:
        run = self._run(which)
        if len(self.world.runs) == 1:
            return
        self._both(
            lambda world: world.delete_run(world.run(run), cancel=cancel),
            lambda: self.club.delete_run(self.run_ids[run], cancel=cancel),
        )

    def time_passes(self, later: int, *, worker: bool) -> None:
        self.world.now += timedelta(hours=later)
        self.settled = worker
        if worker:
            self.world.begin()
            self.world.settle_all()
            self.world.end()
        self.club.time_passes(hours=later, worker=worker)

    # The day itself

    def check_in_or_undo(self, which: int, minutes_ago: int | None, device: str | None) -> None:
        entry = self._entry(which)
        if minutes_ago is None:
            self._both(
                lambda world: world.undo_check_in(world.entry(entry)),
                lambda: self.club.undo_check_in(self.entry_ids[entry]),
            )
            return
        at = self.world.now - timedelta(minutes=minutes_ago)
        self._both(
            lambda world: world.check_in(world.entry(entry), at, device),
            lambda: self.club.check_in(self.entry_ids[entry], at, device),
        )

    def give_bib(self, which: int, bib: str | None, *, pinned: bool | None) -> None:
        """The one named, or the lowest free one."""
        entry = self._entry(which)
        if bib is None:
            self._both(
                lambda world: world.assign_bib(world.entry(entry)),
                lambda: self.club.assign_bib(self.entry_ids[entry]),
            )
            return
        self._both(
            lambda world: world.give_bib(world.entry(entry), bib, pinned=pinned),
            lambda: self.club.give_bib(self.entry_ids[entry], bib, pinned=pinned),
        )

    def assign_bibs(self, race: int, which: int | None) -> None:
        inside = self.world.races[race].runs
        run = None if which is None or not inside else inside[which % len(inside)].number
        self._both(
            lambda world: world.assign_bibs(world.races[race], None if run is None else world.run(run)),
            lambda: self.club.assign_bibs(self.race_ids[race], None if run is None else self.run_ids[run]),
        )

    def handle_bib(self, which: int, act: str, other: int) -> None:
        one, two = self._entry(which), self._entry(other)
        id_ = self.entry_ids[one]
        if act == "swap":
            self._both(
                lambda world: world.swap_bibs(world.entry(one), world.entry(two)),
                lambda: self.club.swap_bibs(id_, self.entry_ids[two]),
            )
        elif act == "take away":
            self._both(lambda world: world.take_bib(world.entry(one)), lambda: self.club.take_bib(id_))
        else:
            pinned = act == "pin"
            self._both(
                lambda world: world.pin(world.entry(one), pinned=pinned),
                lambda: self.club.pin_bib(id_, pinned=pinned),
            )

    # What holds after every step

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        seen = self.club.read(lambda tx: look(tx, self.sequence))
        self._registrations_match(seen)
        self._lines_match(seen)
        self._counts_match(seen)
        self._journal_matches(seen)
        self._runs_sell_out_and_reopen(seen)
        self._versions_match(seen)
        self.sequence = seen.journal[-1].sequence if seen.journal else self.sequence

    def _registrations_match(self, seen: Seen) -> None:
        said = {
            self.entry_ids[entry.number]: (
                self.run_ids[entry.run.number],
                self.race_ids[entry.run.race.number],
                entry.email,
                entry.status,
                entry.group,
                _text(entry.offer_until),
                entry.bib,
                entry.pinned,
                _text(entry.seen_at),
                entry.device,
            )
            for entry in self.world.entries
        }
        stored = {
            row.id: (
                row.event_run_id,
                row.event_id,
                row.email,
                row.status,
                row.pace_group,
                row.offer_expires_at,
                row.bib,
                row.bib_pinned,
                row.checked_in_at,
                row.checked_in_device,
            )
            for row in seen.registrations.values()
        }
        assert stored == said
        bibs = [(row.event_id, row.bib) for row in seen.registrations.values() if row.bib is not None]
        assert len(bibs) == len(set(bibs))

    def _lines_match(self, seen: Seen) -> None:
        for race in self.world.races:
            said = [self.entry_ids[entry.number] for entry in self.world.line(race)]
            rows = [row for row in seen.registrations.values() if row.event_id == self.race_ids[race.number]]
            stored = sorted((row.queue_number, row.id) for row in rows if row.queue_number is not None)
            assert [id_ for _, id_ in stored] == said
            for run in race.runs:
                waiting = [entry for entry in self.world.line(race) if entry.run is run]
                explained = [(self.entry_ids[entry.number], self.world.why_waiting(entry)) for entry in waiting]
                told = seen.waiting[self.run_ids[run.number]]
                assert [(entry.registration.id, entry.reason) for entry in told] == explained
                assert [entry.position for entry in told] == list(range(1, len(told) + 1))

    def _counts_match(self, seen: Seen) -> None:
        """Counts are those of the rows, caps are kept, and no place is free while an entry that fits waits."""
        rows = list(seen.registrations.values())
        assert set(seen.runs) == {self.run_ids[run.number] for run in self.world.runs}
        for event in seen.events.values():
            _check_counts(event, [row for row in rows if row.event_id == event["id"]])
        for run in seen.runs.values():
            _check_counts(run, [row for row in rows if row.event_run_id == run["id"]])
        for group in seen.groups:
            inside = [row for row in rows if row.event_run_id == group["event_run_id"]]
            _check_counts(group, [row for row in inside if row.pace_group == group["name"]])
        if self.settled:
            assert not [entry for entry in self.world.entries if entry.status == "waitlist" and self.world.fits(entry)]

    def _journal_matches(self, seen: Seen) -> None:
        """Each change has its row: versions without a gap, the last one showing the registration as it is."""
        told: dict[str, list[journal.Entry]] = {}
        for entry in seen.journal:
            if entry.object_type == "registration":
                told.setdefault(entry.object_id, []).append(entry)
        changed = {
            id_ for id_ in {*seen.registrations, *self.known} if seen.registrations.get(id_) != self.known.get(id_)
        }
        assert set(told) >= changed
        for id_, entries in told.items():
            before, after = self.known.get(id_), seen.registrations.get(id_)
            first = before.version + 1 if before else 1
            assert [entry.object_version for entry in entries] == list(range(first, first + len(entries)))
            if after is None:
                assert entries[-1].verb == "registration.deleted"
            else:
                snapshot = msgspec.json.decode(entries[-1].snapshot)
                assert {name: snapshot[name] for name in Registration.__struct_fields__} == msgspec.structs.asdict(
                    after
                )
        self.known = seen.registrations

    def _runs_sell_out_and_reopen(self, seen: Seen) -> None:
        """Once each time the last place is taken, with the counts of that moment; and once when a full one has room again.

        Whoever keeps the last that was told of a run knows whether it is full."""
        told = [entry for entry in seen.journal if entry.verb == "run.sold_out"]
        assert sorted(entry.object_id for entry in told) == sorted(
            self.run_ids[number] for number in self.world.sold_out
        )
        for entry in told:
            run = msgspec.json.decode(entry.snapshot)
            assert run["confirmed"] + run["offered"] == run["max_participants"]
        self.world.sold_out.clear()
        again = [entry for entry in seen.journal if entry.verb == "run.updated" and "confirmed" in _changed(entry)]
        assert sorted(entry.object_id for entry in again) == sorted(
            self.run_ids[number] for number in self.world.reopened
        )
        self.world.reopened.clear()
        self.told_full |= {entry.object_id: _told_full(entry) for entry in seen.journal if entry.object_type == "run"}
        assert {id_: self.told_full[id_] for id_ in seen.runs} == {id_: _is_full(row) for id_, row in seen.runs.items()}

    def _versions_match(self, seen: Seen) -> None:
        for row in [*seen.runs.values(), *seen.events.values()]:
            told = [entry.object_version for entry in seen.journal if entry.object_id == row["id"]]
            assert told == list(range(self.known_versions.get(row["id"], 0) + 1, row["version"] + 1))
            self.known_versions[row["id"]] = row["version"]

    def teardown(self) -> None:
        async def clean_up(tx: Write) -> None:
            for statement in CLEAN_UP:
                await tx.execute(statement)

        self.club.write(clean_up)

    # One step on both sides

    def _both(self, rules: Callable[[World], Any], real: Callable[[], Any]) -> tuple[Any, Any] | None:
        """Do the same to model and database. Both take it, or both refuse it, for a reason that applies."""
        tried = copy.deepcopy(self.world)
        tried.begin()
        expected = done = None
        forbidden, failure = set[str](), None
        try:
            expected = rules(tried)
            tried.end()
        except Refused as refusal:
            forbidden = refusal.codes
        try:
            done = real()
        except (errors.Conflict, errors.Invalid) as raised:
            failure = raised
        assert bool(forbidden) == (failure is not None), f"the rules say {forbidden or 'yes'}, the database {failure!r}"
        if failure is not None:
            assert failure.code in forbidden
            return None
        self.world = tried
        return expected, done

    def _change_run(self, run: int, values: dict[str, Any], wire: dict[str, Any]) -> None:
        self._both(
            lambda world: world.change_run(world.run(run), **values),
            lambda: self.club.change_run(self.run_ids[run], **wire),
        )

    def _run(self, which: int) -> int:
        return self.world.runs[which % len(self.world.runs)].number

    def _entry(self, which: int) -> int:
        """Somebody with a place or an offer of one, somebody who waits, or anybody."""
        holding = [entry for entry in self.world.entries if entry.holds_place]
        waiting = [entry for entry in self.world.entries if entry.status == "waitlist"]
        kinds = [holding, self.world.entries, waiting, holding, waiting]
        entries = kinds[which % len(kinds)] or self.world.entries
        return entries[which // len(kinds) % len(entries)].number


def _check_counts(counted: dict[str, Any], rows: list[Registration]) -> None:
    confirmed = sum(row.status == "confirmed" for row in rows)
    offered = sum(row.offer_expires_at is not None for row in rows)
    assert (counted["confirmed"], counted["offered"]) == (confirmed, offered)
    assert counted["max_participants"] is None or confirmed + offered <= counted["max_participants"]


def _is_full(run: dict[str, Any]) -> bool:
    return run["max_participants"] is not None and run["confirmed"] + run["offered"] >= run["max_participants"]


def _changed(entry: journal.Entry) -> list[str]:
    return msgspec.json.decode(entry.changed, type=list[str])


def _told_full(entry: journal.Entry) -> bool:
    return _is_full(msgspec.json.decode(entry.snapshot))


def _range(bibs: tuple[int, int] | None) -> dict[str, int | None]:
    return {"bibFrom": bibs[0], "bibTo": bibs[1]} if bibs else {"bibFrom": None, "bibTo": None}


def _text(at: datetime | None) -> str | None:
    return None if at is None else instants.text(at)


def test_every_story_of_registering_goes_as_the_rules_say(
    app: Application, database_kind: str, request: pytest.FixtureRequest
) -> None:
    # From its eleventh story on Hypothesis makes most by varying earlier ones; many short rounds tell more that are new.
    # A story of so many verbs takes minutes to shrink, longer than anybody waits for a test, and more than one round may fail:
    # the first failure is told as it is found. Add Phase.shrink to have the shortest one instead.
    chosen = settings(
        max_examples=10,
        stateful_step_count=STEPS,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    rounds = ROUNDS[database_kind]
    if request.config.getoption("--long"):
        first = random.SystemRandom().randrange(1_000_000)
        rounds = range(first, first + ROUNDS_LONG)
    print(f"the first round is {rounds[0]}")

    for round_ in rounds:

        @seed(round_)
        def machine() -> RegistrationMachine:
            return RegistrationMachine(app)

        run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type]
