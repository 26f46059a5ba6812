package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxMemory is what no input may make the compiler take, generously: a bound on memory, and not on speed.
const maxMemory = 1 << 30

// locals returns a file with these locals.
func locals(lines ...string) string {
	return "pipeline \"p\" {}\nlocals {\n" + strings.Join(lines, "\n") + "\n}\n"
}

// grown are locals of which each is made of the one before.
func grown(n int, first, next string) string {
	lines := []string{"a0 = " + first}
	for i := range n {
		lines = append(lines, fmt.Sprintf("a%d = %s", i+1, strings.ReplaceAll(next, "LAST", fmt.Sprintf("local.a%d", i))))
	}
	return locals(lines...)
}

// TestBombs holds that hostile modules are refused by the binary, with a code and within bounded memory.
func TestBombs(t *testing.T) {
	many := strings.Repeat
	cases := []struct{ name, text, want string }{
		{"brackets", locals("a = " + many("[", 1_000_000)), "MLP1006"},
		{"blocks in blocks", "pipeline \"p\" {}\n" + many("a {\n", 250_000), "MLP1006"},
		{"operators", locals("a = " + many("1+", 400_000) + "1"), "MLP1006"},
		{"indices", locals("b = 1", "a = [1]"+many("[local.b]", 100_000)), "MLP1006"},
		{"a long list", locals("a = [" + many("1,", 5_000_000) + "]"), "MLP1002"},
		{"a large file", locals("a = 1 # " + many("x", 20<<20)), "MLP1002"},
		{"comments without end", "pipeline \"p\" {}\n" + many("/*", 500_000), "MLP1"},
		{"strings without end", locals(many("a = \"x\n", 100_000)), "MLP1"},
		{"invalid UTF-8", "pipeline \"p\" {}\n\xff\xfe", "MLP1001"},
		{"a byte 0", "pipeline \"p\" {}\n\x00", "MLP1001"},
		{"strings that double", grown(40, `"xxxxxxxxxxxxxxxx"`, `"${LAST}${LAST}"`), "MLP1232"},
		{"lists that double", grown(40, "[1, 2]", "concat(LAST, LAST)"), "MLP1232"},
		{"lists of lists that double", grown(60, "[1, 2]", "[LAST, LAST]"), "MLP1232"},
		{"text that is replaced", grown(20, `"xxxxxxxxxxxxxxxx"`, `replace(LAST, "x", "xxxxxxxxxxxxxxxx")`), "MLP1232"},
		{"loops in loops", locals("r = range(1000)", "a = [for x in local.r : [for y in local.r : [for z in local.r : x]]]"), "MLP1232"},
		{"products", locals("r = range(1000)", "a = setproduct(local.r, local.r, local.r, local.r)"), "MLP1232"},
		{"indents", locals(`a = indent(2000000000, "a\nb")`), "MLP1232"},
		{"ranges", locals("a = range(1000000000)"), "MLP1226"},
		{"huge numbers", locals("a = 1e999999999 % 7"), "MLP1224"},
		{"numbers that grow", grown(60, "1e4000", "LAST * LAST"), "MLP1207"},
		{"many digits", locals(`a = parseint("` + many("z", 1_000_000) + `", 36)`), "MLP1232"},
		{"regular expressions", locals(`a = regex("((a{1,99}){1,99}){1,99}", "a")`), "MLP1226"},
		{"instances", "pipeline \"p\" {}\nlocals { r = range(150) }\nmetric \"m\" {\n  for_each = toset(flatten([for i in local.r : [for j in local.r : \"k${i}_${j}\"]]))\n  type = \"roc_auc\"\n}\n", "MLP1232"},
		{"rules", "pipeline \"p\" {}\ngate \"g\" {\n  rule \"r\" { assert = \"" + many("(", 4000) + "true" + many(")", 4000) + "\" }\n}\n", "MLP1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, filepath.Join(dir, "a.mlp"), c.text)
			refused(t, dir, c.want)
		})
	}
}

