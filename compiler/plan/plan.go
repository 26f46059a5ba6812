// Package plan holds the plan as data: what the compiler writes, reviewers read and the runtime carries out.
// Its JSON form is specified in spec/plan.schema.json. It is also the reader for other programs: Read takes a saved plan,
// and nothing here knows of HCL, the engine or a database.
package plan

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

const (
	// FormatVersion of the JSON. Minor versions only add; readers refuse another major version.
	FormatVersion = "1.4"
	// Semantics is bumped when fingerprints or verdicts change meaning.
	Semantics = 1
)

// Digest names content or a definition; empty where not known.
type Digest = digest.Digest

// Verdict says what an apply of the plan will do with a node. Every node of a plan has one; what is not known at plan time is may_run,
// and never left out.
type Verdict string

const (
	Run      Verdict = "run"
	MayRun   Verdict = "may_run"  // an input is not known yet: early cut-off may spare it
	Cached   Verdict = "cached"   // a result is recorded by its fingerprint
	Metadata Verdict = "metadata" // changed in a way that runs nothing
	Moved    Verdict = "moved"    // cached, and recorded under another address so far
	Accepted Verdict = "accepted" // the result of another definition is taken, as an accept block says
	Blocked  Verdict = "blocked"  // a check that it requires is known to fail
	Remove   Verdict = "remove"   // in the state, no longer in the module
)

// Known reports whether the node's result is recorded already, so that nothing runs.
func (v Verdict) Known() bool {
	return v == Cached || v == Metadata || v == Moved || v == Accepted
}

// Plan is everything that an apply needs to know. Two plans made of the same module, state and outside content differ in nothing but the
// envelope, on every machine. The body is not changed after Sign.
type Plan struct {
	FormatVersion    string `json:"format_version" is:"word"`
	PlannerSemantics int    `json:"planner_semantics"`
	ID               Digest `json:"plan_id"` // of the body: all but this field and the envelope
	Pipeline         string `json:"pipeline" is:"word"`
	Workspace        string `json:"workspace" is:"word"`
	// Targets are the blocks that it is limited to, with what they rest on, sorted; nil: it is of the whole module.
	Targets []string `json:"targets,omitempty" is:"address"`
	// Sample is what the plan is of where it is of a share of the rows; nil: of all.
	Sample       *Sample                    `json:"sample,omitempty"`
	Base         Base                       `json:"base"`
	ConfigDigest Digest                     `json:"config_digest"`
	Described    map[string]json.RawMessage `json:"described,omitempty" is:"address"` // what decides nothing in blocks that are no stage and no gate, by address
	// Policies are what such blocks ask of others, by address: what verifies a requirement.
	Policies  map[string]Policy          `json:"policies,omitempty" is:"address"`
	Variables map[string]json.RawMessage `json:"variables,omitempty" is:"name"`
	Changes   []Change                   `json:"changes"`
	Nodes     []*Node                    `json:"nodes"` // sorted by address
	Gates     []*Gate                    `json:"gates"`
	Releases  []*Release                 `json:"releases"`
	// Hypotheses of problems, by problem, in the order of the text.
	Hypotheses  []*Hypothesis          `json:"hypotheses,omitempty"`
	GatesGone   []string               `json:"gates_gone,omitempty" is:"address"` // recorded, and in the module no more; sorted
	Moves       []Move                 `json:"moves,omitempty"`                   // by the new address, then the nearest first
	Outputs     map[string]OutputValue `json:"outputs,omitempty" is:"name"`       // of output blocks, by name
	Diagnostics []Diagnostic           `json:"diagnostics,omitempty"`
	Envelope    *Envelope              `json:"envelope,omitempty"`
}

// OutputValue is what an output block shows: a value, or the digest of a block's port, null while it is not known.
type OutputValue struct {
	Value    json.RawMessage `json:"value"`
	From     string          `json:"from,omitempty" is:"address"`
	FromPort string          `json:"from_port,omitempty" is:"port"`
}

