package metric

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Of 10, 0 and 30 predicted as 12, 1 and 27 the errors are 2, 1 and 3, of 40 in all: rows of 0 weigh nothing below the line.
func TestWeightedAbsolutePercentageError(t *testing.T) {
	for name, c := range map[string]struct {
		metric    string
		data      Data
		want      float64
		undefined string
	}{
		"rows":       {`{}`, Data{Actual: []float64{10, 0, 30}, Predicted: []float64{12, 1, 27}}, 6.0 / 40, ""},
		"negative":   {`{}`, Data{Actual: []float64{-10, 0, 30}, Predicted: []float64{-12, 1, 27}}, 6.0 / 40, ""},
		"weighted":   {`{}`, Data{Actual: []float64{10, 0, 30}, Predicted: []float64{12, 1, 27}, Weight: []float64{3, 1, 0}}, 7.0 / 30, ""},
		"all 0":      {`{}`, Data{Actual: []float64{0, 0}, Predicted: []float64{0, 1}}, 0, "the actual values are all 0"},
		"all 0 is 1": {`{"zero_division": 1}`, Data{Actual: []float64{0, 0}, Predicted: []float64{0, 1}}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := map[string]any{}
			if err := json.Unmarshal([]byte(c.metric), &config); err != nil {
				t.Fatal(err)
			}
			config["name"], config["type"] = "m", "weighted_absolute_percentage_error"
			text, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			m, err := New(text)
			if err != nil {
				t.Fatal(err)
			}
			c.data.Task = schema.Regression
			got, undefined := m.Value(&c.data)
			if undefined != c.undefined || math.Abs(got-c.want) > 1e-12 {
				t.Errorf("got %v %q, want %v %q", got, undefined, c.want, c.undefined)
			}
		})
	}
}
