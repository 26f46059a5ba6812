package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// State is what is recorded of a pipeline in a workspace: the sum of its revisions.
type State struct {
	Pipeline  string                   `json:"pipeline"`
	Workspace string                   `json:"workspace"`
	Revision  int64                    `json:"revision"` // 0: nothing recorded yet
	Digest    Digest                   `json:"digest,omitempty"`
	Nodes     map[string]NodeState     `json:"nodes"`     // by address
	Gates     map[string]GateState     `json:"gates"`     // by address
	Releases  map[string]ReleaseState  `json:"releases"`  // by address of the deploy block
	Approvals map[string]ApprovalState `json:"approvals"` // by "gate.release/risk"
	// Hypotheses are the last verdicts on those of problems, by "problem.churn/trees help".
	Hypotheses map[string]HypothesisState `json:"hypotheses,omitempty"`
	// Watched is what mlp watch has done about monitors and retrainings, by address.
	Watched map[string]WatchState `json:"watched,omitempty"`
	// Described is what decides nothing in blocks that are no stage and no gate, by address: the pipeline's owner, the text
	// of a requirement.
	Described map[string]json.RawMessage `json:"described,omitempty"`
	// Policies are what such blocks ask of others, by address.
	Policies map[string]Policy `json:"policies,omitempty"`
	// Looks are the models that evaluations measured, by the rows that they were measured on, whatever became of either.
	Looks map[Digest][]Digest `json:"looks,omitempty"`
	// Targets of the last apply, where it was limited to some: what does not rest on them is older.
	Targets []string `json:"targets,omitempty"`
	// Sample is the share of rows that all of it is of, where the workspace is one of a sample; empty: of all.
	Sample string `json:"sample,omitempty"`
	// Upstream is what the state goes by, in a workspace of a pull request; nil: the workspace stands alone.
	Upstream *Upstream `json:"upstream,omitempty"`
	// Ahead: the state is that of its upstream and not yet recorded as this workspace's. The next revision records all of it.
	Ahead bool `json:"-"`
	// Answers is the object with what the last apply knew of the module's queries and rules, of which nothing depends; each revision says it.
	Answers Digest `json:"-"`
}

// Upstream is the state of another workspace, as a revision left it, that a workspace goes by: of the workspace pr-42 that of "default", where
// production is. What a pull request would change is a difference from there, and the champion is the one that is live there.
type Upstream struct {
	Workspace string `json:"workspace" is:"word"`
	Revision  int64  `json:"revision"` // 0: nothing was recorded there
	Digest    Digest `json:"digest,omitempty"`
}

// Recorded reports whether anything was ever recorded: by the workspace itself, or by the one that it goes by.
func (st *State) Recorded() bool {
	return st.Revision > 0 || st.Upstream != nil && st.Upstream.Revision > 0
}

// NodeState is the last recorded run of a node.
type NodeState struct {
	Definition  Digest               `json:"definition"`
	Fingerprint Digest               `json:"fingerprint"`
	Kind        string               `json:"kind"`
	Type        string               `json:"type"`
	Version     int                  `json:"component_version"`
	Engine      string               `json:"component_engine,omitempty"`
	Config      json.RawMessage      `json:"config"`
	Wiring      map[string]string    `json:"wiring,omitempty"` // port → "address:port"
	Inputs      map[string]Digest    `json:"inputs,omitempty"`
	Forms       map[string]Digest    `json:"forms,omitempty"` // of what flows in, by port: digests of shape and format
	Container   *Container           `json:"container,omitempty"`
	External    map[string]*External `json:"external,omitempty"`
	Outputs     map[string]Digest    `json:"outputs"`
	// Shapes of the tables and models it yields, by port, and the attributes that decide no result: what later plans
	// are compared with.
	Shapes map[string]*schema.Shape `json:"shapes,omitempty"`
	Meta   json.RawMessage          `json:"meta,omitempty"`
	// Sample is the share of a sample of rows that the result rests on; empty: on all rows.
	Sample string `json:"sample,omitempty"`
	// Accepted: the result was made by another definition than this one; Fingerprint is that of the result.
	Accepted *Acceptance `json:"accepted,omitempty"`
	// Policy that it was last decided by, and what a check came to then.
	Policy Policy      `json:"policy,omitempty"`
	Check  *CheckState `json:"check,omitempty"`
}

