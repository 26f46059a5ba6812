"""Softmax regression over several ranks: each has a share of the rows, and all take the same steps, by the sum of their gradients."""

import json

import mlp_stage
import numpy

from allreduce import RANK, WORLD, Group

features, target, classes = mlp_stage.config["features"], mlp_stage.config["target"], mlp_stage.config["classes"]
steps, rate, penalty = int(mlp_stage.params["steps"]), mlp_stage.params["rate"], mlp_stage.params["penalty"]

rows = [r for r in mlp_stage.table("data", as_="rows") if r[target] is not None][RANK::WORLD]
x = numpy.array([[r[f] for f in features] for r in rows], dtype=float).reshape(len(rows), len(features))
y = numpy.array([[float(str(r[target]) == c) for c in classes] for r in rows]).reshape(len(rows), len(classes))

with Group() as group:
    # Means and deviations of all rows, of which no rank has all.
    count, total, squares = numpy.split(group.allreduce(numpy.stack([numpy.full(len(features), float(len(rows))), x.sum(0), (x * x).sum(0)])), 3)
    mean = (total / count)[0]
    scale = numpy.sqrt(numpy.maximum(squares[0] / count[0] - mean * mean, 1e-12))
    x = numpy.hstack([(x - mean) / scale, numpy.ones((len(rows), 1))])
    weights = numpy.zeros((len(features) + 1, len(classes)))
    for step in range(steps):
        logits = x @ weights
        p = numpy.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        loss = -(y * numpy.log(numpy.maximum(p, 1e-12))).sum()
        summed = group.allreduce(numpy.append((x.T @ (p - y)).ravel(), [loss, len(rows)]))
        gradient = summed[:-2].reshape(weights.shape) / summed[-1] + penalty * weights
        weights -= rate * gradient
        if step % 50 == 49:
            print(f"step {step + 1}: loss {summed[-2] / summed[-1]:.6f}")
            mlp_stage.progress(step + 1, steps)

if RANK == 0:  # the model is that of rank 0, and all have the same
    model = {"features": features, "classes": classes, "mean": mean.tolist(), "scale": scale.tolist(), "weights": weights.tolist()}
    (mlp_stage.out("model") / "model.json").write_text(json.dumps(model))
    mlp_stage.figures({"metrics": {"loss": summed[-2] / summed[-1], "ranks": WORLD}})
