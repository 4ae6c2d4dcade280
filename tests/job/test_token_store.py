"""pipeline.job.token_store: batches come back as they were; a job gives the same, wherever its tokens wait."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.job import token_store
from pipeline.job.limits import Limits
from pipeline.job.map_to_ids import TransformStored
from pipeline.job.read import STORED, ReadRows
from pipeline.job.row_filter import KeyedRows
from pipeline.job.row_labels import are_known
from pipeline.job.run import make_plan
from pipeline.job.token_store import StoredTokens, TokenPlace, TokenWriter
from pipeline.sources import plan_tasks
from pipeline.sources.schema import REJECTED_SCHEMA, RejectedRow, rejected_batch
from pipeline.sources.tasks import ReadTask
from pipeline.text.token_batch import TokenBatch, split_rows
from pipeline.vocabulary.count_words import count_words
from tests.support.jobs import facts_of, record_bytes, run_job, small_rows, write_jsonl

TRAIN, EVAL, TEST = 0, 1, 2


def batch(
    rows: list[tuple[bytes, str, int]], *, rejects: int = 0, first_key: int = 0, weights: list[float] | None = None
) -> KeyedRows:
    """(text, label, split) of each row; keys rise, and choose a row where they are low. weights: with slices."""
    texts, labels, splits = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {
        "text": pa.array(texts, pa.large_binary()),
        "label": pa.array(labels, pa.string()),
        "split": pa.nulls(len(rows), pa.string()),
        "position": pa.array(range(10, 10 + len(rows)), pa.int64()),
        "row": pa.array(range(len(rows)), pa.int64()),
        "weight": pa.nulls(len(rows), pa.float32()) if weights is None else pa.array(weights, pa.float32()),
        "slices": pa.array([None if weights is None else ["a", ""] for _ in rows], pa.list_(pa.string())),
    }
    keys = pa.array([(first_key + row).to_bytes(16, "big") for row in range(len(rows))], pa.large_binary())
    task = ReadTask("a.csv", 0, "csv")
    rejected = rejected_batch(task, [RejectedRow(100 + row, "no text", "") for row in range(rejects)])
    return KeyedRows(pa.record_batch(columns), keys, np.array(splits, np.int64), [rejected])


def needed(keyed: KeyedRows, *, share: float) -> KeyedRows:
    """The rows as the second pass needs them, if only the label "known" is one of train rows."""
    is_known = are_known(keyed.rows["label"], {"known"}, several=False)
    return token_store.with_needed_texts(keyed, is_known=is_known, share=share)


def texts_of(keyed: KeyedRows) -> list[bytes | None]:
    return keyed.rows["text"].to_pylist()


# (text, split) of the rows -> texts in their new order, train rows
ORDERS = [
    ([], [], 0),
    ([(b"a", TRAIN), (b"b", EVAL), (b"c", TEST)], [b"a", b"b", b"c"], 1),
    ([(b"a", TEST), (b"b", TRAIN), (b"c", EVAL), (b"d", TRAIN)], [b"b", b"d", b"a", b"c"], 2),
    ([(b"a", EVAL), (b"b", TEST)], [b"a", b"b"], 0),
    ([(b"a", EVAL), (b"b", TRAIN)], [b"b", b"a"], 1),
]


@pytest.mark.parametrize(("rows", "expected", "trains"), ORDERS)
def test_token_store_counted_rows_come_first(rows: list[tuple[bytes, int]], expected: list[bytes], trains: int) -> None:
    before = batch([(text, "x", split) for text, split in rows], rejects=1)
    found, number = token_store.counted_first(before, is_counted=before.splits == TRAIN)
    assert (texts_of(found), number) == (expected, trains)
    places = [texts_of(before).index(text) for text in expected]
    assert found.rows["position"].to_pylist() == [10 + place for place in places]
    assert found.keys.to_pylist() == [place.to_bytes(16, "big") for place in places]
    assert found.splits.tolist() == [rows[place][1] for place in places]
    assert found.rejected[0].num_rows == 1


def test_token_store_holds_the_texts_that_the_second_pass_needs() -> None:
    high = 2**64 - 1000  # above what a share chooses, and above the keys of all samples
    rows = [(b"seen %d" % row, "known", TRAIN) for row in range(20)]
    low = needed(batch(rows), share=0)
    assert texts_of(low) == [b"seen %d" % row for row in range(16)] + [None] * 4  # possible samples
    rows = [*rows, (b"new label", "unknown", TEST), (b"old label", "known", TEST), (b"x" * 4001, "known", EVAL)]
    found = needed(batch(rows, first_key=high), share=0)
    assert texts_of(found)[20:] == [b"new label", b"old label", None]  # one in doubt, one sample, one too long for it
    every = needed(batch(rows, first_key=high), share=1)
    assert texts_of(every) == [text for text, _, _ in rows]
    assert texts_of(needed(batch([]), share=1)) == []


def test_token_store_other_texts_take_no_space() -> None:
    rows = [(b"%064d" % row * 50, "known", TRAIN) for row in range(100)]
    found = needed(batch(rows), share=0)
    assert found.rows["text"].null_count == 84
    assert found.rows["text"].nbytes < 16 * 3200 + 2000


@pytest.fixture(params=["lz4", "zstd", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenPlace:
    """A folder of this machine, or one that Beam's filesystems alone reach."""
    if request.param == "store":
        monkeypatch.setattr(token_store, "is_local", lambda _: False)
        return TokenPlace(f"{tmp_path}/not/there/yet", "zstd")
    return TokenPlace(str(tmp_path), request.param)


