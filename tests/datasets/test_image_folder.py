"""load_image_folder: pixels by hand, sizes, colours, and what is no such folder."""

import os
import struct
import sys
import zlib

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
    with pytest.raises(NotADirectoryError, match=r"test_image_folder\.py is not a folder"):
        load_image_folder(__file__)
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


# --------------------------------------------------------------------- links and nodes


def test_links_are_followed_out_of_the_folder(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    write(outside / "class c" / "1.png", COLOURS)
    write(outside / "other.png", COLOURS)
    (folder / "c").symlink_to(outside / "class c")
    (folder / "a" / "y.png").symlink_to(outside / "other.png")
    data = load_image_folder(folder)
    assert data.y.tolist() == ["a", "a", "b", "b", "c"]
    assert data.filenames[1] == str(folder / "a" / "y.png")
    assert data.filenames[4] == str(folder / "c" / "1.png")


@pytest.mark.parametrize("place", ["c", "a/z.png"])
@pytest.mark.parametrize("target, message", [("absent", "leads nowhere"), (None, "symbolic links")])
def test_a_link_that_leads_nowhere_or_to_itself_is_named(folder, place, target, message):
    (folder / place).symlink_to(target or folder / place)
    with pytest.raises(OSError, match=message) as caught:
        load_image_folder(folder)
    assert caught.value.filename == str(folder / place)


def test_a_link_to_the_folder_above_is_read_no_deeper(folder):
    (folder / "beside.png").unlink()
    (folder / "c").symlink_to(".")
    with pytest.raises(ValueError, match=r"c has no images"):
        load_image_folder(folder)


def test_other_and_hidden_links_are_passed_over(folder):
    for place in ("a/notes", "a/.z.png", ".c"):
        (folder / place).symlink_to("absent")
    assert len(load_image_folder(folder).X) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder / "a" / "y.png")
    assert len(load_image_folder(folder).X) == 3


# -------------------------------------------------------------------- hostile contents


def png_of(width, height):
    """A picture of one colour, packed so well that it has a hundredth of a byte a pixel."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    packer = zlib.compressobj()
    rows = b"".join(packer.compress(bytes(1 + (width + 7) // 8)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part)
        for part in ((b"IHDR", header), (b"IDAT", rows + packer.flush()), (b"IEND", b""))
    )


@pytest.mark.parametrize("height", [11_000, 30_000])  # of which Pillow warns, and which it refuses
def test_an_image_that_would_fill_the_memory_is_named(folder, height):
    (folder / "b" / "bomb.png").write_bytes(png_of(10_000, height))
    with pytest.raises(ValueError, match=r"bomb\.png cannot .* more pixels than PIL\.Image\.MAX"):
        load_image_folder(folder, image_shape=(2, 3))


def test_large_images_are_read_on_request(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(ValueError, match=r"MAX_IMAGE_PIXELS, 5;"):
        load_image_folder(folder)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert len(load_image_folder(folder).X) == 3


@pytest.mark.parametrize("kind", ["EPS", "ICO"])
def test_formats_that_the_ending_does_not_stand_for_are_not_drawn(folder, kind):
    # Pillow has PostScript, a program, run by another program.
    Image.fromarray(COLOURS).save(folder / "b" / "x", format=kind)
    (folder / "b" / "x").rename(folder / "b" / "x.png")
    with pytest.raises(ValueError, match=r"x\.png cannot be read as an image"):
        load_image_folder(folder)


def test_an_image_without_the_right_to_read_it_is_an_os_error(folder, monkeypatch):
    def refused(file, **_):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(PermissionError):
        load_image_folder(folder)
