package live_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// TestElectricity streams 45,312 half hours of a market through a pipeline, in order: before each stretch a model learns anew from what came before it, and one that learnt from the first
// stretch alone stays as it is. The one that learns anew is right more often than the other, and than who says that the price goes on as it went; the other is not.
func TestElectricity(t *testing.T) {
	const path = "../../../shared/data/elec.csv"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("%v: the data is not in the tree", err)
	}
	const stretches = 30 // of which the first is what a model learns from at first
	p := newPipeline(t, "testdata/electricity.mlp")
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	header, rows := lines[0], lines[1:]
	right := map[string]float64{}
	var seen float64
	frozen := ""
	for k := range stretches {
		from, to := k*len(rows)/stretches, (k+1)*len(rows)/stretches
		file := fmt.Appendf(nil, "n,chunk,%s\n", header)
		for i := from; i < to; i++ {
			file = fmt.Appendf(file, "%d,%d,%s\n", i, k, rows[i])
		}
		if p.write(fmt.Sprintf("data/%02d.csv", k), file); k == 0 {
			continue
		}
		p.apply()
		n := float64(to - from)
		seen += n
		for _, model := range []string{"frozen", "retrained"} {
			var f struct{ Metrics map[string]float64 }
			p.figures("evaluate."+model, &f)
			right[model] += n * f.Metrics["accuracy"]
			if model == "frozen" {
				right["as before"] += n * f.Metrics["as_before"]
			}
		}
		if k == 1 {
			frozen = p.output("train.frozen", "model")
		} else if k == stretches-1 && p.output("train.frozen", "model") != frozen {
			t.Error("the model that does not learn anew was trained again")
		}
	}
	for name := range right {
		right[name] /= seen
	}
	t.Logf("accuracy over %.0f half hours: %.4f with retraining, %.4f without, %.4f as the half hour before", seen, right["retrained"], right["frozen"], right["as before"])
	if got := right["as before"]; got < 0.845 || got > 0.86 {
		t.Errorf("got %.4f of the last class; of the whole stream it is 0.8533", got)
	}
	if right["retrained"] < right["frozen"]+0.05 || right["retrained"] < right["as before"]+0.005 {
		t.Error("learning anew is not worth it")
	}
}
