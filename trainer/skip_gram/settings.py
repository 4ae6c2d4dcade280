"""What decides on the vectors that are learnt, beside the records."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import UserError


class SkipGramSettings(BaseModel):
    """The options of `trainer vectors`. The defaults are those of gensim, but for `dim` and `workers`.

    dim: numbers of a vector. window: words before and after a word that it should predict; the reach is drawn anew for
    each place, from 1 on. epochs: passes over the texts. negative: drawn words to each word that is right. min_count:
    rarer words get no vector. workers: threads; with 1 the same vectors come out each time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dim: int = Field(ge=1, le=10_000)
    window: int = Field(5, ge=1, le=1000)
    epochs: int = Field(5, ge=1, le=10_000)
    negative: int = Field(5, ge=1, le=1000)
    min_count: int = Field(5, ge=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    workers: int = Field(1, ge=1, le=1000)


def skip_gram_settings(options: Mapping[str, int]) -> SkipGramSettings:
    """The settings with the options that were given.

    Raises:
      UserError: one is out of bounds.

    >>> skip_gram_settings({"dim": 8, "epochs": 0})
    Traceback (most recent call last):
    pipeline.errors.UserError: --epochs is 0; input should be greater than or equal to 1
    """
    try:
        return SkipGramSettings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise UserError(f"--{first['loc'][0]} is {first['input']}; {message}") from error
