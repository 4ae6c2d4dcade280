"""`vocabulary.cache`: what is counted anew, what is taken from the cache, and that the results are the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli import main
from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.contract import UNLABELLED
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.local import LocalFiles
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.read import REFUSED, ReadRows, count_tables_of
from pipeline.job.run import make_plan
from pipeline.job.token_store import TokenPlace
from pipeline.records_folder.manifest import CacheUse
from pipeline.sources import plan_tasks
from pipeline.sources.tasks import PLACE_BITS, Kind, ReadTask, TaskGroup
from pipeline.support import arrow_ipc
from pipeline.text.token_batch import split_rows
from pipeline.vocabulary import count_cache, count_tables
from pipeline.vocabulary.cached_counting import (
    CACHE_USE,
    ENTRY_PARTS,
    TABLES,
    EntryPart,
    EntryToWrite,
    LookedUpGroup,
    LookUp,
    PartialCounts,
    RangeRead,
    merge_file_counts,
)
from pipeline.vocabulary.count_cache import entries_folder, entry_path, read_entry, write_entry
from tests.support.jobs import (
    SMALL_SETTINGS,
    facts_of,
    manifest_of,
    record_bytes,
    run_job,
    small_rows,
    write_csv,
    write_jsonl,
)

TABLE = count_tables.count_table(([b"this", b"is"], [2, 1], [5, 5], [0, 1], [4, 7]))


def put(folder: Path, number: int, *, rows: int = 40) -> Path:
    """A file of texts that other numbers have not: words of its own, all as frequent as each other, among the usual."""
    folder.mkdir(exist_ok=True)
    own = [(f"own{number} word3 also{number}", "positive")]
    return write_jsonl(folder / f"day-{number:02}.jsonl", own + small_rows(400)[number * rows : (number + 1) * rows])


def small_job(data: Path, output: Path, cache: Path | None, changed: dict[str, str]) -> tuple[Path, tuple[int, int]]:
    """Runs over a folder; gives the records folder and how many files were (reused, counted). With a cache files are
    read in ranges of 4 KB."""
    settings = changed if cache is None else {"vocabulary.cache": str(cache), **changed}
    limits = DEFAULT_LIMITS if cache is None else Limits(task_bytes=4000)
    manifest = manifest_of(run_job(data, output, settings, overwrite=True, limits=limits))
    return output, tuple((manifest["vocabulary"]["cache"] or {}).values())


def figures(folder: Path) -> dict[str, Any]:
    """The facts of the manifest, but for what names the output and the cache."""
    manifest = facts_of(folder)
    del manifest["config"]["output"], manifest["config"]["vocabulary"]["cache"], manifest["vocabulary"]["cache"]
    return manifest


def test_cached_counting_only_what_changed_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, cache = tmp_path / "data", tmp_path / "cache"
    for number in (2, 4, 6, 7):
        put(data, number)
    write_csv(data / "day-05.csv", small_rows(300))
    first, files = small_job(data, tmp_path / "first", cache, {})
    assert files == (0, 5)
    entries = sorted(cache.rglob("*.counts"), key=lambda path: path.stat().st_size)
    assert len(entries) == 5

    for number in (1, 3, 9):  # at both ends and in the middle: every old file has another index
        put(data, number)
    put(data, 4, rows=30)
    (data / "day-02.jsonl").unlink()
    entries[-1].write_bytes(entries[-1].read_bytes()[:-9] + b"damaged!!")  # of the csv file, the largest
    # Nothing that counts depend on, and the only words are those of the first run and the 100 most frequent others.
    changed = {"vocabulary.min_count": "2", "sequence.max_length": "9", "vocabulary.from": str(first),
               "vocabulary.grow": "true", "vocabulary.top_words": "300"}  # fmt: skip
    cached, files = small_job(data, tmp_path / "cached", cache, changed)
    assert files == (2, 5)  # 6 and 7; 1, 3, 9, 4 and the csv file anew
    full, _ = small_job(data, tmp_path / "full", None, changed)
    assert record_bytes(cached) == record_bytes(full)
    assert figures(cached) == figures(full)

    options = {**SMALL_SETTINGS, **changed, "input.path": data, "output.path": tmp_path / "last"}
    options["vocabulary.cache"] = cache
    assert main(["run", *(f"--{name}={value}" for name, value in options.items())]) == 0
    assert "counted 0 files anew, 7 taken from the cache\n" in capsys.readouterr().out
    assert record_bytes(tmp_path / "last") == record_bytes(full)


def test_cached_counting_a_group_that_could_not_be_read_is_of_no_use(tmp_path: Path) -> None:
    """All files of a group are read in one go, and nobody knows which of them whole."""
    files = [put(tmp_path / "data", number, rows=10) for number in range(3)]
    (tmp_path / "data" / "day-99.csv").write_text("txt,label\na,b\n")
    config = load(None, {"input.path": str(tmp_path / "data"), "output.path": str(tmp_path / "out")})
    tasks = plan_tasks(config.input, LocalFiles())
    (group,) = tasks.groups
    assert list(group.paths[:3]) == [str(file) for file in files]
    plan = make_plan(config, tasks, staging=str(tmp_path / "work"), spills=False)
    outputs: dict[str, list[Any]] = {}
    read = ReadRows(plan.read_options, config, place=TokenPlace(str(tmp_path), "lz4"))
    read.setup()
    for output in read.process(LookedUpGroup(group, frozenset())):
        if isinstance(output, TaggedOutput):
            outputs.setdefault(output.tag, []).append(output.value)
    (message,) = outputs[REFUSED]
    assert "'text' is not in" in message
    assert "day-99.csv" in message
    assert [(file, part.is_complete) for file, part in outputs[ENTRY_PARTS]] == [
        (0, False), (1, False), (2, False), (3, False),
    ]  # fmt: skip


# --- entries


def config_of(**changed: str) -> Config:
    overrides = {name.replace("__", "."): value for name, value in changed.items()}
    return load(None, {"vocabulary.cache": "cache", "input.path": "data", **overrides})


@pytest.mark.parametrize(
    ("changed", "is_other"),
    [
        # settings, whether counts made with the defaults are of no use
        ({"text__lowercase": "false"}, True),
        ({"text__filters": "!"}, True),
        ({"text__split": "space"}, True),
        ({"text__strip_html": "true"}, True),
        ({"split__train": "0.7", "split__test": "0.2"}, True),
        ({"split__column": "part"}, True),
        ({"output__seed": "1"}, True),
        ({"input__text_column": "review"}, True),
        ({"input__label_column": "stars"}, True),
        ({"vocabulary__top_words": "10"}, False),
        ({"vocabulary__min_count": "3"}, False),
        ({"vocabulary__oov": "token"}, False),
        ({"sequence__max_length": "10"}, False),
        ({"output__shards": "3"}, False),
        ({"input__id_column": "id"}, False),
        ({"input__unlabelled": "more.csv"}, False),
        ({"input__label_map": '{"0": "neg"}'}, True),
        ({"input__delimiter": "tab"}, True),
        ({"input__quoting": "none"}, True),
        ({"input__escape": "backslash"}, True),
        ({"input__encoding": "latin-1"}, True),
        ({"input__columns": '["text", "label"]'}, True),
        ({"split__group_column": "user"}, True),
        ({"split__time_column": "day", "split__eval_from": "2024-01-01"}, True),
        ({"input__path": "elsewhere"}, False),  # the entry's own name has the path
    ],
)
def test_cached_counting_settings_that_counts_depend_on(changed: dict[str, str], is_other: bool) -> None:
    assert (entries_folder(config_of(**changed)) != entries_folder(config_of())) == is_other


def test_cached_counting_entries_are_of_one_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    def named(content: bytes, **changed: Any) -> str | None:
        path.write_bytes(content)
        return entry_path(
            "cache", ReadTask(**{"path": str(path), "file_index": 3, "format": "csv", **changed}), BeamFiles()
        )

    first = named(b"text,label\na,b\n")
    assert named(b"text,label\na,c\n") != first  # of the same size, and perhaps in the same tick of the clock
    assert named(b"text,label\na,b\n", format="tsv") != first
    assert named(b"text,label\na,b\n", splits="test") != first
    assert named(b"text,label\na,b\n", file_index=9) == first


def damage(content: bytes) -> bytes:
    return content[:40] + b"x" + content[41:]


@pytest.mark.parametrize(
    "change", [damage, lambda content: content[:-1], lambda _: b"", lambda content: content + b"1"]
)
def test_cached_counting_damaged_entries_are_none(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "1.counts"
    write_entry(str(path), TABLE, BeamFiles())
    assert read_entry(str(path), BeamFiles()) == TABLE
    path.write_bytes(change(path.read_bytes()))
    assert read_entry(str(path), BeamFiles()) is None
    assert read_entry(str(tmp_path / "2.counts"), BeamFiles()) is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b""]), st.integers(0, 99)), max_size=8),
    st.integers(0, 5000),
    st.integers(0, 5000),
)
def test_cached_counting_move_with_their_file(rows: Sequence[tuple[bytes, int]], old: int, new: int) -> None:
    def table(file: int) -> pa.Table:
        places = [(file << PLACE_BITS) + place for _, place in rows]
        return count_tables.count_table(
            ([word for word, _ in rows], [1] * len(rows), places, list(range(len(rows))), places)
        )

    moved = count_cache.with_file_index(count_cache.with_file_index(table(old), 0), new)
    assert moved.drop_columns("hash") == table(new).drop_columns("hash")


# --- stages


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{name}.jsonl" for name in "abcd"]
    for path in paths:
        path.write_bytes(path.name.encode())
    return [str(path) for path in paths]


def group_of(paths: list[str], first: int = 0, **changed: Any) -> TaskGroup:
    return TaskGroup(first, tuple(paths), (Kind("jsonl"),) * len(paths), **changed)


def write_entries(paths: list[str], folder: Path) -> None:
    for path in paths:
        (task,) = group_of([path]).tasks()
        to_write = EntryToWrite(task, entry_path(str(folder), task, BeamFiles()))
        parts: list[EntryPart] = [to_write, RangeRead(True), PartialCounts(arrow_ipc.pack(TABLE))]
        list(merge_file_counts((0, parts), folder=str(folder), buckets=1))


def looked_up(folder: Path, *groups: TaskGroup, counts_unlabelled: bool = False) -> dict[str, list[Any]]:
    outputs: dict[str, list[Any]] = {"groups": []}
    look_up = LookUp(str(folder), buckets=1, counts_unlabelled=counts_unlabelled)
    for output in look_up.process((groups[0].first_file, groups)):
        outputs.setdefault(getattr(output, "tag", "groups"), []).append(getattr(output, "value", output))
    return outputs


def test_cached_counting_says_which_files_are_in_the_cache(files: list[str], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    write_entries([files[1]], cache)
    group = group_of(files, first=7)
    outputs = looked_up(cache, group)
    assert outputs["groups"] == [(group, {8})]
    assert outputs[CACHE_USE] == [CacheUse(reused_files=1, counted_files=3)]
    assert [(index, part.task.path) for index, part in outputs[ENTRY_PARTS]] == [
        (7, files[0]),
        (9, files[2]),
        (10, files[3]),
    ]
    ((bucket, table),) = outputs[TABLES]
    assert (bucket, arrow_ipc.unpack(table)["position"].to_pylist()) == (0, [(8 << 40) + 5, (8 << 40) + 5])


def test_cached_counting_all_ranges_of_a_file_or_none(files: list[str], tmp_path: Path) -> None:
    ranges = [group_of(files[:1], stop=3), group_of(files[:1], start=3, stop=7)]
    assert looked_up(tmp_path / "cache", *ranges)["groups"] == [(part, set()) for part in ranges]
    write_entries(files[:1], tmp_path / "cache")
    assert looked_up(tmp_path / "cache", *ranges)["groups"] == [(part, {0}) for part in ranges]


def test_cached_counting_texts_without_labels_are_looked_up_if_they_count(files: list[str], tmp_path: Path) -> None:
    group = TaskGroup(3, tuple(files[:2]), (Kind("jsonl", UNLABELLED),) * 2)
    assert looked_up(tmp_path / "cache", group) == {"groups": [(group, {3, 4})]}
    counted = looked_up(tmp_path / "cache", group, counts_unlabelled=True)
    assert counted["groups"] == [(group, set())]
    assert counted[CACHE_USE] == [CacheUse(reused_files=0, counted_files=2)]


def test_cached_counting_rows_of_each_file_are_counted_for_themselves() -> None:
    """One batch has rows of three files; the counts of the second are in the cache."""
    positions = [(file << PLACE_BITS) + row for file, row in [(4, 0), (4, 9), (5, 0), (6, 2), (6, 3)]]
    rows = pa.record_batch({"position": pa.array(positions, pa.int64())})
    tokens = split_rows([b"b a", b"b", b"c", b"c a", b"a", b"of another split"])
    by_file, of_all = (list(count_tables_of(tokens, rows, cached=cached)) for cached in (frozenset({5}), None))
    columns = ["token", "count", "position", "place"]
    assert [table.select(columns).to_pydict() for table in by_file] == [
        {"token": [b"b", b"a"], "count": [2, 1], "position": [4 << 40] * 2, "place": [0, 1]},
        {"token": [b"c", b"a"], "count": [1, 2], "position": [(6 << 40) + 2] * 2, "place": [0, 1]},
    ]
    (table,) = of_all
    assert table.select(columns).to_pydict() == {
        "token": [b"b", b"a", b"c"], "count": [2, 3, 2], "position": [4 << 40] * 3, "place": [0, 1, 2],
    }  # fmt: skip
    assert list(count_tables_of(tokens, rows.slice(0, 0), cached=None)) == []


@pytest.mark.parametrize("why", ["changed", "gone", "not_read", "unknown"])
def test_cached_counting_nothing_doubtful_is_kept(why: str, files: list[str], tmp_path: Path) -> None:
    (task,) = group_of(files[:1]).tasks()
    entry = entry_path(str(tmp_path / "cache"), task, BeamFiles())
    if why == "changed":
        Path(files[0]).write_bytes(b"came while the job ran")
    if why == "gone":
        Path(files[0]).unlink()
    first = PartialCounts(arrow_ipc.pack(TABLE)) if why == "unknown" else EntryToWrite(task, entry)
    parts: list[EntryPart] = [first, RangeRead(why != "not_read"), PartialCounts(arrow_ipc.pack(TABLE))]
    ((bucket, table),) = merge_file_counts((0, parts), folder=str(tmp_path / "cache"), buckets=1)
    assert (bucket, arrow_ipc.unpack(table)["count"].to_pylist()) == (0, [4, 2] if why == "unknown" else [2, 1])
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input.path": "sample"}, "vocabulary.cache: the built-in corpus is not a file"),
        ({"vocabulary.cache": "{out}/cache"}, "is within output.path, where nothing else may be"),
        ({"vocabulary.cache": "{out}-file/cache"}, "vocabulary.cache: can't write below"),
    ],
)
def test_cached_counting_mistakes_end_the_run_before_the_job(
    changed: dict[str, str], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (tmp_path / "out-file").write_text("in the way")
    settings = {"vocabulary.cache": str(tmp_path / "cache")} | {
        name: value.format(out=out) for name, value in changed.items()
    }
    with pytest.raises(UserError, match=message):
        run_job(put(tmp_path / "data", 1), out, settings)
