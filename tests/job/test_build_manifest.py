"""pipeline.job.build_manifest: what it refuses; whole jobs in the other files have what it builds."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.job.build_manifest import build
from pipeline.job.rejects import RejectCounts
from pipeline.job.results import JobResults
from pipeline.job.unlabelled_summary import UnlabelledInput
from pipeline.records_folder.manifest import DamagedFile, VocabularyOrigin, stored_file
from pipeline.records_folder.text_findings import NearDuplicates
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.statistics import duplicates
from pipeline.statistics.groups import NO_GROUPS
from pipeline.statistics.split_statistics import SplitStatistics
from pipeline.statistics.text_quality import TextQuality
from pipeline.vocabulary.count_tables import CountSummary
from tests.support.manifests import SHA256

ORIGIN = VocabularyOrigin(kind="token_list", path="tokens.txt", sha256=SHA256, words=1, last_id=1)
# Three train rows of two labels: 'a' twice, 'b' once.
RESULTS = JobResults(
    labels=["neg", "pos"],
    shards=[],
    splits={0: SplitStatistics(rows=3, tokens=3, labels=Counter({0: 2, 1: 1}), lengths=Counter({1: 3}))},
    duplicates=duplicates.merge([]),
    near=NearDuplicates(),
    groups=NO_GROUPS,
    quality=TextQuality(rows=3, sampled_rows=3),
    rejected=RejectCounts({}, {}),
    input_rows=3,
    input_files=1,
    input_bytes=30,
    left_out={},
    left_out_examples={},
    tables=[],
    lake_tables=(),
    named_splits={},
    files_with_rejects=(0, []),
    damaged_files=(0, []),
    summary=CountSummary([1, 2], [1, 1]),
    words=WordColumns([1, 2], ["a", "b"], [2, 1]),
    files=[stored_file("vocabulary.tsv", b"1\ta\t2\n2\tb\t1\n")],
)

# what is other than in RESULTS -> the message
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"input_rows": 0}, "input.path: there are no rows in data.csv"),
    ({"input_rows": 0, "damaged_files": (1, [DamagedFile(file="a.gz", rows=0, why="cut")])},
     "input.path: there are no rows in data.csv; files that are damaged: 1, the first is a.gz: cut"),
    ({"labels": [], "rejected": RejectCounts({"label does not occur in the train split": 3}, {})},
     "split: no row is in the train split"),
    ({"labels": list("abcde")}, "input.label_column: 'label' has more than 4 different labels"),
    ({"labels": ["pos"]}, "input.label_column: the train split has only the label 'pos'; at least two"),
    ({"labels": []}, "input.label_column: the train split has no rows; at least two"),
    ({"rejected": RejectCounts({"broken JSON": 1}, {})},
     "output.max_rejected is 0.01, but 1 of 3 rows can't be used: broken JSON (1); mend them or raise"),
    ({"summary": CountSummary([], [])}, "input.text_column: no text of the train split in 'text' has a word in it"),
    ({"origin": ORIGIN, "splits": {0: SplitStatistics(rows=3, tokens=3, unknown_tokens=3)}},
     "vocabulary.from: no token of the train split is a word of tokens.txt; are the texts of its language, "
     "and are text.lowercase, filters, punctuation and split as they were for it?"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), REFUSED)
def test_build_manifest_refuses(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        build(replace(RESULTS, **changed), load(None, {"input.path": "data.csv"}), max_labels=4)
    assert str(raised.value).startswith(message)


# rows with labels, rejected of them; rows without, rejected of them -> the message, or None
MAX_REJECTED: list[tuple[tuple[int, int, int, int], str | None]] = [
    ((100, 10, 900, 9), None),
    ((100, 11, 900, 0), "output.max_rejected is 0.1, but 11 of 100 rows can't be used: bad (11); mend them or raise"),
    ((900, 0, 100, 11), "output.max_rejected is 0.1, but 11 of 100 rows of input.unlabelled can't be used: bad (11);"),
    ((900, 1, 100, 11), "output.max_rejected is 0.1, but 11 of 100 rows of input.unlabelled can't be used: of all "
     "rejected rows bad (12); mend"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), MAX_REJECTED)
def test_build_manifest_compares_rejected_rows_of_each_kind(
    rows: tuple[int, int, int, int], message: str | None
) -> None:
    labelled, bad, unlabelled, bad_unlabelled = rows
    results = replace(
        RESULTS,
        input_rows=labelled + unlabelled,
        rejected=RejectCounts({"bad": bad + bad_unlabelled}, {}),
        unlabelled=UnlabelledInput(files=1, bytes=9, rows=unlabelled, rejected=bad_unlabelled),
    )
    config = load(None, {"output.max_rejected": "0.1", "input.unlabelled": "more.csv"})
    if message is None:
        part = build(results, config, max_labels=4).unlabelled
        assert part is not None
        assert (part.rejected, part.files, part.bytes) == (9, 1, 9)
    else:
        with pytest.raises(UserError) as raised:
            build(results, config, max_labels=4)
        assert str(raised.value).startswith(message)


def test_build_manifest_refuses_a_min_count_above_all_counts() -> None:
    config = load(None, {"vocabulary.min_count": "3"})
    with pytest.raises(UserError, match=r"vocabulary.min_count is 3, but the most frequent word .* occurs 2 times"):
        build(RESULTS, config, max_labels=4)
    assert build(replace(RESULTS, origin=ORIGIN), config, max_labels=4).vocabulary.origin == ORIGIN


def test_build_manifest_of_what_is_not_refused() -> None:
    found = build(RESULTS, load(None, {}), max_labels=2)
    assert (found.labels, found.input.rows, found.splits["train"].rows) == (["neg", "pos"], 3, 3)
    assert (found.vocabulary.size, found.vocabulary.tokens, found.vocabulary.distinct_tokens) == (2, 3, 2)
