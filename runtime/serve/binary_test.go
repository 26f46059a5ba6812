package serve

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/mlp-lang/mlp/runtime/serve/openinference"
)

// binaryBody is a request of two rows whose tensors but one stand behind the JSON, as wanted of the outputs says.
func binaryBody(wanted string) (body, headerLength string) {
	var behind []byte
	for _, v := range []float64{62.5, math.NaN()} {
		behind = binary.LittleEndian.AppendUint64(behind, math.Float64bits(v))
	}
	behind = append(behind, 0xff, 0xff, 7, 0) // items, INT16
	for _, v := range []string{"M1", ""} {
		behind = append(binary.LittleEndian.AppendUint32(behind, uint32(len(v))), v...)
	}
	behind = append(behind, 1, 0)
	text := `{"id": "q", "inputs": [{"name": "amount", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}},
		{"name": "items", "shape": [2], "datatype": "INT16", "parameters": {"binary_data_size": 4}},
		{"name": "paid_at", "shape": [2], "datatype": "BYTES", "data": ["2024-05-01", "2024-05-01"]},
		{"name": "merchant", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 10, "nulls": "1"}},
		{"name": "known", "shape": [2], "datatype": "BOOL", "parameters": {"binary_data_size": 2}}]` + wanted + `}`
	return text + string(behind), strconv.Itoa(len(text))
}

// TestBinaryTensors: what stands behind the JSON is scored as what stands in it, and outputs that are wanted so stand there too.
func TestBinaryTensors(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	const path = "/v2/models/scorer/infer"
	body, length := binaryBody("")
	want := `{"model_name":"scorer","model_version":"000000000100","id":"q","parameters":{"missing.amount":1,"missing.merchant":1},"outputs":[` +
		`{"name":"predicted","shape":[2],"datatype":"BYTES","data":["true","false"]},{"name":"score","shape":[2],"datatype":"FP64","data":[0.625,0]}]}`
	if response, text := r.request(path, body, inferenceHeader, length, "Content-Type", "application/octet-stream"); response.StatusCode != 200 || strings.TrimSpace(text) != want {
		t.Errorf("got %d %s\nwant %s", response.StatusCode, text, want)
	}
	for wanted, bytes := range map[string]string{
		`, "parameters": {"binary_data_output": true}`:                                                                                              "\x04\x00\x00\x00true\x05\x00\x00\x00false" + "\x00\x00\x00\x00\x00\x00\xe4\x3f" + strings.Repeat("\x00", 8),
		`, "outputs": [{"name": "score", "parameters": {"binary_data": true}}]`:                                                                     "\x00\x00\x00\x00\x00\x00\xe4\x3f" + strings.Repeat("\x00", 8),
		`, "parameters": {"binary_data_output": true}, "outputs": [{"name": "predicted", "parameters": {"binary_data": false}}, {"name": "score"}]`: "\x00\x00\x00\x00\x00\x00\xe4\x3f" + strings.Repeat("\x00", 8),
	} {
		body, length := binaryBody(wanted)
		response, text := r.request(path, body, inferenceHeader, length)
		n, err := strconv.Atoi(response.Header.Get(inferenceHeader))
		if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/octet-stream" || text[n:] != bytes {
			t.Errorf("%s: got %d %v %q, want %q behind the JSON", wanted, response.StatusCode, response.Header, text, bytes)
			continue
		}
		var answer inferAnswer
		if err := json.Unmarshal([]byte(text[:n]), &answer); err != nil {
			t.Errorf("%s: %v", wanted, err)
		}
		for _, o := range answer.Outputs {
			if size := map[string]int{"predicted": 17, "score": 16}[o.Name]; (o.Data == nil) != (o.Parameters["binary_data_size"] == size) {
				t.Errorf("%s: the JSON has %s", wanted, text[:n])
			}
		}
	}
	n, _ := strconv.Atoi(length)
	for _, tt := range []struct{ body, length, want string }{
		{body, "x", "it must be how many of the body's"},
		{body, "99999", "it must be how many of the body's"},
		{body, "-1", "it must be how many of the body's"},
		{body[:len(body)-1], length, `\"binary_data_size\" is 2, and 1 of the`},
		{body + "x", length, "1 of the 33 bytes behind the JSON are no input's"},
		{strings.Replace(body, `"binary_data_size": 2`, `"binary_data_size": 1`, 1), length, "no input's"},
		{strings.Replace(body, `"binary_data_size": 2}`, `"binary_data_size": 2, "x": 1}`, 1), strconv.Itoa(n + 8), `the parameter \"x\"`},
		{strings.Replace(body, `{"binary_data_size": 2}`, `{"binary_data_size": 2}, "data": [true, true]`, 1), strconv.Itoa(n + 22), "has both"},
	} {
		if response, text := r.request(path, tt.body, inferenceHeader, tt.length); response.StatusCode != 400 || !strings.Contains(text, tt.want) {
			t.Errorf("got %d %s, want 400 with %s", response.StatusCode, text, tt.want)
		}
	}
}

