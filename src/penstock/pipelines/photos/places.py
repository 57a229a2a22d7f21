"""Countries by name, and how a location token such as Gouda_Netherlands is read aloud."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.pipelines.photos.words import contains, spelt_tokens, tokens

_COUNTRIES = """Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Aruba|Australia|Austria|Azerbaijan|
Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bhutan|Bolivia|Bosnia and Herzegovina|Botswana|
Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Chile|China|Colombia|Costa Rica|Croatia|
Cuba|Curacao|Curaçao|Cyprus|Czech Republic|Czechia|Denmark|Dominican Republic|Ecuador|Egypt|El Salvador|England|
Eritrea|Estonia|Eswatini|Ethiopia|Fiji|Finland|France|Gabon|Gambia|Georgia|Germany|Ghana|Greece|Greenland|
Guatemala|Guyana|Haiti|Honduras|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast|
Jamaica|Japan|Kazakhstan|Kenya|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Liechtenstein|
Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Maldives|Malta|Mauritania|Mauritius|Mexico|Moldova|Monaco|
Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nepal|Netherlands|New Zealand|Nicaragua|Nigeria|
North Macedonia|Northern Ireland|Norway|Oman|Pakistan|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|
Portugal|Qatar|Romania|Russia|Rwanda|Samoa|San Marino|Saudi Arabia|Scotland|Senegal|Serbia|Seychelles|
Sierra Leone|Singapore|Slovakia|Slovenia|Somalia|South Africa|South Korea|Spain|Sri Lanka|Sudan|Suriname|Sweden|
Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Tunisia|Turkey|Turkmenistan|Uganda|Ukraine|
United Arab Emirates|United Kingdom|United States|United States of America|Uruguay|USA|Uzbekistan|Venezuela|
Vietnam|Wales|Yemen|Zambia|Zimbabwe"""

COUNTRIES = tuple(name.strip() for name in _COUNTRIES.replace("\n", "").split("|"))
AMBIGUOUS = frozenset({"Turkey", "Georgia", "China", "Chile", "Jordan", "Wales"})
"""Country names that are also other words; never held against a text."""
STATES = (
    "Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware", "Florida",
    "Hawaii", "Idaho", "Illinois", "Indiana", "Iowa", "Kansas", "Kentucky", "Louisiana", "Maine", "Maryland",
    "Massachusetts", "Michigan", "Minnesota", "Mississippi", "Missouri", "Montana", "Nebraska", "Nevada",
    "New Hampshire", "New Jersey", "New Mexico", "New York", "North Carolina", "North Dakota", "Ohio", "Oklahoma",
    "Oregon", "Pennsylvania", "Rhode Island", "South Carolina", "South Dakota", "Tennessee", "Texas", "Utah",
    "Vermont", "Virginia", "Washington", "West Virginia", "Wisconsin", "Wyoming",
)  # fmt: skip
SOUTHERN = frozenset(
    {
        "argentina", "australia", "botswana", "chile", "eswatini", "lesotho", "mozambique", "namibia",
        "new zealand", "paraguay", "south africa", "uruguay",
    }
)  # fmt: skip
"""Countries south of the tropics: their July is winter."""
TROPICAL = frozenset(
    {
        "angola", "aruba", "bahamas", "bahrain", "bangladesh", "barbados", "belize", "benin", "brazil",
        "brunei",
        "burkina faso", "burundi", "cambodia", "cameroon", "colombia", "costa rica", "cuba", "curacao",
        "curaçao",
        "dominican republic", "ecuador", "el salvador", "eritrea", "ethiopia", "gabon", "gambia", "ghana",
        "guatemala", "guyana", "haiti", "honduras", "india", "indonesia", "ivory coast", "jamaica",
        "kenya", "laos",
        "liberia", "malaysia", "maldives", "mauritania", "mexico", "myanmar", "nicaragua", "nigeria", "oman",
        "panama", "papua new guinea", "peru", "philippines", "rwanda", "saudi arabia", "senegal",
        "seychelles",
        "sierra leone", "singapore", "somalia", "sri lanka", "sudan", "suriname", "tanzania", "thailand",
        "uganda",
        "united arab emirates", "venezuela", "vietnam", "yemen",
    }
)  # fmt: skip
"""Countries that lie wholly or partly in the tropics: their months name no season."""

_WITH_ARTICLE = frozenset(
    {
        "netherlands", "philippines", "maldives", "bahamas", "gambia", "seychelles", "czech republic",
        "dominican republic", "united kingdom", "united states", "united states of america", "usa",
        "united arab emirates", "ivory coast",
    }
)  # fmt: skip
_LARGEST_FIRST = sorted(((name, tokens(name)) for name in COUNTRIES), key=lambda entry: -len(entry[1]))


@dataclass(frozen=True, slots=True)
class Place:
    """A location in two parts; either may be empty."""

    name: str
    country: str

    def spoken(self) -> str:
        """As it stands in a sentence: "Gouda, the Netherlands"."""
        country = f"the {self.country}" if self.country.casefold() in _WITH_ARTICLE else self.country
        return ", ".join(part for part in (self.name, country) if part)


def place_of(location: str) -> Place:
    """Read a location token: a country's name at its end is told apart, underscores become spaces."""
    words = spelt_tokens(location)
    folded = tokens(location)
    for country, phrase in _LARGEST_FIRST:
        if folded[-len(phrase) :] == phrase:
            return Place(" ".join(words[: -len(phrase)]), country)
    return Place(" ".join(words), "")


def country_in(words: tuple[str, ...]) -> str:
    """The first country that the words name, in lower case, or ""."""
    return next((name.casefold() for name, phrase in _LARGEST_FIRST if contains(words, phrase)), "")
