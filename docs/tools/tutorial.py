"""`python docs/tools/tutorial.py FOLDER`: the tutorial's numbers and pictures, made by the product.

Runs the pipeline and the trainer on two sentences and on a small review corpus, and writes what docs/tutorial.md
includes: parts in Markdown, pictures as SVG, and `facts.json` with the numbers that stand in sentences. The same code
gives the same parts. It takes about a minute, and nothing if the code has not changed since.
"""

import ast
import csv
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tutorial_pictures import Dot, lookup_picture, scatter_picture

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.support.tensorflow_startup import import_tensorflow  # noqa: E402  the path has to be set first

STAMP = "made-from.txt"

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

TWO_TEXTS = ("This is a text", "This is not a text")
TWO_ROWS = f"text,label\n{TWO_TEXTS[0]},yes\n{TWO_TEXTS[1]},no\n"
TWO_RUN = (
    "python -m pipeline run --input.path two.csv --split.train 1 --split.eval 0 --split.test 0 "
    "--vocabulary.top_words 10 --sequence.max_length 6 --output.path out/two"
)
# A large step, so that a table with four digits shows it.
TWO_TRAIN = (
    "python -m trainer train --output.path out/two --training.path out/two-training --export.path out/two-model "
    "--model.embedding_dim 3 --model.lstm_units 2 "
    "--training.epochs 1 --training.learning_rate 0.05 --training.warmup 0 --training.schedule constant"
)
REVIEWS_SAMPLE = "python -m pipeline sample --rows 12000 --output reviews.csv"
REVIEWS_RUN = (
    "python -m pipeline run --input.path reviews.csv --text.strip_html true --vocabulary.top_words 2000 "
    "--sequence.max_length 100 --output.path out/reviews"
)
REVIEWS_TRAIN = (
    "python -m trainer train --output.path out/reviews --training.path out/training --export.path out/model "
    "--model.embedding_dim 8 --model.lstm_units 16 --training.learning_rate 0.01"
)

# Words of each kind: those that praise, those that blame, names of things.
GROUPS = {
    "praise": "good great wonderful excellent lovely superb brilliant charming delightful perfect fine splendid "
    "impressive marvellous terrific memorable magnificent flawless",
    "blame": "bad poor terrible awful dull boring dreadful disappointing horrible tedious lousy mediocre ghastly "
    "sloppy miserable tiresome shoddy lifeless",
    "neutral": "door table chair letter lamp clock window ladder key suitcase umbrella bottle mirror piano bicycle hat "
    "knife teapot",
}
ASKED = ("good", "terrible", "superb", "boring", "hate", "chair")
# Rare words have hardly moved from where they began at random, so they would be neighbours by chance.
FREQUENT = 400
NEIGHBOURS = 4


class Model(NamedTuple):
    """An exported model: its embedding before and after training, float32 [ids, dim], and its words by id."""

    before: Floats
    after: Floats
    words: Mapping[int, str]
    token_ids: Any

    def ids(self, texts: Sequence[str]) -> Ids:
        """int64 [texts, max_length], as the signature `token_ids` of the model gives them."""
        import tensorflow as tf

        ids: Ids = self.token_ids(text=tf.constant(list(texts)))["ids"].numpy()
        return ids


def main(folder: Path) -> None:
    """Writes all parts into the folder."""
    made_from = code_digest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == made_from:
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    import_tensorflow()
    with tempfile.TemporaryDirectory() as work:
        parts = {**two_sentences(Path(work)), **reviews(Path(work))}
    for name, content in parts.items():
        (folder / name).write_text(content, encoding="utf-8")
    stamp.write_text(made_from)


