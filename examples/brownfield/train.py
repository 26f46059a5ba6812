"""Trains a model of which customers leave, and writes its figures. It knows nothing of mlp.

    python3 train.py ../churn/data/wa_churn.csv
"""

import json
import sys

import pandas
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, recall_score, roc_auc_score

rows = pandas.read_csv(sys.argv[1])
features = ["tenure", "contract", "monthly_charges", "internet_service", "payment_method"]
x = rows[features].apply(lambda c: c if c.dtype.kind in "if" else c.astype("category").cat.codes)
test = rows["is_test"] == 1

model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, random_state=7)
model.fit(x[~test], rows["target"][~test])
score = model.predict_proba(x[test])[:, 1]
actual = rows["target"][test]

with open("metrics.json", "w") as f:
    json.dump(
        {
            "auc": round(roc_auc_score(actual, score), 4),
            "recall": round(recall_score(actual, score >= 0.5), 4),
            "log_loss": round(log_loss(actual, score), 4),
            "rows": int(test.sum()),
        },
        f,
        indent=2,
    )
    f.write("\n")
