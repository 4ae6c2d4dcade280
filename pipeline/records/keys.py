"""The content of a row -> its key and its split, the same wherever the row stands and whoever reads it.

A key is 16 bytes, XXH3-128 of the text under the seed, big-endian: bytes 0 to 8 choose the split, bytes 8 to 16 the
shard and the place in it (pipeline/records/shuffle.py). Equal texts have equal keys, so they never stand in two splits.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.config.settings import SplitSettings
from pipeline.contract import SPLITS

KEY_BYTES = 16
_HALF_BITS = 64

Keys = npt.NDArray[np.void]
SplitIndices = npt.NDArray[np.int64]


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


def split_by_content(keys: pa.LargeBinaryArray, settings: SplitSettings) -> SplitIndices:
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


def split_where_allowed(keys: pa.LargeBinaryArray, allowed: pa.StringArray, settings: SplitSettings) -> SplitIndices:
    """As split_by_content, where a row's split may be one of those that `allowed` names, a space between; null: any.

    Their shares stand to each other as the settings say.

    >>> keys = pa.array([bytes(16), b"\\xe4" + bytes(15), b"\\xff" * 16, bytes(16)], pa.large_binary())
    >>> split_where_allowed(keys, pa.array([None, "train eval", "train eval", "test"]), SplitSettings()).tolist()
    [0, 1, 1, 2]
    """
    found = split_by_content(keys, settings)
    for names in pc.unique(allowed.drop_null()).to_pylist():
        rows = pc.fill_null(pc.equal(allowed, names), False)
        chosen = rows.to_numpy(zero_copy_only=False)
        one, *more = names.split()
        if more:
            found[chosen] = split_by_content(keys.filter(rows), _narrowed(settings, names.split()))
        else:
            found[chosen] = SPLITS.index(one)
    return found


def _narrowed(settings: SplitSettings, names: Sequence[str]) -> SplitSettings:
    shares = [getattr(settings, name) if name in names else 0.0 for name in SPLITS]
    train, evaluation, test = (share / sum(shares) for share in shares)
    return SplitSettings(train=train, eval=evaluation, test=test)


def key_halves(keys: pa.LargeBinaryArray) -> npt.NDArray[np.uint64]:
    """Keys, large_binary [rows] -> uint64 [rows, 2]: bytes 0 to 8 and bytes 8 to 16 as big-endian numbers."""
    data = np.frombuffer(keys.buffers()[2] or b"", ">u8").reshape(-1, 2)
    return data[keys.offset : keys.offset + len(keys)].astype(np.uint64)


def shuffled_place(key: bytes) -> bytes:
    """What rows of a shard are ordered by, of a key's two halves the second first; see records/shuffle.py.

    >>> shuffled_place(b"split...ordered.")
    b'ordered.split...'
    """
    return key[8:] + key[:8]


def split_by_name(names: pa.StringArray) -> SplitIndices:
    """Names of splits -> int64 [rows], the index into SPLITS of each; -1 where it is none of them.

    >>> split_by_name(pa.array(["test", "train", "dev", None])).tolist()
    [2, 0, -1, -1]
    """
    indices = pc.index_in(names, pa.array(SPLITS))
    return pc.cast(pc.fill_null(indices, -1), pa.int64()).to_numpy(zero_copy_only=False)


def _threshold(share: float) -> int:
    return min(int(share * 2**_HALF_BITS), 2**_HALF_BITS - 1)
