"""The names of files that describe a data set, as hubs and libraries put them beside its data."""

from typing import Final

# By who writes them. A file of rows that has one of these names is read if input.path names it in full.
_NAMES: Final = frozenset(
    {
        *("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"),  # Hugging Face
        *("features.json", "label.labels.txt"),  # TensorFlow Datasets, with dataset_info.json
        *("croissant.json", "croissant_metadata.json", "dataset-metadata.json"),  # MLCommons, Kaggle
        *("datapackage.json", "datapackage.yaml"),  # Frictionless Data
    }
)
# What people write about it. With any ending that a text has: README.md, LICENSE, license.txt, README.jsonl is data.
_DOCUMENTS: Final = frozenset(
    {
        *("readme", "license", "licence", "copying", "notice", "authors", "contributors", "changelog", "citation"),
        *("makefile", "dockerfile"),
    }
)
_DOCUMENT_ENDINGS: Final = ("", "md", "txt", "rst", "html", "pdf", "cff", "bib")
# Of none of these names; a million files are told fast so.
_OF_DATA: Final = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow", ".gz")


def is_metadata(path: str) -> bool:
    """Whether a file's name says that it describes a data set.

    >>> [is_metadata(name) for name in ("hub/dataset_infos.json", "README", "license.txt", "readme.csv", "state.csv")]
    [True, True, True, False, False]
    """
    if path.endswith(_OF_DATA):
        return False
    name = path.rpartition("/")[2].lower()
    stem, _, ending = name.partition(".")
    return name in _NAMES or (stem in _DOCUMENTS and ending in _DOCUMENT_ENDINGS)
