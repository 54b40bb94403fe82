"""load_text_folder: order, names, encodings, and what is no such folder."""

import os
import sys

import numpy as np
import pytest

from sklearn_sifal.datasets import load_text_folder


@pytest.fixture
def folder(tmp_path):
    """Three texts of two classes, and what has to be passed over."""
    for name, content in {
        "spam/2.txt": "WON",
        "spam/10.txt": "a\r\nprize",
        "ham/b.txt": "",
        "ham/.hidden": "no",
        ".git/config": "no",
        "README.txt": "no",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    (tmp_path / "ham" / "deeper").mkdir()
    return tmp_path


def test_texts_in_the_order_of_names(folder):
    data = load_text_folder(folder)
    assert data.X.tolist() == ["", "a\nprize", "WON"]
    assert data.X.dtype == object
    np.testing.assert_array_equal(data.y, ["ham", "spam", "spam"])
    assert data.target_names == ["ham", "spam"]
    names = ["ham/b.txt", "spam/10.txt", "spam/2.txt"]
    assert data.filenames.tolist() == [str(folder / name) for name in names]


def test_path_as_text(folder):
    assert load_text_folder(str(folder)).X.tolist() == load_text_folder(folder).X.tolist()


def test_pattern(folder):
    (folder / "ham" / "notes.md").write_text("no")
    assert len(load_text_folder(folder).X) == 4
    assert len(load_text_folder(folder, pattern="*.txt").X) == 3
    with pytest.raises(ValueError, match=r"ham has no files '\*\.csv'"):
        load_text_folder(folder, pattern="*.csv")


def test_another_encoding(folder):
    (folder / "spam" / "2.txt").write_bytes("Gewinn für Zoë".encode("latin-1"))
    assert load_text_folder(folder, encoding="latin-1").X[2] == "Gewinn für Zoë"
    with pytest.raises(ValueError, match=r"spam.2\.txt is not in the encoding 'utf-8'.*0xfc"):
        load_text_folder(folder)


def test_unknown_encoding(folder):
    with pytest.raises(ValueError, match=r"encoding must be .* Got 'utf-9'"):
        load_text_folder(folder, encoding="utf-9")


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*absent"):
        load_text_folder(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is not a folder"):
        load_text_folder(tmp_path / "file")


def test_too_few_classes(tmp_path):
    with pytest.raises(ValueError, match=r"two or more classes\. It has none"):
        load_text_folder(tmp_path)
    (tmp_path / "only").mkdir()
    with pytest.raises(ValueError, match="It has one, 'only'"):
        load_text_folder(tmp_path)


def test_class_without_files(folder):
    (folder / "eggs").mkdir()
    with pytest.raises(ValueError, match="eggs has no files"):
        load_text_folder(folder)


def test_a_byte_order_mark_is_no_part_of_the_text(folder):
    (folder / "ham" / "1.txt").write_text("See you", encoding="utf-8-sig")
    assert load_text_folder(folder, pattern="*.txt").X.tolist().count("See you") == 1


@pytest.mark.parametrize("encoding", ["base64", "rot13", "zlib"])
def test_codecs_of_no_text_are_no_encodings(folder, encoding):
    with pytest.raises(ValueError, match=f"must be one that Python knows. Got '{encoding}"):
        load_text_folder(folder, encoding=encoding)


def test_links_are_followed_and_named_if_they_lead_nowhere(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "mail").write_text("from elsewhere")
    (folder / "spam" / "z.txt").symlink_to(outside / "mail")
    data = load_text_folder(folder)
    assert "from elsewhere" in data.X.tolist()
    (outside / "mail").unlink()
    with pytest.raises(FileNotFoundError, match="link that leads nowhere") as caught:
        load_text_folder(folder)
    assert caught.value.filename == str(folder / "spam" / "z.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_is_not_waited_for(folder):
    before = len(load_text_folder(folder).X)
    os.mkfifo(folder / "spam" / "pipe.txt")
    assert len(load_text_folder(folder).X) == before
