"""pipeline.records: encode, decode, framing and shards, with protobuf as the oracle."""

import gzip
import io
import re
from collections.abc import Iterable, Sequence

import google_crc32c
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contract import Compression
from pipeline.errors import DamagedRecordsError
from pipeline.records import decode, encode, shards
from pipeline.records.decode import decode_examples, decode_unlabelled
from pipeline.records.encode import encode_examples
from pipeline.records.framing import frame
from pipeline.records.shards import write_shard
from tests.support.record_files import RECORD_ENDS, RECORDS, Example, examples, read_all
from tests.support.tf_examples import int64_example, serialized


def binary(values: Iterable[bytes]) -> pa.LargeBinaryArray:
    return pa.array(list(values), pa.large_binary())


@settings(max_examples=60, deadline=None)
@given(examples())
def test_encode_gives_protobufs_own_bytes(example: Example) -> None:
    ids, labels = example
    expected = [
        int64_example({"ids": row, "label": [label]}) for row, label in zip(ids.tolist(), labels.tolist(), strict=True)
    ]
    assert encode_examples(ids, labels) == expected


@settings(max_examples=60, deadline=None)
@given(examples())
def test_encode_takes_int32_as_well(example: Example) -> None:
    ids, labels = (np.minimum(numbers, 2**31 - 1) for numbers in example)
    expected = [
        int64_example({"ids": row, "label": [label]}) for row, label in zip(ids.tolist(), labels.tolist(), strict=True)
    ]
    assert encode_examples(ids.astype(np.int32), labels.astype(np.int32)) == expected


@settings(max_examples=60, deadline=None)
@given(examples(), st.integers(0, 2))
def test_decode_is_the_inverse_of_encode(example: Example, first: int) -> None:
    ids, labels = example
    records = binary(encode_examples(ids, labels))[first:]  # an Arrow slice begins inside its buffers
    decoded_ids, decoded_labels = decode_examples(records, ids.shape[1])
    np.testing.assert_array_equal(decoded_ids, ids[first:])
    np.testing.assert_array_equal(decoded_labels, labels[first:])


def test_encode_and_decode_work_in_slices_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    ids, labels = random.integers(0, 300, (50, 7)), random.integers(0, 300, 50)
    whole = encode_examples(ids, labels)
    monkeypatch.setattr(encode, "_SLICE_NUMBERS", 21)
    monkeypatch.setattr(decode, "_SLICE_NUMBERS", 21)
    assert encode_examples(ids, labels) == whole
    np.testing.assert_array_equal(decode_examples(binary(whole), 7)[0], ids)
    with pytest.raises(DamagedRecordsError, match=r"^record 49: "):
        decode_examples(binary([*whole[:49], b"?"]), 7)


@pytest.mark.parametrize("factor", [1, 100, 10_000])  # ids of a byte, up to two, up to three
def test_encode_takes_any_memory_layout(factor: int) -> None:
    ids, labels = factor * np.arange(24).reshape(4, 6), np.arange(4)
    expected = encode_examples(ids[::2, ::3].copy(), labels[::2].copy())
    assert encode_examples(ids[::2, ::3], labels[::2]) == expected
    assert encode_examples(np.asfortranarray(ids[::2, ::3]), labels[::2]) == expected
    assert encode_examples(np.broadcast_to(ids[0], (2, 6)), labels[:2])[0] == encode_examples(ids[:1], labels[:1])[0]


REFUSED_ARRAYS = [
    # ids, labels, part of the message
    (np.array([[1, -1]]), np.array([0]), "ids: -1 to 1 is not within 0 to 2"),
    (np.array([[1, 2**31 + 1]]), np.array([0]), "ids: 1 to 2147483649 is not within"),
    (np.array([[1, 2]]), np.array([-1]), "label: -1 to -1 is not within"),
    (np.array([[1, -1]], np.int32), np.array([0]), "ids: -1 to 1 is not within 0 to 2"),
    (np.array([[1, 2]], np.int16), np.array([0]), "ids must be int32 or int64, not int16"),
    (np.array([[1.0, 2.0]]), np.array([0]), "ids must be int32 or int64, not float64"),
    (np.array([[1, 2]]), np.array([0, 1]), "must be [rows, max_length] and [rows]"),
    (np.array([1, 2]), np.array([0, 1]), "must be [rows, max_length] and [rows]"),
    (
        np.zeros((2, 0), np.int64),
        np.array([0, 1]),
        "must be [rows, max_length] and [rows]",
    ),  # no place for an id
]


