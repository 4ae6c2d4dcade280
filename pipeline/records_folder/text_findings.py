"""The part of the manifest's schema that says what the texts are like: duplicates, qualities, distinctive words."""

from typing import Final

from pydantic import Field

from pipeline.contract import Split
from pipeline.records_folder.manifest_types import Count, Finding, Label, Part, Share

_EXACT: Final = "Whether all texts were counted; if not, the numbers are those of a sample chosen by content."


class DuplicateTexts(Part):
    """Texts that occur more than once."""

    texts: Count = Field(0, description="Distinct texts that occur more than once.")
    rows: Count = Field(0, description="Rows beyond the first of each.")
    conflicting: Count = Field(0, description="Those of the texts that have different labels.")


class SharedTexts(Part):
    """Texts that occur in both of two splits."""

    splits: tuple[Split, Split] = Field(description="The two splits.")
    texts: Count = Field(0, description="Distinct texts that occur in both.")
    rows: tuple[Count, Count] = Field(
        (0, 0),
        description="Rows of the first and of the second split that have one of these texts. The second number of "
        "train and test is what a test score owes to memory.",
    )
    conflicting: Count = Field(0, description="Those of the texts that have different labels.")


class DuplicatesBySplit(DuplicateTexts):
    """Duplicates of the whole input, inside each split, and shared by two splits."""

    splits: dict[Split, DuplicateTexts] = Field({}, description="The same numbers inside each split.")
    most_frequent: dict[Split, Count] = Field({}, description="Of the text that occurs most often, its rows by split.")
    across: list[SharedTexts] = Field(
        [],
        description="For each pair of splits, the texts in both. `exact` has none if the texts alone "
        "decide on the splits: without `split.column`, `group_column` and `time_column`.",
    )


class NearRows(Part):
    """Rows of a split that are nearly a row of another."""

    splits: tuple[Split, Split] = Field(description="The two splits.")
    rows: Count = Field(0, description="Rows of the second split that are near a row of the first; estimated.")


class NearDuplicates(Part):
    """Rows that are nearly equal to a row of another split, and not equal token for token; estimated."""

    similarity: Share = Field(0.8, description="The smallest share of common shingles (Jaccard).")
    sampled_rows: Count = Field(0, description="Rows that were compared.")
    across: list[NearRows] = Field([], description="For each pair of splits, the rows of the second.")


class DuplicatesSummary(DuplicateTexts):
    """Duplicates. The first three numbers are of equal texts inside one split, `exact` and `normalised` of all splits.

    What `normalised` compares are the ids of the record, the number of tokens and the unknown words. So two texts also
    count as equal that differ in the position of an unknown token alone, or in known words after `sequence.max_length`.
    By chance, of 100 million different texts two meet once in 3,000 such inputs.

    `near` compares the ids of the record too. Two rows are near if they share 80% of their shingles, three ids in a
    row. The numbers are estimates by MinHash, from some 4 MB of text, chosen so that near duplicates come together.
    """

    exact: DuplicatesBySplit = Field(DuplicatesBySplit(), description="Texts that are equal byte for byte.")
    normalised: DuplicatesBySplit = Field(
        DuplicatesBySplit(),
        description="Texts that are equal token for token: case, punctuation and white space may differ, as `text.*` "
        "says. Texts without a token are compared byte for byte.",
    )
    near: NearDuplicates = Field(NearDuplicates(), description="Texts that are nearly equal, in two splits.")


class QualityFinding(Part):
    """How many texts have a quality."""

    count: Count = Field(0, description="Texts that have it, of those that were examined.")
    of: Count = Field(0, description="Texts that were examined.")
    share: Share = Field(0.0, description="`count` / `of`, 0 to 1; an estimate for the whole input if not `exact`.")
    exact: bool = Field(True, description="Whether all texts were examined.")
    examples: list[str] = Field([], description="Up to 3 snippets of at most 80 characters around the first place.")


class QualitySummary(Part):
    """What the texts are like. Of more than 8 MB of input a sample of some 8 MB is examined, chosen by content.

    Findings: `html`: an HTML or XML tag, which `text.strip_html` would take out. `mojibake`: U+FFFD, or UTF-8 that was
    read as Latin-1 or Windows-1252. `non_latin`: more letters of other scripts than of the Latin one.
    `glued_white_space`: white space other than U+0020 that `text.filters` leaves, at which `text.split: space` does not
    split. `invisible`: a zero-width space, word joiner, U+FEFF or soft hyphen. `empty_after_cleaning`: no token at all;
    always exact, without examples.
    """

    rows: Count = Field(0, description="All texts.")
    sampled_rows: Count = Field(0, description="Texts that were examined.")
    findings: dict[Finding, QualityFinding] = Field({}, description="By the name of the quality.")


class DistinctiveWord(Part):
    """A word that is typical for a label."""

    token: str = Field(description="The word.")
    score: float = Field(ge=0, description="z-score of its log-odds ratio, of the label against all others; above 0.")
    count: Count = Field(description="Its occurrences in records of the label.")
    elsewhere: Count = Field(description="Its occurrences in all other records.")


class DistinctiveWordsSummary(Part):
    """The distinctive words of each label, counted in the ids of train records.

    The score has an informative Dirichlet prior: equations 16, 19, 20 and 22 of Monroe, Colaresi and Quinn, "Fightin'
    Words" (Political Analysis 16:4, 2008). The prior is the frequency of the words in all counted records, worth 1,000
    tokens. A word above 2 is hardly there by chance. Only the 20,000 most frequent words are looked at.
    """

    sampled_rows: Count = Field(0, description="Train records that were counted.")
    exact: bool = Field(True, description=_EXACT)
    labels: dict[Label, list[DistinctiveWord]] = Field(
        {}, description="At most 20 words a label, the highest score first, of the 50 labels with the most train rows."
    )
