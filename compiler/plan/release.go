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
	Rules *Rules `json:"rules,omitempty"`
	// Outlook tells how long each step of a canary takes by its rules, with the traffic that is declared or was seen at the last one.
	Outlook []StepOutlook `json:"outlook,omitempty"`
	// Writes are the destinations of a deployment that writes elsewhere, by their blocks; Secrets what opens them.
	Writes  []Write      `json:"writes,omitempty"`
	Secrets []Secret     `json:"secrets,omitempty"`
	Causes  []Cause      `json:"causes,omitempty"`
	Figures []Compared   `json:"figures,omitempty"` // of both models, where recorded
	Range   source.Range `json:"range,omitzero"`
}

// StepOutlook is how long the rules of a canary take at a step.
type StepOutlook struct {
	Share    float64  `json:"share"`              // of the rows, in percent
	Promote  *Outlook `json:"promote,omitempty"`  // of promote_when, if the canary is as the live model
	Rollback *Outlook `json:"rollback,omitempty"` // of rollback_when, if it is twice as far off as is allowed
}

// Outlook is how long a rule takes. If nothing is told of it, If is empty.
type Outlook struct {
	If     []string `json:"if,omitempty" is:"text"`  // what is supposed: "errors.ratio is 2"
	Early  float64  `json:"early_minutes,omitempty"` // in one release of ten it is decided before
	Median float64  `json:"median_minutes,omitempty"`
	Never  bool     `json:"never,omitempty"`            // no number of rows decides it
	Untold []string `json:"untold,omitempty" is:"text"` // parts of which nothing can be told
}

// Compared is a figure of the model that is live and of the one that would be; either may not be known.
type Compared struct {
	Path string          `json:"path" is:"text"` // "evaluate.holdout.metrics.auc"
	Live json.RawMessage `json:"live,omitempty"`
	Next json.RawMessage `json:"next,omitempty"`
}
