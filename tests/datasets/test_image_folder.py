"""load_image_folder: pixels by hand, sizes, colours, and what is no such folder."""

import sys

import numpy as np
import pytest

from sklearn_sifal.datasets import load_image_folder

Image = pytest.importorskip("PIL.Image")

# Two rows of three pixels: red, green, blue; black, white, grey.
COLOURS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [255, 255, 255], [90, 90, 90]]], np.uint8
)


def write(path, pixels, **options):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "b" / "2.png", COLOURS)
    write(tmp_path / "b" / "10.PNG", COLOURS[:, ::-1])
    write(tmp_path / "a" / "x.bmp", np.full((2, 3), 7))
    for name in ("a/notes.txt", "a/.hidden.png", "beside.png"):
        (tmp_path / name).write_text("not an image")
    return tmp_path


def test_colours(folder):
    data = load_image_folder(folder)
    assert data.image_shape == (2, 3, 3)
    assert data.X.dtype == np.uint8
    np.testing.assert_array_equal(data.X[0], np.full(18, 7))
    np.testing.assert_array_equal(data.X[1].reshape(data.image_shape), COLOURS[:, ::-1])
    np.testing.assert_array_equal(data.X[2].reshape(data.image_shape), COLOURS)
    np.testing.assert_array_equal(data.y, ["a", "b", "b"])
    assert data.target_names == ["a", "b"]
    names = ["a/x.bmp", "b/10.PNG", "b/2.png"]
    assert data.filenames.tolist() == [str(folder / name) for name in names]


def test_brightness(folder):
    data = load_image_folder(folder, grayscale=True)
    assert data.image_shape == (2, 3)
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue
    expected = [76, 150, 29, 0, 255, 90]
    np.testing.assert_allclose(data.X[2], expected, atol=1)


def test_one_shape_for_all(folder):
    write(folder / "a" / "y.png", np.full((40, 8), 200))
    data = load_image_folder(folder, image_shape=(4, 5), grayscale=True)
    assert data.X.shape == (4, 20)
    assert data.image_shape == (4, 5)
    np.testing.assert_array_equal(data.X[1], np.full(20, 200))


def test_height_comes_first(folder):
    gradient = np.repeat([[0], [100], [200]], 2, axis=1)  # three rows of two pixels
    write(folder / "a" / "x.bmp", gradient)
    data = load_image_folder(folder, image_shape=np.array([3, 2]).tolist(), grayscale=True)
    np.testing.assert_array_equal(data.X[0].reshape(3, 2), gradient)


def test_different_sizes_are_named(folder):
    write(folder / "b" / "3.png", np.zeros((5, 4)))
    with pytest.raises(ValueError, match=r"image_shape=.*x\.bmp has 2 x 3 .*3\.png has 5 x 4"):
        load_image_folder(folder)


def test_transparent_pixels_are_white(folder):
    opaque_black, transparent_black = [0, 0, 0, 255], [0, 0, 0, 0]
    write(folder / "a" / "x.png", [[opaque_black, transparent_black, opaque_black]] * 2)
    data = load_image_folder(folder, grayscale=True)
    np.testing.assert_array_equal(data.X[1], [0, 255, 0, 0, 255, 0])


def test_photographs_are_turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    # Stored lying: three rows of two. Turned, the first column is the lowest row.
    stored = np.array([[10, 20], [30, 40], [50, 60]])
    write(folder / "a" / "x.png", stored, exif=exif)
    data = load_image_folder(folder, grayscale=True)
    np.testing.assert_array_equal(data.X[1].reshape(2, 3), [[50, 30, 10], [60, 40, 20]])


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_unreadable_image_is_named(folder, content):
    (folder / "b" / "5.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"5\.png cannot be read as an image"):
        load_image_folder(folder)


def test_image_that_was_cut_off_is_named(folder):
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3))
    write(folder / "b" / "5.png", noise)
    content = (folder / "b" / "5.png").read_bytes()
    (folder / "b" / "5.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"5\.png cannot be read as an image"):
        load_image_folder(folder)


def test_sixteen_bits_are_refused(folder):
    Image.fromarray(np.full((2, 3), 40000, np.uint16)).save(folder / "b" / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png .*more than 8 bits .*'I;16'"):
        load_image_folder(folder)


@pytest.mark.parametrize("shape", [28, (28,), (28, 28, 3), (0, 5), (2.5, 3), "ab"])
def test_image_shape_is_checked(folder, shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width\)"):
        load_image_folder(folder, image_shape=shape)


def test_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        load_image_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="It has none"):
        load_image_folder(tmp_path)
    write(tmp_path / "a" / "1.png", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="It has one, 'a'"):
        load_image_folder(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    with pytest.raises(ValueError, match="b has no images"):
        load_image_folder(tmp_path)


def test_missing_pillow_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn_sifal\[datasets\]"'):
        load_image_folder(folder)
