# Models of text as scikit-learn fits them. Made with Python 3.11 and scikit-learn 1.2.1, of Debian's python3-sklearn: python3 text.py > text.json
# Rows have a text of words drawn at random, some of which move the target, and a number; the last 60 rows are not fitted on.
import json
import random

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge

r, q = random.Random(7), random.Random(8)
WORDS = ["late", "broken", "refund", "angry", "thanks", "great", "fast", "Über", "naïve", "the", "a", "parcel", "arrived", "it", "was", "box", "call", "me", "ok", "not"] + ["w%d" % i for i in range(80)]
MOVES = {"late": 1.2, "broken": 2, "refund": 1.5, "angry": 1, "thanks": -1.5, "great": -2, "fast": -1, "naïve": 0.7}
texts, numbers, y, k, c = [], [], [], [], []
for i in range(360):
    words = [r.choice(WORDS) for _ in range(r.randint(0, 14))]
    number = round(r.gauss(3, 2), 3)
    margin = sum(MOVES.get(w, 0) for w in words) + 0.4 * number - 1.2
    texts.append(" ".join(words))
    numbers.append(number)
    y.append(round(margin + r.gauss(0, 0.5), 4))
    k.append(int(r.random() < 1 / (1 + np.exp(-margin))))
    c.append("abcd"[int(np.searchsorted([-1.5, 0.5, 3], margin + q.gauss(0, 0.7)))])
fitted = 300
number = np.array(numbers)
scaled = (number - number[:fitted].mean()) / number[:fitted].std()
cases = []
for settings, more, l1 in [
    ({}, {}, 0),
    ({"analyzer": "char_wb", "ngram_range": [2, 4], "buckets": 4096, "norm": "l2"}, {}, 0),
    ({"ngram_range": [1, 2], "buckets": 512, "alternate_sign": False, "tf_idf": True}, {}, 0),
    ({"buckets": 1024}, {}, 0.3),
]:
    tf_idf = settings.get("tf_idf", False)
    made = HashingVectorizer(analyzer=settings.get("analyzer", "word"), ngram_range=tuple(settings.get("ngram_range", [1, 1])), n_features=settings.get("buckets", 65536),
                             alternate_sign=settings.get("alternate_sign", True), norm=None if tf_idf else "l2")
    x = made.transform(texts)
    if tf_idf:
        x = TfidfTransformer().fit(x[:fitted]).transform(x)
    x = x[:, np.unique(x[:fitted].indices)]  # the coefficients of the others are 0
    x = csr_matrix(hstack([x, csr_matrix(scaled.reshape(-1, 1))]))
    if l1:
        m = LogisticRegression(penalty="elasticnet", solver="saga", C=1 / (l1 + 0.5), l1_ratio=l1 / (l1 + 0.5), tol=1e-9, max_iter=100000).fit(x[:fitted], k[:fitted])
        params = {"l1": l1, "l2": 0.5}
    else:
        m = LogisticRegression(C=2.0, solver="saga", tol=1e-8, max_iter=20000).fit(x[:fitted], k[:fitted])
        params = {"l2": 0.5}
    cases.append({"target": "k", "settings": settings, "params": params, "want": m.predict_proba(x)[:, 1].tolist()})
    m = m.set_params(tol=1e-9, max_iter=100000).fit(x[:fitted], c[:fitted])
    cases.append({"target": "c", "settings": settings, "params": params, "wants": m.predict_proba(x).T.tolist()})
    if not l1:
        m = Ridge(alpha=0.5, tol=1e-13, solver="sparse_cg", max_iter=100000).fit(x[:fitted], y[:fitted])
        cases.append({"target": "y", "settings": settings, "params": {"l2": 0.5}, "want": m.predict(x).tolist()})
print(json.dumps({"texts": texts, "numbers": numbers, "y": y, "k": k, "c": c, "fitted": fitted, "cases": cases}))
