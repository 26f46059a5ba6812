package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestCommandLineReference holds spec/cli.md to the commands and flags that there are, and these to it.
func TestCommandLineReference(t *testing.T) {
	text, err := os.ReadFile("../../spec/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, flags := inTables(string(text))
	var wantCommands, wantFlags []string
	root := (&app{}).root()
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !inUsage[f.Name] {
			wantFlags = append(wantFlags, "all --"+f.Name)
		}
	})
	for _, c := range root.Commands() {
		wantCommands = append(wantCommands, c.Name())
		for _, of := range append(c.Commands(), c) {
			of.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Name != "help" {
					wantFlags = append(wantFlags, strings.TrimPrefix(of.CommandPath(), "mlp ")+" --"+f.Name)
				}
			})
		}
	}
	wantCommands = append(wantCommands, "completion") // cobra's own, added when it runs
	slices.Sort(wantCommands)
	slices.Sort(wantFlags)
	if diff := cmp.Diff(wantCommands, commands); diff != "" {
		t.Errorf("commands that there are and those of spec/cli.md:\n%s", diff)
	}
	if diff := cmp.Diff(wantFlags, flags); diff != "" {
		t.Errorf("flags that there are and those of spec/cli.md:\n%s", diff)
	}
}

// inUsage are the flags that stand in the first line of spec/cli.md.
var inUsage = map[string]bool{"chdir": true, "workspace": true}

var (
	cellEnd  = regexp.MustCompile(`[^\\]\|`) // of a row of a table in Markdown
	flagName = regexp.MustCompile("`--([a-z-]+)")
	command  = regexp.MustCompile("^`([a-z]+)")
)

// inTables reads the commands and the flags ("plan --out") from the tables of spec/cli.md. The inner command's flags
// stand in the first.
func inTables(text string) (commands, flags []string) {
	before, after, _ := strings.Cut(text, "## Flags")
	for _, row := range rows(before) {
		name := command.FindStringSubmatch(row[0])[1]
		commands = append(commands, name)
		for _, flag := range strings.Fields(strings.Trim(row[0], "`"))[1:] {
			if strings.HasPrefix(flag, "--") {
				flags = append(flags, name+" "+flag)
			}
		}
	}
	table, _, _ := strings.Cut(after, "\n## ")
	for _, row := range rows(table) {
		for _, f := range flagName.FindAllStringSubmatch(row[0], -1) {
			for _, of := range strings.Split(row[1], ", ") {
				flags = append(flags, of+" --"+f[1])
			}
		}
	}
	slices.Sort(commands)
	slices.Sort(flags)
	return commands, slices.Compact(flags)
}

// rows are the cells of the rows of tables that begin with code.
func rows(text string) [][]string {
	var out [][]string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var cells []string
		for rest := line[1:]; ; {
			end := cellEnd.FindStringIndex(rest)
			if end == nil {
				break
			}
			cells = append(cells, strings.TrimSpace(rest[:end[1]-1]))
			rest = rest[end[1]:]
		}
		out = append(out, cells)
	}
	return out
}
