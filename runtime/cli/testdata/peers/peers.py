"""Writes tables for mlp to learn from, and what XGBoost and scikit-learn come to on them.

    peers.py OUT [DATA]

Writes OUT/NAME.csv for each set: features x0…, the target y, and for each split a column s0… that is 1 for test rows. OUT/peers.json has
for each set task, kinds of features ("q" a number, "c" a category), classes, splits, and test figures of both peers: ROC AUC of two classes, its
mean over classes against the rest of more, RMSE of numbers. XGBoost has the rounds, depth and rate that mlp gets; scikit-learn's histogram
boosting is as it comes, with categories as such and as ordinals, whichever is better on the test rows.

The sets are those that scikit-learn carries with it, generated ones, and of the folder DATA those that it has of FILES below.
"""
import csv, json, os, sys
import numpy as np
import xgboost
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score, mean_squared_error

ROUNDS, DEPTH, RATE = 100, 6, 0.1
SMALL, REPEATS = 10000, 10  # a set of few rows is parted several times: on few test rows one figure is chance
FEW, MORE_REPEATS = 3000, 60

# File, target, class that counts as positive, columns that are no features, columns that are categories though they look like numbers.
FILES = {
    "adult": ("Salary", ">50K", {"fnlwgt"}),
    "wa_churn": ("target", "1", set()),
    "credit_data": ("target", "1", set()),
    "diamonds": ("target", None, set()),
    "hmda": ("target", "1", set()),
    "elec": ("class", "1", set()),
    "compas": ("label_value", "1", {"entity_id"}),
}


def from_file(path, target, positive, left_out):
    """Columns with a value that is no number are categories; empty, NA and ? are missing."""
    with open(path, newline="") as f:
        rows = list(csv.reader(f, skipinitialspace=True))
    head, rows = rows[0], [r for r in rows[1:] if r]
    features, fixed = [], None
    for i, name in enumerate(head):
        values = [r[i].strip() for r in rows]
        if name == target:
            y = np.array([v == positive for v in values], float) if positive else np.array(values, float)
        elif name == "is_test":
            fixed = np.array([v == "1" for v in values])
        elif name not in left_out:
            missing = {"", "NA", "?"}
            try:
                features.append(("q", np.array([np.nan if v in missing else float(v) for v in values])))
            except ValueError:
                features.append(("c", [None if v in missing else v for v in values]))
    return "binary_classification" if positive else "regression", features, y, fixed


def numbers(task, x, y):
    return task, [("q", x[:, i]) for i in range(x.shape[1])], y.astype(float), None


def categories(seed, rows, counts):
    """Two classes that go by the effects of categories, of columns with so many of them, the frequent ones and the rare, and of two numbers."""
    r = np.random.RandomState(seed)
    margin, features = np.zeros(rows), []
    for n in counts:
        p = 1 / (10 + np.arange(n))
        codes = r.choice(n, rows, p=p / p.sum())
        margin += r.normal(0, 0.8, n)[codes]
        features.append(("c", ["v%d" % c for c in codes]))
    x = r.normal(size=(rows, 2))
    margin += x[:, 0] * 0.5 + np.sin(2 * x[:, 1])
    y = (r.uniform(size=rows) < 1 / (1 + np.exp(-margin))).astype(float)
    return "binary_classification", features + [("q", x[:, 0]), ("q", x[:, 1])], y, None


def gaps(seed, rows):
    """Friedman's first function, where each tenth value is missing."""
    x, y = datasets.make_friedman1(rows, noise=1, random_state=seed)
    x[np.random.RandomState(seed).uniform(size=x.shape) < 0.1] = np.nan
    return numbers("regression", x, y)


