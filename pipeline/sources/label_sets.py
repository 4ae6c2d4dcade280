"""Several labels of one text <-> the one spelling of them all, which is the row's label.

A list of labels is one string: JSON of the labels in the order of their UTF-8 bytes, each once. So whatever compares
the labels of rows (duplicates, strata, rejected rows) works on lists as it does on single labels.
"""

import json
from collections.abc import Iterable

from pipeline.support.strict_json import parse_json


def set_name(labels: Iterable[str]) -> str:
    """Labels -> their one spelling.

    >>> set_name(["drama", "comedy", "drama"]), set_name([])
    ('["comedy", "drama"]', '[]')
    """
    return json.dumps(sorted(set(labels), key=str.encode), ensure_ascii=False)


def labels_of(name: str) -> list[str]:
    """The labels that `set_name` was given.

    >>> labels_of('["comedy", "drama"]')
    ['comedy', 'drama']
    """
    labels = parse_json(name.encode())
    assert isinstance(labels, list)
    return labels