def stored_in(place: TokenPlace, *batches: tuple[KeyedRows, TokenBatch]) -> StoredTokens:
    with TokenWriter(place) as writer:
        for keyed, tokenized in batches:
            writer.write(keyed, tokenized)
    return writer.stored


def test_token_store_batches_come_back(place: TokenPlace) -> None:
    batches = [
        (
            batch([(b"b a", "x", TRAIN), (b"", "y", EVAL), (b"a", "x", TEST)], rejects=2),
            split_rows([b"b a", b"", b"a"]),
        ),
        (batch([], rejects=1), split_rows([])),
        (batch([(b"c", "x", TEST)]), split_rows([b"c"])),
        (batch([(b"c", "x", TEST), (b"c", "x", TEST)], weights=[0.1, 2]), split_rows([b"c", b"c"])),
    ]
    again = token_store.read_batches(stored_in(place, *batches), place.folder)
    for (before, tokenized), (found, tokens) in zip(batches, again, strict=True):
        for name in ("text", "label", "position", "row", "weight", "slices"):
            assert found.rows[name].equals(before.rows[name])
        assert found.keys.equals(before.keys)
        assert found.splits.tolist() == before.splits.tolist()
        rejected = pa.Table.from_batches(found.rejected, REJECTED_SCHEMA)
        assert rejected.equals(pa.Table.from_batches(before.rejected, REJECTED_SCHEMA))
        of_tokens = token_store.to_token_batch(tokens)
        assert of_tokens.distinct.equals(tokenized.distinct)
        assert of_tokens.indices.tolist() == tokenized.indices.tolist()
        assert of_tokens.row_splits.tolist() == tokenized.row_splits.tolist()


def test_token_store_has_no_file_without_a_batch(place: TokenPlace, tmp_path: Path) -> None:
    assert list(token_store.read_batches(stored_in(place), place.folder)) == []
    assert list(tmp_path.iterdir()) == []


def test_token_store_never_makes_a_folder_of_this_machine(tmp_path: Path) -> None:
    """A thread that is late in an interrupted run would make the staging folder again."""
    with pytest.raises(FileNotFoundError, match="gone"):
        stored_in(TokenPlace(f"{tmp_path}/gone", "lz4"), (batch([(b"c", "x", TEST)]), split_rows([b"c"])))
    assert list(tmp_path.iterdir()) == []


def tokens_of(tmp_path: Path, keyed: KeyedRows, tokenized: TokenBatch) -> pa.LargeListArray:
    ((_, tokens),) = token_store.read_batches(
        stored_in(TokenPlace(str(tmp_path), "lz4"), (keyed, tokenized)), str(tmp_path)
    )
    return tokens


def test_token_store_tokens_of_some_rows(tmp_path: Path) -> None:
    tokens = tokens_of(tmp_path, batch([(b"", "x", TRAIN)] * 4), split_rows([b"b a", b"", b"c", b"a c"]))
    found = token_store.to_token_batch(tokens.filter(pa.array([False, True, False, True])))
    assert found.distinct.to_pylist() == [b"b", b"a", b"c"]
    assert (found.indices.tolist(), found.row_splits.tolist()) == ([1, 2], [0, 0, 2])


@pytest.mark.parametrize("words", [65_536, 65_537])
def test_token_store_numbers_have_16_bits_if_these_are_enough(words: int, tmp_path: Path) -> None:
    tokenized = split_rows([b" ".join(b"w%d" % word for word in range(words)) + b" w0"])
    found = token_store.to_token_batch(tokens_of(tmp_path, batch([(b"", "x", TRAIN)]), tokenized))
    assert found.indices.tolist() == [*range(words), 0]
    assert found.distinct[words - 1].as_py() == b"w%d" % (words - 1)


# texts, rows that are counted -> token, count, place of each token
COUNTED = [
    ([b"b a b", b"", b"a", b"c b"], slice(0, 3), [(b"b", 2, 0), (b"a", 2, 1)]),
    ([b"b a b", b"", b"a", b"c b"], slice(3, 4), [(b"c", 1, 0), (b"b", 1, 1)]),
    ([b"a b", b"b a b"], slice(1, 2), [(b"b", 2, 0), (b"a", 1, 1)]),  # in the order of these rows
    ([b"", b"a"], slice(0, 1), []),
    ([b"a", b""], slice(1, 2), []),
]


