package eject

import (
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// makefileHead is what stands before the targets.
const makefileHead = `# %[1]s, as a pipeline of make. README.md says what lies where.
#
#	make            everything, what is up to date excepted; -j runs stages side by side
#	make train.x    one stage and what it rests on
#	make check      whether all files are those that were recorded (SHA256SUMS)
#	make clean      forgets all results
#
# Stages of components that are built in are run by "mlp stage", of mlp %[2]s.
MLP ?= mlp
# Threads of one stage; 0: all processors. No result depends on it.
THREADS ?= 0
export MLP THREADS
export TZ = UTC
export LC_ALL = C
`

// makefile is the text of the Makefile.
func (w *writer) makefile() string {
	var b strings.Builder
	fmt.Fprintf(&b, makefileHead, plain(w.plan.Pipeline), plain(w.Version))
	var names []string
	for _, t := range w.targets {
		names = append(names, t.name)
	}
	fmt.Fprintf(&b, "\n.PHONY: all check clean\nall:%s\n", folded(names, "work/", "/done"))
	b.WriteString("\ncheck: all\n\tsha256sum --quiet -c SHA256SUMS\n\nclean:\n\trm -rf work\n")
	for _, t := range w.targets {
		b.WriteString("\n" + t.rule())
	}
	return b.String()
}

// folded is a list of names, one a line.
func folded(names []string, before, after string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, " \\\n  %s%s%s", before, n, after)
	}
	return b.String()
}

// rule is a target of make: its folder is laid out anew, then it runs, and last the file is made that says so.
func (t *target) rule() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", plain(t.about))
	if t.node != nil {
		for _, o := range t.node.Outputs {
			if o.Digest != "" {
				fmt.Fprintf(&b, "#   %s was %s\n", plain(o.Port), o.Digest)
			}
		}
	}
	fmt.Fprintf(&b, ".PHONY: %[1]s\n%[1]s: work/%[1]s/done\n", t.name)
	needs := []string{"stages/" + t.name + ".json"}
	if t.scripted() {
		needs = append(needs, "stages/"+t.name+".sh")
	}
	for m := t.image; m != nil; m = m.below {
		if m.target != "" {
			needs = append(needs, "images/"+m.target+"/Dockerfile")
		}
	}
	if t.build != nil {
		needs = append(needs, "images/"+t.name+"/Dockerfile")
	}
	for _, f := range t.files {
		needs = append(needs, prerequisite(f))
	}
	for _, n := range t.needs {
		needs = append(needs, "work/"+n+"/done")
	}
	fmt.Fprintf(&b, "work/%s/done:%s\n", t.name, folded(needs, "", ""))
	t.layOut(&b)
	if t.scripted() {
		fmt.Fprintf(&b, "\tsh stages/%[1]s.sh >work/%[1]s/log 2>&1 || { cat work/%[1]s/log; exit 1; }\n", t.name)
	} else {
		fmt.Fprintf(&b, "\t$(MLP) stage --root work/%[1]s --threads $(THREADS) >work/%[1]s/log 2>&1 || { cat work/%[1]s/log; exit 1; }\n", t.name)
	}
	b.WriteString("\t@touch $@\n")
	return b.String()
}

// layOut makes the stage's folder (spec/protocol.md).
func (t *target) layOut(b *strings.Builder) {
	root := "work/" + t.name
	folders := []string{root + "/in", root + "/out"}
	if t.node != nil && t.node.Container != nil {
		folders = append(folders, root+"/checkpoint")
		for _, port := range protocol.OutputFolders(t.spec) {
			folders = append(folders, root+"/out/"+port)
		}
	}
	fmt.Fprintf(b, "\t@rm -rf %s && mkdir -p", root)
	for _, f := range folders {
		b.WriteString(" " + recipe(quote(f)))
	}
	fmt.Fprintf(b, " && cp stages/%s.json %s/stage.json\n", t.name, root)
	for _, in := range t.inputs {
		if in.code != nil {
			layOutCode(b, root, in.path, in.code)
			continue
		}
		fmt.Fprintf(b, "\t@ln -s %s %s\n", recipe(quote("../../../"+in.path)), recipe(quote(root+"/in/"+in.port)))
	}
}

// layOutCode copies the files that a program reads of the module, and no others, a folder a line.
func layOutCode(b *strings.Builder, root, from string, code *plan.External) {
	folders := map[string][]string{}
	var order []string
	for _, f := range code.Files {
		dir := path.Dir(f.Name)
		if folders[dir] == nil {
			order = append(order, dir)
		}
		folders[dir] = append(folders[dir], path.Join(from, f.Name))
	}
	for _, dir := range order {
		to := recipe(quote(path.Join(root, "in/code", dir)))
		fmt.Fprintf(b, "\t@mkdir -p %s && cp", to)
		for _, f := range folders[dir] {
			b.WriteString(" " + recipe(quote(f)))
		}
		fmt.Fprintf(b, " %s/\n", to)
	}
}

// recipe is a text in a command of make, where a dollar is written twice.
func recipe(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// prerequisite is the name of a file as make reads it among what a target needs. What make would read otherwise stands there as "?", which stands for any
// one character: then the target waits for files with similar names, too.
func prerequisite(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || strings.ContainsRune("$=;#:%\\*?[]|&~'\"`(){}<>!", r) {
			return '?'
		}
		return r
	}, s)
}
