import csv
import json
import pickle
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

x = np.array(list(csv.reader(open("data/prepared/train.csv")))[1:], float)
model = LogisticRegression(C=float(sys.argv[1]), fit_intercept=json.load(open("params.json")).get("intercept", True)).fit(x[:, :2], x[:, 2])
pickle.dump(model, open(sys.argv[2], "wb"))
