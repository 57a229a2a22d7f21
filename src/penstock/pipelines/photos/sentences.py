"""Sentences as they should read: cleaning, counting, and the checks that a caption and an alt text must pass."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from penstock.pipelines.photos.words import Tokens, contains, tokens

CAPTION_WORDS = (8, 24)
ALT_WORDS = (10, 18)
MAX_CHARACTERS = 600
SIMILARITY_LIMIT = 0.86
SAME_START_WORDS = 8

REASONS: dict[str, str] = {
    "empty": "the text is empty",
    "word_count": "the text is too short or too long",
    "sentences": "the text is more than one sentence",
    "repeated_with": 'the text says "with" more than once',
    "repeated_in": 'the text says "in" more than twice, or twice close together',
    "commas": "the text has three or more commas",
    "repetition": "a word or a pair of words comes back too often",
    "midword_capitals": "a word has a capital letter in its middle",
    "long_word": "a word has 19 letters or more",
    "vague": "five or more words say nothing",
    "no_detail": "the text names no concrete detail",
    "ends_open": "the text ends in a preposition, an article or a conjunction",
    "texts_equal": "caption and alt text are the same",
    "texts_similar": "caption and alt text use nearly the same words",
    "texts_same_start": "caption and alt text start with the same eight words",
    "texts_disagree": "one text speaks of mountains, the other of a city",
}
"""Reason codes of the checks; codes of a single text are prefixed with its field, as in `caption_word_count`."""

FUNCTION_WORDS = frozenset(
    {
        "a", "an", "the", "and", "or", "but", "nor", "of", "in", "on", "at", "to", "by", "for", "from",
        "with",
        "into", "onto", "over", "under", "near", "behind", "before", "beside", "between", "against", "along",
        "above", "below", "around", "across", "through", "towards", "toward", "beyond", "amid", "among", "as",
    }
)  # fmt: skip
_OPEN_ENDS = FUNCTION_WORDS - {"above", "below", "around", "across", "over", "through", "behind", "beyond"}
_MARKERS = frozenset({"with", "in", "on", "under", "near", "against", "beside", "background"})
_WEAK = frozenset(
    {
        "scene", "scenes", "view", "detail", "details", "context", "setting", "background", "foreground",
        "area",
        "surrounding", "surroundings", "composition", "shows", "features", "featuring", "captures", "visible",
        "nearby", "clear", "open", "natural", "environment", "atmosphere", "backdrop", "perspective",
        "various",
        "several", "some", "frame", "subject", "image", "overall",
    }
)  # fmt: skip
_MOUNTAIN = ("mountain", "mountains", "alpine", "ridge", "ridgeline", "peaks")
_URBAN = ("downtown", "skyline", "city street", "skyscraper", "skyscrapers", "intersection", "high rise")
_ABBREVIATION = re.compile(r"\b(?:St|Mt|Dr|Mr|Mrs|Ms|No|vs|c|ca)\.(?=\s)")
_NAME_PREFIX = re.compile(r"(?:Mc|Mac|O['’]|De|Di|Du|La|Le|Van|Fitz|i|e)[A-ZÀ-Þ]")
_DOUBLED = re.compile(r"\b(\w+)(\s+)(\1)\b", re.IGNORECASE)
_DASHES = str.maketrans("‐‑−‒―", "---–—")
_EDGE = " \t\"'“”‘’«»„`*_#>-–—:;,"

_OWN_WORD = "xxx"
_TAIL = " .!?,;:-–—\"'“”‘’`*_"


def clean(text: str) -> str:
    """One tidy line: control characters gone, spaces, hyphens, punctuation and doubled words mended, a full stop.

    Cleaning a clean text changes nothing; an empty or wordless text becomes "".
    """
    current = _plain(text)
    for _ in range(6):
        mended = _mended(current)
        if mended == current:
            break
        current = mended
    return _finished(current)


def word_count(text: str) -> int:
    """The number of words; signs that stand alone are none."""
    return sum(1 for part in text.split() if any(char.isalnum() for char in part))


def is_one_sentence(text: str) -> bool:
    """Whether no sentence ends before the end of the text; "St. Mary" ends none."""
    return not re.search(r"[.!?…]\s+\S", _ABBREVIATION.sub(lambda found: found.group()[:-1], text.strip()))


def checks(caption: str, alt_text: str, own: Sequence[Tokens] = ()) -> list[str]:
    """Every reason code that speaks against the two texts; `own` are lines of words that the set itself uses."""
    found = [f"caption_{code}" for code in _faults(caption, CAPTION_WORDS, 8, own)]
    found += [f"alt_{code}" for code in _faults(alt_text, ALT_WORDS, 9, own)]
    return found + _pair_faults(caption, alt_text)


def explain(code: str) -> str:
    """The sentence behind a reason code of `checks`."""
    for prefix, name in (("caption_", "caption"), ("alt_", "alt text")):
        if code.startswith(prefix):
            return f"{name}: {REASONS.get(code.removeprefix(prefix), code)}"
    return REASONS.get(code, code)


def all_codes() -> tuple[str, ...]:
    """Every reason code that `checks` can give."""
    pair = tuple(code for code in REASONS if code.startswith("texts_"))
    single = tuple(code for code in REASONS if code not in pair)
    return tuple(f"{prefix}_{code}" for prefix in ("caption", "alt") for code in single) + pair


def article_for(word: str) -> str:
    """ "a" or "an" before an English word; decided by its first sound as far as its spelling tells."""
    low = word.casefold()
    if re.match(r"(?:uni(?!n|m)|use|usu|eu|ewe|one\b|ut[ie]|ura)", low):
        return "a"
    return "an" if re.match(r"(?:[aeiouàáâäæèéêëìíîïòóôöøùúûü]|hour|honest|heir)", low) else "a"


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFC", text[: 4 * MAX_CHARACTERS])
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"} else char for char in normal)
    kept = "".join(char for char in kept if unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn"})
    kept = re.sub(r"(?i)^\W*(?:caption|alt[ _-]?text|alt)\s*:\s*", "", kept)
    return kept.translate(_DASHES)[:MAX_CHARACTERS]


def _mended(text: str) -> str:
    text = re.sub(r"(?<=\d)\s*–\s*(?=\d)", "-", text)
    text = re.sub(r"\s*[–—]+\s*|\s+-+\s+", ", ", text)
    text = re.sub(r"(?<=\w)-+\s+(?=\w)|(?<=\w)\s+-+(?=\w)", " ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:!?)])", r"\1", text)
    text = re.sub(r"\(\s+", "(", text).replace("()", "")
    text = re.sub(r"[,.;:!?](?:\s*[,.;:!?])+", _strongest, text.replace("…", "."))
    text = re.sub(r"([,;])(?=[^\W\d_])", r"\1 ", text)
    return _DOUBLED.sub(_undoubled, text).strip()


def _strongest(run: re.Match[str]) -> str:
    return next(sign for sign in "!?.,;:" if sign in run.group())


def _undoubled(found: re.Match[str]) -> str:
    first, gap, second = found.groups()
    is_name = first[0].isupper() and second[0].isupper() and first.casefold() not in FUNCTION_WORDS
    return first + gap + second if is_name or first.isdigit() else first  # Bora Bora is a name


def _finished(text: str) -> str:
    text = text.strip(_EDGE).lstrip(_EDGE + ".!?)")
    ending = text[-1:] if text[-1:] in "!?" else "."
    body = text.rstrip(_TAIL)
    while (parts := body.rsplit(" ", 1))[-1].casefold() in _OPEN_ENDS:
        body = parts[0].rstrip(_TAIL) if len(parts) == 2 else ""
    if not any(char.isalnum() for char in body):
        return ""
    start = body if _keeps_first_letter(body) else body[0].upper() + body[1:]
    return start + ending


def _keeps_first_letter(body: str) -> bool:
    """iPhone stays iPhone."""
    first = body.split(" ", 1)[0]
    return len(body[0].upper()) != 1 or any(char.isupper() for char in first[1:])


def _faults(text: str, limits: tuple[int, int], detail_words: int, own: Sequence[Tokens]) -> Iterable[str]:
    if not text.strip():
        yield "empty"
        return
    words, count = tokens(text), word_count(text)
    if not limits[0] <= count <= limits[1]:
        yield "word_count"
    if not is_one_sentence(text):
        yield "sentences"
    yield from _structure_faults(_without_own(text, own))
    if _is_repetitive(_without_own(text, own)):
        yield "repetition"
    yield from _word_faults(text, own)
    if sum(word in _WEAK for word in words) >= 5:
        yield "vague"
    if count < detail_words or (count < detail_words + 3 and not _MARKERS & set(words)):
        yield "no_detail"
    if words and words[-1] in _OPEN_ENDS:
        yield "ends_open"


def _structure_faults(text: str) -> Iterable[str]:
    words = tokens(text)
    places = [i for i, word in enumerate(words) if word == "in"]
    if words.count("with") > 1:
        yield "repeated_with"
    if len(places) > 2 or any(b - a < 4 for a, b in pairwise(places)):
        yield "repeated_in"
    if text.count(",") > 2:
        yield "commas"


def _without_own(text: str, own: Sequence[Tokens]) -> str:
    """The text with placeholders for the words that the set brought in: nobody rewrites a subject or a place."""
    for line in own:
        if len(line) > 1:
            whole = r"[\W_]+(?:the[\W_]+)?".join(map(re.escape, line))
            text = re.sub(whole, " ".join([_OWN_WORD] * len(line)), text, flags=re.IGNORECASE)
    return text


def _is_repetitive(text: str) -> bool:
    words = [word for word in tokens(text) if word not in FUNCTION_WORDS and word != _OWN_WORD]
    if not words:
        return False
    most = Counter(words).most_common(1)[0][1]
    pairs = Counter(pairwise(words)).most_common(1)
    return most >= 4 or (most >= 3 and most / len(words) >= 0.35) or bool(pairs and pairs[0][1] >= 3)


def _word_faults(text: str, own: Sequence[Tokens]) -> Iterable[str]:
    known = {word for line in own for word in line}
    words = [word for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text) if word.casefold() not in known]
    if any(re.search(r"[a-zà-ÿ][A-ZÀ-Þ]", word) and not _NAME_PREFIX.match(word) for word in words):
        yield "midword_capitals"
    if any(len(word) >= 19 for word in words):
        yield "long_word"


def _pair_faults(caption: str, alt_text: str) -> list[str]:
    one, other = tokens(caption), tokens(alt_text)
    if not one or not other:
        return []
    if one == other:
        return ["texts_equal"]
    found = []
    if _jaccard(one, other) >= SIMILARITY_LIMIT:
        found.append("texts_similar")
    if len(one) >= SAME_START_WORDS and one[:SAME_START_WORDS] == other[:SAME_START_WORDS]:
        found.append("texts_same_start")
    if _speaks_of(one, _MOUNTAIN, _URBAN, other):
        found.append("texts_disagree")
    return found


def _jaccard(one: Tokens, other: Tokens) -> float:
    a, b = ({word for word in line if len(word) >= 3} for line in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def _speaks_of(one: Tokens, left: Sequence[str], right: Sequence[str], other: Tokens) -> bool:
    def has(line: Tokens, phrases: Sequence[str]) -> bool:
        return any(contains(line, tokens(phrase)) for phrase in phrases)

    only_left = [has(line, left) and not has(line, right) for line in (one, other)]
    only_right = [has(line, right) and not has(line, left) for line in (one, other)]
    return (only_left[0] and only_right[1]) or (only_left[1] and only_right[0])
