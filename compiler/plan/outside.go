package plan

import "strings"

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

// Outside is the input that lies elsewhere under an address or name, and has a version, which is empty while it is not known.
func Outside(port, root, version string) Input {
	return Input{Port: port, Digest: VersionDigest(version), External: &External{Root: root, Files: []ExternalFile{}, Remote: true, Version: version}}
}

// Remote is the input that lies elsewhere: of a fetch what it gets, of a foreign stage its image; nil if there is none. The pointer leads
// into n.Inputs.
func (n *Node) Remote() *Input {
	for i := range n.Inputs {
		if e := n.Inputs[i].External; e != nil && e.Remote {
			return &n.Inputs[i]
		}
	}
	return nil
}

// image is the image of a foreign stage; nil of others.
func (n *Node) image() *External {
	if in := n.Remote(); in != nil && n.Container != nil {
		return in.External
	}
	return nil
}
