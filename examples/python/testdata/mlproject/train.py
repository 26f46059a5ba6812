import argparse
import csv
import pickle

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

try:
    import mlflow
except ImportError:
    import tracking as mlflow

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--C", type=float)
parser.add_argument("--note")
parser.add_argument("--out")
args = parser.parse_args()

rows = np.array(list(csv.reader(open(args.data)))[1:], float)
x, y = rows[:, :2], rows[:, 2]
with mlflow.start_run():
    mlflow.log_param("C", args.C)
    mlflow.log_param("note", args.note)
    model = LogisticRegression(C=args.C).fit(x[:300], y[:300])
    p = model.predict_proba(x[300:])[:, 1]
    mlflow.log_metric("auc", roc_auc_score(y[300:], p))
    mlflow.log_metric("log_loss", log_loss(y[300:], p))
    with open(args.out, "wb") as f:
        pickle.dump(model, f)
    mlflow.log_artifact(args.out)