def every(data):
    many, two, number = "multiclass_classification", "binary_classification", "regression"
    yield "breast_cancer", numbers(two, *datasets.load_breast_cancer(return_X_y=True))
    yield "digits", numbers(many, *datasets.load_digits(return_X_y=True))
    yield "wine", numbers(many, *datasets.load_wine(return_X_y=True))
    yield "iris", numbers(many, *datasets.load_iris(return_X_y=True))
    yield "diabetes", numbers(number, *datasets.load_diabetes(return_X_y=True))
    yield "friedman1", numbers(number, *datasets.make_friedman1(20000, noise=1, random_state=1))
    yield "friedman2", numbers(number, *datasets.make_friedman2(20000, noise=100, random_state=2))
    yield "gaps", gaps(3, 20000)
    x, y = datasets.make_hastie_10_2(20000, random_state=4)
    yield "hastie", numbers(two, x, y > 0)
    yield "categories", categories(5, 30000, [20, 100, 200, 1000])
    yield "five_classes", numbers(many, *datasets.make_classification(20000, 20, n_informative=10, n_classes=5, n_clusters_per_class=2, random_state=6))
    for name, (target, positive, left_out) in FILES.items():
        path = os.path.join(data, name + ".csv") if data else ""
        if os.path.exists(path):
            yield name, from_file(path, target, positive, left_out)


def splits(name, rows, fixed):
    if fixed is not None and rows > SMALL:
        return [fixed]
    r = np.random.RandomState(sum(map(ord, name)))
    return [r.uniform(size=rows) < 0.25 for _ in range(MORE_REPEATS if rows <= FEW else REPEATS if rows <= SMALL else 1)]


def write(path, features, y, parts):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["x%d" % i for i in range(len(features))] + ["y"] + ["s%d" % i for i in range(len(parts))])
        columns = [["" if v is None or v != v else (v if kind == "c" else repr(float(v))) for v in values] for kind, values in features]
        target = ["%d" % v if v == int(v) else repr(float(v)) for v in y]
        for row in zip(*columns, target, *[p.astype(int) for p in parts]):
            w.writerow(row)


def coded(features):
    """The features as numbers, categories by the order of their names."""
    out = []
    for kind, values in features:
        if kind == "c":
            code = {v: float(i) for i, v in enumerate(sorted({v for v in values if v is not None}))}
            values = [code.get(v, np.nan) for v in values]
        out.append(np.asarray(values, float))
    return np.column_stack(out)


def figure(task, y, p):
    if task == "regression":
        return float(np.sqrt(mean_squared_error(y, p)))
    if task == "binary_classification":
        return float(roc_auc_score(y, p))
    return float(roc_auc_score(y, p, multi_class="ovr"))


def by_xgboost(task, kinds, x, y, test):
    params = {"tree_method": "hist", "max_depth": DEPTH, "eta": RATE, "nthread": 2, "objective":
              {"regression": "reg:squarederror", "binary_classification": "binary:logistic"}.get(task, "multi:softprob")}
    if task == "multiclass_classification":
        params["num_class"] = int(y.max()) + 1
    def matrix(rows):
        return xgboost.DMatrix(x[rows], y[rows], feature_types=kinds, enable_categorical=True)
    return figure(task, y[test], xgboost.train(params, matrix(~test), ROUNDS).predict(matrix(test)))


def by_sklearn(task, kinds, x, y, test):
    few = [k == "c" and np.nanmax(x[:, i]) < 255 for i, k in enumerate(kinds)]
    best = None
    for categorical in [few, None] if any(few) else [None]:
        if task == "regression":
            model = HistGradientBoostingRegressor(random_state=0, categorical_features=categorical).fit(x[~test], y[~test])
            got = figure(task, y[test], model.predict(x[test]))
        else:
            model = HistGradientBoostingClassifier(random_state=0, categorical_features=categorical).fit(x[~test], y[~test])
            p = model.predict_proba(x[test])
            got = figure(task, y[test], p[:, 1] if task == "binary_classification" else p)
        if best is None or (got < best if task == "regression" else got > best):
            best = got
    return best


def main():
    out, data = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    told = []
    for name, (task, features, y, fixed) in every(data):
        parts = splits(name, len(y), fixed)
        write(os.path.join(out, name + ".csv"), features, y, parts)
        kinds, x = [k for k, _ in features], coded(features)
        told.append({"name": name, "task": task, "kinds": kinds, "classes": len(set(y)) if task != "regression" else 0, "rows": len(y),
                     "splits": len(parts),
                     "xgboost": [by_xgboost(task, kinds, x, y, p) for p in parts],
                     "sklearn": [by_sklearn(task, kinds, x, y, p) for p in parts]})
    with open(os.path.join(out, "peers.json"), "w") as f:
        json.dump({"rounds": ROUNDS, "depth": DEPTH, "rate": RATE, "sets": told}, f)


main()
