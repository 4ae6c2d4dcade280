"""pipeline.vocabulary.merge_counts: the Beam stages between count tables and vocabulary.tsv."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.support import arrow_ipc
from pipeline.text import hashing
from pipeline.text.token_batch import split_rows
from pipeline.vocabulary import count_tables, imported_words, merge_counts
from pipeline.vocabulary.count_words import count_words
from pipeline.vocabulary.merge_counts import (
    CountWords,
    MergeInBundle,
    MergeTops,
    VocabularyPlan,
    vocabulary_plan,
    write_vocabulary,
)

TOKENS = st.binary(min_size=1, max_size=2).filter(lambda token: b" " not in token) | st.sampled_from(
    [b"a", b"b", "日本".encode()]
)

# token, count, position, place, hash: count tables of two batches.
FIRST = ([b"is", b"this", b"a"], [2, 3, 1], [0, 0, 1], [1, 0, 2], [4, 5, 6])
SECOND = ([b"a", b"text", b"this", b"is"], [1, 2, 1, 2], [7, 7, 8, 9], [0, 1, 0, 5], [6, 7, 5, 4])


def plan_for(folder: Path, **changed: Any) -> VocabularyPlan:
    settings = {"top_words": 100, "min_count": 1, "oov": "drop", "buckets": 3, **changed}
    return vocabulary_plan(summary_path=str(folder / "counts.json"), **settings)


def build(batches: Sequence[Sequence[Sequence[Any]]], plan: VocabularyPlan, folder: Path, *, expected: bytes) -> None:
    path = folder / "words" / "vocabulary"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        written = (
            pipeline
            | beam.Create([count_tables.count_table(batch) for batch in batches], reshuffle=True)
            | CountWords(plan)
            | beam.Map(write_vocabulary, plan=plan, path=str(path))
        )
        assert_that(written, equal_to([str(path)]))
    assert path.read_bytes() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(TOKENS, max_size=8), max_size=6), st.integers(0, 6), st.booleans())
def test_merge_counts_batch_is_counted_as_in_python(rows: list[list[bytes]], start: int, collide: bool) -> None:
    start = min(start, len(rows))
    with pytest.MonkeyPatch.context() as patch:
        if collide:
            patch.setattr(hashing, "_FINGERPRINTS", 2)  # two fingerprints for all words there are
        table = count_words(split_rows([b" ".join(row) for row in rows]), rows=slice(start, len(rows)), position=3)
    token, count, position, place, fingerprint = (column.to_pylist() for column in table.columns)
    words = [word for row in rows[start:] for word in row]
    assert list(zip(token, count, strict=True)) == list(Counter(words).items())  # in order of first occurrence
    assert position == [3] * len(token)
    assert place == list(range(len(token)))
    assert all(0 <= number < (2 if collide else 2**31 - 1) for number in fingerprint)


def test_merge_counts_fingerprints_are_the_same_everywhere() -> None:
    table = count_words(split_rows(["film 日本 film".encode()]), rows=slice(0, 1), position=0)
    # FarmHash, whose values its authors promise to keep. Workers that disagreed would put a word into two buckets.
    assert table["hash"].to_pylist() == [143011548, 1328783519]


@pytest.mark.parametrize(
    ("batches", "changed", "lines"),
    [
        # batches, settings, vocabulary.tsv
        pytest.param(
            # this 4; is 4: this stood first; a 2 at (1, 2), text 2 at (7, 1)
            [FIRST, SECOND],
            {},
            b"1\tthis\t4\n2\tis\t4\n3\ta\t2\n4\ttext\t2\n",
            id="merged",
        ),
        pytest.param([FIRST, SECOND], {"oov": "token", "top_words": 4}, b"2\tthis\t4\n3\tis\t4\n", id="top_words"),
        pytest.param([FIRST], {"min_count": 2}, b"1\tthis\t3\n2\tis\t2\n", id="min_count"),
        pytest.param([SECOND], {"buckets": 1}, b"1\ttext\t2\n2\tis\t2\n3\ta\t1\n4\tthis\t1\n", id="one_bucket"),
        # No token matches an empty one; the job's last step refuses such a vocabulary and says why.
        pytest.param([], {}, b"1\t\t0\n", id="no_batch"),
        pytest.param([([], [], [], [], [])], {}, b"1\t\t0\n", id="no_token"),
        pytest.param([FIRST], {"min_count": 9}, b"1\t\t0\n", id="none_often_enough"),
    ],
)
def test_merge_counts_stages(batches: Any, changed: dict[str, Any], lines: bytes, tmp_path: Path) -> None:
    build(batches, plan_for(tmp_path, **changed), tmp_path, expected=lines)


# id, token of imported words, the last id taken, settings -> vocabulary.tsv
GIVEN = [
    # a 2, this 4, is 4, text 2; `x` and `gone` are in no batch
    ([(1, "a"), (5, "x")], 5, {}, b"1\ta\t2\n5\tx\t0\n"),
    ([(1, "a"), (5, "x")], 5, {"grow": True}, b"1\ta\t2\n5\tx\t0\n6\tthis\t4\n7\tis\t4\n8\ttext\t2\n"),
    ([(1, "a"), (5, "x")], 6, {"grow": True, "top_words": 8}, b"1\ta\t2\n5\tx\t0\n7\tthis\t4\n"),
    ([(2, "text")], 2, {"grow": True, "oov": "token", "min_count": 3}, b"2\ttext\t2\n3\tthis\t4\n4\tis\t4\n"),
    ([(1, "gone")], 1, {"min_count": 3}, b"1\tgone\t0\n"),
    ([(1, "text"), (2, "a")], 2, {"top_words": 3}, b"1\ttext\t2\n2\ta\t2\n"),  # none of the most frequent
]


@pytest.mark.parametrize(("words", "last_id", "changed", "lines"), GIVEN)
def test_merge_counts_keeps_given_ids(
    words: list[tuple[int, str]], last_id: int, changed: dict[str, Any], lines: bytes, tmp_path: Path
) -> None:
    imported = imported_words.ImportedWords(str(tmp_path / "imported"), last_id)
    imported_words.write(imported.path, words)
    plan = plan_for(tmp_path, imported=imported, **changed)
    build([FIRST, SECOND], plan, tmp_path, expected=lines)
    assert json.loads((tmp_path / "counts.json").read_text()) == {"counts": [2, 4], "words": [2, 2]}


def test_merge_counts_keeps_given_ids_without_a_token_and_when_it_runs_again(tmp_path: Path) -> None:
    imported = imported_words.ImportedWords(str(tmp_path / "imported"), 5)
    imported_words.write(imported.path, [(1, "a"), (5, "x")])
    plan = plan_for(tmp_path, imported=imported)
    build([], plan, tmp_path, expected=b"1\ta\t0\n5\tx\t0\n")
    build([FIRST, SECOND], plan, tmp_path, expected=b"1\ta\t2\n5\tx\t0\n")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 5), max_size=60),
    st.integers(3, 9),
    st.integers(1, 3),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_merge_counts_tops_of_buckets_in_any_order(
    counts: list[int], top_words: int, min_count: int, buckets: int, small: int
) -> None:
    """Words 0, 1, 2 ... with these counts, over buckets and workers: what remains is what sorting all of them gives."""
    plan = plan_for(Path(), top_words=top_words, min_count=min_count)
    numbered = list(enumerate(counts))
    tops = []
    for bucket in range(buckets):
        words = numbered[bucket::buckets]
        columns = ([b"%d" % n for n, _ in words], [c for _, c in words], [n for n, _ in words], *[[0] * len(words)] * 2)
        tops.append(
            merge_counts.top_of_bucket((bucket, [arrow_ipc.pack(count_tables.count_table(columns))]), plan=plan)
        )
    combine = MergeTops(plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_counts, "_SMALL_TOP_ROWS", small)
        accumulators: list[Any] = [[], []]
        for index, top in enumerate(tops):
            accumulators[index % 2] = combine.add_input(accumulators[index % 2], top)
        top = combine.extract_output(combine.merge_accumulators([combine.compact(accumulators[0]), accumulators[1]]))
    expected = sorted((item for item in numbered if item[1] >= min_count), key=lambda item: -item[1])[: plan.words]
    assert arrow_ipc.unpack(top.others)["token"].to_pylist() == [b"%d" % number for number, _ in expected]
    assert dict(zip(top.summary.counts, top.summary.words, strict=True)) == Counter(counts)


def test_merge_counts_tops_do_not_pile_up() -> None:
    """Two words are wanted: a thousand buckets with two each leave eight at the most to be held."""
    plan = plan_for(Path(), top_words=3)
    combine = MergeTops(plan)
    held = []
    accumulator = combine.create_accumulator()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_counts, "_SMALL_TOP_ROWS", 0)
        for bucket in range(1000):
            columns = ([b"%d" % bucket, b"%d." % bucket], [bucket, 1], [bucket, bucket], [0, 1], [0, 0])
            table = arrow_ipc.pack(count_tables.count_table(columns))
            accumulator = combine.add_input(accumulator, merge_counts.top_of_bucket((bucket, [table]), plan=plan))
            held.append(sum(top.rows for top in accumulator))
    assert max(held) == 8
    assert arrow_ipc.unpack(combine.extract_output(accumulator).others)["token"].to_pylist() == [b"999", b"998"]


def test_merge_counts_leaves_the_summary_of_all_counts(tmp_path: Path) -> None:
    # min_count and top_words leave nothing out of it: one word once, two twice ...
    build([FIRST, SECOND], plan_for(tmp_path, min_count=3), tmp_path, expected=b"1\tthis\t4\n2\tis\t4\n")
    assert json.loads((tmp_path / "counts.json").read_text()) == {"counts": [2, 4], "words": [2, 2]}


def test_merge_counts_bundle_gives_one_table_a_bucket() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        tables = (
            pipeline
            | beam.Create([count_tables.count_table(FIRST), count_tables.count_table(SECOND)], reshuffle=False)
            | beam.ParDo(MergeInBundle(2))
            | "Unpack"
            >> beam.MapTuple(
                lambda bucket, blob: (bucket, arrow_ipc.unpack(blob).select(["token", "count", "position"]).to_pydict())
            )
        )
        assert_that(
            tables,
            equal_to(
                [
                    (0, {"token": [b"is", b"a"], "count": [4, 2], "position": [0, 1]}),  # hashes 4 and 6
                    (1, {"token": [b"this", b"text"], "count": [4, 2], "position": [0, 7]}),  # 5 and 7
                ]
            ),
        )
