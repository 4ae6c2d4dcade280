"""report.html: the right numbers and advice, the same bytes each time, and nothing of the data comes alive in it."""

import json
import re
from typing import Any

import pytest

from pipeline.records_folder.manifest import Advice, Manifest, to_json
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.records_report import labels, render, texts
from pipeline.records_report.length_and_coverage import choices
from pipeline.records_report.samples import samples
from pipeline.support.printable import escape_controls
from tests.support.hostile_pages import HOSTILE as HOSTILE_TEXTS
from tests.support.hostile_pages import hostile_manifest, hostile_words
from tests.support.manifests import manifest_of

HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">\u202e</script>"


def manifest(*, max_length: int = 4, padding: str = "pre", strip_html: bool = False) -> Manifest:
    """Ten train rows of 2 to 60 ids; labels, words and texts are hostile."""
    part = {"rows": 10, "labels": {HOSTILE: 9, "b": 1}, "tokens": 40, "unknown_tokens": 10,
            "truncated_texts": 3, "empty_texts": 1, "lengths": [[2, 6], [4, 1], [6, 2], [60, 1]]}  # fmt: skip
    content = {
        "format_version": 1,
        "config": {
            "text": {"strip_html": strip_html},
            "vocabulary": {"top_words": 4},
            "sequence": {"max_length": max_length, "padding": padding},
            "output": {},
        },
        "labels": [HOSTILE, "b"],
        "vocabulary": {"size": 3, "tokens": 40, "distinct_tokens": 9},
        "coverage": [[1, 0.4], [3, 0.75], [6, 0.93], [9, 1.0]],
        "splits": {"train": part, "eval": part, "test": part},
        "input": {"files": 1, "bytes": 9, "rows": 31},
        "rejected": {"rows": 1, "by_reason": {"broken JSON": 1},
                     "examples": {"broken JSON": [{"file": HOSTILE, "row": 3, "content": HOSTILE}]}},
        "duplicates": {"texts": 2, "rows": 3, "conflicting": 1},
        "samples": [{"split": "train", "text": HOSTILE, "label": HOSTILE, "ids": [*[0] * (max_length - 2), 2, 1]}],
    }  # fmt: skip
    return manifest_of(content)


WORDS = WordColumns([1, 2, 3], ["the", "br", HOSTILE], [16, 9, 5])


def test_report_is_the_same_each_time_and_needs_nothing_else() -> None:
    first = render(manifest(), words=WORDS)
    assert first == render(manifest(), words=WORDS)
    assert len(first) < 3_000_000
    outside_scripts = re.sub(rb"<script.*?</script>", b"", first, flags=re.DOTALL)
    assert not re.search(rb"<[^>]*(src|href)=|https?:", outside_scripts)
    assert "31 rows of 1 file: 30 became records, 1 were rejected." in first.decode()


def test_report_begins_with_the_advice() -> None:
    advised = hostile_manifest().model_copy(update={"advice": [Advice(setting="a.b", text="Do <this>.")]})
    page = render(advised, words=WORDS).decode()
    assert escape_controls(page) == page  # nothing in it turns the direction of writing round
    assert '<div class="advice"><ul><li>Do &lt;this&gt;.</li></ul></div>' in page
    assert page.index("Do &lt;this") < page.index("<section>")
    assert "Nothing in the settings looks out of place" in render(manifest(), words=WORDS).decode()


def test_report_escapes_what_comes_from_the_data() -> None:
    page = render(manifest(), words=WORDS).decode()
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


def plots_of(html: str) -> list[dict[str, Any]]:
    """The data of the plots in a piece of the page."""
    return [json.loads(found) for found in re.findall(r'<script type="application/json">(.*?)</script>', html)]


def test_report_shows_where_lengths_are_cut() -> None:
    # Lengths 2 (6 texts), 4 (1), 6 (2), 60 (1): a bar an id, up to the 99.5th percentile in 60 bars of 2 ids.
    lengths, _ = plots_of(choices(manifest()))
    whole, cut = (layer["columns"] for layer in lengths["layers"])
    assert (whole["left"], whole["top"]) == ([0, 2, 4], [0, 6, 1])
    assert (cut["left"][:2], cut["top"][:2], sum(cut["top"])) == ([6, 8], [2, 0], 3)
    assert cut["last"][0] == 7
    assert lengths["lines"] == [[4.5, "max_length 4"]]
    assert "cut: 30.0%" in choices(manifest())
    nothing_cut, _ = plots_of(choices(manifest(max_length=100)))
    assert [layer["key"] for layer in nothing_cut["layers"]] == ["whole"]
    assert nothing_cut["lines"] == [[100.5, "max_length 100"]]  # within three times the longest: on the plot
    far, _ = plots_of(choices(manifest(max_length=500)))
    assert far["lines"] == []


