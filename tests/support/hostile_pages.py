"""Reports of data that does its worst: every text, label, word and file name of it tries to come alive in a page."""

from typing import Any

import numpy as np

from pipeline.config.settings import Config
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.vocabulary_tsv import WordColumns
from tests.support.manifests import manifest_of
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import SlicedBy, SliceScores
from trainer.evaluation.mistakes import Mistake
from trainer.evaluation.scoring import SplitScores
from trainer.training.history import CurvePoint, EpochRecord, History
from trainer.training_report.page import PageContent

# Each sets the title and window.pwned where it is obeyed.
_ACT = "document.title=window.pwned='pwned'"
HOSTILE = [
    f"<script>{_ACT}</script>",
    f"</script><script>{_ACT}</script>",
    f'<img src=x onerror="{_ACT}">',
    f"'\"><svg onload={_ACT}>",
    f"javascript:{_ACT}",
    f'<a href="javascript:{_ACT}">a</a>',
    f"<iframe srcdoc='<script>parent.{_ACT}</script>'></iframe>",
    f"--><!--<details open ontoggle={_ACT}>",
    f"</style><style>body{{display:none}}</style><base href=//example.org><script>{_ACT}</script>",
    "\u202edekovni \u2066isolated\u2069\u200f",
    f"\u2028{_ACT}\u2029{_ACT}//",
    f"]]>&lt;script&gt;{_ACT}&lt;/script&gt;{{{{{_ACT}}}}}${{{_ACT}}}",
    r"$$\href{javascript:alert(1)}{x}$$ \(x\) @y{safe} @{top}{custom}",
    "$$x^2$$",  # which BokehJS would set as a formula
    "0" * 3000,
    "\0\ud83d\ude00\ufeff\x1b[31m\r\n\t",
    "",
]


def hostile(number: int) -> list[str]:
    """So many different hostile strings."""
    return [
        HOSTILE[place] if place < len(HOSTILE) else f"{HOSTILE[place % len(HOSTILE)]}{place}" for place in range(number)
    ]


def hostile_manifest(*, labels: int = len(HOSTILE), several: bool = False, weighted: bool = False) -> Manifest:
    """A manifest with every key that the report shows."""
    names = hostile(labels)
    rows = {name: place + 1 for place, name in enumerate(names)}
    whole = sum(rows.values())
    part: dict[str, Any] = {"rows": whole, "labels": rows, "tokens": 4 * whole, "unknown_tokens": whole,
            "truncated_texts": 3, "empty_texts": 1, "lengths": [[2, whole - 2], [40, 1], [700, 1]]}  # fmt: skip
    if weighted:
        halves = {name: number / 2 for name, number in rows.items()}
        part["weights"] = {"total": whole / 2, "squares": whole / 4, "labels": halves}
    repeated = {"texts": 2, "rows": 3, "conflicting": 1}
    repeats = {**repeated, "splits": {"train": repeated},
               "across": [{"splits": ["train", "test"], "texts": 1, "rows": [1, 2], "conflicting": 1}]}  # fmt: skip
    finding = {"count": 3, "of": 9, "share": 0.3333, "exact": False, "examples": HOSTILE[:3]}
    telling = [{"token": name, "score": 3.0, "count": 5, "elsewhere": 1} for name in HOSTILE]
    samples = [{"split": "train", "text": f"{name} {name}", "label": names[place % labels], "ids": [0, 0, 2, 1]}
               for place, name in enumerate(HOSTILE)]  # fmt: skip
    content: dict[str, Any] = {
        "format_version": 1,
        "config": {"vocabulary": {"top_words": 40}, "sequence": {"max_length": 4}, "output": {}},
        "labels": names,
        "record": {"several_labels": several, "weighted": weighted},
        "vocabulary": {"size": len(HOSTILE), "tokens": 40, "distinct_tokens": 90},
        "coverage": [[1, 0.4], [16, 0.75], [90, 1.0]],
        "splits": {"train": part, "eval": part, "test": part},
        "input": {"files": len(HOSTILE), "bytes": 9, "rows": whole + 1, "damaged": len(HOSTILE),
                  "damaged_files": [{"file": name, "rows": 1, "why": name} for name in HOSTILE]},
        "rejected": {"rows": 1, "by_reason": dict.fromkeys(HOSTILE, 1),
                     "examples": {name: [{"file": name, "row": 3, "content": name}] for name in HOSTILE}},
        "duplicates": {**repeated, "exact": repeats, "normalised": repeats},
        "quality": {"rows": 9, "sampled_rows": 3, "findings": dict.fromkeys(["html", "mojibake", *HOSTILE], finding)},
        "telling_words": {"sampled_rows": 3, "exact": False, "labels": dict.fromkeys(names[:50], telling)},
        "advice": [{"setting": "text.split", "text": name} for name in HOSTILE],
        "samples": samples,
    }  # fmt: skip
    return manifest_of(content)