// Base is the revision of the state that the plan was made against; revision 0 has no digest.
type Base struct {
	Revision int64  `json:"revision"`
	Digest   Digest `json:"digest,omitempty"`
	// Upstream is the state that was planned against where the workspace goes by another one: Revision is then that of the
	// workspace's own log, whose approvals count and whose looks at test rows are counted.
	Upstream *Upstream `json:"upstream,omitempty"`
	// Outdated are the results of the workspace that do not serve the plan, by address; only beside an Upstream.
	Outdated []Outdated `json:"outdated,omitempty"`
	// Partial are the targets of the apply that the state is of, where that was limited to some: what did not rest on them is older.
	Partial []string `json:"partial,omitempty" is:"address"`
	// Ahead is another plan of the same state that this one is made on top of, as if it had been applied and its gates had passed. Such a plan is
	// to be read and not to be applied: results that are not made yet have digests that stand in for theirs.
	Ahead *Ahead `json:"ahead,omitempty"`
}

// Ahead is the plan that another is made on top of.
type Ahead struct {
	Plan Digest `json:"plan_id"`
	// Made are the stages, by address, whose result that plan makes and this one uses as it is; sorted.
	Made []string `json:"made" is:"address"`
}

// Outdated is a stage whose result the workspace has recorded, and which is another now, so that it or others have to run for the plan. What differs is its "definition", an
// input that comes from outside ("input data", by port), or its "result", which is no longer in the store. Stages that run only because of
// others are none.
type Outdated struct {
	Address string `json:"address" is:"address"`
	What    string `json:"what" is:"text"`
}

// Envelope holds what differs between machines and moments; no part of the plan's identity.
type Envelope struct {
	CreatedAt   time.Time        `json:"created_at"`
	ToolVersion string           `json:"tool_version" is:"text"`
	Commit      string           `json:"commit,omitempty" is:"text"`
	Dirty       bool             `json:"dirty,omitempty"`                     // files of the module's folder differed from the commit
	Durations   map[string]int64 `json:"durations_ms,omitempty" is:"address"` // as the recorded runs, scaled, by address
	// Scaled says of durations that are not those of the recorded run, since there is more or less to do, by what: "trees 100 → 5000".
	Scaled map[string]string `json:"scaled,omitempty" is:"address"`
	// Used is what stages without a limit of memory had when they last ran, by address, where a cluster is asked for as much.
	Used map[string]Used `json:"used,omitempty" is:"address"`
	// Failed says of stages that the last apply ran, and that failed, why, by address.
	Failed map[string]string `json:"failed,omitempty" is:"address"`
}

// Change is a root cause: one thing that differs from what is recorded, and what it makes run.
type Change struct {
	Cause    Cause        `json:"cause"`
	Address  string       `json:"address" is:"address"`
	Category Category     `json:"category"`
	Range    source.Range `json:"range,omitzero"`
	Runs     []string     `json:"runs,omitempty" is:"address"`
	MayRun   []string     `json:"may_run,omitempty" is:"address"`
	Reason   string       `json:"reason,omitempty" is:"text"` // of an acceptance
}

// Category of a change, as a reviewer sorts it: what has to run again, what others may break by, what decides otherwise, and what is only
// described otherwise.
type Category string

const (
	Rebuild        Category = "rebuild"  // decides a result: params.trees 100 → 200
	Breaking       Category = "breaking" // a column or key that others may use is gone or has another type
	PolicyChange   Category = "policy"   // a rule, an approval, what is waited for
	MetadataChange Category = "metadata" // a description, a time-out
	MovedChange    Category = "moved"    // another address, and nothing else
	AcceptedChange Category = "accepted" // would decide a result, and an acceptance says that it does not
)

// CauseKind is the kind of thing that differs. The comment at each says which fields of Cause are set beside Kind.
type CauseKind string