def test_report_shows_what_other_settings_would_do() -> None:
    page = choices(manifest())
    # 10 % are longer than 6 ids, 30 % than 4, none than 60.
    lengths = [("<b>4, as set</b>", "<b>30.0%</b>"), ("6", "10.0%"), ("60", "0.0%")]
    # 3 words are kept; 10 of 40 tokens are unknown. 6 words first reach 80 and 90 %, 9 reach all.
    covers = [("<b>3, as set</b>", "<b>75.0%</b>"), ("6", "93.0%"), ("9", "100.0%")]
    found = re.findall(r'<td class="n">(.*?)</td><td class="n">(.*?)</td>', page)
    assert found == lengths + covers
    _, coverage = plots_of(page)
    assert coverage["layers"][0]["columns"] == {"x": [1, 3, 6, 9], "y": [0.4, 0.75, 0.93, 1.0]}
    assert coverage["lines"] == [[3, "vocabulary: 3"]]


TOKENS = {"the": 1, "br": 2}


def with_samples(*texts_and_ids: tuple[str, list[int]], **settings: Any) -> Manifest:
    whole = manifest(**settings)
    first = whole.samples[0]
    shown = [first.model_copy(update={"text": text, "ids": ids, "label": "b"}) for text, ids in texts_and_ids]
    return whole.model_copy(update={"samples": shown})


def test_report_shows_a_text_on_its_way_to_ids() -> None:
    page = samples(with_samples(("The BR, xyz!", [0, 0, 1, 2])), TOKENS)
    assert "<bdi>b</bdi> · 3 words, 1 unknown, 2 × padding" in page
    assert (
        '<span class="token soft">[PAD]<small>0 × 2</small></span>'
        '<span class="token"><bdi>the</bdi><small>1</small></span>'
        '<span class="token"><bdi>br</bdi><small>2</small></span>'
        '<span class="token"><mark><bdi>xyz</bdi></mark><small>–</small></span>'
    ) in page
    long = samples(with_samples(("the " * 30 + "br br br br", [2, 2, 2, 2])), TOKENS)
    assert "34 words, 0 unknown, 30 cut off" in long
    (struck,) = re.findall("<del>(?!struck)(.*?)</del>", long)
    assert struck.startswith('<span class="token soft">… 15 more</span>')
    assert struck.count("<bdi>the</bdi>") == 15
    assert "<bdi>br</bdi>" not in struck


def test_report_shows_the_most_instructive_samples() -> None:
    rows = [("the", [0, 0, 0, 1])] * 5 + [("x", [0, 0, 0, 0]), ("the the the the br", [1, 1, 1, 2])]
    cards = samples(with_samples(*rows), TOKENS).split("<article>")[1:]
    facts = [
        "5 words, 0 unknown, 1 cut off",
        "1 words, 1 unknown, 4 × padding",
        *["1 words, 0 unknown, 3 × padding"] * 2,
    ]
    assert [fact in card for fact, card in zip(facts, cards, strict=True)] == [True] * 4


def test_report_shows_duplicates() -> None:
    assert texts.duplicates(manifest()) == "<p>No text occurs twice.</p>"
    page = texts.duplicates(hostile_manifest())
    cells = re.findall(r"<tr>(.*?)</tr>", page)[1:]
    lines = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in cells]
    assert lines[:3] == [
        ["equal", "in all", "2", "3", "1"],
        ["", "inside train", "2", "3", "1"],
        ["", "in train and in test", "1", "2 <small>of test</small>", "1"],
    ]
    assert lines[3][0] == "equal but for case, punctuation and white space"


def test_report_says_what_is_estimated() -> None:
    page = texts.qualities(hostile_manifest())
    assert "≈ 33.3%" in page
    assert "estimated from 3 of the 9 texts" in page
    finding = {"count": 1, "of": 8, "share": 0.125, "exact": True, "examples": ["<br />"]}
    nothing = {**finding, "count": 0, "share": 0.0, "examples": []}
    whole = manifest()
    quality = {"rows": 8, "sampled_rows": 8, "findings": {"html": finding, "mojibake": nothing, "invisible": nothing}}
    page = texts.qualities(whole.model_copy(update={"quality": whole.quality.model_validate(quality)}))
    assert ">12.5% <small>1</small><" in page
    assert "≈" not in page
    assert "Not present: characters that were decoded wrongly (mojibake); zero-width spaces or soft hyphens." in page


