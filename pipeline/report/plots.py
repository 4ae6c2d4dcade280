"""A manifest -> Bokeh's plots as JSON that the page embeds; equal manifests give equal bytes."""

import json
import re
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter
from bokeh.plotting import figure

from pipeline.lengths import binned, percentile
from pipeline.manifest_file import ManifestFile

_BINS = 60
_BLUE, _RED, _GREY = "#3d85c6", "#cc4125", "#84898f"  # each is readable on white and on black


def lengths(manifest: ManifestFile) -> str:
    """Texts by length, with max_length marked."""
    part, cut = manifest.splits["train"], manifest.config.sequence.max_length
    end = max(percentile(part, 0.995), 1)
    rows = binned(part, bins=_BINS, end=end)
    left = [bin * (end + 1) / _BINS for bin in range(_BINS)]
    source = ColumnDataSource({"left": left, "right": [*left[1:], end + 1], "rows": rows})
    plot = _figure("ids of a text before truncation", "texts")
    plot.quad(left="left", right="right", top="rows", bottom=0, source=source, color=_BLUE, line_alpha=0)
    plot.add_tools(HoverTool(tooltips=[("ids", "@left{0} to @right{0}"), ("texts", "@rows{0,0}")]))
    plot.vspan(x=[cut], line_color=_RED, line_width=2)
    return _item(plot, "plot-lengths")


def coverage(manifest: ManifestFile) -> str:
    """The share of tokens that so many words cover, with the number kept marked."""
    source = ColumnDataSource(
        {"words": [words for words, _ in manifest.coverage], "share": [share for _, share in manifest.coverage]}
    )
    plot = _figure("words, the most frequent first", "share of the tokens", x_axis_type="log")
    plot.line("words", "share", source=source, color=_BLUE, line_width=3)
    dots = plot.scatter("words", "share", source=source, color=_BLUE, size=6)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("words", "@words{0,0}"), ("cover", "@share{0.0%}")]))
    plot.vspan(x=[manifest.vocabulary.size], line_color=_RED, line_width=2)
    plot.yaxis[0].formatter = NumeralTickFormatter(format="0%")
    plot.xaxis[0].formatter = NumeralTickFormatter(format="0,0")
    return _item(plot, "plot-coverage")


def _figure(across: str, up: str, **options: Any) -> figure:
    plot = figure(
        height=280, sizing_mode="stretch_width", tools="xpan,xwheel_zoom,box_zoom,reset", active_scroll=None, **options
    )
    plot.background_fill_alpha = plot.border_fill_alpha = 0
    plot.outline_line_color = None
    plot.toolbar.logo = None
    for axis, label in ((plot.xaxis[0], across), (plot.yaxis[0], up)):
        axis.axis_label = label
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = _GREY
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = _GREY
    plot.yaxis[0].formatter = NumeralTickFormatter(format="0,0")
    plot.grid.grid_line_color = _GREY
    plot.grid.grid_line_alpha = 0.25
    return plot


def _item(plot: figure, target: str) -> str:
    """The plot as JSON. Bokeh numbers what it makes on and on in a process; here the numbers begin anew."""
    numbers: dict[str, str] = {}

    def renumbered(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f'"p{len(numbers) + 1}"')

    return re.sub(r'"p\d+"', renumbered, json.dumps(json_item(plot, ID(target))))