const (
	ConfigCause    CauseKind = "config"    // an attribute: Path, Before, After
	DataCause      CauseKind = "data"      // the content of a source: Before, After are digests
	ImageCause     CauseKind = "image"     // of a container: Path is its name, Before, After are versions
	CodeCause      CauseKind = "code"      // a file of the module that a program reads: Path is its name, Before, After each a CodeLine, where that is known
	ComponentCause CauseKind = "component" // another version of a component
	WiringCause    CauseKind = "wiring"    // an input comes from another block
	NeverRanCause  CauseKind = "never_ran"
	AddedCause     CauseKind = "added" // nothing is recorded of the stage, and its result is known
	ForcedCause    CauseKind = "forced"
	LostCause      CauseKind = "lost"     // the recorded result is gone from the store
	InputCause     CauseKind = "input"    // an input has other content
	SchemaCause    CauseKind = "schema"   // an input has another schema
	PolicyCause    CauseKind = "policy"   // what a block asks of others: Path, Before, After as in a Policy; without Path a block that is gone
	MetadataCause  CauseKind = "metadata" // an attribute that decides no result: Path, Before, After; without Path a block that is gone
	MovedCause     CauseKind = "moved"    // it is recorded under another address: Before, After
	AcceptedCause  CauseKind = "accepted" // it takes a result of another definition: Before, After, where nothing else tells
	OutputCause    CauseKind = "output"   // what a stage yields has another schema: Path, Before, After
)

// Cause is one difference between a block and what is recorded of it, which most often is why it runs:
//
//	{Kind: "config", Path: "params.trees", Before: 100, After: 200}
//
// Before and After are canonical JSON; an absent one means that there was, or is, no value.
type Cause struct {
	Kind   CauseKind       `json:"kind"`
	Path   string          `json:"path,omitempty" is:"text"` // "params.trees"
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	From   string          `json:"from,omitempty" is:"address"` // input: the address it comes from
	// Weaker says why something may pass that would not have passed before; empty where that is not so, or cannot be told.
	Weaker string `json:"weaker,omitempty" is:"text"`
}

// CodeLine is the first line in which a file of code differs from what is recorded; a file that ends there has none.
type CodeLine struct {
	Line int    `json:"line"` // from 1 on
	Text string `json:"text" is:"text"`
}

// Node is one stage: what runs, alone, from its inputs to its outputs. train.model["eu"] is a node; gates, and deployments as such, are
// none. Limits of 0 mean that the plan sets none. Digests are empty while they are not known, as that of an input whose stage has to run
// first.
type Node struct {
	Address     string          `json:"address" is:"address"`      // "train.model", "evaluate.holdout@champion"
	Of          string          `json:"of,omitempty" is:"address"` // of a derived stage: the one that it is derived from, "evaluate.holdout"
	Role        schema.Role     `json:"role,omitempty"`            // of a derived stage: what it is to that one, "champion"
	Kind        string          `json:"kind" is:"kind"`
	Type        string          `json:"type" is:"kind"`
	Phase       schema.Phase    `json:"phase"`
	Version     int             `json:"component_version"`
	Engine      string          `json:"component_engine,omitempty" is:"word"` // what the component computes with: "duckdb-1.4.5"
	Sample      string          `json:"sample,omitempty" is:"word"`           // the share of a sample of rows that its inputs come from; empty: they are whole
	Verdict     Verdict         `json:"verdict"`
	Causes      []Cause         `json:"causes,omitempty"`
	Definition  Digest          `json:"definition"`
	Fingerprint Digest          `json:"fingerprint,omitempty"` // known when all inputs are; of an accepted result, that of the result
	Accepted    *Acceptance     `json:"accepted,omitempty"`    // it rests on an acceptance, or will if its inputs are as they were
	Replaces    Digest          `json:"replaces,omitempty"`    // fingerprint of what is recorded of the address now
	Config      json.RawMessage `json:"config"`
	Inputs      []Input         `json:"inputs"`  // sorted by port
	Outputs     []Output        `json:"outputs"` // sorted by port
	After       []string        `json:"after,omitempty" is:"address"`
	Gate        string          `json:"gate,omitempty" is:"address"` // of a deployment: that of After which holds its release
	Rules       *Rules          `json:"rules,omitempty"`             // of a check
	Decided     Digest          `json:"decided,omitempty"`           // of the policy that is recorded of it now; empty: of none
	Findings    []Finding       `json:"findings,omitempty"`          // of a check or monitor whose result is known: what it found amiss
	Container   *Container      `json:"container,omitempty"`
	Secrets     []Secret        `json:"secrets,omitempty"` // of a fetch, sorted by name; a container has its own
	Scoring     *Scoring        `json:"scoring,omitempty"` // of a stage that makes a model which only its own program scores: how
	TimeoutMS   int64           `json:"timeout_ms"`
	MemoryMB    int64           `json:"memory_mb,omitempty"`
	MaxMemoryMB int64           `json:"max_memory_mb,omitempty"` // what the limit may be raised to; 0: nothing
	DiskMB      int64           `json:"disk_mb,omitempty"`
	CPUs        float64         `json:"cpus,omitempty"`

	Resources *schema.Resources `json:"resources,omitempty"` // what else it wants of where it runs; nil: nothing

	Retries     int             `json:"retries"`
	NoCache     bool            `json:"no_cache,omitempty"`
	Meta        json.RawMessage `json:"meta,omitempty"` // attributes that decide no result, as written or by default
	Description string          `json:"description,omitempty" is:"text"`
	Range       source.Range    `json:"range,omitzero"`
}

