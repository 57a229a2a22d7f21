"""One real sentence or keyword for every guardrail: what goes in, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock.pipelines.photos.facts import Facts

REJECTED = "rejected"
FLAGGED = "flagged"

DUTCH = Facts(folder_key="nature", subject="Quiet Polder", location="Gouda_Netherlands")
PLAIN = Facts(folder_key="misc", subject="Old Windmill")
NATURE = Facts(folder_key="nature", subject="Tall Grass")
CITY = Facts(folder_key="cityscape", subject="Harbour Cranes")
PEOPLE = Facts(folder_key="people", subject="Market Visit")
HERON = Facts(folder_key="birds", subject="Grey Heron in Reeds")


@dataclass(frozen=True)
class Example:
    """`text` is a caption, or a keyword when `keyword`; `after` is the text that must result, or the
    verdict."""

    text: str
    after: str
    facts: Facts = PLAIN
    keyword: bool = False
    passes: Facts | None = field(default=None)


def named(name: str) -> Facts:
    return Facts(folder_key="misc", subject="Old Windmill", original_name=f"{name}.jpg")


def dated(month: int) -> Facts:
    return Facts(folder_key="misc", location="Gouda_Netherlands", taken_at=f"2026:{month:02d}:10 12:00:00")


WITH_LOOK = Facts(folder_key="misc", subject="Old Windmill", looked=True, evidence=("windmill",))
WITH_PERSON = Facts(folder_key="misc", subject="Old Windmill", looked=True, evidence=("person", "people"))


def seeing(*words: str, folder: str = "misc") -> Facts:
    return Facts(folder_key=folder, subject="Old Windmill", looked=True, evidence=words)


WINDMILL = "An old windmill stands beside still water under a pale sky"

EXAMPLES: dict[str, Example] = {
    "general.filler-nature": Example(
        "A windmill stands in its habitat under a pale sky.",
        "A windmill stands under a pale sky.",
        passes=seeing("habitat"),
    ),
    "general.generic-creature-keywords": Example("wild animal", "", keyword=True, passes=Facts(folder_key="animal")),
    "general.generic-creature": Example(
        "Wildlife stands beside the water.", REJECTED, passes=Facts(folder_key="wildlife")
    ),
    "general.hype": Example("A stunning windmill stands beside still water.", "A windmill stands beside still water."),
    "general.uncertain": Example("The windmill is maybe turning in the wind.", REJECTED),
    "general.picture-words": Example("The windmill in a picture by the water.", REJECTED),
    "general.picture-keywords": Example("windmill photo", "", keyword=True),
    "general.filler-keywords": Example("foreground", "", keyword=True, passes=Facts(subject="Red Foreground")),
    "general.number-keywords": Example("12", "", keyword=True),
    "general.made-up-mood": Example("A peaceful windmill stands by water.", "A windmill stands by water."),
    "gear.camera": Example(
        "A windmill seen through a telephoto lens.", REJECTED, passes=Facts(subject="Telephoto Lens")
    ),
    "gear.settings": Example("A windmill at 1/250 sec and f/2.8 by the water.", REJECTED),
    "time-of-day.sunrise": Example(
        "A windmill beside still water at sunset.",
        "A windmill beside still water at sunrise.",
        named("sunrise_1"),
        passes=named("sunset_1"),
    ),
    "time-of-day.sunset": Example(
        "A windmill in the morning beside still water.",
        "A windmill in the evening beside still water.",
        named("dusk_1"),
        passes=named("mill_1"),
    ),
    "time-of-day.night-light": Example(
        "A windmill in daylight beside still water.",
        "A windmill in night light beside still water.",
        named("night_1"),
        passes=named("mill_1"),
    ),
    "time-of-day.night-sun": Example(
        "A sunny windmill beside still water.",
        "A windmill beside still water.",
        named("fireworks_1"),
        passes=named("mill_1"),
    ),
    "time-of-day.night-ground": Example(
        "A windmill behind wide fields under lights.",
        "A windmill under lights.",
        named("night_1"),
        passes=named("mill_1"),
    ),
    "time-of-day.morning": Example(
        "A windmill stands by water at dusk.", REJECTED, named("morning_1"), passes=named("dusk_1")
    ),
    "time-of-day.daytime": Example(
        "A windmill stands by water at night.", REJECTED, named("noon_1"), passes=named("night_1")
    ),
    "time-of-day.season-of-the-name": Example(
        "A windmill in winter beside still water.", REJECTED, named("summer_1"), passes=named("winter_1")
    ),
    "time-of-day.season-of-the-name-winter": Example(
        "A windmill in summer beside still water.", REJECTED, named("winter_1"), passes=named("summer_1")
    ),
    "time-of-day.season-of-the-name-autumn": Example(
        "A windmill in spring beside still water.", REJECTED, named("autumn_1"), passes=named("spring_1")
    ),
    "time-of-day.season-of-the-name-spring": Example(
        "A windmill in autumn beside still water.", REJECTED, named("spring_1"), passes=named("autumn_1")
    ),
    "time-of-day.summer-date": Example("A windmill in winter by water.", FLAGGED, dated(7), passes=dated(1)),
    "time-of-day.winter-date": Example("A windmill in summer by water.", FLAGGED, dated(1), passes=dated(7)),
    "terrain.mountain": Example(f"{WINDMILL} near distant mountains.", f"{WINDMILL}.", passes=seeing("mountain")),
    "terrain.valley": Example(
        "A windmill in a green valley under a pale sky.",
        "A windmill under a pale sky.",
        passes=Facts(subject="Mosel Valley"),
    ),
    "terrain.beach": Example(f"{WINDMILL} near the shore.", f"{WINDMILL}.", passes=seeing("beach")),
    "terrain.river": Example(f"{WINDMILL} behind a wide river.", f"{WINDMILL}.", passes=seeing("river")),
    "terrain.lake": Example(f"{WINDMILL} beside a lake.", f"{WINDMILL}.", passes=seeing("lake")),
    "terrain.forest": Example(f"{WINDMILL} before dense woods.", f"{WINDMILL}.", passes=seeing("forest")),
    "terrain.street": Example(f"{WINDMILL} across the street.", f"{WINDMILL}.", passes=seeing("street")),
    "terrain.wall": Example(f"{WINDMILL} behind a wall.", f"{WINDMILL}.", passes=seeing("wall")),
    "terrain.filler": Example("rugged terrain", "", keyword=True, passes=Facts(subject="Terrain")),
    "lowland-nl.reworded": Example(
        "A farm stands on a mountain road under a pale sky.",
        "A farm stands on a road under a pale sky.",
        DUTCH,
        passes=Facts(subject="Mountain Road", location="Gouda_Netherlands"),
    ),
    "lowland-nl.mountain": Example(
        "A farm stands near rugged cliffs under a pale sky.",
        "A farm stands under a pale sky.",
        DUTCH,
        passes=NATURE,
    ),
    "lowland-nl.slope": Example(
        "A farm stands on a green hillside under a pale sky.",
        "A farm stands under a pale sky.",
        DUTCH,
        passes=Facts(location="Gouda_Netherlands", evidence=("hillside",)),
    ),
    "lowland-nl.lake": Example(
        "A farm stands beside the lake under a pale sky.",
        "A farm stands beside the water under a pale sky.",
        DUTCH,
        passes=Facts(location="Gouda_Netherlands", evidence=("lake",)),
    ),
    "built.nature-in-town": Example(
        "Cranes stand behind open meadows under a pale sky.",
        "Cranes stand under a pale sky.",
        CITY,
        passes=Facts(folder_key="cityscape", evidence=("meadow", "meadows")),
    ),
    "built.town-in-nature": Example(
        "Tall grass grows before a high-rise under a pale sky.",
        "Tall grass grows under a pale sky.",
        NATURE,
        passes=Facts(folder_key="nature", evidence=("high rise",)),
    ),
    "built.nature-keywords": Example("countryside", "", CITY, keyword=True, passes=NATURE),
    "built.urban-keywords": Example("concrete", "", NATURE, keyword=True, passes=CITY),
    "places.named-place": Example(
        "A windmill beside still water in Belgium under a pale sky.",
        "A windmill beside still water under a pale sky.",
        passes=Facts(location="Gent_Belgium"),
    ),
    "places.named-place-keywords": Example("france", "", keyword=True, passes=Facts(location="Lyon_France")),
    "places.america": Example(
        "A western American windmill beside still water.",
        "A windmill beside still water.",
        passes=Facts(subject="Western American Windmill"),
    ),
    "places.america-keywords": Example("usa", "", keyword=True, passes=Facts(location="Denver_USA")),
    "people.origin": Example("Two Asian visitors cross the square.", REJECTED),
    "people.age": Example("A young visitor crosses the square.", "A visitor crosses the square.", PEOPLE, passes=PLAIN),
    "people.feeling": Example("A visitor is enjoying the market stalls.", REJECTED, passes=seeing("enjoying")),
    "people.unseen": Example("A man stands beside the old windmill.", REJECTED, WITH_LOOK, passes=WITH_PERSON),
    "species.named": Example(
        "A bird stands in reeds beside another bird.",
        "A grey heron stands in reeds beside another bird.",
        HERON,
        passes=Facts(folder_key="birds", subject="Bird on a Branch"),
    ),
    "species.named-keywords": Example("songbird", "grey heron", HERON, keyword=True, passes=PLAIN),
    "phrases.empty": Example("Open terrain with a windmill by the water.", REJECTED),
    "phrases.joint": Example("A row of with trees by the water.", REJECTED),
    "phrases.start": Example("This image shows a windmill by the water.", REJECTED),
    "phrases.article-verb": Example("The crosses a quiet bridge at noon.", REJECTED),
    "phrases.shown-with": Example("A windmill captured with still water.", REJECTED),
    "phrases.features-that": Example("The mill features a cap that turns.", REJECTED),
    "phrases.article-preposition": Example("A in the water by the mill.", REJECTED),
    "phrases.and-a-doing": Example("A mill by the water and a standing.", REJECTED),
    "phrases.template": Example("A windmill against a natural backdrop.", FLAGGED),
    "phrases.filler-start": Example("A beautiful view.", REJECTED),
}
