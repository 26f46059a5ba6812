package serve

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// FuzzBodies: whatever is sent is answered with a status of the client's, or scored; and what is decoded is what a plain decoding into maps gives, or
// refused where that is refused.
func FuzzBodies(f *testing.F) {
	s := newServer(Options{}.withDefaults())
	m := s.newServed("m", digest(100), &stepModel{limit: 100, task: "binary_classification"}, []string{"customer", "merchant"})
	f.Add(`{"rows": [` + goodRow + `]}`)
	f.Add(`{"rows": [{"customer": [1, {"a": null}], "amount": 1e400}, ` + goodRow + `, {"\u0061mount": 1, "x": {"y": 1, "y": 2}}]}`)
	f.Add(`{"rows": [{"amount": 1, "\u0061mount": 2}]}`)
	f.Add(`{"rows": [{"x": 1, "x": 2}]}`)
	f.Add(`{"rows": [{"amount": 7, "items": 1.5}, ` + goodRow + `]}`)
	f.Add(`{"inputs": [{"name": "amount", "shape": [2], "datatype": "FP64", "data": [1.5, 2]}, {"name": "items", "shape": [2], "datatype": "FP64", "data": [1.5, 7]},
		{"name": "merchant", "shape": [2], "datatype": "BYTES", "data": ["M1", "a"]}, {"name": "known", "shape": [2], "datatype": "BOOL", "data": [true, false]},
		{"name": "paid_at", "shape": [2], "datatype": "BYTES", "data": ["x", "2024-05-01"]}]}`)
	f.Add(`{"rows": [{"known": {"y": 1, "y": 2}}]}`)
	f.Add(`{"rows": [], "rows": []}`)
	f.Add(`{ "rows" : [ { "customer" : { } , "merchant" : "a\"\u00e9]}" , "amount" : -0.5e1 , "paid_at" : "2024\u002d05-01" , "known" : false , "items" : 7 } , {} ] } `)
	f.Add(`{"inputs": [{"name": "amount", "shape": [1, 1], "datatype": "FP64", "data": [[1]]}], "outputs": [{"name": "score"}]}`)
	f.Add(`{"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1.5]}, {"name": "items", "shape": [1], "datatype": "INT8", "data": [1]},
		{"name": "merchant", "shape": [1], "datatype": "BYTES", "data": ["M1"]}, {"name": "known", "shape": [1], "datatype": "BOOL", "data": [true]},
		{"name": "paid_at", "shape": [1], "datatype": "BYTES", "data": [null]}, {"name": "customer", "shape": [1], "datatype": "FP64", "data": [7]}]}`)
	f.Add(`{"inputs": [{"name": "amount", "shape": [2], "datatype": "FP64", "parameters": {"nulls": " 1"}, "data": [1.5, 2]}, {"name": "items", "shape": [2], "datatype": "UINT8", "data": [1, 7]},
		{"name": "merchant", "shape": [2], "datatype": "BYTES", "data": ["M\u0031", "a"]}, {"name": "known", "shape": [2], "datatype": "BOOL", "data": [true, false]},
		{"name": "paid_at", "shape": [2], "datatype": "BYTES", "data": ["2024-05-02", "2024-05-01"]}], "parameters": {"binary_data_output": true}}`)
	f.Fuzz(func(t *testing.T, body string) {
		b := s.newBatch(m)
		err := b.readRows(newLenientReader([]byte(body)))
		if rows, ok := plainRows(body); ok != (err == nil) {
			t.Errorf("rows: got the error %v, the plain decoding takes it: %t", err, ok)
		} else if ok {
			if diff := cmp.Diff(plainBatch(m, rows), decoded(b)); diff != "" {
				t.Errorf("rows (-plain +got):\n%s", diff)
			}
		}
		if err == nil {
			err = b.score(t.Context())
		}
		if err != nil && statusOf(err) >= 500 {
			t.Errorf("rows: %v", err)
		}
		request, err := m.readInfer(newReader([]byte(body)))
		if err == nil {
			b = s.newBatch(m)
			if err = b.readTensors(request.inputs); err == nil {
				if diff := cmp.Diff(plainTensors(t, m, body), decoded(b)); diff != "" {
					t.Errorf("tensors (-plain +got):\n%s", diff)
				}
				err = b.score(t.Context())
			}
		}
		if err != nil && statusOf(err) >= 500 {
			t.Errorf("tensors: %v", err)
		}
	})
}

