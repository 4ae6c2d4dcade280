"""The equality certificate of an exported model: texts, and the ids and scores that every copy of the model must give.

    assets.extra/certificate.jsonl, a line for each text:
      text         the text; text_base64 instead if its bytes are not valid UTF-8
      ids          int64 [max_length], the ids that the pipeline gives the text
      scores       float32 [classes], the scores that the trained Keras model gives the ids
    and, of a model with a decision, several labels a text or ordinal labels:
      label        the name of the label that is answered
      decided      bool [classes], which labels the text has, if it may have several
      abstains     bool, whether the answer abstains, if the model's answers can
      rating       float32, the expected rating, if the labels are ordinal

The texts are sample rows of the records folder, from all splits, and odd texts as real users send them.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Flags
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import first_mistake, parse_json
from trainer import files
from trainer.decision.decision import NO_DECISION, Decision
from trainer.savedmodel.model_info import CERTIFICATE_FILE, ModelInfo

# Bytes of the longest texts. Texts of megabytes take the same path, and would only make the file large.
_LONG: Final = 100_000

# Keys that only some certificates have.
_OPTIONAL: Final = ("label", "decided", "abstains", "rating")
# The largest certificate that is read: 70 texts of 100,000 ids are 50 MB.
_MOST_BYTES: Final = 256 << 20

ODD_TEXTS: Final[tuple[bytes, ...]] = (
    b"",
    b"   ",
    b"\r\n\t\v\f",
    b'?!... --- "\'" ???',
    b"\x00",
    b"good\x00film",
    b"\xff\xfe not UTF-8 \xc3\x28",
    b"half a character \xe2\x82",
    "\ufffd\ue000\ufeff the film".encode(),
    b"qzxwvk jjqqzz xkcdqz",
    "it's GOOD \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea".encode(),
    "\u0641\u064a\u0644\u0645 \u062c\u064a\u062f \u05e1\u05e8\u05d8 \u05d8\u05d5\u05d1".encode(),
    "\u3053\u306e\u6620\u753b\u306f\u3000\u826f\u3044 \U00020000".encode(),
    "\u0130STANBUL Stra\u00dfe \u1e9e \u039f\u0394\u039f\u03a3 cafe\u0301 CAF\u00c9".encode(),
    "a\u00a0film\u0085of\u2028this\u3000kind".encode(),
    b"the film\r\nwas good\r\nand the end was bad\r\n",
    b"<p>This is <b>not</b> a <a href='x'>bad</a> film<br /><br />at all</p> &amp; &lt;so&gt; <",
    b'back\\slash, "quoted", tab\tseparated, 1,234.50 $ 10/10 :-)',
    b"NOT not Not nOt",
    b"the " * (_LONG // 4),
    b"x" * _LONG,
)


class _Line(BaseModel):
    """A line of certificate.jsonl."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str | None = None
    text_base64: str | None = None
    ids: list[int]
    scores: list[float]
    label: str | None = None
    decided: list[bool] | None = None
    abstains: bool | None = None
    rating: float | None = None

    def as_bytes(self) -> bytes:
        """The text.

        Raises:
          ValueError: there is none, or it is not base64.
        """
        if self.text is not None:
            return self.text.encode()
        if self.text_base64 is None:
            raise ValueError("text is missing")
        return base64.b64decode(self.text_base64, validate=True)


class Answers(NamedTuple):
    """The answers of a model to n texts.

    ids: int64 [n, max_length]. scores: float32 [n, classes]. The others are None if the certificate does not have them:
    label: n names. decided: bool [n, classes]. abstains: bool [n]. rating: float32 [n].
    """

    ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    label: Sequence[str] | None = None
    decided: Flags | None = None
    abstains: Flags | None = None
    rating: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Certificate:
    """n texts and the right answers to them.

    scheme, decision: of the model, which are not in the file; the scheme is None if nobody said.
    """

    texts: Sequence[bytes]
    answers: Answers
    scheme: LabelScheme | None = None
    decision: Decision = NO_DECISION


