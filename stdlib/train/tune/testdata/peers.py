"""What Optuna's TPESampler comes to on the problems of the tests, and the tables that some of the problems are.

    peers.py tables DATA OUT     writes OUT: for each data set the loss of a model on rows apart from its own, at each point of a grid
    peers.py search TABLES SEEDS prints, as JSON, the median over seeds of the least loss after so many trials, above the least that there is

Needs Debian's python3-optuna, and for tables python3-sklearn. The problems are those of tune_test.go by the same names.
A table is what tuning is on real data, at the price of a look-up: scikit-learn's histogram boosting on half of the rows, log loss or RMSE on the
others, over numbers of trees, learning rates, leaves, rows in a leaf and l2. Both sides search whole numbers, which are places in the lists.
"""
import csv, json, math, os, sys, warnings

import numpy as np

TREES = [8, 14, 24, 40, 60, 90, 120, 160]
RATES = [0.02, 0.05, 0.1, 0.2, 0.5]
LEAVES = [4, 10, 31]
ROWS = [2, 10, 40]
L2 = [0, 5]
ROWS_AT_MOST = 2000
TRIALS, DRAWN = {"function": 50, "table": 30}, 10


def from_file(path, target, positive):
    with open(path, newline="") as f:
        head, *rows = [r for r in csv.reader(f, skipinitialspace=True) if r]
    rows = [rows[i] for i in np.random.RandomState(0).permutation(len(rows))[:ROWS_AT_MOST]]
    x, y = [], None
    for i, name in enumerate(head):
        values = [r[i].strip() for r in rows]
        if name == target:
            y = np.array([v == positive for v in values] if positive else values, float)
        elif name != "is_test":
            try:
                x.append([np.nan if v in ("", "?", "NA") else float(v) for v in values])
            except ValueError:
                code = {v: k for k, v in enumerate(sorted(set(values)))}
                x.append([code[v] for v in values])
    return np.array(x, float).T, y, positive is not None


def data_sets(data):
    from sklearn import datasets
    yield "breast_cancer", (*datasets.load_breast_cancer(return_X_y=True), True)
    x, y = datasets.load_digits(return_X_y=True)
    yield "digits", (x, (y % 2).astype(float), True)
    yield "diabetes", (*datasets.load_diabetes(return_X_y=True), False)
    yield "adult", from_file(os.path.join(data, "adult.csv"), "Salary", ">50K")
    yield "diamonds", from_file(os.path.join(data, "diamonds.csv"), "target", None)


def tables(data, out):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import log_loss, mean_squared_error
    told = {"shape": [len(d) for d in (TREES, RATES, LEAVES, ROWS, L2)], "tables": {}}
    for name, (x, y, classes) in data_sets(data):
        test = np.random.RandomState(1).uniform(size=len(y)) < 0.5
        made = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        losses = np.zeros(told["shape"])
        for place in np.ndindex(*told["shape"][1:]):
            rate, leaves, rows, l2 = (d[k] for d, k in zip((RATES, LEAVES, ROWS, L2), place))
            m = made(max_iter=TREES[-1], learning_rate=rate, max_leaf_nodes=leaves, min_samples_leaf=rows, l2_regularization=l2, early_stopping=False, random_state=0)
            m.fit(x[~test], y[~test])
            for k, p in enumerate(m.staged_predict_proba(x[test]) if classes else m.staged_predict(x[test])):
                if k + 1 in TREES:
                    losses[(TREES.index(k + 1),) + place] = log_loss(y[test], p[:, 1]) if classes else math.sqrt(mean_squared_error(y[test], p))
        told["tables"][name] = [float("%.5g" % v) for v in losses.flat]
        print(name, losses.min(), np.median(losses), file=sys.stderr, flush=True)
    with open(out, "w") as f:
        json.dump(told, f, separators=(",", ":"))
        f.write("\n")


def branin(t):
    x, y = t.suggest_float("x1", -5, 10), t.suggest_float("x2", 0, 15)
    a = y - 5.1 / (4 * math.pi ** 2) * x * x + 5 / math.pi * x - 6
    return a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(t):
    a = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    c = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991], [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
    x = [t.suggest_float("x%d" % (j + 1), 0, 1) for j in range(6)]
    return -sum(w * math.exp(-sum(a[i][j] * (x[j] - 1e-4 * c[i][j]) ** 2 for j in range(6))) for i, w in enumerate([1, 1.2, 3, 3.2]))


def rosenbrock(t):
    x, y = t.suggest_float("x1", -2, 2), t.suggest_float("x2", -2, 2)
    return 100 * (y - x * x) ** 2 + (1 - x) ** 2


def ackley(t):
    x = [t.suggest_float("x%d" % (j + 1), -30, 30) for j in range(4)]
    return -20 * math.exp(-0.2 * math.sqrt(sum(v * v for v in x) / 4)) - math.exp(sum(math.cos(2 * math.pi * v) for v in x) / 4) + 20 + math.e


def mixed(t):
    depth, growth, rate = t.suggest_int("depth", 1, 12), t.suggest_categorical("growth", [0, 1, 2]), t.suggest_float("rate", 1e-4, 1, log=True)
    loss = (math.log10(rate) + 1.3) ** 2 + abs(depth - 5) / 4
    if growth == 1:
        return loss + abs(math.log2(t.suggest_int("leaves", 2, 256, log=True)) - 5) / 4
    return loss + 0.6 + growth / 4


def problems(path):
    yield "branin", branin, 0.397887, TRIALS["function"]
    yield "rosenbrock", rosenbrock, 0, TRIALS["function"]
    yield "mixed", mixed, 0, TRIALS["function"]
    yield "ackley", ackley, 0, TRIALS["function"]
    yield "hartmann6", hartmann6, -3.32237, TRIALS["function"]
    with open(path) as f:
        told = json.load(f)
    for name, losses in told["tables"].items():
        at = np.array(losses).reshape(told["shape"])
        def of(t, at=at):
            return float(at[tuple(t.suggest_int("x%d" % (j + 1), 0, n - 1) for j, n in enumerate(at.shape))])
        yield name, of, float(at.min()), TRIALS["table"]


def search(optuna, f, seed, trials, batch):
    """Ten trials are drawn; the others are chosen so many at a time, those of a batch taking the ones before them for bad ones."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=DRAWN, constant_liar=batch > 1))
    done = 0
    while done < trials:
        asked = [study.ask() for _ in range(1 if done < DRAWN else batch)]
        for t, v in [(t, f(t)) for t in asked]:
            study.tell(t, v)
        done += len(asked)
    return study.best_value


def compare(path, seeds, only):
    warnings.filterwarnings("ignore")
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    told = {"optuna": optuna.__version__, "seeds": seeds, "medians": {}}
    for name, f, least, trials in problems(path):
        if only and name not in only:
            continue
        told["medians"][name] = [float("%.4g" % np.median([search(optuna, f, s, trials, batch) - least for s in range(seeds)])) for batch in (1, 5)]
        print(name, told["medians"][name], file=sys.stderr, flush=True)
    print(json.dumps(told, indent=1))


if sys.argv[1] == "tables":
    tables(*sys.argv[2:4])
else:
    compare(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
