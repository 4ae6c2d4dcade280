"""A manifest -> whether max_length and top_words are well chosen: two plots, and what other values would do."""

from collections.abc import Iterator, Sequence

from pipeline.html.elements import Html, share, table
from pipeline.html.plots import Axis, Colour, Columns, Layer, Plot, beside, drawn
from pipeline.records_folder.lengths import binned, percentile, share_cut
from pipeline.records_folder.manifest import ManifestFile

_BINS = 60
_SHOWN_LENGTHS = 0.995  # of the texts: a few very long ones would press all others into the first bar
_SHARES_CUT = (0.10, 0.05, 0.01, 0.001)
_SHARES_COVERED = (0.80, 0.90, 0.95, 0.99)


def choices(manifest: ManifestFile) -> Html:
    """Lengths on the left, coverage on the right."""
    return beside(f"<div>{_lengths(manifest)}</div>", f"<div>{_coverage(manifest)}</div>")


def covered(manifest: ManifestFile) -> float:
    """The share of the train split's tokens that are in the vocabulary."""
    train = manifest.splits["train"]
    return 1 - train.unknown_tokens / train.tokens if train.tokens else 0.0


def _lengths(manifest: ManifestFile) -> Html:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    lengths = sorted({chosen, *(percentile(part, 1 - cut) for cut in _SHARES_CUT)})
    options = [_option(length, share_cut(part, length), is_set=length == chosen) for length in lengths]
    return (
        drawn(_length_plot(manifest), title="Length of the texts")
        + f"<p>Half of the training texts have at most {percentile(part, 0.5):,} ids, the longest "
        f"{percentile(part, 1.0):,}.</p>" + table(["sequence.max_length", "cuts of the texts"], options, kinds="nn")
    )


def _length_plot(manifest: ManifestFile) -> Plot:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    end = max(percentile(part, _SHOWN_LENGTHS), 1)
    if end < chosen <= 3 * end:  # so that the line is on the plot wherever it is near
        end = chosen
    width = max(1, -(-(end + 1) // _BINS))
    rows = binned(part, bins=_BINS, end=width * _BINS - 1)
    edges = [place * width for place in range(_BINS + 1)]

    first_cut = min(-(-(chosen + 1) // width), _BINS)
    layers = [_bars(edges[: first_cut + 1], rows[:first_cut], key="whole", colour="blue")]
    if cut := share_cut(part, chosen):
        layers.append(_bars(edges[first_cut:], rows[first_cut:], key=f"cut: {share(cut, 1)}", colour="orange"))
    lines = [(chosen + 0.5, f"max_length {chosen:,}")] if chosen < edges[-1] else []
    return Plot(
        x=Axis(label="ids of a training text before truncation", range=(0, edges[-1])),
        y=Axis(label="texts"),
        layers=layers,
        lines=lines,
    )


def _bars(edges: Sequence[int], rows: Sequence[int], *, key: str, colour: Colour) -> Layer:
    columns: Columns = {
        "left": edges[:-1],
        "right": edges[1:],
        "last": [edge - 1 for edge in edges[1:]],
        "top": rows,
    }
    hover = [("ids", "@left{0,0} to @last{0,0}"), ("texts", "@top{0,0}")]
    return Layer(mark="bars", columns=columns, colour=colour, hover=hover, key=key)


def _coverage(manifest: ManifestFile) -> Html:
    kept, chosen = manifest.vocabulary, manifest.config.vocabulary.top_words
    reached = {**dict(_reaching(manifest)), kept.size: covered(manifest)}
    options = [_option(words, part, is_set=words == kept.size) for words, part in sorted(reached.items())]
    return (
        drawn(_coverage_plot(manifest), title="Coverage of the vocabulary")
        + f"<p>The training texts have {kept.distinct_tokens:,} different words, {kept.tokens:,} in all; top_words "
        f"{chosen:,} keeps {kept.size:,} of them.</p>" + table(["words", "make up of all words"], options, kinds="nn")
    )


def _option(value: int, part: float, *, is_set: bool) -> list[Html]:
    cells = [f"{value:,}", share(part, 1)]
    return [f"<b>{cells[0]}, as set</b>", f"<b>{cells[1]}</b>"] if is_set else cells


def _reaching(manifest: ManifestFile) -> Iterator[tuple[int, float]]:
    """The points of the curve that first reach a round share."""
    for wanted in _SHARES_COVERED:
        found = next(((words, part) for words, part in manifest.coverage if part >= wanted), None)
        if found is not None:
            yield found


def _coverage_plot(manifest: ManifestFile) -> Plot:
    kept = manifest.vocabulary.size
    columns: Columns = {
        "x": [words for words, _ in manifest.coverage],
        "y": [part for _, part in manifest.coverage],
    }
    return Plot(
        x=Axis(label="words, the most frequent first", scale="log"),
        y=Axis(label="share of all words", format="0%", range=(0, 1.02)),
        layers=[
            Layer(mark="line", columns=columns, key="covered"),
            Layer(mark="dots", columns=columns, hover=[("words", "@x{0,0}"), ("cover", "@y{0.0%}")]),
        ],
        lines=[(kept, f"kept: {kept:,}")] if kept else [],
    )
