"""Sports: what devices and programs call them, and what they are called on the wire.

A word is compared by its letters and digits alone: `lap_swimming`, `Lap Swimming` and `lapSwimming` are the same. A sport
that nobody here knows is `Other`.
"""

import re

TYPES = (
    "Ride", "Run", "Swim", "WeightTraining", "Hike", "Walk", "AlpineSki", "BackcountrySki", "Badminton", "Canoeing",
    "Crossfit", "EBikeRide", "EMountainBikeRide", "Elliptical", "Golf", "GravelRide", "TrackRide", "Handcycle",
    "HighIntensityIntervalTraining", "Hockey", "IceSkate", "InlineSkate", "Kayaking", "Kitesurf", "MountainBikeRide",
    "Cyclocross", "NordicSki", "OpenWaterSwim", "Padel", "Pilates", "Pickleball", "Racquetball", "Rugby",
    "RockClimbing", "RollerSki", "Rowing", "Sail", "Skateboard", "Snowboard", "Snowshoe", "Soccer", "Squash",
    "StairStepper", "StandUpPaddling", "Surfing", "TableTennis", "Tennis", "TrailRun", "Transition", "Velomobile",
    "VirtualRide", "VirtualRow", "VirtualRun", "VirtualSki", "WaterSport", "Wheelchair", "Windsurf", "Workout", "Yoga",
    "Other",
)  # fmt: skip

# A line is a type and the words for it, beside the type itself.
_WORDS = """
Ride cycling biking bike road road_cycling road_biking bmx recumbent_cycling commuting mixed_surface 1
Run running jogging street_running street_run track_running treadmill_running treadmill indoor_running ultra_run
 obstacle_run 9
Swim swimming lap_swimming pool_swim pool_swimming
OpenWaterSwim open_water_swimming open_water
WeightTraining strength_training strength weights weight_lifting weightlifting
Hike hiking mountaineering trekking 4
Walk walking casual_walking speed_walking indoor_walking casual_walk 10
AlpineSki alpine_skiing downhill_skiing resort_skiing skiing resort_skiing_snowboarding
BackcountrySki backcountry_skiing ski_touring touring_ski
NordicSki cross_country_skiing nordic_skiing skate_skiing classic_skiing
VirtualSki indoor_skiing
RollerSki roller_skiing
Snowboard snowboarding resort_snowboarding backcountry_snowboarding
Snowshoe snowshoeing
EBikeRide e_biking e_bike e_bike_fitness ebiking
EMountainBikeRide e_bike_mountain e_mountain_biking emtb
GravelRide gravel_cycling gravel gravel_biking gravel_unpaved_cycling
MountainBikeRide mountain_biking mountain_bike mountain mtb downhill_biking enduro_mtb downhill_mountain_biking
TrackRide track_cycling velodrome
Cyclocross cyclocross_cycling
Handcycle hand_cycling indoor_hand_cycling
VirtualRide indoor_cycling virtual_cycling spin spinning indoor_biking
VirtualRun virtual_running
TrailRun trail_running trail
Rowing row rowing_v2
VirtualRow indoor_rowing virtual_rowing
Canoeing canoe paddling
Kayaking kayak whitewater_rafting_kayaking kayaking_v2
StandUpPaddling stand_up_paddleboarding stand_up_paddle sup
Surfing surf
Kitesurf kitesurfing kiteboarding
Windsurf windsurfing
Sail sailing sailing_v2 boating
WaterSport rafting wakeboarding water_skiing wakesurfing water_tubing snorkeling diving
IceSkate ice_skating
InlineSkate inline_skating
Skateboard skateboarding
RockClimbing rock_climbing indoor_climbing bouldering floor_climbing climbing
StairStepper stair_climbing stair_stepper floor_climb
Elliptical elliptical_trainer elliptical_training
HighIntensityIntervalTraining hiit amrap emom tabata
Crossfit cross_fit
Soccer football
Hockey ice_hockey field_hockey
Tennis racket
Wheelchair wheelchair_push_walk wheelchair_push_run indoor_wheelchair_walk indoor_wheelchair_run
Workout training cardio cardio_training fitness_equipment fitness exercise indoor_cardio warm_up boxing dance jump_rope
 mixed_martial_arts flexibility_training basketball volleyball cricket lacrosse baseball american_football gym
Yoga meditation breathing breathwork
Transition multisport_transition bike_to_run_transition run_to_bike_transition swim_to_bike_transition transition_v2
Other generic multisport
"""

