"""Splits by groups and by time, the whole job: which row comes into which split, in every way of reading."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from pipeline.contract import SPLITS
from pipeline.errors import UserError
from pipeline.job.limits import Limits
from tests.support.jobs import facts_of, manifest_of, record_bytes, records_of, run_job

JsonRow = dict[str, Any]

# (settings, limits, options of the runner, spills): ways of reading that must give the same
WAYS: list[tuple[str, dict[str, str], Limits, list[str], bool]] = [
    ("local", {}, Limits(), ["--direct_num_workers=1"], True),
    ("local_in_ranges", {}, Limits(task_bytes=2000, batch_rows=7), ["--direct_num_workers=2"], True),
    ("remote", {}, Limits(task_bytes=3000, batch_rows=16), ["--direct_num_workers=2"], False),
    ("cached", {"vocabulary.cache": "CACHE"}, Limits(task_bytes=4000), ["--direct_num_workers=1"], False),
    ("cached_again", {"vocabulary.cache": "CACHE"}, Limits(task_bytes=4000), ["--direct_num_workers=1"], True),
]


def write_rows(folder: Path, rows: Sequence[JsonRow], *, files: int = 3) -> Path:
    """A folder of JSON Lines files that hold the rows in their order, and words.txt beside it."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number in range(files):
        some = rows[number * len(rows) // files : (number + 1) * len(rows) // files]
        (data / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    words = dict.fromkeys(word for row in rows for word in row["text"].split())
    (folder / "words.txt").write_text("".join(f"{word}\n" for word in words))
    return data


def job(folder: Path, settings: dict[str, str], *, name: str = "out", **ways: Any) -> Path:
    """A job over write_rows' folder whose ids are those of words.txt, so that records tell their texts."""
    words = {"vocabulary.from": str(folder / "words.txt"), "vocabulary.top_words": "5000", "sequence.max_length": "2"}
    return run_job(folder / "data", folder / name, {**words, **settings}, **ways)


def texts_by_split(folder: Path) -> dict[str, list[str]]:
    """The texts of each split's records, sorted."""
    words = (folder.parent / "words.txt").read_text().split("\n")
    return {
        split: sorted(" ".join(words[word - 1] for word in ids if word) for ids, _ in records_of(folder, split))
        for split in SPLITS
    }


def same_in_every_way(folder: Path, settings: dict[str, str], *, ways: Sequence[str] = ()) -> Path:
    """Runs the job in every way, or those named; all give the same records, rejected rows and manifest."""
    found = []
    for name, changed, limits, arguments, spills in WAYS:
        if ways and name not in ways:
            continue
        changed = {key: value.replace("CACHE", str(folder / "cache")) for key, value in changed.items()}
        output = job(folder, {**settings, **changed}, name=name, limits=limits, beam_arguments=arguments, spills=spills)
        facts = facts_of(output)
        del facts["config"]["output"], facts["config"]["vocabulary"]["cache"], facts["vocabulary"]["cache"]
        lines = sorted(line for file in (output / "rejected").glob("*") for line in file.read_text().splitlines())
        found.append((record_bytes(output), lines, facts))
    assert all(other == found[0] for other in found[1:])
    return folder / next(name for name, *_ in WAYS if not ways or name in ways)


def split_of(content: str, *, seed: int = 0) -> str:
    """The split that the default shares and a hash give: the first 8 bytes of XXH3-128."""
    drawn = int.from_bytes(xxhash.xxh3_128_digest(content.encode(), seed=seed)[:8], "big") / 2**64
    return SPLITS[(drawn >= 0.8) + (drawn >= 0.9)]


def test_job_splits_groups_stay_together_in_every_way(tmp_path: Path) -> None:
    rows: list[JsonRow] = [
        {"text": f"t{number} u{number % 30}", "label": str(number % 2), "user": number % 30} for number in range(300)
    ]
    rows += [{"text": f"same u{number}", "label": "0", "user": f"{number}"} for number in range(30)]
    rows += [{"text": "alike u3", "label": "0", "user": user} for user in (3, 3.0, " 3 ")]  # one user
    rows += [{"text": "lost u1", "label": "0", "user": user} for user in (None, "", 2.5)]
    write_rows(tmp_path, rows)
    output = same_in_every_way(tmp_path, {"split.group_column": "user", "output.max_rejected": "0.1"})
    expected = {split: sorted(row["text"] for row in rows[:333] if split_of(row["text"].split("u")[1]) == split)
                for split in SPLITS}  # fmt: skip
    assert min(map(len, expected.values())) > 0
    assert texts_by_split(output) == expected
    manifest = manifest_of(output)
    assert manifest["rejected"]["by_reason"] == {"missing group": 2, "group is not a string, integer or boolean": 1}
    assert manifest["duplicates"]["exact"]["texts"] == 1  # "alike u3"; other equal texts do not occur
    assert manifest["groups"] == {"groups": 30, "exact": True, "largest": 14}


def test_job_splits_groups_count_texts_that_stand_in_two_splits(tmp_path: Path) -> None:
    rows = [{"text": f"t{number % 50}", "label": str(number % 2), "user": number} for number in range(500)]
    write_rows(tmp_path, rows)
    manifest = manifest_of(job(tmp_path, {"split.group_column": "user"}))
    test = [row for row in rows if split_of(str(row["user"])) == "test"]
    train = {row["text"] for row in rows if split_of(str(row["user"])) == "train"}
    across = manifest["duplicates"]["exact"]["across"][1]
    assert (across["splits"], across["rows"][1]) == (["train", "test"], sum(row["text"] in train for row in test))
    of_eval, of_test = manifest["advice"][:2]
    assert (of_eval["setting"], of_test["setting"]) == ("split.group_column", "split.group_column")
    assert f"{across['rows'][1]} of the {len(test)} test rows" in of_test["text"]


def test_job_splits_times_divide_rows_in_every_way(tmp_path: Path) -> None:
    days = [f"2024-{1 + number % 12:02}-{1 + number % 28:02}" for number in range(300)]
    rows: list[JsonRow] = [
        {"text": f"t{number}", "label": str(number % 2), "day": day} for number, day in enumerate(days)
    ]
    rows += [
        {"text": "last", "label": "0", "day": "2024-08-31T23:59:59.999999Z"},
        {"text": "first", "label": "0", "day": "2024-09-01"},
        {"text": "elsewhere", "label": "0", "day": "2024-09-01T01:00:00+02:00"},  # 31 August in UTC
        {"text": "never", "label": "0", "day": "soon"},
        {"text": "unknown", "label": "0", "day": None},
    ]
    write_rows(tmp_path, rows)
    settings = {"split.time_column": "day", "split.eval_from": "2024-09-01", "split.test_from": "2024-11-01"}
    ways = ("local_in_ranges", "remote", "cached", "cached_again")
    output = same_in_every_way(tmp_path, {**settings, "output.max_rejected": "0.1"}, ways=ways)

    def expected(first: str, after: str) -> list[str]:  # dates sort as texts do
        return [row["text"] for row in rows[:300] if first <= row["day"] < after]

    assert texts_by_split(output) == {
        "train": sorted([*expected("", "2024-09-01"), "last", "elsewhere"]),
        "eval": sorted([*expected("2024-09-01", "2024-11-01"), "first"]),
        "test": sorted(expected("2024-11-01", "9")),
    }
    assert manifest_of(output)["rejected"]["by_reason"] == {
        "missing time": 1,
        "time is not a date or time in ISO 8601": 1,
    }


def test_job_splits_times_are_the_same_in_every_format(tmp_path: Path) -> None:
    seconds = [number * 40_000 for number in range(200)]
    days = [datetime.fromtimestamp(second, timezone.utc) for second in seconds]
    texts, labels = [f"t{number}" for number in range(200)], [str(number % 2) for number in range(200)]
    columns: dict[str, pa.Array] = {
        "iso": pa.array([day.isoformat() for day in days]),
        "local": pa.array(days, pa.timestamp("us", "America/New_York")),
        "naive": pa.array([day.replace(tzinfo=None) for day in days], pa.timestamp("s")),
        "epoch": pa.array(seconds),
    }
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"text": texts, "label": labels, **columns}), tmp_path / "data" / "a.parquet")
    (tmp_path / "words.txt").write_text("".join(f"{text}\n" for text in texts))
    found = [
        texts_by_split(job(tmp_path, {"split.time_column": name, "split.test_from": start}, name=name))
        for name, start in [
            ("iso", "1970-02-01"),
            ("local", "1970-02-01T00:00"),
            ("naive", "1970-01-31T19:00:00-05:00"),
            ("epoch", "2678400"),
        ]
    ]
    test = sorted(text for text, second in zip(texts, seconds, strict=True) if second >= 31 * 86400)
    assert found[0] == {"train": sorted({*texts} - {*test}), "eval": [], "test": test}
    assert all(other == found[0] for other in found[1:])


