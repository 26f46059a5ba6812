package eject

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/image"
	"github.com/mlp-lang/mlp/runtime/component/python"
)

// madeImage is what a program runs in: an image by name and ID, one that an archive has, one that a target builds of a Dockerfile, or layers that a target makes on
// another image.
type madeImage struct {
	tag, id string // of an image by name; id "": not known when the plan was made
	archive string // file of the folder that has the image
	built   string // target that builds it
	target  string // that makes layers
	layers  []string
	below   *madeImage // what those lie on
}

// needed are the targets that it rests on.
func (m *madeImage) needed() []string {
	var out []string
	for ; m != nil; m = m.below {
		for _, name := range []string{m.built, m.target} {
			if name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// archiveType is the type of stages that take the archive of an image apart, which an engine can load as it is.
const archiveType = "archive"

// loaded reports whether a stage has no target, since an engine does by itself what it does.
func loaded(n *plan.Node) bool { return n.Kind == schema.ImageKind && n.Type == archiveType }

// imageOf finds the image that comes into a stage at a port.
func (w *writer) imageOf(n *plan.Node, port string, names map[string]string) (*madeImage, error) {
	in := n.Input(port)
	if in == nil {
		return nil, &RefusedError{n.Address, "runs in an image that the plan does not name"}
	}
	if in.From == "" {
		return &madeImage{tag: in.External.Root, id: plan.ImageID(in.External.Version)}, nil
	}
	made := w.plan.Node(in.From)
	switch {
	case made == nil:
		return nil, &RefusedError{n.Address, fmt.Sprintf("runs in the image of %s, which the plan does not have", in.From)}
	case made.Builds():
		return &madeImage{built: names[made.Address]}, nil
	case loaded(made):
		code := made.Input(schema.CodePort)
		if code == nil || code.External == nil || len(code.External.Files) != 1 {
			return nil, &RefusedError{n.Address, fmt.Sprintf("runs in an image that %s does not take from one file", made.Address)}
		}
		t := &target{}
		root, err := w.copyExternal(t, code.External)
		return &madeImage{archive: path.Join(root, code.External.Files[0].Name)}, err
	}
	below, err := w.imageOf(made, plan.ImagePort, names)
	if err != nil {
		return nil, err
	}
	if in.Digest == "" {
		return nil, &RefusedError{n.Address, fmt.Sprintf("runs in the image that %s makes, which is not made yet, so that nobody knows its layers: apply first", made.Address)}
	}
	text, err := w.Store.ReadFile(in.Digest, image.File)
	if err != nil {
		return nil, fmt.Errorf("the image of %s: %w", n.Address, err)
	}
	m, err := image.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the image of %s: %w", n.Address, err)
	}
	layers := m.Layers
	if onto(made) { // what is stored has all layers, and the program writes its own
		layers = []string{python.Layer}
	}
	return &madeImage{target: names[made.Address], layers: layers, below: below}, nil
}

// onto reports whether a stage that makes an image makes it on one that another stage made. What is recorded of it is put together with that one.
func onto(n *plan.Node) bool {
	in := n.Input(plan.ImagePort)
	return n.Role == schema.ImageRole && in != nil && in.From != ""
}

// image writes the Dockerfile of an image that a target makes layers for.
func (w *writer) image(m *madeImage) error {
	for ; m != nil; m = m.below {
		if m.target == "" {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# Built by scripts below stages/, in work/%s/out/image, whose layers it adds.\nARG BASE=%s\nFROM ${BASE}\n", m.target, cmp.Or(m.below.tag, baseTag(m.target, 0)))
		for _, layer := range m.layers {
			fmt.Fprintf(&b, "ADD %s /\n", layer)
		}
		if err := w.put(path.Join("images", m.target, "Dockerfile"), []byte(b.String())); err != nil {
			return err
		}
	}
	return nil
}

// baseTag is what the engine knows an image by while one is built upon it: builders do not take IDs.
func baseTag(target string, i int) string {
	return fmt.Sprintf("mlp-ejected/%s:base-%d", strings.Trim(tagged(target), "-"), i)
}

// tagged is the name of a target as part of an image's.
func tagged(target string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.':
			return r
		}
		return '-'
	}, target)
}

// variableOf is the variable of a script that names another image for a stage.
func variableOf(address string) string {
	return "IMAGE_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, address)
}

// script sets the variable image to what docker run takes. Another image in its place is named by a variable of the environment.
func (m *madeImage) script(b *strings.Builder, variable string) {
	switch {
	case m.target != "":
		m.below.script(b, variable)
		base := quote(baseTag(m.target, 0))
		fmt.Fprintf(b, "docker tag \"$image\" %s\nimage=$(docker build -q --build-arg BASE=%s -f %s %s)\n", base, base, quote("images/"+m.target+"/Dockerfile"), quote("work/"+m.target+"/out/image"))
	case m.built != "":
		fmt.Fprintf(b, "image=${%s:-$(cat %s)}\n", variable, quote("work/"+m.built+"/image"))
	case m.archive != "":
		fmt.Fprintf(b, "image=${%s:-$(docker load -q -i %s | sed -n 's/^Loaded image\\( ID\\)*: //p' | head -n 1)}\n", variable, quote(m.archive))
	case m.id == "":
		fmt.Fprintf(b, "image=${%s:-%s} # which image that was is not recorded\n", variable, quote(m.tag))
	default:
		fmt.Fprintf(b, `# %[2]s, as it was when the results were recorded. %[1]s may name another image.
image=${%[1]s:-%[3]s}
docker image inspect "$image" >/dev/null 2>&1 || docker pull -q %[4]s >/dev/null || true
docker image inspect "$image" >/dev/null 2>&1 || { echo "%[1]s: what %[5]s names now is another image than $image; set %[1]s to run in another one" >&2; exit 1; }
`, variable, plain(m.tag), quote(m.id), quote(m.tag), dquoted(m.tag))
	}
}
