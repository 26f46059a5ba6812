package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// bandit draws n decisions of a logging policy with three actions, and what another policy, which takes action 2 where x is above 0.5 and else 0, would be worth: 1 + x by the first, twice x by the last, with noise. Rows come in groups of size.
func bandit(chance *rand.Rand, n, size int, guess float64) (rows []decision, units int, truth float64) {
	worth := func(action int, x float64) float64 { return []float64{1 + x, 0.5, 2 * x}[action] }
	for len(rows) < n {
		group := chance.NormFloat64()
		for range size {
			x := chance.Float64()
			chances := []float64{0.9, 0.06, 0.04}
			if x > 0.5 {
				chances = []float64{0.2, 0.5, 0.3}
			}
			action, u := 0, chance.Float64()
			for u > chances[action] && action < 2 {
				u -= chances[action]
				action++
			}
			chosen := 0
			if x > 0.5 {
				chosen = 2
			}
			d := decision{unit: units, value: worth(action, x) + 0.5*group + chance.NormFloat64(), expected: guess * worth(chosen, x), guessed: guess * worth(action, x)}
			if action == chosen {
				d.weight = 1 / chances[action]
			}
			rows = append(rows, d)
		}
		units++
	}
	return rows, units, (1 + 0.25 + 2*0.75) / 2
}

// TestCoverage: intervals have what a simulated policy is worth as often as they say, whatever the guess, over rows and over entities; the guess makes that of the doubly robust estimate narrower.
func TestCoverage(t *testing.T) {
	times := 400
	if os.Getenv("MLP_SOAK") != "" {
		times = 20_000
	}
	for _, tc := range []struct {
		n, size int
		guess   float64
	}{{1500, 1, 1}, {1500, 1, -2}, {3000, 5, 0.5}, {400, 1, 1}} {
		chance := rand.New(rand.NewPCG(uint64(tc.n), uint64(tc.size)))
		within, width := map[string]int{}, map[string]float64{}
		for range times {
			rows, units, truth := bandit(chance, tc.n, tc.size, tc.guess)
			e := estimate(rows, units, true, 0.95)
			logged := (0.9*1.25 + 0.06*0.5 + 0.04*0.5 + 0.2*1.75 + 0.5*0.5 + 0.3*1.5) / 2
			for name, b := range map[string]bounded{"ips": e.ips, "snips": e.snips, "dr": e.dr} {
				width[name] += (b.high - b.low) / float64(times)
				if b.low <= truth && truth <= b.high {
					within[name]++
				}
			}
			if e.logged.low <= logged && logged <= e.logged.high {
				within["logged"]++
			}
			if e.gain.low <= truth-logged && truth-logged <= e.gain.high {
				within["gain"]++
			}
		}
		t.Logf("%+v: %v of %d, widths %.3v", tc, within, times, width)
		for _, name := range []string{"ips", "snips", "dr", "logged", "gain"} {
			if share := float64(within[name]) / float64(times); share < 0.945-3*math.Sqrt(0.95*0.05/float64(times)) {
				t.Errorf("%+v: %s is in its interval in %.3f of times, want 0.95", tc, name, share)
			}
		}
		if tc.guess == 1 && !(width["dr"] < width["snips"] && width["snips"] < width["ips"]) {
			t.Errorf("%+v: got widths %v, want dr below snips below ips", tc, width)
		}
	}
}

