"""Writes inspection.json beside it: a logistic regression, permutation importance and partial dependence by scikit-learn (1.2.1, Debian's python3-sklearn)."""

import json
import pathlib

import numpy as np
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression

rng = np.random.RandomState(7)
x = np.round(rng.normal(size=(200, 3)), 2)
y = (x[:, 0] + 0.4 * x[:, 1] + rng.normal(size=200) > 0).astype(int)
m = LogisticRegression().fit(x, y)
out = {"x": x.tolist(), "y": y.tolist(), "coefficients": m.coef_[0].tolist(), "intercept": m.intercept_[0], "importance": {}, "dependence": []}
for name, scoring in {"auc": "roc_auc", "loss": "neg_log_loss"}.items():
    p = permutation_importance(m, x, y, scoring=scoring, n_repeats=400, random_state=3)
    out["importance"][name] = {"mean": p.importances_mean.tolist(), "std": p.importances_std.tolist(), "repeats": 400}
for f in range(3):
    d = partial_dependence(m, x, [f], grid_resolution=7, kind="both", method="brute", response_method="predict_proba")
    grid = d["grid_values"] if "grid_values" in d else d["values"]
    out["dependence"].append({"at": grid[0].tolist(), "average": d["average"][0].tolist(), "curves": d["individual"][0][:5].tolist()})
pathlib.Path(__file__).with_name("inspection.json").write_text(json.dumps(out))
