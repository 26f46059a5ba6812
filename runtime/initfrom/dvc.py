"""Runs a stage of DVC as a stage of mlp: lays out what the stage reads under the paths that dvc.yaml has, runs its commands there, and hands over what they
wrote. As an evaluation, the figures of a stage's metrics files. The block's params:

    run     commands for a shell, one after the other; the first that fails ends the stage
    dir     the folder that they run in
    outs    what they write, files and folders
    reads   what of other stages is laid out: {"prepare": ["data/prepared"]} are paths of the input from.prepare
    params  files of parameters with what the stage reads of them; written as JSON, which is YAML too
    floats  names in these whose numbers are floats though they are whole: 1.0, not 1
    metrics files of figures among outs
"""

import json
import os
import pathlib
import shutil
import subprocess

import mlp_stage as stage


def main():
    if "run" not in stage.params:
        return evaluate()
    files = stage.out("files")
    work = files / ".work"  # on the disk of the outputs, which are moved and not copied
    lay_out(work)
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join(p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p != str(stage.path("code")))
    folder = work / stage.params["dir"]
    folder.mkdir(parents=True, exist_ok=True)
    for command in stage.params["run"]:
        print("+", command, flush=True)
        code = subprocess.run(command, shell=True, cwd=folder, env=env).returncode
        if code != 0:
            stage.fail(f"the command ended with exit code {code}: {command}", "Its last lines are in the log.")
    missing = [out for out in stage.params["outs"] if not (work / out).exists()]
    if missing:
        stage.fail(f"the commands did not write {missing[0]}", "It is an output of the stage in dvc.yaml.")
    for out in stage.params["outs"]:
        (files / out).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / out, files / out)
    shutil.rmtree(work)
    if stage.params.get("metrics"):
        rows = [{"name": name, "value": value} for name, value in sorted(figures(files).items())]
        stage.write("table", rows)


def lay_out(work):
    """Code and data of the module are copied, since commands may write beside them; what other stages wrote is linked."""
    shutil.copytree(stage.path("code"), work)
    for folder, _, names in os.walk(work):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o755)
    for name, paths in stage.params.get("reads", {}).items():
        for path in paths:
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).symlink_to(stage.path(f"from.{name}") / path)
    for file, values in stage.params.get("params", {}).items():
        for name in stage.params.get("floats", {}).get(file, []):
            *steps, last = name.split(".")
            into = values
            for step in steps:
                into = into[int(step) if isinstance(into, list) else step]
            last = int(last) if isinstance(into, list) else last
            into[last] = float(into[last])
        (work / file).parent.mkdir(parents=True, exist_ok=True)
        (work / file).write_text(json.dumps(values), encoding="utf-8")
    for out in stage.params["outs"]:  # DVC makes the folders of outputs, too
        (work / out).parent.mkdir(parents=True, exist_ok=True)


def figures(files):
    """The numbers of metrics files under their dotted names; of several files behind the name of the file."""
    out = {}
    for file in stage.params["metrics"]:
        top = json.loads((files / file).read_text(encoding="utf-8"))
        top = top["metrics"] if isinstance(top.get("metrics"), dict) else top
        numbers(f"{pathlib.PurePath(file).stem}." if len(stage.params["metrics"]) > 1 else "", top, out)
    return out


def numbers(prefix, values, out):
    for name, value in values.items():
        if isinstance(value, dict):
            numbers(f"{prefix}{name}.", value, out)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            out[prefix + name] = value


def evaluate():
    top = {}
    for row in stage.table("data", as_="rows"):
        *steps, last = row["name"].split(".")
        into = top
        for step in steps:
            into = into.setdefault(step, {})
        into[last] = row["value"]
    stage.figures({"metrics": top})


main()
