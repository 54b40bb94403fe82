"""The IDX format, byte by byte."""

import gzip
import tracemalloc

import numpy as np
import pytest

from sklearn_sifal.datasets._idx_files import read_idx

# Two dimensions, 2 x 3, of unsigned bytes.
_HEADER = b"\0\0\x08\x02" + b"\0\0\0\x02" + b"\0\0\0\x03"
_VALUES = bytes([1, 2, 3, 4, 5, 255])


@pytest.mark.parametrize("packed", [False, True])
def test_bytes_of_a_table(tmp_path, packed):
    path = tmp_path / ("table.gz" if packed else "table")
    content = _HEADER + _VALUES
    path.write_bytes(gzip.compress(content) if packed else content)
    array = read_idx(path)
    np.testing.assert_array_equal(array, [[1, 2, 3], [4, 5, 255]])
    assert array.dtype == np.uint8


def test_lengths_are_big_endian(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(b"\0\0\x08\x01" + b"\0\0\x01\x02" + bytes(258))
    assert read_idx(path).shape == (258,)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no IDX file"),
        (b"\x89PNG\r\n", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\0", "no IDX file of unsigned bytes"),  # 0x0D: floats
        (_HEADER + _VALUES[:-1], r"has 17 bytes, and should have 18 .* shape \(2, 3\)"),
        (_HEADER + _VALUES + b"\0", "has 19 bytes, and should have 18"),
        (_HEADER[:6], "has 6 bytes"),
    ],
)
def test_other_content_is_an_error_that_names_the_file(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(OSError, match=rf"file.*{message}|file is {message}"):
        read_idx(path)


def test_packed_file_that_was_cut_off(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(_HEADER + _VALUES)[:-9])
    with pytest.raises(OSError, match=r"file\.gz is incomplete"):
        read_idx(path)


def test_no_more_is_unpacked_than_the_header_says(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(_HEADER + _VALUES + bytes(50_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match=r"has 19 bytes, and should have 18 .*not read"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("header", [_HEADER, b"\0\0\x08\xff" + b"\xff" * 1020])
def test_more_values_than_are_expected_are_not_read(tmp_path, header):
    path = tmp_path / "file"
    path.write_bytes(header + _VALUES)
    with pytest.raises(OSError, match=r"file has an array of shape \(.*too large"):
        read_idx(path, most_values=5)


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(_HEADER, mtime=0)[:10] + b"\xff" * 50]
)
def test_packed_file_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"file\.gz is incomplete or damaged"):
        read_idx(path)
