"""What the settings say of how texts are written -> the form that readers get; whether any file has a use for it."""

from collections.abc import Collection
from typing import Final

from pipeline.config.dialect_names import AUTO, codec_named, delimiter_named
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources.formats import FORMATS, text_lines
from pipeline.sources.tasks import FOUND_FORM, TextForm

# The fields of TextForm that count for csv and tsv alone; each has the name of its setting.
_OF_CSV: Final = ("delimiter", "quoting", "escape", "columns")


def form_of(settings: InputSettings) -> TextForm:
    """How the settings say that text files are written.

    >>> form_of(InputSettings(delimiter="tab", encoding="latin-1"))
    TextForm(encoding='iso8859-1', delimiter='\\t', quoting='auto', escape='auto', columns=None)
    """
    return TextForm(
        encoding=None if settings.encoding == AUTO else codec_named(settings.encoding),
        delimiter=None if settings.delimiter == AUTO else delimiter_named(settings.delimiter),
        quoting=settings.quoting,
        escape=settings.escape,
        columns=None if settings.columns is None else tuple(settings.columns),
    )


def check_form(settings: InputSettings, formats: Collection[str]) -> None:
    """Checks that each setting counts for a file; formats: of all files.

    Raises:
      UserError: one does not.

    >>> check_form(InputSettings(delimiter="tab"), ["parquet", "csv"])
    >>> check_form(InputSettings(delimiter="tab"), ["parquet"])
    Traceback (most recent call last):
    pipeline.errors.UserError: input.delimiter: no file of the input is csv or tsv, so 'tab' has no use; set it to auto
    """
    form = form_of(settings)
    of_csv = [name for name in _OF_CSV if getattr(form, name) != getattr(FOUND_FORM, name)]
    if of_csv and not any(FORMATS[format].is_quoted for format in formats):
        name = of_csv[0]
        or_format = ", or set input.format to csv" if text_lines.NAME in formats else ""
        raise UserError(
            f"input.{name}: no file of the input is csv or tsv, so {getattr(settings, name)!r} has no use; set it to "
            f"{'null' if name == 'columns' else AUTO}{or_format}"
        )
    if form.encoding is not None and not any(FORMATS[format].is_encoded for format in formats):
        names = [name for name, format in FORMATS.items() if format.is_encoded]
        raise UserError(
            f"input.encoding: no file of the input is {', '.join(names[:-1])} or {names[-1]}, so {settings.encoding!r} "
            f"has no use; set it to {AUTO}"
        )