// StateOf is what the state keeps of a stage: what it is, the contents that flowed in, by port, and the result. Policy, the verdict of a check
// and an acceptance are left to the caller.
func StateOf(n *Node, inputs map[string]Digest, a *Action) NodeState {
	s := NodeState{
		Definition: n.Definition, Fingerprint: a.Fingerprint, Kind: n.Kind, Type: n.Type, Version: n.Version, Engine: n.Engine,
		Config: n.Config, Inputs: inputs, Forms: n.Forms(), Container: n.Container, Outputs: maps.Clone(a.Outputs),
		Shapes: Shapes(n.Outputs), Meta: n.Meta, Sample: n.Sample,
	}
	for _, in := range n.Inputs {
		if in.From != "" {
			if s.Wiring == nil {
				s.Wiring = map[string]string{}
			}
			s.Wiring[in.Port] = in.From + ":" + in.FromPort
		}
		if in.External != nil {
			if s.External == nil {
				s.External = map[string]*External{}
			}
			s.External[in.Port] = in.External
		}
	}
	return s
}

// Component is what made the result, with its version: "train.gradient_boosting@1".
func (n *NodeState) Component() string {
	if n.Type == "" {
		return fmt.Sprintf("%s@%d", n.Kind, n.Version)
	}
	return fmt.Sprintf("%s.%s@%d", n.Kind, n.Type, n.Version)
}

// CheckState is the last verdict of a check, with the numbers of expectations (not of rows) that did not hold.
type CheckState struct {
	Verdict RuleVerdict `json:"verdict"`
	Failed  int         `json:"failed"`          // expectations that do not hold and fail the check
	Warned  int         `json:"warned"`          // those that only warn
	Rules   []Rule      `json:"rules,omitempty"` // without their places in files
}

// Shapes are those of the tables and models among a node's outputs, as the state keeps them; nil if there are none.
func Shapes(outputs []Output) map[string]*schema.Shape {
	var out map[string]*schema.Shape
	for _, o := range outputs {
		if o.Shape == nil || o.Shape.Table == nil && o.Shape.Model == nil {
			continue
		}
		if out == nil {
			out = map[string]*schema.Shape{}
		}
		out[o.Port] = o.Shape
	}
	return out
}

// GateState is the last decision of a gate.
type GateState struct {
	Definition Digest          `json:"definition"`
	Subject    Digest          `json:"subject"` // of the figures and facts it was decided on; what approvals are bound to
	Verdict    RuleVerdict     `json:"verdict"`
	Policy     Policy          `json:"policy,omitempty"`   // that it was decided by
	Champion   Digest          `json:"champion,omitempty"` // the model that was compared with
	Rules      []Rule          `json:"rules"`
	Approvals  []Approval      `json:"approvals,omitempty"`
	Model      Digest          `json:"model,omitempty"` // the candidate's
	Meta       json.RawMessage `json:"meta,omitempty"`
}

// BlockState is what is recorded of a block that is no stage and no gate.
type BlockState struct {
	Meta   json.RawMessage `json:"meta,omitempty"`
	Policy Policy          `json:"policy,omitempty"`
}

