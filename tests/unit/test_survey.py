"""pipeline.records.survey: which rows are left out, and where strata are cut, against plain Python."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.input_settings import Duplicates, SplitSettings
from pipeline.contract import SPLITS
from pipeline.records import survey
from pipeline.records.keys import split_by_content

# (key, label, splits that the row may go to, or None); a row's position is its number
Row = tuple[int, str, str | None]


def table_of(rows: Sequence[Row], order: Sequence[int] | None = None) -> pa.Table:
    """A table of the rows in any order; the first half of a key is scaled to the whole range."""
    numbers = list(range(len(rows)) if order is None else order)
    keys = [(rows[number][0] << 56).to_bytes(8, "big") + rows[number][0].to_bytes(8, "big") for number in numbers]
    return survey.survey_table(
        pa.array(keys, pa.large_binary()),
        labels=pa.array([rows[number][1] for number in numbers], pa.string()),
        allowed=pa.array([rows[number][2] for number in numbers], pa.string()),
        positions=pa.array(numbers, pa.int64()),
    )


def left_out(rows: Sequence[Row], duplicates: Duplicates, order: Sequence[int] | None = None) -> list[int]:
    table = table_of(rows, order)
    return sorted(table["position"].to_numpy()[survey.decide(table, duplicates).is_left_out].tolist())


# rows as (key, label) -> positions that are left out by first, by drop_conflicting
DUPLICATES = [
    ([], [], []),
    ([(1, "a"), (2, "a"), (3, "b")], [], []),
    ([(1, "a"), (2, "a"), (1, "a"), (1, "a")], [2, 3], []),
    ([(1, "a"), (1, "b"), (2, "a"), (2, "a"), (1, "a")], [1, 3, 4], [0, 1, 4]),
    ([(5, "b"), (5, "a"), (5, "c"), (5, "b")], [1, 2, 3], [0, 1, 2, 3]),
]


@pytest.mark.parametrize(("pairs", "first", "conflicting"), DUPLICATES)
def test_survey_leaves_out_duplicates(pairs: list[tuple[int, str]], first: list[int], conflicting: list[int]) -> None:
    rows: list[Row] = [(key, label, None) for key, label in pairs]
    for order in (range(len(rows)), range(len(rows))[::-1]):  # rows arrive in any order
        assert left_out(rows, "first", order) == first
        assert left_out(rows, "drop_conflicting", order) == conflicting
        assert left_out(rows, "keep", order) == []


def test_survey_compares_both_halves_of_a_key() -> None:
    keys = pa.array([bytes(16), bytes(15) + b"\1", b"\1" + bytes(15)], pa.large_binary())
    labels, nothing = pa.array(["a", "b", "c"]), pa.nulls(3, pa.string())
    table = survey.survey_table(keys, labels=labels, allowed=nothing, positions=pa.array([0, 1, 2]))
    assert not survey.decide(table, "first").is_left_out.any()


def split_rows(
    rows: Sequence[Row], settings: SplitSettings, *, buckets: int = 1, max_labels: int = 99, several: bool = False
) -> dict[int, str]:
    """{position: split} of the rows that stay: what the job does with the parts, without Beam."""
    whole = table_of(rows)
    parts = dict(survey.buckets(whole, buckets))
    decided = {bucket: survey.decide(part, settings.duplicates) for bucket, part in parts.items()}
    counts = [(bucket, survey.count_strata(part, decided[bucket])) for bucket, part in parts.items()]
    cuts = survey.plan_cuts(counts[::-1], settings, max_labels=max_labels, several=several)
    found = [
        survey.find_cut(cut, parts[bucket], decided[bucket])
        for bucket in cuts.by_bucket
        for cut in cuts.by_bucket[bucket]
    ]
    strata = survey.strata_of([*found[::-1], *cuts.found])
    splits: dict[int, str] = {}
    for bucket, part in parts.items():
        stays = ~decided[bucket].is_left_out
        halves = part["first"].to_numpy().astype(">u8").tobytes()
        keys = pa.array([halves[8 * row : 8 * row + 8] + bytes(8) for row in np.flatnonzero(stays)], pa.large_binary())
        by_content = split_by_content(keys, settings)
        indices = survey.split_by_strata(keys, decided[bucket].strata[stays], strata, otherwise=by_content)
        places = part["position"].to_numpy()[stays].tolist()
        splits |= {place: SPLITS[index] for place, index in zip(places, indices.tolist(), strict=True)}
    return splits


# rows of a label, shares -> rows of train, eval and test: rounded where rows end
SHARES = [
    (10, (0.8, 0.1, 0.1), (8, 1, 1)),
    (1, (0.8, 0.1, 0.1), (1, 0, 0)),
    (2, (0.8, 0.1, 0.1), (2, 0, 0)),
    (3, (0.8, 0.1, 0.1), (2, 1, 0)),
    (5, (0.8, 0.1, 0.1), (4, 1, 0)),
    (7, (0.8, 0.1, 0.1), (6, 0, 1)),
    (100, (0.5, 0.25, 0.25), (50, 25, 25)),
    (1, (0.2, 0.4, 0.4), (1, 0, 0)),  # train has a row of each label
    (7, (1.0, 0.0, 0.0), (7, 0, 0)),
    (10, (0.9, 0.0, 0.1), (9, 0, 1)),
]


@pytest.mark.parametrize(("number", "shares", "expected"), SHARES)
@pytest.mark.parametrize("buckets", [1, 7])
def test_survey_divides_each_label_in_the_shares(
    number: int, shares: tuple[float, float, float], expected: tuple[int, ...], buckets: int
) -> None:
    train, evaluation, test = shares
    settings = SplitSettings(train=train, eval=evaluation, test=test, stratify=True)
    rows: list[Row] = [(key * 2 + other, "ab"[other], None) for key in range(number) for other in range(2)]
    splits = split_rows(rows, settings, buckets=buckets)
    for label in "ab":
        counts = Counter(split for place, split in splits.items() if rows[place][1] == label)
        assert tuple(counts[split] for split in SPLITS) == expected
        # In the order of keys: no row of test is before one of train.
        by_key = [SPLITS.index(splits[place]) for place in range(len(rows)) if rows[place][1] == label]
        assert by_key == sorted(by_key)


def test_survey_keeps_equal_texts_together_and_cuts_at_the_nearest_end() -> None:
    settings = SplitSettings(train=0.5, eval=0.25, test=0.25, stratify=True)
    rows: list[Row] = [(key, "a", None) for key in (1, 2, 3, 4, 4, 4, 4, 4, 5, 6, 7, 8)]
    splits = split_rows(rows, settings)  # six rows would end within the five of key 4: three or eight are possible
    assert [splits[place] for place in range(12)] == ["train"] * 8 + ["eval"] + ["test"] * 3
    blank: list[Row] = [(9, "a", None)] * 20
    assert set(split_rows(blank, settings).values()) == {"train"}


def test_survey_equal_texts_with_several_labels_go_where_the_first_goes() -> None:
    settings = SplitSettings(train=0.5, eval=0.0, test=0.5, stratify=True)
    # Alone, key 6 would be in train as an "a" and in test as a "b".
    rows: list[Row] = [(6, "b", None), (6, "a", None), *[(key, "a", None) for key in (7, 8, 9)]]
    rows += [(key, "b", None) for key in (1, 2, 3)]
    splits = split_rows(rows, settings)
    assert (splits[0], splits[1]) == ("test", "test")
    assert len(split_rows(rows, settings, max_labels=1)) == 8  # too many labels: rows by content, and no error
    assert set(split_rows(rows, settings, max_labels=1).values()) == {"train"}


def test_survey_of_several_labels_cuts_only_lists_that_fill_each_split() -> None:
    settings = SplitSettings(stratify=True)
    # By their keys the rows of the first list would all be in train, those of the second in test.
    keys = [*range(20), *range(247, 256)]
    rows: list[Row] = [(key, '["a"]' if key < 20 else '["a", "b"]', None) for key in keys]
    for buckets in (1, 7):
        splits = split_rows(rows, settings, buckets=buckets, several=True, max_labels=1)
        assert [splits[place] for place in range(29)] == ["train"] * 16 + ["eval"] * 2 + ["test"] * 2 + ["test"] * 9
    ten: list[Row] = [(key, '["a", "b"]', None) for key in range(246, 256)]  # a row in each split
    assert Counter(split_rows(ten, settings, several=True).values()) == {"train": 8, "eval": 1, "test": 1}


def test_survey_divides_only_among_the_splits_of_the_folder() -> None:
    settings = SplitSettings(stratify=True)
    rows: list[Row] = [(key, "a", "train eval" if key < 90 else "test") for key in range(100)]
    splits = split_rows(rows, settings, buckets=3)
    assert Counter(splits[place] for place in range(90)) == {"train": 80, "eval": 10}
    assert Counter(splits[place] for place in range(90, 100)) == {"test": 10}


@st.composite
def any_rows(draw: st.DrawFn) -> list[Row]:
    number = draw(st.integers(1, 60))
    allowed = st.sampled_from([None, None, "train eval", "test"])
    return [(draw(st.integers(0, 255)), draw(st.sampled_from("aab")), draw(allowed)) for _ in range(number)]


def expected_shares(allowed: str | None, settings: SplitSettings) -> list[float]:
    names = (allowed or "train eval test").split()
    shares = [getattr(settings, name) if name in names else 0.0 for name in SPLITS]
    return [share / sum(shares) for share in shares]


@given(any_rows(), st.sampled_from(["keep", "first", "drop_conflicting"]), st.integers(1, 9))
def test_survey_any_rows(rows: list[Row], duplicates: Duplicates, buckets: int) -> None:
    settings = SplitSettings(train=0.5, eval=0.25, test=0.25, stratify=True, duplicates=duplicates)
    splits = split_rows(rows, settings, buckets=buckets)
    assert splits == split_rows(rows, settings)  # however many buckets there are
    labels_of: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for place, (key, label, _) in enumerate(rows):
        labels_of[key].append((place, label))
    stays = {
        "keep": set(range(len(rows))),
        "first": {places[0][0] for places in labels_of.values()},
        "drop_conflicting": {
            place for places in labels_of.values() if len({label for _, label in places}) == 1 for place, _ in places
        },
    }[duplicates]
    assert set(splits) == stays
    together = {(rows[place][0], rows[place][2]): splits[place] for place in stays}
    assert all(together[rows[place][0], rows[place][2]] == splits[place] for place in stays)
    # Each stratum is as near to its shares as its largest group of equal texts allows.
    strata: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
    for key, allowed in together:
        places = [place for place in stays if (rows[place][0], rows[place][2]) == (key, allowed)]
        strata[rows[min(places)][1], allowed].append(len(places))
    counted = Counter(
        (rows[min(place for place in stays if (rows[place][0], rows[place][2]) == text)][1], text[1], splits[other])
        for text in together for other in stays if (rows[other][0], rows[other][2]) == text
    )  # fmt: skip
    for (label, allowed), sizes in strata.items():
        for split, share in zip(SPLITS, expected_shares(allowed, settings), strict=True):
            assert abs(counted[label, allowed, split] - share * sum(sizes)) <= max(max(sizes), 1)
