package eject

import (
	"fmt"
	"slices"
	"strings"
)

const readmeHead = `# %[1]s

The stages of a pipeline that was defined and recorded with mlp, as a Makefile. Neither the module nor its store is needed here.

    make -j2 check

makes everything and compares it with what was recorded, file by file (it needs a POSIX shell, GNU make, sha256sum, mlp, and docker where programs run in images). What is up to date is not made again: a stage runs when its
description, a file that it reads or a result that it rests on is newer than its own result.

| | |
|---|---|
| ` + "`Makefile`" + ` | a target for each stage, in the order of their dependencies |
| ` + "`stages/NAME.json`" + ` | what a stage is told: its component and version, its configuration, the columns of its tables. Edit it to change what the stage does |
| ` + "`stages/NAME.sh`" + ` | how a stage is run that is a program in an image (` + "`docker run`" + `), or is handed secrets |
| ` + "`images/`" + ` | Dockerfiles: of images that are built, and of images that have requirements installed |
| ` + "`work/NAME/image`" + ` | the ID of an image that was built. Its layers have other times in them each time, and are compared with nothing; what programs make in it is |
| ` + "`module/`, `outside/`" + ` | the data and the code that stages read, as they were |
| ` + "`objects/`" + ` | what no stage here makes, such as the model that was live, by digest |
| ` + "`lib/`" + ` | what lies beside programs |
| ` + "`work/NAME/out/PORT/`" + ` | what a stage yields: ` + "`table.parquet`" + `, a model, files; ` + "`work/NAME/out/metrics.json`" + ` are its figures |
| ` + "`work/NAME/log`" + ` | what it printed |
| ` + "`SHA256SUMS`" + ` | the files that were recorded |

Components that are built in are run by ` + "`mlp stage --root work/NAME`" + `, which reads and writes that folder and nothing else. Another version of mlp than %[2]s refuses
components that it has in another version. ` + "`make MLP=/opt/mlp/bin/mlp`" + ` names the binary. Tables are Parquet, trees are in XGBoost's form of JSON, and other parts of models are
JSON, so that each stage can be replaced by a program of another tool that writes the same.
`

// readme says what the folder is, and what of the pipeline it does not have.
func (w *writer) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, readmeHead, plain(w.plan.Pipeline), plain(w.Version))
	w.readmeSecrets(&b)
	b.WriteString("\n## What is not here\n\nRetries and time-outs of stages, the history of what was recorded, and the search for secrets in logs and outputs.\n")
	if len(w.plan.Gates) > 0 {
		b.WriteString("\nGates are targets. One whose rules do not hold fails, and nothing that waits for it is made (`make -k` makes the rest). What rules say of a champion is as when\nthis was written.\n\n")
	}
	for _, g := range w.plan.Gates {
		fmt.Fprintf(&b, "- `%s`:\n", g.Address)
		for _, r := range g.Rules.Rules {
			severity := ""
			if r.Severity == "warn" {
				severity = " (only told)"
			}
			fmt.Fprintf(&b, "  - %s%s: `%s`\n", plain(r.Name), severity, plain(r.Assert))
		}
		for _, a := range g.Approvals {
			when := ""
			if a.When != "" {
				when = fmt.Sprintf(", when `%s`", plain(a.When))
			}
			fmt.Fprintf(&b, "  - the approval \"%s\" of %s%s is asked for by nobody here\n", plain(a.Name), plain(strings.Join(a.From, ", ")), when)
		}
	}
	w.readmeReleases(&b)
	if len(w.written.Unrecorded) > 0 {
		b.WriteString("\nNothing is recorded to compare with of what these stages yield, or it was the result of another definition:\n\n")
		for _, a := range w.written.Unrecorded {
			fmt.Fprintf(&b, "- `%s`\n", a)
		}
	}
	return b.String()
}

// readmeReleases says where what is deployed lies.
func (w *writer) readmeReleases(b *strings.Builder) {
	if len(w.plan.Releases) == 0 {
		return
	}
	b.WriteString("\nNothing is released by make:\n\n")
	for _, r := range w.plan.Releases {
		i := slices.IndexFunc(w.targets, func(t *target) bool { return t.node != nil && t.node.Address == r.Model.From })
		switch {
		case r.Node != "":
			if i := slices.IndexFunc(w.targets, func(t *target) bool { return t.node != nil && t.node.Address == r.Node }); i >= 0 {
				fmt.Fprintf(b, "- `%s`: its rows are in `work/%s/out`\n", r.Address, w.targets[i].name)
			}
		case i >= 0:
			fmt.Fprintf(b, "- `%s`: its model is `work/%s/out/%s`\n", r.Address, w.targets[i].name, r.Model.FromPort)
		}
	}
}

// readmeSecrets says which variables have secrets.
func (w *writer) readmeSecrets(b *strings.Builder) {
	said := map[string]bool{}
	for _, t := range w.targets {
		for _, s := range t.secrets {
			if said[s.Name] {
				continue
			}
			if len(said) == 0 {
				b.WriteString("\n## Secrets\n\nThey come from variables of the environment, and are in files only while a stage runs:\n\n")
			}
			said[s.Name] = true
			if s.Env != "" {
				fmt.Fprintf(b, "- `%s`: the value of secret.%s\n", s.Env, s.Name)
			} else {
				fmt.Fprintf(b, "- `%s`: the path of a file with secret.%s\n", secretFile(s), s.Name)
			}
		}
	}
}
