#!/bin/sh
# Makes the image of this example without a registry: a minimal Debian with scikit-learn and pandas from Debian's own
# packages, and the two scripts. The Dockerfile beside it says the same for whoever has a registry.
#
#   sudo apt-get install debootstrap
#   sudo examples/python/image.sh [NAME]        (about two minutes; needs root and Debian's mirror)
#
# The mirror, the release and its components are those that this machine's apt is set up with; MIRROR, SUITE, COMPONENTS and
# TMPDIR may be set in the environment.
set -eu

name=${1:-mlp-example-python:1}
suite=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
# targets FORMAT: of what apt is set up with, that of the release. Each line of FORMAT is a mirror or a component.
targets() { apt-get indextargets --format "\$(RELEASE) $1" 'Created-By: Packages' | sed -n "s/^$suite //p" | sort -u; }
mirror=${MIRROR:-$(targets '$(REPO_URI)' | head -n 1)}
components=${COMPONENTS:-$(targets '$(REPO_URI) $(COMPONENT)' | sed -n "s|^$mirror ||p" | paste -sd , -)}
[ -n "$suite" ] && [ -n "$mirror" ] && [ -n "$components" ] || {
  echo "image.sh: apt names no mirror of the release \"$suite\": run apt-get update, or set SUITE, MIRROR and COMPONENTS" >&2
  exit 1
}
here=$(cd "$(dirname "$0")" && pwd)

command -v debootstrap >/dev/null || { echo "image.sh: debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }
command -v docker >/dev/null || { echo "image.sh: docker is missing" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "image.sh: debootstrap needs root: run it with sudo" >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM

debootstrap --variant=minbase --components="$components" --include=python3-sklearn,python3-pandas "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
  tail -n 20 "$root.log" >&2
  exit 1
}
rm -rf "$root.log" "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/doc "$root"/usr/share/man

install -d "$root/app"
install -m 0644 "$here/stage.py" "$here/train.py" "$here/predict.py" "$root/app/"

# The label tells which scripts are in it, so that a test never runs older ones.
scripts=$(cat "$here/stage.py" "$here/train.py" "$here/predict.py" | sha256sum | cut -d ' ' -f 1)
tar -C "$root" -c . | docker import --change "LABEL mlp.example.scripts=$scripts" \
  --change 'WORKDIR /app' --change 'ENV PYTHONDONTWRITEBYTECODE=1' --change 'ENV PYTHONHASHSEED=0' - "$name"
