package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const modulePath = "github.com/mlp-lang/mlp/"

// doors are the folders of ours that a folder may import from; the longest prefix of a package counts. Each may import
// from itself.
var doors = map[string][]string{
	"lang/source":                  {"lang/lazyregexp"},
	"lang/suggest":                 {},
	"lang/lazyregexp":              {},
	"lang/digest":                  {},
	"lang/schema":                  {"lang/lazyregexp"},
	"lang/report":                  {},
	"lang/address":                 {},
	"lang/rule":                    {"lang/lazyregexp", "lang/source", "lang/schema", "lang/suggest"},
	"lang":                         {"lang"},
	"compiler/plan":                {"lang/lazyregexp", "lang/address", "lang/digest", "lang/source", "lang/schema"},
	"compiler":                     {"lang", "compiler"},
	"compiler/canary":              {},
	"compiler/render":              {"lang", "compiler/plan"},
	"compiler/trace":               {"compiler/check", "compiler/decide", "compiler/plan"},
	"compiler/render/graph":        {"lang", "compiler/check", "compiler/plan", "compiler/layout", "compiler/render"},
	"compiler/render/review":       {"lang", "compiler/plan", "compiler/diff", "compiler/render"},
	"compiler/render/ledger":       {"lang", "compiler/plan", "compiler/trace", "compiler/render"},
	"compiler/render/reference":    {"lang/expr", "lang/lazyregexp", "lang/rule", "lang/schema"},
	"runtime/component":            {"lang/report", "lang/schema"},
	"runtime/executor":             {"runtime/scratch", "lang/digest", "lang/lazyregexp", "runtime/component", "lang/schema"},
	"runtime/component/python":     {},
	"runtime/scratch":              {},
	"runtime/scratch/hashcache":    {"lang/digest", "compiler/plan", "runtime/scratch", "runtime/store/seal"},
	"runtime/store":                {"lang/digest", "compiler/plan", "runtime/scratch"},
	"runtime/store/bucket":         {"runtime/scratch"},
	"runtime/store/bucket/cloud":   {"lang/storeurl", "runtime/store/bucket"},
	"lang/schedule":                {},
	"lang/storeurl":                {"lang/suggest"},
	"runtime/store/seal":           {"lang/digest", "compiler/plan"},
	"runtime/store/lease":          {"runtime/scratch", "runtime/store/bucket", "runtime/store/seal"},
	"runtime/store/counts":         {"compiler/canary", "compiler/plan", "lang/digest", "runtime/store/bucket", "runtime/store/seal"},
	"runtime/fetch":                {"lang/lazyregexp", "lang/digest", "compiler/plan"},
	"runtime/state":                {"lang/lazyregexp", "lang/address", "lang/digest", "compiler/plan", "runtime/store"},
	"runtime/attempt":              {"lang/lazyregexp", "compiler/plan", "lang/report", "lang/schema", "lang/source", "runtime/component", "runtime/executor", "runtime/scratch", "runtime/store"},
	"runtime/engine":               {"compiler/plan", "compiler/decide", "lang", "runtime/attempt", "runtime/component", "runtime/executor", "runtime/scratch", "runtime/store", "runtime/state"},
	"runtime/packed":               {},
	"runtime/serve":                {"compiler/canary", "compiler/plan", "lang/schema", "lang/suggest", "runtime/component", "runtime/packed"},
	"runtime/predlog":              {"lang/schema"},
	"runtime/suite":                {"lang", "compiler", "runtime/component", "runtime/engine", "runtime/executor", "runtime/scratch", "runtime/store", "runtime/state", "runtime/workspace", "stdlib"},
	"runtime/mlflow":               {"lang/lazyregexp"},
	"runtime/eject":                {"compiler/decide", "compiler/graph", "compiler/plan", "lang/digest", "lang/schema", "lang/source", "runtime/attempt", "runtime/component", "runtime/executor/protocol", "runtime/store"},
	"runtime/dvc":                  {"lang/lazyregexp", "runtime/yamlfile"},
	"runtime/mlproject":            {"runtime/yamlfile"},
	"runtime/yamlfile":             {},
	"runtime/heap":                 {},
	"runtime/destination":          {"lang/digest", "lang/lazyregexp", "lang/schema", "lang/storeurl", "runtime/component", "runtime/scratch", "runtime/store/bucket", "stdlib/fetch/postgres", "stdlib/table"},
	"runtime/notify":               {"lang/schema", "runtime/store/bucket"},
	"runtime/workspace":            {"lang", "compiler", "runtime/attempt", "runtime/cache", "runtime/component", "runtime/destination", "runtime/eject", "runtime/engine", "runtime/executor", "runtime/fetch", "runtime/heap", "runtime/mlflow", "runtime/notify", "runtime/predlog", "runtime/scratch", "runtime/serve", "runtime/state", "runtime/store", "stdlib"},
	"runtime/initfrom":             {"lang", "runtime/dvc", "runtime/mlproject", "runtime/scratch", "runtime/workspace", "runtime/yamlfile", "stdlib/table", "stdlib/train"},
	"runtime/view":                 {"compiler/canary", "compiler/decide", "lang/address", "lang/schema", "compiler/plan", "compiler/render", "runtime/component", "runtime/eject", "runtime/engine", "runtime/initfrom", "runtime/mlflow", "runtime/store/bucket", "runtime/suite", "runtime/watch", "runtime/workspace"},
	"runtime/watch":                {"compiler/check", "compiler/decide", "compiler/plan", "compiler/planner", "compiler/render", "lang/address", "lang/schedule", "lang/schema", "runtime/engine", "runtime/notify", "runtime/store/lease", "runtime/workspace"},
	"runtime/cli":                  {"lang", "compiler", "runtime", "stdlib"},
	"runtime/cmd":                  {"runtime/cli"},
	"stdlib/train/tune":            {},
	"stdlib/train/trees/histogram": {"stdlib/model/xgboost", "stdlib/radix"},
	"stdlib":                       {"lang/lazyregexp", "lang/address", "lang/report", "lang/schema", "lang/source", "lang/digest", "lang/suggest", "runtime/component", "runtime/packed", "runtime/scratch", "stdlib"},
	"examples":                     {"lang", "compiler", "runtime", "stdlib"},
	"runtime/executor/docker":      {"lang/digest", "lang/lazyregexp", "runtime/component", "runtime/executor", "lang/schema"},
}

