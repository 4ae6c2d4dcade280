"""The content of a row -> its key, and all that a key decides. The layout of a key's 16 bytes is known here alone.

    bytes 0 to 8               the split (split_by_content)
    bytes 8 to 12              the shard of the split and the sort range of the shard (shard_of, range_of)
    bytes 12 to 16             whether the row is in the sample that costly statistics are made of (is_sampled)
    bytes 8 to 16, then 0 to 8 the order of the rows of a shard (sort_key)

A key is XXH3-128 of the text under the seed, big-endian. So it depends neither on where the row is nor on who reads it.
Equal texts have equal keys; they never come into two splits. With `split.group_column` the first 8 bytes of the key of
the row's group decide the split, and those of its own key do not.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.config.input_settings import SplitSettings
from pipeline.contract import SPLITS, Split
from pipeline.support.arrays import Int32s, Int64s

KEY_BYTES = 16
_HALF_BYTES = KEY_BYTES // 2
_HALF_BITS = 8 * _HALF_BYTES

# What a split is called, in lower case: in the split's column, and as a folder.
SPLIT_NAMES: Final[dict[str, Split]] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "validation"), "eval"),
}


def content_keys(texts: Iterable[bytes], *, seed: int) -> pa.LargeBinaryArray:
    """The key of each text, large_binary [rows] of 16 bytes.

    >>> content_keys([b"a text"], seed=0)[0].as_py().hex()
    '6e1f86fc2834ab30c9b08818c2eefaf6'
    """
    # 0.3 us a text of 1.3 kB; the copy into one buffer is the cheapest way into Arrow.
    digests = [xxhash.xxh3_128_digest(text, seed=seed) for text in texts]
    offsets = np.arange(len(digests) + 1, dtype=np.int64) * KEY_BYTES
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(digests), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(digests))]
    )


def split_by_content(keys: pa.LargeBinaryArray, settings: SplitSettings) -> Int64s:
    """Keys, large_binary [rows] -> int64 [rows], the index into SPLITS of each, in the shares that the settings ask
    for.

    >>> keys = pa.array([bytes(16), b"\\xe0" + bytes(15), b"\\xff" * 16], pa.large_binary())
    >>> split_by_content(keys, SplitSettings()).tolist()
    [0, 1, 2]
    """
    drawn = key_halves(keys)[:, 0]
    ends = [_threshold(settings.train)]
    if settings.test > 0:
        ends.append(_threshold(settings.train + settings.eval))
    return np.searchsorted(np.array(ends, np.uint64), drawn, side="right").astype(np.int64)


def split_where_allowed(keys: pa.LargeBinaryArray, allowed: pa.StringArray, settings: SplitSettings) -> Int64s:
    """As split_by_content, but a row comes only into a split that `allowed` names.

    allowed: [rows], names of splits with a space between them; null: all splits. The ratio of their shares is that of
    the settings.

    >>> keys = pa.array([bytes(16), b"\\xe4" + bytes(15), b"\\xff" * 16, bytes(16)], pa.large_binary())
    >>> split_where_allowed(keys, pa.array([None, "train eval", "train eval", "test"]), SplitSettings()).tolist()
    [0, 1, 1, 2]
    """
    splits = split_by_content(keys, settings)
    for names in pc.unique(allowed.drop_null()).to_pylist():
        rows = pc.fill_null(pc.equal(allowed, names), False)
        chosen = rows.to_numpy(zero_copy_only=False)
        one, *more = names.split()
        if more:
            train, evaluation, test = narrowed_shares(settings, names.split())
            shares = SplitSettings(train=train, eval=evaluation, test=test)
            splits[chosen] = split_by_content(keys.filter(rows), shares)
        else:
            splits[chosen] = SPLITS.index(one)
    return splits


def narrowed_shares(settings: SplitSettings, names: Sequence[str]) -> tuple[float, float, float]:
    """The shares of the splits if rows may go only to those of these names; their ratio is that of the settings.

    >>> narrowed_shares(SplitSettings(train=0.5, eval=0.25, test=0.25), ["eval", "test"])
    (0.0, 0.5, 0.5)
    >>> narrowed_shares(SplitSettings(train=1, eval=0, test=0), ["test"])
    (0.0, 0.0, 1.0)
    """
    if len(names) == 1:
        train, evaluation, test = (float(name in names) for name in SPLITS)
        return train, evaluation, test
    shares = [getattr(settings, name) if name in names else 0.0 for name in SPLITS]
    train, evaluation, test = (share / sum(shares) for share in shares)
    return train, evaluation, test


def key_halves(keys: pa.LargeBinaryArray | pa.FixedSizeBinaryArray) -> npt.NDArray[np.uint64]:
    """Keys [rows] -> uint64 [rows, 2]: bytes 0 to 8 and bytes 8 to 16 as numbers, which sort as the bytes do.

    >>> key_halves(pa.array([bytes(7) + b"\\x01" + bytes(7) + b"\\x02"], pa.large_binary())).tolist()
    [[1, 2]]
    """
    data = np.frombuffer(keys.buffers()[-1] or b"", ">u8").reshape(-1, 2)
    return data[keys.offset : keys.offset + len(keys)].astype(np.uint64)


def shard_of(keys: pa.FixedSizeBinaryArray, shards: int) -> Int32s:
    """Which of `shards` shards each key belongs to, int32 [rows]; a shard is a range of keys.

    >>> keys = pa.array([bytes(16), bytes(8) + b"\\x80" + bytes(7), bytes(8) + b"\\xff" * 8], pa.binary(16))
    >>> shard_of(keys, 10)
    array([0, 5, 9], dtype=int32)
    """
    high = key_halves(keys)[:, 1] >> np.uint64(32)
    return (high * np.uint64(shards) >> np.uint64(32)).astype(np.int32)


def range_of(keys: pa.FixedSizeBinaryArray, *, shards: int, ranges: int) -> Int32s:
    """Which of the `ranges` sort ranges of its shard each key belongs to, int32 [rows].

    >>> keys = pa.array([bytes(16), bytes(8) + b"\\x80" + bytes(7), bytes(8) + b"\\xff" * 8], pa.binary(16))
    >>> range_of(keys, shards=1, ranges=4)
    array([0, 2, 3], dtype=int32)
    """
    return shard_of(keys, shards * ranges) % np.int32(ranges)


def sort_key(key: bytes) -> bytes:
    """What the rows of a shard are sorted by: the second half of the key, then the first.

    >>> sort_key(b"split...ordered.")
    b'ordered.split...'
    """
    return key[_HALF_BYTES:] + key[:_HALF_BYTES]


def is_sampled(keys: pa.LargeBinaryArray, share: float) -> npt.NDArray[np.bool_]:
    """Keys [rows] -> bool [rows], whether each is in a sample of this share; independent of split and shard.

    >>> is_sampled(pa.array([bytes(16), b"\\xff" * 16], pa.large_binary()), 0.5).tolist()
    [True, False]
    """
    low = key_halves(keys)[:, 1] & np.uint64(0xFFFFFFFF)
    return low < np.uint64(min(int(share * 2**32), 2**32))


def split_by_name(names: pa.StringArray) -> Int64s:
    """Names of splits -> int64 [rows], the index into SPLITS of each; -1 where it is none of SPLIT_NAMES.

    >>> split_by_name(pa.array(["test", "train", "Dev", None, "holdout"])).tolist()
    [2, 0, 1, -1, -1]
    """
    known = pc.index_in(pc.utf8_lower(names), pa.array(SPLIT_NAMES.keys()))
    splits = pa.array([SPLITS.index(split) for split in SPLIT_NAMES.values()])
    return pc.cast(pc.fill_null(splits.take(known), -1), pa.int64()).to_numpy(zero_copy_only=False)


def split_by_time(times: pa.Int64Array, allowed: pa.StringArray, settings: SplitSettings) -> Int64s:
    """Times -> int64 [rows], the index into SPLITS of each; -1 where `allowed` names other splits.

    Rows before `eval_from` are for training, from it on for eval, and from `test_from` on for test.

    >>> settings = SplitSettings(time_column="year", eval_from=2023, test_from=2024)
    >>> split_by_time(pa.array([2022, 2023, 2024, 2024]), pa.array([None, None, None, "train eval"]), settings).tolist()
    [0, 1, 2, -1]
    """
    splits = np.searchsorted(np.array(settings.times), times.to_numpy(), side="right").astype(np.int64)
    for names in pc.unique(allowed.drop_null()).to_pylist():
        is_elsewhere = ~np.isin(splits, [SPLITS.index(name) for name in names.split()])
        splits[pc.fill_null(pc.equal(allowed, names), False).to_numpy(zero_copy_only=False) & is_elsewhere] = -1
    return splits


def _threshold(share: float) -> int:
    return min(int(share * 2**_HALF_BITS), 2**_HALF_BITS - 1)