// answered is a log of 4,000 payments of ten days, of which those with a score from 0.5 on are blocked but for one in five.
func answered(config string, edits ...string) stagetest.Block {
	uniform := func(salt int) string {
		return fmt.Sprintf("(hash(i + %d) %% 1000000) / 1000000.0::double", salt*100_000_007)
	}
	sql := fmt.Sprintf("select i as id, i %% 50 as card, timestamp '2026-01-01' + interval (i %% 240) hour as at, score, case when score >= 0.5 and u >= 0.2 then 'block' else 'allow' end as action, case when score < 0.5 then 1 when u < 0.2 then 0.2 else 0.8 end as propensity, v < score as fraud from (select i, %s as score, %s as u, %s as v from range(4000) t(i))",
		uniform(1), uniform(2), uniform(3))
	for i := 0; i+1 < len(edits); i += 2 {
		sql = strings.Replace(sql, edits[i], edits[i+1], 1)
	}
	return stagetest.Block{Address: "evaluate.other", Config: `{"confidence": 0.95, "min_rows": 50, "value": "case when action = 'block' then -0.3 when fraud then -1 else 0.5 end"` + config + `}`,
		Tables: map[string]stagetest.Table{"log": {SQL: sql, Schema: schema.Table{Key: []string{"id"}, Time: "at"}}}}
}

const stricter = `, "choose": "case when score >= 0.7 then 'block' else 'allow' end"`

// TestPolicy: what a stricter threshold would have been worth is found in a log that explores.
func TestPolicy(t *testing.T) {
	// Blocked from 0.7 on: -0.3 · 0.3; else 0.5 - 1.5 · score, over scores to 0.7.
	const truth = -0.3*0.3 + 0.5*0.7 - 1.5*0.7*0.7/2
	const logged = 0.5*0.5 - 1.5*0.25/2 + 0.5*(-0.3*0.8) + 0.2*(0.5*0.5-1.5*(1-0.25)/2)
	r := stagetest.Run(t, Component, answered(stricter+`, "expected": "case when chosen = 'block' then -0.3 else 0.5 - 1.5 * score end"`))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	for name, want := range map[string]float64{"ips": truth, "snips": truth, "dr": truth, "logged": logged, "gain": truth - logged} {
		b, _ := f[name].(map[string]any)
		low, _ := b["low"].(float64)
		high, _ := b["high"].(float64)
		if !(low <= want && want <= high && high-low < 0.12) {
			t.Errorf("%s: got %v, want about %v", name, b, want)
		}
		if r.Shape.Figures.Fields[name] == nil {
			t.Errorf("rules do not see %s", name)
		}
	}
	if n := f["matched"].(float64); n < 3000 || n > 3250 || f["rows"].(float64) != 4000 || f["unsupported"].(float64) != 0 {
		t.Errorf("got %v", f)
	}
	without := stagetest.Run(t, Component, answered(stricter)).Figures(t)
	if without["dr"] != nil || without["gain"] == nil {
		t.Errorf("without a guess: got %v", without)
	}
}