# finding, example, how it is shown
EXAMPLES = [
    ("html", "a<br />b", "<div>… <bdi>a</bdi><mark><bdi>&lt;br /&gt;</bdi></mark><bdi>b</bdi> …</div>"),
    ("invisible", "so\u00adft", "<div>… <bdi>so</bdi><mark>U+00AD</mark><bdi>ft</bdi> …</div>"),
    ("glued_white_space", "a \u00a0b", "<div>… <bdi>a </bdi><mark>U+00A0</mark><bdi>b</bdi> …</div>"),
    ("mojibake", "cafÃ©s", "<div>… <bdi>caf</bdi><mark><bdi>Ã©</bdi></mark><bdi>s</bdi> …</div>"),
    ("non_latin", "<b>\u202e", "<div>… <bdi>&lt;b&gt;\ufffd</bdi> …</div>"),
]


@pytest.mark.parametrize(("name", "example", "expected"), EXAMPLES)
def test_report_marks_what_was_found(name: str, example: str, expected: str) -> None:
    whole = manifest()
    quality = {
        "rows": 1,
        "sampled_rows": 1,
        "findings": {name: {"count": 1, "of": 1, "share": 1.0, "examples": [example]}},
    }
    page = texts.qualities(whole.model_copy(update={"quality": whole.quality.model_validate(quality)}))
    assert expected in page


def test_report_shows_the_most_and_the_fewest_of_many_labels() -> None:
    few = labels.balance(hostile_manifest())
    assert few.count("<tr>") == 1 + len(hostile_words().ids)
    many = labels.balance(hostile_manifest(labels=200))  # label n has n + 1 rows
    assert many.count("<tr>") == 1 + 40 + 1 + 10
    assert "150 labels between" in many
    assert many.index(">200 <small>") < many.index(">161 <small>") < many.index("between") < many.index(">10 <small>")
    assert ">160 <small>" not in many


def several_labels() -> Manifest:
    """Ten train rows with two labels, weights, and one row without a label."""
    content = json.loads(to_json(manifest()))
    part = {"labels": {HOSTILE: 9, "b": 4}, "no_labels": 1}
    weights = {"total": 12.0, "squares": 18.0, "labels": {HOSTILE: 9.0, "b": 6.0}}
    for split in content["splits"].values():
        split |= {**part, "weights": weights}
    sets = [{"labels": [HOSTILE], "rows": 5}, {"labels": [HOSTILE, "b"], "rows": 4}, {"labels": [], "rows": 1}]
    sample = {**content["samples"][0], "label": "[]", "labels": []}
    return manifest_of(content | {
        "record": {"several_labels": True, "weighted": True},
        "label_sets": {"sampled_rows": 10, "exact": True, "distinct": 3, "most_frequent": sets},
        "samples": [sample, {**sample, "label": "[]", "labels": ["b"]}],
    })  # fmt: skip


def test_report_shows_several_labels_and_weights() -> None:
    page = re.sub(r"<[^>]*>", " ", labels.balance(several_labels()))
    assert re.search(r"\bb\s+4\s+40.0%\s+4\s+40.0%\s+4\s+40.0%\s+50.0%", page)  # rows by split, weight in train
    assert re.search(r"none of them\s+1\s+10.0%", page)
    assert "A training row has 1.30 labels on average; 1 (10.0%) have none of them." in page
    assert "the 10 training rows tell as much as 8 rows of one weight" in page  # 12**2 / 18
    assert "3 different lists of labels among 10 training rows." in page
    assert re.search(r"none\s+1\s+10.0%", page)
    assert "<script>" not in labels.balance(several_labels())
    shown = samples(several_labels(), {"the": 1, "br": 2, HOSTILE: 3})
    assert "<bdi>none of the labels</bdi> ·" in shown
    assert "<bdi>b</bdi> ·" in shown


def test_report_shows_distinctive_words_of_each_label() -> None:
    page = labels.distinctive_words(hostile_manifest(labels=20))
    assert "Estimated from 3 training texts." in page
    assert page.count('class="chip"') == 20 * len(HOSTILE_TEXTS)
    assert "8 more labels" in page  # behind the first 12
    assert 'title="5 times here, 1 elsewhere"' in page
