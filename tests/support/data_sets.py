"""Small inputs in the shapes of well-known data sets, as they are downloaded, and the rows that each holds.

In: a folder. Out: the files of docs/how-to/data-sets/<name>.md below it. The texts are made up; what is odd in the real
files (quotes, backslashes, line breaks, encodings, missing parts) is in them.
"""

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str, str]

NEWS: Final = [
    ("3", "Wall St. Bears Claw Back", "Short-sellers are Wall Street's dwindling\\band of \"cynics\", again"),
    ("1", "Rebels \"ready\" for talks", "BAGHDAD - Talks; with, commas\\"),
    ("2", "Phelps wins", "A sixth gold, they say"),
    ("4", "New chip", "It is smaller, and cooler"),
]  # fmt: skip
WORLD: Final = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
YELP: Final = [
    ("5", 'dr. goldberg offers everything i look for.\\n\\nHe\'s "nice"; and easy'),
    ("1", "Never again"),
    ("2", 'They said \\"wait\\" and we did'),
]
MESSAGES: Final = [
    ("ham", "Ok lar... Joking wif u oni..."),
    ("ham", '"Gimme a few was just a minute ago'),
    ("spam", 'Free entry in 2 a wkly comp, txt "WIN"'),
    ("ham", 'He said "no'),
    ("spam", "Call now £1000"),
]
PHRASES: Final = [
    ("hide new secretions from the parental units", "0"),
    ('`` a funny " little film', "1"),
    ('" is a plain character', "1"),
    ("contains no wit , only labored gags", "0"),
]
TWEETS: Final = [
    ("0", "_TheSpecialOne_", '@switchfoot that\'s a bummer; "really"'),
    ("0", "scotthamilton", "is upset, and café closed"),
    ("4", "ersle", "I LOVE @Health4UandPets u guys r the best!!"),
]
COMMENTS: Final = [
    ("0000997932d777bf", 'Explanation\nWhy the edits made under "Hardcore Metallica Fan" were reverted?', "0"),
    ("0002bcb3da6cb337", "GO AWAY\n\n\nNOW, YOU", "1"),
    ("000103f0d9cfb60f", "D'aww! He matches, this colour", "0"),
]
REVIEWS: Final = [
    ({"summary": "Good", "reviewText": "Spiritually uplifting!", "overall": 5.0}, "Good Spiritually uplifting!", "5"),
    ({"summary": "", "reviewText": "Dull", "overall": 1.0}, "Dull", "1"),
    ({"reviewText": "No summary", "overall": 3.0}, "No summary", "3"),
]
FILMS: Final = [("the rock is destined", 1), ("simplistic , silly and tedious .", 0)]


def write_data_set(name: str, folder: Path) -> list[Row]:
    """Writes the files of a data set, and gives the rows that its settings read, as (text, label)."""
    return DATA_SETS[name](folder)


def _imdb(folder: Path) -> list[Row]:
    rows = {f"{split}/{label}/{n}_9.txt": f"{split} {label} {n}<br />"
            for split in ("train", "test") for label in ("neg", "pos") for n in range(3)}  # fmt: skip
    others = {"train/unsup/0_0.txt": "who knows", "README": "Large Movie Review Dataset", "train/urls_pos.txt": "http"}
    members = {f"aclImdb/{path}": text.encode() for path, text in {**rows, **others}.items()}
    _write_tar(folder / "aclImdb_v1.tar.gz", members)
    return [(text, path.split("/")[1]) for path, text in rows.items()]


def _ag_news(folder: Path) -> list[Row]:
    (folder / "train.csv").write_text(_quoted(NEWS))
    (folder / "test.csv").write_text(_quoted(NEWS[:1]))
    return [(f"{title} {description}", WORLD[label]) for label, title, description in NEWS]


def _yelp(folder: Path) -> list[Row]:
    members = {f"yelp_review_full_csv/{name}.csv": _quoted(YELP).encode() for name in ("train", "test")}
    _write_tar(folder / "yelp_review_full_csv.tgz", {**members, "yelp_review_full_csv/readme.txt": b"Yelp"})
    return [(text, label) for label, text in YELP]


