"""
Searching over the sampling percentage
======================================

How large a part of the loss should a round cover? The percentage is a parameter like
any other, so a grid search answers it; so is the strategy itself, and so are the
parameters of a strategy.
"""

# %%
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.datasets import make_intents
from sklearn_sifal.strategies import Percentage

queries, intents = make_intents(2000, n_intents=12, random_state=0)
model = make_pipeline(
    RegexPreprocessor(),
    CountVectorizer(ngram_range=(1, 2)),
    LossSampledClassifier(sampling_strategy="percentage", budget=3, random_state=0),
)

# %%
# Every candidate spends the same number of row visits, so that the search compares what
# they do with them. 100 is training on everything.
search = GridSearchCV(
    model, {"losssampledclassifier__sampling_percentage": [10, 25, 50, 75, 100]}, cv=3
)
search.fit(queries, intents)
results = search.cv_results_
for percentage, mean, deviation in zip(
    results["param_losssampledclassifier__sampling_percentage"],
    results["mean_test_score"],
    results["std_test_score"],
    strict=True,
):
    print(f"{percentage:5} %  {mean:.3f} ± {deviation:.3f}")

# %%
# The picture puts the differences beside the spread over the folds.
import matplotlib.pyplot as plt

figure, axis = plt.subplots(layout="constrained")
axis.errorbar(
    list(results["param_losssampledclassifier__sampling_percentage"]),
    results["mean_test_score"],
    yerr=results["std_test_score"],
    marker="o",
    capsize=3,
)
axis.set(
    xlabel="share of the loss covered (%)",
    ylabel="cross-validated accuracy",
    title="Equal visits, 3 folds, bars of one standard deviation",
)
plt.show()

# %%
# The strategies, by name:
search = GridSearchCV(
    model.set_params(losssampledclassifier__sampling_percentage=None),
    {
        "losssampledclassifier__sampling_strategy": [
            "base",
            "random",
            "percentage",
            "guarded_importance",
        ]
    },
    cv=3,
)
search.fit(queries, intents)
print(
    dict(
        zip(
            ["base", "random", "percentage", "guarded_importance"],
            search.cv_results_["mean_test_score"].round(3),
            strict=True,
        )
    )
)

# %%
# A strategy given as an instance brings its own parameters into reach:
model.set_params(losssampledclassifier__sampling_strategy=Percentage(75))
search = GridSearchCV(
    model, {"losssampledclassifier__sampling_strategy__refresh": ["once", "table", "epoch"]}, cv=3
)
search.fit(queries, intents)
print(search.best_params_, round(search.best_score_, 3))

# %%
# The limit: with differences smaller than the spread over the folds, the search picks a
# winner all the same. On clean, balanced data that is the usual case.
