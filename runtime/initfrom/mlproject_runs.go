package initfrom

import (
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// loggedFigures are the figures that the last finished run of an entry point logged, read from the file store of MLflow's client beside the project:
// mlruns/EXPERIMENT/RUN with meta.yaml, tags and metrics, of which each line is "time value step". Nil: there is no such run.
func loggedFigures(files fs.FS, entryPoint string) []foundFigure {
	runs, err := fs.Glob(files, "mlruns/*/*/meta.yaml")
	if err != nil {
		return nil
	}
	last, found := int64(-1), map[string]any(nil)
	for _, meta := range runs {
		run := strings.TrimSuffix(meta, "/meta.yaml")
		if of, err := fs.ReadFile(files, run+"/tags/mlflow.project.entryPoint"); err != nil || strings.TrimSpace(string(of)) != entryPoint {
			continue
		}
		if end, ok := endOf(files, meta); ok && end > last {
			last, found = end, metricsOf(files, run)
		}
	}
	var out []foundFigure
	for _, name := range slices.Sorted(maps.Keys(found)) { // one level: a name with a dot in it is no name for a rule
		numbersIn("", map[string]any{name: found[name]}, &out)
	}
	return out
}

// endOf is when a run ended that finished.
func endOf(files fs.FS, meta string) (int64, bool) {
	top, err := yamlfile.Document(files, meta)
	if err != nil {
		return 0, false
	}
	var end int64
	finished := false
	for key, v := range yamlfile.Pairs(top) {
		switch key {
		case "end_time":
			end, _ = strconv.ParseInt(v.Value, 10, 64)
		case "status":
			finished = v.Value == "3" || v.Value == "FINISHED"
		}
	}
	return end, finished
}

// metricsOf are the last values that a run logged.
func metricsOf(files fs.FS, run string) map[string]any {
	out := map[string]any{}
	entries, err := fs.ReadDir(files, run+"/metrics")
	if err != nil {
		return out
	}
	for _, e := range entries {
		text, err := fs.ReadFile(files, run+"/metrics/"+e.Name())
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if f := strings.Fields(lines[len(lines)-1]); len(f) > 1 {
			if v, err := strconv.ParseFloat(f[1], 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
				out[e.Name()] = v
			}
		}
	}
	return out
}
