"""What both reports are made of: plots as data, tables, and one page that names its own scripts."""

import base64
import hashlib
import json
import re

import pytest

from pipeline.config.settings import Side
from pipeline.contract import Oov
from pipeline.html import Section, document
from pipeline.html.decoded_ids import decoded
from pipeline.html.elements import advice, folded, settings_table, shown, table, tiles
from pipeline.html.plots import Axis, Layer, Plot, drawn, short


def plot(name: str = "a") -> Plot:
    return Plot(
        x=Axis(label="x", names=[name]),
        y=Axis(label="y", range=(0, 1)),
        layers=[Layer(mark="dots", columns={"x": [0], "y": [0.5], "name": [name]}, hover=[("name", "@name")], key="k")],
        lines=[(0, "here")],
    )


def test_page_shows_text_of_the_data_as_text() -> None:
    assert shown("a<b>&\"'\u202e\0") == "<bdi>a&lt;b&gt;&amp;&quot;&#x27;\ufffd\ufffd</bdi>"
    assert shown("x" * 701) == f"<bdi>{'x' * 700}…</bdi>"
    assert short("\u202eabc") == "\ufffdabc"
    assert "<i>" not in advice(["<i>"], otherwise="")
    assert "<i>" not in settings_table({"text": {"filters": "<i>"}})


def test_page_carries_the_data_of_a_plot_as_data() -> None:
    found = drawn(plot("</script><script>\u2028"), title="T")
    data = re.findall(r'<script type="application/json">(.*?)</script>', found)
    assert len(data) == 1
    assert found.count("<script") == found.count("</script") == 1
    assert found.isascii() or "\u2028" not in found
    assert json.loads(data[0])["layers"][0]["columns"]["name"] == ["</script><script>\u2028"]
    assert '<span class="key dots" style="--key:var(--blue)">k</span>' in found
    assert '<span class="key upright" style="--key:var(--red)">here</span>' in found


def test_page_refuses_numbers_that_json_has_not() -> None:
    broken = Plot(x=Axis(label=""), y=Axis(label=""), layers=[Layer(mark="line", columns={"x": [float("nan")]})])
    with pytest.raises(ValueError, match="not JSON compliant"):
        drawn(broken, title="")


def test_page_names_its_scripts_and_needs_nothing_else() -> None:
    page = document(title="T", head="<h1>T</h1>", sections=[Section("A", drawn(plot(), title="P"))])
    assert page == document(title="T", head="<h1>T</h1>", sections=[Section("A", drawn(plot(), title="P"))])
    assert len(page) < 1_500_000
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.decode())
    named = " ".join(f"'sha256-{one}'" for one in hashes)
    assert policy == (
        f"default-src 'none'; script-src {named}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert len(hashes) == 3
    outside_scripts = re.sub(rb"<script.*?</script>", b"", page, flags=re.DOTALL)
    assert not re.search(rb"<[^>]*(src|href)=|https?:|url\(", outside_scripts)


def test_page_lays_out_tables_and_tiles() -> None:
    assert table(["word", "n"], [["a", "7"]], kinds="xn", stacked=True) == (
        '<div class="wide"><table class="stacked"><thead><tr><th scope="col" class="x">word</th>'
        '<th scope="col" class="n">n</th></tr></thead><tbody>\n'
        '<tr><td class="x" data-head="word">a</td><td class="n" data-head="n">7</td></tr>\n</tbody></table></div>'
    )
    with pytest.raises(ValueError, match="zip"):
        table(["word", "n"], [["a"]], kinds="xn")
    assert tiles([("rows", "7")]) == '<dl class="tiles"><div><dt>rows</dt><dd>7</dd></div></dl>'
    assert folded("more", "x") == "<details><summary>more</summary>x</details>"


# ids, padding, oov, what is shown
DECODED = [
    ([0, 0, 2, 1], "pre", "drop", "<small>2 × padding</small> <bdi>br</bdi> <bdi>the</bdi>"),
    ([2, 1, 0, 0], "post", "drop", "<bdi>br</bdi> <bdi>the</bdi> <small>2 × padding</small>"),
    ([2, 2], "pre", "drop", "<bdi>br</bdi> <bdi>br</bdi>"),
    ([0, 1, 2], "pre", "token", "<small>1 × padding</small> <mark>unknown</mark> <bdi>br</bdi>"),
    ([9], "pre", "drop", "<bdi>?</bdi>"),  # an id that no word has
    ([0, 0, 0], "post", "drop", "<small>3 × padding</small>"),
]  # fmt: skip


@pytest.mark.parametrize(("ids", "padding", "oov", "expected"), DECODED)
def test_page_shows_ids_as_words(ids: list[int], padding: Side, oov: Oov, expected: str) -> None:
    assert decoded(ids, {1: "the", 2: "br"}, oov=oov, padding=padding) == expected


def test_page_folds_long_records() -> None:
    found = decoded([0] + [1] * 53, {1: "a"}, oov="drop", padding="pre", padded=False)
    assert found.count("<bdi>a</bdi>") == 53
    assert found.endswith("<details><summary>3 more words</summary><bdi>a</bdi> <bdi>a</bdi> <bdi>a</bdi></details>")
    assert "padding" not in found
