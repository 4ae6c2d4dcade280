"""The whole job with several labels, ordinal labels, weights and slices: records against plain Python, in every way of
reading. TensorFlow parses the records by the schema that the job writes beside them."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tensorflow_transform import TFTransformOutput

from pipeline.contract import SPLITS
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import verify_folder
from pipeline.job.limits import Limits
from tests.support.jobs import facts_of, manifest_of, record_bytes, run_job

NAMES = ["cats", "dogs", "tea", "Zebra"]
# In the order of their UTF-8 bytes.
ORDERED = ["Zebra", "cats", "dogs", "tea"]

# (settings, limits, options of the runner, spills): ways of reading that must give the same
WAYS: dict[str, tuple[dict[str, str], Limits, list[str], bool]] = {
    "local": ({}, Limits(), ["--direct_num_workers=1"], True),
    "local_in_ranges": ({}, Limits(task_bytes=2000, batch_rows=7), ["--direct_num_workers=2"], True),
    "remote": ({}, Limits(task_bytes=3000, batch_rows=16), ["--direct_num_workers=2"], False),
    "cached": ({"vocabulary.cache": "CACHE"}, Limits(task_bytes=4000), ["--direct_num_workers=1"], False),
}
# Keys of the manifest that do not depend on the way.
FIGURES = [
    *["labels", "record", "splits", "label_sets", "samples", "telling_words", "duplicates", "advice", "rejected"],
    "unlabelled",
]


class Found(NamedTuple):
    """What a record holds: its text, the names of its labels, its weight and its values of the slices."""

    text: str
    labels: tuple[str, ...]
    weight: float | None = None
    slices: tuple[str, ...] = ()


def rows_of(number: int = 200) -> list[dict[str, Any]]:
    """Each row is one word of its own, with none to all of the labels; every tenth text comes again."""
    rows = []
    for n in range(number):
        own = [name for place, name in enumerate(NAMES) if (n * 7 + 3) % 16 >> place & 1]
        rows.append({"text": f"word{n}", "label": own[::-1], "weight": 0.25 + n % 3, "source": f"s{n % 2}"})
        if n % 10 == 0:
            rows.append({**rows[-1], "weight": 7.5})
    return rows


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = dict.fromkeys(str(row["text"]) for row in rows)
    (path.parent / "words.txt").write_text("".join(f"{word}\n" for word in words))
    return path


def job(path: Path, output: Path, settings: dict[str, str], **ways: Any) -> Path:
    """A job whose ids are those of words.txt, so that records tell their texts."""
    own = {
        "vocabulary.from": str(path.parent / "words.txt"),
        "vocabulary.top_words": "5000",
        "sequence.max_length": "2",
    }
    return run_job(path, output, {**own, "output.max_rejected": "0.5", **settings}, **ways)


def found_in(folder: Path, split: str, words: Path) -> list[Found]:
    """A split's records, parsed by the schema in transform/."""
    names, every = words.read_text().split("\n"), manifest_of(folder)["labels"]
    spec = TFTransformOutput(str(folder / "transform")).transformed_feature_spec()
    paths = sorted(map(str, (folder / "records").glob(f"{split}-*")))
    found = []
    for record in tf.data.TFRecordDataset(paths, "GZIP"):
        parsed = tf.io.parse_single_example(record, spec)
        label = parsed["label"]
        indices = label.values.numpy().tolist() if isinstance(label, tf.SparseTensor) else [int(label)]
        found.append(
            Found(
                " ".join(names[word - 1] for word in parsed["ids"].numpy().tolist() if word),
                tuple(every[index] for index in indices),
                float(parsed["weight"]) if "weight" in parsed else None,
                tuple(value.decode() for value in parsed["slices"].numpy().tolist()) if "slices" in parsed else (),
            )
        )
    return found


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of rows_of() with several labels alone; rows.jsonl beside them."""
    folder = tmp_path_factory.mktemp("several")
    return job(write(folder / "rows.jsonl", rows_of()), folder / "out", {})


def test_job_features_records_hold_all_labels_of_a_row(several: Path) -> None:
    found = [row for split in SPLITS for row in found_in(several, split, several.parent / "words.txt")]
    assert Counter(found) == Counter(
        Found(row["text"], tuple(name for name in ORDERED if name in row["label"])) for row in rows_of()
    )
    manifest = manifest_of(several)
    assert manifest["labels"] == ORDERED
    assert manifest["record"] == {
        "several_labels": True, "label_kind": "nominal", "weighted": False, "slices": [],
    }  # fmt: skip


def test_job_features_several_labels_are_counted(several: Path) -> None:
    manifest = manifest_of(several)
    texts = {row["text"]: row["label"] for row in rows_of()}
    for split in SPLITS:
        rows = [texts[row.text] for row in found_in(several, split, several.parent / "words.txt")]
        part = manifest["splits"][split]
        assert part["labels"] == {name: sum(name in own for own in rows) for name in ORDERED}
        assert (part["rows"], part["no_labels"], part["weights"]) == (len(rows), rows.count([]), None)
        if split == "train":
            sets = Counter(tuple(name for name in ORDERED if name in own) for own in rows)
            told = manifest["label_sets"]
            assert (told["sampled_rows"], told["exact"], told["distinct"]) == (len(rows), True, len(sets))
            assert {tuple(each["labels"]): each["rows"] for each in told["most_frequent"]} == sets
    for sample in manifest["samples"]:
        own = [name for name in ORDERED if name in texts[sample["text"]]]
        assert (sample["labels"], sample["label"]) == (own, json.dumps(own))
    assert manifest["duplicates"]["conflicting"] == 0
    assert verify_folder(str(several), LocalFiles()).problems == ()


def test_job_features_a_parquet_list_gives_the_same_records(several: Path, tmp_path: Path) -> None:
    columns = {name: [row[name] for row in rows_of()] for name in ("text", "label")}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet", row_group_size=50)
    (tmp_path / "words.txt").write_bytes((several.parent / "words.txt").read_bytes())
    assert record_bytes(job(tmp_path / "rows.parquet", tmp_path / "out", {})) == record_bytes(several)


@pytest.mark.parametrize("spills", [True, False])
def test_job_features_a_row_with_a_label_that_train_lacks_is_rejected_as_a_whole(tmp_path: Path, spills: bool) -> None:
    rows = [{"text": f"word{n}", "label": [["a"], ["a", "b"], []][n % 3], "part": "train"} for n in range(9)]
    rows += [{"text": "odd", "label": ["a", "new"], "part": "eval"}, {"text": "even", "label": ["b"], "part": "eval"}]
    path = write(tmp_path / "rows.jsonl", rows)
    folder = job(path, tmp_path / "out", {"split.column": "part"}, spills=spills)
    assert found_in(folder, "eval", tmp_path / "words.txt") == [Found("even", ("b",))]
    (line,) = [json.loads(line) for file in (folder / "rejected").iterdir() for line in file.read_text().splitlines()]
    assert (line["row"], line["reason"]) == (10, "label does not occur in the train split")
    assert line["content"] == 'label: ["a", "new"], text: odd'


def test_job_features_equal_texts_with_other_lists_of_labels_conflict(tmp_path: Path) -> None:
    rows = rows_of(60)
    lists = [["cats"], ["cats", "dogs"], ["dogs", "cats"], []]
    rows += [{"text": "same", "label": own} for own in lists] + [{"text": "fine", "label": ["tea"]}] * 3
    path = write(tmp_path / "rows.jsonl", rows)
    kept = manifest_of(job(path, tmp_path / "kept", {}))
    assert (kept["duplicates"]["conflicting"], kept["duplicates"]["exact"]["conflicting"]) == (1, 1)
    dropped = job(path, tmp_path / "dropped", {"split.duplicates": "drop_conflicting"})
    found = [row.text for split in SPLITS for row in found_in(dropped, split, tmp_path / "words.txt")]
    assert (found.count("same"), found.count("fine")) == (0, 3)
    first = job(path, tmp_path / "first", {"split.duplicates": "first"})
    found_first = {row for split in SPLITS for row in found_in(first, split, tmp_path / "words.txt")}
    assert {Found("same", ("cats",)), Found("fine", ("tea",))} == {
        row for row in found_first if row.text in ("same", "fine")
    }


@pytest.mark.parametrize("spills", [True, False])
def test_job_features_stratify_divides_each_list_of_labels(tmp_path: Path, spills: bool) -> None:
    lists = [["a"]] * 100 + [["a", "b"]] * 50 + [[]] * 10
    rows: list[dict[str, Any]] = [{"text": f"word{n}", "label": own} for n, own in enumerate(lists)]
    rare = [[f"r{n}", f"r{n % 7}"] for n in range(40)]
    rows += [{"text": f"rare{n}", "label": own} for n, own in enumerate(rare)]
    folder = job(write(tmp_path / "rows.jsonl", rows), tmp_path / "out", {"split.stratify": "true"}, spills=spills)
    counts = {split: Counter(row.labels for row in found_in(folder, split, tmp_path / "words.txt")) for split in SPLITS}
    for own, expected in ((("a",), (80, 10, 10)), (("a", "b"), (40, 5, 5)), ((), (8, 1, 1))):
        assert tuple(counts[split][own] for split in SPLITS) == expected
    # Lists of fewer rows go where their texts send them: of 40 about 32 to train, and not all of them.
    assert 24 <= sum(rows for own, rows in counts["train"].items() if any(name.startswith("r") for name in own)) < 40


WEIGHTED = {"input.weight_column": "weight", "metrics.slices": "[source, text_length]"}


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of rows_of() with all features, and with texts without labels."""
    folder = tmp_path_factory.mktemp("weighted")
    bad = [
        {"text": f"bad{n}", "label": ["tea"], "weight": weight} for n, weight in enumerate([0, -1, None, "x", 1e-60])
    ]
    write(folder / "rows.jsonl", [*rows_of(), *bad])
    (folder / "more.jsonl").write_text("".join(json.dumps({"text": f"word{n} word3"}) + "\n" for n in range(9)))
    return job(folder / "rows.jsonl", folder / "out", unlabelled_too(folder))


