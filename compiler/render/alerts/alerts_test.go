package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func deployment(role schema.RouteRole) Deployment {
	d := Deployment{Pipeline: "fraud", Workspace: "default", Address: "deploy.scorer", Model: "scorer", Command: func(rest string) string { return "mlp " + rest }}
	if role != "" {
		d.Strategy = &schema.Strategy{Role: role, Rules: &schema.StepRules{Traffic: &schema.Traffic{PerMinute: 40, ErrorRate: 0.005}}}
	}
	d.Limits = DefaultLimits(d.Strategy)
	return d
}

// promtool runs Debian's promtool in a folder.
func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("MLP_REQUIRE_PROMTOOL") != "" {
			t.Fatal("there is no promtool: apt-get install prometheus")
		}
		t.Skip("there is no promtool: apt-get install prometheus")
	}
	c := exec.Command("promtool", args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestRulesAreTaken has Prometheus' own tool check the rules of each kind of deployment.
func TestRulesAreTaken(t *testing.T) {
	for _, role := range []schema.RouteRole{"", schema.CanaryRoute, schema.ShadowRoute, schema.GreenRoute} {
		dir := t.TempDir()
		d := deployment(role)
		if !bytes.Equal(Rules(d), Rules(d)) {
			t.Error("the rules of one deployment are two")
		}
		if err := os.WriteFile(filepath.Join(dir, "rules.yml"), Rules(d), 0o644); err != nil {
			t.Fatal(err)
		}
		promtool(t, dir, "check", "rules", "rules.yml")
	}
}

// TestRulesFire plays series to the rules, of which each alarm goes off by its own and by no other, and none by what is well.
func TestRulesFire(t *testing.T) {
	well := map[string]string{
		`mlp_serve_model_info{model="scorer",version="a",digest="x",route="live",instance="one"}`: "1x400",
		`mlp_serve_release_failing{model="scorer",instance="one"}`:                                "0x400",
		`mlp_serve_requests_total{model="scorer",endpoint="predict",code="200"}`:                  "0+600x400",
		`mlp_serve_requests_total{model="scorer",endpoint="predict",code="500"}`:                  "0+1x400",
		`mlp_serve_rows_total{model="scorer",version="a"}`:                                        "0+600x400",
		`mlp_serve_rows_failed_total{model="scorer",version="a"}`:                                 "0+1x400",
		`mlp_serve_request_duration_seconds_bucket{model="scorer",endpoint="predict",le="0.25"}`:  "0+600x400",
		`mlp_serve_request_duration_seconds_bucket{model="scorer",endpoint="predict",le="1"}`:     "0+600x400",
		`mlp_serve_request_duration_seconds_bucket{model="scorer",endpoint="predict",le="+Inf"}`:  "0+600x400",
		`mlp_serve_unseen_total{model="scorer",feature="country"}`:                                "0+1x400",
		`mlp_serve_poll_errors_total`:                                                             "0x400",
		`mlp_serve_model_info{model="other",version="z",digest="y",route="live"}`:                 "1x400",
		`mlp_serve_requests_total{model="other",endpoint="predict",code="500"}`:                   "0+600x400", // another deployment is no matter
	}
	with := func(series ...string) map[string]string {
		out := map[string]string{}
		for k, v := range well {
			out[k] = v
		}
		for i := 0; i < len(series); i += 2 {
			if series[i+1] == "" {
				delete(out, series[i])
			} else {
				out[series[i]] = series[i+1]
			}
		}
		return out
	}
	info := `mlp_serve_model_info{model="scorer",version="a",digest="x",route="live",instance="one"}`
	canary := `mlp_serve_model_info{model="scorer",version="b",digest="y",route="canary"}`
	var tests strings.Builder
	tests.WriteString("rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n")
	d := deployment(schema.CanaryRoute)
	d.Limits.StepDays = 0.25
	var names []string
	for _, a := range d.alerts() {
		names = append(names, a.name)
	}
	fired := map[string]bool{}
	play := func(interval, at string, series map[string]string, want string) {
		fmt.Fprintf(&tests, "  - interval: %s\n    input_series:\n", interval)
		keys := make([]string, 0, len(series))
		for k := range series {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(&tests, "      - series: '%s'\n        values: '%s'\n", k, series[k])
		}
		tests.WriteString("    promql_expr_test:\n")
		for _, name := range names {
			fmt.Fprintf(&tests, "      - expr: count(ALERTS{alertname=\"%s\",alertstate=\"firing\"})\n        eval_time: %s\n        exp_samples: ", name, at)
			if name == want {
				tests.WriteString("[{labels: '{}', value: 1}]\n")
			} else {
				tests.WriteString("[]\n")
			}
		}
		fired[want] = true
	}
	play("1m", "60m", well, "")
	play("1m", "60m", with(info, ""), "MLPNotServed")
	play("1m", "60m", with(`mlp_serve_requests_total{model="scorer",endpoint="predict",code="500"}`, "0+12x400"), "MLPRequestsFail")
	play("1m", "60m", with(`mlp_serve_requests_total{model="scorer",endpoint="predict",code="429"}`, "0+12x400"), "MLPBusy")
	play("1m", "60m", with(`mlp_serve_rows_failed_total{model="scorer",version="a"}`, "0+9x400"), "MLPRowsFail") // twice 0.5 % and more
	play("1m", "60m", with(`mlp_serve_release_failing{model="scorer",instance="one"}`, "1x400"), "MLPReleaseNotLoaded")
	play("1m", "60m", with(`mlp_serve_request_duration_seconds_bucket{model="scorer",endpoint="predict",le="0.25"}`, "0+500x400"), "MLPSlow")
	play("1m", "60m", with(`mlp_serve_unseen_total{model="scorer",feature="country"}`, "0+40x400"), "MLPUnseenCategories")
	play("1m", "60m", with(`mlp_serve_poll_errors_total`, "0+1x400"), "MLPStateUnread")
	play("1m", "60m", with(canary, "1x400", `mlp_serve_rows_total{model="scorer",version="b"}`, "0+60x400", `mlp_serve_rows_failed_total{model="scorer",version="b"}`, "0+0.5x400"), "MLPCandidateFails")
	play("1m", "60m", with(canary, "1x400", `mlp_serve_rows_total{model="scorer",version="b"}`, "0+60x400", `mlp_serve_rows_failed_total{model="scorer",version="b"}`, "0+0.1x400"), "")
	play("10m", "8h", map[string]string{info: "1x60", canary: "1x60"}, "MLPCandidateStays")
	play("10m", "4h", map[string]string{info: "1x60", canary: "1x60"}, "")
	for _, name := range names {
		if !fired[name] {
			t.Errorf("nothing makes %s go off", name)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"rules.yml": Rules(d), "tests.yml": []byte(tests.String())} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, dir, "test", "rules", "tests.yml")
}

// TestDashboard holds the dashboard to the fields that Grafana documents of its JSON, and its expressions to PromQL.
func TestDashboard(t *testing.T) {
	for _, role := range []schema.RouteRole{"", schema.CanaryRoute} {
		d := deployment(role)
		text, err := Dashboard(d)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Dashboard(d); !bytes.Equal(text, again) {
			t.Error("the dashboard of one deployment are two")
		}
		var board struct {
			UID           string
			Title         string
			SchemaVersion int
			Panels        []struct {
				ID          int
				Type, Title string
				Datasource  struct{ Type, UID string }
				GridPos     struct{ H, W, X, Y int }
				FieldConfig struct {
					Defaults struct {
						Unit       string
						Thresholds struct {
							Mode  string
							Steps []struct {
								Color string
								Value *float64
							}
						}
					}
					Overrides []any
				}
				Options map[string]any
				Targets []struct{ Expr, RefID string }
			}
			Templating struct {
				List []struct{ Name, Type, Query string }
			}
			Time struct{ From, To string }
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^[a-z0-9-]{1,40}$`).MatchString(board.UID) || board.Title == "" || board.SchemaVersion < 36 || board.Time.From == "" || len(board.Templating.List) != 1 || board.Templating.List[0].Type != "datasource" {
			t.Errorf("the dashboard is %+v", board)
		}
		at, ids, rules := map[[2]int]bool{}, map[int]bool{}, "groups: [{name: panels, rules: [\n"
		for _, p := range board.Panels {
			steps := p.FieldConfig.Defaults.Thresholds.Steps
			if ids[p.ID] || at[[2]int{p.GridPos.X, p.GridPos.Y}] || p.GridPos.X+p.GridPos.W > 24 || p.Title == "" || p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" || p.Options == nil || len(p.Targets) == 0 || len(steps) == 0 || steps[0].Value != nil {
				t.Errorf("panel %d %q is %+v", p.ID, p.Title, p)
			}
			ids[p.ID], at[[2]int{p.GridPos.X, p.GridPos.Y}] = true, true
			for _, q := range p.Targets {
				rules += fmt.Sprintf("  {record: 'panel:%d%s', expr: %q},\n", p.ID, q.RefID, q.Expr)
			}
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "panels.yml"), []byte(rules+"]}]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		promtool(t, dir, "check", "rules", "panels.yml")
		for _, name := range regexp.MustCompile(`\b(?:mlp|process)_[a-z_]+`).FindAllString(string(text)+string(Rules(d)), -1) {
			if !slices.Contains(Metrics, name) {
				t.Errorf("%s is read, and is none of Metrics", name)
			}
		}
	}
}