// TestGzip: bodies may be compressed, what is in them is bounded all the same, and long answers are for who takes them so.
func TestGzip(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxBody = 1 << 20 })
	const path = "/v1/models/scorer/predict"
	many := `{"rows": [` + strings.Repeat(goodRow+",", 999) + goodRow + `]}`
	for _, tt := range []struct {
		body, accepts string
		status        int
		packed        bool
	}{
		{many, "", 200, false}, {many, "gzip", 200, true}, {many, "br, gzip;q=0.5", 200, true}, {many, "gzip;q=0, identity", 200, false},
		{`{"rows": [` + goodRow + `]}`, "gzip", 200, false}, {strings.Repeat(" ", 2<<20) + many, "", 413, false},
	} {
		request, err := http.NewRequest(http.MethodPost, r.base+path, bytes.NewReader(pack([]byte(tt.body))))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Encoding", "gzip")
		request.Header.Set("Accept-Encoding", tt.accepts)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if packed := response.Header.Get("Content-Encoding") == "gzip"; err != nil || response.StatusCode != tt.status || packed != tt.packed {
			t.Errorf("%.40s accepts %q: got %d, packed: %t, %v", tt.body, tt.accepts, response.StatusCode, packed, err)
		} else if packed {
			unpacked, err := gzip.NewReader(bytes.NewReader(text))
			if err == nil {
				text, err = io.ReadAll(unpacked)
			}
			if err != nil || bytes.Count(text, []byte(`"predicted"`)) != 1000 {
				t.Errorf("got %.200s %v", text, err)
			}
		}
	}
}

// FuzzMessages: what is taken of bytes is a message by the library too, with the same tensors in it.
func FuzzMessages(f *testing.F) {
	s := newServer(Options{}.withDefaults())
	m := s.newServed("scorer", digest(100), &stepModel{limit: 100, task: "binary_classification"}, []string{"customer", "merchant"})
	for _, q := range []*openinference.ModelInferRequest{twoRows(), raw(twoRows()), {ModelName: "scorer", Inputs: []*tensor{{}}, Outputs: make([]*openinference.ModelInferRequest_InferRequestedOutputTensor, 2)}} {
		b, err := proto.Marshal(q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name, version, err := modelOf(b, 1, 2)
		var q openinference.ModelInferRequest
		wrong := proto.Unmarshal(b, &q)
		if err == nil && wrong == nil && (name != q.ModelName || version != q.ModelVersion) {
			t.Errorf("the model is %q %q, and by the library %q %q", name, version, q.ModelName, q.ModelVersion)
		}
		request, err := m.inferMessage(b)
		if err != nil {
			if statusOf(err) >= 500 {
				t.Error(err)
			}
			return
		}
		if wrong != nil { // in values, which are looked into where they are read
			if s.newBatch(m).readTensors(request.inputs) == nil {
				t.Errorf("taken, and not by the library: %v", wrong)
			}
			return
		}
		if len(request.inputs) != len(q.Inputs) || len(request.outputs) != len(q.Outputs) || request.id != q.Id {
			t.Fatalf("got %v, by the library %v", request, &q)
		}
		for i, got := range request.inputs {
			want := q.Inputs[i]
			if got.name != want.Name || got.datatype != want.Datatype || fmt.Sprint(got.shape) != fmt.Sprint(want.Shape) {
				t.Errorf("got %v, by the library %v", got, want)
			}
			d, err := newDatatype(got.datatype)
			if err != nil || got.typed == nil {
				continue
			}
			n := 0
			for _, e := range got.values(d) {
				if err = e; e == nil {
					n++
				}
			}
			c := want.Contents
			if all := len(c.BoolContents) + len(c.IntContents) + len(c.Int64Contents) + len(c.UintContents) + len(c.Uint64Contents) + len(c.Fp32Contents) + len(c.Fp64Contents) + len(c.BytesContents); err == nil && n != all {
				t.Errorf("%s: got %d values, by the library %d", got.name, n, all)
			}
		}
		batch := s.newBatch(m)
		if err = batch.readTensors(request.inputs); err == nil {
			err = batch.score(t.Context())
		}
		if err != nil && statusOf(err) >= 500 {
			t.Error(err)
		}
	})
}
