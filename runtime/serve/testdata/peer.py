# A server of one model as FastAPI's and scikit-learn's guides have it: rows are checked by a model of pydantic, the classifier and its encoder of texts are
# loaded once, and each of uvicorn's workers has them. What it is started with is the file to write its model to, or to read it from.
import os
import pickle
import random
import sys

import numpy
from fastapi import FastAPI
from pydantic import BaseModel, create_model
from sklearn.ensemble import GradientBoostingClassifier

LEVELS = {"north": 0.0, "east": 1.0, "south": 2.0, "west": 3.0}
NAMES = [f"feature_{i}" for i in range(30)]
KINDS = [float] * 20 + [int] * 4 + [str] * 4 + [bool] * 2


def train(path):
    chance = random.Random(1)
    rows = [[chance.random() * 100 for _ in NAMES] for _ in range(1500)]
    labels = [chance.random() < 0.5 for _ in rows]
    model = GradientBoostingClassifier(n_estimators=300, max_depth=6, random_state=1).fit(numpy.array(rows), labels)
    with open(path, "wb") as f:
        pickle.dump(model, f)


if __name__ == "__main__":
    train(sys.argv[1])
    sys.exit()

with open(os.environ["MLP_SPEED_MODEL"], "rb") as f:
    model = pickle.load(f)
Row = create_model("Row", **{name: (kind, ...) for name, kind in zip(NAMES, KINDS)})


class Rows(BaseModel):
    rows: list[Row]


app = FastAPI()


@app.post("/v1/models/scorer/predict")
def predict(asked: Rows):
    given = [[getattr(row, name) for name in NAMES] for row in asked.rows]
    scores = model.predict_proba(numpy.array([[LEVELS[v] if isinstance(v, str) else float(v) for v in row] for row in given]))[:, 1]
    return {"model_name": "scorer", "predictions": [{"predicted": bool(s > 0.5), "score": float(s)} for s in scores]}
