package plan

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// What lies elsewhere is an input by its version: what a fetch gets, and the image that a foreign stage runs in.

// ImagePort is the input of a foreign stage that is its image.
const ImagePort = "image"

// ImageVersion is what an image's name means: the image's ID and platform, "sha256:33a64df5… linux/amd64". An ID alone may stand for
// one image for each platform.
func ImageVersion(id, platform string) string { return id + " " + platform }

// ImageID is the ID of a version of an image.
func ImageID(version string) string {
	id, _, _ := strings.Cut(version, " ")
	return id
}

// ImagePlatform is the platform of a version of an image, "linux/amd64"; empty while that is not known.
func ImagePlatform(version string) string {
	_, platform, _ := strings.Cut(version, " ")
	return platform
}

// Outside is the input that lies elsewhere under an address or name, and has a version, which is empty while it is not known.
func Outside(port, root, version string) Input {
	return Input{Port: port, Digest: VersionDigest(version), External: &External{Root: root, Files: []ExternalFile{}, Remote: true, Version: version}}
}

// Remote is the input that lies elsewhere: of a fetch what it gets, of a foreign stage the image that a name means; nil if there is none, or there may be several
// (Builds). The pointer leads into n.Inputs.
func (n *Node) Remote() *Input {
	if all := n.Remotes(); len(all) > 0 && !n.Builds() {
		return all[0]
	}
	return nil
}

// Remotes are all inputs that lie elsewhere, in the order of their ports. The pointers lead into n.Inputs.
func (n *Node) Remotes() []*Input {
	var out []*Input
	for i := range n.Inputs {
		if e := n.Inputs[i].External; e != nil && e.Remote {
			out = append(out, &n.Inputs[i])
		}
	}
	return out
}

// Builds reports whether the stage builds an image by the container engine. It runs in no image, and rests on those that are its inputs: by a name (Remotes), or
// made by a stage.
func (n *Node) Builds() bool { return n.Container != nil && n.Container.Build != nil }

// BasePort is the input of a stage that builds an image for the image of a name, by the order of the names in the Dockerfile.
func BasePort(i int) string { return fmt.Sprintf("base.%d", i) }

// Input is the input at a port; nil if there is none. The pointer leads into n.Inputs.
func (n *Node) Input(port string) *Input {
	for i := range n.Inputs {
		if n.Inputs[i].Port == port {
			return &n.Inputs[i]
		}
	}
	return nil
}

// Image is what a foreign stage runs in, and what its model is scored in: an image by its name and version, or the stage that makes it and the digest of what
// that made; nil of other stages.
func (n *Node) Image() *External {
	if n.Container == nil {
		return nil
	}
	in := n.Input(ImagePort)
	switch {
	case in == nil:
		return nil
	case in.External != nil:
		return in.External
	}
	return MadeImage(in.From, in.Digest)
}

// MadeImage is the image that a stage makes; the digest is empty while it is not known.
func MadeImage(address string, digest Digest) *External {
	return &External{Root: address, Files: []ExternalFile{}, Remote: true, Version: string(digest)}
}

// Code is the code of the module that a foreign stage reads; nil if it reads none.
func (n *Node) Code() *External {
	if in := n.Input(schema.CodePort); in != nil && n.Container != nil {
		return in.External
	}
	return nil
}
