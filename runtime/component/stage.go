package component

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Protocol is the version of the stage protocol.
const Protocol = 1

// Spec is stage.json: all that a stage is told. It holds no secrets.
type Spec struct {
	Protocol  int                     `json:"protocol"`
	Address   string                  `json:"address"`
	Component string                  `json:"component"` // "train.gradient_boosting"
	Version   int                     `json:"component_version"`
	Config    json.RawMessage         `json:"config"`
	Seed      int64                   `json:"seed"`
	In        map[string]schema.Shape `json:"in"`
	Out       map[string]schema.Shape `json:"out"`
	// Files are those of each port of files outside, by names below in/<port>: the stage reads these and no others, for
	// they are what its fingerprint covers.
	Files map[string][]string `json:"files,omitempty"`
	// Versions are those of what lies elsewhere, by port, as the plan has them: what is fetched is of that version, or the stage fails.
	Versions map[string]string `json:"versions,omitempty"`
	// Unquoted: what is in those files must not stand in the log, nor in any message.
	Unquoted bool `json:"unquoted,omitempty"`
}

// TableFile is the file of a table port; a table has exactly this one.
const TableFile = "table.parquet"

// Stage is what a running component works with.
type Stage struct {
	Spec
	Root    string // the protocol's root folder; in a container /mlp
	Threads int    // how many it may use; results must not depend on it

	mu  sync.Mutex
	out io.Writer
}

// Open reads the description of the stage under root. Log lines go to out.
func Open(root string, threads int, out io.Writer) (*Stage, error) {
	data, err := os.ReadFile(filepath.Join(root, "stage.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the stage's description: %w", err)
	}
	s := &Stage{Root: root, Threads: max(threads, 1), out: out}
	if err := json.Unmarshal(data, &s.Spec); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(root, "stage.json"), err)
	}
	if s.Protocol != Protocol {
		return nil, fmt.Errorf("stage protocol %d is not spoken here, only %d", s.Protocol, Protocol)
	}
	return s, nil
}

// Decode reads a block's configuration, as the planner hands it over, into a struct with json tags.
func Decode[C any](text json.RawMessage) (C, error) {
	var c C
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	return c, nil
}

// Decode reads the configuration into a struct with json tags. Optional attributes are there with their defaults.
func (s *Stage) Decode(config any) error {
	if err := json.Unmarshal(s.Config, config); err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	return nil
}

// Has reports whether the port is connected.
func (s *Stage) Has(port string) bool { _, ok := s.In[port]; return ok }

// Input is the folder of an input port, with links resolved: executors may link folders, and a walk starts at no link.
func (s *Stage) Input(port string) string {
	dir := filepath.Join(s.Root, "in", port)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// InputTable is the Parquet file of an input port that carries a table. Links on the way to it are left to whoever opens it.
func (s *Stage) InputTable(port string) string { return filepath.Join(s.Root, "in", port, TableFile) }

// Names are the files of an input port that carries files: those that the description lists, or all that a fetch wrote.
func (s *Stage) Names(port string) ([]string, error) {
	if names, ok := s.Files[port]; ok {
		return names, nil
	}
	var names []string
	entries, err := os.ReadDir(s.Input(port)) // sorted
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Secret is the only secret that the stage is handed; nil if there is none.
func (s *Stage) Secret() ([]byte, error) {
	dir := filepath.Join(s.Root, "secrets")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return nil, nil
	}
	if len(entries) > 1 {
		return nil, fmt.Errorf("%s is handed %d secrets, and reads one", s.Address, len(entries))
	}
	return os.ReadFile(filepath.Join(dir, entries[0].Name()))
}

// Output creates and returns the folder of an output port. The port without a name is in the folder of its type.
func (s *Stage) Output(port string) (string, error) {
	dir := filepath.Join(s.Root, "out", port)
	return dir, os.MkdirAll(dir, 0o755)
}

// OutputTable is the Parquet file to write for an output port that carries a table.
func (s *Stage) OutputTable(port string) (string, error) {
	dir, err := s.Output(port)
	return filepath.Join(dir, TableFile), err
}

// WriteFigures writes metrics.json. Undefined figures are null, with their reason under "undefined" by dotted path;
// NaN and infinities are not JSON and must be made null by the caller.
func (s *Stage) WriteFigures(figures any) error {
	data, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("writing figures: %w", err)
	}
	return os.WriteFile(filepath.Join(s.Root, "out", "metrics.json"), append(data, '\n'), 0o644)
}

// WriteReport writes report.json: the same bytes for the same report.
func (s *Stage) WriteReport(r *report.Report) error {
	data, err := report.Write(r)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.WriteFile(filepath.Join(s.Root, "out", "report.json"), data, 0o644)
}

// Logf writes a line to the stage's log.
func (s *Stage) Logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// Warnf tells the user something that does not stop the stage: it is logged, shown and recorded with the result.
func (s *Stage) Warnf(format string, args ...any) {
	s.message(map[string]any{"mlp": "warning", "message": fmt.Sprintf(format, args...)})
}

// Progress moves the stage's bar.
func (s *Stage) Progress(done, total int) {
	s.message(map[string]any{"mlp": "progress", "done": done, "total": total})
}

// message writes a line of JSON with the key mlp, which who runs the stage takes out of the log.
func (s *Stage) message(m map[string]any) {
	line, err := json.Marshal(m)
	if err != nil {
		return
	}
	s.Logf("%s", line)
}
