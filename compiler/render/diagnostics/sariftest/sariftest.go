// Package sariftest holds logs in SARIF 2.1.0 to what its schema asks of the properties that mlp writes.
//
// The schema itself has 300 properties and is not here. What mlp writes has 25; of those the names, the values that are words, and
// the numbers that count from 1 are checked, and besides three things that code scanners rest on and no schema can say: that
// ruleIndex points at the rule of ruleId, that rules are unique, and that places are relative to the repository.
//
//	var log map[string]any
//	if err := json.Unmarshal(out, &log); err != nil { t.Fatal(err) }
//	sariftest.Check(t, log, 2) // of `mlp validate --format sarif`, of a module with two mistakes
package sariftest

import (
	"slices"
	"strings"
	"testing"
)

// Check holds a log, as JSON reads it, to the schema and to what readers rest on: results is how many there are. A log that lacks
// a part, such as one without runs, panics, which fails the test as well.
func Check(t *testing.T, log map[string]any, results int) {
	t.Helper()
	only(t, "log", log, "$schema", "version", "runs")
	if log["version"] != "2.1.0" {
		t.Errorf("version: got %v, want 2.1.0", log["version"])
	}
	run := log["runs"].([]any)[0].(map[string]any)
	only(t, "run", run, "tool", "columnKind", "results")
	if run["columnKind"] != "unicodeCodePoints" {
		t.Errorf("columnKind: got %v", run["columnKind"])
	}
	driver := run["tool"].(map[string]any)["driver"].(map[string]any)
	only(t, "driver", driver, "name", "version", "rules")
	ids := []string{}
	for _, r := range driver["rules"].([]any) {
		r := r.(map[string]any)
		only(t, "rule", r, "id", "shortDescription", "help")
		text(t, r["shortDescription"])
		text(t, r["help"])
		ids = append(ids, r["id"].(string))
	}
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("rules are not unique: %v", ids)
	}
	found := run["results"].([]any)
	if len(found) != results {
		t.Fatalf("got %d results, want %d", len(found), results)
	}
	for _, r := range found {
		r := r.(map[string]any)
		only(t, "result", r, "ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations")
		if !slices.Contains([]any{"none", "note", "warning", "error"}, r["level"]) {
			t.Errorf("level: got %v", r["level"])
		}
		text(t, r["message"])
		if i, ok := r["ruleIndex"].(float64); ok && ids[int(i)] != r["ruleId"] {
			t.Errorf("ruleIndex %v is not %v", i, r["ruleId"])
		}
		for _, key := range []string{"locations", "relatedLocations"} {
			list, _ := r[key].([]any)
			for _, l := range list {
				checkLocation(t, l.(map[string]any))
			}
		}
	}
}

// checkLocation holds a place to a relative reference and a region that counts from 1. GitHub shows no result at an absolute
// path, and none at "churn pipeline.mlp": the blank has to be %20.
func checkLocation(t *testing.T, l map[string]any) {
	t.Helper()
	only(t, "location", l, "physicalLocation", "message")
	physical := l["physicalLocation"].(map[string]any)
	only(t, "physicalLocation", physical, "artifactLocation", "region")
	uri := physical["artifactLocation"].(map[string]any)["uri"].(string)
	if uri == "" || strings.ContainsAny(uri, " \\") || strings.HasPrefix(uri, "/") {
		t.Errorf("uri %q is no relative reference", uri)
	}
	region := physical["region"].(map[string]any)
	only(t, "region", region, "startLine", "startColumn", "endLine", "endColumn")
	for name, v := range region {
		if v.(float64) < 1 {
			t.Errorf("%s is %v, and they count from 1", name, v)
		}
	}
}

// text holds a message to have words: {"text": "…"}.
func text(t *testing.T, message any) {
	t.Helper()
	m, _ := message.(map[string]any)
	if s, _ := m["text"].(string); s == "" {
		t.Errorf("a message has no text: %v", message)
	}
}

// only holds an object to the properties that SARIF knows, of which the schema allows no others.
func only(t *testing.T, what string, m map[string]any, known ...string) {
	t.Helper()
	for name := range m {
		if !slices.Contains(known, name) {
			t.Errorf("%s has %q", what, name)
		}
	}
}
