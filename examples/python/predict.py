"""Scores the table that mlp hands over with the model that train.py made."""

import json
import pickle

import stage

model_folder = stage.folder("MLP_IN_MODEL")
features = json.loads((model_folder / "features.json").read_text(encoding="utf-8"))
missing = [f for f in features if f not in stage.columns("data")]
if missing:
    stage.fail(f"the data has no column {', '.join(missing)}", "The model was trained with it.")

with open(model_folder / "model.pickle", "rb") as file:
    model = pickle.load(file)
stage.write_scores(model.predict_proba(stage.read("data", features))[:, 1])
