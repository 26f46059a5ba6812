import csv
import json
import os
import random
import sys

p = json.load(open("params.json"))["prepare"]
assert isinstance(p["scale"], float), p
random.seed(p["seed"])
os.makedirs("data/prepared", exist_ok=True)
head, *rows = csv.reader(open(sys.argv[1]))
random.shuffle(rows)
cut = int(len(rows) * p["split"])
for name, part in [("test", rows[:cut]), ("train", rows[cut:])]:
    with open(f"data/prepared/{name}.csv", "w") as f:
        csv.writer(f).writerows([head, *part])
