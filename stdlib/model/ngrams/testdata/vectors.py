# Vectors of texts as scikit-learn's HashingVectorizer makes them, with and without its TfidfTransformer. Made with Python 3.11 and scikit-learn 1.2.1, of Debian's
# python3-sklearn: python3 vectors.py > vectors.json
import json

from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

TEXTS = [
    "The quick brown fox jumps over the lazy dog.", "the the THE dog dog", "", "   ", "a I x", "I a b_c 42 x9", "Ünïcödé straße ΟΔΟΣ İstanbul",
    "日本語のテキスト と 漢字", "tabs\tand\n\nnew  lines", "e\u0301te\u0301 \u00e9t\u00e9", "½ ² Ⅷ ٣٤ １２", "don't stop: re-use, e-mail@host.org!", "🙂🙂 ok 👍🏽",
    "nb\u00a0sp \u2003 wide \x1c sep\x1f end", "price rose 3.5% to 1,200 €", "ab", " ab ", "x" * 40,
]
CASES = [
    {"analyzer": "word", "ngram_range": [1, 1], "buckets": 65536, "lowercase": True, "alternate_sign": True, "norm": "l2", "tf_idf": False},
    {"analyzer": "word", "ngram_range": [1, 3], "buckets": 1024, "lowercase": False, "alternate_sign": False, "norm": "l1", "tf_idf": False},
    {"analyzer": "char", "ngram_range": [1, 3], "buckets": 16, "lowercase": True, "alternate_sign": True, "norm": "none", "tf_idf": False},
    {"analyzer": "char", "ngram_range": [2, 4], "buckets": 4096, "lowercase": True, "alternate_sign": True, "norm": "l2", "tf_idf": True},
    {"analyzer": "char_wb", "ngram_range": [2, 5], "buckets": 4096, "lowercase": True, "alternate_sign": True, "norm": "l2", "tf_idf": False},
    {"analyzer": "word", "ngram_range": [1, 2], "buckets": 256, "lowercase": True, "alternate_sign": False, "norm": "l2", "tf_idf": True},
]


def vectors(case):
    norm = None if case["norm"] == "none" else case["norm"]
    made = HashingVectorizer(analyzer=case["analyzer"], ngram_range=tuple(case["ngram_range"]), n_features=case["buckets"], lowercase=case["lowercase"],
                             alternate_sign=case["alternate_sign"], norm=None if case["tf_idf"] else norm)
    x = made.transform(TEXTS)
    if case["tf_idf"]:
        x = TfidfTransformer(norm=norm).fit_transform(x)
    x.sort_indices()
    return [[[int(i), float(v)] for i, v in zip(row.indices, row.data) if v != 0] for row in x]


print(json.dumps({"texts": TEXTS, "cases": [{"settings": c, "vectors": vectors(c)} for c in CASES]}))