@pytest.mark.parametrize(("texts", "rows", "expected"), COUNTED)
def test_count_words_counts_the_rows_asked_for(
    texts: list[bytes], rows: slice, expected: list[tuple[bytes, int, int]]
) -> None:
    table = count_words(split_rows(texts), rows=rows, position=7)
    columns = (table[name].to_pylist() for name in ("token", "count", "place"))
    assert list(zip(*columns, strict=True)) == expected
    assert set(table["position"].to_pylist()) <= {7}


BROKEN = '{"text": null, "label": "x", "part": "test"}\n{broken\n'


def write_everything(folder: Path) -> list[str]:
    """Files with repeated and empty texts, labels that the train split lacks, splits that are none, broken lines, and
    texts of all kinds; the last holds broken lines alone."""
    rows = [{"text": text, "label": label, "part": "train"} for text, label in small_rows(200)]
    for number, row in enumerate(rows):
        row["part"] = ("train", "train", "eval", "test", "train")[number % 5]
    rows[7]["part"] = "holdout"
    rows[12:14] = [{"text": f"a rare <b>label</b> {number}", "label": "rare", "part": "test"} for number in range(2)]
    rows[40]["text"], rows[41]["text"] = "ÉTÉ\u00a0CAFÃ© \u2028 x\u200by", "tab\tback\\slash İ ΣΊΣΥΦΟΣ"
    late = {"text": "a label that only the last file trains", "label": "late", "part": "eval"}
    files = [rows[:90], [late, *rows[90:]], [{**late, "part": "train"}, {**late, "text": "late", "part": "train"}], []]
    paths = []
    for number, content in enumerate(files):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in content) + BROKEN * (1 if content else 100))
        paths.append(str(path))
    return paths


SETTINGS = {"split.column": "part", "output.max_rejected": "0.6", "sequence.max_length": "12"}
# Settings that change what a token is, or how tokens become records; test_job_writes_the_same_bytes has the defaults,
# test_text_ids.py texts of characters.
OTHER_SETTINGS = {
    "text.strip_html": "true",
    "text.split": "space",
    "text.filters": "x",
    "text.lowercase": "false",
    "vocabulary.min_count": "2",
    "vocabulary.oov": "token",
    "sequence.padding": "post",
    "sequence.truncating": "post",
    "output.compression": "none",
}


def test_token_store_job_gives_the_same_wherever_tokens_wait(tmp_path: Path) -> None:
    paths = write_everything(tmp_path)
    changed = {**SETTINGS, **OTHER_SETTINGS}
    limits = Limits(sampled_bytes=9000, task_bytes=4000)  # a third of the input is examined
    local = run_job(paths, tmp_path / "local", changed, limits=limits, beam_arguments=["--direct_num_workers=2"])
    remote = run_job(paths, tmp_path / "remote", changed, limits=limits, spills=False)
    assert record_bytes(local) == record_bytes(remote)
    assert rejected(local) == rejected(remote)
    assert len(rejected(local)) == 209
    assert facts(local) == facts(remote)


def test_token_store_job_refuses_too_many_labels(tmp_path: Path) -> None:
    limits = Limits(max_labels=20, sampled_bytes=1)  # so that no text is stored but those of samples
    source = write_jsonl(tmp_path / "rows.jsonl", [(f"text {number}", f"label {number}") for number in range(100)])
    with pytest.raises(UserError, match="more than 20 different labels"):
        run_job(source, tmp_path / "records", limits=limits)


def rejected(folder: Path) -> list[bytes]:
    return sorted(line for file in (folder / "rejected").iterdir() for line in file.read_bytes().splitlines())


def facts(folder: Path) -> dict[str, Any]:
    """The facts of the manifest, but for where it lies."""
    found = facts_of(folder)
    del found["config"]["output"]["path"]
    return found


# what happens to the file of tokens
DAMAGES = {
    "zeros": lambda content: bytes(len(content)),
    "cut": lambda content: content[:-1],
    "empty": lambda _: b"",
    "flipped": lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_token_store_names_the_file_of_tokens_that_is_damaged(damage: str, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "rows.jsonl", small_rows(20))
    config = load(None, {"input.path": str(source), "output.path": str(tmp_path / "out")})
    tasks = plan_tasks(config.input, LocalFiles())
    plan = make_plan(config, tasks, staging=str(tmp_path / "work"), spills=True)
    blocks = tmp_path / "blocks"
    blocks.mkdir()
    read = ReadRows(plan.read_options, config, place=TokenPlace(str(blocks), "lz4"))
    read.setup()
    (stored,) = [
        output.value
        for output in read.process(tasks.groups[0])
        if isinstance(output, TaggedOutput) and output.tag == STORED
    ]
    (file,) = blocks.iterdir()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    vocabulary = tmp_path / "vocabulary.tsv"
    vocabulary.write_text("1\tword0\t1\n")
    transform = TransformStored(plan.read_options, config, folder=str(blocks), compared_share=0)
    with pytest.raises(OSError, match="is damaged") as raised:
        list(transform.process(stored, ["negative", "positive"], str(vocabulary)))
    assert str(file) in str(raised.value)
