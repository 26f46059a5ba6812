package eject

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
)

// An image that the engine builds is built by a target of its own, as an apply builds it: of the same Dockerfile, in which the images that it rests on are named by what
// they were, and of the same context, whose files have one time and one mode. What is built has the same files, and those that RUN made have other times; so its layers are
// compared with nothing, and what programs make in it is.

// dockerBuild is how a target builds an image.
type dockerBuild struct {
	*plan.Build
	text  []byte       // of the Dockerfile, its images named by tags of baseTag
	bases []*madeImage // in the order of those
}

// builtBy finds how a stage builds its image.
func (w *writer) builtBy(t *target, names map[string]string) (*dockerBuild, error) {
	n, b := t.node, &dockerBuild{Build: t.node.Container.Build}
	code := n.Input(schema.CodePort)
	if code == nil || code.External == nil {
		return nil, &RefusedError{n.Address, "is built of a Dockerfile that the plan does not name"}
	}
	text, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(path.Join(w.mirrored(code.External.Root), b.Dockerfile))))
	if err != nil {
		return nil, err
	}
	file, err := dockerfile.Parse(text, b.Target, b.Args)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", n.Address, b.Dockerfile, err)
	}
	all, err := file.Bases()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", n.Address, b.Dockerfile, err)
	}
	tags := map[string]string{}
	for i, base := range all {
		at := slices.IndexFunc(n.Inputs, func(in plan.Input) bool {
			_, name, _ := strings.Cut(in.Port, ".")
			return in.From != "" && name == base.Name || in.External != nil && in.External.Remote && in.External.Root == base.Name
		})
		if at < 0 {
			return nil, &RefusedError{n.Address, fmt.Sprintf("rests on the image %s, which the plan does not name", base.Name)}
		}
		below, err := w.imageOf(n, n.Inputs[at].Port, names)
		if err != nil {
			return nil, err
		}
		b.bases, tags[base.Name] = append(b.bases, below), baseTag(t.name, i)
	}
	b.text, _, err = file.Written(tags)
	return b, err
}

// script builds the image, and leaves its ID in the target's folder.
func (b *dockerBuild) script(out *strings.Builder, t *target) {
	for i, base := range b.bases {
		base.script(out, fmt.Sprintf("%s_BASE_%d", variableOf(t.node.Address), i))
		fmt.Fprintf(out, "docker tag \"$image\" %s\n", quote(baseTag(t.name, i)))
	}
	fmt.Fprintf(out, "context=\"$root/context\"\nmkdir -p \"$context\" \"$root\"/in/code/%[1]s\ncp -R \"$root\"/in/code/%[1]s/. \"$context\"\n", quote(b.Context))
	if within, ok := strings.CutPrefix(b.Dockerfile, strings.TrimPrefix(b.Context+"/", "./")); ok { // it is no part of its context
		fmt.Fprintf(out, "rm -f \"$context\"/%s\n", quote(within))
	}
	fmt.Fprintf(out, "find \"$context\" -exec chmod 755 {} + -exec touch -d @%d {} +\ndocker build -q", dockerfile.Epoch)
	line := func(format string, args ...any) { fmt.Fprintf(out, " \\\n\t"+format, args...) }
	if !t.node.Container.Network {
		line("--network none")
	}
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		line("--build-arg %s", quote(name+"="+b.Args[name]))
	}
	if b.Target != "" {
		line("--target %s", quote(b.Target))
	}
	line("-t %s", quote("mlp-ejected/"+strings.Trim(tagged(t.name), "-")+":built"))
	line("-f %s \"$context\" >\"$root/image\"\n", quote("images/"+t.name+"/Dockerfile"))
}
