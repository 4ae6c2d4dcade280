r"""The one table of text -> tokens -> ids, worked out by hand; every route a text can take is held against it.

A group has one set of settings, a corpus and the vocabulary that it makes, so that a route runs once a group.
Tokens are escaped as in vocabulary.tsv: `\\`, `\t`, `\n`, `\r` for a backslash, a tab, a line feed, a carriage
return.
"""

from dataclasses import dataclass

from pipeline.config.load import load
from pipeline.config.settings import Config


@dataclass(frozen=True)
class Case:
    text: bytes
    tokens: list[str]
    ids: list[int]


@dataclass(frozen=True)
class Group:
    """vocabulary: (token, count) in id order."""

    name: str
    settings: dict[str, str]
    corpus: list[str]
    vocabulary: list[tuple[str, int]]
    cases: list[Case]

    @property
    def config(self) -> Config:
        return load(None, self.settings)

    def vocabulary_file(self) -> bytes:
        """vocabulary.tsv as it must be."""
        first = 2 if self.settings.get("vocabulary.oov") == "token" else 1
        lines = [f"{first + line}\t{token}\t{count}\n" for line, (token, count) in enumerate(self.vocabulary)]
        return "".join(lines).encode()


def _cases(*rows: tuple[str | bytes, list[str], list[int]]) -> list[Case]:
    return [Case(text if isinstance(text, bytes) else text.encode(), tokens, ids) for text, tokens, ids in rows]


