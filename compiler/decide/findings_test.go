package decide

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

func TestFindings(t *testing.T) {
	nodes := map[string]*plan.Node{
		"check":    {Phase: schema.Design, Outputs: []plan.Output{{Port: "ok", Type: schema.VerdictPort}}},
		"monitor":  {Phase: schema.Operations},
		"evaluate": {Phase: schema.Development},
	}
	for _, c := range []struct{ kind, figures, want string }{
		{"check", `{"failures":[{"column":"v","expectation":"between","observed":"200","expected":"0 to 100","severity":"warn"},{"column":"id","expectation":"unique","observed":"2 rows","expected":"each once","severity":"fail"}]}`,
			"warn v between: expected 0 to 100, observed 200; fail id unique: expected each once, observed 2 rows"},
		{"check", `{"failures":[]}`, ""},
		{"check", `{"failed":1}`, "fail  it failed when it ran"},
		{"check", ``, ""},
		{"check", `{"drift":{"columns":{"a":{"drifted":true}}}}`, ""},
		{"monitor", `{"drift":{"columns":{"b":{"drifted":true,"method":"wasserstein","score":0.25,"limit":0.1},"a":{"drifted":true},"c":{"drifted":false},"d":{"drifted":null}}}}`,
			"drift a distance undefined, limit undefined; drift b wasserstein 0.25, limit 0.1"},
		{"monitor", `{"drift":{"columns":{"a":{"drifted":true},"b":{"drifted":false}},"slices":{"eu":{"columns":{"a":{"drifted":true},"b":{"drifted":true,"method":"ks","score":0.5,"limit":0.2}}}}}}`,
			"drift a distance undefined, limit undefined; drift b in eu: ks 0.5, limit 0.2"},
		{"monitor", `{"drift":{"alarm":false,"slices":{"eu":{"columns":{"a":{"drifted":true}}}}}}`, ""},
		{"monitor", `{"drift":{"alarm":false,"columns":{"a":{"drifted":true}}}}`, ""},
		{"monitor", `{"drift":{"alarm":true,"columns":{"a":{"drifted":true}}}}`, "drift a distance undefined, limit undefined"},
		{"monitor", `{"drift":{"alarm":true,"columns":{"a":{"drifted":false}}}}`, "drift  the columns together are further from the reference than chance puts them, and none alone"},
		{"monitor", `{"delta":{"auc":{"value":-0.05,"low":-0.08,"high":-0.02},"f1":{"value":-0.05,"low":-0.08,"high":0.02},"fpr":{"value":0.05,"low":0.01,"high":0.1}}}`,
			"drift auc -0.05 off its baseline (-0.08 to -0.02); drift fpr 0.05 off its baseline (0.01 to 0.1)"},
		{"evaluate", `{"delta":{"auc":{"value":-0.05,"low":-0.08,"high":-0.02}}}`, ""},
		{"monitor", `[]`, ""},
	} {
		var got []string
		for _, f := range Findings(nodes[c.kind], json.RawMessage(c.figures)) {
			got = append(got, fmt.Sprint(f.Severity, " ", f.About, " ", f.Text))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s %s: got %q, want %q", c.kind, c.figures, s, c.want)
		}
	}
}

// TestFindingsAreBounded: what fails is kept, and what is left out is counted.
func TestFindingsAreBounded(t *testing.T) {
	var failures []string
	for i := range 500 {
		failures = append(failures, fmt.Sprintf(`{"column":"c%d","severity":"%s"}`, i, map[bool]string{true: "fail", false: "warn"}[i == 499]))
	}
	got := Findings(&plan.Node{Outputs: []plan.Output{{Type: schema.VerdictPort}}}, json.RawMessage(`{"failures":[`+strings.Join(failures, ",")+`]}`))
	if len(got) != mostFindings+1 || got[0].About != "c499" || got[mostFindings].Text != "and 400 more" {
		t.Errorf("got %d, first %+v, last %+v", len(got), got[0], got[len(got)-1])
	}
}