// FindingSeverity says what a finding means.
type FindingSeverity string

const (
	FailFinding  FindingSeverity = "fail"  // an expectation does not hold, and its check fails
	WarnFinding  FindingSeverity = "warn"  // an expectation does not hold, and that is only told
	DriftFinding FindingSeverity = "drift" // a monitor found that something is not as it was
)

// Finding is one thing that a check or a monitor found amiss.
type Finding struct {
	Severity FindingSeverity `json:"severity"`
	About    string          `json:"about,omitempty" is:"text"` // the column or figure
	Text     string          `json:"text" is:"text"`
}

// Input of a node: from another node's port, from outside, or an object of the store by digest.
type Input struct {
	Port     string        `json:"port" is:"port"`
	From     string        `json:"from,omitempty" is:"address"`
	FromPort string        `json:"from_port,omitempty" is:"port"`
	Digest   Digest        `json:"digest,omitempty"` // once known
	External *External     `json:"external,omitempty"`
	Shape    *schema.Shape `json:"shape,omitempty"`
	Rows     schema.RowUse `json:"rows,omitempty"`             // of a table: what they are to a model; no part of the definition
	Format   string        `json:"format,omitempty" is:"word"` // "csv" or "ndjson" where a foreign stage asks for it
}

// External is a set of local files, or what lies elsewhere. The digest of an Input that has one covers names and contents of
// files, or the version of what lies elsewhere; while that is not known there is none.
type External struct {
	Root  string         `json:"root" is:"path"` // folder relative to the module; of what lies elsewhere, its address or name
	Files []ExternalFile `json:"files"`
	// Dir is the folder that the block's own path is relative to, itself relative to the module: that of a child module. It is
	// there so that what the path means can be asked again.
	Dir string `json:"dir,omitempty" is:"path"`
	// Remote: it lies elsewhere: a fetch gets it, or a container runs in it. Version is what that has now: `ETag "33a64df5"`, of an image
	// its ID and platform (ImageVersion); empty: not known.
	Remote  bool   `json:"remote,omitempty"`
	Version string `json:"version,omitempty" is:"text"`
}

// ExternalFile is one of them; the name is relative to the root, with forward slashes.
type ExternalFile struct {
	Name   string `json:"name" is:"file"`
	Size   int64  `json:"size"`
	Digest Digest `json:"digest"`
}

// Names of the files, in the order of Files.
func (e *External) Names() []string {
	names := make([]string, len(e.Files))
	for i, f := range e.Files {
		names[i] = f.Name
	}
	return names
}

// Output of a node: one port, whose content is one object of the store once the stage has run.
type Output struct {
	Port   string          `json:"port" is:"port"` // "table", "train", "model"
	Type   schema.PortType `json:"type"`
	Digest Digest          `json:"digest,omitempty"` // known when cached
	Shape  *schema.Shape   `json:"shape,omitempty"`
	Format string          `json:"format,omitempty" is:"word"`
}

