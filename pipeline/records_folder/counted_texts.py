"""A manifest -> the texts that its vocabulary was counted from: those of the train split, and others if they count.

The coverage curve and the counts in vocabulary.tsv are of these texts.
"""

from typing import NamedTuple

from pipeline.records_folder.manifest import Manifest


class CountedTexts(NamedTuple):
    """tokens: of the texts; unknown_tokens: those of them without an id; name: what the texts are, for a person."""

    tokens: int
    unknown_tokens: int
    name: str

    @property
    def known_share(self) -> float:
        """The share of the tokens that are words of the vocabulary."""
        return 1 - self.unknown_tokens / self.tokens if self.tokens else 0.0


def counted_texts(manifest: Manifest) -> CountedTexts:
    """The texts that the vocabulary was counted from."""
    train, unlabelled = manifest.splits["train"], manifest.unlabelled
    if unlabelled is None or not manifest.config.vocabulary.count_unlabelled:
        return CountedTexts(train.tokens, train.unknown_tokens, "the train split")
    return CountedTexts(
        train.tokens + unlabelled.tokens,
        train.unknown_tokens + unlabelled.unknown_tokens,
        "the train split and the texts without labels",
    )
