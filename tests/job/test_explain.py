"""`explain`: tokens, ids, places, vectors, neighbours, and what a person gets to see of them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipeline.contract import Oov
from pipeline.errors import UserError
from pipeline.text.trace import Token
from tests.support.exported_models import export_unchecked, settings, untrained
from tests.support.jobs import run_job, write_jsonl
from trainer.commands.explain import Explanation, explain, nearest
from trainer.commands.explain_view import explanation_view
from trainer.savedmodel.loading import ExportedModel, version_folder

# The contract's worked example: counts 8, 7, 6, 5, 4 ..., so that 'this' is 1, 'is' 2, 'a' 3, 'text' 4 and 'not' 5.
WORKED_COUNTS = {
    "this": 12,
    "is": 11,
    "a": 10,
    "text": 9,
    "not": 8,
    "more": 7,
    "words": 6,
    "to": 5,
    "fill": 4,
    "rare": 1,
}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    """A model of top_words 10, max_length 6 and vectors of 3 numbers; 'rare' and what is never seen are unknown."""
    folder = tmp_path_factory.mktemp("worked")
    rows = [
        (" ".join(word for word, count in WORKED_COUNTS.items() if row < count), ("no", "yes")[row % 2])
        for row in range(12)
    ]
    sizes = {"vocabulary.top_words": "10", "sequence.max_length": "6", "split.train": "1", "split.eval": "0"}
    records = run_job(write_jsonl(folder / "rows.jsonl", rows), folder / "records", {**sizes, "split.test": "0"})
    config = settings(records, folder, **{"model.embedding_dim": "3", "training.batch_size": "4"})
    export_unchecked(untrained(records, config), config)
    return ExportedModel(version_folder(str(folder / "model")))


@pytest.fixture(scope="module")
def model(small_model: Path) -> ExportedModel:
    return ExportedModel(version_folder(str(small_model)))


def shown(explanation: Explanation, model: ExportedModel, *, width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(explanation_view(explanation, model.info))
    return capture.get()


def test_explain_gives_the_worked_example(worked: ExportedModel) -> None:
    found = explain(worked, [b"This is a text", b"This is not a text"])
    assert [text.ids for text in found.texts] == [[0, 0, 1, 2, 3, 4], [0, 1, 2, 5, 3, 4]]
    assert found.shape == (2, 6, 3)
    assert sorted(found.vectors) == [0, 1, 2, 3, 4, 5]
    assert all(len(vector) == 3 for vector in found.vectors.values())
    assert found.equal_words is not None
    assert (found.equal_words.token, found.equal_words.id) == ("this", 1)
    assert found.equal_words.places == [(0, 2), (1, 1)]
    assert found.equal_words.same_vector
    assert found.bytes_embedded == 2 * 6 * 3 * 4
    assert found.bytes_one_hot == 2 * 6 * 10 * 4


# text                              tokens: (token, known, id, place in the ids)                     padding  cut
@pytest.mark.parametrize(("text", "tokens", "padding", "cut"), [
    ("",                            [],                                                                    6, 0),
    ("NOT, rare!",                  [("not", True, 5, 5), ("rare", False, None, None)],                    5, 0),
    ("unheard\0of",                 [("unheard", False, None, None), ("of", False, None, None)],           6, 0),
    ("a is a is rare a is not",     [("a", True, 3, None), ("is", True, 2, 0), ("a", True, 3, 1),  # one too many
                                     ("is", True, 2, 2), ("rare", False, None, None), ("a", True, 3, 3),
                                     ("is", True, 2, 4), ("not", True, 5, 5)],                             0, 1),
])  # fmt: skip
def test_explain_follows_each_token(
    worked: ExportedModel, text: str, tokens: list[tuple[str, bool, int | None, int | None]], padding: int, cut: int
) -> None:
    (found,) = explain(worked, [text.encode()]).texts
    assert found.tokens == [Token(*token) for token in tokens]
    assert (found.padding, found.cut) == (padding, cut)
    assert found.scores[found.label] == found.probability == max(found.scores.values())


def test_explain_shows_the_rows_of_the_embedding(worked: ExportedModel) -> None:
    found = explain(worked, [b"this is not"])
    for id, vector in found.vectors.items():
        np.testing.assert_array_equal(np.array(vector, np.float32), worked.embedding[id])


def test_explain_measures_what_the_answer_loses_without_a_word(worked: ExportedModel) -> None:
    (found,) = explain(worked, [b"this text is not a text"]).texts
    place = list(found.scores).index(found.label)
    words = {word.token: word.effect for word in found.telling}
    whole, without = worked.scores([b"this text is not a text", b"this is not a"])[:, place]
    assert len(words) == 3
    if "text" in words:
        np.testing.assert_allclose(words["text"], whole - without, atol=1e-6)
    others = worked.scores([b"text is not a text", b"this text not a text", b"this text is a text"])[:, place]
    left_out = dict(zip(["this", "is", "not"], whole - others, strict=True))
    for word in words.keys() & left_out.keys():
        np.testing.assert_allclose(words[word], left_out[word], atol=1e-6)
    assert list(words.values()) == sorted(words.values(), key=abs, reverse=True)


def test_explain_finds_the_nearest_words_by_cosine(worked: ExportedModel) -> None:
    embedding = np.zeros([10, 3], np.float32)
    embedding[1:5] = np.array([[1, 0, 0], [2, 2, 0], [-1, 0, 0], [0.5, 0, 0]])  # this is a text
    found = [(word.token, round(word.cosine, 3)) for word in nearest(worked, "this", embedding)]
    # 'not', 'more' and the others are zeros, which point nowhere; of five neighbours shown they are the last three.
    assert found[:2] == [("text", 1.0), ("is", 0.707)]
    assert {cosine for _, cosine in found[2:]} == {0.0}
    assert "this" not in dict(found)


def test_explain_knows_no_neighbours_of_a_word_without_a_row(worked: ExportedModel) -> None:
    assert nearest(worked, "not", worked.embedding[:5]) == []


# what a person reads, in its order; line breaks and runs of spaces as one space
SECTIONS = [
    "1. The text This is unheard-of: THIS!",
    "2. Its tokens lower case; 33 kinds of punctuation become spaces; cut at white space this is unheard of this",
    "3. Its ids Words are numbered",
    "this=1 is=2 unheard=none of=none this=1",
    "4. The ids, padded Every text becomes 6 ids long: 3 zeros at its start. 0 0 0 1 2 1",
    "place id token vector of 3 numbers 0-2 0 [PAD]",
    "3 1 this",
    "4 2 is",
    "5 1 this",
    "7. The shape of the embedding's output (1, 6, 3): 1 text, 6 ids each, 3 numbers an id. "
    "The embedding is a table of 10 rows, one for each id, with 3 numbers in each (30 numbers, all of them learnt).",
    "8. Unknown words The vocabulary has 9 words, each with an id. Any other word is left out: it leaves no id. "
    "Here: unheard, of.",
    "9. Equal words, equal vectors 'this' (id 1) is at places 3, 5. The vectors are equal to the last bit",
    "word effect nearest before training nearest after training",
    "11. The same one-hot One-hot, each id would be 10 numbers",
    "(1, 6, 10), 240 bytes instead of 72 bytes (3 times as much)",
]


def test_explain_shows_every_section_in_order(worked: ExportedModel) -> None:
    told = " ".join(shown(explain(worked, [b"This is unheard-of: THIS!"]), worked).split())
    place = 0
    for part in SECTIONS:
        assert part in told[place:], part
        place += told[place:].index(part)


def test_explain_numbers_the_sections_of_each_text_anew(worked: ExportedModel) -> None:
    lines = shown(explain(worked, [b"this is", b"not", b"a text"]), worked, width=80).splitlines()
    titles = [line.strip() for line in lines if line and not line.startswith(" ")]
    of_text = ["1. The text", "2. Its tokens", "3. Its ids", "4. The ids, padded", "5. The vector of each id",
               "6. The answer"]  # fmt: skip
    assert titles == [
        "Text 1 of 3", *of_text, "Text 2 of 3", *of_text, "Text 3 of 3", *of_text, "All texts",
        "7. The shape of the embedding's output", "8. Unknown words", "9. Equal words, equal vectors",
        "10. The nearest words", "11. The same one-hot",
    ]  # fmt: skip
    alone = [line.strip() for line in shown(explain(worked, [b"not"]), worked).splitlines() if line[:1].isdigit()]
    assert alone == [*of_text, *titles[-5:]]


def test_explain_names_the_texts_of_equal_words_as_its_headings_do(worked: ExportedModel) -> None:
    told = " ".join(shown(explain(worked, [b"text", b"a text"]), worked).split())
    assert "'text' (id 4) is at places 5 of text 1, 5 of text 2." in told


def test_explain_counts_the_words_of_the_vocabulary(worked: ExportedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = worked.info.vocabulary.model_copy(update={"top_words": 5000})
    monkeypatch.setattr(worked, "info", worked.info.model_copy(update={"vocabulary": vocabulary}))
    assert explain(worked, [b"this"]).words == 9  # this is a text not more words to fill


# oov, words in the vocabulary -> what is said of them; the model has top_words 10
FATES = [
    ("drop",  4, "has 4 words, each with an id. Any other word is left out: it leaves no id. Here: rare."),
    ("token", 4, "has 4 words, each with an id. Any other word gets the id 1, which all unknown words share. Here: ra"),
    ("drop",  9, "The vocabulary has 9 words, each with an id."),
]  # fmt: skip


@pytest.mark.parametrize(("oov", "words", "expected"), FATES)
def test_explain_says_what_becomes_of_unknown_words(worked: ExportedModel, oov: Oov, words: int, expected: str) -> None:
    # A vocabulary may have fewer words than top_words allows, if the texts have no more, or if it is imported.
    found = replace(explain(worked, [b"this is rare"]), oov=oov, words=words)
    assert expected in " ".join(shown(found, worked).split())


def test_explain_says_where_training_began(worked: ExportedModel) -> None:
    found = explain(worked, [b"this is not"])
    assert "Before training the table is filled at random" in " ".join(shown(found, worked).split())
    info = worked.info
    other = info.model_copy(update={"training": info.training.model_copy(update={"start_from": "other/model"})})
    given = info.model_copy(update={"embedding": info.embedding.model_copy(update={"source": "my/vectors.bin"})})
    console = Console(width=300, color_system=None, force_terminal=False)
    for began, what in [(other, "the table of other/model"), (given, "the vectors of my/vectors.bin")]:
        with console.capture() as capture:
            console.print(explanation_view(found, began))
        told = capture.get()
        assert f"Training began with {what}; after 1 epoch words" in told
        assert "at random" not in told


def test_explain_refuses_a_model_that_tokenizes_in_another_way(
    worked: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = worked.info.text.model_copy(update={"filters": "!"})  # the exported graph has removed the hyphen
    monkeypatch.setattr(worked, "info", worked.info.model_copy(update={"text": text}))
    with pytest.raises(UserError, match="cuts texts into other tokens than this version"):
        explain(worked, [b"is-text"])
    explain(worked, [b"is text!"])


@pytest.mark.parametrize("width", [80, 100])
def test_explain_fits_two_screens_whatever_the_text(model: ExportedModel, width: int) -> None:
    words = " ".join(f"word{number}" for number in range(500))
    lines = shown(explain(model, [words.encode()]), model, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 90
    assert any("and 460 more" in line for line in lines)


def test_explain_never_obeys_the_text(model: ExportedModel) -> None:
    told = shown(explain(model, [b"[bold]word1[/] \x1b[31mred\x07 \xe2\x80\xae"]), model)
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\u202e" not in told
    assert "[bold]word1[/]" in told


def test_explain_needs_no_word_at_all(model: ExportedModel) -> None:
    found = explain(model, [b"", b"\xff"])
    assert [text.tokens for text in found.texts] == [[], [Token("\ufffd", False, None, None)]]
    assert found.equal_words is None
    assert sorted(found.vectors) == [0]
    told = shown(found, model)
    assert "(empty)" in told
    assert "(none)" in told


def test_explain_needs_neither_keras_nor_the_training_code(
    model: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "keras",
        "tf_keras",
        "trainer.model.classifier",
        "trainer.export.served_model",
        "trainer.training.fit",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    again = explain(ExportedModel(model.folder), [b"word1"])
    assert again.texts[0].ids[-1] == model.words["word1"]
