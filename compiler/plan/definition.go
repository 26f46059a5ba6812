package plan

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Define digests what a stage is: all that decides its result but the content of its inputs. What is no part of it:
// address, description, time-out, limits, where inputs come from, and where secrets are found. So a block may be
// renamed, and its inputs come from elsewhere, without a run.
func (n *Node) Define() (Digest, error) {
	type port struct {
		Port, Format string
		Type         schema.PortType
		Shape        *schema.Shape
	}
	def := struct {
		Component string
		Version   int
		Engine    string `json:",omitempty"`
		Config    json.RawMessage
		Container *Container
		In, Out   []port
		Sample    string `json:",omitempty"`
	}{Component: n.Kind + "." + n.Type, Version: n.Version, Engine: n.Engine, Config: n.Config, Container: n.Container.identity(), Sample: n.Sample}
	if n.Container != nil {
		var err error
		if def.Config, err = without(n.Config, notDefining...); err != nil {
			return "", err
		}
	}
	for _, in := range n.Inputs {
		def.In = append(def.In, port{Port: in.Port, Format: in.Format, Shape: in.Shape})
	}
	for _, out := range n.Outputs {
		def.Out = append(def.Out, port{Port: out.Port, Format: out.Format, Type: out.Type})
	}
	return Sum("definition", def)
}

// Forms are digests of what a definition says of the inputs, by port: their shapes and formats.
func (n *Node) Forms() map[string]Digest {
	out := make(map[string]Digest, len(n.Inputs))
	for _, in := range n.Inputs {
		d, err := Sum("form", struct {
			Format string
			Shape  *schema.Shape
		}{in.Format, in.Shape})
		if err != nil {
			panic(err) // shapes always encode
		}
		out[in.Port] = d
	}
	return out
}

// notDefining are the attributes of a foreign stage that its definition says otherwise or not at all: the image, and what it is made of, and the code
// are inputs, the network and the replicas stand in its container, and the predict command is that of the stages that score its model.
var notDefining = []string{"image", "archive", "network", "replicas", "predict", "base", "python", "requirements", "lock", "index", "script", "files"}

// identity is what a container does: where a secret is found is no part of it, its version is.
func (c *Container) identity() *Container {
	if c == nil {
		return nil
	}
	same := *c
	same.Secrets = nil
	return &same
}

// without is the configuration less some attributes.
func without(config json.RawMessage, names ...string) (json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(config, &m); err != nil {
		return nil, fmt.Errorf("reading a configuration: %w", err)
	}
	for _, name := range names {
		delete(m, name)
	}
	return json.Marshal(m)
}

// Scoring is how an opaque model is used: what beside its files decides what production answers.
type Scoring struct {
	Version   int             `json:"version"` // of the contract of predict commands
	Config    json.RawMessage `json:"config"`  // what the command is told
	Container *Container      `json:"container"`
	Image     *External       `json:"image,omitempty"` // that the command runs in; nil in states that were recorded before it stood here
	Code      *External       `json:"code,omitempty"`  // of the module that the command reads; nil: none
}

// predictVersion is the version of the contract of a foreign image's predict command.
const predictVersion = 1

// NewScoring is how the model that a container makes is used: by the command predict in the same image, which reads code, nil for none, and finds told as its
// configuration. The command is empty where there is none.
func NewScoring(c *Container, image, code *External, predict []string, told json.RawMessage) (*Scoring, error) {
	with := *c
	with.Command, with.Replicas = append([]string{}, predict...), 0
	config, err := Canonical(told)
	if err != nil {
		return nil, err
	}
	return &Scoring{Version: predictVersion, Config: config, Container: &with, Image: image, Code: code}, nil
}

// known reports whether all is known that decides the answers. Of nil, for a model that needs no scoring of its own, it is.
func (s *Scoring) known() bool { return s == nil || s.Image != nil && s.Image.Version != "" }

// Digest covers what decides the answers: the command, the image by its version, the configuration. Where secrets are found is no part of
// it. It is empty while the image is not known, and of nil.
func (s *Scoring) Digest() Digest {
	if s == nil || !s.known() {
		return ""
	}
	return s.sum()
}

func (s *Scoring) sum() Digest {
	same := struct {
		Version   int             `json:"version"`
		Config    json.RawMessage `json:"config"`
		Container *Container      `json:"container"`
		Image     Digest          `json:"image"`
		Code      Digest          `json:"code,omitempty"`
	}{s.Version, s.Config, s.Container.identity(), "", ""}
	if s.Image != nil {
		same.Image = VersionDigest(s.Image.Version)
	}
	if s.Code != nil {
		var err error
		if same.Code, err = ExternalDigest(s.Code.Files); err != nil {
			panic(err) // files always encode
		}
	}
	d, err := Sum("scoring", same)
	if err != nil {
		panic(err) // what was read from JSON or is written as it always encodes
	}
	return d
}

// same reports whether two say the same, also of an image that is not known yet. Nil is the same as nil alone.
func (s *Scoring) same(as *Scoring) bool {
	if s == nil || as == nil {
		return s == as
	}
	return s.sum() == as.sum() && reflect.DeepEqual(s.Image, as.Image)
}

// Candidate names all that decides what production answers: the model, and how it is used where its files do not say
// that. Empty while either is not known.
func Candidate(model Digest, s *Scoring) Digest {
	if model == "" || !s.known() {
		return ""
	}
	if s == nil {
		return model
	}
	d, err := Sum("candidate", struct {
		Model   Digest `json:"model"`
		Scoring Digest `json:"scoring"`
	}{model, s.Digest()})
	if err != nil {
		panic(err) // strings always encode
	}
	return d
}

// Candidate is the digest by which what is live is compared with what a plan would release; equal digests answer alike.
func (r *ReleaseState) Candidate() Digest { return Candidate(r.Model, r.Scoring) }

// Is reports whether what is live is known to be that candidate.
func (r *ReleaseState) Is(model Digest, s *Scoring) bool {
	is := Candidate(model, s)
	return is != "" && is == r.Candidate()
}