// Rules are the CEL conditions of a gate or check, with all that is needed to decide them: no .mlp file and no catalog is read for that.
type Rules struct {
	Env   *schema.FigureType `json:"env"`   // type of the root: an object of namespaces
	Known json.RawMessage    `json:"known"` // the values decided at plan time, as one JSON object
	// Figures says which node's metrics.json stands at which path of the environment.
	Figures []FigureSource `json:"figures,omitempty"`
	Rules   []Rule         `json:"rules"`
}

// FigureSource says at which path rules read a node's figures. With Path "evaluate.holdout" the metrics.json
// {"metrics": {"auc": 0.91}} is read as evaluate.holdout.metrics.auc.
type FigureSource struct {
	Path string `json:"path" is:"port"` // "evaluate.holdout"; "evaluate.holdout.delta" for "delta" of the champion's node
	Node string `json:"node" is:"address"`
	Pick string `json:"pick,omitempty" is:"port"` // the part of the figures; empty: all
	// Absent: there is no such node in this plan (no champion to compare with); the path is missing, not unknown.
	Absent bool `json:"absent,omitempty"`
}

// RuleVerdict is what is known of a rule, gate or check. A release passes by Pass alone: Open and RuleError hold it as Fail does.
type RuleVerdict string

const (
	Pass      RuleVerdict = "pass"
	Fail      RuleVerdict = "fail"
	Open      RuleVerdict = "open"  // a figure that decides is not known yet
	RuleError RuleVerdict = "error" // a figure is missing, undefined or NaN
)

// Rule is one condition of a gate or check, decided on the figures known at plan time, or, in the state, on those of its last decision.
type Rule struct {
	Name     string       `json:"name" is:"text"`
	Assert   string       `json:"assert" is:"text"`
	Message  string       `json:"message,omitempty" is:"text"`
	Severity string       `json:"severity" is:"word"` // "fail" or "warn"
	Verdict  RuleVerdict  `json:"verdict"`
	Residual string       `json:"residual,omitempty" is:"text"` // of an open one, known values folded in
	Values   []FigureSeen `json:"values,omitempty"`             // known figures that it reads, in order of appearance
	Live     []FigureSeen `json:"live,omitempty"`               // the same figures when the gate last decided
	Reason   string       `json:"reason,omitempty" is:"text"`   // of an error
	Range    source.Range `json:"range,omitzero"`
}

// FigureSeen is a figure and its value.
type FigureSeen struct {
	Path  string          `json:"path" is:"text"`
	Value json.RawMessage `json:"value"`
}

// Gate is a gate with what is known of its decision at plan time: rules, approvals, and what it waits for. It has no fingerprint and
// is not run: once its figures are known, the engine decides it again, from Rules and Approvals.
type Gate struct {
	Address    string          `json:"address" is:"address"`
	Verdict    RuleVerdict     `json:"verdict"`
	Cached     bool            `json:"cached,omitempty"`                  // decided before on the same facts; nothing to do
	After      []string        `json:"after,omitempty" is:"address"`      // checks and gates that must have passed
	BlockedBy  []string        `json:"blocked_by,omitempty" is:"address"` // those of After that are known to have failed
	Rules      Rules           `json:"rules"`
	Approvals  []Approval      `json:"approvals,omitempty"`
	Rollback   *RollbackPolicy `json:"rollback,omitempty"` // nil: nothing but a reason is asked of rollbacks
	Champion   *Champion       `json:"champion,omitempty"`
	Causes     []Cause         `json:"causes,omitempty"`
	Accepted   []string        `json:"accepted,omitempty" is:"address"` // stages it rests on whose result is accepted, sorted
	Looks      []Looked        `json:"looks,omitempty"`                 // how often the rows that its figures come from were looked at
	Meta       json.RawMessage `json:"meta,omitempty"`
	Definition Digest          `json:"definition"`
	Replaces   Digest          `json:"replaces,omitempty"` // definition that it was last decided by
	Range      source.Range    `json:"range,omitzero"`
}

