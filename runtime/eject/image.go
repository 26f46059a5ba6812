package eject

import (
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/image"
)

// madeImage is what a program runs in: an image by name and ID, one that an archive has, or layers that a target makes on such an image.
type madeImage struct {
	tag, id string // of the image, or of the one that layers lie on; id "": not known when the plan was made
	archive string // file of the folder that has the image; then there is no tag
	target  string // that makes layers; "": none does
	layers  []string
}

// archiveType is the type of stages that take the archive of an image apart, which an engine can load as it is.
const archiveType = "archive"

// loaded reports whether a stage has no target, since an engine does by itself what it does.
func loaded(n *plan.Node) bool { return n.Kind == schema.ImageKind && n.Type == archiveType }

// imageOf finds what a stage's program runs in.
func (w *writer) imageOf(n *plan.Node, names map[string]string) (*madeImage, error) {
	in := n.Input(plan.ImagePort)
	switch {
	case n.Builds():
		return nil, &RefusedError{n.Address, "builds an image, whose layers an engine makes anew each time: push it, and name it by image"}
	case in == nil:
		return nil, &RefusedError{n.Address, "runs in an image that the plan does not name"}
	}
	if in.From == "" {
		return &madeImage{tag: in.External.Root, id: plan.ImageID(in.External.Version)}, nil
	}
	made := w.plan.Node(in.From)
	if made == nil {
		return nil, &RefusedError{n.Address, fmt.Sprintf("runs in the image of %s, which the plan does not have", in.From)}
	}
	if loaded(made) {
		code := made.Input("code")
		if code == nil || code.External == nil || len(code.External.Files) != 1 {
			return nil, &RefusedError{n.Address, fmt.Sprintf("runs in an image that %s does not take from one file", made.Address)}
		}
		t := &target{}
		root, err := w.copyExternal(t, code.External)
		return &madeImage{archive: path.Join(root, code.External.Files[0].Name)}, err
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
	base := made.Image()
	if m.Base == "" || m.Config != nil || base == nil {
		return nil, &RefusedError{n.Address, fmt.Sprintf("runs in an image that %s makes as a whole, and a Dockerfile can only add layers to another one", made.Address)}
	}
	return &madeImage{tag: base.Root, id: plan.ImageID(m.Base), target: names[made.Address], layers: m.Layers}, nil
}

// image writes the Dockerfile of an image that a target makes layers for.
func (w *writer) image(m *madeImage) error {
	if m.target == "" {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Built by scripts below stages/, in work/%s/out/image, whose layers it adds.\nARG BASE=%s\nFROM ${BASE}\n", m.target, m.tag)
	for _, layer := range m.layers {
		fmt.Fprintf(&b, "ADD %s /\n", layer)
	}
	return w.put(path.Join("images", m.target, "Dockerfile"), []byte(b.String()))
}

// script sets the variable image to what docker run takes.
func (m *madeImage) script(b *strings.Builder, address string) {
	variable := "IMAGE_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, address)
	if m.archive != "" {
		fmt.Fprintf(b, "image=${%s:-$(docker load -q -i %s | sed -n 's/^Loaded image\\( ID\\)*: //p' | head -n 1)}\n", variable, quote(m.archive))
		return
	}
	if m.id == "" {
		fmt.Fprintf(b, "image=${%s:-%s} # which image that was is not recorded\n", variable, quote(m.tag))
	} else {
		fmt.Fprintf(b, `# %[2]s, as it was when the results were recorded. %[1]s may name another image.
image=${%[1]s:-%[3]s}
docker image inspect "$image" >/dev/null 2>&1 || docker pull -q %[4]s >/dev/null || true
docker image inspect "$image" >/dev/null 2>&1 || { echo "%[1]s: what %[5]s names now is another image than $image; set %[1]s to run in another one" >&2; exit 1; }
`, variable, plain(m.tag), quote(m.id), quote(m.tag), dquoted(m.tag))
	}
	if m.target != "" {
		fmt.Fprintf(b, "image=$(docker build -q --build-arg BASE=%s -f %s %s)\n", quote(m.tag), quote("images/"+m.target+"/Dockerfile"), quote("work/"+m.target+"/out/image"))
	}
}
