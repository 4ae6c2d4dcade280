"""A card -> MODEL_CARD.md: the parts of the card that have content, each below its heading."""

from collections.abc import Iterator
from itertools import groupby

from pipeline.config.decision_settings import TEXT_LENGTH
from pipeline.config.settings import Config
from pipeline.support.printable import escape_controls, json_text
from pipeline.support.terminal import percent
from trainer.model_card.decision_page import SHOWN_LABELS, decision_parts, number
from trainer.model_card.markdown import bullets, code, sentence, table
from trainer.model_card.schema import Card, Data, Figure, LabelFigures, Measured, SliceFigures
from trainer.ngrams.kinds import NgramKinds

_SHOWN_SLICES = 20  # by one name
_SHARED = {
    "equal": "byte for byte",
    "equal_but_for_form": "but for case, punctuation or white space",
    "nearly_equal": "nearly (an estimate)",
}
_NAMES = {
    "accuracy": "accuracy",
    "accuracy_of_the_commonest_label": "accuracy of always answering the commonest label",
    "auc": "area under the ROC curve (AUC)",
    "loss": "loss (cross-entropy, nats)",
    "calibration_error": "expected calibration error",
    "brier": "Brier score",
    "f1": "F1",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
}


def page(card: Card) -> bytes:
    """The content of MODEL_CARD.md, UTF-8."""
    parts = ["# Model card", *_task(card), *_data(card.data)]
    if card.measured is not None:
        parts += _measured(card.measured)
    if card.decision is not None:
        parts += decision_parts(card.decision, several=card.task.several_labels)
    if card.slices:
        parts += _slices(card.slices)
    if card.limits:
        parts += ["## Limits seen in the data", bullets(card.limits)]
    parts += [*_settings(card), *_versions(card)]
    return escape_controls("\n\n".join(parts) + "\n").encode()


def _task(card: Card) -> Iterator[str]:
    task, splits = card.task, card.data.splits
    how_many = "any number of" if task.several_labels else "one of"
    ordered = ", which are numbers with an order" if task.label_kind == "ordinal" else ""
    yield (
        f"A text classifier: it gives a text {how_many} {len(task.labels):,} labels{ordered}. It learnt from "
        f"{splits['train'].rows:,} texts{' with weights' if task.weighted else ''} and has the weights of epoch "
        f"{card.training.best_epoch} of {card.training.epochs}."
    )
    if (more := card.training.self_training) is not None:
        yield (
            f"It also learnt from {more.texts:,} texts without labels, each with the label that an earlier model gave "
            f"it, weighted by how sure that model was: {more.mean_weight:.2f} on average."
        )
    if (given := card.training.vectors) is not None:
        tokens = "" if given.tokens is None else f", which are {percent(given.tokens)} of their tokens"
        yield (
            f"Its word vectors started from {code(given.file)} ({given.format}, {given.vectors:,} vectors of "
            f"{given.dim:,} numbers, SHA-256 `{given.sha256}`), which has {percent(given.words)} of its words{tokens}."
        )
    model = card.settings.get("model", {})
    if longest := model.get("ngrams"):  # not as ModelSettings, which would refuse a card that people have edited
        kinds = NgramKinds(longest, *(model.get(name, 0) for name in ("ngram_gaps", "ngram_ending")))
        yield (
            f"Beside its LSTM each n-gram has a weight of its own: {kinds.told()}. Two numbers and a "
            "bias, fitted on the eval split, join both."
        )
    yield "Made from what was measured and set; `MODEL_CARD.json` has the same for programs."


def _data(data: Data) -> Iterator[str]:
    yield "## Data"
    yield f"The records folder's `manifest.json` has the SHA-256 `{data.manifest}`."
    yield _splits(data)
    yield "### Labels"
    yield from _labels(data)
    yield "### Vocabulary"
    yield (
        f"{data.vocabulary.words:,} words, which are {percent(data.vocabulary.known_tokens)} of the counted tokens. "
        f"The SHA-256 of `vocabulary.tsv` is `{data.vocabulary.sha256}`."
    )
    yield from _rows_left(data)
    if data.shared:
        yield "### Texts that splits share"
        rows = [
            [pair.splits[0], pair.splits[1], _SHARED[pair.how], f"{pair.rows:,}", percent(pair.share)]
            for pair in data.shared
        ]
        yield table(["split", "rows of", "have an equal text", "rows", "share"], rows, kinds="tttnn")
    if data.findings:
        yield "### Qualities of the texts"
        found = [
            [sentence(name.replace("_", " ")), f"{'' if finding.exact else 'about '}{percent(finding.share)}"]
            for name, finding in data.findings.items()
        ]
        yield table(["quality", "share of the texts"], found, kinds="tn")


def _splits(data: Data) -> str:
    heads = ["split", "rows", "tokens", "unknown tokens", "truncated texts", "texts without a known word"]
    is_weighted = any(part.weight is not None for part in data.splits.values())
    has_none = any(part.no_labels for part in data.splits.values())
    rows = []
    for split, part in data.splits.items():
        shares = (part.unknown_tokens, part.truncated_texts, part.empty_texts)
        row = [split, f"{part.rows:,}", f"{part.tokens:,}", *map(percent, shares)]
        if has_none:
            row.append(f"{part.no_labels:,}")
        if is_weighted:
            row += [f"{part.weight or 0:,.6g}", f"{part.effective_rows or 0:,.1f}"]
        rows.append(row)
    heads += ["rows with none of the labels"] * has_none + ["weight", "effective sample size"] * is_weighted
    return table(heads, rows, kinds="t" + "n" * (len(heads) - 1))