// Looked says how many models evaluations have measured on the rows of a port, as far as they are those of now.
type Looked struct {
	From     string `json:"from" is:"address"`
	FromPort string `json:"from_port" is:"port"`
	Models   int    `json:"models"`
	// Elsewhere: of these, those that only evaluations in other workspaces of the pipeline have measured, such as pull requests that were not merged.
	Elsewhere int `json:"elsewhere,omitempty"`
}

// Approval is a person's yes that a gate asks for.
type Approval struct {
	Name    string       `json:"name" is:"text"`
	From    []string     `json:"from" is:"text"`
	When    string       `json:"when,omitempty" is:"text"` // CEL; empty: always
	Needed  RuleVerdict  `json:"needed"`                   // pass: needed; fail: not needed; open
	GivenBy string       `json:"given_by,omitempty" is:"text"`
	Given   *Given       `json:"given,omitempty"` // the same with where, when and why; of one that is not needed: how it was given for what is live
	Range   source.Range `json:"range,omitzero"`
}

// Champion is the release that a gate compares with.
type Champion struct {
	Deploy      string `json:"deploy" is:"address"`
	Exists      bool   `json:"exists"`
	Comparable  bool   `json:"comparable"`
	Candidate   bool   `json:"candidate,omitempty"`     // it is the candidate itself; rules see champion.exists as false
	Why         string `json:"why,omitempty" is:"text"` // it is not comparable
	Model       Digest `json:"model,omitempty"`
	Fingerprint Digest `json:"fingerprint,omitempty"` // of the stage that made it
}

// Diagnostic is a warning that the plan carries along.
type Diagnostic struct {
	Severity string       `json:"severity" is:"word"`
	Code     string       `json:"code,omitempty" is:"word"`
	Summary  string       `json:"summary" is:"text"`
	Detail   string       `json:"detail,omitempty" is:"text"`
	Hint     string       `json:"hint,omitempty" is:"text"`
	Subject  source.Range `json:"subject,omitzero"`
}

// Derived reports whether the stage was planned because of another one, which Of names, and stands in no file.
func (n *Node) Derived() bool { return n.Role != "" }

// Fetches reports whether the stage gets what lies elsewhere: it alone, of built-in ones, has a network and secrets.
func (n *Node) Fetches() bool { return n.Role == schema.FetchRole }

// HasVerdict reports whether the stage decides by rules and expectations, and others wait for what it says.
func (n *Node) HasVerdict() bool {
	return slices.ContainsFunc(n.Outputs, func(o Output) bool { return o.Type == schema.VerdictPort })
}

// Measured is the input whose rows the stage measures a model on; nil if there is none.
func (n *Node) Measured() *Input {
	for i := range n.Inputs {
		if n.Inputs[i].Rows == schema.MeasuredRows {
			return &n.Inputs[i]
		}
	}
	return nil
}

// Looks is the input with the rows that the stage looks at by measuring a model on them; nil if it does not, or was planned because of
// one that does. Looks are counted, since the more models are measured on the same rows, the less the best figure says.
func (n *Node) Looks() *Input {
	if n.ModelInput() == nil || n.Derived() {
		return nil
	}
	return n.Measured()
}

// ModelInput is the first input, by port, that carries a model; nil if none does. The pointer leads into n.Inputs.
func (n *Node) ModelInput() *Input {
	for i := range n.Inputs {
		if s := n.Inputs[i].Shape; s != nil && s.Type == schema.ModelPort {
			return &n.Inputs[i]
		}
	}
	return nil
}

// makesModel reports whether the stage yields a model.
func (n *Node) makesModel() bool {
	return slices.ContainsFunc(n.Outputs, func(o Output) bool { return o.Type == schema.ModelPort })
}

// Node returns the node of that address, nil if there is none. It goes through all nodes; callers that ask for many keep a map.
func (p *Plan) Node(address string) *Node {
	for _, n := range p.Nodes {
		if n.Address == address {
			return n
		}
	}
	return nil
}
