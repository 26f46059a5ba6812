"""What MLflow's client writes to its file store, for where the client is not installed."""

import contextlib
import os
import pathlib
import shutil
import time
import urllib.parse
import uuid

run = None


@contextlib.contextmanager
def start_run():
    global run
    uri = os.environ.get("MLFLOW_TRACKING_URI", "mlruns")
    run = pathlib.Path(urllib.parse.urlparse(uri).path) / "0" / uuid.uuid4().hex
    for folder in ("artifacts", "metrics", "params", "tags"):
        (run / folder).mkdir(parents=True)
    (run / "meta.yaml").write_text(f"artifact_uri: {uri}\nend_time: null\nlifecycle_stage: active\nrun_id: {run.name}\nstart_time: {int(time.time() * 1000)}\nstatus: 1\n")
    yield


def log_param(name, value):
    (run / "params" / name).write_text(str(value))


def log_metric(name, value, step=0):
    with open(run / "metrics" / name, "a") as f:
        f.write(f"{int(time.time() * 1000)} {value} {step}\n")


def log_artifact(path):
    shutil.copy(path, run / "artifacts")
