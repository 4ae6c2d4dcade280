"""The whole job on what a path may stand for: the same records as from plain files, and what the manifest says."""

from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.support.jobs import manifest_of, record_bytes, run_job

ROWS = pa.table(
    {
        "text": [f"a {label} film of the year {n}" for n in range(60) for label in ("pos", "neg")],
        "label": ["pos", "neg"] * 60,
        "part": [("train", "Valid", "test")[n % 3] for n in range(60) for _ in range(2)],
    }
)
SETTINGS = {"split.column": "part"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of the rows in one file, whose vocabulary has the words by falling count, as all others have."""
    folder = tmp_path_factory.mktemp("plain")
    pq.write_table(ROWS.sort_by("text"), folder / "rows.parquet")
    return run_job(folder / "rows.parquet", folder / "out", SETTINGS)


def words(folder: Path) -> set[tuple[str, str]]:
    lines = (folder / "vocabulary.tsv").read_text().splitlines()[1:]
    return {(token, count) for _, token, count in (line.split("\t") for line in lines)}


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_job_paths_folders_of_hive(plain: Path, ending: str, tmp_path: Path) -> None:
    schema = pa.schema([("part", pa.string()), ("label", pa.string())])
    ds.write_dataset(ROWS, tmp_path / "hive", format=ending, partitioning=ds.partitioning(schema, flavor="hive"))
    (tmp_path / "hive" / "_SUCCESS").touch()
    found = run_job(tmp_path / "hive", tmp_path / "out", SETTINGS)
    assert words(found) == words(plain)
    one, other = manifest_of(found), manifest_of(plain)
    for split, rows in (("train", 40), ("eval", 40), ("test", 40)):
        assert one["splits"][split]["rows"] == rows
        assert one["splits"][split]["labels"] == other["splits"][split]["labels"] == {"neg": 20, "pos": 20}
    assert one["input"]["files"] == 6
    assert one["input"]["left_out"] == {"hidden": 1}
    assert one["input"]["left_out_examples"] == {"hidden": [f"{tmp_path}/hive/_SUCCESS"]}
    assert one["rejected"]["rows"] == 0


def test_job_paths_delta_table_gives_the_records_of_its_current_version(tmp_path: Path) -> None:
    table = tmp_path / "reviews"
    deltalake.write_deltalake(table, ROWS)
    deltalake.write_deltalake(table, ROWS.slice(0, 10), mode="append")
    deltalake.DeltaTable(table).delete("text LIKE '%7'")
    found = run_job(table, tmp_path / "out", SETTINGS)
    files = [str(tmp_path / f"{number}.parquet") for number in range(2)]
    for number, path in enumerate(sorted(deltalake.DeltaTable(table).file_uris())):
        pq.write_table(pq.read_table(path), files[number])
    plain = run_job(tmp_path, tmp_path / "plain", {**SETTINGS, "input.path": f"{tmp_path}/?.parquet"})
    assert record_bytes(found) == record_bytes(plain)
    assert manifest_of(found)["input"]["lake_tables"] == [
        {"path": str(table), "kind": "Delta", "version": "2", "files": 2}
    ]
    assert manifest_of(plain)["input"]["lake_tables"] == []


def test_job_paths_files_that_are_named_as_splits(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(ROWS.slice(0, 60), tmp_path / "in" / "train.parquet")
    pq.write_table(ROWS.slice(60), tmp_path / "in" / "test.parquet")
    found = manifest_of(run_job(tmp_path / "in", tmp_path / "out", {}))
    assert found["input"]["named_splits"] == {"train": 1, "test": 1}
    assert any(advice["text"].startswith("Files are named train (1) and test (1), and ") for advice in found["advice"])
