package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

type vector struct {
	Name      string                     `json:"name"`
	Type      string                     `json:"type"`
	Reference []any                      `json:"reference"`
	Current   []any                      `json:"current"`
	Expected  map[string]json.RawMessage `json:"expected"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/drift_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// want reads an expected number; ok is false where the vectors have none.
func (v vector) want(name string) (x float64, ok bool) {
	switch raw := string(v.Expected[name]); raw {
	case "", "null":
		return 0, false
	case `"Infinity"`:
		return math.Inf(1), true
	default:
		err := json.Unmarshal([]byte(raw), &x)
		return x, err == nil
	}
}

// numbers are the values without nulls, sorted.
func numbers(in []any) []float64 {
	var out []float64
	for _, x := range in {
		if f, ok := x.(float64); ok {
			out = append(out, f)
		}
	}
	sort.Float64s(out)
	return out
}

func textColumn(in []any) frame.Column {
	c := frame.Column{Name: "x", Type: "varchar", Codes: []int32{}}
	for _, x := range in {
		if s, ok := x.(string); ok && !slices.Contains(c.Levels, s) {
			c.Levels = append(c.Levels, s)
		}
	}
	slices.Sort(c.Levels)
	for _, x := range in {
		code := int32(-1)
		if s, ok := x.(string); ok {
			code = int32(slices.Index(c.Levels, s))
		}
		c.Codes = append(c.Codes, code)
	}
	return c
}

func oneColumn(c frame.Column) *frame.Frame {
	return &frame.Frame{Rows: max(len(c.Num), len(c.Codes)), Columns: []frame.Column{c}}
}

// near compares with a relative tolerance; what underflows in one place may be tiny in another.
func near(got, want, tolerance float64) bool {
	return got == want || math.Abs(got-want) <= tolerance*math.Abs(want)+1e-300 || math.Abs(got-want) < 1e-14
}

// samples are two columns of numbers as sides.
func samples(ref, cur []float64) sides {
	p := &pair{n: len(ref), codes: make([]int32, len(ref)+len(cur))}
	p.setValues(slices.Concat(ref, cur))
	return p.asIs()
}

func TestNumericVectors(t *testing.T) {
	checked := 0
	for _, v := range vectors(t) {
		ref, cur := numbers(v.Reference), numbers(v.Current)
		if v.Type != "numeric" || len(ref) == 0 || len(cur) == 0 {
			continue
		}
		s := samples(ref, cur)
		left, right := quantileEdges(ref), quantileEdges(ref)
		withNulls := s
		withNulls.refNulls, withNulls.curNulls = len(v.Reference)-len(ref), len(v.Current)-len(cur)
		nullRef, nullCur := withNulls.withNulls(left, false)
		d := s.ksDistance()
		for name, got := range map[string]float64{
			"psi":              psi(binned(ref, left, false), binned(cur, left, false)),
			"psi_right_closed": s.score(PSI),
			"psi_missing_bin":  psi(nullRef, nullCur),
			"ks_stat":          s.score(KS),
			"ks_p_exact":       ksExact(d, len(ref), len(cur)),
			"ks_p_kolmogorov":  kolmogorov(math.Sqrt(float64(len(ref)*len(cur))/float64(len(ref)+len(cur))) * s.score(KS)),
			"js_sturges_basee": s.score(JensenShannon),
			"js_basee":         jensenShannon(binned(ref, left, false), binned(cur, left, false)),
			"js_base2_right":   jensenShannon(binned(ref, right, true), binned(cur, right, true)) / math.Sqrt(math.Ln2),
			"wasserstein_norm": s.score(Wasserstein),
			"std_ref_ddof0":    std(ref),
		} {
			tolerance := 1e-9
			if strings.HasPrefix(name, "ks_p") {
				tolerance = 1e-6
			}
			want, ok := v.want(name)
			if !ok {
				continue
			}
			checked++
			if !near(got, want, tolerance) {
				t.Errorf("%s %s: got %v, want %v", v.Name, name, got, want)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d values were checked", checked)
	}
}

func TestCategoricalVectors(t *testing.T) {
	checked := 0
	for _, v := range vectors(t) {
		if v.Type != "categorical" {
			continue
		}
		var ref, cur []float64
		for into, name := range map[*[]float64]string{&ref: "counts_ref", &cur: "counts_cur"} {
			if err := json.Unmarshal(v.Expected[name], into); err != nil {
				t.Fatal(err)
			}
		}
		s := sides{refCounts: ref, curCounts: cur}
		p, err := newPair(oneColumn(textColumn(v.Reference)), oneColumn(textColumn(v.Current)), "x", PSI)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{
			"psi":                  s.score(PSI),
			"psi_missing_category": p.asIs().score(PSI),
			"js_basee":             s.score(JensenShannon),
			"chisquare_stat":       s.score(ChiSquare),
			"chisquare_p":          s.pvalue(ChiSquare),
		}
		if len(ref) == 2 {
			// The squared statistic is that of the 2 x 2 table.
			got["chi2_contingency_p"] = s.pvalue(Z)
		}
		for name, x := range got {
			if want, ok := v.want(name); ok {
				checked++
				if !near(x, want, 1e-9) {
					t.Errorf("%s %s: got %v, want %v", v.Name, name, x, want)
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d values were checked", checked)
	}
}

// TestKSOfLargeSamples compares the limit distribution with the exact one where both can be had.
func TestKSOfLargeSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, 12000), make([]float64, 900)
	for i := range a {
		a[i] = r.NormFloat64()
	}
	for i := range b {
		b[i] = r.NormFloat64() + 0.1
	}
	sort.Float64s(a)
	sort.Float64s(b)
	d := samples(a, b).ksDistance()
	got, want := ksPValue(d, len(a), len(b)), ksExact(d, len(a), len(b))
	if math.Abs(got-want) > 0.1*want {
		t.Errorf("got %v from the limit distribution, %v exactly", got, want)
	}
}

func TestChoice(t *testing.T) {
	for _, tc := range []struct {
		rows, distinct, all int
		numeric             bool
		want                string
	}{
		{1000, 6, 6, true, KS}, {1000, 5, 5, true, ChiSquare}, {1000, 2, 2, true, Z}, {1000, 2, 3, true, ChiSquare},
		{1000, 50, 50, false, ChiSquare}, {1000, 2, 2, false, Z},
		{1001, 6, 6, true, Wasserstein}, {1001, 5, 5, true, JensenShannon}, {1001, 2, 2, false, JensenShannon},
	} {
		if got := choose(tc.rows, tc.distinct, tc.all, tc.numeric); got != tc.want {
			t.Errorf("%+v: got %s", tc, got)
		}
	}
}

func normal(r *rand.Rand, n int, shift float64) frame.Column {
	c := frame.Column{Name: "x", Type: "double", Num: make([]float64, n)}
	for i := range c.Num {
		c.Num[i] = r.NormFloat64() + shift
	}
	return c
}

func levels(r *rand.Rand, n, k int) frame.Column {
	c := frame.Column{Name: "x", Type: "varchar", Codes: make([]int32, n)}
	for i := range k {
		c.Levels = append(c.Levels, fmt.Sprintf("%03d", i))
	}
	for i := range c.Codes {
		c.Codes[i] = int32(r.IntN(k))
	}
	return c
}

func compare(t *testing.T, ref, cur frame.Column, o Options) Result {
	t.Helper()
	out, err := Compare(t.Context(), oneColumn(ref), oneColumn(cur), []string{"x"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// TestFalseAlarms draws both tables from one distribution, 100 current rows against 2,000: the bare limits alarm much
// too often, calibrated ones in about one case of twenty.
func TestFalseAlarms(t *testing.T) {
	const tables = 120
	r := rand.New(rand.NewPCG(3, 4))
	count := map[string]int{}
	for i := range tables {
		o := Options{Permutations: 199, Seed: int64(i), Threads: 2}
		bare := Options{Calibrate: NotCalibrated}
		n, m := normal(r, 2000, 0), normal(r, 100, 0)
		a, b := levels(r, 2000, 50), levels(r, 100, 50)
		for name, hit := range map[string]bool{
			"wasserstein": compare(t, n, m, o).Drifted, "bare wasserstein": compare(t, n, m, bare).Drifted,
			"jensenshannon": compare(t, a, b, o).Drifted, "bare jensenshannon": compare(t, a, b, bare).Drifted,
		} {
			if hit {
				count[name]++
			}
		}
	}
	for _, name := range []string{"wasserstein", "jensenshannon"} {
		if share := float64(count[name]) / tables; share > 0.10 {
			t.Errorf("%s alarms in %.2f of the cases without drift", name, share)
		}
		if share := float64(count["bare "+name]) / tables; share < 0.4 {
			t.Errorf("bare %s alarms in only %.2f: the test shows nothing", name, share)
		}
	}
}

func TestDriftIsSeen(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	nulls := normal(r, 300, 0)
	for i := range 90 {
		nulls.Num[i] = math.NaN()
	}
	few := levels(r, 400, 4)
	skewed := levels(r, 400, 4)
	for i := range 150 {
		skewed.Codes[i] = 0
	}
	empty := frame.Column{Name: "x", Type: "double", Num: []float64{}}
	for range 300 {
		empty.Num = append(empty.Num, math.NaN())
	}
	for name, tc := range map[string]struct {
		ref, cur frame.Column
		method   string
	}{
		"shift by test":      {normal(r, 500, 0), normal(r, 500, 0.5), KS},
		"shift by distance":  {normal(r, 1500, 0), normal(r, 500, 0.5), Wasserstein},
		"nulls by test":      {normal(r, 500, 0), nulls, KS},
		"nulls by distance":  {normal(r, 1500, 0), nulls, Wasserstein},
		"categories by test": {few, skewed, ChiSquare},
		"all null":           {normal(r, 1500, 0), empty, JensenShannon},
	} {
		for _, calibrate := range []string{ByPermutation, NotCalibrated} {
			got := compare(t, tc.ref, tc.cur, Options{Calibrate: calibrate, Permutations: 199})
			if !got.Drifted || got.Method != tc.method {
				t.Errorf("%s, calibrate %s: got %+v, want drift by %s", name, calibrate, got, tc.method)
			}
		}
	}
}

func TestResultsDoNotDependOnThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	ref, cur := normal(r, 21000, 0), normal(r, 300, 0.05)
	o := Options{Permutations: 49, Seed: 9, Threads: 1}
	one := compare(t, ref, cur, o)
	o.Threads = 3
	if three := compare(t, ref, cur, o); one != three {
		t.Errorf("got %+v on one thread, %+v on three", one, three)
	}
}

func TestTooFewRows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	got := compare(t, normal(r, 500, 0), normal(r, 99, 3), Options{MinRows: 100})
	if !strings.Contains(got.Undefined, "99 rows, fewer than 100") || got.Drifted || !math.IsNaN(got.Score) {
		t.Errorf("got %+v", got)
	}
}

func TestBadInput(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	number, text := oneColumn(normal(r, 30, 0)), oneColumn(levels(r, 30, 3))
	for _, tc := range []struct {
		ref, cur *frame.Frame
		column   string
		method   string
		want     string
	}{
		{number, number, "y", "", `no column "y"`},
		{number, text, "x", "", "is double in the reference and varchar"},
		{text, text, "x", Wasserstein, "wasserstein compares numbers"},
		{text, text, "x", Z, "two values, and there are 3"},
		{number, number, "x", "kl", `no method "kl"`},
	} {
		_, err := Compare(t.Context(), tc.ref, tc.cur, []string{tc.column}, Options{Method: tc.method})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s: got %v, want %q", tc.column, tc.method, err, tc.want)
		}
	}
}

// TestInfinite leaves the other columns their figures.
func TestInfinite(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	ref, cur := table(r, 200, 3, nil), table(r, 100, 3, map[int]float64{0: 3})
	cur.Columns[1].Num[4] = math.Inf(-1)
	got, err := Compare(t.Context(), ref, cur, names(3), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := `column "c1" of the current table is infinite in 1 of 100 rows, the first is row 5`; !strings.Contains(got[1].Undefined, want) || got[1].Drifted || !math.IsNaN(got[1].Score) {
		t.Errorf("got %+v, want %q", got[1], want)
	}
	if !got[0].Drifted || got[0].Undefined != "" || got[2].Drifted || got[2].Undefined != "" {
		t.Errorf("the other columns: %+v, %+v", got[0], got[2])
	}
}

// TestOutlierIsTold: a reference with one huge value has such a deviation that shifts of the rest vanish.
func TestOutlierIsTold(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	ref := normal(r, 1500, 0)
	if got := compare(t, ref, normal(r, 200, 3), Options{Permutations: 99}); got.Warning != "" || !got.Drifted {
		t.Errorf("got %+v", got)
	}
	ref.Num[3] = 1e6
	if got := compare(t, ref, normal(r, 200, 3), Options{Permutations: 99}); !strings.Contains(got.Warning, "few rows of the reference, from") {
		t.Errorf("got %+v", got)
	}
}

// TestFiguresAgree: score, limit and verdict, of columns of every kind with and without drift.
func TestFiguresAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for i := range 60 {
		ref, cur := &frame.Frame{Rows: 80 + 40*(i%3)}, &frame.Frame{Rows: 60}
		if i%5 == 0 {
			ref.Rows = 1100
		}
		for k := range 8 {
			moved := float64(r.IntN(3)) * 0.4
			a, b := normal(r, ref.Rows, 0), normal(r, cur.Rows, moved)
			if k >= 4 {
				a, b = levels(r, ref.Rows, k-1), levels(r, cur.Rows, k-1+r.IntN(2))
			}
			if k == 3 { // a constant, and nulls
				for j := range a.Num {
					a.Num[j] = 1
				}
				for j := range b.Num {
					b.Num[j] = 1
					if r.Float64() < moved/2 {
						b.Num[j] = math.NaN()
					}
				}
			}
			a.Name = fmt.Sprint("c", k)
			b.Name = a.Name
			ref.Columns, cur.Columns = append(ref.Columns, a), append(cur.Columns, b)
		}
		got, err := Compare(t.Context(), ref, cur, names(8), Options{Permutations: 199, Seed: int64(i)})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range got {
			if x.Drifted != (x.Score >= x.Limit) && !math.IsInf(x.Limit, 1) {
				t.Errorf("set %d: %+v", i, x)
			}
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	ref, cur := &frame.Frame{Rows: 20000}, &frame.Frame{Rows: 5000}
	var names []string
	for i := range 10 {
		x, y := normal(r, 20000, 0), normal(r, 5000, 0)
		x.Name = fmt.Sprint("c", i)
		y.Name = x.Name
		names = append(names, x.Name)
		ref.Columns, cur.Columns = append(ref.Columns, x), append(cur.Columns, y)
	}
	for b.Loop() {
		if _, err := Compare(b.Context(), ref, cur, names, Options{Threads: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