# settings of a table with the columns text, label, day (a date) and user (a list) -> the refusal
REFUSED = [
    ({"split.time_column": "day", "split.test_from": "2024"},
     "split.time_column: 'day' in {file} holds date32[day]; it must hold integers, as split.eval_from and test_from"),
    ({"split.time_column": "user", "split.test_from": "2024-01-01"},
     "split.time_column: 'user' in {file} holds list<element: int64>; it must hold dates, timestamps, or texts in ISO"),
    ({"split.group_column": "user"},
     "split.group_column: 'user' in {file} holds list<element: int64>; it must hold strings, integers or booleans"),
    ({"split.group_column": "film"}, "split.group_column: 'film' is not in {file}; it has the columns text, label,"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_job_splits_columns_that_can_not_be_used_are_refused(
    settings: dict[str, str], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.parquet"
    days = pa.array([0, 1], pa.date32())
    pq.write_table(pa.table({"text": ["a", "b"], "label": ["x", "y"], "day": days, "user": [[1], [2]]}), file)
    with pytest.raises(UserError) as refused:
        run_job(file, tmp_path / "out", settings)
    assert str(refused.value).startswith(message.format(file=file))


def key_of(text: str) -> bytes:
    """The first half of a text's row key with the default seed."""
    return xxhash.xxh3_128_digest(text.encode(), seed=0)[:8]


def with_duplicates(number: int = 240) -> list[JsonRow]:
    """Rows of two labels, some of equal texts, some of these with both labels, and blank ones."""
    rows = [{"text": f"t{row}", "label": ("a", "a", "b")[row % 3]} for row in range(number)]
    for row in range(0, number, 8):
        rows.append({"text": f"t{row}", "label": rows[row]["label"]})
        rows.append({"text": f"t{row + 1}", "label": "a"})
    return rows[::-1] + [{"text": "", "label": "ab"[row % 2]} for row in range(20)]


UNCACHED = ("local", "local_in_ranges", "remote")
IN_RANGES = ("local_in_ranges", "remote")  # for settings whose survey is also tried above or below with all of UNCACHED


def test_job_splits_duplicates_first_keeps_the_first_row_in_every_way(tmp_path: Path) -> None:
    rows = with_duplicates()
    write_rows(tmp_path, rows)
    output = same_in_every_way(tmp_path, {"split.duplicates": "first"}, ways=UNCACHED)
    distinct = list(dict.fromkeys(row["text"] for row in rows))
    assert texts_by_split(output) == {
        split: sorted(text for text in distinct if split_of(text) == split) for split in SPLITS
    }
    manifest = manifest_of(output)
    labels = {row["text"]: row["label"] for row in rows[::-1]}  # of the first row of each text
    assert {label: sum(part["labels"][label] for part in manifest["splits"].values()) for label in ("a", "b")} == {
        label: list(labels.values()).count(label) for label in ("a", "b")
    }
    dropped = len(rows) - len(distinct)
    assert manifest["rejected"]["by_reason"] == {"text of an earlier row": dropped}
    assert manifest["rejected"]["asked_for"] == {"text of an earlier row": dropped}  # above output.max_rejected
    assert manifest["duplicates"]["exact"]["texts"] == 0
    lines = [json.loads(line) for path in (output / "rejected").iterdir() for line in path.read_text().splitlines()]
    assert sorted((int(Path(line["file"]).stem), line["row"]) for line in lines) == sorted(
        (file, row + 1)
        for file in range(3)
        for row, _ in enumerate(rows[file * len(rows) // 3 : (file + 1) * len(rows) // 3])
        if rows[file * len(rows) // 3 + row]["text"]
        in {earlier["text"] for earlier in rows[: file * len(rows) // 3 + row]}
    )


def test_job_splits_duplicates_that_contradict_are_dropped_in_every_way(tmp_path: Path) -> None:
    rows = with_duplicates()
    write_rows(tmp_path, rows)
    output = same_in_every_way(tmp_path, {"split.duplicates": "drop_conflicting"}, ways=IN_RANGES)
    contradicted = {row["text"] for row in rows if {"a", "b"} == {r["label"] for r in rows if r["text"] == row["text"]}}
    assert len(contradicted) > 5
    assert texts_by_split(output) == {
        split: sorted(r["text"] for r in rows if r["text"] not in contradicted and split_of(r["text"]) == split)
        for split in SPLITS
    }
    manifest = manifest_of(output)
    dropped = sum(row["text"] in contradicted for row in rows)
    assert manifest["rejected"]["asked_for"] == {"equal texts have different labels": dropped}
    assert manifest["duplicates"]["exact"]["conflicting"] == 0
    assert manifest["duplicates"]["exact"]["texts"] > 0  # those of one label stay


def test_job_splits_stratify_divides_each_label_in_every_way(tmp_path: Path) -> None:
    rows = [{"text": f"t{row}", "label": "common" if row % 10 else "rare"} for row in range(300)]
    write_rows(tmp_path, rows)
    output = same_in_every_way(tmp_path, {"split.stratify": "true"}, ways=IN_RANGES)
    expected: dict[str, list[str]] = {split: [] for split in SPLITS}
    for label in ("common", "rare"):
        texts = sorted((row["text"] for row in rows if row["label"] == label), key=key_of)
        for split, begin, end in (("train", 0, 0.8), ("eval", 0.8, 0.9), ("test", 0.9, 1)):
            expected[split] += texts[int(begin * len(texts)) : int(end * len(texts))]
    assert texts_by_split(output) == {split: sorted(texts) for split, texts in expected.items()}
    assert {split: part["labels"] for split, part in manifest_of(output)["splits"].items()} == {
        "train": {"common": 216, "rare": 24},
        "eval": {"common": 27, "rare": 3},
        "test": {"common": 27, "rare": 3},
    }


def test_job_splits_stratify_what_is_left_of_duplicates(tmp_path: Path) -> None:
    rows = with_duplicates()
    write_rows(tmp_path, rows)
    settings = {"split.stratify": "true", "split.duplicates": "first"}
    output = same_in_every_way(tmp_path, settings, ways=UNCACHED)
    left = Counter({row["text"]: row["label"] for row in rows[::-1]}.values())
    for label, number in left.items():
        for split, share in (("train", 0.8), ("eval", 0.1), ("test", 0.1)):
            found = manifest_of(output)["splits"][split]["labels"][label]
            assert abs(found - share * number) <= 1, (label, split)


def test_job_splits_what_depends_on_all_rows_is_not_cached(tmp_path: Path) -> None:
    write_rows(tmp_path, with_duplicates())
    with pytest.raises(UserError, match=r"vocabulary.cache: with split.duplicates the counts of a file depend on all"):
        job(tmp_path, {"split.duplicates": "first", "vocabulary.cache": str(tmp_path / "cache")})


def test_job_splits_too_many_labels_are_refused_when_stratified(tmp_path: Path) -> None:
    write_rows(tmp_path, [{"text": f"t{row}", "label": f"l{row}"} for row in range(50)])
    with pytest.raises(UserError, match="more than 20 different labels"):
        job(tmp_path, {"split.stratify": "true"}, limits=Limits(max_labels=20))
