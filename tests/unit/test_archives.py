"""Archives: the same rows as of the folder that they unpack to; what is left out, refused, or damaged."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import Damaged, InputSettings
from pipeline.errors import UserError
from pipeline.files import archives, member_files, member_stream
from pipeline.files.local import LocalFiles
from pipeline.sources import check_columns, plan_all, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.first_files import look_into_first_files
from pipeline.sources.tasks import PLACE_BITS
from tests.support.archives import ENDINGS, packed, tarred, zipped
from tests.support.memory_files import MemoryFiles, parquet

REFUSE: Damaged = "refuse"
WHOLE: Damaged = "use_what_is_whole"
CSV = b"text,label\nfirst,x\n"


class Rows(NamedTuple):
    """What an input gives. used: (text, label, split, file_index, place); rejected: (file, row, reason)."""

    used: list[tuple[str, str | None, str | None, int, int]]
    rejected: list[tuple[str, int, str]]
    lost: list[tuple[str, str]]
    left_out: dict[str, int]

    @property
    def texts(self) -> list[str]:
        """The texts of the used rows."""
        return [row[0] for row in self.used]


def rows_of(
    files: MemoryFiles | LocalFiles,
    path: str,
    *,
    format: str = "auto",
    damaged: Damaged = REFUSE,
    range_bytes: int | None = None,
) -> Rows:
    settings = InputSettings.model_validate({"path": path, "format": format, "damaged": damaged})
    tasks = plan_tasks(settings, files, range_bytes=range_bytes)
    columns = columns_of(settings)
    check_columns(tasks.tasks(), columns, files, damaged=damaged)
    rows = Rows([], [], [], tasks.left_out)
    for group in tasks.groups:
        for batch in read_tasks(group.tasks(), columns, files, damaged=damaged):
            for row in batch.rows.to_pylist():
                file, place = row["position"] >> PLACE_BITS, row["position"] & ((1 << PLACE_BITS) - 1)
                rows.used.append((row["text"].decode(), row["label"], row["split"], file, place))
            rows.rejected.extend((row["file"], row["row"], row["reason"]) for row in batch.rejected.to_pylist())
            rows.lost.extend((lost.file, lost.why) for lost in batch.lost)
    return rows


def shuffled(files: dict[str, bytes], seed: int = 1) -> dict[str, bytes]:
    """The files in another order, as most archives have them."""
    return dict(random.Random(seed).sample(list(files.items()), len(files)))


TRAIN, TEST = "train eval", "test"
TREES: list[tuple[dict[str, bytes], list[tuple[str, str | None, str | None, int, int]], list[tuple[str, int, str]]]] = [
    # files; used rows; rejected rows
    (
        {
            "in/b.csv": b"text,label\nthree,y\nfour\nfive,x\n", "in/a.csv": b'text,label\n"one\ntwo",x\n',
            "in/z.doc": b"?",
        },
        [("one\ntwo", "x", None, 0, 0), ("three", "y", None, 1, 0), ("five", "x", None, 1, 2)],
        [("in/b.csv", 1, "wrong number of columns")],
    ),
    (
        {
            "b.jsonl": b'{"text":"b","label":"y"}\n{"text":7,"label":"y"}\n',
            "a.jsonl.gz": gzip.compress(b'{"text":"a","label":"x"}\n', mtime=0),
            "c.parquet": parquet({"text": ["c", "d"], "label": ["x", "y"]}, row_group_size=1),
        },
        [("a", "x", None, 0, 0), ("b", "y", None, 1, 0), ("c", "x", None, 2, 0), ("d", "y", None, 2, 1)],
        [("b.jsonl", 1, "text is not a string")],
    ),
    (
        {
            "aclImdb/README": b"read me", "aclImdb/imdb.vocab": b"the\n", "aclImdb/test/urls_neg.txt": b"http",
            "aclImdb/train/pos/1_9.txt": b"good", "aclImdb/train/pos/0_8.txt": b"fine",
            "aclImdb/train/neg/2_1.txt": b"\xff", "aclImdb/train/unsup/3_0.txt": b"who knows",
            "aclImdb/test/neg/0_2.txt": b"bad",
        },
        [("bad", "neg", TEST, 0, 0), ("fine", "pos", TRAIN, 2, 0), ("good", "pos", TRAIN, 3, 0)],
        [("aclImdb/train/neg/2_1.txt", 0, "invalid UTF-8")],
    ),
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("tree", "used", "rejected"), TREES, ids=["csv", "jsonl-parquet", "aclImdb"])
def test_archives_give_the_rows_of_the_folder(
    tree: dict[str, bytes], used: list[object], rejected: list[tuple[str, int, str]], ending: str, tmp_path: Path
) -> None:
    for name, content in tree.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    archive = tmp_path / f"packed.{ending}"
    archive.write_bytes(packed(shuffled(tree), ending))
    for root in (tmp_path / "folder", archive):
        rows = rows_of(LocalFiles(), str(root))
        assert rows.used == used
        assert rows.rejected == [(f"{root}/{name}", row, reason) for name, row, reason in rejected]
    assert rows.left_out == rows_of(LocalFiles(), str(tmp_path / "folder")).left_out
    assert not list(tmp_path.glob("packed*/"))


MEMBERS = {
    "in/a.csv": CSV, "in/deep/b.csv": CSV.replace(b"first", b"second"), "c.tsv": b"text\tlabel\nthird\ty\n",
    "SMSSpamCollection": b"text\tlabel\nfourth\ty\n", "__MACOSX/in/._a.csv": b"\0\5\x16\7", ".DS_Store": b"x",
}  # fmt: skip
# fmt: off
PATHS: list[tuple[str, str, list[str]]] = [
    # input.path, input.format, texts
    ("d.zip",                      "auto", ["third", "first", "second"]),
    ("d.zip",                      "csv",  ["first", "second"]),
    ("./d.zip",                    "auto", ["third", "first", "second"]),
    ("d.zip/in",                   "auto", ["first", "second"]),
    ("d.zip/in/",                  "auto", ["first", "second"]),
    ("d.zip/in/*.csv",             "auto", ["first"]),
    ("d.zip/i*",                   "auto", ["first", "second"]),  # all files in a folder that the glob names
    ("d.zip/*",                    "auto", ["fourth", "third", "first", "second"]),
    ("d.zip/**/*.csv",             "auto", ["first", "second"]),
    ("d.zip/*/*/[!a].csv",         "auto", ["second"]),
    ("d.zip/SMSSpamCollection",    "auto", ["fourth"]),  # its content tells
    ("d.zip/SMSSpamCollection",    "tsv",  ["fourth"]),
    ("*.zip",                      "auto", ["third", "first", "second"]),
    ("*.zip/c.?sv",                "auto", ["third"]),
    (".",                          "auto", ["third", "first", "second", "beside"]),
    ("*",                          "auto", ["third", "first", "second", "beside"]),
]
# fmt: on


@pytest.mark.parametrize(("path", "format", "texts"), PATHS)
def test_archives_are_named_whole_or_file_by_file(
    path: str, format: str, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.zip").write_bytes(zipped(MEMBERS))
    Path("e.csv").write_bytes(CSV.replace(b"first", b"beside"))
    assert rows_of(LocalFiles(), path, format=format).texts == texts


def test_archives_leave_out_what_is_hidden_and_count_it() -> None:
    files = MemoryFiles({"d.zip": zipped(MEMBERS)})
    assert rows_of(files, "d.zip").left_out == {"hidden": 2, "other_format": 1}
    assert rows_of(MemoryFiles({"d.zip": zipped({"._a.csv": b"", "data": CSV})}), "d.zip").texts == ["first"]


def test_archives_that_are_unpacked_beside_are_read_once(tmp_path: Path) -> None:
    tree = {"in/a.csv": CSV, "in/b.csv": CSV, ".hidden": b""}
    (tmp_path / "d.tar.gz").write_bytes(packed(tree, "tgz"))
    for place in (tmp_path, tmp_path / "d"):
        (place / "in").mkdir(parents=True)
        for name in ("a.csv", "b.csv"):
            (place / "in" / name).write_bytes(CSV)
        rows = rows_of(LocalFiles(), str(tmp_path))
        assert (rows.texts, rows.left_out["unpacked_archive"]) == (["first", "first"], 1)
        assert rows_of(LocalFiles(), str(tmp_path / "d.tar.gz")).texts == ["first", "first"]  # it is named
        (place / "in" / "b.csv").write_bytes(CSV + CSV)
        with pytest.raises(
            UserError, match=r"d\.tar\.gz and .*a\.csv lie in one folder.*name the files or the archive"
        ):
            rows_of(LocalFiles(), str(tmp_path))
        for name in ("a.csv", "b.csv"):
            (place / "in" / name).unlink()


def test_archives_of_several_folders_have_one_meaning_of_splits() -> None:
    # As unpacked into one folder: a test.zip beside says that there are test texts, so none of train.zip goes there.
    files = MemoryFiles({
        "in/train.zip": zipped({"train/pos/1.txt": b"a", "train/neg/1.txt": b"b"}),
        "in/test.tar.gz": packed({"test/pos/1.txt": b"c"}, "tgz"),
        "in/pos.zip": zipped({"1.txt": b"no label"}),  # an archive's name is no label
    })  # fmt: skip
    for path in ("in", "in/*"):
        rows = rows_of(files, path, format="folders")
        assert rows.used == [("c", "pos", "test", 0, 0), ("b", "neg", TRAIN, 1, 0), ("a", "pos", TRAIN, 2, 0)]
        assert rows.left_out == {"other": 1}


def test_archives_names_are_no_labels() -> None:
    files = MemoryFiles({"in/pos.zip": zipped({"1.txt": b"no label"}), "in/x.zip": zipped({"neg/1.txt": b"bad"})})
    for path in ("in", "in/*.zip"):
        rows = rows_of(files, path, format="folders")
        assert ([row[:2] for row in rows.used], rows.left_out) == ([("bad", "neg")], {"other": 1})


def linked() -> bytes:
    buffer = io.BytesIO(tarred({"d/2024.csv": CSV, "all/neg/1.txt": b"bad"}))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for name, kind, target in (
            ("d/latest.csv", tarfile.SYMTYPE, "2024.csv"), ("d/hard.csv", tarfile.LNKTYPE, "d/2024.csv"),
            ("other/nowhere.csv", tarfile.SYMTYPE, "../gone"), ("train/neg", tarfile.SYMTYPE, "../all/neg"),
            ("d/device", tarfile.FIFOTYPE, ""),
        ):  # fmt: skip
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, target
            archive.addfile(header)
    return buffer.getvalue()


def test_archives_have_links() -> None:
    files = MemoryFiles({"d.tar": linked()})
    assert rows_of(files, "d.tar/d").texts == ["first"]
    assert rows_of(files, "d.tar/train").used == [("bad", "neg", None, 0, 0)]
    assert rows_of(files, "d.tar/d/latest.csv").texts == ["first"]
    with pytest.raises(UserError, match=r"cannot read d\.tar/other/nowhere\.csv: it is a link or a device"):
        rows_of(files, "d.tar/other")


def encrypted() -> bytes:
    content = bytearray(zipped({"a.csv": CSV}))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    return bytes(content)


def twice(ending: str) -> bytes:
    if ending == "tar":
        return tarred({"a.csv": CSV})[:1024] + tarred({"./a.csv": CSV})
    return zipped({"a.csv": CSV, "b.csv": CSV}).replace(b"b.csv", b"a.csv")


REFUSED: list[tuple[str, Callable[[], bytes], str]] = [
    # name, content, message
    ("d.zip", encrypted, "input.path: a.csv in d.zip is encrypted; unpack the archive with its password"),
    ("d.zip", lambda: twice("zip"), "input.path: d.zip holds two files of the name a.csv; unpack it, rename one"),
    ("d.tar", lambda: twice("tar"), "input.path: d.tar holds two files of the name a.csv; unpack it, rename one"),
    ("d.zip", lambda: zipped({"a.csv": CSV}, method=zipfile.ZIP_BZIP2), "input.path: a.csv in d.zip is packed in a "
     "way that is not read here (bzip2); unpack the archive and give the folder, or pack it with deflate"),
    ("d.zip", lambda: zipped({"x.tgz": b"", "a.csv": CSV}), "input.path: d.zip/x.tgz is an archive in an archive; "
     "unpack d.zip and give the folder"),
    ("d.zip", lambda: CSV, "input.path: d.zip is not a zip archive as its name says"),
    ("d.tar", lambda: CSV * 99, "input.path: d.tar is not a tar archive as its name says"),
    ("d.tar.gz", lambda: gzip.compress(CSV * 99), "input.path: d.tar.gz is not a tar archive as its name says"),
    ("d.zip", lambda: zipped({"t/_delta_log/0.json": b"{}", "t/a.csv": b""}), "input.path: d.zip/t "
     "is a table of Delta in an archive; unpack d.zip and give the table's folder"),
    ("d.tar.gz", lambda: packed({"t/metadata/v1.metadata.json": b"{}", "t/data/a.parquet": b""}, "tgz"), "input.path: "
     "d.tar.gz/t is a table of Iceberg in an archive; unpack d.tar.gz and give the table's folder"),
    ("d.zip", lambda: zipped({".hoodie/hoodie.properties": b"", "a.parquet": b""}), "input.path: d.zip is a table of "
     "Hudi in an archive; unpack d.zip"),
    ("d.zip", lambda: zipped({}), "input.path: there is no such file, or the folder is empty: 'd.zip'"),
    ("d.zip", lambda: zipped({"a.doc": b"", "b.doc": b""}), "input.path: the archive 'd.zip' holds no file that ends "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), REFUSED)
def test_archives_are_refused_with_a_remedy(name: str, content: Callable[[], bytes], message: str) -> None:
    with pytest.raises(UserError) as error:
        rows_of(MemoryFiles({name: content()}), name)
    assert str(error.value).startswith(message)


def test_archives_with_a_table_are_refused_only_where_it_is_read() -> None:
    log = {"t/_delta_log/00000000000000000000.json": b"{}", "t/a.csv": CSV, "b.csv": CSV}
    files = MemoryFiles({"d.zip": zipped(log)})
    for path in ("d.zip", "d.zip/t", "d.zip/t/*.csv", "d.zip/**/*.csv", "*.zip"):
        with pytest.raises(UserError, match=r"d\.zip/t is a table of Delta in an archive"):
            rows_of(files, path)
    assert rows_of(files, "d.zip/b.csv").texts == ["first"]
    assert rows_of(files, "d.zip/*.csv").texts == ["first"]
    assert rows_of(files, "d.zip/t/a.csv").texts == ["first"]  # named in full: it is read as it is


def test_archives_with_a_folder_of_one_text_read_it_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "unsup").mkdir()
    (tmp_path / "unsup" / "1.txt").write_bytes(b"two\nlines")
    (tmp_path / "d.zip").write_bytes(zipped({"unsup/1.txt": b"two\nlines", "pos/2.txt": b"good"}))
    for path in (tmp_path / "unsup", tmp_path / "d.zip" / "unsup"):
        settings = InputSettings(path=str(path))
        columns = columns_of(settings, labelled=False)
        tasks = plan_texts(settings, LocalFiles()).tasks()
        assert [row.text for row in read_in_order(tasks, columns, LocalFiles())] == [b"two\nlines"]


def test_archives_say_how_a_file_of_no_known_ending_is_named() -> None:
    with pytest.raises(UserError, match=r"such as d\.zip/a\.doc$"):
        rows_of(MemoryFiles({"d.zip": zipped({"a.doc": b"", "b.doc": b""})}), "d.zip")


def test_archives_of_well_known_data_sets_need_no_unpacking() -> None:
    """As they are downloaded: the SMS Spam Collection of UCI, and the Yelp reviews that the Hugging Face hub links."""
    lines = b'ham\t"Ok lar... Joking wif u oni\nspam\tFree entry\nham\tU dun say "so" early hor\n'
    yelp = {
        "./._yelp_review_full_csv": b"\0\5\x16\7", "yelp_review_full_csv/train.csv": b'"5","dr. ""G"" is, fine"\n',
        "yelp_review_full_csv/test.csv": b'"1","bad\\nfood"\n', "yelp_review_full_csv/readme.txt": b"Yelp Review\n",
    }  # fmt: skip
    files = MemoryFiles({
        "smsspamcollection.zip": zipped({"SMSSpamCollection": lines, "readme": b"SMS Spam Collection v.1"}),
        "yelp_review_full_csv.tgz": packed(yelp, "tgz"),
    })  # fmt: skip
    cases: list[tuple[str, dict[str, object], list[tuple[str, str]], dict[str, int]]] = [
        (
            "smsspamcollection.zip", {"quoting": "none"},
            [('"Ok lar... Joking wif u oni', "ham"), ("Free entry", "spam"), ('U dun say "so" early hor', "ham")],
            {"metadata": 1},
        ),
        (
            "yelp_review_full_csv.tgz", {},
            [("bad\\nfood", "1"), ('dr. "G" is, fine', "5")], {"hidden": 1, "metadata": 1},
        ),
    ]  # fmt: skip
    for path, more, expected, left_out in cases:
        settings = InputSettings.model_validate({"path": path, "columns": ["label", "text"], **more})
        tasks = plan_tasks(settings, files)
        columns = columns_of(settings)
        check_columns(tasks.tasks(), columns, files)
        batches = list(read_tasks(tasks.tasks(), columns, files))
        rows = [(row["text"].decode(), row["label"]) for batch in batches for row in batch.rows.to_pylist()]
        assert (rows, tasks.left_out) == (expected, left_out)


def test_archives_name_a_path_that_they_do_not_have() -> None:
    with pytest.raises(UserError, match=r"there is no such file, or the folder is empty: 'd\.zip/b\.csv'"):
        rows_of(MemoryFiles({"d.zip": zipped({"a.csv": CSV})}), "d.zip/b.csv")


# Names as other programs write them, and what they are here.
NAMES = [
    ("./in/a.csv", "in/a.csv"), ("/in/a.csv", "in/a.csv"), ("in\\a.csv", "in/a.csv"), ("größe/a.csv", "größe/a.csv"),
    ("x" * 120 + "/a.csv", "x" * 120 + "/a.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path"), NAMES)
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, None])
def test_archives_have_names_as_programs_write_them(name: str, path: str, format: int | None) -> None:
    if format is not None and "\\" in name:
        path = name  # a letter like others, where tar comes from
    if format is None:
        archive = zipped({name: CSV}).replace("größe/a.csv".encode(), "größe/a.csv".encode())
        file = "d.zip"
    else:
        archive, file = tarred({name: CSV}, format=format), "d.tar"
    files = MemoryFiles({file: archive})
    (task,) = plan_tasks(InputSettings(path=file), files).tasks()
    assert task.path == f"{file}/{path}"
    assert rows_of(files, file).texts == ["first"]


def test_archives_read_utf8_names_of_a_zip_that_does_not_say_so() -> None:
    content = bytearray(zipped({"größe/1.txt": b"a", "klein/2.txt": b"b"}))
    for signature, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        content[content.index(signature) + at] &= ~8  # the mark for UTF-8, which macOS does not set
    rows = rows_of(MemoryFiles({"d.zip": bytes(content)}), "d.zip")
    assert [row[:2] for row in rows.used] == [("a", "größe"), ("b", "klein")]


TWO = {"a.csv": CSV, "b.csv": CSV.replace(b"first", b"second")}


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def wrong_byte(files: dict[str, bytes], ending: str, text: bytes) -> bytes:
    content = packed(files, ending)
    return flipped(content, content.index(text))


TAR = tarred(TWO)
GZ_END = "the file ends before its gzip stream does"
DAMAGED: list[tuple[str, bytes, list[str], str, str]] = [
    # name, content, texts that are whole, the damaged file, the beginning of what is wrong
    ("d.zip", wrong_byte(TWO, "stored.zip", b"second"), ["first"], "d.zip/b.csv", "its checksum in the zip archive"),
    ("d.zip", wrong_byte(TWO, "zip", b"PK\x03\x04"), ["second"], "d.zip/a.csv", "its header in the zip archive is not"),
    ("d.zip", zipped(TWO)[:-30], [], "d.zip", "no directory of its files is at its end (File is not a zip file)"),
    ("d.tar", TAR[:1536], ["first"], "d.tar", "it ends without a tar's end mark, so it is cut"),
    ("d.tar", TAR[:1550], ["first"], "d.tar", "it ends without a tar's end mark, so it is cut"),
    ("d.tar", TAR[:1024], ["first"], "d.tar", "it ends without a tar's end mark, so it is cut"),
    ("d.tar", TAR[:1024] + b"text" * 256, ["first"], "d.tar", "a header in it is wrong (invalid header)"),
    ("d.tar", flipped(TAR, 1030), ["first"], "d.tar", "a header in it is wrong (bad checksum)"),
    ("d.tar.gz", gzip.compress(TAR)[:-1], [], "d.tar.gz", GZ_END),
    ("d.tar.gz", gzip.compress(TAR[:1024]) + gzip.compress(TAR[1024:])[:-1], ["first"], "d.tar.gz", GZ_END),
    ("d.tar.gz", gzip.compress(TAR[:1540]) + gzip.compress(TAR[1540:])[:-1], ["first"], "d.tar.gz", GZ_END),
    ("d.tar.gz", gzip.compress(TAR[:1550]), ["first"], "d.tar.gz", "it ends without a tar's end mark, so it is cut"),
    ("d.tar.gz", b"", [], "d.tar.gz", "it ends without a tar's end mark"),
]


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(("name", "content", "whole", "damaged", "why"), DAMAGED)
def test_archives_that_are_damaged(
    name: str, content: bytes, whole: list[str], damaged: str, why: str, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not small:
        monkeypatch.setattr(member_files, "SMALL_BYTES", 0)
    files = MemoryFiles({name: content})
    rows = rows_of(files, name, damaged=WHOLE)
    assert (rows.texts, rows.rejected) == (whole, [])
    assert [file for file, _ in rows.lost] == [damaged]
    assert rows.lost[0][1].startswith(why)
    with pytest.raises(UserError) as error:
        rows_of(files, name)
    assert str(error.value).startswith(f"input.path: {damaged}: damaged file ({why}")
    assert str(error.value).endswith("get the file anew, or set input.damaged to use_what_is_whole")
    settings = InputSettings(path=name)
    with pytest.raises(UserError, match="damaged file"):
        list(read_in_order(plan_texts(settings, files).tasks(), columns_of(settings, labelled=False), files))


def test_archives_have_damaged_texts_as_rejected_rows() -> None:
    tree = {"pos/1.txt": b"good", "neg/1.txt": b"bad one"}
    files = MemoryFiles({"d.zip": wrong_byte(tree, "stored.zip", b"bad")})
    for damaged in (REFUSE, WHOLE):
        rows = rows_of(files, "d.zip", damaged=damaged)
        assert rows.texts == ["good"]
        assert (rows.rejected, rows.lost) == ([("d.zip/neg/1.txt", 0, "damaged file")], [])


def test_archives_that_are_whole_show_no_damage_in_the_first_files() -> None:
    files = MemoryFiles({f"{n}.zip": zipped(TWO) for n in range(2)} | {"c.tar.gz": packed(TWO, "tgz")[:-1]})
    settings = InputSettings(path="*", damaged=WHOLE)
    looked = look_into_first_files(plan_tasks(settings, files).tasks(), columns_of(settings), files)
    assert ([lost.file for lost in looked.lost], looked.begun, looked.whole) == (["c.tar.gz"], 5, 4)


FLIPPED = {
    "d.zip": zipped({f"{name}.csv": CSV + b"%d,y\n" % number for number, name in enumerate("abc")}),
    "d.tar.gz": packed({f"{name}.csv": CSV + b"%d,y\n" % number for number, name in enumerate("abc")}, "tgz"),
}


@pytest.mark.parametrize("name", FLIPPED)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_archives_with_any_one_wrong_bit_give_no_wrong_row(name: str, data: st.DataObject) -> None:
    content = FLIPPED[name]
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    wrong = bytearray(content)
    wrong[bit // 8] ^= 1 << bit % 8
    right = ["0", "1", "2", "first", "first", "first"]
    for damaged in (REFUSE, WHOLE):
        with suppress(UserError):
            rows = rows_of(MemoryFiles({name: bytes(wrong)}), name, damaged=damaged)
            assert not rows.rejected
            # A file may have got another name in the directory, and another place among the others by that.
            assert sorted(rows.texts) == right or rows.lost or rows.left_out
            assert not set(rows.texts) - set(right)


@pytest.mark.parametrize("ending", ENDINGS)
def test_archives_have_large_files_as_streams(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_files, "SMALL_BYTES", 100)
    monkeypatch.setattr(member_stream, "MEMORY_BYTES", 100)
    texts = [f"text {number} {'word ' * 50}" for number in range(300)]
    lines = "".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts).encode()
    tree = {
        "a.csv": ("text,label\n" + "".join(f"{text},x\n" for text in texts)).encode(),
        "b.jsonl": lines, "c.jsonl.gz": gzip.compress(lines),
        "d.parquet": parquet({"text": texts, "label": ["x"] * 300}, row_group_size=100), "e.csv": CSV,
    }  # fmt: skip
    archive = f"d.{ending}"
    files = MemoryFiles({archive: packed(shuffled(tree), ending)})
    for damaged in (REFUSE, WHOLE):
        assert rows_of(files, archive, damaged=damaged).texts == texts * 4 + ["first"]


def test_archives_without_room_for_a_large_file_name_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_files, "SMALL_BYTES", 100)
    monkeypatch.setattr(member_stream, "MEMORY_BYTES", 100)
    monkeypatch.setattr(member_stream, "free_bytes", lambda _: 50)
    table = parquet({"text": ["a"] * 9, "label": ["x"] * 9})
    with pytest.raises(UserError, match=rf"TMPDIR: .* has 50 bytes free, and d\.zip/a\.parquet needs {len(table):,}"):
        rows_of(MemoryFiles({"d.zip": zipped({"a.parquet": table})}), "d.zip")


class CountedFiles(MemoryFiles):
    """Counts the bytes that are read."""

    read = 0

    def open(self, path: str) -> io.BytesIO:
        outer = self

        class Counted(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                content = super().read(size)
                outer.read += len(content)
                return content

        return Counted(self.contents[path])


def texts_tar(count: int, *, seed: int | None) -> bytes:
    tree = {
        f"{'pos' if n % 2 else 'neg'}/{n:04}.txt": random.Random(n).randbytes(1500).hex().encode() for n in range(count)
    }
    return packed(dict(sorted(tree.items())) if seed is None else shuffled(tree, seed), "tgz")


def test_archives_that_are_compressed_are_unpacked_a_few_times() -> None:
    content = texts_tar(800, seed=1)
    files = CountedFiles({"d.tar.gz": content})
    settings = InputSettings(path="d.tar.gz")
    tasks = plan_tasks(settings, files, range_bytes=1 << 16)
    assert len(tasks.groups) == 8
    assert files.read == pytest.approx(len(content), rel=0.01)
    assert len(rows_of(files, "d.tar.gz", range_bytes=1 << 16).texts) == 800
    assert files.read < 14 * len(content)
    one = CountedFiles({"d.tar.gz": texts_tar(800, seed=None)})
    tasks = plan_tasks(settings, one)  # its files lie in the order of their names
    one.read = 0
    for group in tasks.groups:
        list(read_tasks(group.tasks(), columns_of(settings), one))
    assert len(tasks.groups) == 4
    assert one.read == pytest.approx(2.95 * len(one.contents["d.tar.gz"]), rel=0.05)  # 0.325, 0.65, 0.975, 1


def test_archives_wait_in_memory_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_files, "LOADED_BYTES", 20_000)
    for seed in (None, 3):
        rows = rows_of(MemoryFiles({"d.tar.gz": texts_tar(60, seed=seed)}), "d.tar.gz")
        expected = [random.Random(n).randbytes(1500).hex() for n in [*range(0, 60, 2), *range(1, 60, 2)]]
        assert rows.texts == expected


def test_archives_of_one_large_file_are_cut_if_nothing_is_compressed() -> None:
    content = "text,label\n" + "".join(f"text {number},x\n" for number in range(5000))
    for ending, ranges in (("tar", 4), ("tar.gz", 1), ("zip", 1), ("stored.zip", 1)):
        files = MemoryFiles({f"d.{ending}": packed({"a.csv": content.encode()}, ending)})
        tasks = plan_tasks(InputSettings(path="d.*"), files, range_bytes=1 << 14, cuts_quoted=True)
        assert len(tasks.groups) == ranges, ending


def test_archives_bomb_gives_no_more_than_its_directory_says() -> None:
    content = bytearray(zipped({"a.csv": CSV + bytes(3_000_000)}))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        content[content.index(signature) + at : content.index(signature) + at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(UserError, match="it is longer than the zip archive's directory says"):
        rows_of(MemoryFiles({"d.zip": bytes(content)}), "d.zip")


def test_archives_that_change_meanwhile_are_named(tmp_path: Path) -> None:
    path = tmp_path / "d.zip"
    path.write_bytes(zipped(TWO))
    settings = InputSettings(path=str(path))
    tasks = plan_tasks(settings, LocalFiles())
    path.write_bytes(zipped({**TWO, "c.csv": CSV}))
    with pytest.raises(UserError, match=r"d\.zip changed while it was read"):
        list(read_tasks(tasks.tasks(), columns_of(settings), LocalFiles()))


def test_archives_have_texts_for_predict() -> None:
    files = MemoryFiles({"d.tar.gz": packed(shuffled({"b.txt": b"two\nthree\n", "a.txt": b"one\n"}), "tgz")})
    settings = InputSettings(path="d.tar.gz")
    columns = columns_of(settings, labelled=False)
    for format, texts in (("lines", [b"one", b"two", b"three"]), ("folders", [b"one\n", b"two\nthree\n"])):
        tasks = plan_texts(settings, files, format=format).tasks()
        assert [row.text for row in read_in_order(tasks, columns, files)] == texts


def test_archives_are_those_that_the_names_say() -> None:
    names = ("a.zip", "a.tar.zst", "a.TBZ2", "a.csv.gz", "zip", "a.zip.csv")
    assert [name for name in names if archives.is_archive(name)] == ["a.zip", "a.tar.zst", "a.TBZ2"]


def test_archives_may_hold_and_lie_in_folders_that_give_columns() -> None:
    inside = {f"label={label}/a.csv": b"text\n%s\n" % label.encode() for label in ("x", "y")}
    files = MemoryFiles({"d.zip": zipped(inside), "in/label=z/label=not.tgz": packed({"a.csv": b"text\nz\n"}, "tgz")})
    assert [row[:2] for row in rows_of(files, "d.zip").used] == [("x", "x"), ("y", "y")]
    assert [row[:2] for row in rows_of(files, "in").used] == [("z", "z")]


def test_archives_have_texts_without_labels() -> None:
    files = MemoryFiles({"aclImdb_v1.tar.gz": packed(shuffled(TREES[2][0]), "tgz")})
    settings = InputSettings(path="aclImdb_v1.tar.gz", unlabelled="aclImdb_v1.tar.gz")
    tasks = plan_all(settings, files)
    columns = columns_of(settings, labelled=False)
    batches = list(read_tasks(tasks.unlabelled().tasks(), columns, files))
    assert [row["text"] for batch in batches for row in batch.rows.to_pylist()] == [b"who knows"]
    assert (tasks.files, tasks.unlabelled_files, "unsup" in tasks.left_out) == (5, 1, False)