def _dbpedia(folder: Path) -> list[Row]:
    rows = [(1, "E. D. Abbott Ltd", ' Abbott of Farnham, a "coachbuilder"'), (14, "Gaston (book)", " A novel")]
    (folder / "dbpedia_csv").mkdir()
    (folder / "dbpedia_csv" / "train.csv").write_text(_quoted(rows, quoting=csv.QUOTE_NONNUMERIC))
    (folder / "dbpedia_csv" / "classes.txt").write_text("Company\n")
    return [(f"{title} {content}", str(label)) for label, title, content in rows]


def _sms(folder: Path) -> list[Row]:
    lines = "".join(f"{label}\t{text}\n" for label, text in MESSAGES)
    with zipfile.ZipFile(folder / "sms+spam+collection.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SMSSpamCollection", lines)
        archive.writestr("readme", "SMS Spam Collection v.1")
    return [(text, label) for label, text in MESSAGES]


def _newsgroups(folder: Path) -> list[Row]:
    rows = []
    for label in ("alt.atheism", "comp.graphics"):
        for number in (49960, 51060, 51119):
            path = folder / "20news-bydate-train" / label / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = f"From: someone@{label}\n\nA caf\xe9 {number}\n"
            path.write_bytes(text.encode("latin-1"))
            rows.append((text, label))
    return rows


def _sst_2(folder: Path) -> list[Row]:
    (folder / "SST-2").mkdir()
    for name, rows in (("train", PHRASES[:3]), ("dev", PHRASES[3:])):
        lines = "".join(f"{text}\t{label}\n" for text, label in rows)
        (folder / "SST-2" / f"{name}.tsv").write_text(f"sentence\tlabel\n{lines}")
    (folder / "SST-2" / "test.tsv").write_text("index\tsentence\n0\tuneasy mishmash\n")
    return list(PHRASES)


def _sentiment140(folder: Path) -> list[Row]:
    rows = [(label, str(n), "Mon Apr 06 22:19:45 PDT 2009", "NO_QUERY", user, text)
            for n, (label, user, text) in enumerate(TWEETS)]  # fmt: skip
    content = _quoted(rows).encode("latin-1")
    (folder / "training.1600000.processed.noemoticon.csv").write_bytes(content)
    return [(text, {"0": "negative", "4": "positive"}[label]) for label, _, text in TWEETS]


def _jigsaw(folder: Path) -> list[Row]:
    header = ["id", "comment_text", "toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
    rows = [(id, text, int(label), 0, 0, 0, 0, 0) for id, text, label in COMMENTS]
    (folder / "train.csv").write_text(_quoted([header, *rows], quoting=csv.QUOTE_NONNUMERIC))
    return [(text, ("fine", "toxic")[int(label)]) for _, text, label in COMMENTS]


def _amazon(folder: Path) -> list[Row]:
    common = {"reviewerID": "A10", "asin": "000100039X", "helpful": [0, 0], "unixReviewTime": 1355616000}
    lines = "".join(json.dumps({**common, **review}) + "\n" for review, _, _ in REVIEWS)
    (folder / "reviews_Books_5.json.gz").write_bytes(gzip.compress(lines.encode()))
    return [(text, label) for _, text, label in REVIEWS]


def _hugging_face(folder: Path) -> list[Row]:
    place = folder / "rotten_tomatoes"
    place.mkdir()
    (place / "README.md").write_text("---\nlicense: unknown\n---\n")
    (place / "dataset_infos.json").write_text('{"default": {"features": {}}}')
    for split in ("train", "validation", "test"):
        table = pa.table({"text": [f"{split} {text}" for text, _ in FILMS], "label": [label for _, label in FILMS]})
        pq.write_table(table, place / f"{split}-00000-of-00001.parquet")
    return [(f"{split} {text}", ("neg", "pos")[label]) for split in ("train", "validation", "test")
            for text, label in FILMS]  # fmt: skip


def _quoted(rows: Sequence[Sequence[object]], *, quoting: Literal[1, 2] = csv.QUOTE_ALL) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


# name of its page -> what writes it
DATA_SETS: Final[Mapping[str, Callable[[Path], list[Row]]]] = {
    "imdb": _imdb,
    "ag-news": _ag_news,
    "yelp-review-full": _yelp,
    "dbpedia": _dbpedia,
    "sms-spam": _sms,
    "20-newsgroups": _newsgroups,
    "sst-2": _sst_2,
    "sentiment140": _sentiment140,
    "jigsaw-toxic": _jigsaw,
    "amazon-reviews": _amazon,
    "hugging-face": _hugging_face,
}
