"""What both reports are made of: plots as data, tables, and one page that names its own scripts."""

import base64
import hashlib
import json
import re

import pytest
from markupsafe import Markup

from pipeline.html import Section, document
from pipeline.html.elements import advice, details, settings_table, table, text_of_data, tiles, with_note
from pipeline.html.plots import Axis, Layer, Plot, axis_name, figure, side_by_side


def plot(name: str = "a") -> Plot:
    return Plot(
        x=Axis(label="x", names=[name]),
        y=Axis(label="y", range=(0, 1)),
        layers=[Layer(mark="dots", columns={"x": [0], "y": [0.5], "name": [name]}, hover=[("name", "@name")], key="k")],
        lines=[(0, "here")],
    )


def test_page_shows_text_of_the_data_as_text() -> None:
    assert text_of_data("a<b>&\"'\u202e\0") == "<bdi>a&lt;b&gt;&amp;&#34;&#39;\ufffd\ufffd</bdi>"
    assert text_of_data("x" * 701) == f"<bdi>{'x' * 700}…</bdi>"
    assert axis_name("\u202eabc") == "\ufffdabc"
    assert "<i>" not in advice(["<i>"], otherwise="")
    assert "<i>" not in settings_table({"text": {"filters": "<i>"}})


def test_page_carries_the_data_of_a_plot_as_data() -> None:
    found = figure(plot("</script><script>\u2028"), title="T")
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
        figure(broken, title="")


def test_page_names_its_scripts_and_needs_nothing_else() -> None:
    page = document(title="T", head=Markup("<h1>T</h1>"), sections=[Section("A", figure(plot(), title="P"))])
    assert page == document(title="T", head=Markup("<h1>T</h1>"), sections=[Section("A", figure(plot(), title="P"))])
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
    assert details("more", Markup("<b>x</b>")) == "<details><summary>more</summary><b>x</b></details>"


MARK = Markup("<i>&amp;</i>")
TEXT = "<i>&"  # shown as &lt;i&gt;&amp;
# what is built of a text and of Markup -> HTML, in which the text is escaped once and the Markup not at all
BUILT = [
    (with_note(TEXT, MARK), "&lt;i&gt;&amp; <small><i>&amp;</i></small>"),
    (with_note(MARK, TEXT), "<i>&amp;</i> <small>&lt;i&gt;&amp;</small>"),
    (details(TEXT, MARK), "<details><summary>&lt;i&gt;&amp;</summary><i>&amp;</i></details>"),
    (tiles([(TEXT, MARK)]), '<dl class="tiles"><div><dt>&lt;i&gt;&amp;</dt><dd><i>&amp;</i></dd></div></dl>'),
    (advice([TEXT], otherwise=""), '<div class="advice"><ul><li>&lt;i&gt;&amp;</li></ul></div>'),
    (advice([], otherwise=TEXT), '<div class="advice fine"><p>&lt;i&gt;&amp;</p></div>'),
    (side_by_side(MARK, MARK), '<div class="beside"><i>&amp;</i><i>&amp;</i></div>'),
    (table([TEXT, MARK], [[TEXT, MARK]], kinds="tn"),
     '<div class="wide"><table><thead><tr><th scope="col" class="t">&lt;i&gt;&amp;</th>'
     '<th scope="col" class="n"><i>&amp;</i></th></tr></thead><tbody>\n<tr><td class="t">&lt;i&gt;&amp;</td>'
     '<td class="n"><i>&amp;</i></td></tr>\n</tbody></table></div>'),
]  # fmt: skip


@pytest.mark.parametrize(("built", "expected"), BUILT)
def test_page_escapes_plain_text_and_leaves_markup(built: Markup, expected: str) -> None:
    assert built == expected
    assert isinstance(built, Markup)


def test_page_escapes_its_titles() -> None:
    page = document(title="<i>", head=Markup(""), sections=[Section("<i>", Markup(""))])
    assert b"<title>&lt;i&gt;</title>" in page
    assert b"<h2>&lt;i&gt;</h2>" in page
