// Package protocol is the executors' half of the stage protocol (spec/protocol.md): what every executor must lay out,
// set and read in the same way, whatever it runs stages in.
package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/python"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// DescriptionFile is the name of the stage's description in its root folder.
const DescriptionFile = "stage.json"

// WriteDescription writes the description to file, readable by any user: it holds no secrets. One that is there is written over and then cut, not emptied before: what
// was emptied, Linux brings to the disk when it is closed (ext4(5), auto_da_alloc).
func WriteDescription(file string, spec component.Spec) error {
	data, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return fmt.Errorf("describing stage %s: %w", spec.Address, err)
	}
	data = append(data, '\n')
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		_, err = f.Write(data)
		err = errors.Join(err, f.Truncate(int64(len(data))), f.Close())
	}
	if err != nil {
		return fmt.Errorf("describing stage %s: %w", spec.Address, err)
	}
	return nil
}

// Settings are what a stage's environment depends on beside its description.
type Settings struct {
	Root string  // where the stage sees its root folder; in a container /mlp
	Home string  // a folder that the stage may write to
	Path string  // empty: PATH is not set, so that an image's own holds
	CPUs float64 // 0: no limit, and nothing is said about threads
	// MemoryMB is the limit of memory; 0: nothing is said of one.
	MemoryMB int64
	Extra    map[string]string // set by the block or the caller; it can't replace what the protocol says
	Rank     *executor.Rank    // nil: the stage is one of its own
}

// Environment returns all variables of a stage's environment, sorted. Nothing of the caller's own environment is in it.
func Environment(spec component.Spec, s Settings) []string {
	env := map[string]string{"HOME": s.Home, "TMPDIR": s.Home, "TZ": "UTC", "LC_ALL": "C"}
	if s.Path != "" {
		env["PATH"] = s.Path
	}
	maps.Copy(env, s.Extra)
	maps.Copy(env, map[string]string{
		"MLP_PROTOCOL": strconv.Itoa(component.Protocol),
		"MLP_SEED":     strconv.FormatInt(spec.Seed, 10),
		"MLP_ROOT":     s.Root,
	})
	if s.Rank != nil {
		maps.Copy(env, rankVariables(*s.Rank))
	}
	if s.CPUs > 0 {
		env["MLP_THREADS"] = strconv.Itoa(max(1, int(s.CPUs)))
	}
	if s.MemoryMB > 0 {
		env["MLP_MEMORY_MB"] = strconv.FormatInt(s.MemoryMB, 10)
	}
	for port := range spec.In {
		env["MLP_IN_"+variable(port)] = path.Join(s.Root, "in", port)
	}
	for _, port := range OutputFolders(spec) {
		env["MLP_OUT_"+variable(port)] = path.Join(s.Root, "out", port)
	}
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// variable turns a port's name into the last part of a variable's: "from.payments" into "FROM_PAYMENTS".
func variable(port string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, port)
}

// OutputFolders names the output ports that are folders, sorted: all but figures and verdicts, which are metrics.json.
func OutputFolders(spec component.Spec) []string {
	var out []string
	for port, shape := range spec.Out {
		if port != "" && shape.Type != schema.FiguresPort && shape.Type != schema.VerdictPort {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return out
}

// MakeOutputFolders creates the folders of a foreign stage's output ports under out, so that it need not.
func MakeOutputFolders(out string, spec component.Spec) error {
	for _, port := range OutputFolders(spec) {
		if err := os.MkdirAll(filepath.Join(out, port), 0o755); err != nil {
			return fmt.Errorf("creating output port %s of %s: %w", port, spec.Address, err)
		}
	}
	return nil
}

// WriteLibrary writes the modules of mlp's own that lie beside a program, python.Library, into a new folder, readable by any user. An empty version is none.
func WriteLibrary(library, dir string) error {
	if library == "" {
		return nil
	}
	modules, err := python.Modules(library)
	if err != nil {
		return err
	}
	err = os.Mkdir(dir, 0o755)
	for name, text := range modules {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	return err
}
