"""What 'mlp init --from adult.csv --tune' and 'mlp apply' do, by hand: adult.py adult.csv OUT [TRIALS]

Needs Debian's python3-sklearn, python3-optuna, python3-pandas and python3-matplotlib.
"""
import base64
import hashlib
import io
import json
import pathlib
import subprocess
import sys

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
import sklearn
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

matplotlib.use("agg")
path, out = sys.argv[1], pathlib.Path(sys.argv[2])
trials = int(sys.argv[3]) if len(sys.argv) > 3 else 30
out.mkdir(parents=True, exist_ok=True)

# The columns, and that the file has these and no others.
NUMBERS = ["fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
CATEGORIES = ["workclass", "education", "occupation", "relationship", "native-country"]
PROTECTED = ["age", "marital-status", "race", "sex"]
TARGET, POSITIVE = "Salary", ">50K"
data = pd.read_csv(path, skipinitialspace=True, na_values=["?"])
if set(data.columns) != {*NUMBERS, *CATEGORIES, *PROTECTED, TARGET}:
    sys.exit("other columns: %s" % sorted(data.columns))
for column in NUMBERS + ["age"]:
    if not pd.api.types.is_numeric_dtype(data[column]):
        sys.exit("%s is not a number" % column)
if data[TARGET].isna().any() or data[TARGET].nunique() != 2:
    sys.exit("the target is not one of two values")
features, y = NUMBERS + CATEGORIES, (data[TARGET] == POSITIVE).astype(int)

# Sides: the same share of each class on each. Early stopping takes its own rows of the training side.
rest, test = train_test_split(data.index, test_size=0.2, stratify=y, random_state=7)
train, selection = train_test_split(rest, test_size=0.15 / 0.8, stratify=y[rest], random_state=7)
x_test, y_test = data.loc[test, features], y[test]


def fit(params):
    categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = HistGradientBoostingClassifier(
        max_iter=500, early_stopping=True, validation_fraction=0.2, random_state=7, **params
    )
    return make_pipeline(
        make_column_transformer((categories, CATEGORIES), remainder="passthrough"), model
    ).fit(data.loc[train, features], y[train])


def objective(trial):
    params = {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 9),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 100, log=True),
        "l2_regularization": trial.suggest_float("l2_regularization", 0.01, 10, log=True),
    }
    return log_loss(y[selection], fit(params).predict_proba(data.loc[selection, features])[:, 1])


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=7))
study.enqueue_trial({"learning_rate": 0.05, "max_depth": 6})
study.optimize(objective, n_trials=trials)
model = fit(study.best_params)
nothing = DummyClassifier().fit(data.loc[train, features], y[train])
score = model.predict_proba(x_test)[:, 1]
blind = nothing.predict_proba(x_test)[:, 1]


def interval(figure, *columns):
    random, drawn = np.random.RandomState(7), []
    for _ in range(200):
        rows = random.randint(0, len(test), len(test))
        drawn.append(figure(*(np.asarray(c)[rows] for c in columns)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": figure(*map(np.asarray, columns)), "low": low, "high": high}


def equalized_odds_difference(actual, score, group):
    rates = []
    for name in set(group):
        of = group == name
        if of.sum() >= 50:
            (tn, fp), (fn, tp) = confusion_matrix(actual[of], score[of] > 0.5, labels=[0, 1])
            rates.append((tp / max(tp + fn, 1), fp / max(fp + tn, 1)))
    return float(np.max(np.ptp(rates, axis=0)))


importance = permutation_importance(
    model, x_test, y_test, scoring="roc_auc", n_repeats=5, random_state=7
)
means, deviations = importance.importances_mean, importance.importances_std
figures = {
    "log_loss": interval(log_loss, y_test, score),
    "auc": interval(roc_auc_score, y_test, score),
    "nothing": {"log_loss": log_loss(y_test, blind)},
    "fairness": {
        column: interval(equalized_odds_difference, y_test, score, data.loc[test, column])
        for column in ["marital-status", "race", "sex"]
    },
    "importance": {
        name: {"mean": mean, "std": std}
        for name, mean, std in zip(features, means, deviations)
    },
    "trials": [{"params": t.params, "log_loss": t.value} for t in study.trials],
    "best": study.best_params,
}
gate = {
    "knows more than nothing": figures["log_loss"]["value"] < 0.95 * figures["nothing"]["log_loss"],
    "better than chance": figures["auc"]["low"] > 0.5,
}

# The report: one file that needs no other.
pictures = []
for draw in [
    lambda ax: RocCurveDisplay.from_predictions(y_test, score, ax=ax),
    lambda ax: PrecisionRecallDisplay.from_predictions(y_test, score, ax=ax),
    lambda ax: CalibrationDisplay.from_predictions(y_test, score, n_bins=10, ax=ax),
    lambda ax: ConfusionMatrixDisplay.from_predictions(y_test, score > 0.5, ax=ax),
    lambda ax: PartialDependenceDisplay.from_estimator(
        model, x_test[:500], NUMBERS[1:4], ax=ax
    ),
]:
    figure, ax = plt.subplots()
    draw(ax)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    pictures.append('<img src="data:image/png;base64,%s">' % encoded)
worst = (score - y_test).abs().nlargest(20)
tables = [
    pd.DataFrame({k: figures[k] for k in ["log_loss", "auc"]}).T,
    pd.DataFrame(figures["fairness"]).T,
    pd.DataFrame(figures["importance"]).T.sort_values("mean", ascending=False),
    pd.DataFrame(figures["trials"]),
    pd.DataFrame({"row": worst.index, "actual": y_test[worst.index], "wrong by": worst}),
    pd.DataFrame({"passed": gate}),
]
report = "".join(pictures) + "".join(table.to_html() for table in tables)
(out / "report.html").write_text("<!doctype html><title>adult</title>" + report)

# The record: what the figures are of.
commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
record = {
    "data": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
    "code": hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest(),
    "commit": commit,
    "versions": {"scikit-learn": sklearn.__version__, "optuna": optuna.__version__},
    "figures": figures,
    "gate": {rule: bool(passed) for rule, passed in gate.items()},
}
(out / "record.json").write_text(json.dumps(record, indent=1))
joblib.dump(model, out / "model.joblib")
sys.exit(0 if all(gate.values()) else 1)
