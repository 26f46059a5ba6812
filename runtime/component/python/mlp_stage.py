"""What a stage of mlp takes and yields, in Python: optional, for the protocol is folders and JSON (spec/protocol.md). In a stage:

    import mlp_stage as stage
    rows = stage.table("data")                    # pandas; as_="polars", "arrow", "rows" (dicts) or "path"
    (stage.out("model") / "model.json").write_text(json.dumps(fit(rows, **stage.params)))
    stage.figures({"rows": len(rows)})

In a notebook, what an apply has stored is read by its address:

    rows = stage.open(".mlp", "dataset.customers")    # a table, as `table` gives it
    model = stage.open(".mlp", "train.model")         # a folder
"""

import datetime
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("MLP_ROOT", "/mlp"))
_spec = json.loads((ROOT / "stage.json").read_text(encoding="utf-8")) if "MLP_PROTOCOL" in os.environ else {}

config = _spec.get("config", {})  # of the block
params = config.get("params", {})  # of a block with params
seed = _spec.get("seed", 0)
inputs = sorted(port for port in _spec.get("in", {}) if port != "code")  # names of ports
checkpoint = ROOT / "checkpoint"  # a folder that is kept from one attempt to the next


def path(port):
    """The folder of an input."""
    return ROOT / "in" / port


def out(port):
    """The folder of an output."""
    return ROOT / "out" / port


def table(port, columns=None, as_="pandas"):
    """An input table with its declared types, all columns or some: a pandas or polars frame, an Arrow table, a list of dicts, or its file."""
    return _read(path(port), _spec["in"][port].get("table"), columns, as_)


def write(port, rows):
    """An output table, from a pandas or polars frame, an Arrow table or a list of dicts; Parquet, or ndjson where the block says so."""
    file = out(port) / f"table.{config.get('format', 'parquet')}"
    if file.suffix == ".parquet":
        if hasattr(rows, "write_parquet"):
            rows.write_parquet(file)
        elif hasattr(rows, "to_parquet"):
            rows.to_parquet(file, index=False)
        else:
            import pyarrow.parquet
            pyarrow.parquet.write_table(rows if hasattr(rows, "schema") else pyarrow.Table.from_pylist(rows), file)
    elif file.suffix == ".ndjson":
        rows = rows.to_pylist() if hasattr(rows, "to_pylist") else rows.to_dicts() if hasattr(rows, "to_dicts") else rows
        rows = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps({name: _plain(v) for name, v in row.items()}) + "\n" for row in rows)
    else:
        raise ValueError(f"{file.name} is the program's own to write: out({port!r}) is its folder")


def figures(values):
    """Figures of the stage, which are recorded and shown."""
    (ROOT / "out" / "metrics.json").write_text(json.dumps(values, default=_plain), encoding="utf-8")


def progress(done, total):
    """How far the stage is."""
    print(json.dumps({"mlp": "progress", "done": done, "total": total}), flush=True)


def warn(message):
    """A warning that is shown and recorded with the result."""
    print(json.dumps({"mlp": "warning", "message": message}), flush=True)


def fail(summary, detail="", again=False):
    """Ends the stage: for good, or, where the block has retries, with another attempt."""
    print(json.dumps({"mlp": "error", "summary": summary, "detail": detail}), flush=True)
    sys.exit(75 if again else 78)


def open(store, address, port=None, workspace="default", columns=None, as_="pandas", pipeline="*"):
    """What the last apply recorded of a block, in a store's folder: a table as `table` gives it; of other ports a folder with links to their files."""
    store, nodes = pathlib.Path(store).resolve(), {}
    for log in store.glob(f"log/{pipeline}/{workspace}"):
        events = (e for file in sorted(log.glob("*.json"), reverse=True) for e in json.loads(file.read_text())["revision"]["events"] if e["key"] == "node/" + address)
        nodes.update({log.parent.name: node for node in [next(events, {}).get("node")] if node})
    if len(nodes) != 1:
        raise LookupError(f"{address} is of several pipelines, say which: {sorted(nodes)}" if nodes else f"{store} has nothing of {address} in the workspace {workspace}")
    (node,) = nodes.values()
    if len(node["outputs"]) > 1 and not port or port and port not in node["outputs"]:
        raise LookupError(f"say which port of {address}: {sorted(node['outputs'])}")
    port = port or next(iter(node["outputs"]))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mlp-"))
    for f in json.loads(_object(store, node["outputs"][port]).read_text())["files"]:
        (folder / f["name"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / f["name"]).symlink_to(_object(store, f["digest"]))
    shape = node.get("shapes", {}).get(port, {}).get("table")
    return _read(folder, shape, columns, as_) if shape else folder


def _object(store, digest):
    file = store / "objects" / digest[:6] / digest[7:9] / digest[9:]
    if not file.exists():
        raise LookupError(f"{store} does not have {digest}")
    return file


def _read(folder, shape, columns, as_):
    file, types = next(folder.glob("table.*")), {c["name"]: c["type"] for c in shape["columns"]}
    columns = columns or list(types)
    if as_ == "path":
        return file
    if as_ == "polars" and file.suffix == ".parquet":
        import polars
        return polars.read_parquet(file, columns=columns)
    if as_ == "pandas" and file.suffix == ".parquet":
        import pandas
        return pandas.read_parquet(file, columns=columns)
    if file.suffix == ".parquet":
        import pyarrow.parquet
        arrow = pyarrow.parquet.read_table(file, columns=columns)
        return arrow if as_ == "arrow" else arrow.to_pylist()
    if file.suffix != ".ndjson":
        raise ValueError(f"{file} is the program's own to read: with as_='path' this gives its file")
    rows = [{name: _typed(row.get(name), types[name]) for name in columns} for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())]
    if as_ == "rows":
        return rows
    frame = __import__({"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}[as_])
    return frame.Table.from_pylist(rows) if as_ == "arrow" else frame.DataFrame({name: [row[name] for row in rows] for name in columns})


def _typed(value, kind):
    if value is None or kind not in ("date", "timestamp", "timestamp with time zone"):
        return value
    return datetime.date.fromisoformat(value) if kind == "date" else datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def _plain(value):
    value = value.item() if hasattr(value, "item") else value  # a number of numpy
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()
    return None if value != value or value in (float("inf"), float("-inf")) else value
