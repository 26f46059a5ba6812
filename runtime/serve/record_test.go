package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/packed"
)

// sink holds what it was given.
type sink struct {
	mu   sync.Mutex
	fail error
	rows []string
}

func (s *sink) Append(_ context.Context, deployment string, columns []schema.Column, rows []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for len(rows) > 0 {
		row, rest, err := packed.Next(rows, len(columns))
		if err != nil {
			return err
		}
		rows = rest
		s.rows = append(s.rows, rowAsJSON(&row, columns))
		if err := row.Err(); err != nil {
			return fmt.Errorf("%s: %v: %w", deployment, s.rows, err)
		}
	}
	return nil
}

// rowAsJSON is an object with the columns that are not null.
func rowAsJSON(row *packed.Values, columns []schema.Column) string {
	var fields []string
	for i, c := range columns {
		if !row.There(i) {
			continue
		}
		var value any
		switch c.Type {
		case "varchar":
			value = string(row.Text())
		case "double":
			value = row.Double()
		case "boolean":
			value = row.Boolean()
		case "date":
			value = time.Unix(row.Integer()*secondsOfDay, 0).UTC().Format(time.DateOnly)
		case "timestamp":
			value = time.UnixMicro(row.Integer()).UTC().Format("2006-01-02 15:04:05.000000")
		default:
			value = row.Integer()
		}
		text, err := json.Marshal(value)
		if err != nil {
			text = []byte(err.Error())
		}
		fields = append(fields, fmt.Sprintf("%q:%s", c.Name, text))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// signed is the release of the model with that limit, whose signature marks these features as personal.
func signed(limit int, key string, personal ...string) plan.ReleaseState {
	signature := &schema.Model{Features: (&stepModel{}).Inputs()}
	for i := range signature.Features {
		for _, name := range personal {
			signature.Features[i].PII = signature.Features[i].PII || signature.Features[i].Name == name
		}
	}
	return plan.ReleaseState{Type: "http", Model: digest(limit), From: "train.model", Signature: signature, Config: []byte(`{"key": [` + key + `]}`)}
}

// TestRecord: both routes keep what they answer, rows that cannot be scored too, and nothing that is marked as personal.
func TestRecord(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer", "items"`, "merchant"))
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	row := strings.Replace(goodRow, "{", `{"customer": "c1", `, 1)
	if status, text := r.call("/v1/models/scorer/predict", `{"rows": [`+row+`, {"customer": 7, "amount": "much"}]}`); status != 200 {
		t.Fatalf("got %d %s", status, text)
	}
	tensor := func(name, datatype, value string) string {
		return `{"name": "` + name + `", "shape": [1], "datatype": "` + datatype + `", "data": [` + value + `]}`
	}
	if status, text := r.call("/v2/models/scorer/infer", `{"inputs": [`+strings.Join([]string{tensor("amount", "FP64", "null"), tensor("items", "INT32", "2"),
		tensor("merchant", "BYTES", `"M1"`), tensor("known", "BOOL", "false"), tensor("paid_at", "BYTES", `"2024-05-01T12:00:00.25+02:00"`)}, ",")+`]}`); status != 200 {
		t.Fatalf("got %d %s", status, text)
	}
	want := []string{
		`"request_row":0,"requested_at":AT,"model":"` + string(digest(100)) + `","route":"live","customer":"c1","amount":50,"items":2,"known":true,"paid_at":"2024-05-01 12:00:00.000000","predicted":"true","score":0.5}`,
		`"request_row":1,"requested_at":AT,"model":"` + string(digest(100)) + `","route":"live","customer":"7","error":"feature \"amount\": expected a number, got the string \"much\""}`,
		`"request_row":0,"requested_at":AT,"model":"` + string(digest(100)) + `","route":"live","items":2,"known":false,"paid_at":"2024-05-01 10:00:00.250000","predicted":"false","score":0}`,
	}
	if len(kept.rows) != len(want) {
		t.Fatalf("got %d rows: %v", len(kept.rows), kept.rows)
	}
	for i, row := range kept.rows {
		_, got, _ := strings.Cut(row, ",")
		before, rest, _ := strings.Cut(got, `"requested_at":"`)
		_, after, _ := strings.Cut(rest, `"`)
		if got := before + `"requested_at":AT` + after; got != want[i] {
			t.Errorf("row %d:\ngot  %s\nwant %s", i, got, want[i])
		}
	}
	kept.fail = errors.New("no space left on device")
	if status, text := r.call("/v1/models/scorer/predict", `{"rows": [`+row+`]}`); status != 503 || strings.Contains(text, "predicted") || strings.Contains(text, "space") {
		t.Errorf("what cannot be kept: got %d %s, want 503", status, text)
	}
	if !strings.Contains(r.log.String(), "no space left on device") {
		t.Error("the log does not say why")
	}
}

// TestRecordUnknown: a release that does not say what its columns are has none of its features kept.
func TestRecordUnknown(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 regression")
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`]}`)
	if len(kept.rows) != 1 || strings.Contains(kept.rows[0], "amount") || !strings.HasSuffix(kept.rows[0], `"predicted":0.5}`) {
		t.Errorf("got %v", kept.rows)
	}
}

// TestRecordNames: a field with the name of a column of the log keeps a release from being served, and says so.
func TestRecordNames(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"Score"`))
	r := start(t, s, func(o *Options) { o.Predictions = &sink{} })
	if status, text := r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`]}`); status != 503 || !strings.Contains(text, `the log's column \"score\"`) {
		t.Errorf("got %d %s, want 503 with the reason", status, text)
	}
}