// decoded is what a batch holds of each row: its values by name as text, or that it has a fault.
func decoded(b *batch) []map[string]string {
	out := []map[string]string{}
	for row := range b.rows {
		values := map[string]string{}
		for i, k := range b.model.key {
			if v := b.keys[i][row]; v != "" {
				values["key "+k] = v
			}
		}
		if _, bad := b.faults[row]; bad {
			values["fault"] = "yes"
			out = append(out, values)
			continue
		}
		for i := range b.features {
			f, at := &b.features[i], b.held[row]
			switch {
			case f.kind != textKind && !math.IsNaN(f.Num[at]):
				values[f.Name] = fmt.Sprint(f.Num[at])
			case f.kind == textKind && !f.Null[at]:
				values[f.Name] = strconv.Quote(f.Text[at])
			default:
				values[f.Name] = "null"
			}
		}
		out = append(out, values)
	}
	return out
}

// plainRows decodes rows into maps with the library alone.
func plainRows(body string) ([]map[string]jsontext.Value, bool) {
	var request map[string]jsontext.Value
	var rows []map[string]jsontext.Value
	if err := jsonv2.Unmarshal([]byte(body), &request); err != nil || len(request) != 1 || request["rows"].Kind() != '[' {
		return nil, false
	}
	if err := jsonv2.Unmarshal(request["rows"], &rows); err != nil || slices.ContainsFunc(rows, func(r map[string]jsontext.Value) bool { return r == nil }) {
		return nil, false
	}
	return rows, true
}

// plainBatch holds rows to the model one value at a time.
func plainBatch(m *served, rows []map[string]jsontext.Value) []map[string]string {
	out := []map[string]string{}
	for _, row := range rows {
		values, bad := map[string]string{}, false
		for name := range row {
			if !slices.Contains(m.names(), name) {
				bad = true
			}
		}
		for _, k := range m.key {
			if v, given := row[k]; given {
				values["key "+k] = string(v)
			}
		}
		keys := maps.Clone(values)
		for _, c := range m.model.Inputs() {
			text, value := string(row[c.Name]), ""
			switch number, err := strconv.ParseFloat(text, 64); {
			case text == "":
				bad = true
			case text == "null":
				value = text
			case c.Type == "varchar" && row[c.Name].Kind() == '"':
				var s string
				bad = jsonv2.Unmarshal(row[c.Name], &s) != nil || bad
				value = strconv.Quote(s)
			case c.Type == "timestamp" && row[c.Name].Kind() == '"':
				var s string
				bad = jsonv2.Unmarshal(row[c.Name], &s) != nil || bad
				at, err := parseTime(c.Type, s)
				bad, value = bad || err != nil, fmt.Sprint(at)
			case c.Type == "boolean" && (text == "true" || text == "false"):
				value = map[string]string{"true": "1", "false": "0"}[text]
			case (c.Type == "double" || c.Type == "integer") && row[c.Name].Kind() == '0' && err == nil:
				bad = bad || c.Type == "integer" && (number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 && number != math.MinInt32)
				value = fmt.Sprint(number)
			default:
				bad = true
			}
			values[c.Name] = value
		}
		if bad {
			values = keys
			values["fault"] = "yes"
		}
		out = append(out, values)
	}
	return out
}

// plainTensors decodes a request that was taken into rows.
func plainTensors(t *testing.T, m *served, body string) []map[string]string {
	var request struct {
		Inputs []struct {
			Name       string                    `json:"name"`
			Data       []jsontext.Value          `json:"data"`
			Parameters map[string]jsontext.Value `json:"parameters"`
		} `json:"inputs"`
	}
	if err := jsonv2.Unmarshal([]byte(body), &request); err != nil {
		t.Fatalf("taken, and not by a plain decoding: %v", err)
	}
	rows := make([]map[string]jsontext.Value, len(request.Inputs[0].Data))
	for i := range rows {
		rows[i] = map[string]jsontext.Value{}
		for _, input := range request.Inputs {
			v := input.Data[i]
			if v.Kind() == '[' {
				v = bytes.TrimSpace(v[1 : len(v)-1])
			}
			var nulls string
			_ = jsonv2.Unmarshal(input.Parameters["nulls"], &nulls)
			if slices.ContainsFunc(strings.Split(nulls, ","), func(place string) bool { n, err := strconv.Atoi(strings.TrimSpace(place)); return err == nil && n == i }) {
				v = jsontext.Value("null")
			}
			if v.Kind() == '"' { // keys are kept in their shortest form
				v = quoted(nil, unquote(string(v)))
			}
			rows[i][input.Name] = v
		}
	}
	return plainBatch(m, rows)
}