def _labels(data: Data) -> Iterator[str]:
    splits = list(data.splits)
    is_weighted = any(label.weight_share is not None for label in data.labels)
    heads = ["label", *[f"{split} rows" for split in splits], "share of train", *["share of weight"] * is_weighted]
    rows = []
    for label in data.labels[:SHOWN_LABELS]:
        counts = [f"{label.rows[split]:,}" for split in splits]
        weight = [percent(label.weight_share or 0)] if is_weighted else []
        rows.append([code(label.label), *counts, percent(label.share), *weight])
    yield table(heads, rows, kinds="t" + "n" * (len(heads) - 1))
    yield from _more(len(data.labels))


def _rows_left(data: Data) -> Iterator[str]:
    rows = [[code(reason), f"{number:,}"] for reason, number in data.rejected.items()]
    if data.left_out:
        rows.append(["left out by `input.label_map`", f"{data.left_out:,}"])
    if rows:
        yield "### Rows that were not used"
        yield table(["reason", "rows"], rows, kinds="tn")
    if data.unlabelled_rows:
        yield f"Beside them there were {data.unlabelled_rows:,} texts without labels."


def _measured(measured: Measured) -> Iterator[str]:
    yield "## Metrics"
    yield (
        f"Of the {measured.rows:,} texts of the {measured.split} split, which the model did not learn from. An "
        "interval is Wilson's at 95 %."
    )
    is_weighted = any(figure.weighted is not None for figure in measured.figures)
    heads = ["metric", "value", "interval", *["with weights"] * is_weighted]
    yield table(
        heads,
        [_figure_row(figure, is_weighted=is_weighted) for figure in measured.figures],
        kinds="tnt" + "n" * is_weighted,
    )
    yield "### Label by label"
    shown = measured.labels[:SHOWN_LABELS]
    names = [figure.name for figure in shown[0].figures]
    heads = ["label", "rows", *[_name(name) for name in names]]
    yield table(heads, [_label_row(label) for label in shown], kinds="tn" + "t" * len(names))
    yield from _more(len(measured.labels))


def _slices(slices: list[SliceFigures]) -> Iterator[str]:
    yield "## Slices"
    yield "Accuracy by part, the lowest first."
    for by, parts in groupby(slices, key=lambda part: part.by):
        rows = list(parts)
        is_weighted = any(part.weighted is not None for part in rows)
        yield f"### By {sentence('text length' if by == TEXT_LENGTH else by)}"
        heads = ["length" if by == TEXT_LENGTH else "value", "rows", "accuracy", "interval"]
        cells = [_slice_row(part, is_weighted=is_weighted) for part in rows[:_SHOWN_SLICES]]
        yield table(heads + ["with weights"] * is_weighted, cells, kinds="tnnt" + "n" * is_weighted)
        if len(rows) > _SHOWN_SLICES:
            yield f"The first {_SHOWN_SLICES} of {len(rows):,}; `MODEL_CARD.json` has all."


def _slice_row(part: SliceFigures, *, is_weighted: bool) -> list[str]:
    value = "all rarer values" if part.value is None else code(part.value)
    weighted = [number(part.weighted)] if is_weighted else []
    return [value, f"{part.rows:,}", number(part.accuracy), _range(part.interval), *weighted]


def _figure_row(figure: Figure, *, is_weighted: bool) -> list[str]:
    weighted = [number(figure.weighted)] if is_weighted else []
    return [_name(figure.name), number(figure.value), _interval(figure), *weighted]


def _label_row(label: LabelFigures) -> list[str]:
    cells = [" ".join(filter(None, (number(figure.value), _interval(figure)))) for figure in label.figures]
    return [code(label.label), f"{label.rows:,}", *cells]


def _name(key: str) -> str:
    """The name of a metric for people."""
    return _NAMES.get(key, key.replace("_", " "))


def _interval(figure: Figure) -> str:
    return "" if figure.interval is None else _range(figure.interval)


def _range(interval: tuple[float, float]) -> str:
    return f"({interval[0]:.3f}–{interval[1]:.3f})"


def _settings(card: Card) -> Iterator[str]:
    defaults = Config().model_dump(mode="json")
    rows = []
    for section, values in card.settings.items():
        for key, value in values.items():
            default = defaults.get(section, {}).get(key)
            rows.append([f"`{section}.{key}`", _setting(value), "" if value == default else _setting(default)])
    yield "## Settings"
    yield table(["setting", "value", "default, where it differs"], rows, kinds="ttt")


def _setting(value: object) -> str:
    """A setting as YAML would have it.

    >>> _setting(None), _setting(" "), _setting(["a"])
    ('`null`', '`" "`', '`["a"]`')
    """
    is_plain = isinstance(value, str) and value.strip() == value and value.isprintable() and value
    return code(str(value) if is_plain else json_text(value))


def _versions(card: Card) -> Iterator[str]:
    yield "## Versions"
    yield table(
        ["package", "version"], [[code(name), code(version)] for name, version in card.versions.items()], kinds="tt"
    )


def _more(labels: int) -> Iterator[str]:
    if labels > SHOWN_LABELS:
        yield f"The first {SHOWN_LABELS} of {labels:,} labels; `MODEL_CARD.json` has all."
