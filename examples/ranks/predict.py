"""Scores a table with the model that train.py wrote."""

import json

import mlp_stage
import numpy

model = json.loads((mlp_stage.path("model") / "model.json").read_text())
rows = mlp_stage.table("data", as_="rows")
x = numpy.array([[r[f] for f in model["features"]] for r in rows], dtype=float).reshape(len(rows), len(model["features"]))
x = numpy.hstack([(x - numpy.array(model["mean"])) / numpy.array(model["scale"]), numpy.ones((len(rows), 1))])
logits = x @ numpy.array(model["weights"])
p = numpy.exp(logits - logits.max(1, keepdims=True))
p /= p.sum(1, keepdims=True)
mlp_stage.write("predictions", [{f"score_{c}": float(v) for c, v in zip(model["classes"], row)} for row in p])