def unlabelled_too(folder: Path) -> dict[str, str]:
    return {**WEIGHTED, "input.unlabelled": str(folder / "more.jsonl")}


def test_job_features_records_hold_weights_and_slices(weighted: Path) -> None:
    words = weighted.parent / "words.txt"
    found = {split: found_in(weighted, split, words) for split in SPLITS}
    rows = [row for split in SPLITS for row in found[split]]
    expected = [
        Found(row["text"], tuple(name for name in ORDERED if name in row["label"]), row["weight"], (row["source"],))
        for row in rows_of()
    ]
    assert Counter(rows) == Counter(expected)  # all weights are numbers that float32 has
    manifest = manifest_of(weighted)
    assert manifest["record"] == {
        "several_labels": True, "label_kind": "nominal", "weighted": True, "slices": ["source"],
    }  # fmt: skip
    for split in SPLITS:
        weights = [row.weight or 0.0 for row in found[split]]
        assert manifest["splits"][split]["weights"] == {
            "total": sum(weights),
            "squares": sum(weight**2 for weight in weights),
            "labels": {name: sum(row.weight or 0.0 for row in found[split] if name in row.labels) for name in ORDERED},
        }
    assert sum(manifest["rejected"]["by_reason"].values()) == 5
    assert manifest["duplicates"]["rows"] == 20  # equal texts with other weights
    assert manifest["duplicates"]["conflicting"] == 0
    assert manifest["unlabelled"]["rows"] == 9
    assert verify_folder(str(weighted), LocalFiles()).problems == ()


