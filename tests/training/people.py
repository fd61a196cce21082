"""An athlete of a test's own, spoken to in the domain's own verbs, and files that devices could have written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
import numpy as np

from openintervals.db.transaction import Asking, Read, Tenant, Write
from openintervals.formats.recording import Activity as Recorded
from openintervals.platform.files import Files
from openintervals.training import activities, activity_edits, athletes, exports, newcomers, sport_settings, uploads
from openintervals.training.uploads import Options, Uploaded
from tests.formats import rides
from tests.servers import Application

T = TypeVar("T")


@dataclass
class Person:
    """One athlete, with sport settings for a ride, and a place for files."""

    app: Application
    tenant: Tenant
    files: Files

    @property
    def id(self) -> str:
        return self.tenant.organization_id

    def write(self, work: Callable[[Write], Awaitable[T]]) -> T:
        return self.app.write(work, self.tenant)

    def read(self, work: Callable[[Read], Awaitable[T]]) -> T:
        return self.app.read(work, self.tenant)

    def asking(self) -> Asking:
        return self.app.asking(self.tenant)

    def upload(self, data: bytes, *, file_name: str = "", **options: Any) -> Uploaded:
        return self.app.run(
            uploads.upload(self.app.database, self.asking(), self.files, data, Options(**options), file_name)
        )

    def uploaded(self, data: bytes, **options: Any) -> str:
        """The id of the one activity of a file."""
        [found] = self.upload(data, **options).activity_ids
        return found

    def served(self, said: str) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.read(lambda tx: activities.shown(tx, said))))

    def change(self, said: str, **given: Any) -> dict[str, Any]:
        return self.write(lambda tx: activity_edits.change(tx, said, given)).values()

    def delete(self, said: str) -> None:
        self.write(lambda tx: activity_edits.delete(tx, said))

    def set(self, type_: str, **given: Any) -> None:
        """Set sport settings, which count from the beginning while they were never set."""
        self.write(lambda tx: sport_settings.change(tx, type_, given=given, preferences={}))


def join(app: Application, files: Files, **settings: Any) -> Person:
    """A new athlete in Berlin, of 70 kg."""
    came = app.write(lambda tx: newcomers.join(tx, name="Ann", timezone="Europe/Berlin"))
    person = Person(app, athletes.tenant(came.athlete.id), files)
    person.write(lambda tx: athletes.change(tx, {"weight_kg": 70.0, "resting_hr_bpm": 45, "sex": "F"}, {}))
    person.set("Ride", ftp_w=250, w_prime_j=20_000, lthr_bpm=165, max_hr_bpm=185, **settings)
    return person


def ride(rows: int = 900, *, days: float = 0, type_: str = "Ride", **channels: Any) -> Recorded:
    """A ride of so many records, at least 720, so many days later than the usual one, with some channels of one's own."""
    made = rides.ride(rows)
    by_s = timedelta(days=days)
    laps = tuple(replace(lap, start_at=lap.start_at and lap.start_at + by_s) for lap in made.laps)
    given = {
        name: np.full(rows, values) if isinstance(values, int | float) else values for name, values in channels.items()
    }
    moved = made.start_at + by_s
    return replace(made, type=type_, start_at=moved, first_at=moved, laps=laps, channels={**made.channels, **given})


def fit(rows: int = 900, *, days: float = 0, type_: str = "Ride", **channels: Any) -> bytes:
    """The same as a file."""
    return exports.as_fit(ride(rows, days=days, type_=type_, **channels))
