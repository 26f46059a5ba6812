package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hash is one of a wheel here.
func hash(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

const uvLock = `version = 1
requires-python = ">=3.8"

[[package]]
name = "loans"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "alpha", extra = ["fast"] },
    { name = "old", marker = "python_full_version < '3'" },
    { name = "forked", version = "2.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3'" },
    { name = "forked", version = "1.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3'" },
]

[package.dev-dependencies]
dev = [{ name = "left-out" }]

[[package]]
name = "alpha"
version = "1.2"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "beta" }]
sdist = { url = "https://x/alpha-1.2.tar.gz", hash = "SDIST" }
wheels = [{ url = "https://x/alpha-1.2-py3-none-any.whl", hash = "A" }, { url = "https://x/alpha-1.2-cp39-abi3.whl", hash = "B" }]

[package.optional-dependencies]
fast = [{ name = "gamma" }]
slow = [{ name = "left-out" }]

[[package]]
name = "beta"
version = "0.1"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "alpha" }]
wheels = [{ path = "wheels/beta-0.1-py3-none-any.whl", hash = "C" }]

[[package]]
name = "gamma"
version = "3"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://x/gamma-3-py3-none-any.whl", hash = "D" }]

[[package]]
name = "forked"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://x/forked-1.0-py3-none-any.whl", hash = "E" }]

[[package]]
name = "forked"
version = "2.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://x/forked-2.0-py3-none-any.whl", hash = "F" }]

[[package]]
name = "old"
version = "1"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "left-out"
version = "1"
source = { git = "https://x/y.git" }
`

const poetryLock = `[[package]]
name = "alpha"
version = "1.2"
optional = false
groups = ["main", "dev"]
files = [{file = "alpha-1.2-py3-none-any.whl", hash = "A"}, {file = "alpha-1.2.tar.gz", hash = "B"}]

[[package]]
name = "windows"
version = "1"
optional = false
groups = ["main"]
markers = "sys_platform == 'win32'"
files = []

[[package]]
name = "dev"
version = "1"
optional = false
groups = ["dev"]
files = []

[[package]]
name = "extra"
version = "1"
optional = true
groups = ["main"]
markers = "extra == 'x'"
files = []

[[package]]
name = "beta"
version = "2"
optional = false
groups = ["main", "dev"]
markers = {main = "python_version >= '3'", dev = "python_version < '3'"}
files = [{file = "beta-2-py3-none-any.whl", hash = "C"}]

[metadata]
lock-version = "2.1"
`

const pyLock = `lock-version = "1.0"
[[packages]]
name = "alpha"
version = "1.2"
[[packages.wheels]]
url = "https://x/alpha-1.2-py3-none-any.whl"
hashes = {sha256 = "A"}
[[packages]]
name = "windows"
version = "1"
marker = "sys_platform == 'win32'"
`

// hashed writes hashes in place of letters.
func hashed(text, prefix string) string {
	for letter, digit := range map[string]string{"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "SDIST": "9"} {
		text = strings.ReplaceAll(text, `"`+letter+`"`, `"`+prefix+strings.TrimPrefix(hash(digit), "sha256:")+`"`)
	}
	return text
}

// TestLockFiles: a lock file comes to the wheels that its own tool would install for this Python, by their hashes.
func TestLockFiles(t *testing.T) {
	alpha := "alpha==1.2 --hash=" + hash("a")
	tests := []struct{ name, file, text, want string }{
		{"uv", "uv.lock", hashed(uvLock, "sha256:"), alpha + " --hash=" + hash("b") + "\nbeta==0.1 --hash=" + hash("c") + "\nforked==2.0 --hash=" + hash("f") + "\ngamma==3 --hash=" + hash("d") + "\n"},
		{"poetry", "poetry.lock", hashed(poetryLock, "sha256:"), alpha + "\nbeta==2 --hash=" + hash("c") + "\n"},
		{"pylock", "pylock.loans.toml", hashed(pyLock, ""), alpha + "\n"},
		{"a repository", "uv.lock", strings.Replace(hashed(uvLock, "sha256:"), `{ name = "beta" }`, `{ name = "left-out" }`, 1), "refused: left-out 1 has no wheel with a hash in the lock file"},
		{"several projects", "uv.lock", "[[package]]\nname = 'a'\nsource = {virtual = '.'}\n[[package]]\nname = 'b'\nsource = {editable = '.'}\n", "refused: it locks 2 projects, and one is installed"},
		{"an older form", "poetry.lock", "[[package]]\nname = 'a'\nversion = '1'\n[metadata]\nlock-version = '2.0'\n", "refused: the form 2.0 does not say which packages are of the group main"},
		{"a newer form", "pylock.toml", "lock-version = '2.0'\n", "refused: the form 2.0 is not known"},
		{"a marker", "pylock.toml", "lock-version = '1.0'\n[[packages]]\nname = 'a'\nmarker = 'nonsense'\n", "refused: the marker nonsense is not understood"},
		{"no TOML", "uv.lock", "{", "refused: it is no TOML"},
	}
	pip, _ := filepath.Glob("/usr/share/python-wheels/pip-*.whl")
	env := append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+strings.Join(append([]string{"."}, pip...), ":"))
	probe := exec.Command("python3", "-c", "import tomllib, pip._vendor.packaging.markers")
	probe.Env = env
	if out, err := probe.CombinedOutput(); err != nil {
		if os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") == "1" {
			t.Fatalf("MLP_REQUIRE_PYTHON_IMAGE=1: %v\n%s", err, out)
		}
		t.Skipf("no Python 3.11 with pip, apt-get install python3 python3-pip-whl: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			c := exec.Command("python3", "-c", "import sys, pathlib, mlp_lock\ntry:\n    print(mlp_lock.requirements(pathlib.Path(sys.argv[1])), end='')\nexcept mlp_lock.Refused as e:\n    print('refused:', *e.args)\n", file)
			c.Env = env
			out, err := c.CombinedOutput()
			got := string(out)
			if strings.HasPrefix(tt.want, "refused") && strings.HasPrefix(got, tt.want) {
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}