@pytest.mark.parametrize(("ids", "labels", "message"), REFUSED_ARRAYS)
def test_encode_refuses_what_it_cannot_write(ids: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        encode_examples(ids, labels)


GOOD = encode_examples(np.array([[0, 1, 300]]), np.array([1]))[0]
IDS_ENTRY, LABEL_ENTRY = GOOD[2:19], GOOD[19:]  # the two entries of the map
SHAPE = "is not a tf.train.Example of ids and label as the pipeline writes it"
RANGE = "a number is not within 0 and 2**31"


def example(ids: list[int], label: list[int]) -> bytes:
    return int64_example({"ids": ids, "label": label})


FOREIGN_RECORDS = [
    # record, why it is refused
    (b"", SHAPE),
    (b"\x0a\x00", SHAPE),
    (GOOD[:-1], SHAPE),
    (GOOD + b"\x00", SHAPE),
    (GOOD + GOOD, SHAPE),
    (b"\x0a\x22" + GOOD[2:] + b"\x00", SHAPE),  # a byte after the label, within the example's length
    (GOOD[:-16] + bytes.fromhex("0a0f0a056c6162656c12061a040a0201"), SHAPE),  # the label's lengths reach beyond the end
    (GOOD.replace(b"ids", b"idz"), SHAPE),
    (GOOD[:2] + LABEL_ENTRY + IDS_ENTRY, SHAPE),  # the same example, other bytes
    (b"\x0a\xa1\x00" + GOOD[2:], SHAPE),  # its length in two bytes where one would do
    (int64_example({"ids": [0, 1, 300]}), SHAPE),
    (serialized({"ids": [0, 1, 300], "label": None}), SHAPE),
    (example([], [1]), SHAPE),
    (example([0, 1], [1]), "ids: got 2 numbers, expected 3"),
    (example([0, 1, 2, 3], [1]), "ids: got 4 numbers, expected 3"),
    (example([0, 1, 2], [1, 1]), "label: got 2 numbers, expected 1"),
    (example([0, 1], [1, 1]), "ids: got 2 numbers, expected 3"),
    (example([0, 1, -1], [1]), f"ids: {RANGE}"),
    (example([0, 1, 2**31 + 1], [1]), f"ids: {RANGE}"),
    (example([0, 1, 2**35], [1]), f"ids: {RANGE}"),
    (example([0, 1, 2], [-1]), f"label: {RANGE}"),
    (example([0, 1, 2], [2**31 + 1]), f"label: {RANGE}"),
    (example([0, 1, 2], [2**40, 2**40]), "label: got 2 numbers, expected 1"),
    (GOOD.replace(b"\x01\xac\x02", b"\x01\x81\x00"), SHAPE),  # 1 in two bytes
    (GOOD.replace(b"\x01\xac\x02", b"\x01\x02\x82"), "ids: end within a number"),
    (GOOD[:-1] + b"\x81", "label: end within a number"),
    # A damaged tag or length: the bytes at the place of the ids are not to blame.
    (b"\x0b" + GOOD[1:], SHAPE),
    (GOOD[:-2] + b"\x81\x01", SHAPE),
    (GOOD[:9] + b"\xff\xff\xff\xff\xff\xff\x7f" + GOOD[9:], SHAPE),
]


@pytest.mark.parametrize(("record", "why"), FOREIGN_RECORDS)
def test_decode_names_the_record_that_is_not_ours(record: bytes, why: str) -> None:
    with pytest.raises(DamagedRecordsError, match=re.escape(f"record 1: {why}") + "$"):
        decode_examples(binary([GOOD, record, GOOD]), 3)


def test_decode_names_the_first_of_two_records_whose_faults_add_up_to_none() -> None:
    """Two ids and four: as many as two good records have together."""
    with pytest.raises(DamagedRecordsError, match=r"^record 0: ids: got 2 numbers, expected 3$"):
        decode_examples(binary([example([0, 1], [1]), example([0, 1, 2, 3], [1])]), 3)


@given(st.lists(st.lists(st.integers(0, 2**31), min_size=3, max_size=3), max_size=5))
def test_records_of_texts_without_labels_come_back(rows: list[list[int]]) -> None:
    ids = np.array(rows, np.int64).reshape(-1, 3)
    records = encode_examples(ids, None)
    assert records == [int64_example({"ids": row}) for row in rows]
    np.testing.assert_array_equal(decode_unlabelled(binary(records), 3), ids)


UNLABELLED = int64_example({"ids": [0, 1, 300]})
SHAPE_OF_UNLABELLED = "is not a tf.train.Example of ids alone as the pipeline writes it"
FOREIGN_UNLABELLED = [
    # record, why it is refused
    (b"", SHAPE_OF_UNLABELLED),
    (UNLABELLED[:-1], SHAPE_OF_UNLABELLED),
    (UNLABELLED + b"\x00", SHAPE_OF_UNLABELLED),
    (UNLABELLED.replace(b"ids", b"idz"), SHAPE_OF_UNLABELLED),
    (GOOD, SHAPE_OF_UNLABELLED),  # a label
    (int64_example({"ids": []}), SHAPE_OF_UNLABELLED),
    (int64_example({"ids": [0, 1]}), "ids: got 2 numbers, expected 3"),
    (int64_example({"ids": [0, 1, -1]}), f"ids: {RANGE}"),
    (UNLABELLED.replace(b"\x01\xac\x02", b"\x01\x81\x00"), SHAPE_OF_UNLABELLED),  # 1 in two bytes
    (UNLABELLED[:-1] + b"\x82", "ids: end within a number"),
]


@pytest.mark.parametrize(("record", "why"), FOREIGN_UNLABELLED)
def test_decode_names_the_record_without_a_label_that_is_not_ours(record: bytes, why: str) -> None:
    with pytest.raises(DamagedRecordsError, match=re.escape(f"record 1: {why}") + "$"):
        decode_unlabelled(binary([UNLABELLED, record, UNLABELLED]), 3)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_decode_takes_only_what_encode_writes(place: int, byte: int) -> None:
    changed = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    try:
        ids, labels = decode_examples(binary([changed]), 3)
    except DamagedRecordsError:
        return
    assert encode_examples(ids, labels) == [changed]


def test_framing_checksums_come_from_compiled_code() -> None:
    assert google_crc32c.implementation == "c"


FORMS: list[tuple[Compression, str]] = [("gzip", "GZIP"), ("none", "")]  # ours, TensorFlow's


def stored(records: Sequence[bytes], compression: Compression) -> bytes:
    file = io.BytesIO()
    write_shard([frame(records)], file, compression=compression)
    return file.getvalue()


def test_shards_without_compression_hold_what_gzip_holds() -> None:
    records = [bytes([number]) * number for number in range(100)]
    assert stored(records, "none") == gzip.decompress(stored(records, "gzip"))


def test_shards_have_the_same_bytes_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_WRITE_BYTES", 1000)
    frames = frame([bytes([number % 7]) * number for number in range(100)])
    expected = io.BytesIO()
    write_shard([frames], expected, compression="gzip")
    assert expected.getvalue()[4:8] == bytes(4)  # gzip's time stamp
    for cuts in ([0, 50], [0, 1, 2, 99], [0, 0, 30]):
        chunks = [frames[first:last] for first, last in zip(cuts, [*cuts[1:], 100], strict=True)]
        file = io.BytesIO()
        write_shard(chunks, file, compression="gzip")
        assert file.getvalue() == expected.getvalue()


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("chunk_bytes", [4 << 20, 37, 10])
def test_shards_are_read_in_pieces_of_any_size(
    monkeypatch: pytest.MonkeyPatch, compression: Compression, chunk_bytes: int
) -> None:
    monkeypatch.setattr(shards, "_WRITE_BYTES", chunk_bytes)
    content = stored(RECORDS, compression)
    if compression == "gzip":
        assert content.count(b"\x1f\x8b\x08\x00") == -(-RECORD_ENDS[-1] // chunk_bytes)
        assert gzip.decompress(content) == stored(RECORDS, "none")
    for size in (1, 7, 100):
        monkeypatch.setattr(shards, "_READ_BYTES", size)
        assert read_all(io.BytesIO(content), compression) == RECORDS


def test_shards_cut_short_are_found_at_every_byte() -> None:
    content = stored(RECORDS, "gzip")
    for size in range(len(content)):
        with pytest.raises(DamagedRecordsError, match="the file ends before its gzip stream does"):
            read_all(io.BytesIO(content[:size]), "gzip")


def test_shards_cut_short_between_members_are_found_within_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_WRITE_BYTES", 10)
    content = stored(RECORDS, "gzip")
    ends = [at for at in range(1, len(content)) if content.startswith(b"\x1f\x8b\x08\x00", at)]
    assert len(ends) == 75  # 753 bytes, none of which are a record's end
    for end in ends:
        with pytest.raises(DamagedRecordsError, match=r"^record [012]: the file ends \d+ bytes into it"):
            read_all(io.BytesIO(content[:end]), "gzip")


def test_shards_cut_short_without_compression_are_found_within_records() -> None:
    content = stored(RECORDS, "none")
    assert len(content) == RECORD_ENDS[-1]
    for size in range(len(content)):
        if size in RECORD_ENDS:  # a shorter file is a valid one: only the manifest's count tells
            assert read_all(io.BytesIO(content[:size]), "none") == RECORDS[: RECORD_ENDS.index(size)]
            continue
        whole = sum(end <= size for end in RECORD_ENDS) - 1
        with pytest.raises(DamagedRecordsError, match=f"^record {whole}: the file ends "):
            read_all(io.BytesIO(content[:size]), "none")


def test_shards_with_a_flipped_bit_are_found() -> None:
    content = stored(RECORDS[:2], "none")
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(
            DamagedRecordsError, match=f"^record {int(bit // 8 >= RECORD_ENDS[1])}: the checksum of its "
        ):
            read_all(io.BytesIO(changed), "none")


DAMAGED_FILES = [
    # content, compression, message
    (stored(RECORDS, "gzip") + b"\x00", "gzip", "record 3: other bytes follow the gzip stream"),
    (stored(RECORDS, "gzip") + b"\x1f\x8b", "gzip", "record 3: the file ends before its gzip stream does"),
    (stored(RECORDS, "gzip") + b"\x1f\x00" * 9, "gzip", "record 3: the gzip stream is damaged"),
    (stored(RECORDS, "none"), "gzip", "record 0: the gzip stream is damaged"),
    (stored(RECORDS, "gzip"), "none", "record 0: the checksum of its length is wrong"),
    (stored(RECORDS, "gzip")[:-8] + bytes(8), "gzip", "the gzip stream is damaged"),  # its own checksum
    (gzip.compress(stored(RECORDS, "none")[:-1], mtime=0), "gzip", "record 2: the file ends 715 bytes into it"),
    (b"", "gzip", "record 0: the file ends before its gzip stream does"),  # TensorFlow reads no records
]


def test_shards_one_behind_the_other_are_one() -> None:
    assert read_all(io.BytesIO(stored(RECORDS, "gzip") * 2), "gzip") == RECORDS * 2  # the manifest's count tells


@pytest.mark.parametrize(("content", "compression", "message"), DAMAGED_FILES)
def test_shards_that_are_damaged_say_where_and_why(content: bytes, compression: Compression, message: str) -> None:
    with pytest.raises(DamagedRecordsError, match=re.escape(message)):
        read_all(io.BytesIO(content), compression)
