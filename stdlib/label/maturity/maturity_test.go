package maturity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/label/maturity"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// payments: the latest moment in them is 2026-03-01 00:00, so that 10 days earlier is 02-19 00:00.
const payments = `select * from (values
  (1, timestamp '2026-01-01 12:00:00', false, null::timestamp),
  (2, timestamp '2026-01-02 12:00:00', true,  timestamp '2026-01-20 00:00:00'),
  (3, timestamp '2026-02-19 00:00:00', false, null),
  (4, timestamp '2026-02-19 00:00:01', false, null),
  (5, timestamp '2026-02-25 00:00:00', true,  timestamp '2026-02-27 00:00:00'),
  (6, timestamp '2026-03-01 00:00:00', true,  null),
  (7, timestamp '2026-01-03 00:00:00', null,  null),
  (8, null,                            true,  null)) v(id, paid_at, is_fraud, chargeback_at)`

func block(config string) stagetest.Block {
	return stagetest.Block{Address: "label.fraud", Config: config,
		Tables: map[string]stagetest.Table{"on": {SQL: payments, Schema: schema.Table{Key: []string{"id"}}}}}
}

func TestLabels(t *testing.T) {
	tests := []struct {
		name, config string
		want         []string
	}{
		{"late labels", `{"column":"IS_FRAUD","event_time":"paid_at","known_at":"chargeback_at","matures_after":"10d"}`, []string{
			"1 | 2026-01-01 12:00:00 | false | null | 2026-01-11 12:00:00 | true",
			"2 | 2026-01-02 12:00:00 | true | 2026-01-20 00:00:00 | 2026-01-20 00:00:00 | true",
			"3 | 2026-02-19 00:00:00 | false | null | 2026-03-01 00:00:00 | true",                // exactly ten days old
			"4 | 2026-02-19 00:00:01 | null | null | null | false",                               // a second too young
			"5 | 2026-02-25 00:00:00 | true | 2026-02-27 00:00:00 | 2026-02-27 00:00:00 | false", // known, and young
			"6 | 2026-03-01 00:00:00 | null | null | null | false",
			"7 | 2026-01-03 00:00:00 | null | null | 2026-01-13 00:00:00 | false", // old, and nothing to know
			"8 | null | null | null | null | false",
		}},
		{"as of an earlier day", `{"column":"is_fraud","event_time":"paid_at","known_at":"chargeback_at","matures_after":"10d","as_of":"2026-01-12"}`, []string{
			"1 | 2026-01-01 12:00:00 | false | null | 2026-01-11 12:00:00 | true",
			"2 | 2026-01-02 12:00:00 | null | 2026-01-20 00:00:00 | null | false", // becomes known later
			"3 | 2026-02-19 00:00:00 | null | null | null | false",
			"4 | 2026-02-19 00:00:01 | null | null | null | false",
			"5 | 2026-02-25 00:00:00 | null | 2026-02-27 00:00:00 | null | false",
			"6 | 2026-03-01 00:00:00 | null | null | null | false",
			"7 | 2026-01-03 00:00:00 | null | null | null | false",
			"8 | null | null | null | null | false",
		}},
		{"what never came is negative", `{"column":"is_fraud","event_time":"paid_at","known_at":"chargeback_at","matures_after":"10d","absent":"false"}`, []string{
			"1 | 2026-01-01 12:00:00 | false | null | 2026-01-11 12:00:00 | true",
			"2 | 2026-01-02 12:00:00 | true | 2026-01-20 00:00:00 | 2026-01-20 00:00:00 | true",
			"3 | 2026-02-19 00:00:00 | false | null | 2026-03-01 00:00:00 | true",
			"4 | 2026-02-19 00:00:01 | null | null | null | false", // and not before it had its time
			"5 | 2026-02-25 00:00:00 | true | 2026-02-27 00:00:00 | 2026-02-27 00:00:00 | false",
			"6 | 2026-03-01 00:00:00 | null | null | null | false",
			"7 | 2026-01-03 00:00:00 | false | null | 2026-01-13 00:00:00 | true", // nothing came
			"8 | null | null | null | null | false",
		}},
		{"known at once", `{"column":"is_fraud","event_time":"paid_at","matures_after":"0s"}`, []string{
			"1 | 2026-01-01 12:00:00 | false | null | 2026-01-01 12:00:00 | true",
			"2 | 2026-01-02 12:00:00 | true | 2026-01-20 00:00:00 | 2026-01-02 12:00:00 | true",
			"3 | 2026-02-19 00:00:00 | false | null | 2026-02-19 00:00:00 | true",
			"4 | 2026-02-19 00:00:01 | false | null | 2026-02-19 00:00:01 | true",
			"5 | 2026-02-25 00:00:00 | true | 2026-02-27 00:00:00 | 2026-02-25 00:00:00 | true",
			"6 | 2026-03-01 00:00:00 | true | null | 2026-03-01 00:00:00 | true",
			"7 | 2026-01-03 00:00:00 | null | null | 2026-01-03 00:00:00 | false",
			"8 | null | null | null | null | false",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stagetest.Run(t, maturity.Component, block(tt.config)).Text(t, "table")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestKindsOfTime gives the same moments as a date, with a time zone, and as never.
func TestKindsOfTime(t *testing.T) {
	b := block(`{"column":"bad","event_time":"day","known_at":"seen","matures_after":"1d"}`)
	b.Tables["on"] = stagetest.Table{SQL: `select * from (values
  (1, date '2026-01-01', true, timestamptz '2026-01-03 00:00:00+00'),
  (2, date '2026-01-02', false, 'infinity'),
  (3, date '2026-01-03', false, null)) v(id, day, bad, seen)`, Schema: schema.Table{Key: []string{"id"}}}
	got := stagetest.Run(t, maturity.Component, b).Text(t, "table")
	for i, want := range []string{"2026-01-03 00:00:00 | true", "2026-01-03 00:00:00 | true", "null | false"} {
		if !strings.HasSuffix(got[i], " | "+want) {
			t.Errorf("row %d: got %s, want %s", i, got[i], want)
		}
	}
}

func TestShape(t *testing.T) {
	r := stagetest.Shape(t, maturity.Component, block(`{"column":"is_fraud","event_time":"PAID_AT","known_at":"chargeback_at","matures_after":"45d"}`))
	got := r.Out["table"].Table
	want := &schema.Table{Key: []string{"id"}, Time: "paid_at",
		Label: &schema.Label{Column: "is_fraud", KnownAt: "fraud_known_at", Mature: "fraud_mature"},
		Columns: []schema.Column{{Name: "id", Type: "integer"}, {Name: "paid_at", Type: "timestamp"}, {Name: "is_fraud", Type: "boolean"},
			{Name: "chargeback_at", Type: "timestamp"}, {Name: "fraud_known_at", Type: "timestamp"}, {Name: "fraud_mature", Type: "boolean"}}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(schema.Column{}, "Lineage")); d != "" || len(r.Problems) > 0 {
		t.Errorf("%s\nproblems %v", d, r.Problems)
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ config, path, want string }{
		{`{"column":"is_fraud","event_time":"id"}`, "event_time", `column "id" is of type integer, not a date or timestamp`},
		{`{"column":"is_fraud","event_time":"paid_at","known_at":"is_fraud"}`, "known_at", `column "is_fraud" is of type boolean`},
		{`{"column":"is_fraud","event_time":"paid_at","matures_after":"soon"}`, "matures_after", `"soon" is no duration`},
		{`{"column":"is_fraud","event_time":"paid_at","as_of":"yesterday"}`, "as_of", `"yesterday" is no moment`},
		{`{"column":"is_fraud","event_time":"paid_at","absent":"never"}`, "absent", `"never" is no boolean, as column "is_fraud" is`},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, maturity.Component, block(tt.config)).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %v, want %s: %s", tt.config, got, tt.path, tt.want)
		}
	}
}

// TestDecidedAgainst: of a row that was decided against no label can come, which its known_at says; then absent does not make it a negative.
func TestDecidedAgainst(t *testing.T) {
	b := block(`{"column":"is_fraud","event_time":"paid_at","known_at":"chargeback_at","matures_after":"10d","absent":"false"}`)
	b.Tables["on"] = stagetest.Table{SQL: `select * from (values (1, timestamp '2026-01-01', null::boolean, timestamp '2026-01-01'), (2, timestamp '2026-01-01', null, null), (3, timestamp '2026-03-01', true, null)) v(id, paid_at, is_fraud, chargeback_at)`,
		Schema: schema.Table{Key: []string{"id"}}}
	want := []string{"1 | 2026-01-01 00:00:00 | null | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | false", "2 | 2026-01-01 00:00:00 | false | null | 2026-01-11 00:00:00 | true", "3 | 2026-03-01 00:00:00 | null | null | null | false"}
	if d := cmp.Diff(want, stagetest.Run(t, maturity.Component, b).Text(t, "table")); d != "" {
		t.Error(d)
	}
}

func TestColumnTaken(t *testing.T) {
	b := block(`{"column":"is_fraud","event_time":"paid_at"}`)
	b.Tables["on"] = stagetest.Table{SQL: "select 1 as id, timestamp '2026-01-01' as paid_at, true as is_fraud, true as Fraud_Mature"}
	got := stagetest.Shape(t, maturity.Component, b).Problems
	if len(got) != 1 || !strings.Contains(got[0].Summary, `a column "fraud_mature" already`) {
		t.Errorf("got %v", got)
	}
}