@pytest.mark.parametrize("way", [way for way in WAYS if way != "local"])
def test_job_features_are_the_same_in_every_way(weighted: Path, tmp_path: Path, way: str) -> None:
    """Several labels, weights and slices at once; the cache is filled, and then read."""
    settings, limits, arguments, spills = WAYS[way]
    settings = {key: value.replace("CACHE", str(tmp_path / "cache")) for key, value in settings.items()}
    for name in ("out", "again") if "vocabulary.cache" in settings else ("out",):
        again = job(
            weighted.parent / "rows.jsonl", tmp_path / name, {**unlabelled_too(weighted.parent), **settings},
            limits=limits, beam_arguments=arguments, spills=spills,
        )  # fmt: skip
        assert record_bytes(again) == record_bytes(weighted)
        one, two = facts_of(again), facts_of(weighted)
        for key in FIGURES:
            assert one[key] == two[key], key
    if "vocabulary.cache" in settings:
        (entries,) = (tmp_path / "cache").iterdir()  # one folder, though the input decides on several labels
        assert {"settings.json"} < {path.name for path in entries.iterdir()}


ORDINAL = [
    # labels; their order
    (["10", "2.5", "-1", "9"], ["-1", "2.5", "9", "10"]),
    ([3, 10, 1, 2], ["1", "2", "3", "10"]),
]


@pytest.mark.parametrize(("labels", "order"), ORDINAL)
def test_job_features_ordinal_labels_are_in_the_order_of_their_values(
    tmp_path: Path, labels: list[Any], order: list[str]
) -> None:
    rows = [{"text": f"word{n}", "label": labels[n % 4]} for n in range(80)]
    folder = job(write(tmp_path / "rows.jsonl", rows), tmp_path / "out", {"input.label_kind": "ordinal"})
    manifest = manifest_of(folder)
    assert manifest["labels"] == order
    assert manifest["record"]["label_kind"] == "ordinal"
    texts = {row["text"]: str(row["label"]) for row in rows}
    for row in found_in(folder, "train", tmp_path / "words.txt"):
        assert row.labels == (texts[row.text],)


REFUSED = [
    # labels of the rows, settings, part of the message
    (["1", "2", "good"], {"input.label_kind": "ordinal"}, "the label 'good' is not a finite number; give it one with "),
    (["1", "nan"], {"input.label_kind": "ordinal"}, "the label 'nan' is not a finite number"),
    (["1", "2", "1.0"], {"input.label_kind": "ordinal"}, "the labels '1' and '1.0' are one number; make one label of "),
    ([[], []], {}, "the train split has no labels; at least two labels are needed"),
    ([["a"], []], {}, "the train split has only the label 'a'; at least two labels are needed"),
]


@pytest.mark.parametrize(("labels", "settings", "message"), REFUSED)
def test_job_features_labels_that_no_model_learns_refuse_the_run(
    tmp_path: Path, labels: list[Any], settings: dict[str, str], message: str
) -> None:
    rows = [{"text": f"word{n}", "label": labels[n % len(labels)]} for n in range(60)]
    with pytest.raises(UserError) as raised:
        job(write(tmp_path / "rows.jsonl", rows), tmp_path / "out", settings)
    assert message in str(raised.value)
