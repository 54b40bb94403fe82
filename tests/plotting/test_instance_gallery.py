"""Texts in a list and images in a grid."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from matplotlib.figure import Figure

from sklearn_sifal.inspection import ranked_instances
from sklearn_sifal.plotting import InstanceGalleryDisplay
from sklearn_sifal.plotting._images import as_images
from sklearn_sifal.plotting._row_texts import as_texts
from sklearn_sifal.plotting._text_layout import cut, text_measure, wrapped

TEXTS = ["card not here", "it costs $5, not $6", "hi"]


def written(display):
    return [text.get_text() for text in display.ax_.texts]


def test_a_list_of_texts():
    display = InstanceGalleryDisplay.from_arrays(
        TEXTS,
        [0.5, 2.25, 1.0],
        y=["late", "fee", "late"],
        y_pred=["late", "late", "late"],
        visits=[1, 7, 2],
        n_instances=2,
    )
    assert written(display) == [
        *("row", "text", "label", "predicted", "loss (nats)", "visits"),
        *("1", TEXTS[1], "fee", "✗\xa0late", "2.25", "7"),
        *("2", "hi", "late", "late", "1.00", "2"),
    ]
    assert [text.get_text() for text in display.texts_] == [TEXTS[1], "hi"]
    assert not any(text.get_parse_math() for text in display.ax_.texts)
    assert display.images_ == []


def test_orders():
    losses, visits = [0.5, 2.0, 1.0], [4, 0, 9]
    for order, expected in (
        ("hardest", [1, 2, 0]),
        ("easiest", [0, 2, 1]),
        ("most_visited", [2, 0, 1]),
    ):
        display = InstanceGalleryDisplay.from_arrays(TEXTS, losses, visits=visits, order=order)
        assert display.instances.rows.tolist() == expected
    with pytest.raises(ValueError, match="'order' parameter"):
        InstanceGalleryDisplay.from_arrays(TEXTS, losses, order="worst")
    with pytest.raises(ValueError, match="needs the visits of the training rows"):
        InstanceGalleryDisplay.from_arrays(TEXTS, losses, order="most_visited")


LONG = ["word " * 200, "é" * 500, "$" * 300, "short"]


@pytest.mark.parametrize("size", [None, (4, 3), (8, 6)])
def test_texts_neither_overlap_nor_leave_the_axes(size):
    ax = None if size is None else plt.figure(figsize=size, layout="constrained").subplots()
    names = ["a_long_label_name_that_goes_on_and_on"] * 4
    display = InstanceGalleryDisplay.from_arrays(
        LONG, [4, 3, 2, 1], y=names, y_pred=names, visits=[1, 2, 3, 4], ax=ax
    )
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    whole = display.ax_.get_window_extent().padded(2)
    for number, box in enumerate(boxes):
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1
        assert whole.y0 <= box.y0
        for other in boxes[:number]:
            assert not box.overlaps(other)


def test_long_texts_end_in_an_ellipsis():
    display = InstanceGalleryDisplay.from_arrays(LONG, [4, 3, 2, 1], max_lines=2)
    first, *_, last = (text.get_text() for text in display.texts_)
    assert first.count("\n") == 1
    assert first.endswith("…")
    assert last == "short"


def letters(text):
    return float(len(text))


@pytest.mark.parametrize(
    "text, lines",
    [
        ("one two three", ["one two", "three"]),
        ("unbreakable", ["unbreaka", "ble"]),
        ("card_not_here", ["card_", "not_here"]),
        ("card_ok_arrived", ["card_ok_", "arrived"]),
        ("a b c d e f g h i j", ["a b c d", "e f g h", "i j"]),
        ("one\n\ntwo", ["one two"]),
        ("✗\xa0abc def", ["✗\xa0abc", "def"]),
        ("", [""]),
    ],
)
def test_wrapping_by_letters(text, lines):
    assert wrapped(text, 8, letters, 3) == lines


def test_wrapping_is_cut_after_the_last_line():
    assert wrapped("one two three four five", 8, letters, 2) == ["one two", "three f…"]
    assert cut("abcdefghij", 5, letters) == "abcd…"
    assert cut("abcde", 5, letters) == "abcde"


def test_measured_widths_are_those_of_the_font():
    width = text_measure(10.0)
    assert width("iiii") < width("mmmm")
    np.testing.assert_allclose(text_measure(20.0)("text"), 2 * width("text"))


def test_a_grid_of_images(read):
    images = np.arange(3 * 4.0).reshape(3, 4)  # three images of 2 x 2
    display = InstanceGalleryDisplay.from_arrays(
        images, [1, 3, 2], y=[7, 8, 9], y_pred=[7, 1, 9], visits=[1, 5, 2], image_shape=(2, 2)
    )
    shown = [np.asarray(image.get_array()).tolist() for image in display.images_]
    assert shown == [[[4, 5], [6, 7]], [[8, 9], [10, 11]], [[0, 1], [2, 3]]]
    assert written(display)[:3] == ["8", "✗ 1", "loss 3.00, 5×"]
    assert written(display)[3:5] == ["9", "→ 9"]
    assert {image.get_clim() for image in display.images_} == {(0, 11)}  # one scale for all
    lefts = [image.get_extent()[0] for image in display.images_]
    assert lefts == sorted(lefts)


def test_columns_of_images():
    display = InstanceGalleryDisplay.from_arrays(
        np.zeros((7, 4)), np.arange(7.0), image_shape=(2, 2), n_columns=3
    )
    tops = {image.get_extent()[3] for image in display.images_}
    assert len(tops) == 3
    with pytest.raises(ValueError, match="'n_columns' parameter"):
        display.plot(n_columns=0)


def test_titles_of_images_do_not_overlap():
    names = ["a long label that has no room"] * 10
    display = InstanceGalleryDisplay.from_arrays(
        np.zeros((10, 64)), np.arange(10.0), y=names, y_pred=names, image_shape=(8, 8)
    )
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in display.texts_]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
    assert written(display)[0].endswith("…")


@pytest.mark.parametrize(
    "contents, image_shape, shape",
    [
        (np.zeros((5, 6)), (2, 3), (5, 2, 3)),
        (np.zeros((5, 2, 3)), None, (5, 2, 3)),
        (np.zeros((5, 18)), (2, 3, 3), (5, 2, 3, 3)),
        (np.zeros((5, 24)), (3, 2, 4), (5, 3, 2, 4)),  # channels last where both would do
        (np.zeros((5, 30)), (3, 2, 5), (5, 2, 5, 3)),
        (np.zeros((5, 1, 2, 3)), (1, 2, 5 - 2), (5, 1, 2, 3)),
        (np.zeros((5, 1, 2, 2)), None, (5, 2, 2)),
        (np.zeros((5, 6, 1)), (2, 3, 1), (5, 2, 3)),
        (sp.csr_array(np.eye(4)), (2, 2), (4, 2, 2)),
    ],
)
def test_shapes_of_images(contents, image_shape, shape):
    assert as_images(contents, image_shape).shape == shape


def test_channels_first_are_moved_to_the_end():
    image = np.arange(3 * 2 * 5)
    found = as_images([image], (3, 2, 5))
    np.testing.assert_array_equal(found[0, :, :, 1], image.reshape(3, 2, 5)[1])


def test_ranges_of_colors():
    assert as_images(np.full((1, 2, 2, 3), 0.5), None).max() == 0.5
    assert as_images(np.full((1, 2, 2, 3), 200.0), None).dtype == np.uint8
    assert as_images(np.full((1, 2, 2, 3), 300), None).max() == 255


@pytest.mark.parametrize(
    "contents, image_shape, message",
    [
        (np.zeros((2, 5)), (2, 2), r"image_shape=\(2, 2\) has 4 values. Got .* 5"),
        (np.zeros((2, 4)), (4,), "'image_shape' parameter"),
        (np.zeros((2, 4)), (2, 2, 7), "'image_shape' parameter"),
        (np.zeros((2, 4)), "small", "'image_shape' parameter"),
        (np.zeros((2, 4)), None, "Images need image_shape"),
        (np.array([["a"]]), (1, 1), "must be numbers to be images"),
        (np.zeros((2, 5, 5, 5)), None, "1, 3 or 4 channels"),
    ],
)
def test_what_is_no_image(contents, image_shape, message):
    with pytest.raises(ValueError, match=message):
        as_images(contents, image_shape)


@pytest.mark.parametrize(
    "contents, texts",
    [
        (["a", "b"], ["a", "b"]),
        (np.array([[1.23456, 2], [0, -1e-9]]), ["1.23, 2", "0, -1e-09"]),
        (np.array([[1, 20], [3, 4]]), ["1, 20", "3, 4"]),
        (sp.csr_array([[0, 1.5, 0], [2.0, 0, 1]]), ["1: 1.5", "0: 2, 2: 1"]),
        (pd.DataFrame({"age": [20, 30], "city": ["x", "y"]}), ["20, x", "30, y"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        ([np.array([1, 2]), np.array([3])], ["1, 2", "3"]),
        ([None, 3.0], ["None", "3"]),
    ],
)
def test_rows_of_any_kind_as_texts(contents, texts):
    assert as_texts(contents) == texts
    display = InstanceGalleryDisplay.from_arrays(contents, [2.0, 1.0])
    assert [text.get_text() for text in display.texts_] == texts


def test_headings_fit_what_is_below(regression):
    display = InstanceGalleryDisplay.from_estimator(regression.model, regression.X, regression.y)
    assert written(display)[:5] == ["row", "values", "target", "predicted", "loss"]
    texts = InstanceGalleryDisplay.from_arrays(np.array(["a"]), [12345.6])
    assert written(texts) == ["row", "text", "loss (nats)", "0", "a", "12,346"]


def test_wide_rows_are_cut():
    assert as_texts(np.ones((1, 10**6), dtype=int))[0].count("1") == 200
    assert as_texts(sp.csr_array(np.ones((1, 1000))))[0].count(":") == 200


def test_data_frames_of_pixels_are_images():
    frame = pd.DataFrame(np.arange(8).reshape(2, 4))
    assert as_images(frame, (2, 2))[1].tolist() == [[4, 5], [6, 7]]


def test_of_a_fit(texts, numbers):
    display = InstanceGalleryDisplay.from_estimator(
        texts.model, texts.X, texts.y, is_training=True, n_instances=3
    )
    table = display.instances
    losses = texts.net.instance_losses(texts.model[:-1].transform(texts.X), texts.y)
    assert table.rows.tolist() == np.argsort(-losses, kind="stable")[:3].tolist()
    assert list(table.contents) == [texts.X[row] for row in table.rows]
    assert table.predictions.tolist() == texts.model.predict(table.contents).tolist()
    assert table.visits.tolist() == texts.net.visit_counts_[table.rows].tolist()
    assert (
        InstanceGalleryDisplay.from_estimator(texts.model, texts.X, texts.y).instances.visits
        is None
    )  # other rows have none
    record = InstanceGalleryDisplay.from_estimator(
        texts.model, y=texts.y, contents=texts.X, order="most_visited"
    )
    assert record.instances.visits[0] == texts.net.visit_counts_.max()
    with pytest.raises(ValueError, match="contents must be given without X"):
        InstanceGalleryDisplay.from_estimator(texts.model)
    images = InstanceGalleryDisplay.from_estimator(
        numbers.model, numbers.X, numbers.y, image_shape=(2, 2), ax=Figure().subplots()
    )
    assert len(images.images_) == 10


def test_kinds_and_keywords():
    table = ranked_instances([1.0, 2.0], contents=np.zeros((2, 2, 2)))
    assert len(InstanceGalleryDisplay(table, kind="image").plot(cmap="viridis").images_) == 2
    texts = ranked_instances([1.0, 2.0], contents=["a", "b"])
    assert InstanceGalleryDisplay(texts).plot(color="red").texts_[0].get_color() == "red"
    with pytest.raises(ValueError, match="'kind' parameter"):
        InstanceGalleryDisplay(table, kind="sound").plot()
    with pytest.raises(ValueError, match="must have contents"):
        InstanceGalleryDisplay(ranked_instances([1.0])).plot()
    with pytest.raises(ValueError, match="'max_lines' parameter"):
        InstanceGalleryDisplay(texts).plot(max_lines=0)


def test_a_pixel_that_is_missing_blanks_no_other():
    pixels = np.array([[0.0, 1.0, 2.0, np.nan], [0.5, 0.5, 0.5, 3.0]])
    display = InstanceGalleryDisplay.from_arrays(pixels, [1.0, 2.0], image_shape=(2, 2))
    assert display.images_[0].get_clim() == (0, 3)
