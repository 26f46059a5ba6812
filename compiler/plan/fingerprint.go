package plan

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Fingerprint names a stage's result: its definition and the content of its inputs by port. Same fingerprint, same
// result, on every machine. All digests must be known; of an empty one the fingerprint would stand for whatever comes.
func Fingerprint(definition Digest, inputs map[string]Digest) Digest {
	if inputs == nil {
		inputs = map[string]Digest{} // written as null, it would differ from no inputs
	}
	d, err := Sum("fingerprint", struct {
		Definition Digest            `json:"definition"`
		Inputs     map[string]Digest `json:"inputs"`
	}{definition, inputs})
	if err != nil {
		panic(err) // strings always encode
	}
	return d
}

// GateSubject is what a gate's decision and its approvals are bound to: the gate's definition, all values its rules
// can see, and the candidates' models by the address of the deployment that would release them.
func GateSubject(definition Digest, values json.RawMessage, models map[string]Digest) (Digest, error) {
	if models == nil {
		models = map[string]Digest{}
	}
	return Sum("gate", struct {
		Definition Digest            `json:"definition"`
		Values     json.RawMessage   `json:"values"`
		Models     map[string]Digest `json:"models"`
	}{definition, values, models})
}

// Explores adds to the candidates of a gate by which chance a deployment decides otherwise than its model: what is approved is that too.
func Explores(models map[string]Digest, deploy string, config json.RawMessage) error {
	e, err := schema.ExplorationOf(config)
	if err != nil || e == nil {
		return err
	}
	models[deploy+".exploration"], err = Sum("exploration", e)
	return err
}

// ExploresAlike reports whether two configurations of a deployment explore the same rows with the same chance. One that cannot be read is like none.
func ExploresAlike(a, b json.RawMessage) bool {
	x, errX := schema.ExplorationOf(a)
	y, errY := schema.ExplorationOf(b)
	return errX == nil && errY == nil && x.Same(y)
}

// VersionDigest is the digest of the version that something outside has, such as `ETag "33a64df5"` or that of an image. It stands for the
// content in the fingerprint of the stage that takes it, since the content is not read before that. Of an unknown version ("") it is empty.
func VersionDigest(version string) Digest {
	if version == "" {
		return ""
	}
	d, err := Sum("version", version)
	if err != nil {
		panic(err) // strings always encode
	}
	return d
}

// ExternalDigest covers the names and contents of a set of files, not where they are: a folder that is moved is the
// same data.
func ExternalDigest(files []ExternalFile) (Digest, error) { return Sum("external", files) }
