package workspace

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render/alerts"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib"
)

// Watched is what a deployment is watched by: limits that are said take the place of alerts.DefaultLimits where they are not 0.
func (s *Session) Watched(at string, said alerts.Limits) (alerts.Deployment, error) {
	at = AddressOf(at)
	r, ok := s.State.Releases[at]
	if !ok {
		return alerts.Deployment{}, &Failure{Err: fmt.Errorf("%s has nothing live", at), Hint: "What is watched is what is recorded: 'mlp release list' lists it."}
	}
	if k := stdlib.Catalog().Kind(address.Kind(at)); k != nil {
		if t := k.Type(r.Type); t != nil && t.Yields(schema.TablePort) {
			return alerts.Deployment{}, &Failure{Err: fmt.Errorf("%s answers no requests, so that no server counts any", at), Hint: "What it writes is watched by 'mlp plan' and by monitors."}
		}
	}
	d := alerts.Deployment{Pipeline: s.Pipeline, Workspace: s.w.Name, Address: at, Model: strings.TrimPrefix(at, address.Kind(at)+"."), Command: func(rest string) string {
		if s.w.Name != "default" {
			rest += " --workspace " + s.w.Name
		}
		return "mlp " + rest // and not where the module lies here: whoever is paged has it elsewhere
	}}
	var err error
	if d.Strategy, err = strategyOf(r.Config); err != nil {
		return d, fmt.Errorf("the configuration of %s: %w", at, err)
	}
	d.Limits = alerts.DefaultLimits(d.Strategy)
	for _, x := range []struct {
		into *float64
		said float64
	}{{&d.Limits.Latency, said.Latency}, {&d.Limits.Errors, said.Errors}, {&d.Limits.Failed, said.Failed}, {&d.Limits.Unseen, said.Unseen}, {&d.Limits.Busy, said.Busy}} {
		if x.said < 0 {
			return d, &Failure{Err: fmt.Errorf("a limit is %v", x.said), Hint: "Shares are from 0 to 1, and times more than none."}
		}
		if x.said > 0 {
			*x.into = x.said
		}
	}
	return d, nil
}

// strategyOf is how releases of a deployment follow each other, by its recorded configuration; nil: at once.
func strategyOf(config json.RawMessage) (*schema.Strategy, error) {
	var c struct {
		Canary *struct {
			Traffic *schema.Traffic `json:"traffic"`
		} `json:"canary"`
		Shadow    json.RawMessage `json:"shadow"`
		BlueGreen bool            `json:"blue_green"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	switch {
	case c.Canary != nil:
		return &schema.Strategy{Role: schema.CanaryRoute, Rules: &schema.StepRules{Traffic: c.Canary.Traffic}}, nil
	case len(c.Shadow) > 0:
		return &schema.Strategy{Role: schema.ShadowRoute}, nil
	case c.BlueGreen:
		return &schema.Strategy{Role: schema.GreenRoute}, nil
	}
	return nil, nil
}
