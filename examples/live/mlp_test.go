package live_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pipeline is a folder with a module that mlp works on.
type pipeline struct {
	t   *testing.T
	dir string
	bin string
}

// newPipeline has the files of a folder, or one file.
func newPipeline(t *testing.T, from string) *pipeline {
	t.Helper()
	bin := os.Getenv("MLP_BIN")
	if bin == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, dir: t.TempDir(), bin: bin}
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	p.write(filepath.Base(from), data)
	return p
}

func (p *pipeline) write(name string, data []byte) {
	p.t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// command is mlp in the folder.
func (p *pipeline) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), p.bin, append([]string{"-C", p.dir}, args...)...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	return cmd
}

// run runs mlp, and returns what it printed and its exit code.
func (p *pipeline) run(args ...string) (text string, exit int) {
	p.t.Helper()
	cmd := p.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// must runs mlp, which must do it.
func (p *pipeline) must(args ...string) string {
	p.t.Helper()
	text, exit := p.run(args...)
	if exit != 0 {
		p.t.Fatalf("mlp %v: exit code %d\n%s", args, exit, text)
	}
	return text
}

// apply applies, stages as processes of one thread.
func (p *pipeline) apply(args ...string) string {
	p.t.Helper()
	return p.must(append([]string{"apply", "--auto-approve", "--executor", "process", "--threads", "1"}, args...)...)
}

// recorded is what is recorded of a stage.
type recorded struct {
	Metrics json.RawMessage
	Outputs map[string]string
}

func (p *pipeline) show(address string) (r recorded) {
	p.t.Helper()
	out, err := p.command("show", address, "--format", "json").Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		p.t.Fatalf("show %s: %v\n%s", address, err, out)
	}
	return r
}

// output is the digest of what a stage made.
func (p *pipeline) output(address, port string) string {
	p.t.Helper()
	return p.show(address).Outputs[port]
}

// figures are those of a stage as they are recorded.
func (p *pipeline) figures(address string, into any) {
	p.t.Helper()
	if err := json.Unmarshal(p.show(address).Metrics, into); err != nil {
		p.t.Fatalf("figures of %s: %v", address, err)
	}
}
