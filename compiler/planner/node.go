package planner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// meta are the attributes of a stage that say how it is run, not what it does. They are no part of its definition: with
// more memory the same is computed. Timeout is a duration as written, "90m"; sizes are in MB; zero is the default.
type meta struct {
	Description string  `json:"description"`
	Timeout     string  `json:"timeout"`
	Retries     float64 `json:"retries"`
	MemoryMB    float64 `json:"memory_mb"`
	MaxMemoryMB float64 `json:"max_memory_mb"`
	DiskMB      float64 `json:"disk_mb"`
	CPUs        float64 `json:"cpus"`

	GPUs           float64  `json:"gpus"`
	Architecture   string   `json:"architecture"`
	NodeSelector   any      `json:"node_selector"`
	Tolerations    []string `json:"tolerations"`
	ServiceAccount string   `json:"service_account"`

	Cache *bool `json:"cache"`
}

// stage plans the stage of a block, with those derived of it before it: the fetch, the predictions. After a mistake the
// stage is not in the plan, and what stands behind it has no input; there is no plan then.
//
// The order matters: inputs from outside come in before the stage is decided, since its fingerprint is of them; rules, policy and findings
// after it, since they are of a result that may be known by then.
func (p *planner) stage(ctx context.Context, b *check.Block) {
	n := p.node(b)
	if n == nil {
		return
	}
	if p.given(n) {
		if b.TypeSpec.IsCheck() {
			p.checkRules(b, n)
		}
		return
	}
	if b.Program != nil && !p.program(ctx, b, n) {
		return
	}
	if b.TypeSpec.External {
		// Files of this machine are read by the stage itself; what lies elsewhere is fetched by a stage of its own.
		read := p.external
		if derivation(b, schema.FetchRole) != nil {
			read = p.fetched
		}
		if !read(ctx, b, n) {
			return
		}
	}
	p.predictions(ctx, b, n)
	p.trials(b, n)
	p.decide(n)
	p.sampled(b, n)
	if b.TypeSpec.IsCheck() {
		p.checkRules(b, n)
	}
	p.stagePolicy(n)
	if a := p.actions[n.Address]; a != nil {
		n.Findings = decide.Findings(n, a.Figures)
	}
}

// node builds a stage's node from its block, all but verdict and causes; nil after a mistake. Inputs and outputs are
// sorted by port, so that a definition does not depend on the order of the text.
func (p *planner) node(b *check.Block) *plan.Node {
	n := &plan.Node{
		Address: b.Address, Kind: b.Kind, Type: b.Type, Phase: b.KindSpec.Phase, Version: b.TypeSpec.Version, Engine: b.TypeSpec.Engine,
		Config: b.Config, Inputs: []plan.Input{}, Outputs: []plan.Output{}, Range: b.Range, Description: b.Description, Meta: b.Meta,
	}
	var how meta
	if err := json.Unmarshal(orEmpty(b.Meta), &how); err != nil {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeStage, Subject: b.Range,
			Summary: fmt.Sprintf("attributes of %s: %v", b.Address, err),
		})
		return nil
	}
	// Metadata decides how a stage runs and is no part of its definition.
	timeout := time.Hour
	if how.Timeout != "" {
		var err error
		if timeout, err = schema.ParseDuration(how.Timeout); err != nil {
			p.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeStage, Subject: b.Range,
				Summary: fmt.Sprintf("timeout of %s: %v", b.Address, err),
			})
			return nil
		}
	}
	n.TimeoutMS, n.Retries = timeout.Milliseconds(), int(how.Retries)
	n.MemoryMB, n.MaxMemoryMB, n.DiskMB, n.CPUs = int64(how.MemoryMB), int64(how.MaxMemoryMB), int64(how.DiskMB), how.CPUs
	if n.MaxMemoryMB > 0 && n.MaxMemoryMB < n.MemoryMB {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeStage, Subject: cmp.Or(b.Ranges["max_memory_mb"], b.Range),
			Summary: fmt.Sprintf("max_memory_mb of %s is less than its memory_mb", b.Address),
		})
		return nil
	}
	var ok bool
	if n.Resources, ok = p.resources(b, &how); !ok {
		return nil
	}
	n.NoCache = how.Cache != nil && !*how.Cache
	for _, r := range b.Refs {
		switch r.Edge {
		case schema.InputEdge:
			shape, reads := b.In[r.Port]
			if r.Along && !reads {
				continue
			}
			in := plan.Input{Port: r.Port, From: p.sampledFrom(r.Target, r.TargetPort), FromPort: r.TargetPort, Shape: &shape}
			if !r.Along && r.Spec.Rows.OfModel() {
				in.Rows = r.Spec.Rows
			}
			n.Inputs = append(n.Inputs, in)
		case schema.OrderEdge:
			n.After = append(n.After, r.Target)
			if b.TypeSpec.IsDeployment() && r.Path == "gate" {
				n.Gate = r.Target
			}
		}
	}
	for _, port := range b.TypeSpec.Out {
		if port.Type == schema.ReleasePort {
			continue
		}
		out := plan.Output{Port: port.Name, Type: port.Type}
		s, ok := b.Out[port.Name]
		if ok {
			out.Shape = &s
		} else if port.Asked {
			continue
		}
		n.Outputs = append(n.Outputs, out)
	}
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
	slices.SortFunc(n.Outputs, func(a, b plan.Output) int { return cmp.Compare(a.Port, b.Port) })
	slices.Sort(n.After)
	n.After = slices.Compact(n.After)
	return n
}

// setFormat says that tables flow in and out in another format than Parquet, "csv" or "ndjson", for a program that reads no Parquet. The
// tables themselves stay as they are in the store; they are rewritten around the stage.
func setFormat(n *plan.Node, format string) {
	if format == "" || format == "parquet" {
		return
	}
	for i := range n.Inputs {
		if n.Inputs[i].Shape != nil && n.Inputs[i].Shape.Type == schema.TablePort {
			n.Inputs[i].Format = format
		}
	}
	for i := range n.Outputs {
		if n.Outputs[i].Type == schema.TablePort {
			n.Outputs[i].Format = format
		}
	}
}

// external adds the files from outside as an input.
// Their digest stands in the plan, and the stage gets those bytes or none. False means that a mistake was told.
func (p *planner) external(ctx context.Context, b *check.Block, n *plan.Node) bool {
	ext, digest, err := p.o.Sources.External(ctx, b.Kind, b.Type, b.Address, b.Config)
	if err != nil {
		r := b.Ranges["path"]
		if r.IsZero() {
			r = b.Range
		}
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeFiles, Subject: r, Summary: fmt.Sprintf("%s: %v", b.Address, err)})
		return false
	}
	n.Inputs = append(n.Inputs, plan.Input{Port: "files", Digest: digest, External: ext, Shape: &schema.Shape{Type: schema.FilesPort}})
	slices.SortFunc(n.Inputs, func(a, b plan.Input) int { return cmp.Compare(a.Port, b.Port) })
	return true
}

// orEmpty is an empty object where nothing is recorded.
func orEmpty(m json.RawMessage) json.RawMessage {
	if len(m) == 0 {
		return json.RawMessage("{}")
	}
	return m
}
