"""Reads the lock file of a project, and says what is installed by it: the lines of a requirements file, each with one version and the hashes of its wheels.

    uv.lock          the dependencies of the one project in it, and what these depend on, as far as their markers hold for this Python
    poetry.lock      of Poetry 2 and newer: the packages of the group main whose markers hold
    pylock.*.toml    PEP 751: the packages whose markers hold

Optional parts (extras, groups) are left out.
"""

import re


class Refused(Exception):
    """What is wrong with the file, and what to do."""


def requirements(path):
    lock = load(path)
    if path.name == "uv.lock":
        found = of_uv(lock)
    elif path.name == "poetry.lock":
        found = of_poetry(lock)
    else:
        found = of_pylock(lock)
    lines = []
    for name, version, hashes in sorted(found):
        if not version or not hashes:
            raise Refused(f"{name} {version or ''} has no wheel with a hash in the lock file", "Sources, folders and repositories are not built here: have its wheel in an index, and lock anew.")
        lines.append(" ".join([f"{name}=={version}"] + [f"--hash=sha256:{h}" for h in sorted(hashes)]))
    return "\n".join(lines) + "\n"


def load(path):
    try:
        import tomllib
    except ImportError:  # before Python 3.11
        from pip._vendor import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as e:
        raise Refused(f"it is no TOML: {e}", "Lock anew.")


def holds(marker):
    from pip._vendor.packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    if not marker:
        return True
    try:
        return Marker(marker).evaluate({"extra": ""})
    except (InvalidMarker, UndefinedEnvironmentName) as e:
        raise Refused(f"the marker {marker} is not understood: {e}", "Export a requirements file, with hashes, and name that.")


def hashes_of(files):
    """The hashes of wheels: of {"url": "…/a.whl", "hash": "sha256:…"}, with file or path or filename in place of url, or {"hashes": {"sha256": "…"}}."""
    out = set()
    for f in files:
        name = f.get("url") or f.get("file") or f.get("path") or f.get("filename") or f.get("name") or ""
        value = f.get("hash") or "sha256:" + f.get("hashes", {}).get("sha256", "")
        if name.split("#")[0].split("?")[0].endswith(".whl") and re.fullmatch(r"sha256:[0-9a-f]{64}", value):
            out.add(value[len("sha256:"):])
    return out


def of_uv(lock):
    packages = lock.get("package", [])
    roots = [p for p in packages if "." in (p.get("source", {}).get("virtual"), p.get("source", {}).get("editable"), p.get("source", {}).get("directory"))]
    members = lock.get("manifest", {}).get("members", [])
    if len(roots) != 1 or len(members) > 1:
        raise Refused(f"it locks {max(len(roots), len(members))} projects, and one is installed", "Export a requirements file of one: uv export --package NAME.")
    found, seen, left = {}, set(), [(roots[0], "")]
    while left:
        package, extra = left.pop()
        depends = package.get("optional-dependencies", {}).get(extra, []) if extra else package.get("dependencies", [])
        for d in depends:
            if not holds(d.get("marker")):
                continue
            p = pick(packages, d)
            for e in ["", *d.get("extra", [])]:
                if (p["name"], p.get("version"), e) not in seen:
                    seen.add((p["name"], p.get("version"), e))
                    left.append((p, e))
            found[p["name"], p.get("version")] = hashes_of(p.get("wheels", []))
    return [(name, version, hashes) for (name, version), hashes in found.items()]


def pick(packages, d):
    """The package that a dependency means: of one name there may be several, for several machines."""
    of = [p for p in packages if p["name"] == d["name"] and d.get("version") in (None, p.get("version"))]
    if len(of) > 1:
        of = [p for p in of if any(holds(m) for m in p.get("resolution-markers", [""]))]
    if len(of) != 1:
        raise Refused(f"{d['name']} is locked in {len(of)} versions for this Python", "Lock anew, or export a requirements file.")
    return of[0]


def of_poetry(lock):
    version = lock.get("metadata", {}).get("lock-version", "")
    out = []
    for p in lock.get("package", []):
        if "groups" not in p:
            raise Refused(f"the form {version or 'of the file'} does not say which packages are of the group main", "Lock with Poetry 2 or newer.")
        markers = p.get("markers", "")
        if isinstance(markers, dict):
            markers = markers.get("main", "")
        if "main" in p["groups"] and not p.get("optional") and holds(markers):
            out.append((p["name"], p["version"], hashes_of(p.get("files", []))))
    return out


def of_pylock(lock):
    if str(lock.get("lock-version", "")).split(".")[0] != "1":
        raise Refused(f"the form {lock.get('lock-version')} is not known", "PEP 751 has lock-version 1.0.")
    return [(p["name"], p.get("version"), hashes_of(p.get("wheels", []))) for p in lock.get("packages", []) if holds(p.get("marker"))]
