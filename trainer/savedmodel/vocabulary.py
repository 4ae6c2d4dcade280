"""vocabulary.tsv, in a records folder or among a model's assets -> its words; tokens as files spell them."""

from dataclasses import dataclass

from pipeline.contract import VOCABULARY_COLUMNS
from trainer import files


@dataclass(frozen=True)
class Word:
    """A row: the word's id, how it is spelt and how often the train split has it."""

    id: int
    token: str
    count: int


def read_words(path: str) -> list[Word]:
    """The words of a file, in the order of their ids."""
    lines = files.read(path).decode().split("\n")
    rows = [dict(zip(VOCABULARY_COLUMNS, line.split("\t"), strict=True)) for line in lines if line]
    return [Word(int(row["id"]), row["token"], int(row["count"])) for row in rows]
