"""Labels for tests that need some, whatever their names are."""

from pipeline.records_folder.label_scheme import LabelScheme


def scheme_of(classes: int = 2, *, several: bool = False) -> LabelScheme:
    """The labels a, b, c ..."""
    return LabelScheme(tuple("abcdefgh"[:classes]), several=several)
