"""What lib.gguf promises: blocks by hand, files written here, and the model's own file."""

import doctest
import hashlib
import struct

import numpy as np
import pytest

from lib import gguf as gguf_module
from lib.gguf import Gguf, Table, read_gguf, unpack_f32, unpack_q4_1, unpack_q8_0
from lib.pretrained import decoder_file


def half(*numbers: float) -> bytes:
    return np.array(numbers, "<f2").tobytes()


def text(word: str) -> bytes:
    coded = word.encode("utf-8")
    return struct.pack("<Q", len(coded)) + coded


def file(settings: list[bytes], tables: list[bytes], data: bytes, version: int = 3) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tables), len(settings))
    head += b"".join(settings) + b"".join(tables)
    return head + bytes(-len(head) % 32) + data


def setting(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def table(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    turned = struct.pack(f"<{len(shape)}Q", *shape[::-1])
    return text(name) + struct.pack("<I", len(shape)) + turned + struct.pack("<IQ", kind, offset)


# Blocks ---------------------------------------------------------------------------------------


def test_a_block_of_eight_bits_is_a_scale_times_whole_numbers():
    numbers = np.arange(-128, -96, dtype=np.int8)
    data = np.frombuffer(half(0.25) + numbers.tobytes() + half(2.0) + bytes(32), np.uint8)
    found = unpack_q8_0(data)
    assert found[:32].tolist() == [0.25 * i for i in range(-128, -96)]
    assert found[32:].tolist() == [0.0] * 32
    assert found.dtype == np.float32


def test_a_block_of_four_bits_is_a_scale_times_whole_numbers_plus_a_minimum():
    packed = bytes(i | (15 - i) << 4 for i in range(16))  # below 0 ... 15, above 15 ... 0
    found = unpack_q4_1(np.frombuffer(half(0.5, -3.0) + packed, np.uint8))
    below = [0.5 * i - 3 for i in range(16)]
    assert found.tolist() == below + below[::-1]


def test_plain_numbers_stay_what_they_are():
    assert unpack_f32(np.frombuffer(struct.pack("<2f", 1.5, -2), np.uint8)).tolist() == [1.5, -2]


# Files ----------------------------------------------------------------------------------------

SETTINGS = [
    setting("name", 8, text("Käse")),
    setting("count", 4, struct.pack("<I", 7)),
    setting("share", 6, struct.pack("<f", 0.5)),
    setting("yes", 7, b"\x01"),
    setting("words", 9, struct.pack("<IQ", 8, 2) + text("a") + text("bc")),
    setting("nested", 9, struct.pack("<IQ", 5, 3) + struct.pack("<3i", -1, 0, 1)),
]


def test_settings_and_tables_are_read_by_name(tmp_path):
    rows = np.arange(6, dtype="<f4")
    packed = half(1.0) + np.arange(32, dtype=np.int8).tobytes()
    data = rows.tobytes() + bytes(8) + packed
    tables = [table("rows", (2, 3), 0, 0), table("packed", (1, 32), 8, 32)]
    path = tmp_path / "a b.gguf"
    path.write_bytes(file(SETTINGS, tables, data))
    found = read_gguf(path)
    assert found.settings == {
        "name": "Käse",
        "count": 7,
        "share": 0.5,
        "yes": True,
        "words": ["a", "bc"],
        "nested": [-1, 0, 1],
    }
    assert found["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["packed"].tolist() == [list(range(32))]
    assert found.tables["packed"].kind == "Q8_0"
    with pytest.raises(KeyError, match=r"a b.gguf has no table 'row'"):
        found["row"]


def test_another_alignment_is_kept(tmp_path):
    aligned = setting("general.alignment", 4, struct.pack("<I", 64))
    head = file([aligned], [table("x", (1,), 0, 0)], b"")
    path = tmp_path / "x.gguf"
    path.write_bytes(head + bytes(-len(head) % 64) + struct.pack("<f", 3.0))
    assert read_gguf(path)["x"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no GGUF file: it is empty"),
        (b"PK\x03\x04" + bytes(40), "is no GGUF file"),
        (file([], [], b"", version=1), "version 1 of GGUF"),
        (
            file([], [table("x", (32,), 2, 0)], bytes(18)),
            "packs 'x' as kind 2; read are .* 3 .Q4_1",
        ),
        (file([], [table("x", (4,), 0, 0)], bytes(12)), "cut short: table 'x'"),
        (file([], [table("x", (2, 48), 8, 0)], bytes(102)), "rows of 48 .* blocks of 32"),
        (file(SETTINGS, [], b"")[:90], "cut short: it ends within its settings"),
        (file([setting("x", 99, b"")], [], b""), "unknown kind 99"),
    ],
)
def test_files_that_cannot_be_read_are_refused_by_name(tmp_path, content, words):
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        read_gguf(path)
    assert "broken.gguf" in str(error.value)


# The model's file -----------------------------------------------------------------------------


def test_the_models_file_holds_what_its_card_says():
    found = decoder_file()
    assert found.settings["general.name"] == "Smollm2 135M 8k Lc100K Mix1 Ep2"
    assert len(found.tables) == 272
    kinds = [t.kind for t in found.tables.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"Q8_0": 1, "F32": 61, "Q4_1": 210}
    assert found.tables["blk.0.ffn_down.weight"].shape == (576, 1536)
    size = max(t.end for t in found.tables.values())
    assert size == found.path.stat().st_size  # the tables end where the file ends
    assert isinstance(found, Gguf)
    assert isinstance(found.tables["output_norm.weight"], Table)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("blk.0.attn_q.weight", "aa74111ad24c3624"),
        ("blk.29.ffn_down.weight", "c19605745425a11e"),
        ("token_embd.weight", "3fd491c8066dd9dc"),
    ],
)
def test_unpacked_tables_are_those_of_the_formats_own_reader(name, digest):
    # Digests made once with gguf 0.17.1 (quants.dequantize), which the book does not need.
    assert hashlib.sha256(decoder_file()[name].tobytes()).hexdigest()[:16] == digest


def test_the_examples_are_true():
    failed, tried = doctest.testmod(gguf_module)
    assert tried
    assert not failed