def hostile_words() -> WordColumns:
    """All of a vocabulary.tsv."""
    numbers = range(len(HOSTILE))
    return WordColumns([place + 1 for place in numbers], list(HOSTILE), [100 - place for place in numbers])


def hostile_training(
    *, labels: int = len(HOSTILE), examples: int = 400, several: bool = False, weighted: bool = False
) -> PageContent:
    """A training on such records: random scores, so every label has mistakes.

    several: with several labels a text, and slices. weighted: with weights of rows.
    """
    draw = np.random.default_rng(0)
    scheme, width = LabelScheme(tuple(hostile(labels)), several=several), len(HOSTILE) + 1
    right = draw.integers(0, labels, examples)
    scores = draw.dirichlet(np.ones(labels), examples).astype(np.float32)
    predicted = scores.argmax(axis=1)
    of_metrics = np.eye(labels, dtype=bool)[right] if several else right
    metrics = metrics_of(scores, of_metrics, scheme=scheme, weights=draw.random(examples) if weighted else None)
    mistakes = [
        Mistake(
            [0, *draw.integers(1, width, 3).tolist()],
            (int(right[row]), 0) if several else (int(right[row]),),
            (int(predicted[row]),),
            int(predicted[row]),
            0.9,
        )
        for row in range(len(HOSTILE))
    ]
    part: SliceScores = {
        "value": "", "examples": 9, "accuracy": 0.5, "interval": [0.2, 0.8], "loss": 0.7, "weighted": None,
    }  # fmt: skip
    slices: list[SlicedBy] = [
        {"by": name, "slices": [{**part, "value": value} for value in HOSTILE], "others": {**part, "values": 3}}
        for name in HOSTILE
    ]
    epochs = [
        EpochRecord(epoch=epoch, steps=10 * epoch, learning_rate=0.001, loss=1 / epoch, accuracy=0.5, eval_loss=0.5,
                    eval_accuracy=0.6, eval_auc=0.7, seconds=1.5)
        for epoch in (1, 2)
    ]  # fmt: skip
    return PageContent(
        config=Config(),
        records=RecordsFolder("records", "0" * 64, hostile_manifest(labels=labels, several=several, weighted=weighted)),
        history=History(
            epochs=epochs, curve=[CurvePoint(step=step, loss=1 / step, learning_rate=0.001) for step in range(1, 21)]
        ),
        best_epoch=1,
        scored=SplitScores(
            "test",
            np.log(scores),
            scores,
            of_metrics,
            mistakes,
            {**metrics, "slices": slices} if several else metrics,
            draw.integers(1, 500, examples),
        ),
        words=dict(zip(hostile_words().ids, hostile_words().tokens, strict=True)),
        before=draw.normal(size=(width, 4)).astype(np.float32),
        after=draw.normal(size=(width, 4)).astype(np.float32),
    )