// keepers are libraries that one folder alone may import, so that a change of theirs is met in one place.
var keepers = map[string]string{
	"github.com/google/cel-go":               "lang/rule",
	"github.com/dominikbraun/graph":          "compiler/graph",
	"github.com/agext/levenshtein":           "lang/suggest",
	"github.com/docker/docker":               "runtime/executor/docker",
	"github.com/moby":                        "runtime/component/image/dockerfile",
	"github.com/google/go-containerregistry": "runtime/executor/registry",
	"k8s.io":                                 "runtime/executor/kubernetes",
	"github.com/duckdb/duckdb-go":            "stdlib/table",
	"github.com/parquet-go":                  "stdlib/table",
	"github.com/spf13/cobra":                 "runtime/cli",
	"github.com/dustin/go-humanize":          "compiler/render",
	"github.com/prometheus":                  "runtime/serve",
	"github.com/sourcegraph":                 "lang/lsp",
	"github.com/hashicorp/go-getter":         "runtime/fetch",
	"github.com/jackc/pgx":                   "stdlib/fetch",
	"modernc.org/sqlite":                     "stdlib/source/sqlite",
	"github.com/wneessen/go-mail":            "runtime/notify",
	"gocloud.dev":                            "runtime/store/bucket/cloud",
	"github.com/aws":                         "runtime/store/bucket/cloud",
	"github.com/Azure/azure-sdk-for-go":      "runtime/store/bucket/cloud",
	"cloud.google.com/go":                    "runtime/store/bucket/cloud",
	"go.opentelemetry.io/otel/sdk":           "runtime/workspace",
	"github.com/robfig/cron":                 "lang/schedule",
	"google.golang.org/grpc":                 "runtime/serve",
}

// TestImports holds the one-way doors between the folders.
func TestImports(t *testing.T) {
	found, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports}, modulePath+"...")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 30 {
		t.Fatalf("got %d packages, want those of the whole module", len(found))
	}
	for _, p := range found {
		room := strings.TrimPrefix(p.PkgPath, modulePath)
		for imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, modulePath); ok {
				if !mayImport(room, ours) {
					t.Errorf("%s imports %s, which its folder may not", room, ours)
				}
				continue
			}
			for lib, keeper := range keepers {
				if under(imported, lib) && !under(room, keeper) {
					t.Errorf("%s imports %s, which is for %s alone", room, imported, keeper)
				}
			}
		}
	}
}

func mayImport(room, imported string) bool {
	best := ""
	for prefix := range doors {
		if under(room, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	if under(imported, best) {
		return true
	}
	for _, allowed := range doors[best] {
		if under(imported, allowed) {
			return true
		}
	}
	return false
}

func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// TestCommandLineIsThin: flags, what is printed and exit codes stand here; what is done stands in the use cases of runtime/workspace, and
// texts in runtime/view and compiler/render. So a command has few lines, counted over all of them: with a new one the room grows by as many.
func TestCommandLineIsThin(t *testing.T) {
	const aCommand = 84
	commands := 0
	for _, c := range (&app{}).root().Commands() {
		commands += max(1, len(c.Commands()))
	}
	limit := aCommand * commands
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(text), "\n")
	}
	if lines == 0 || lines >= limit {
		t.Errorf("the command line has %d lines in %d commands, fewer than %d are wanted: move what a command does to runtime/workspace, and texts to runtime/view", lines, commands, limit)
	}
}
