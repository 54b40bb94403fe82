"""Rows of pixels as images that matplotlib draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import is_integer, reject_value

_CHANNELS = (1, 3, 4)


def as_images(contents: Any, image_shape: Sequence[int] | None) -> NDArray[Any]:
    """Images of shape (n, height, width), or (n, height, width, 3 or 4) with colours.

    Parameters
    ----------
    contents : array-like of shape (n, ...), or sparse matrix
        Pixels, in rows or as images.
    image_shape : sequence of int, default=None
        Shape of one image; None is that of the contents.

    Returns
    -------
    images : ndarray
        Grey values as they are; colours as uint8, or as floats in [0, 1]. Floats above 1
        are taken for the range 0 to 255.
    """
    if hasattr(contents, "toarray"):
        contents = contents.toarray()
    if hasattr(contents, "to_numpy"):
        contents = contents.to_numpy()
    pixels = np.asarray([np.asarray(content) for content in contents])
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"contents must be numbers to be images. Got dtype {pixels.dtype}.")
    shape = tuple(pixels.shape[1:]) if image_shape is None else _checked(image_shape)
    if np.prod(shape) != np.prod(pixels.shape[1:]):
        raise ValueError(
            f"image_shape={shape} has {np.prod(shape)} values. "
            f"Got contents of shape {pixels.shape[1:]} with {np.prod(pixels.shape[1:])}."
        )
    if len(shape) not in (2, 3):
        raise ValueError(f"Images need image_shape=(height, width, ...). Contents are {shape}.")
    return _colored(_channels_last(pixels.reshape(len(pixels), *shape), shape))


def _checked(image_shape: Any) -> tuple[int, ...]:
    shape = tuple(image_shape) if isinstance(image_shape, Sequence | np.ndarray) else ()
    fits = len(shape) == 2 or (
        len(shape) == 3 and (shape[-1] in _CHANNELS or shape[0] in _CHANNELS)
    )
    if not fits or not all(is_integer(size, 1) for size in shape):
        expected = "(height, width), (height, width, channels) or (channels, height, width)"
        reject_value("InstanceGalleryDisplay", "image_shape", expected, image_shape)
    return tuple(int(size) for size in shape)


def _channels_last(images: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if len(shape) == 3 and shape[-1] not in _CHANNELS:
        if shape[0] not in _CHANNELS:
            raise ValueError(f"Images have 1, 3 or 4 channels. Got shape {shape}.")
        images = np.moveaxis(images, 1, -1)
    return images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images


def _colored(images: NDArray[Any]) -> NDArray[Any]:
    if images.ndim == 3:
        return images
    colored: NDArray[Any] = np.clip(images, 0, 255).astype(np.uint8)
    if images.dtype.kind == "f" and np.nanmax(images) <= 1:
        colored = np.clip(images, 0, 1)
    return colored
