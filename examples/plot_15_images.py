"""
Images: which digits are hard, and are they trained on most?
============================================================

A net learns handwritten digits, and importance sampling decides what it looks at again. Which
images keep a large loss, which were visited most often, and are they the same ones?
"""

# %%
# MNIST if its files are there (``fetch_mnist()`` without an argument downloads them), else
# the small digits that come with scikit-learn. 10,000 images will do.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sifal.datasets import fetch_mnist


def load_images() -> tuple:
    """Pixels in [0, 1] and digits to train on and to test on, and the shape of an image."""
    try:
        mnist = fetch_mnist(download_if_missing=False)
    except OSError:
        pixels, digits = load_digits(return_X_y=True)
        X, X_test, y, y_test = train_test_split(
            (pixels / 16).astype(np.float32), digits, test_size=0.3, random_state=0
        )
        return X, X_test, y, y_test, (8, 8)
    X, X_test = (images.astype(np.float32) / 255 for images in (mnist.X_train, mnist.X_test))
    return X[:10_000], X_test, mnist.y_train[:10_000], mnist.y_test, mnist.image_shape


X, X_test, y, y_test, image_shape = load_images()
print(f"{len(X)} images of {image_shape[0]} x {image_shape[1]} pixels to train on")

# %%
# Three seeds, and training on all images alike for comparison, at equal visits:
from sklearn_sifal import LossSampledClassifier

models = {
    (name, seed): LossSampledClassifier(name, budget=4, random_state=seed).fit(X, y)
    for name in ("base", "importance")
    for seed in range(3)
}
for (name, seed), model in models.items():
    print(f"{name}, seed {seed}: test accuracy {model.score(X_test, y_test):.4f}")

# %%
# The images with the largest loss under the finished net, with label, prediction (where it is
# another one), loss and visits:
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import InstanceGalleryDisplay, VisitCountDisplay

model = models["importance", 0]
hardest = InstanceGalleryDisplay.from_estimator(
    model, X, y, is_training=True, image_shape=image_shape, n_instances=15
)
plt.show()

# %%
# The images that were trained on most often:
most_visited = InstanceGalleryDisplay.from_estimator(
    model, X, y, is_training=True, image_shape=image_shape, n_instances=15, order="most_visited"
)
plt.show()

# %%
# How the visits are spread, over the images and over deciles of their loss:
VisitCountDisplay.from_estimator(model, X, y, by="decile")
plt.show()

# %%
# The same in numbers. How many of the hardest hundredth of the images are among the most visited
# hundredth, and how often were they visited?
losses, visits = model.instance_losses(X, y), model.visit_counts_
count = len(y) // 100
rows_hardest = np.argsort(-losses, kind="stable")[:count]
rows_visited = np.argsort(-visits, kind="stable")[:count]
shared = np.intersect1d(rows_hardest, rows_visited).size
print(f"{shared} of the {count} hardest are among the {count} most visited")
print(f"visits: {visits[rows_hardest].mean():.1f} for the hardest, {visits.mean():.1f} on average")
easy = losses <= np.quantile(losses, 0.1)
print(f"        {visits[easy].mean():.1f} for the easiest tenth")
ratio = {digit: visits[y == digit].mean() / visits.mean() for digit in range(10)}
print("visits by digit:", ", ".join(f"{digit}: {r:.2f}" for digit, r in ratio.items()))

# %%
# The hardest images are sloppy, cut off or unlike the rest of their digit, and the net gets all
# of those shown wrong: with MNIST a 1 as a blot and threes that could be nines; of the small digits
# fours written like a Y, and ones with a stroke at the top. The hardest hundredth was
# trained on again and again, 11.1 times on average with MNIST (8.8 with the small digits) where
# the easiest tenth has 1.8 (2.9) visits; eights were visited a quarter more than their share,
# and with MNIST nines as well.
#
# The most visited are other images all the same, 79 of 100 with MNIST: an image is drawn once a
# round at most, so that hundreds are tied at the top, and among them are many that the net
# has got right in the end. A large loss says what was not learnt, many visits what
# was hard on the way. Look at both.
#
# The limit: looking at images explains the choice and does not justify it. By test accuracy
# importance sampling gained nothing here: it is 0.04 points behind training on everything with
# MNIST and 0.3 with the small digits, and the seeds differ by more. And an image with a wrong
# label would be among the hardest, and would be visited as often as these.
