package histogram

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

const namesScript = reading + `
b = xgboost.Booster()
b.load_model(dir + "/model.json")
x, _ = table("rows.json")
plain = b.predict(xgboost.DMatrix(x), validate_features=False)
if not any(c in n for n in b.feature_names for c in "[]<"):
    named = b.predict(xgboost.DMatrix(x, feature_names=b.feature_names, feature_types=b.feature_types))
    assert (named == plain).all()
print(json.dumps({"names": b.feature_names, "score": plain.tolist()}))
`

// TestXGBoostReadsAnyNames: a model whose features have names of any characters loads in XGBoost and predicts the same; from a table that has the names, too, unless they are
// such that XGBoost takes in no table. The names are ours but for control characters, which XGBoost has no escapes of: it keeps those as they are written.
func TestXGBoostReadsAnyNames(t *testing.T) {
	python(t)
	plain := []string{`a"b`, `a\b`, `\u0041`, "a>b&c", "a/b", "é漢🙂", "a\nb", "a\tb", "a\rb", "", " ", "a\bb", "a\fb", "a\x01b", "a\x00b", "a\x7fb", "\u2028", "same", "Same", `a\u0001b!`, "'", "NaN"}
	for _, names := range [][]string{plain, append([]string{"x[0]", "a<b", "]"}, plain...)} {
		d := &Data{}
		for i := range names {
			d.Columns, d.Levels = append(d.Columns, nil), append(d.Levels, 0)
			for r := range 300 {
				d.Columns[i] = append(d.Columns[i], float64((r*(i+3)+i)%17))
			}
		}
		for r := range 300 {
			d.Target = append(d.Target, d.Columns[0][r]+d.Columns[len(names)-1][r]*float64(r%3))
		}
		p := params(xgboost.SquaredError)
		p.Trees = 5
		m := fit(t, d, nil, p).Model
		m.FeatureNames = names
		for range names {
			m.FeatureTypes = append(m.FeatureTypes, "q")
		}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "model.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		writeRows(t, filepath.Join(dir, "rows.json"), d)
		var got struct {
			Names []string
			Score []float64
		}
		run(t, namesScript, dir, 1, &got)
		again, err := xgboost.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			want := name
			for _, c := range "\b\f\x01\x00" {
				want = strings.ReplaceAll(want, string(c), fmt.Sprintf(`\u%04x`, c))
			}
			if got.Names[i] != want || again.FeatureNames[i] != name {
				t.Errorf("%q is %q to XGBoost, and %q to us", name, got.Names[i], again.FeatureNames[i])
			}
		}
		for r, mine := range predict(t, m, d)[0] {
			if math.Abs(mine-got.Score[r]) > 1e-5*max(1, math.Abs(mine)) {
				t.Fatalf("row %d: got %g, XGBoost says %g", r, mine, got.Score[r])
			}
		}
	}
}
