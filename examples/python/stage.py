"""What both scripts need of mlp's stage protocol (spec/protocol.md): a description, folders, and a way to say things."""

import csv
import json
import os
import pathlib
import sys

# How many threads there are does not change the result. Threads that wait idly do no harm on a machine that has others
# to run; spinning ones, which is OpenMP's way, do.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "MLP_THREADS" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", os.environ["MLP_THREADS"])

import pandas  # noqa: E402  (after what it looks at is set)

description = json.loads((pathlib.Path(os.environ["MLP_ROOT"]) / "stage.json").read_text(encoding="utf-8"))
config = description["config"]
seed = int(os.environ["MLP_SEED"])

NUMBERS = ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "float", "double", "decimal")


def folder(variable):
    """The folder that a port's variable names, such as MLP_IN_DATA or MLP_OUT_MODEL."""
    return pathlib.Path(os.environ[variable])


def columns(port):
    """Names and types of a table, as mlp knows them: there is no guessing."""
    return {c["name"]: c["type"] for c in description["in"][port]["table"]["columns"]}


def read(port, names):
    """These columns of a port's table. Numbers and booleans become floats with NaN for null, all else becomes text."""
    types = columns(port)
    table = pandas.read_csv(folder("MLP_IN_" + port.upper()) / "table.csv", usecols=names, dtype=str, keep_default_na=False, na_values=[""])
    for name in names:
        if types[name].startswith(NUMBERS):
            table[name] = table[name].astype(float)
        elif types[name] == "boolean":
            table[name] = table[name].map({"true": 1.0, "false": 0.0})
    return table[names]


def write_scores(scores):
    """The predictions of a binary model, one for each row of the data and in its order."""
    with open(folder("MLP_OUT_PREDICTIONS") / "table.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["score"])
        out.writerows([repr(float(score))] for score in scores)


def fail(summary, detail=""):
    """Ends the stage for a mistake in what it was given: it is not tried again."""
    print(json.dumps({"mlp": "error", "summary": summary, "detail": detail}), flush=True)
    sys.exit(78)
