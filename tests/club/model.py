"""The rules of registering, waiting, bibs and check-in once more, in plain Python, for comparison.

Written from the rules, not from the code: nothing here counts, caches or locks. A place is free when few enough have one; who is next is
found by looking at everybody. Slow and obvious; `test_registration_machine` holds the real thing to it after every step.

A verb either changes the world or raises `Refused` with the codes that may be given for the refusal, and then changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

HIGHEST_BIB = 999_999
COMING, WAITING, LEFT = "confirmed", "waitlist", ("cancelled", "refunded")


class Refused(Exception):
    """The rules forbid it. `codes` are the reasons that apply; any of them may be told."""

    def __init__(self, *codes: str) -> None:
        super().__init__(", ".join(codes))
        self.codes = set(codes)


@dataclass
class Group:
    cap: int | None = None
    bibs: tuple[int, int] | None = None


@dataclass(eq=False)
class Run:
    number: int
    race: "Race"
    cap: int | None = None
    groups: dict[str, Group] = field(default_factory=dict)
    bibs: tuple[int, int] | None = None
    offer_hours: int | None = None
    status: str | None = None
    override: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    sold_out: bool = False


@dataclass(eq=False)
class Race:
    number: int
    cap: int | None = None
    runs: list[Run] = field(default_factory=list)


@dataclass(eq=False)
class Entry:
    number: int
    run: Run
    email: str
    status: str
    group: str | None = None
    arrived: int | None = None  # when they joined the line; only of those who wait
    offer_until: datetime | None = None
    bib: str | None = None
    pinned: bool = False
    seen_at: datetime | None = None
    device: str | None = None

    @property
    def active(self) -> bool:
        return self.status in (COMING, WAITING)

    @property
    def holds_place(self) -> bool:
        return self.status == COMING or self.offer_until is not None

    def leave(self, status: str) -> None:
        self.status, self.arrived, self.offer_until, self.bib, self.pinned = status, None, None, None, False


@dataclass
class World:
    """One organization: its races, everybody who ever registered, and what time it is."""

    now: datetime
    races: list[Race] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    registered: int = 0
    tickets: int = 0
    sold_out: list[int] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    full: set[int] = field(default_factory=set)  # runs that were full when the verb began, or have sold out since

    # Looking

    def run(self, number: int) -> Run:
        return next(run for run in self.runs if run.number == number)

    def entry(self, number: int) -> Entry:
        return next(entry for entry in self.entries if entry.number == number)

    @property
    def runs(self) -> list[Run]:
        return [run for race in self.races for run in race.runs]

    def line(self, race: Race) -> list[Entry]:
        """Everybody who waits for any run of the race, first come first."""
        waiting = [entry for entry in self.entries if entry.run.race is race and entry.status == WAITING]
        return sorted(waiting, key=lambda entry: entry.arrived or 0)

    def taken(self, race: Race, run: Run | None = None, group: str | None = None) -> int:
        """How many have a place or are being offered one: in a race, in one run of it, in one pace group of that."""
        return sum(
            entry.holds_place
            and entry.run.race is race
            and (run is None or entry.run is run)
            and (group is None or entry.group == group)
            for entry in self.entries
        )

    def is_open(self, run: Run) -> bool:
        return (
            run.status not in ("cancelled", "postponed")
            and run.override is None
            and (run.opens_at is None or run.opens_at <= self.now)
            and (run.closes_at is None or self.now < run.closes_at)
        )

    def obstacle(self, run: Run, group: str | None) -> str | None:
        """What is full, the nearest first."""
        if run.sold_out or (run.cap is not None and self.taken(run.race, run) >= run.cap):
            return "full"
        cap = run.groups[group].cap if group in run.groups else None
        if cap is not None and self.taken(run.race, run, group) >= cap:
            return "paceGroupFull"
        if run.race.cap is not None and self.taken(run.race) >= run.race.cap:
            return "eventFull"
        return None

    def fits(self, entry: Entry) -> bool:
        return entry.offer_until is None and self.is_open(entry.run) and self.obstacle(entry.run, entry.group) is None

    def why_waiting(self, entry: Entry) -> str:
        if entry.offer_until is not None:
            return "offerOpen"
        if entry.run.status == "cancelled":
            return "runCancelled"
        if not self.is_open(entry.run):
            return "registrationClosed"
        return self.obstacle(entry.run, entry.group) or "registrationClosed"

    # When a run's last place is taken, and when there is room again

    def begin(self) -> None:
        """Another verb: a run that is full now and still, or again, when it ends is no news."""
        self.full = {run.number for run in self.runs if self.is_full(run)}

    def is_full(self, run: Run) -> bool:
        return run.cap is not None and self.taken(run.race, run) >= run.cap

    def tell_full(self) -> None:
        """Runs that have become full are sold out, each once."""
        became = [run.number for run in self.runs if self.is_full(run) and run.number not in self.full]
        self.sold_out += became
        self.full.update(became)

    def end(self) -> None:
        """The verb is over: what it filled is sold out, and runs that were full and are not any more have room again."""
        self.tell_full()
        self.reopened += [run.number for run in self.runs if run.number in self.full and not self.is_full(run)]

    # What the server does by itself

    def settle(self, race: Race) -> None:
        """Offers that lapsed are cancelled; then, as long as somebody who waits fits, the first of them gets a place."""
        for entry in self.line(race):
            if entry.offer_until is not None and entry.offer_until <= self.now:
                entry.leave("cancelled")
        while chosen := next((entry for entry in self.line(race) if self.fits(entry)), None):
            if chosen.run.offer_hours is not None:
                chosen.offer_until = self.now + timedelta(hours=chosen.run.offer_hours)
            else:
                self._place(chosen)
        self.tell_full()

    def settle_all(self) -> None:
        for race in self.races:
            self.settle(race)

    # Places

    def register(self, run: Run, email: str, wish: str, group: str | None) -> Entry:
        if wish in LEFT:
            return self._new(run, email, wish, group)
        self._must_be_open(run)
        self.settle(run.race)
        self._must_be_only(run, email, wish, group)
        entry = self._new(run, email, "cancelled", group)
        self._wish(entry, wish)
        return entry

    def change_status(self, entry: Entry, wish: str) -> None:
        if entry.status == wish:
            return
        if wish in LEFT:
            left = entry.active
            entry.leave(wish)
            if left:
                self.settle(entry.run.race)
        elif not entry.active:
            self._must_be_open(entry.run)
            self.settle(entry.run.race)
            self._must_be_only(entry.run, entry.email, wish, entry.group)
            self._wish(entry, wish)
        elif wish == WAITING:
            if entry.seen_at is not None:
                raise Refused("conflict")
            self._queue(entry)
            self.settle(entry.run.race)
        else:
            self._confirm(entry)

    def _confirm(self, entry: Entry) -> None:
        """Somebody who waits wants to come: their offer is taken up, or it is their turn anyway."""
        had_offer = entry.offer_until is not None
        if entry.offer_until is not None and entry.offer_until > self.now:
            if entry.run.status == "cancelled":
                raise Refused("registration_closed")
            self._place(entry)
            return
        self._must_be_open(entry.run)
        self.settle(entry.run.race)
        if entry.offer_until is not None:
            self._place(entry)
        elif entry.status != COMING:
            raise Refused("conflict" if had_offer else "sold_out")

    def change_group(self, entry: Entry, group: str | None) -> None:
        if entry.group == group:
            return
        if entry.active:
            self.settle(entry.run.race)
        if entry.holds_place:
            cap = entry.run.groups[group].cap if group in entry.run.groups else None
            if cap is not None and self.taken(entry.run.race, entry.run, group) >= cap:
                raise Refused("sold_out")
        entry.group = group
        self.settle(entry.run.race)

    def transfer(self, entry: Entry, run: Run, email: str, group: str | None, *, keeps: bool) -> None:
        """Into `group`, or `keeps`: into the one they are in, where the new run has it."""
        moves, old = run is not entry.run, entry.run
        self.settle(old.race)
        if not moves and email == entry.email and keeps:
            raise Refused("invalid")
        self._must_be_transferable(entry)
        if moves:
            self._must_be_open(run)
            self.settle(run.race)
        twice = any(other.email == email for other in self._active(run) if other is not entry)
        entry.email = email
        if moves:
            self._move(entry, run, group, keeps=keeps)
        elif not keeps:
            self.change_group(entry, group)
        if twice:
            raise Refused("already_registered")
        for race in {old.race, run.race}:
            self.settle(race)

    def _move(self, entry: Entry, run: Run, group: str | None, *, keeps: bool) -> None:
        old, came, bib, pinned = entry.run, entry.status == COMING, entry.bib, entry.pinned
        if keeps:
            group = entry.group if not run.groups or entry.group in run.groups else None
        entry.leave("cancelled")  # what they held is free before they ask for a place
        if came and self.obstacle(run, group) is not None:
            raise Refused("sold_out")
        entry.run, entry.group = run, group
        if not came:
            self._queue(entry)
            return
        self._place(entry)
        own = self._range(run, group)
        keeps = own is None or pinned or (bib is not None and bib.isdigit() and own[0] <= int(bib) <= own[1])
        if old.race is run.race and keeps:
            entry.bib, entry.pinned = bib, pinned

    # Caps and doors

    def change_run(self, run: Run, **values: Any) -> None:
        self.settle(run.race)
        differs = any(value != getattr(run, name) for name, value in values.items())
        for name, value in values.items():
            setattr(run, name, value)
        if differs and not self.is_full(run):
            self.full.discard(
                run.number
            )  # the change itself tells of the room; whoever takes the last of it makes news
        if run.cap is not None and self.taken(run.race, run) > run.cap:
            raise Refused("cap_too_low")
        for name, group in run.groups.items():
            if group.cap is not None and self.taken(run.race, run, name) > group.cap:
                raise Refused("cap_too_low")
        self.settle(run.race)

    def change_race(self, race: Race, cap: int | None) -> None:
        self.settle(race)
        race.cap = cap
        if cap is not None and self.taken(race) > cap:
            raise Refused("cap_too_low")
        self.settle(race)

    def delete_run(self, run: Run, *, cancel: bool) -> None:
        if self._active(run) and not cancel:
            raise Refused("still_registered")
        self.entries = [entry for entry in self.entries if entry.run is not run]
        run.race.runs.remove(run)
        self.settle(run.race)

    # Check-in

    def check_in(self, entry: Entry, at: datetime, device: str | None) -> None:
        if entry.status != COMING:
            raise Refused("cannot_check_in")
        if entry.seen_at is None or (at, device or "") < (entry.seen_at, entry.device or ""):
            entry.seen_at, entry.device = at, device

    def undo_check_in(self, entry: Entry) -> None:
        entry.seen_at = entry.device = None

    # Bibs

    def give_bib(self, entry: Entry, bib: str, *, pinned: bool | None) -> None:
        self._must_come(entry)
        if any(other.bib == bib for other in self._of(entry.run.race) if other is not entry):
            raise Refused("bib_taken")
        entry.bib, entry.pinned = bib, entry.pinned if pinned is None else pinned

    def assign_bib(self, entry: Entry) -> None:
        self._must_come(entry)
        if entry.bib is None:
            entry.bib = self._lowest_bib(entry)

    def assign_bibs(self, race: Race, run: Run | None) -> None:
        for entry in self._of(race):
            if entry.status == COMING and entry.bib is None and run in (None, entry.run):
                entry.bib = self._lowest_bib(entry)

    def pin(self, entry: Entry, *, pinned: bool) -> None:
        if pinned and entry.bib is None:
            raise Refused("conflict")
        entry.pinned = pinned

    def take_bib(self, entry: Entry) -> None:
        entry.bib, entry.pinned = None, False

    def swap_bibs(self, one: Entry, other: Entry) -> None:
        if one is other:
            raise Refused("invalid")
        if one.run.race is not other.run.race:
            raise Refused("conflict")
        self._must_come(one)
        self._must_come(other)
        if one.bib is None and other.bib is None:
            raise Refused("conflict")
        one.bib, other.bib, one.pinned, other.pinned = other.bib, one.bib, other.pinned, one.pinned

    def _lowest_bib(self, entry: Entry) -> str:
        """The lowest number of their range nobody has; those set aside for others, inside it or everywhere, are not theirs."""
        own = self._range(entry.run, entry.group)
        first, last = own or (1, HIGHEST_BIB)
        others = [other for other in self._ranges(entry.run.race) if other != own]
        aside = [other for other in others if own is None or (first <= other[0] and other[1] <= last)]
        taken = {other.bib for other in self._of(entry.run.race)}
        for number in range(first, last + 1):
            if str(number) not in taken and not any(low <= number <= high for low, high in aside):
                return str(number)
        raise Refused("bibs_exhausted")

    def _range(self, run: Run, group: str | None) -> tuple[int, int] | None:
        own = run.groups[group].bibs if group in run.groups else None
        return own or run.bibs

    def _ranges(self, race: Race) -> Iterator[tuple[int, int]]:
        for run in race.runs:
            yield from (group.bibs for group in run.groups.values() if group.bibs)
            if run.bibs:
                yield run.bibs

    # Small things

    def _new(self, run: Run, email: str, status: str, group: str | None) -> Entry:
        self.registered += 1
        entry = Entry(self.registered, run, email, status, group)
        self.entries.append(entry)
        return entry

    def _wish(self, entry: Entry, wish: str) -> None:
        """A place if there is one; else a confirmed wish is refused and a waiting one joins the line."""
        if self.obstacle(entry.run, entry.group) is None:
            self._place(entry)
        elif wish == COMING:
            raise Refused("sold_out")
        elif entry.seen_at is not None:
            raise Refused("conflict")
        else:
            self._queue(entry)

    def _place(self, entry: Entry) -> None:
        entry.status, entry.arrived, entry.offer_until = COMING, None, None

    def _queue(self, entry: Entry) -> None:
        entry.leave(WAITING)
        self.tickets += 1
        entry.arrived = self.tickets

    def _of(self, race: Race) -> list[Entry]:
        return [entry for entry in self.entries if entry.run.race is race]

    def _active(self, run: Run) -> list[Entry]:
        return [entry for entry in self.entries if entry.run is run and entry.active]

    def _must_be_open(self, run: Run) -> None:
        if not self.is_open(run):
            raise Refused("registration_closed")

    def _must_be_only(self, run: Run, email: str, wish: str, group: str | None) -> None:
        if any(entry.email == email for entry in self._active(run)):
            full = wish == COMING and self.obstacle(run, group) is not None
            raise Refused("already_registered", *(["sold_out"] if full else []))

    def _must_be_transferable(self, entry: Entry) -> None:
        if not entry.active or entry.seen_at is not None:
            raise Refused("conflict")

    def _must_come(self, entry: Entry) -> None:
        if entry.status != COMING:
            raise Refused("no_place_no_bib")
