package schema

import "encoding/json"

// Role is what a derived stage is to the stage that it is derived from.
type Role string

const (
	// PredictRole: it has a model that only its own program can score predict for the stage. It runs before the stage, which
	// takes its predictions.
	PredictRole Role = "predict"
	// ChampionRole: it does what the stage does for the model that is live, on the same rows, and compares both. It is there
	// where a gate reads the comparison.
	ChampionRole Role = "champion"
	// FetchRole: it gets what lies outside, as it is there at a version, with network and secrets; the stage takes the bytes and
	// reads them offline.
	FetchRole Role = "fetch"
	// ImageRole: it makes the image that the stage's program runs in, of another image and files of the module.
	ImageRole Role = "image"
	// TrialRole: it fits and measures one choice of parameters among several, and the stage takes what came of all of them. There are as
	// many as the block asks for, told apart by Number.
	TrialRole Role = "trial"
	// SampleRole: it keeps a share of the rows that the stage, a source, yields, and whatever reads the source reads those. It is
	// there in plans of a sample alone.
	SampleRole Role = "sample"
)

// MaxTrials is how many stages a block can have in TrialRole.
const MaxTrials = 999

// Derivation is a stage that is planned because of a block and has no block of its own, such as evaluate.holdout@champion.
type Derivation struct {
	Role Role
	// Number tells those of TrialRole apart, from 1 on without a gap; 0 elsewhere.
	Number int
	// Fetch is set with FetchRole: what runs, and where what it gets lies.
	Fetch *Fetch
	// ScoredBy is the input port of the block at which a model comes in whose program scores it: that program is what runs. Empty:
	// the block's own component runs, with Config.
	ScoredBy string
	Config   json.RawMessage
	In       []DerivationInput // sorted by port
	Out      []DerivationOutput
	// Into is the port at which the block's own stage takes the first output; empty: it takes none.
	Into string
}

// FetchKind is the kind of the components that fetch, "fetch.http". No block is of it.
const FetchKind = "fetch"

// SampleKind and SampleType name the component that samples the rows of a source. No block is of it: the planner asks for it where a
// plan is of a sample. SamplePort is its input.
const (
	SampleKind = "sample"
	SampleType = "rows"
	SamplePort = "rows"
)

// Fetch is a stage that gets what lies outside. Two of the same type and configuration at the same version have the same result,
// whichever blocks they are of.
type Fetch struct {
	Type     string // of the component, "http"
	Version  int    // of that component's output
	Location string // for people: "https://example.com/a.csv", without passwords
	Query    string // what is asked for there, where that is not the whole: "select id from orders"
}

// DerivationInput is what flows into a derived stage at a port: one of Input, Output, Live and Trial.
type DerivationInput struct {
	Port   string
	Input  string // what flows into the block at this port
	Output string // what the block yields at this port
	Live   bool   // the model that is live
	Trial  int    // the first output of the derivation in TrialRole with this number, which is a lower one
}

// DerivationOutput is a port that a derived stage has. A shape that is nil is not known before it ran.
type DerivationOutput struct {
	Port  string
	Type  PortType
	Shape *Shape
}

// DeriveRequest asks a component which further stages are planned for one of its blocks. It is made once the block has its types.
type DeriveRequest struct {
	Config json.RawMessage  // as the stage will get it
	In     map[string]Shape // by port
	Out    map[string]Shape // by port, under its name
}
