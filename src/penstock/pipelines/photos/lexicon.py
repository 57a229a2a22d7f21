"""Words that tell the time of day, the season and the kind of a photo. Whole words; plurals are added by the
reader."""

from __future__ import annotations

TIME_WORDS: dict[str, str] = {
    "sunrise": "sunrise", "dawn": "dawn", "daybreak": "dawn", "morning": "morning", "noon": "noon",
    "midday": "noon", "afternoon": "afternoon", "sunset": "sunset", "dusk": "dusk", "twilight": "dusk",
    "evening": "evening", "night": "night", "nighttime": "night", "midnight": "night", "fireworks": "night",
}  # fmt: skip
SEASON_WORDS: dict[str, str] = {
    "spring": "spring", "springtime": "spring", "summer": "summer", "summertime": "summer", "autumn": "autumn",
    "fall": "autumn", "winter": "winter", "wintertime": "winter",
}  # fmt: skip
NOT_A_TIME: tuple[str, ...] = (
    "night heron", "night herons", "night market", "night jar", "night watch", "evening primrose", "morning glory",
    "dawn redwood", "sunset boulevard", "sunset strip", "sunset beach", "sunset park", "sunset crater",
    "sunrise avenue", "twilight zone", "evening grosbeak", "midnight express", "hot spring", "silver spring",
    "spring water", "spring bok", "water fall", "winter wren", "summer tanager", "winter palace", "summer palace",
    "fall river", "morning dove", "afternoon tea",
)  # fmt: skip
"""Names that hold such a word without telling a time."""

CLASH = {
    "sunrise": "early", "dawn": "early", "morning": "early", "noon": "day", "afternoon": "day", "sunset": "late",
    "dusk": "late", "evening": "late", "night": "night",
}  # fmt: skip
FITTING_HOURS: dict[str, tuple[int, int]] = {
    "sunrise": (3, 10), "dawn": (2, 10), "morning": (4, 13), "noon": (11, 15), "afternoon": (11, 20),
    "sunset": (14, 24), "dusk": (14, 25), "evening": (15, 25), "night": (16, 32),
}  # fmt: skip
"""Local hours, from and before, at which a word may be true somewhere in some season; above 24 means past
midnight."""

FOLDER_KINDS: dict[str, str] = {
    "architecture": "architecture", "architectural": "architecture", "cityscape": "urban", "cityscapes": "urban",
    "urban": "urban", "city": "urban", "street": "urban", "aviation": "aviation", "aircraft": "aviation",
    "planes": "aviation", "night": "night", "astrophotography": "night", "fireworks": "night",
    "glassball": "glassball", "water": "waterscape", "waterscape": "waterscape", "seascape": "waterscape",
    "people": "people", "portrait": "people", "portraits": "people", "macro": "macro", "closeup": "macro",
    "birds": "wildlife", "bird": "wildlife", "wildlife": "wildlife", "animals": "wildlife", "cars": "vehicle",
    "vehicles": "vehicle", "trains": "vehicle", "nature": "landscape", "landscape": "landscape",
    "landscapes": "landscape", "desert": "desert",
}  # fmt: skip
KIND_WORDS: dict[str, tuple[str, ...]] = {
    "glassball": ("glassball", "glass ball", "crystal ball", "lensball"),
    "night": ("night", "fireworks", "milky way", "stars", "astrophotography"),
    "aviation": ("aircraft", "airplane", "aeroplane", "plane", "helicopter", "jet", "airliner", "airshow",
    "glider"),
    "wildlife": ("bird", "animal", "mammal", "wildlife", "raptor", "waterfowl", "songbird", "reptile"),
    "macro": ("macro", "closeup", "close up", "insect", "flower", "blossom", "mushroom", "butterfly"),
    "people": ("people", "person", "portrait", "woman", "man", "child", "crowd", "family", "wedding"),
    "vehicle": ("car", "bus", "truck", "tram", "train", "motorcycle", "bicycle", "vehicle", "scooter"),
    "structure": ("bridge", "windmill", "tower", "lighthouse", "dam", "crane", "pier", "lock"),
    "architecture": ("building", "church", "cathedral", "facade", "house", "castle", "palace", "museum",
    "station"),
    "urban": ("street", "city", "downtown", "skyline", "square", "market", "intersection", "boulevard"),
    "waterscape": ("lake", "river", "canal", "sea", "beach", "harbour", "harbor", "waterfall", "pond",
    "coast"),
    "desert": ("desert", "dune"),
    "landscape": ("landscape", "mountain", "forest", "field", "meadow", "polder", "valley", "park", "hill",
    "heath"),
}  # fmt: skip
"""Asked in this order when the folder does not decide."""

LOWLAND_WORDS = (
    "netherlands", "nederland", "amsterdam", "holland", "dutch", "polder", "polders", "kanaal", "canal", "canals",
    "frankendael",
)  # fmt: skip
MOUNTAIN_WORDS = (
    "mountain", "mountains", "ridge", "ridges", "ridgeline", "alpine", "peak", "peaks", "foothill", "foothills",
)  # fmt: skip
OUTING_WORDS = frozenset(
    {
        "walk", "trip", "day", "days", "visit", "tour", "series", "collection", "set", "album", "weekend",
        "holiday",
        "event", "show", "various", "mixed", "random", "favourites", "best", "new", "old", "part", "test",
    }
)  # fmt: skip
"""Words that name an occasion, so that nobody takes them for a species."""
GENERIC_CREATURES = frozenset(["bird", "birds", "songbird", "songbirds", "animal", "animals", "mammal", "mammals"])