# A sub-sport that means something else beside another sport than alone, as sport: sub-sport type.
_TOGETHER = """
running: treadmill Run indoor_running Run virtual_activity VirtualRun trail TrailRun track Run street Run generic Run
cycling: mountain MountainBikeRide downhill MountainBikeRide virtual_activity VirtualRide indoor_cycling VirtualRide
 spin VirtualRide track_cycling TrackRide e_bike_fitness EBikeRide e_bike_mountain EMountainBikeRide road Ride
 hand_cycling Handcycle indoor_hand_cycling Handcycle recumbent Ride commuting Ride mixed_surface GravelRide
e_biking: e_bike_mountain EMountainBikeRide mountain EMountainBikeRide
swimming: lap_swimming Swim open_water OpenWaterSwim generic Swim
rowing: indoor_rowing VirtualRow
walking: indoor_walking Walk treadmill Walk
hiking: trail Hike
alpine_skiing: backcountry BackcountrySki resort AlpineSki
snowboarding: backcountry Snowboard resort Snowboard
cross_country_skiing: backcountry BackcountrySki skate_skiing NordicSki indoor_skiing VirtualSki
fitness_equipment: treadmill VirtualRun indoor_cycling VirtualRide indoor_rowing VirtualRow elliptical Elliptical
 stair_climbing StairStepper strength_training WeightTraining indoor_running VirtualRun
training: strength_training WeightTraining yoga Yoga pilates Pilates hiit HighIntensityIntervalTraining
 cardio_training Workout flexibility_training Workout
rock_climbing: indoor_climbing RockClimbing bouldering RockClimbing
racket: squash Squash padel Padel badminton Badminton pickleball Pickleball racquetball Racquetball
 table_tennis TableTennis
tennis: padel Padel
"""


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word[:80].lower())


def _by_word() -> dict[str, str]:
    found = {_plain(kind): kind for kind in TYPES}
    for line in _WORDS.replace("\n ", " ").strip().splitlines():
        kind, *words = line.split()
        for word in words:
            found.setdefault(_plain(word), kind)
    return found


def _by_pair() -> dict[tuple[str, str], str]:
    found = {}
    for line in _TOGETHER.replace("\n ", " ").strip().splitlines():
        sport, rest = line.split(":")
        words = rest.split()
        for sub, kind in zip(words[::2], words[1::2], strict=True):
            found[_plain(sport), _plain(sub)] = kind
    return found


_KNOWN = _by_word()
_PAIRS = _by_pair()
_NOTHING = frozenset({"", "generic", "all", "match", "other"})


def activity_type(sport: str | None, sub_sport: str | None = None) -> str:
    """The wire's word for a sport as a file spells it. The sub-sport counts for more where it is known beside the sport."""
    first, second = _plain(sport or ""), _plain(sub_sport or "")
    pair = _PAIRS.get((first, second))
    if pair:
        return pair
    if second not in _NOTHING and second in _KNOWN and (first in _NOTHING or _KNOWN.get(first, "Other") == "Workout"):
        return _KNOWN[second]
    if first in _KNOWN:
        base = _KNOWN[first]
        finer = _KNOWN.get(second)
        return finer if finer and finer in _FINER.get(base, ()) else base
    return _KNOWN.get(second, "Other") if second not in _NOTHING else "Other"


_FINER = {
    "Ride": {"GravelRide", "Cyclocross", "TrackRide", "MountainBikeRide", "VirtualRide", "EBikeRide", "Velomobile"},
    "Run": {"TrailRun", "VirtualRun"},
    "Swim": {"OpenWaterSwim"},
    "Rowing": {"VirtualRow"},
}

__all__ = ["TYPES", "activity_type"]
