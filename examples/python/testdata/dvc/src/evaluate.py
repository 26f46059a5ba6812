import csv
import json
import os
import pickle

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

x = np.array(list(csv.reader(open("data/prepared/test.csv")))[1:], float)
out = {}
for c in ("0.1", "10.0"):
    p = pickle.load(open(f"models/{c}.pkl", "rb")).predict_proba(x[:, :2])[:, 1]
    out["c" + c.replace(".", "_")] = {"auc": roc_auc_score(x[:, 2], p), "log_loss": log_loss(x[:, 2], p)}
os.makedirs("eval", exist_ok=True)
json.dump(out, open("eval/metrics.json", "w"))
json.dump([], open("eval/plots.json", "w"))
