package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Exploration is the control share of a deployment: rows of one decision that are decided otherwise by chance, so that something is learned of them.
//
// For example, of a model whose "true" blocks a payment: with Share 0.03, three of a hundred payments that would be blocked are let through, and a chargeback tells what they were.
type Exploration struct {
	Share float64            `json:"share"`        // the chance of a row that is decided so to be decided otherwise
	Of    string             `json:"of,omitempty"` // the class; empty: the positive one of the model
	By    ExplorationBy      `json:"by,omitempty"` // empty: by the key where the deployment has one
	Never []ExplorationLimit `json:"never,omitempty"`
}

// ExplorationBy is what chance is drawn for.
type ExplorationBy string

const (
	ByKey     ExplorationBy = "key"     // a key is always explored or never, while the model is live
	ByRequest ExplorationBy = "request" // each row of a request is drawn by itself
)

// MostExplored bounds the share: where half of the decisions are the other one, nobody decides any more.
const MostExplored = 0.5

// ScoreLimit is the name by which a limit is of the model's score; a feature of that name takes it.
const ScoreLimit = "score"

// ExplorationLimit names rows that are always decided as the model does: those whose value of a feature is above or below a number, is among some, or is null.
type ExplorationLimit struct {
	Name  string   `json:"name"` // a feature of the model, or ScoreLimit
	Above *float64 `json:"above,omitempty"`
	Below *float64 `json:"below,omitempty"`
	Among []string `json:"among,omitempty"`
}

// ExplorationOf reads it out of the configuration of a deployment; nil: there is none.
func ExplorationOf(config json.RawMessage) (*Exploration, error) {
	var c struct {
		Exploration *Exploration `json:"exploration"`
	}
	if len(config) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("reading the deployment's configuration: %w", err)
	}
	return c.Exploration, nil
}

// Same reports whether rows are explored alike; either may be nil.
func (e *Exploration) Same(o *Exploration) bool { return reflect.DeepEqual(e, o) }

// Problem says why the rows of a model cannot be explored so; empty: they can. Without features nothing is known of them, and limits are not held to them.
func (e *Exploration) Problem(task Task, features []Column) (path, summary string) {
	if !(e.Share > 0 && e.Share <= MostExplored) {
		return "share", fmt.Sprintf("share is %v: it is the chance of a row to be decided otherwise, more than 0 and at most %v", e.Share, MostExplored)
	}
	if task != "" && task != Binary {
		return "", "What the other decision is can be told of models of two classes only"
	}
	for _, l := range e.Never {
		path := "never[" + l.Name + "]"
		numbers := l.Above != nil || l.Below != nil
		switch at := slices.IndexFunc(features, func(c Column) bool { return c.Name == l.Name }); {
		case numbers == (len(l.Among) > 0):
			return path, fmt.Sprintf("never %q says either above and below which number, or among which values", l.Name)
		case at < 0 && l.Name == ScoreLimit && !numbers:
			return path, "The score is a number, so never \"score\" says above or below which"
		case at < 0 && len(features) > 0 && l.Name != ScoreLimit:
			return path, fmt.Sprintf("The model has no feature %q", l.Name)
		case at >= 0 && numbers && KindOf(features[at].Type) != NumberValue, at >= 0 && !numbers && KindOf(features[at].Type) == NumberValue:
			return path, fmt.Sprintf("Column %q is %s: of numbers never says above and below, of text and booleans among", l.Name, features[at].Type)
		case at >= 0 && !numbers && features[at].Type != "varchar" && features[at].Type != "boolean":
			return path, fmt.Sprintf("Column %q is %s, of which there are no limits", l.Name, features[at].Type)
		}
	}
	return "", ""
}
