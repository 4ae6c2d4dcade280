"""Both reports in a real Chromium: drawn, without a network, readable at any width, and dead to what the data says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.records_report import render as render_report
from tests.support.browser import CHROMIUM, MISSING, Browser, browser
from tests.support.hostile_pages import HOSTILE, hostile_manifest, hostile_training, hostile_words
from trainer.training_report.page import render as render_training

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

# What stands in a page of ours, outside of the plots; nothing of the data can be one of these.
TAGS = {
    "ARTICLE", "B", "BDI", "BODY", "BR", "CODE", "DD", "DEL", "DETAILS", "DIV", "DL", "DT", "FIGCAPTION", "FIGURE",
    "H1", "H2", "H3", "HEADER", "I", "LI", "MARK", "P", "SCRIPT", "SECTION", "SMALL", "SPAN", "SUMMARY", "TABLE",
    "TBODY", "TD", "TH", "THEAD", "TR", "UL",
}  # fmt: skip
POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy"[^>]*>\n')
INTRUDERS = (
    b"<script>window.pwned='script'</script><p id=x onclick=\"window.pwned='handler'\"></p><script>x.click()</script>"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


# What a page is called, perhaps with what it is of -> its bytes with so many labels.
PAGES: dict[str, Callable[[int], bytes]] = {
    "Records report": lambda labels: render_report(hostile_manifest(labels=labels), words=hostile_words()),
    "Training report": lambda labels: render_training(hostile_training(labels=labels)),
    "Training report of several labels": lambda labels: render_training(
        hostile_training(labels=labels, several=True, weighted=True)
    ),
}
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def stored(folder: Path, content: bytes) -> Path:
    path = folder / "page.html"
    path.write_bytes(content)
    return path


def hover_everything(chromium: Browser) -> None:
    """Moves the mouse over each plot, so that its tooltips show what the data says."""
    for number in range(chromium.evaluate("document.querySelectorAll('.plot').length")):
        box = chromium.evaluate(
            f"(plot => {{ plot.scrollIntoView({{block: 'center'}}); const box = plot.getBoundingClientRect();"
            f" return [box.x, box.y, box.width, box.height] }})(document.querySelectorAll('.plot')[{number}])"
        )
        for across in (0.3, 0.5, 0.7):
            x, y = box[0] + across * box[2], box[1] + 0.5 * box[3]
            chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
            chromium.evaluate(SETTLED)


@pytest.mark.parametrize("has_policy", [True, False], ids=["as it is", "without the policy"])
@pytest.mark.parametrize(
    ("title", "plots"), [("Records report", 2), ("Training report", 6), ("Training report of several labels", 5)]
)
def test_browser_draws_and_obeys_nothing_of_the_data(
    chromium: Browser, tmp_path: Path, title: str, plots: int, has_policy: bool
) -> None:
    content = PAGES[title](len(HOSTILE))
    chromium.open(stored(tmp_path, content if has_policy else POLICY.sub(b"", content)))
    assert chromium.evaluate("window.drawn") == plots
    hover_everything(chromium)
    for opened in ("details", "bdi", "article"):
        chromium.evaluate(f"document.querySelectorAll('{opened}').forEach(found => found.click())")
    assert chromium.evaluate("[document.title, typeof window.pwned]") == [title.partition(" of ")[0], "undefined"]
    found = chromium.evaluate(
        "[...document.body.querySelectorAll('*')].filter(one => !one.closest('.plot, .bk-Tooltip'))"
        ".map(one => one.tagName)"
    )
    assert set(found) <= TAGS
    assert chromium.evaluate("document.querySelectorAll('[onclick], [onerror], [onload], [href], [src]').length") == 0
    assert chromium.requests() == []
    assert chromium.complaints() == []


def test_browser_runs_no_script_that_the_page_has_not_signed(chromium: Browser, tmp_path: Path) -> None:
    page = PAGES["Records report"](2).replace(b"<header>", INTRUDERS + b"<header>")
    chromium.open(stored(tmp_path, page))
    assert chromium.evaluate("typeof window.pwned") == "undefined"
    assert len(chromium.complaints()) >= 2
    # Without the policy they would have run: the tests above can fail.
    chromium.open(stored(tmp_path, POLICY.sub(b"", page)))
    assert chromium.evaluate("window.pwned") == "handler"


@pytest.mark.parametrize(
    # a page, its labels, its plots: the training report of more than 12 labels has a heat map
    ("title", "labels", "plots"),
    [
        ("Records report", 2500, 2),
        ("Training report", 2, 5),
        ("Training report", 70, 6),
        ("Training report", 2500, 6),
        ("Training report of several labels", 70, 5),
    ],
)
def test_browser_shows_all_of_it_on_a_phone(
    chromium: Browser, tmp_path: Path, title: str, labels: int, plots: int
) -> None:
    content = PAGES[title](labels)
    assert len(content) < 3_000_000
    chromium.open(stored(tmp_path, content), width=390, height=800)
    assert chromium.evaluate("window.drawn") == plots
    assert chromium.evaluate("document.documentElement.scrollWidth") == 390
    chromium.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert chromium.evaluate("document.documentElement.scrollWidth") == 390


def test_browser_reads_no_label_as_a_formula(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(stored(tmp_path, PAGES["Training report"](len(HOSTILE))))
    kinds = chromium.evaluate(
        "Bokeh.documents.flatMap(one => one.roots()).flatMap(plot => plot.yaxes)"
        ".flatMap(axis => [...axis.major_label_overrides.values()]).map(name => name.type ?? typeof name)"
    )
    assert kinds == ["PlainText"] * len(HOSTILE)


def test_browser_turns_page_and_plots_to_night(chromium: Browser, tmp_path: Path) -> None:
    path = stored(tmp_path, PAGES["Records report"](2))
    look = (
        "(() => { const style = getComputedStyle(document.body); const ink = Bokeh.documents.at(-1).roots()[0]"
        ".xaxes[0].major_label_text_color; return [style.backgroundColor, style.color, ink.value ?? ink] })()"
    )
    seen = []
    for dark in (False, True):
        chromium.open(path, dark=dark)
        seen.append(chromium.evaluate(look))
    assert seen == [
        ["rgb(255, 255, 255)", "rgb(29, 33, 37)", "#5d6670"],
        ["rgb(21, 24, 27)", "rgb(228, 231, 234)", "#9aa4ae"],
    ]
    # While it is open as well.
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    chromium.evaluate(f"{SETTLED}.then(() => window.drawn)")
    assert chromium.evaluate(look) == seen[0]
    assert chromium.evaluate("document.querySelectorAll('.plot .bk-Figure').length") == 2
