package eject

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// quote writes a text as one word of a POSIX shell, whatever it holds.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./@:,+", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// plain is a text for a comment, in one line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// dquoted is a text within double quotes of a shell.
func dquoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(plain(s))
}

// rewriteScript is read by the scripts whose programs take or write tables as CSV or JSON, or write tables at all.
const rewriteScript = `# rewrite NAME FROM TO: the table in the folder FROM, written as stages/NAME.json says, as the folder TO. What a program
# writes so has its declared columns and types, and its rows in the order of its key.
rewrite() {
	rm -rf "work/$1"
	mkdir -p "work/$1/in" "$(dirname "$3")"
	cp "stages/$1.json" "work/$1/stage.json"
	ln -s "$PWD/$2" "work/$1/in/table"
	"${MLP:-mlp}" stage --root "work/$1" --threads "${THREADS:-0}"
	rm -rf "$3"
	mv "work/$1/out/table" "$3"
	rm -rf "work/$1"
}
`

// script runs a stage that is a program in an image, or is handed secrets. make has laid out its folder.
func (t *target) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# %s\nset -eu\ncd \"$(dirname \"$0\")/..\"\nroot=work/%s\n", plain(t.about), t.name)
	if len(t.rewrites) > 0 {
		b.WriteString(". lib/rewrite.sh\n")
	}
	for _, r := range t.rewrites {
		if !r.after {
			fmt.Fprintf(&b, "rewrite %s %s \"$root\"/%s\n", quote(r.name), quote(r.from), quote(r.to))
		}
	}
	t.layOutSecrets(&b)
	if t.node.Container == nil {
		b.WriteString("\"${MLP:-mlp}\" stage --root \"$root\" --threads \"${THREADS:-0}\"\n")
		return b.String()
	}
	if t.build != nil {
		t.build.script(&b, t)
		return b.String()
	}
	t.image.script(&b, variableOf(t.spec.Address))
	t.dockerRun(&b)
	for _, r := range t.rewrites {
		if r.after {
			fmt.Fprintf(&b, "rewrite %s \"$root\"/%s \"$root\"/%s\n", quote(r.name), quote(r.from), quote(r.to))
		}
	}
	return b.String()
}

// layOutSecrets has secrets in files for as long as the script runs.
func (t *target) layOutSecrets(b *strings.Builder) {
	if len(t.secrets) == 0 {
		return
	}
	b.WriteString("trap 'rm -rf \"$root/secrets\"' EXIT\nmkdir -m 700 \"$root/secrets\"\n")
	for _, s := range t.secrets {
		fmt.Fprintf(b, "printf %%s \"$%s\" >\"$root\"/secrets/%s\n", secretValue(s), quote(s.Name))
	}
}

// secretValue is what stands behind the dollar that gives a secret's value, of a file the file's content.
func secretValue(s plan.Secret) string {
	if s.Env != "" {
		return fmt.Sprintf("{%s:?the value of secret.%s}", s.Env, s.Name)
	}
	return fmt.Sprintf("(cat \"${%s:?the file with secret.%s}\")", secretFile(s), s.Name)
}

// secretFile is the variable that names the file of a secret.
func secretFile(s plan.Secret) string {
	return strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")) + "_FILE"
}

// dockerRun writes the command that an apply's container comes to.
func (t *target) dockerRun(b *strings.Builder) {
	c, n := t.node.Container, t.node
	line := func(format string, args ...any) { fmt.Fprintf(b, " \\\n\t"+format, args...) }
	b.WriteString("docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 4096 --hostname stage")
	line("--tmpfs /tmp:mode=1777 --user \"$(id -u):$(id -g)\"")
	if !c.Network {
		line("--network none")
	}
	if n.MemoryMB > 0 {
		line("--memory %dm --memory-swap %dm", n.MemoryMB, n.MemoryMB)
	}
	if n.CPUs > 0 {
		line("--cpus %v", n.CPUs)
	}
	if n.Resources != nil && n.Resources.GPUs > 0 {
		line("--gpus %d", n.Resources.GPUs)
	}
	for _, v := range protocol.Environment(t.spec, protocol.Settings{Root: "/mlp", Home: "/tmp", CPUs: n.CPUs, MemoryMB: n.MemoryMB, Extra: c.Env}) {
		line("--env %s", quote(v))
	}
	mount := func(from, to string, readOnly bool) {
		mode := ""
		if readOnly {
			mode = ":ro"
		}
		line("--volume \"$PWD/%s:/mlp/%s%s\"", from, dquoted(to), mode)
	}
	mount("$root/stage.json", "stage.json", true)
	mount("$root/out", "out", false)
	mount("$root/checkpoint", "checkpoint", false)
	for _, in := range t.inputs {
		if in.code != nil {
			mount("$root/in/code", "in/code", true)
		} else {
			mount(dquoted(in.path), "in/"+in.port, true)
		}
	}
	for _, r := range t.rewrites {
		if !r.after {
			mount("$root/"+dquoted(r.to), r.to, true)
		}
	}
	if len(t.secrets) > 0 {
		mount("$root/secrets", "secrets", true)
	}
	if c.Library != "" {
		mount("lib/"+c.Library, "lib", true)
	}
	line("--entrypoint %s \"$image\"", quote(c.Command[0]))
	for _, word := range c.Command[1:] {
		line("%s", quote(word))
	}
	b.WriteString("\n")
}