// TestStrangeFolders holds the same of files that are no files, and of what lies beside a module.
func TestStrangeFolders(t *testing.T) {
	const p = "pipeline \"p\" {}\n"
	cases := []struct {
		name, want string
		make       func(t *testing.T, dir string)
	}{
		{"a pipe", "MLP1010", func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "a.mlp"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a device", "MLP1010", func(t *testing.T, dir string) { symlink(t, "/dev/zero", filepath.Join(dir, "a.mlp")) }},
		{"a link to itself", "MLP1010", func(t *testing.T, dir string) { symlink(t, "a.mlp", filepath.Join(dir, "a.mlp")) }},
		{"a module that is itself by a link", "module.n calls the module that it stands in", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p+"module \"m\" { source = \"./m\" }\n")
			if err := os.Mkdir(filepath.Join(dir, "m"), 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "m", "b.mlp"), "module \"m\" { source = \"./m\" }\nmodule \"n\" { source = \"./m\" }\n")
			symlink(t, ".", filepath.Join(dir, "m", "m"))
		}},
		{"a module that is the pipeline by a link", "module.m calls the module that it stands in", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p+"module \"m\" { source = \"./m\" }\n")
			symlink(t, ".", filepath.Join(dir, "m"))
		}},
		{"a module that is a link to itself", "too many levels of", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p+"module \"m\" { source = \"./m\" }\n")
			symlink(t, "m", filepath.Join(dir, "m"))
		}},
		{"a module's device", "a.mlp cannot be read. It is a link to a file that is no .mlp file", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p+"module \"m\" { source = \"./m\" }\n")
			if err := os.Mkdir(filepath.Join(dir, "m"), 0o700); err != nil {
				t.Fatal(err)
			}
			symlink(t, "/dev/zero", filepath.Join(dir, "m", "a.mlp"))
		}},
		{"a deep lock file", "reading mlp.lock", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p)
			put(t, filepath.Join(dir, "mlp.lock"), `{"schemas":`+strings.Repeat("[", 1_000_000))
		}},
		{"a large lock file", "larger than 64 MB", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p)
			put(t, filepath.Join(dir, "mlp.lock"), "")
			if err := os.Truncate(filepath.Join(dir, "mlp.lock"), 10<<30); err != nil { // a hole: nothing is written
				t.Fatal(err)
			}
		}},
		{"deep values", "MLP1006", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a.mlp"), p)
			put(t, filepath.Join(dir, "default.mlpvars"), "a = "+strings.Repeat("[", 1_000_000))
		}},
		{"10,000 files with a mistake", "And 990", func(t *testing.T, dir string) {
			for i := range 10_000 {
				put(t, filepath.Join(dir, fmt.Sprintf("f%d.mlp", i)), "x = 1\n")
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			refused(t, dir, c.want)
		})
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// refused runs 'mlp validate' and holds that it fails as it should, saying what is wanted, within memory and reasonable
// length.
func refused(t *testing.T, dir, want string) {
	t.Helper()
	out, code := bounded(t, exec.Command(mlp, "-C", dir, "validate"))
	if code != exitError || !strings.Contains(out, want) {
		t.Errorf("got exit %d and %.2000s, want %d and %s", code, out, exitError, want)
	}
}

// bounded runs mlp and holds that it neither panics nor takes too much memory, nor says too much. It returns what is said
// and the exit code.
func bounded(t *testing.T, cmd *exec.Cmd) (said string, code int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(5*time.Minute, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	_ = cmd.Wait() // how it ended is in its state
	if code = cmd.ProcessState.ExitCode(); code < 0 {
		t.Errorf("%v: %v", cmd.Args, cmd.ProcessState)
	}
	if strings.Contains(out.String(), "goroutine") || strings.Contains(out.String(), "defect") || out.Len() > 200_000 {
		t.Errorf("%v: %d bytes are said: %.2000s", cmd.Args, out.Len(), out.String())
	}
	if used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; used > maxMemory {
		t.Errorf("%v took %d MB, want at most %d", cmd.Args, used>>20, maxMemory>>20)
	}
	return out.String(), code
}
