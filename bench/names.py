"""How well names are found across scripts, and how fast: recall, candidates among 10,000 names, milliseconds a search.

`python -m bench.names` measures the half of the pairs that thresholds were set on, `--final` the half kept for the
final figure, `--store` the search of a store with the names of 100,000 messages. The pairs and their sources are in
`tests/agency_client/matching/pairs`.
"""

import csv
import hashlib
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from agency_client.local_store.engine import STORE_KEY_BYTES, Store
from agency_client.local_store.migrations import create_store
from agency_client.local_store.name_index import find_names, index_names
from agency_client.matching.entries import NameEntry
from agency_client.matching.letters import find_script
from agency_client.matching.names import list_keys, read_name
from agency_client.matching.ranking import CANDIDATE_SCORE, Asked, judge_name
from agency_client.matching.scoring import compare_names
from keys.generation import generate_bytes

PAIRS = Path(__file__).parents[1] / "tests" / "agency_client" / "matching" / "pairs"
REFERENCE_NAMES, STORED_NAMES = 10_000, 100_000
WANTED_RECALL, MOST_CANDIDATES = 0.95, 5.0
_SURNAME_FIRST = {"zh_CN": "", "zh_TW": "", "ko_KR": "", "ja_JP": " ", "vi_VN": " ", "hu_HU": " "}
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names and whether they are one person's, as the sources say."""

    one: str
    other: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What one half comes to.

    `recall` is the share of pairs of one person that are found at the product's score, `candidates` the names among the
    reference list that a search brings beside; `wanted_score` is the score at which 95 % of the pairs are found, and
    `wanted_candidates` what it brings. `mistaken` is the share of pairs of two persons that are found.
    """

    same: int
    different: int
    queries: int
    recall: float
    candidates: float
    mistaken: float
    wanted_score: float
    wanted_candidates: float
    by_scripts: dict[str, tuple[int, int]]


def is_final(person: str) -> bool:
    """Return whether a person, with all spellings, belongs to the half kept for the final figure."""
    return bool(hashlib.sha256(person.encode()).digest()[0] & 1)


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the files of pairs."""
    with (PAIRS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def list_pairs(*, final: bool) -> list[Pair]:
    """Return the pairs of one half: every two spellings of one person, and the names of two persons."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for row in read_rows("people"):
        if is_final(row["person"]) is final:
            spellings[row["person"]].append(row["name"])
    same = [Pair(one, other, True) for names in spellings.values() for one, other in combinations(names, 2)]
    rows = (row for row in read_rows("different") if is_final(row["one"]) is final)
    return [*same, *(Pair(row["one"], row["other"], False) for row in rows)]


@lru_cache(maxsize=2)
def list_reference(count: int = REFERENCE_NAMES) -> tuple[str, ...]:
    """Return so many names of people who do not exist, in equal parts of every culture and its own script."""
    parts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in read_rows("reference"):
        parts[row["locale"]][row["part"]].append(row["name"])
    share = -(-count // len(parts))
    names = [name for locale, lists in parts.items() for name in _combine(locale, lists, share)]
    return tuple(names[:count])


class NameList:
    """A list of names under the keys that the product looks them up by."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._by_key: dict[str, set[int]] = defaultdict(set)
        for place, name in enumerate(names):
            for key in list_keys(read_name(name)):
                self._by_key[key].add(place)

    def list_scores(self, query: str) -> list[float]:
        """Return the scores of the names that share a key with a query."""
        places = {place for key in list_keys(read_name(query)) for place in self._by_key.get(key, ())}
        return [compare_names(query, self._names[place]).score for place in places]


def score_pair(pair: Pair) -> float:
    """Return the score of a pair as a search finds it: 0 where the two share no key."""
    if list_keys(read_name(pair.one)).isdisjoint(list_keys(read_name(pair.other))):
        return 0.0
    return compare_names(pair.one, pair.other).score


def measure_half(pairs: Sequence[Pair], reference: NameList) -> Figures:
    """Return the figures of one half of the pairs against a reference list."""
    scored = [(score_pair(pair), pair) for pair in pairs]
    same = sorted(score for score, pair in scored if pair.is_same)
    different = [score for score, pair in scored if not pair.is_same]
    queries = sorted({name for pair in pairs if pair.is_same for name in (pair.one, pair.other)})
    found = [score for query in queries for score in reference.list_scores(query)]
    wanted = same[int(len(same) * (1 - WANTED_RECALL))]
    return Figures(
        same=len(same),
        different=len(different),
        queries=len(queries),
        recall=_share_above(same, CANDIDATE_SCORE),
        candidates=sum(score >= CANDIDATE_SCORE for score in found) / len(queries),
        mistaken=_share_above(different, CANDIDATE_SCORE),
        wanted_score=wanted,
        wanted_candidates=sum(score >= wanted for score in found) / len(queries),
        by_scripts=_count_by_scripts(scored),
    )


def measure_store(folder: Path, pairs: Sequence[Pair]) -> dict[str, float]:
    """Return how long indexing a name and searching a store of 100,000 take, in milliseconds, and what is found.

    The second name of each pair is in the store, among the others; the first one is looked for.
    """
    names = [*list_reference(STORED_NAMES - len(pairs)), *(pair.other for pair in pairs)]
    with closing(create_store(folder / "store.db", generate_bytes(STORE_KEY_BYTES))) as store:
        started = time.perf_counter()
        _fill(store, names)
        indexing = (time.perf_counter() - started) * 1000 / len(names)
        store.truncate_wal()
        size = (folder / "store.db").stat().st_size
        found, times = [], []
        for pair in pairs:
            started = time.perf_counter()
            found.append(_is_found(store, pair))
            times.append((time.perf_counter() - started) * 1000)
    return {
        "indexing a name": indexing,
        "a search, median": median(times),
        "a search, 95 of 100": quantiles(times, n=20)[-1],
        "a search, longest": max(times),
        "kilobytes a name": size / len(names) / 1024,
        "share found": sum(found) / len(found),
    }


def show_figures(figures: Figures) -> None:
    """Print the figures of one half."""
    table = Table("pairs of scripts", "found", "of", "share")
    for scripts, (found, count) in sorted(figures.by_scripts.items(), key=lambda item: -item[1][1]):
        table.add_row(scripts, str(found), str(count), f"{found / count:.2f}")
    console = Console()
    console.print(table)
    console.print(
        f"{figures.same} pairs of one person, {figures.different} of two; {figures.queries} names looked for among"
        f" {REFERENCE_NAMES}\n"
        f"at the product's score {CANDIDATE_SCORE}: recall {figures.recall:.3f},"
        f" {figures.candidates:.2f} candidates, {figures.mistaken:.2f} of the pairs of two persons\n"
        f"at 95 % recall: score {figures.wanted_score:.3f}, {figures.wanted_candidates:.2f} candidates"
        f" (at most {MOST_CANDIDATES:.0f} are wanted)"
    )


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments ask for; return 1 where the mark is missed."""
    if "--store" in arguments:
        pairs = [pair for pair in list_pairs(final=False) if pair.is_same][::2]
        with TemporaryDirectory() as folder:
            for what, value in measure_store(Path(folder), pairs).items():
                Console().print(f"{what}: {value:.2f}")
        return 0
    figures = measure_half(list_pairs(final="--final" in arguments), NameList(list_reference()))
    show_figures(figures)
    return int(figures.wanted_candidates > MOST_CANDIDATES)


def _combine(locale: str, lists: dict[str, list[str]], count: int) -> Iterator[str]:
    """Give the same names at every run, as if drawn: in the order of their digests."""
    chosen = sorted(
        ((given, family) for given in lists["given"] for family in lists["family"]),
        key=lambda name: hashlib.sha256("|".join(name).encode()).digest(),
    )
    for turn in range(-(-count // len(chosen))):
        for given, family in chosen[: count - turn * len(chosen)]:
            between = _SURNAME_FIRST.get(locale)
            yield f"{given} {family}" if between is None else f"{family}{between}{given}"


def _share_above(scores: Sequence[float], least: float) -> float:
    return sum(score >= least for score in scores) / max(1, len(scores))


def _count_by_scripts(scored: Iterable[tuple[float, Pair]]) -> dict[str, tuple[int, int]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for score, pair in scored:
        if pair.is_same:
            scripts = counts[" – ".join(sorted((find_script(pair.one), find_script(pair.other))))]
            scripts[0] += score >= CANDIDATE_SCORE
            scripts[1] += 1
    return {scripts: (found, count) for scripts, (found, count) in counts.items()}


def _fill(store: Store, names: Sequence[str]) -> None:
    for start in range(0, len(names), _BATCH):
        with store.write() as transaction:
            for place, name in enumerate(names[start : start + _BATCH], start):
                index_names(transaction, f"digest-{place}", [NameEntry("persons.0.names.0", "suspect", name)])


def _is_found(store: Store, pair: Pair) -> bool:
    asked = Asked((pair.one,))
    with store.read() as snapshot:
        entries = [found.entry for found in find_names(snapshot, pair.one)]
    candidates = [entry for entry in entries if judge_name(asked, entry.text, entry.births) is not None]
    return any(entry.text == pair.other for entry in candidates)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
