"""Makes the layer of an image that has a requirements file or a lock file installed, for mlp's image.python.

It runs in the base image, without a network unless the block asks for one, and writes two files to $MLP_OUT_IMAGE: layer.tar, whose bytes depend on the
installed files alone, and image.json, which says what the layer lies on. Nothing is built: wheels are taken as they are, by their hashes.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

PREFIX = "/opt/mlp/python"  # where the image has the packages
ROOT = pathlib.Path(os.environ["MLP_ROOT"])
SPEC = json.loads((ROOT / "stage.json").read_text())
CONFIG = SPEC["config"]


def fail(summary, detail=""):
    print(json.dumps({"mlp": "error", "summary": summary, "detail": detail}), flush=True)
    sys.exit(78)


def check_version():
    wanted, found = CONFIG.get("python"), ".".join(map(str, sys.version_info[:3]))
    if wanted and (found + ".").find(wanted + ".") != 0:
        fail(f"the image has Python {found}, and the block asks for {wanted}", "Name another base image, or the version that this one has.")


def pip(index, hashes):
    """The command of the image's pip, or else of one that the requirements name and the index has: a wheel runs as it is, and is imported as it is."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    for wheel in sorted(index.glob("pip-*.whl")) if index else []:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() in hashes:
            sys.path.append(str(wheel))
            return [sys.executable, str(wheel / "pip")]
    fail("the base image has no pip", "Take an image that has, or put the wheel of pip into the index and into the requirements, with its hash.")


def locked(lock):
    """The requirements file that a lock file comes to for this Python."""
    import mlp_lock

    try:
        lines = mlp_lock.requirements(lock)
    except mlp_lock.Refused as e:
        fail(f"{CONFIG['lock']}: {e.args[0]}", e.args[1])
    print(lines, flush=True)
    out = ROOT / "checkpoint" / "requirements.txt"
    out.write_text(lines)
    return out


def install(code, index, tree):
    requirements = code / (CONFIG.get("lock") or CONFIG["requirements"])
    program = pip(index, set(re.findall(r"\b[0-9a-f]{64}\b", requirements.read_text())))
    if CONFIG.get("lock"):
        requirements = locked(requirements)
    command = program + ["install", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-cache-dir", "--no-input",
                                    "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar", "off", "--target", str(tree), "-r", str(requirements)]
    if index:
        command += ["--find-links", str(index)]
    if not CONFIG.get("network"):
        command += ["--no-index"]
    elif CONFIG.get("index_url"):
        command += ["--index-url", CONFIG["index_url"]]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(ran.stdout, flush=True)
    if ran.returncode != 0:
        errors = [line for line in ran.stdout.splitlines() if line.startswith("ERROR:")]
        fail(f"pip could not install {CONFIG.get('lock') or CONFIG['requirements']}", "\n".join(errors[-4:]))
    compile = [sys.executable, "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", PREFIX, str(tree)]
    subprocess.run(compile, stdout=subprocess.DEVNULL, env=dict(os.environ, PYTHONHASHSEED="0"))  # a file that is no Python of this version stays uncompiled


def pack(tree, layer):
    def entry(name, path=None):
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        if path is not None and not path.is_dir():
            info.type, info.size, info.mode = tarfile.REGTYPE, path.stat().st_size, 0o755 if path.stat().st_mode & 0o100 else 0o644
        return info

    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("opt", "opt/mlp", PREFIX.lstrip("/")):
            tar.addfile(entry(folder))
        for path in sorted(tree.rglob("*")):
            info = entry(f"{PREFIX.lstrip('/')}/{path.relative_to(tree).as_posix()}", path)
            if info.isdir():
                tar.addfile(info)
            else:
                with path.open("rb") as file:
                    tar.addfile(info, file)


def main():
    check_version()
    code, out = pathlib.Path(os.environ["MLP_IN_CODE"]), pathlib.Path(os.environ["MLP_OUT_IMAGE"])
    index = code / CONFIG["index"] if CONFIG.get("index") else None
    tree = ROOT / "checkpoint" / "tree"
    if tree.exists():
        subprocess.run(["rm", "-rf", str(tree)], check=True)
    tree.mkdir(parents=True)
    install(code, index, tree)
    pack(tree, out / "layer.tar")
    (out / "image.json").write_text(json.dumps({"image": 1, "base": SPEC["versions"]["image"], "layers": ["layer.tar"]}) + "\n")


main()
