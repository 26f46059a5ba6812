"""Trains scikit-learn's histogram gradient boosting on the table that mlp hands over, and keeps it as a pickle."""

import json
import pickle

import stage

from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

features, target = stage.config["features"], stage.config["target"]
params = stage.config.get("params", {})
positive = stage.config.get("positive", "1")
if stage.columns("data")[target] == "boolean":
    positive = {"true": "1", "false": "0"}.get(positive, positive)

table = stage.read("data", features + [target])
known = table[table[target].notna()]
labels = known[target].map(lambda v: v if isinstance(v, str) else f"{v:g}")
if labels.nunique() < 2:
    stage.fail(f"the target {target!r} has one class only: {sorted(labels.unique())}", "There is nothing to tell apart.")
if positive not in set(labels):
    stage.fail(f"the target {target!r} has no class {positive!r}", f"It has {sorted(labels.unique())}.")

types = stage.columns("data")
text = [f for f in features if types[f] == "varchar"]
other = [f for f in features if types[f] != "varchar"]
encode = make_column_transformer(
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan")), text),
    ("passthrough", other),
    verbose_feature_names_out=False,
)
model = make_pipeline(
    encode,
    HistGradientBoostingClassifier(
        max_iter=int(params.get("trees", 100)),
        learning_rate=float(params.get("learning_rate", 0.1)),
        max_depth=int(params["max_depth"]) if "max_depth" in params else None,
        categorical_features=list(range(len(text))),
        early_stopping=False,
        random_state=stage.seed,
    ),
)
model.fit(known[features], (labels == positive).astype(int))
print(f"trained on {len(known)} rows, {int((labels == positive).sum())} of them positive")

out = stage.folder("MLP_OUT_MODEL")
(out / "model.pickle").write_bytes(pickle.dumps(model, protocol=5))
(out / "features.json").write_text(json.dumps(features) + "\n", encoding="utf-8")
