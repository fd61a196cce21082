"""Sports: what a sport's name says about how its records are read.

Names are those of the wire (`Ride`, `TrailRun`). A sport we do not know is read like `Other`: by heart rate, with speed if it has one.
"""

RIDES = frozenset(
    {
        "Ride", "VirtualRide", "GravelRide", "MountainBikeRide", "EBikeRide", "EMountainBikeRide", "TrackRide", "Cyclocross",
        "Velomobile", "Handcycle",
    }
)  # fmt: skip
RUNS = frozenset({"Run", "TrailRun", "VirtualRun"})
ON_FOOT = RUNS | {"Walk", "Hike", "Snowshoe"}
SWIMS = frozenset({"Swim", "OpenWaterSwim"})
BY_PACE = (
    ON_FOOT
    | SWIMS
    | {
        "Rowing", "VirtualRow", "Canoeing", "Kayaking", "StandUpPaddling", "NordicSki", "BackcountrySki", "VirtualSki",
        "RollerSki", "IceSkate", "InlineSkate", "Wheelchair",
    }
)  # fmt: skip

# Slower than this is standing, in m/s. Swims rest on the recording: their speed comes once a length.
_STANDING_MPS = {"ride": 0.9, "foot": 0.4, "other": 0.3}


def standing_mps(sport: str) -> float:
    """The speed below which somebody stands; 0 where records do not tell."""
    if sport in SWIMS:
        return 0.0
    return _STANDING_MPS["ride" if sport in RIDES else "foot" if sport in ON_FOOT else "other"]