def dumps(certificate: Certificate) -> bytes:
    """The content of certificate.jsonl.

    Raises:
      ValueError: a score is not a number.
    """
    answers = certificate.answers
    columns: dict[str, list[Any]] = {"ids": answers.ids.tolist(), "scores": answers.scores.tolist()}
    if answers.label is not None:
        columns["label"] = list(answers.label)
    for name, values in (("decided", answers.decided), ("abstains", answers.abstains), ("rating", answers.rating)):
        if values is not None:
            columns[name] = values.tolist()
    rows = zip(certificate.texts, *columns.values(), strict=True)
    lines = (
        json.dumps({**_text_fields(text), **dict(zip(columns, values, strict=True))}, allow_nan=False) + "\n"
        for text, *values in rows
    )
    return "".join(lines).encode()


def loads(content: bytes, *, path: str) -> Certificate:
    """Reads the content of a certificate.jsonl; path: of the file, for the error message.

    Raises:
      UserError: this is not a certificate, or it has a score that is not a number.
    """
    try:
        # A file's lines end at LF alone; a text may hold other line ends.
        lines = [_Line.model_validate(parse_json(line)) for line in content.split(b"\n") if line]
        texts = [line.as_bytes() for line in lines]
        answers = answers_of(
            [line.ids for line in lines],
            [line.scores for line in lines],
            **{name: _column(name, [getattr(line, name) for line in lines]) for name in _OPTIONAL},
        )
    except (ValueError, OverflowError) as error:  # those of JSON, pydantic and base64 among them
        why = first_mistake(error) if isinstance(error, ValidationError) else str(error)
        raise UserError(f"{path} is not a certificate ({to_one_line(why)}); export the model again") from error
    return Certificate(texts, answers)


def open_certificate(folder: str, info: ModelInfo, *, setting: str = "--model") -> Certificate:
    """Reads the certificate of a version folder; setting: the setting that names the folder, for error messages.

    Raises:
      UserError: it can't be read, or is not that of this model.
    """
    path = files.join(folder, CERTIFICATE_FILE)
    try:
        certificate = loads(files.read(path, most_bytes=_MOST_BYTES), path=path)
    except OSError as error:
        raise UserError(f"{setting}: {path} can't be read: {files.reason_of(error)}; export the model again") from error
    texts, classes = certificate.answers.scores.shape
    if info.certificate_texts not in (None, texts):
        raise UserError(f"{setting}: {path} has {texts} texts, exported were {info.certificate_texts}")
    if classes != len(info.labels):
        raise UserError(f"{setting}: {path} has {classes} scores a text, but model.json has {len(info.labels)} labels")
    return replace(certificate, scheme=info.scheme, decision=info.decision)


def answers_of(
    ids: list[list[int]],
    scores: list[list[float]],
    *,
    label: list[str] | None = None,
    decided: list[list[bool]] | None = None,
    abstains: list[bool] | None = None,
    rating: list[float] | None = None,
) -> Answers:
    """Lists with one entry for each text -> arrays.

    Raises:
      ValueError: there are no texts, the lists differ in length, or a number is none.
      OverflowError: an id is too large.
    """
    if len({len(row) for row in ids}) != 1 or len({len(row) for row in scores}) != 1:
        raise ValueError("there are no ids and scores, or not all are of one length")
    if decided is not None and len({len(row) for row in decided}) != 1:
        raise ValueError("decided has lists of several lengths")
    answers = Answers(
        np.array(ids, np.int64),
        _float32(scores),
        label,
        None if decided is None else np.array(decided, bool),
        None if abstains is None else np.array(abstains, bool),
        None if rating is None else _float32(rating),
    )
    if not np.isfinite(answers.scores).all():
        raise ValueError("a score is not a number")
    if answers.rating is not None and not np.isfinite(answers.rating).all():
        raise ValueError("a rating is not a number")
    return answers


def _float32(numbers: Sequence[float] | Sequence[list[float]]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which is refused
        return np.array(numbers, np.float64).astype(np.float32)


def _column(name: str, values: list[Any]) -> list[Any] | None:
    """The values of a key that all lines have, or None if no line has it.

    Raises:
      ValueError: some lines have it.
    """
    if all(value is None for value in values):
        return None
    if any(value is None for value in values):
        raise ValueError(f"some lines have {name}, others do not")
    return values


def to_base64(text: bytes) -> str:
    """A text in base64, for JSON.

    >>> to_base64(b"good")
    'Z29vZA=='
    """
    return base64.b64encode(text).decode()


def _text_fields(text: bytes) -> dict[str, str]:
    try:
        return {"text": text.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text_base64": to_base64(text)}
