"""A manifest -> are max_length and top_words well chosen? Two plots, and tables of what other values would do."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from pipeline.html.elements import share, table
from pipeline.html.plots import Axis, Colour, Columns, Layer, Plot, figure, side_by_side
from pipeline.records_folder.counted_texts import counted_texts
from pipeline.records_folder.lengths import binned, percentile, share_cut
from pipeline.records_folder.manifest import Manifest

_BARS = 60
# The plot ends at this quantile of the lengths: a few very long texts would press all others into the first bar.
_LAST_QUANTILE = 0.995
_SHARES_CUT = (0.10, 0.05, 0.01, 0.001)
_SHARES_COVERED = (0.80, 0.90, 0.95, 0.99)


def choices(manifest: Manifest) -> Markup:
    """Lengths of the texts on the left, coverage of the vocabulary on the right."""
    return side_by_side(*(Markup("<div>{}</div>").format(part) for part in (_lengths(manifest), _coverage(manifest))))


def covered(manifest: Manifest) -> float:
    """The share of the counted tokens that are in the vocabulary."""
    return counted_texts(manifest).known_share


def _lengths(manifest: Manifest) -> Markup:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    lengths = sorted({chosen, *(percentile(part, 1 - cut) for cut in _SHARES_CUT)})
    options = [_option(length, share_cut(part, length), is_set=length == chosen) for length in lengths]
    return (
        figure(_length_plot(manifest), title="Length of the texts")
        + Markup("<p>Half of the training texts have at most {:,} ids, the longest {:,}.</p>").format(
            percentile(part, 0.5), percentile(part, 1.0)
        )
        + table(["sequence.max_length", "cuts of the texts"], options, kinds="nn")
    )


def _length_plot(manifest: Manifest) -> Plot:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    end = max(percentile(part, _LAST_QUANTILE), 1)
    if end < chosen <= 3 * end:  # the line of max_length is on the plot if it is near
        end = chosen
    width = max(1, -(-(end + 1) // _BARS))
    rows = binned(part, bins=_BARS, end=width * _BARS - 1)
    edges = [place * width for place in range(_BARS + 1)]

    first_cut = min(-(-(chosen + 1) // width), _BARS)
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


def _coverage(manifest: Manifest) -> Markup:
    vocabulary, top_words = manifest.vocabulary, manifest.config.vocabulary.top_words
    shares = {**dict(_first_at_round_shares(manifest)), vocabulary.size: covered(manifest)}
    options = [_option(words, part, is_set=words == vocabulary.size) for words, part in sorted(shares.items())]
    return (
        figure(_coverage_plot(manifest), title="Coverage of the vocabulary")
        + Markup(
            "<p>The texts of {} have {:,} tokens, {:,} of them distinct. With top_words {:,}, {:,} are words.</p>"
        ).format(
            counted_texts(manifest).name, vocabulary.tokens, vocabulary.distinct_tokens, top_words, vocabulary.size
        )
        + table(["words", "make up of all words"], options, kinds="nn")
    )


def _option(value: int, part: float, *, is_set: bool) -> list[str]:
    if not is_set:
        return [f"{value:,}", share(part, 1)]
    return [Markup("<b>{:,}, as set</b>").format(value), Markup("<b>{}</b>").format(share(part, 1))]


def _first_at_round_shares(manifest: Manifest) -> Iterator[tuple[int, float]]:
    """The points of the coverage curve that first reach 80, 90, 95 and 99%: (words, share of the tokens)."""
    for wanted in _SHARES_COVERED:
        first = next(((words, part) for words, part in manifest.coverage if part >= wanted), None)
        if first is not None:
            yield first


def _coverage_plot(manifest: Manifest) -> Plot:
    size = manifest.vocabulary.size
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
        lines=[(size, f"vocabulary: {size:,}")] if size else [],
    )