// ReleaseState is what a deploy block has live, with why it may be: the gate, its subject, and the figures that it read.
type ReleaseState struct {
	Type        string          `json:"type" is:"kind"`
	Model       Digest          `json:"model"`             // directory object of the bundle
	From        string          `json:"from" is:"address"` // "train.model"
	Fingerprint Digest          `json:"fingerprint"`       // of the stage that made the model
	Gate        string          `json:"gate,omitempty" is:"address"`
	Subject     Digest          `json:"subject,omitempty"` // the gate's, when it let this pass
	Config      json.RawMessage `json:"config"`
	Scoring     *Scoring        `json:"scoring,omitempty"`   // of an opaque model: how it is used
	Signature   *schema.Model   `json:"signature,omitempty"` // what the model needs and predicts
	Plan        Digest          `json:"plan,omitempty"`      // by which it was released
	// Figures that its gate read when it let it pass: metrics.json by address of the evaluation, metrics only.
	Figures  map[string]json.RawMessage `json:"figures,omitempty" is:"address"`
	Revision int64                      `json:"revision"` // since when
	Since    time.Time                  `json:"since"`
	By       string                     `json:"by,omitempty" is:"text"` // the user of the operating system who applied it
	Host     string                     `json:"host,omitempty" is:"text"`
	Rollback *Rollback                  `json:"rollback,omitempty"` // nil where it is live by its gate
	Rollout  *Rollout                   `json:"rollout,omitempty"`  // nil where it alone answers
	Passed   int64                      `json:"passed,omitempty"`   // of one that went live by a rollout: the revision in which that began
	Promoted *Given                     `json:"promoted,omitempty"` // and who promoted it
	Traffic  *schema.Traffic            `json:"traffic,omitempty"`  // what servers counted while a canary was promoted the last time
	Written  []Written                  `json:"written,omitempty"`  // what its destinations have, sorted by their blocks
}

// ApprovalState is an approval as it was given: for one subject, so that it does not count once the gate's definition, the values its
// rules see or its candidates are others.
type ApprovalState struct {
	Gate    string    `json:"gate"`
	Name    string    `json:"name"`
	Subject Digest    `json:"subject"`
	By      string    `json:"by"`             // as they say
	User    string    `json:"user,omitempty"` // of the operating system
	Host    string    `json:"host,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// Event is one change of one key. Exactly one of the pointers is set; Removed means that the key goes.
type Event struct {
	Key        string           `json:"key"` // "node/train.model", "gate/…", "release/…", "approval/gate.release/risk", "block/pipeline.fraud", "hypothesis/problem.churn/trees help", "watch/monitor.live"
	Removed    bool             `json:"removed,omitempty"`
	Node       *NodeState       `json:"node,omitempty"`
	Gate       *GateState       `json:"gate,omitempty"`
	Release    *ReleaseState    `json:"release,omitempty"`
	Approval   *ApprovalState   `json:"approval,omitempty"`
	Block      *BlockState      `json:"block,omitempty"`
	Hypothesis *HypothesisState `json:"hypothesis,omitempty"`
	Watch      *WatchState      `json:"watch,omitempty"`
	Look       *Look            `json:"look,omitempty"` // beside Node: on which rows the stage has measured which model
}

// Look says that a model was measured on rows, each by its digest. The more models were, the less their figures on these rows
// prove; gates show the number.
type Look struct {
	Rows  Digest `json:"rows"`
	Model Digest `json:"model"`
}

// Action is the record of a stage's result, by fingerprint. Immutable.
type Action struct {
	Fingerprint Digest            `json:"fingerprint"`
	Definition  Digest            `json:"definition"`
	Address     string            `json:"address"`
	Component   string            `json:"component"` // "train.gradient_boosting@1"
	Inputs      map[string]Digest `json:"inputs"`
	Outputs     map[string]Digest `json:"outputs"` // port → directory object
	Figures     json.RawMessage   `json:"figures,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
	Log         Digest            `json:"log,omitempty"`
	Report      Digest            `json:"report,omitempty"` // of out/report.json, where the stage wrote one (lang/report)
	Platform    string            `json:"platform"`         // "linux/amd64"
	Node        string            `json:"node,omitempty"`   // the name of the machine
	Executor    string            `json:"executor"`
	ToolVersion string            `json:"tool_version"`
	StartedAt   time.Time         `json:"started_at"`
	DurationMS  int64             `json:"duration_ms"`
	CPUMS       int64             `json:"cpu_ms,omitempty"`      // of user and system, of the attempt that succeeded; 0: not known, as below
	PeakMemory  int64             `json:"peak_memory,omitempty"` // in bytes
}
