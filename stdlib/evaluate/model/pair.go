package model

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// Pair is two models' predictions of the same rows.
type Pair struct {
	Config json.RawMessage // of the block whose metrics and intervals count
	Data   string          // the Parquet file of the rows
	Table  *schema.Table   // their schema
	Model  schema.Model    // task, target and positive class of both
	Before string          // the predictions that differences are from
	After  string
	// Threads changes no figure.
	Threads int
}

// Differences are the figures of a comparison, After less Before under delta, by metric, as the champion's stage writes them: on the rows that
// both have predictions for, with paired intervals. What is undefined has its reason under undefined.
func Differences(ctx context.Context, p Pair) (map[string]any, error) {
	c, err := decode(p.Config)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	e, err := evaluation.Open(ctx, &c.Config, evaluation.Data{Path: p.Data, Table: p.Table, Target: p.Model.Target}, p.Threads, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	l := prediction.Layout{Task: p.Model.Task, Target: p.Model.Target, Data: p.Table, Actual: true, Score: true}
	sets := make([]*prediction.Set, 2)
	for i, path := range []string{p.Before, p.After} {
		if sets[i], err = prediction.Read(ctx, path, e.Total(), p.Model, e.Target()); err != nil {
			return nil, err
		}
	}
	if err := e.Take(sets[0], l); err != nil {
		return nil, err
	}
	return e.Compare(ctx, sets[1], l)
}
