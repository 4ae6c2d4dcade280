"use strict";
// Draws each plot of the page (pipeline/html/plots.py) with BokehJS, and again when the colour scheme changes.

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const night = matchMedia("(prefers-color-scheme: dark)");
// A finger that drags scrolls the page; a mouse that drags zooms.
const drag = matchMedia("(pointer: coarse)").matches ? null : "box_zoom";

const MARKS = {
  bars: (plot, layer, look) => plot.quad({
    left: {field: "left"}, right: {field: "right"}, top: {field: "top"}, bottom: 0, source: look.source,
    fill_color: look.ink, line_color: look.paper, line_width: 0.5, hover_fill_alpha: 0.7,
  }),
  line: (plot, layer, look) => plot.line({
    x: {field: "x"}, y: {field: "y"}, source: look.source, line_color: look.ink, line_width: layer.faint ? 1 : 2.5,
    line_alpha: layer.faint ? 0.45 : 1, line_dash: layer.dashed ? [6, 4] : [],
  }),
  dots: (plot, layer, look) => plot.scatter({
    x: {field: "x"}, y: {field: "y"}, source: look.source, fill_color: look.ink, line_color: look.paper, size: 7,
    fill_alpha: layer.faint ? 0.5 : 1,
  }),
  cells: (plot, layer, look) => plot.rect({
    x: {field: "x"}, y: {field: "y"}, width: 1, height: 1, source: look.source, fill_color: look.ink,
    fill_alpha: {field: "strength"}, line_color: look.paper, line_width: 0.5,
  }),
};

function range(axis, {backwards = false, fromZero = false} = {}) {
  if (axis.names === null && axis.range === null) return new Bokeh.DataRange1d(fromZero ? {start: 0} : {});
  if (axis.names === null) return axis.range;
  const ends = [-0.5, axis.names.length - 0.5];
  return backwards ? ends.reverse() : ends;
}

function dress(axis, described) {
  const soft = colour("soft"), font = "system-ui, sans-serif";
  Object.assign(axis, {
    axis_label: described.label, axis_label_text_font: font, axis_label_text_font_style: "normal",
    axis_label_text_color: soft, axis_label_text_font_size: "12px", major_label_text_font: font,
    major_label_text_color: soft, major_label_text_font_size: "11px", axis_line_color: colour("line"),
    major_tick_line_color: colour("line"), minor_tick_line_color: null,
  });
  if (described.names === null) {
    axis.formatter = new Bokeh.NumeralTickFormatter({format: described.format});
    return;
  }
  axis.ticker = new Bokeh.FixedTicker({ticks: described.names.map((_, place) => place)});
  // As models: Bokeh would read a string between dollars as TeX.
  axis.major_label_overrides = new Map(described.names.map((name, place) => [place, new Bokeh.PlainText({text: name})]));
  axis.major_label_text_font_size = described.names.length > 30 ? "9px" : "11px";
}

function build(described, width) {
  const plot = Bokeh.Plotting.figure({
    height: described.height, sizing_mode: "stretch_width", tools: "xpan,xwheel_zoom,box_zoom,reset",
    active_scroll: null, active_drag: drag, x_axis_type: described.x.scale, y_axis_type: described.y.scale,
    x_range: range(described.x), 
    y_range: range(described.y, {backwards: true, fromZero: described.layers.some(layer => layer.mark === "bars")}), background_fill_alpha: 0, border_fill_alpha: 0,
    outline_line_color: null, min_border_right: 12,
  });
  Object.assign(plot.toolbar, {logo: null, autohide: true});
  dress(plot.xaxes[0], described.x);
  dress(plot.yaxes[0], described.y);
  if (described.x.names !== null) {
    plot.xaxes[0].major_label_orientation = Math.PI / 3;
    // On a phone the names would overlap. The other axis and the tooltips have the same names.
    if (width < 150 + 9 * described.x.names.length) plot.xaxes[0].ticker = new Bokeh.FixedTicker({ticks: []});
  }
  for (const grid of plot.grids) grid.grid_line_color = described.x.names === null ? colour("line") : null;
  for (const layer of described.layers) {
    const look = {source: new Bokeh.ColumnDataSource({data: layer.columns}), ink: colour(layer.colour), paper: colour("paper")};
    const drawn = MARKS[layer.mark](plot, layer, look);
    if (layer.hover.length)
      plot.add_tools(new Bokeh.HoverTool({renderers: [drawn], tooltips: layer.hover, point_policy: "snap_to_data"}));
  }
  for (const [place] of described.lines)
    plot.add_layout(new Bokeh.Span({dimension: "height", location: place, line_color: colour("red"), line_width: 2}));
  return plot;
}

function drawAll() {
  return Promise.all([...document.querySelectorAll("figure")].map(figure => {
    const target = figure.querySelector(".plot");
    target.replaceChildren();
    return Bokeh.Plotting.show(build(JSON.parse(figure.querySelector("script").textContent), target.clientWidth), target);
  })).then(views => views.length);
}

Bokeh.set_log_level("warn");
window.drawn = drawAll();
night.addEventListener("change", () => { window.drawn = drawAll(); });
