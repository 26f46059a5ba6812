package prediction

import "github.com/mlp-lang/mlp/lang/schema"

// Ports of a block that scores the model at one of them on the table at another.
const (
	ModelPort       = "model"
	DataPort        = "data"
	PredictionsPort = "predictions"
)

// Derive is the stage that has an opaque model predict for a block with these ports; nothing where the block can score the model
// itself.
func Derive(req schema.DeriveRequest) []schema.Derivation {
	m, data := req.In[ModelPort].Model, req.In[DataPort].Table
	if m == nil || !m.Opaque || data == nil {
		return nil
	}
	return []schema.Derivation{{
		Role: schema.PredictRole, ScoredBy: ModelPort, Into: PredictionsPort,
		In:  []schema.DerivationInput{{Port: DataPort, Input: DataPort}, {Port: ModelPort, Input: ModelPort}},
		Out: []schema.DerivationOutput{{Port: PredictionsPort, Type: schema.TablePort, Shape: predicted(m)}},
	}}
}

// predicted is the table that a predict command yields (spec/protocol.md).
func predicted(m *schema.Model) *schema.Shape {
	t := &schema.Table{}
	switch m.Task {
	case schema.Regression:
		t.Columns = []schema.Column{{Name: "predicted", Type: "double"}}
	case schema.Multiclass:
		for _, class := range m.Classes {
			t.Columns = append(t.Columns, schema.Column{Name: "score_" + class, Type: "double"})
		}
	default:
		t.Columns = []schema.Column{{Name: "score", Type: "double"}}
	}
	return &schema.Shape{Type: schema.TablePort, Table: t}
}
