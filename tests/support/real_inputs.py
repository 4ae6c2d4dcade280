"""Small inputs in the shapes that people's files have, and the rows that each holds.

In: a folder. Out: the files below it, and an `Input` for each. unit/test_real_inputs.py reads them as the commands do,
job/test_real_inputs.py runs the job on them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str, str]


@dataclass(frozen=True)
class Input:
    """An input: its path below the folder, the rows that it holds, and the settings that a person gives.

    rejected: the number of rows that can't be used. refused: what the error says, if it can't be read at all.
    """

    path: str
    rows: Sequence[Row]
    settings: tuple[str, ...] = ()
    rejected: int = 0
    refused: str = ""


def films(number: int = 60, labels: Sequence[str] = ("neg", "pos"), *, what: str = "film") -> list[Row]:
    """Distinct short texts, and their labels in turn."""
    return [(f"call {what} w{n % 9} number {n}", labels[n % len(labels)]) for n in range(number)]


FILMS: Final = films()
STORIES: Final = films(what="story")
# A quote that is a plain character begins one text and ends another one, 20 rows below it.
MESSAGES: Final = [
    ({10: f'"{text}', 30: f'{text} ok"'}.get(n, text), label)
    for n, (text, label) in enumerate(films(labels=("ham", "spam")))
]
INCHES: Final = [(f'{text} 27"' if n in (5, 41) else text, label) for n, (text, label) in enumerate(FILMS)]
CAFES: Final = [(f"{text} café", label) for text, label in FILMS]
BLANKS: Final = [("" if n % 8 == 0 else text, label) for n, (text, label) in enumerate(films(400))]
SPELLINGS: Final = films(80, ("Positive", "positive", "negative", "Negative"))
NUMBERED: Final = films(60, ("0", "1"))


def in_folder(label: str) -> list[Row]:
    """40 texts with one label."""
    return [(f"film {label} w{n % 9} {n}", label) for n in range(40)]


def delimited(rows: Iterable[Row], *, delimiter: str = ",", header: str = "text,label") -> str:
    """Rows as they are, no field in quotes; `header` has commas."""
    return f"{header.replace(',', delimiter)}\n" + "".join(f"{text}{delimiter}{label}\n" for text, label in rows)


def write_inputs(folder: Path) -> dict[str, Input]:
    """Writes all inputs below a folder, and gives them by name."""
    return {**_delimited_inputs(folder), **_path_inputs(folder), **_label_inputs(folder)}


def _delimited_inputs(folder: Path) -> dict[str, Input]:
    """Dialects of delimited text."""

    def put(name: str, content: str | bytes) -> str:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def escaped(text: str) -> str:
        return '"' + text.replace('"', '\\"') + '"' if '"' in text else text

    papers = [(f"title {n} {text}", str(1 + n % 4)) for n, (text, _) in enumerate(FILMS)]
    without_header = "".join(f'"{1 + n % 4}","title {n}","{text}"\n' for n, (text, _) in enumerate(FILMS))
    columns = ("--input.columns", "[label, title, text]", "--input.text_column", "[title, text]")
    messages = delimited([(label, text) for text, label in MESSAGES], delimiter="\t", header="label,text")
    return {
        "quotes are text": Input(put("quotes_are_text.tsv", messages), MESSAGES),
        "backslash before a quote": Input(
            put("backslash_quote.csv", delimited((escaped(text), label) for text, label in INCHES)), INCHES
        ),
        "headers inside": Input(put("headers_inside.csv", delimited(FILMS) + delimited(STORIES)), FILMS + STORIES),
        "semicolons": Input(put("semicolons.csv", delimited(FILMS, delimiter=";")), FILMS),
        "line for Excel": Input(put("excel.csv", "sep=;\n" + delimited(FILMS, delimiter=";")), FILMS),
        "no header": Input(put("no_header.csv", without_header), papers, columns),
        "latin-1": Input(put("latin1.csv", delimited(CAFES).encode("latin-1")), CAFES, ("--input.encoding", "latin-1")),
    }


def _path_inputs(folder: Path) -> dict[str, Input]:
    """What a path stands for."""

    def put(name: str, content: str) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    for name in ("notebook/train.csv", "notebook/.ipynb_checkpoints/train-checkpoint.csv", "latest/2024-01.csv"):
        put(name, delimited(FILMS))
    for name in ("spark/part-00000.csv", "spark/_temporary/0/_temporary/attempt_1/part-00000.csv"):
        put(name, delimited(FILMS))
    put("spark/_SUCCESS", "")
    (folder / "latest" / "latest.csv").symlink_to("2024-01.csv")
    for name, label in (("linked/pos", "pos"), ("linked/neutral", "neutral"), ("linked_elsewhere", "neg")):
        for number, (text, _) in enumerate(in_folder(label)):
            put(f"{name}/{number}.txt", text)
    (folder / "linked" / "neg").symlink_to((folder / "linked_elsewhere").resolve())
    _write_delta(folder / "delta")
    for label in ("neg", "pos"):
        (folder / "hive" / f"label={label}").mkdir(parents=True)
        texts = [text for text, _ in in_folder(label)]
        pq.write_table(pa.table({"text": texts}), folder / "hive" / f"label={label}" / "part-0.parquet")
    put("hub/dataset_infos.json", '{"default": {}}')
    numbers = pa.table({"text": [text for text, _ in NUMBERED], "label": [int(label) for _, label in NUMBERED]})
    pq.write_table(numbers, folder / "hub" / "train-00000-of-00001.parquet")
    labelled = [row for label in ("neg", "neutral", "pos") for row in in_folder(label)]
    return {
        "hidden folder in a glob": Input("notebook/**/*.csv", FILMS),
        "an attempt that was left": Input("spark", FILMS),
        "a class behind a link": Input("linked", labelled),
        "one file with two names": Input("latest", FILMS),
        "Delta table": Input("delta", [], refused="Delta"),
        "Delta table as parquet": Input("delta", [], ("--input.format", "parquet"), refused="Delta"),
        "the label in the folder": Input("hive", in_folder("neg") + in_folder("pos")),
        "metadata beside data": Input("hub", NUMBERED),
    }


def _write_delta(folder: Path) -> None:
    """A table of which one file is removed: its log says so, the folder does not."""
    (folder / "_delta_log").mkdir(parents=True)
    for part in ("part-0", "part-1"):
        table = pa.table({"text": [f"{part} {text}" for text, _ in FILMS], "label": [label for _, label in FILMS]})
        pq.write_table(table, folder / f"{part}.parquet")
    added = [{"commitInfo": {}}, {"add": {"path": "part-0.parquet"}}, {"add": {"path": "part-1.parquet"}}]
    (folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, added)))
    (folder / "_delta_log" / f"{1:020}.json").write_text(json.dumps({"remove": {"path": "part-1.parquet"}}))


def _label_inputs(folder: Path) -> dict[str, Input]:
    """Labels, and texts that are equal."""
    halves = np.array([n % 2 for n in range(60)], np.float16)
    pq.write_table(pa.table({"text": [text for text, _ in FILMS], "label": halves}), folder / "half_floats.parquet")
    objects = "".join(
        json.dumps({"text": text, "label": label + "\ud83d" * (n == 5)}) + "\n" for n, (text, label) in enumerate(FILMS)
    )
    (folder / "half_emoji.jsonl").write_text(objects)
    unlabelled = films(90, ("0", "1", "-1"))
    for name, rows in (("unlabelled_rows", unlabelled), ("spellings", SPELLINGS), ("blank", BLANKS)):
        (folder / f"{name}.csv").write_text(delimited(rows))
    return {
        "half floats": Input("half_floats.parquet", NUMBERED),
        "half an emoji in a label": Input(
            "half_emoji.jsonl", FILMS[:5] + FILMS[6:], ("--output.max_rejected", "0.05"), rejected=1
        ),
        "rows without a label": Input("unlabelled_rows.csv", unlabelled),
        "spellings of a label": Input("spellings.csv", SPELLINGS),
        "blank texts": Input("blank.csv", BLANKS, ("--output.seed", "3")),
    }
