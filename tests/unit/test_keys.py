"""pipeline.records.keys: the layout of a row key: split, shard, sort range, order, sample."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config.input_settings import SplitSettings
from pipeline.records.keys import (
    content_keys,
    is_sampled,
    key_halves,
    range_of,
    shard_of,
    sort_key,
    split_by_content,
    split_by_name,
    split_where_allowed,
)


def key(first: int = 0, second: int = 0) -> bytes:
    return first.to_bytes(8, "big") + second.to_bytes(8, "big")


def large(*keys: bytes) -> pa.LargeBinaryArray:
    return pa.array(keys, pa.large_binary())


# text, seed -> XXH3-128 in hexadecimal digits, as `xxh128sum` prints it for seed 0
CONTENT = [
    (b"", 0, "99aa06d3014798d86001c324468d497f"),
    (b"a text", 0, "6e1f86fc2834ab30c9b08818c2eefaf6"),
    (b"a text", 1, None),  # another seed, another key
]


@pytest.mark.parametrize(("text", "seed", "digits"), CONTENT)
def test_keys_are_hashes_of_the_content(text: bytes, seed: int, digits: str | None) -> None:
    keys = content_keys([b"other", text, text], seed=seed)
    assert keys.type == pa.large_binary()
    _, first, second = keys.to_pylist()
    assert first == second
    assert len(first) == 16
    assert first.hex() == digits if digits else first != content_keys([text], seed=0)[0].as_py()


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.binary(16)])
def test_keys_halves_of_both_kinds_of_columns(kind: pa.DataType) -> None:
    keys = pa.array([key(9, 9), key(1, 2), key(2**64 - 1, 2**63)], kind)
    assert key_halves(keys).tolist() == [[9, 9], [1, 2], [2**64 - 1, 2**63]]
    assert key_halves(keys[1:2]).tolist() == [[1, 2]]  # a slice of Arrow begins inside its buffer
    assert key_halves(keys[:0]).shape == (0, 2)


# train, eval, test; first half of the key -> index of the split
SPLIT = [
    (0.8, 0.1, 0.1, 0, 0),
    (0.8, 0.1, 0.1, 14757395258967642111, 0),  # floor(0.8 * 2**64) - 1, with 0.8 as a double
    (0.8, 0.1, 0.1, 14757395258967642112, 1),
    (0.8, 0.1, 0.1, 2**64 - 1, 2),
    (0.5, 0.5, 0.0, 2**63 - 1, 0),
    (0.5, 0.5, 0.0, 2**63, 1),
    (0.5, 0.5, 0.0, 2**64 - 1, 1),  # no test split
    (0.5, 0.0, 0.5, 2**63, 2),  # no eval split
]


@pytest.mark.parametrize(("train", "evaluation", "test", "first", "index"), SPLIT)
def test_keys_split(train: float, evaluation: float, test: float, first: int, index: int) -> None:
    settings = SplitSettings(train=train, eval=evaluation, test=test)
    assert split_by_content(large(key(first, 5)), settings).tolist() == [index]


# first half of the key, splits that are allowed -> index of the split, of 0.8 / 0.1 / 0.1
ALLOWED = [
    (0, None, 0),
    (0, "test", 2),
    (2**64 - 1, "train eval", 1),
    (16397105843297379213, "train eval", 0),  # 8/9 of 2**64 is ...379214: train : eval stays 8 : 1
    (16397105843297381376, "train eval", 1),
]


@pytest.mark.parametrize(("first", "allowed", "index"), ALLOWED)
def test_keys_split_where_some_are_allowed(first: int, allowed: str | None, index: int) -> None:
    result = split_where_allowed(large(key(first)), pa.array([allowed], pa.string()), SplitSettings())
    assert result.tolist() == [index]


def test_keys_split_by_name() -> None:
    names = ["eval", "Train", "", None, "test", "dev", "VAL", "valid", "Validation", "holdout", " test"]
    assert split_by_name(pa.array(names)).tolist() == [1, 0, -1, -1, 2, 1, 1, 1, 1, -1, -1]
    assert split_by_name(pa.array([], pa.string())).tolist() == []
    assert split_by_name(pa.nulls(2, pa.string())).tolist() == [-1, -1]


SHARDS = [
    # second half of the key, number of shards, shard
    (0, 1, 0),
    (2**64 - 1, 1, 0),
    (0, 4, 0),
    (2**62 - 1, 4, 0),
    (2**62, 4, 1),
    (2**63, 4, 2),
    (2**64 - 1, 4, 3),
    (0x55555555_FFFFFFFF, 3, 0),
    (0x55555556_00000000, 3, 1),  # the first whose upper half, times 3, reaches 2**32
    (2**64 - 1, 99_999, 99_998),
]


@pytest.mark.parametrize(("place", "shards", "shard"), SHARDS)
def test_keys_shard(place: int, shards: int, shard: int) -> None:
    keys = pa.array([key(second=1), key(second=place)], pa.binary(16))[1:]  # an Arrow slice begins inside its buffer
    result = shard_of(keys, shards)
    assert result.dtype == np.int32
    assert result.tolist() == [shard]


SORT_RANGES = [
    # second half of the key, number of shards, of sort ranges, sort range
    (2**64 - 1, 1, 1, 0),
    (2**63 - 1, 1, 2, 0),
    (2**63, 1, 2, 1),
    (2**61 - 1, 4, 2, 0),
    (2**61, 4, 2, 1),
    (2**62 - 1, 4, 2, 1),
    (2**62, 4, 2, 0),  # the next shard
    (2**64 - 1, 99_999, 64, 63),
]


@pytest.mark.parametrize(("place", "shards", "ranges", "expected"), SORT_RANGES)
def test_keys_sort_range(place: int, shards: int, ranges: int, expected: int) -> None:
    result = range_of(pa.array([key(second=place)], pa.binary(16)), shards=shards, ranges=ranges)
    assert result.tolist() == [expected]


def test_keys_shard_of_no_keys() -> None:
    assert shard_of(pa.array([], pa.binary(16)), 3).tolist() == []


def test_keys_sort_key_orders_by_the_second_half_first() -> None:
    keys = [key(2, 1), key(1, 2), key(1, 1), key(2**64 - 1, 0)]
    assert sorted(keys, key=sort_key) == [key(2**64 - 1, 0), key(1, 1), key(2, 1), key(1, 2)]


# bytes 12 to 16 of the key, share -> whether it is in the sample
SAMPLED = [
    (0, 0.0, False),
    (0, 0.25, True),
    (2**30 - 1, 0.25, True),
    (2**30, 0.25, False),
    (2**32 - 1, 1.0, True),
    (2**32 - 1, 0.999, False),
]


@pytest.mark.parametrize(("low", "share", "expected"), SAMPLED)
def test_keys_sample(low: int, share: float, expected: bool) -> None:
    for first, high in [(0, 0), (2**64 - 1, 2**32 - 1)]:  # neither the split nor the shard plays a part
        assert is_sampled(large(key(first, high << 32 | low)), share).tolist() == [expected]


def test_keys_sample_of_texts_has_its_share() -> None:
    keys = content_keys([str(number).encode() for number in range(20_000)], seed=0)
    sampled = is_sampled(keys, 0.25)
    assert 4_800 < sampled.sum() < 5_200  # 5,000 with a standard deviation of 61
    assert not (sampled & ~is_sampled(keys, 0.5)).any()
    order = np.random.default_rng(1).permutation(len(keys))
    assert (is_sampled(keys.take(pa.array(order)), 0.25) == sampled[order]).all()