def code_digest() -> str:
    """SHA-256 of all code that the parts depend on."""
    digest = hashlib.sha256()
    for package in ("pipeline", "trainer", "docs/tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def two_sentences(work: Path) -> dict[str, str]:
    """The worked example: two sentences, their ids, a table of ten rows, one step of training."""
    (work / "two.csv").write_text(TWO_ROWS)
    run(TWO_RUN, work)
    run(TWO_TRAIN, work)
    model = load(work / "out/two-model/1", work / "out/two")
    ids = model.ids(TWO_TEXTS)
    vocabulary = [line.split("\t") for line in (work / "out/two/vocabulary.tsv").read_text().splitlines()]
    names: dict[str, Any] = {"np": np, "ids": ids, "table": model.before}
    words = {0: "*(padding)*", **model.words}
    every_row = [[str(row), words.get(row, "*(free)*"), numbers(model.before[row])] for row in range(10)]
    return {
        "two-rows.md": f"```text\n{TWO_ROWS}```\n",
        "two-run.md": console(TWO_RUN),
        "vocabulary.md": table(["id", "word", "count"], vocabulary),
        "ids.md": session("ids", names),
        "table.md": table(["row", "word", "three numbers"], every_row),
        "embedding.md": session(
            "import keras\n"
            "layer = keras.layers.Embedding(10, 3, mask_zero=True)\n"
            "layer.build()\n"
            "layer.set_weights([table])\n"
            "output = np.array(layer(ids))\n"
            "ids.shape, output.shape\n"
            "output.round(4)",
            names,
        ),
        "equal.md": session(
            "bool((output == table[ids]).all())\nbool((output[0, 2] == output[1, 1]).all())\n"
            "np.array(layer.compute_mask(ids))",
            names,
        ),
        "lookup.svg": lookup_picture(ids, model.before, {0: "padding", **model.words}),
        "one-hot.md": session(
            "one_hot = np.eye(10, dtype=np.float32)[ids]\n"
            "one_hot.shape\n"
            "one_hot[1].astype(int)\n"
            "bool((one_hot @ table == output).all())",
            names,
        ),
        "two-train.md": console(TWO_TRAIN),
        "step.md": table(
            ["row", "word", "before the step", "after the step", "changed"],
            [
                [
                    str(row),
                    words.get(row, "*(free)*"),
                    numbers(model.before[row]),
                    numbers(model.after[row]),
                    "no" if (model.before[row] == model.after[row]).all() else "yes",
                ]
                for row in range(10)
            ],
        ),
    }


def reviews(work: Path) -> dict[str, str]:
    """What training on reviews does to the vectors."""
    for command in (REVIEWS_SAMPLE, REVIEWS_RUN, REVIEWS_TRAIN):
        run(command, work)
    model = load(work / "out/model/1", work / "out/reviews")
    ids = {word: id for id, word in model.words.items()}
    with (work / "out/training/history.csv").open() as file:
        epochs = [
            [line["epoch"], f"{float(line['loss']):.3f}", f"{float(line['eval_loss']):.3f}",
             f"{float(line['eval_accuracy']):.3f}"]
            for line in csv.DictReader(file)
        ]  # fmt: skip
    metrics = json.loads((work / "out/training/metrics.json").read_text())
    groups = {group: words.split() for group, words in GROUPS.items()}
    rows = {group: np.array([ids[word] for word in words]) for group, words in groups.items()}
    tables = (model.before, model.after)
    pictures = {}
    shares = {}
    for when, embedding in zip(("before", "after"), tables, strict=True):
        chosen = np.concatenate(list(rows.values()))
        points, shares[when] = project(embedding[chosen])
        kinds = [(group, word) for group, words in groups.items() for word in words]
        dots = [Dot(x, y, group, word) for (x, y), (group, word) in zip(points.tolist(), kinds, strict=True)]
        pictures[f"vectors-{when}.svg"] = scatter_picture(dots, title=f"{when.capitalize()} training")
    pairs = [("praise", "praise"), ("blame", "blame"), ("praise", "blame"), ("praise", "neutral")]
    hate = {other: cosine(model.after[ids["hate"]], model.after[ids[other]]) for other in ("good", "terrible")}
    alike = {pair: mean_cosine(model.after, rows[pair[0]], rows[pair[1]]) for pair in pairs}
    # What the page says in words.
    if hate["good"] < hate["terrible"] or alike["praise", "praise"] < 0.5 or alike["praise", "blame"] > -0.5:
        sys.exit(f"the tutorial's words no longer fit its numbers: {hate}, {alike}")
    facts = {
        "test_accuracy": f"{metrics['accuracy']:.3f}",
        "words": f"{len(model.words):,}",
        "group_size": str(len(groups["praise"])),
        "hate_positive": f"{share_of_positive(work / 'reviews.csv', 'hate'):.0%}",
        "hate_good": f"{hate['good']:.2f}",
        "hate_terrible": f"{hate['terrible']:.2f}",
        "share_before": f"{shares['before']:.0%}",
        "share_after": f"{shares['after']:.0%}",
        "one_hot_mb": f"{500 * 5000 * 4 / 1e6:.0f} MB",
        "embedded_kb": f"{500 * 32 * 4 / 1e3:.0f} kB",
    }
    return {
        **pictures,
        "reviews-commands.md": console(REVIEWS_SAMPLE, REVIEWS_RUN, REVIEWS_TRAIN),
        "history.md": table(["epoch", "loss", "eval loss", "eval accuracy"], epochs),
        "neighbours.md": table(
            ["word", "nearest before training", "nearest after training"],
            [[f"**{word}**", *(nearest(word, ids, vectors) for vectors in tables)] for word in ASKED],
        ),
        "cosines.md": table(
            ["words", "one-hot", "before training", "after training"],
            [
                [f"{a} and {b}", "0.00", *(f"{mean_cosine(vectors, rows[a], rows[b]):.2f}" for vectors in tables)]
                for a, b in pairs
            ],
        ),
        "facts.json": json.dumps(facts, indent=2),
    }


def run(command: str, work: Path) -> None:
    """Runs a command of the product in the folder `work`."""
    words = shlex.split(command)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{command}\nended with status {done.returncode}:\n{done.stdout}{done.stderr}")


def load(model: Path, records: Path) -> Model:
    """The exported model in a version folder, and the vocabulary of its records folder."""
    import tensorflow as tf

    module = tf.saved_model.load(str(model))
    lines = [line.split("\t") for line in (records / "vocabulary.tsv").read_text(encoding="utf-8").splitlines()]
    return Model(
        before=np.load(model / "assets.extra/embedding_before.npy"),
        after=module.embedding.numpy(),
        words={int(id): word for id, word, _ in lines},
        token_ids=module.signatures["token_ids"],
    )


def nearest(word: str, ids: Mapping[str, int], embedding: Floats) -> str:
    """The words with the largest cosine to a word, among the most frequent."""
    frequent = {other: id for other, id in ids.items() if id <= FREQUENT and other != word and other.isalpha()}
    cosines = {other: cosine(embedding[id], embedding[ids[word]]) for other, id in frequent.items()}
    best = sorted(cosines, key=cosines.__getitem__, reverse=True)[:NEIGHBOURS]
    return ", ".join(f"{other} {cosines[other]:.2f}" for other in best)


def mean_cosine(embedding: Floats, some: Ids, others: Ids) -> float:
    """The mean cosine of all pairs of different rows."""
    pairs = [cosine(embedding[a], embedding[b]) for a in some for b in others if a != b]
    return float(np.mean(pairs))


def cosine(one: Floats, other: Floats) -> float:
    """1: the same direction, 0: a right angle.

    >>> cosine(np.float32([1, 0]), np.float32([2, 0]))
    1.0
    """
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def share_of_positive(reviews: Path, word: str) -> float:
    """Of the reviews that contain a word, the share that are positive."""
    with reviews.open(encoding="utf-8") as file:
        labels = [row["label"] for row in csv.DictReader(file) if re.search(rf"\b{word}\b", row["text"])]
    return labels.count("positive") / len(labels)


def project(vectors: Floats) -> tuple[Floats, float]:
    """Vectors -> their two principal components, float [rows, 2], and the share of the variance that the first has."""
    centred = vectors - vectors.mean(axis=0)
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    points = left[:, :2] * scales[:2]
    # An axis of a principal component has no sign; the first word is put on the right and above.
    return points * np.where(points[0] < 0, -1, 1), float(scales[0] ** 2 / (scales**2).sum())


def numbers(vector: Floats) -> str:
    """A vector as text with four digits."""
    return "`" + " ".join(f"{value:+.4f}" for value in vector) + "`"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def console(*commands: str) -> str:
    """Commands as a block for a terminal; a line of more than 88 characters is broken before an option."""
    lines = []
    for command in commands:
        line, *options = command.replace(" --", "\n--").split("\n")
        for option in options:
            if len(line) + len(option) < 88:
                line = f"{line} {option}"
            else:
                lines.append(f"{line} \\")
                line = f"    {option}"
        lines.append(line)
    return "```bash\n" + "\n".join(lines) + "\n```\n"


def session(source: str, names: dict[str, Any]) -> str:
    """Runs Python statements one by one -> a block that shows them with their values."""
    shown = []
    for statement in ast.parse(source).body:
        text = ast.unparse(statement)
        shown.append(f">>> {text}")
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "tutorial", "eval"), names)
            if value is not None:
                shown.append(repr(value))
        else:
            exec(compile(ast.Module([statement], []), "tutorial", "exec"), names)
    return "```pycon\n" + "\n".join(shown) + "\n```\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
