package plan

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// ReleaseAction is what an apply does to a deployment.
type ReleaseAction string

const (
	NoRelease     ReleaseAction = "none"
	CreateRelease ReleaseAction = "create"
	ChangeRelease ReleaseAction = "change"
	MayRelease    ReleaseAction = "may_change" // whether the model differs is not known yet
	RemoveRelease ReleaseAction = "remove"
)

// Release is what a plan does to one deploy block: which model would be live there, behind which gate, and what is live now (Current; nil
// if nothing is).
type Release struct {
	Address string          `json:"address" is:"address"`
	Type    string          `json:"type" is:"kind"` // "http", "batch"
	Action  ReleaseAction   `json:"action"`
	Gate    string          `json:"gate,omitempty" is:"address"`
	Model   Input           `json:"model"`
	Scoring *Scoring        `json:"scoring,omitempty"`           // of an opaque model: how it is used
	Node    string          `json:"node,omitempty" is:"address"` // the stage of a batch deployment
	Sample  string          `json:"sample,omitempty" is:"word"`  // the share of a sample of rows that the model comes from: it is not released
	Config  json.RawMessage `json:"config"`
	Current *ReleaseState   `json:"current,omitempty"`
	// Strategy says by which steps it takes over from another model that is live; absent: at once.
	Strategy *schema.Strategy `json:"strategy,omitempty"`
	// Rules are the conditions of the strategy as they are written, and what they read of variables; the strategy has them with that put in.
	Rules   *Rules       `json:"rules,omitempty"`
	Causes  []Cause      `json:"causes,omitempty"`
	Figures []Compared   `json:"figures,omitempty"` // of both models, where recorded
	Range   source.Range `json:"range,omitzero"`
}

// Compared is a figure of the model that is live and of the one that would be; either may not be known.
type Compared struct {
	Path string          `json:"path" is:"text"` // "evaluate.holdout.metrics.auc"
	Live json.RawMessage `json:"live,omitempty"`
	Next json.RawMessage `json:"next,omitempty"`
}
