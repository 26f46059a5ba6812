"""Runs an entry point of an MLproject file as a stage of mlp: lays out the project's files, runs the command with its parameters there, and hands over what it
wrote. As an evaluation, the figures that it logged. The block's params:

    run     the command, a format string as in MLproject: {alpha} is the parameter alpha as one word of a shell
    values  parameters
    paths   names of those that are files or folders of the project; the command is given the whole path
    floats  names of those that are floats, though they may be whole: 1.0, not 1

What the command wrote or changed is an output under the same path. What it logged with MLflow's client becomes mlflow/metrics.json (the last value of each),
mlflow/params.json and mlflow/artifacts: the client's own files have new names and times in each run.
"""

import filecmp
import json
import os
import pathlib
import shlex
import shutil
import subprocess

import mlp_stage as stage


def main():
    if "run" not in stage.params:
        return evaluate()
    files = stage.out("files")
    work, runs = files / ".work", files / ".mlruns"  # on the disk of the outputs, which are moved and not copied
    shutil.copytree(stage.path("code"), work)
    for folder, _, names in os.walk(work):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o755)
    command = stage.params["run"].format(**{name: shlex.quote(text(name, value, work)) for name, value in stage.params.get("values", {}).items()})
    env = dict(os.environ, MLFLOW_TRACKING_URI=runs.as_uri())
    env["PYTHONPATH"] = os.pathsep.join(p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p != str(stage.path("code")))
    print("+", command, flush=True)
    code = subprocess.run(command, shell=True, cwd=work, env=env).returncode
    if code != 0:
        stage.fail(f"the command ended with exit code {code}: {command}", "Its last lines are in the log.")
    hand_over(work, files)
    metrics = logged(runs, files / "mlflow")
    shutil.rmtree(work)
    shutil.rmtree(runs, ignore_errors=True)
    if not any(files.iterdir()):
        stage.fail(f"the command wrote no file: {command}", "What a stage yields are the files that it writes in the folder of the project, or logs with MLflow's client.")
    if stage.config.get("key"):
        stage.write("table", [{"name": name, "value": value} for name, value in sorted(metrics.items())])


def text(name, value, work):
    """A parameter as MLflow writes it into a command."""
    if name in stage.params.get("paths", []) and "://" not in str(value):
        path = work / str(value)
        if not path.exists():
            stage.fail(f"there is no {value}, which the parameter {name} names", "It must be among the files of the block in pipeline.mlp.")
        return str(path)
    if name in stage.params.get("floats", []):
        return repr(float(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def hand_over(work, files):
    """Moves what is new or changed since the files were laid out."""
    code = stage.path("code")
    for folder, folders, names in os.walk(work):
        folders[:] = [f for f in folders if f not in ("__pycache__", "mlruns")]
        for name in names:
            path = pathlib.Path(folder) / name
            at = path.relative_to(work)
            if path.suffix == ".pyc" or (code / at).exists() and filecmp.cmp(path, code / at, shallow=False):
                continue
            (files / at).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, files / at)


def logged(runs, into):
    """Hands over what is in the file store of MLflow's client, of several runs the later one's before an earlier one's. The result are the metrics."""
    found = []
    for run in runs.glob("*/*"):
        meta = run / "meta.yaml"
        if meta.exists():
            start = [line.split(":", 1)[1].strip() for line in meta.read_text(encoding="utf-8").splitlines() if line.startswith("start_time:")]
            found.append((int(start[0]) if start and start[0].isdigit() else 0, run))
    metrics, params = {}, {}
    for _, run in sorted(found):
        for path in sorted(p for p in (run / "metrics").rglob("*") if p.is_file()):
            value = float(path.read_text(encoding="utf-8").splitlines()[-1].split()[1])  # "time value step"
            metrics[path.relative_to(run / "metrics").as_posix()] = value
        for path in sorted(p for p in (run / "params").rglob("*") if p.is_file()):
            params[path.relative_to(run / "params").as_posix()] = path.read_text(encoding="utf-8")
        if (run / "artifacts").is_dir():
            shutil.copytree(run / "artifacts", into / "artifacts", dirs_exist_ok=True)
    finite = {name: value for name, value in metrics.items() if value - value == 0}
    for name, values in (("metrics", finite), ("params", params)):
        if values:
            into.mkdir(exist_ok=True)
            (into / f"{name}.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return finite


def evaluate():
    stage.figures({"metrics": {row["name"]: row["value"] for row in stage.table("data", as_="rows")}})


main()
