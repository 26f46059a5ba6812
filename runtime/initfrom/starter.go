package initfrom

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// starter is what a new pipeline begins with; it validates, and says what to do next.
const starter = `# A pipeline to start from. 'mlp validate' checks it, 'mlp plan' shows what it would do, 'mlp apply' does it.

pipeline "NAME" {
  description = "What it is for."
}

# Uncomment, and point it at your data:
#
# source "csv" "data" {
#   path = "data/*.csv"
# }
#
# dataset "data" {
#   from = [source.data]
#   sql  = "select * from data"
# }
`

// moduleFiles are the .mlp files of a folder. The store's folder, .mlp, is none.
func moduleFiles(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*.mlp"))
	return slices.DeleteFunc(all, func(path string) bool { return filepath.Base(path) == workspace.StoreName }), err
}

// vacant refuses a folder that has a pipeline.
func vacant(dir string) error {
	there, err := moduleFiles(dir)
	if err == nil && len(there) > 0 {
		return &workspace.Failure{Err: fmt.Errorf("%s is there already", filepath.Base(there[0])), Hint: "--from begins a pipeline; give -C a folder that has none."}
	}
	return err
}

// pipelineName makes a name of a folder's.
func pipelineName(dir string) string { return nameOf(filepath.Base(dir)) }

// nameOf makes a name of what people call something: "Fraud Model" is fraud_model, "2024" is p2024.
func nameOf(called string) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(called))
	if name[0] < 'a' || name[0] > 'z' {
		name = "p" + name
	}
	return name
}

// Starter writes a small pipeline to start from, in a folder that has none. It reports whether it did; a folder with any
// .mlp file is left alone.
func Starter(dir string) (bool, error) {
	there, err := moduleFiles(dir)
	if err != nil || len(there) > 0 {
		return false, err
	}
	path := filepath.Join(dir, "pipeline.mlp")
	return true, os.WriteFile(path, []byte(strings.Replace(starter, "NAME", pipelineName(dir), 1)), 0o644)
}
