"""pipeline.statistics.text_quality: texts and their qualities, samples chosen by content, parts that add up."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config.settings import KERAS_FILTERS
from pipeline.records.keys import content_keys, is_sampled
from pipeline.statistics import text_quality
from pipeline.statistics.text_quality import (
    QualityAccumulator,
    QualityOptions,
    TextQuality,
    examine,
    merge,
    quality_summary,
)

# text, its qualities with Keras's filters
TEXTS = [
    ("", ()),
    ("A plain text, 1 < 2 and 3 > 2.", ()),
    ("<b>bold</b>", ("html",)),
    ("one<br />two", ("html",)),
    ("</p>", ("html",)),
    ("<!-- said nobody -->", ("html",)),
    ("a <3 b > c", ()),
    ("naïve café, Ænima, Åse, ÆØÅ", ()),
    ("cafÃ© au lait", ("mojibake",)),
    ("itâ€™s", ("mojibake",)),
    ("â€œquotedâ€\x9d", ("mojibake",)),
    ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", ("mojibake",)),
    ("ðŸ˜€ fine", ("mojibake",)),
    ("a \ufffd sign", ("mojibake",)),
    ("Ã is a letter, SÃO PAULO, MAÇÃ", ()),
    ("Spaß“ sagte er, groß’", ()),  # a sharp s before a quote is German, not damage
    ("привет, мир", ("non_latin",)),
    ("日本語のテキスト", ("non_latin",)),
    ("مرحبا", ("non_latin",)),
    ("ελληνικά and some more Latin letters", ()),
    ("Tiếng Việt có nhiều dấu ở trên chữ", ()),  # U+1E00 to U+1EFF are Latin
    ("ở ạ ế ệ ữ", ()),
    ("😀😀😀😀 ok", ()),
    ("“quoted” … — yes", ()),
    ("film\rnext", ("glued_white_space",)),
    ("film\u00a0noir", ("glued_white_space",)),
    ("film\u3000noir", ("glued_white_space",)),
    ("film\u0085noir", ("glued_white_space",)),
    ("film\u2009noir", ("glued_white_space",)),
    ("tab\tand\nline", ()),  # Keras's filters take these out
    ("fi\u200blm", ("invisible",)),
    ("fi\u00adlm", ("invisible",)),
    ("\ufefffilm", ("invisible",)),
    ("🤦🏽\u200d♀️ no", ()),  # a joiner is part of the emoji
    ("<p>cafÃ©\u00a0x</p>", ("html", "mojibake", "glued_white_space")),
]


def examined(texts: list[str], filters: str = KERAS_FILTERS) -> TextQuality:
    encoded = [text.encode() for text in texts]
    return examine(pa.array(encoded, pa.large_binary()), content_keys(encoded, seed=0), filters=filters)


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text_quality_of_a_text(text: str, expected: tuple[str, ...]) -> None:
    result = examined([text]).counts
    assert tuple(name for name, some in result.items() if some.texts) == expected


def test_text_quality_without_filters_finds_tabs_and_lines() -> None:
    assert examined(["tab\tand\nline", "form\ffeed"], "\f").counts["glued_white_space"].texts == 1


def test_text_quality_when_filters_hold_all_white_space() -> None:
    every = "".join(map(chr, range(0x3001)))
    assert examined(["a\u00a0b\u3000c\r"], every).counts["glued_white_space"].texts == 0


def test_text_quality_of_slices() -> None:
    texts = pa.array([b"<b>", "мир".encode(), b"plain", "мир труд".encode(), b"<b>"], pa.large_binary())
    keys = content_keys(texts.to_pylist(), seed=0)
    result = examine(texts.slice(1, 3), keys.slice(1, 3), filters=KERAS_FILTERS).counts
    assert (result["html"].texts, result["non_latin"].texts) == (0, 2)


def test_text_quality_examples_are_snippets_of_the_first_texts_by_key() -> None:
    long = "é" * 500 + "<b>" + "ü" * 500
    (example,) = examined([long]).counts["html"].examples
    assert example[1] == "é" * 40 + "<b>" + "ü" * 37
    texts = [f"<b>{number}" for number in range(50)]
    keys = content_keys([text.encode() for text in texts], seed=0).to_pylist()
    first = sorted(zip([key[8:] for key in keys], texts, strict=True))[:3]
    assert [text for _, text in examined(texts * 3).counts["html"].examples] == [text for _, text in first]


@pytest.mark.parametrize("waiting_bytes", [0, 100, 10**9])
@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.0])
def test_text_quality_is_the_same_however_rows_are_batched(
    batch: int, share: float, waiting_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_quality, "_BUFFER_BYTES", waiting_bytes)
    texts = [text for text, _ in TEXTS] * 4 + [f"<i>{number}</i>" for number in range(200)]
    encoded = pa.array([text.encode() for text in texts], pa.large_binary())
    keys = content_keys(encoded.to_pylist(), seed=0)
    chosen = is_sampled(keys, share)
    accumulator = QualityAccumulator(QualityOptions(share, ""))
    for start in range(0, len(texts), batch):
        some = encoded.slice(start, batch)
        needed = some.take(pa.array(np.arange(len(some)), mask=~chosen[start : start + batch]))  # null, if not chosen
        accumulator.add(needed, keys.slice(start, batch))
    expected = examined([text for text, is_in in zip(texts, chosen, strict=True) if is_in], "")
    assert accumulator.result() == expected._replace(rows=len(texts))
    assert expected.sampled_rows == chosen.sum()


def test_text_quality_of_parts_adds_up_in_any_order() -> None:
    parts = [examined([text], "") for text, _ in TEXTS]
    assert merge(parts) == merge(reversed(parts)) == examined([text for text, _ in TEXTS], "")


def test_text_quality_says_what_is_estimated() -> None:
    some = examined(["<b>", "<i>", "plain", "x"])._replace(rows=40)
    summary = quality_summary(some, wordless=10)
    assert (summary.rows, summary.sampled_rows) == (40, 4)
    html = summary.findings["html"]
    assert (html.count, html.of, html.share, html.exact) == (2, 4, 0.5, False)
    assert sorted(html.examples) == ["<b>", "<i>"]
    assert summary.findings["empty_after_cleaning"].model_dump() == {
        "count": 10, "of": 40, "share": 0.25, "exact": True, "examples": [],
    }  # fmt: skip


def test_text_quality_of_no_text() -> None:
    findings = quality_summary(examined([]), wordless=0).findings
    assert list(findings) == ["html", "mojibake", "non_latin", "glued_white_space", "invisible", "empty_after_cleaning"]
    assert {finding.share for finding in findings.values()} == {0.0}