GROUPS = [
    Group(
        # The contract's worked example, and the defaults: drop, padding and truncating pre.
        name="worked_example",
        settings={"vocabulary.top_words": "10", "sequence.max_length": "6"},
        corpus=["This is a text", "This is not a text"],
        vocabulary=[("this", 2), ("is", 2), ("a", 2), ("text", 2), ("not", 1)],
        cases=_cases(
            # text, tokens, ids
            ("This is a text", ["this", "is", "a", "text"], [0, 0, 1, 2, 3, 4]),
            ("This is not a text", ["this", "is", "not", "a", "text"], [0, 1, 2, 5, 3, 4]),
            ("This was not a text", ["this", "was", "not", "a", "text"], [0, 0, 1, 5, 3, 4]),  # `was` leaves no id
            ("Text, text: (TEXT)!", ["text", "text", "text"], [0, 0, 0, 4, 4, 4]),
            ("a b a b a b a b a", ["a", "b"] * 4 + ["a"], [0, 3, 3, 3, 3, 3]),  # cut after unknown words are gone
            ("not a a a a a a", ["not"] + ["a"] * 6, [3, 3, 3, 3, 3, 3]),
            ("isn't this-is_this", ["isn't", "this", "is", "this"], [0, 0, 0, 1, 2, 1]),  # ' is no filter
            ("entirely unknown", ["entirely", "unknown"], [0, 0, 0, 0, 0, 0]),
            ("?!", [], [0, 0, 0, 0, 0, 0]),
            ("", [], [0, 0, 0, 0, 0, 0]),
        ),
    ),
    Group(
        name="unicode",
        settings={
            "vocabulary.top_words": "50",
            "vocabulary.oov": "token",
            "sequence.max_length": "6",
            "sequence.padding": "post",
            "sequence.truncating": "post",
        },
        corpus=["Straße ΣΊΣΥΦΟΣ İstanbul film", "straße film film NAÏVE 日本 \U00010400"],
        vocabulary=[
            ("film", 3),
            ("straße", 2),
            ("σίσυφος", 1),  # the last of three capital sigmas becomes a final one
            ("i\u0307stanbul", 1),  # İ is i and a combining dot
            ("naïve", 1),
            ("日本", 1),
            ("\U00010428", 1),  # Deseret, outside the Basic Multilingual Plane, has lower case
        ],
        cases=_cases(
            # text, tokens, ids
            ("STRASSE Straße", ["strasse", "straße"], [1, 3, 0, 0, 0, 0]),  # ß is not ss
            ("ΣΊΣΥΦΟΣ σίσυφοσ", ["σίσυφος", "σίσυφοσ"], [4, 1, 0, 0, 0, 0]),  # a small sigma stays what it is
            ("Σ", ["σ"], [1, 0, 0, 0, 0, 0]),  # final only behind a letter
            ("ΑΣ.ΑΣ", ["ασ", "ας"], [1, 1, 0, 0, 0, 0]),  # and before none, not even behind a full stop, if no space is
            ("I İ ı İSTANBUL", ["i", "i\u0307", "ı", "i\u0307stanbul"], [1, 1, 1, 5, 0, 0]),
            ("film\u00a0film\u3000film\u0085film\u2028film", ["film"] * 5, [2, 2, 2, 2, 2, 0]),
            ("film\x0bfilm\x0cfilm\x1cfilm\x1ffilm", ["film"] * 5, [2, 2, 2, 2, 2, 0]),
            ("film\u200bfilm", ["film\u200bfilm"], [1, 0, 0, 0, 0, 0]),  # a zero-width space is no white space
            ("\ufefffilm film", ["\ufefffilm", "film"], [1, 2, 0, 0, 0, 0]),  # nor is a byte order mark
            ("film\r\nfilm\rfilm", ["film"] * 3, [2, 2, 2, 0, 0, 0]),
            ("film\x00film", ["film", "film"], [2, 2, 0, 0, 0, 0]),  # NUL counts as a space
            ("\x00", [], [0, 0, 0, 0, 0, 0]),
            (b"caf\xe9 film", ["caf\ufffd", "film"], [1, 2, 0, 0, 0, 0]),
            (b"FILM \xff\x00\xfe", ["film", "\ufffd", "\ufffd"], [2, 1, 1, 0, 0, 0]),
            (b"film\xc3", ["film\ufffd"], [1, 0, 0, 0, 0, 0]),
            ("\U00010400 日本", ["\U00010428", "日本"], [8, 7, 0, 0, 0, 0]),
            ("😀 Naïve!", ["😀", "naïve"], [1, 6, 0, 0, 0, 0]),
            ("nai\u0308ve", ["nai\u0308ve"], [1, 0, 0, 0, 0, 0]),  # not normalised: another spelling, another word
            ("a film a b c film d", ["a", "film", "a", "b", "c", "film", "d"], [1, 2, 1, 1, 1, 2]),
            ("", [], [0, 0, 0, 0, 0, 0]),
        ),
    ),
    Group(
        # Keras's own words, glued at CR and NBSP.
        name="split_space",
        settings={
            "text.split": "space",
            "vocabulary.top_words": "10",
            "sequence.max_length": "4",
            "sequence.truncating": "post",
        },
        corpus=["good film\r\ngood film", "bad film"],
        vocabulary=[("good", 2), ("film", 2), (r"film\r", 1), ("bad", 1)],
        cases=_cases(
            # text, tokens, ids
            ("good film\r\nbad", ["good", r"film\r", "bad"], [0, 1, 3, 4]),
            ("good\u00a0film", ["good\u00a0film"], [0, 0, 0, 0]),
            ("good\u3000film\u0085bad", ["good\u3000film\u0085bad"], [0, 0, 0, 0]),
            ("good\tfilm\nbad", ["good", "film", "bad"], [0, 1, 2, 4]),  # tab and LF are among Keras's filters
            ("good\x0bfilm", ["good\x0bfilm"], [0, 0, 0, 0]),
            ("GOOD\rFILM", [r"good\rfilm"], [0, 0, 0, 0]),
            ("  good   film  ", ["good", "film"], [0, 0, 1, 2]),
            ("bad film good bad film", ["bad", "film", "good", "bad", "film"], [4, 2, 1, 4]),
            (r"film\r", ["film", "r"], [0, 0, 0, 2]),  # not taken for the spelling of film and CR
            ("good\x00film", ["good", "film"], [0, 0, 1, 2]),  # the one difference from Keras
        ),
    ),
    Group(
        name="split_character",
        settings={
            "text.split": "character",
            "text.filters": "",
            "vocabulary.top_words": "20",
            "vocabulary.oov": "token",
            "sequence.max_length": "5",
            "sequence.padding": "post",
        },
        corpus=["Aa b\n", "a\\b\t"],
        vocabulary=[("a", 3), ("b", 2), (" ", 1), (r"\n", 1), (r"\\", 1), (r"\t", 1)],
        cases=_cases(
            # text, tokens, ids
            ("ab", ["a", "b"], [2, 3, 0, 0, 0]),
            ("A  B", ["a", " ", " ", "b"], [2, 4, 4, 3, 0]),  # each space is a token
            ("a\n\\\t\r", ["a", r"\n", r"\\", r"\t", r"\r"], [2, 5, 6, 7, 1]),
            ("ab ab ab", ["a", "b", " ", "a", "b", " ", "a", "b"], [2, 3, 4, 2, 3]),
            ("e\u0301é", ["e", "\u0301", "é"], [1, 1, 1, 0, 0]),  # characters are code points
            ("😀a", ["😀", "a"], [1, 2, 0, 0, 0]),
            ("a\x00b", ["a", " ", "b"], [2, 4, 3, 0, 0]),
            ("\u00a0", ["\u00a0"], [1, 0, 0, 0, 0]),
            (b"a\xffb", ["a", "\ufffd", "b"], [2, 1, 3, 0, 0]),
            ("", [], [0, 0, 0, 0, 0]),
        ),
    ),
    Group(
        # Words of one character, although the default filters have them; some mean something in a regular expression.
        name="punctuation",
        settings={
            "text.punctuation": "!.-]^\\",
            "text.strip_html": "true",
            "vocabulary.top_words": "20",
            "sequence.max_length": "6",
        },
        corpus=["Good! Good film.", "<b>Bad</b>-film!!"],
        vocabulary=[("!", 3), ("good", 2), ("film", 2), (".", 1), ("bad", 1), ("-", 1)],
        cases=_cases(
            # text, tokens, ids
            ("Good film!", ["good", "film", "!"], [0, 0, 0, 2, 3, 1]),
            ("...", [".", ".", "."], [0, 0, 0, 4, 4, 4]),
            ("a-film, bad?", ["a", "-", "film", "bad"], [0, 0, 0, 6, 3, 5]),  # comma and question mark are filtered
            ("C:\\dir]^", ["c", r"\\", "dir", "]", "^"], [0, 0, 0, 0, 0, 0]),
            ("<br />!", ["!"], [0, 0, 0, 0, 0, 1]),  # tags go first
            ("<br.film", ["br", ".", "film"], [0, 0, 0, 0, 4, 3]),
            ("ΑΣ.ΑΣ!", ["ασ", ".", "ας", "!"], [0, 0, 0, 0, 4, 1]),  # the sigmas are those of the text without it
            ("naïve!NAÏVE", ["naïve", "!", "naïve"], [0, 0, 0, 0, 0, 1]),
            (b"good\xff!\x00.", ["good\ufffd", "!", "."], [0, 0, 0, 0, 1, 4]),
            (" ! ", ["!"], [0, 0, 0, 0, 0, 1]),
            ("don't", ["don't"], [0, 0, 0, 0, 0, 0]),
            ("", [], [0, 0, 0, 0, 0, 0]),
        ),
    ),
    Group(
        # Nothing is filtered, and a word must be seen twice.
        name="no_filters",
        settings={
            "text.filters": "",
            "vocabulary.top_words": "10",
            "vocabulary.min_count": "2",
            "sequence.max_length": "3",
        },
        corpus=["b C:\\dir b", "a a rare c:\\dir"],
        vocabulary=[("b", 2), (r"c:\\dir", 2), ("a", 2)],  # equal counts: by first occurrence
        cases=_cases(
            # text, tokens, ids
            ("b, B", ["b,", "b"], [0, 0, 1]),
            ("C:\\DIR a", [r"c:\\dir", "a"], [0, 2, 3]),
            ("c:\\\\dir", [r"c:\\\\dir"], [0, 0, 0]),  # two backslashes are not the spelling of one
            ("c:\\dir\\t", [r"c:\\dir\\t"], [0, 0, 0]),
            ("rare b", ["rare", "b"], [0, 0, 1]),
            ("b\tb\r\nb", ["b", "b", "b"], [1, 1, 1]),  # white space separates, filtered or not
            ("<br />b", ["<br", "/>b"], [0, 0, 0]),
            ("a b a b", ["a", "b", "a", "b"], [1, 3, 1]),
        ),
    ),
    Group(
        # Characters that mean something in a regular expression; capitals stay; only top_words - 1 words have an id.
        name="strip_html",
        settings={
            "text.strip_html": "true",
            "text.lowercase": "false",
            "text.filters": "-]^\\[",
            "vocabulary.top_words": "4",
            "sequence.max_length": "4",
        },
        corpus=["<p>Good<br />Film</p>", "Good-Film good", "bad"],
        vocabulary=[("Good", 2), ("Film", 2), ("good", 1)],
        cases=_cases(
            # text, tokens, ids
            ("a-Good]b^Film\\c[good", ["a", "Good", "b", "Film", "c", "good"], [0, 1, 2, 3]),
            ("Good<BR/>Film", ["Good", "Film"], [0, 0, 1, 2]),
            ("<!-- Film -->Good", ["Good"], [0, 0, 0, 1]),
            ("1 < 2 > Film", ["1", "<", "2", ">", "Film"], [0, 0, 0, 2]),  # no tags
            ("<Film", ["<Film"], [0, 0, 0, 0]),  # never closed
            ("<a\nhref='x'>Film</a>", ["Film"], [0, 0, 0, 2]),
            ("&lt;b&gt; Film", ["&lt;b&gt;", "Film"], [0, 0, 0, 2]),  # entities are left alone
            ("GOOD Good bad", ["GOOD", "Good", "bad"], [0, 0, 0, 1]),
        ),
    ),
]