// TestPolicyCapacity: so many a day are blocked, those of the highest ranks; ties go by the key.
func TestPolicyCapacity(t *testing.T) {
	const capped = `, "choose": "case when score >= 0.5 then 'block' else 'allow' end", "capacity": {"action": "block", "most": 40, "per": "1d", "rank": "floor(score * 20)", "otherwise": "allow"}`
	b := answered(capped)
	r := stagetest.Run(t, Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if again := stagetest.Run(t, Component, b); fmt.Sprint(again.Figures(t)) != fmt.Sprint(r.Figures(t)) {
		t.Error("the same log gives other figures")
	}
	f := r.Figures(t)
	// Of some 200 a day from 0.5 on 40 are blocked, of the others one in five was let through: 0.8 · 400 and 0.2 · 1600, with those below 0.5.
	if n := f["matched"].(float64); math.Abs(n-(2000+0.8*400+0.2*1600)) > 90 {
		t.Errorf("got %v rows in which the log did what the policy would", n)
	}
	whole := stagetest.Run(t, Component, answered(strings.Replace(capped, `"per": "1d", `, "", 1))).Figures(t)
	if n := whole["matched"].(float64); math.Abs(n-(2000+0.8*40+0.2*1960)) > 90 {
		t.Errorf("of the whole log 40: got %v rows", n)
	}
}

// TestPolicySupport: a policy that does what the log never could is refused with the share of such rows, or measured on the others alone.
func TestPolicySupport(t *testing.T) {
	const looser = `, "choose": "case when score >= 0.4 then 'block' else 'allow' end"`
	for config, want := range map[string]string{
		looser: `"block" in 380`, // of 4000 rows
		`, "choose": "case when score >= 0.7 then 'review' else 'allow' end"`: `"review" in`,
		`, "choose": "case when score >= 0.7 then 'block' end"`:               "choose is null in",
	} {
		r := stagetest.Run(t, Component, answered(config))
		if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: got %v, want %q", config, r.Err, want)
		}
		if r.Err != nil && !strings.Contains(want, "null") && (!strings.Contains(r.Err.Error(), "never could have") || !strings.Contains(r.Err.Error(), "%) the policy")) {
			t.Errorf("%s: the share is not told: %v", config, r.Err)
		}
	}
	f := stagetest.Run(t, Component, answered(looser+`, "supported_only": true`)).Figures(t)
	if u := f["unsupported"].(float64); math.Abs(u-0.1) > 0.02 {
		t.Errorf("got %v unsupported, want about 0.1", u)
	}
	r := stagetest.Run(t, Component, answered(stricter, "when u < 0.2 then 0.2", "when u < 0.2 then 0"))
	if r.Err == nil || !strings.Contains(r.Err.Error(), "is no chance") {
		t.Errorf("a chance of 0: got %v", r.Err)
	}
	r = stagetest.Run(t, Component, answered(strings.Replace(stricter, "0.7", "0.99999", 1)+`, "min_rows": 4000`))
	if f := r.Figures(t); f["ips"].(map[string]any)["value"] != nil || !strings.Contains(fmt.Sprint(f["undefined"]), "of min_rows = 4000") {
		t.Errorf("few rows: got %v", f)
	}
}

// TestPolicyUnknown: rows whose value is not known do not count; where they are of one action more than of others, it is told.
func TestPolicyUnknown(t *testing.T) {
	b := answered(stricter, "v < score as fraud", "case when i % 4 > 0 then v < score end as fraud")
	b.Config = strings.Replace(b.Config, "when fraud then -1 else 0.5 end", "when fraud then -1 when fraud is not null then 0.5 end", 1)
	r := stagetest.Run(t, Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if u := r.Figures(t)["unknown"].(float64); math.Abs(u-0.15) > 0.02 {
		t.Errorf("got %v unknown", u)
	}
	if !strings.Contains(fmt.Sprint(r.Log), "rows are missing by what was done") {
		t.Errorf("got the warnings %v", r.Log)
	}
}

func TestPolicyShape(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{stricter, ""},
		{`, "choose": "score"`, "expected text or a boolean"},
		{stricter + `, "expected": "chosen"`, "expected a number"},
		{stricter + `, "action": "id2"`, ""}, // columns that there are not are told by the compiler
		{stricter + `, "confidence": 2`, "between 0 and 1"},
		{stricter + `, "capacity": {"action": "block", "most": 4, "rank": "score", "otherwise": "block"}`, "have the same action"},
		{stricter + `, "capacity": {"action": "block", "most": 4, "rank": "action", "otherwise": "allow"}`, "expected a number"},
		{stricter + `, "capacity": {"action": "block", "most": 4, "rank": "score", "otherwise": "allow", "per": "1d", "time": "score"}`, "expected a time"},
		{stricter + `, "capacity": {"action": "block", "most": 4, "rank": "score", "otherwise": "allow", "time": "at"}`, "no time counts"},
	} {
		b := answered(strings.TrimSuffix(tc.config, `, "confidence": 2`))
		if b.Config != answered(tc.config).Config {
			b.Config = strings.Replace(b.Config, "0.95", "2", 1)
		}
		got := fmt.Sprint(stagetest.Shape(t, Component, b).Problems)
		if tc.want == "" && got != "[]" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %s, want %q", tc.config, got, tc.want)
		}
	}
}
