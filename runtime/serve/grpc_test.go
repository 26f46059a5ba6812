package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/serve/openinference"
)

// caller is a client of gRPC, as its library has it.
func (r *running) caller(options ...grpc.DialOption) openinference.GRPCInferenceServiceClient {
	r.t.Helper()
	if len(options) == 0 {
		options = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	}
	_, address, _ := strings.Cut(r.base, "://")
	conn, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return openinference.NewGRPCInferenceServiceClient(conn)
}

type (
	tensor   = openinference.ModelInferRequest_InferInputTensor
	contents = openinference.InferTensorContents
)

// twoRows are tensors of a row that is scored, and of one whose number is none of its column's.
func twoRows() *openinference.ModelInferRequest {
	return &openinference.ModelInferRequest{ModelName: "scorer", Id: "a", Inputs: []*tensor{
		{Name: "amount", Datatype: "FP32", Shape: []int64{2}, Contents: &contents{Fp32Contents: []float32{62.5, 1}}},
		{Name: "items", Datatype: "INT64", Shape: []int64{2, 1}, Contents: &contents{Int64Contents: []int64{-7, math.MaxInt64}}},
		{Name: "merchant", Datatype: "BYTES", Shape: []int64{2}, Contents: &contents{BytesContents: [][]byte{[]byte("M9"), []byte("é")}}},
		{Name: "known", Datatype: "BOOL", Shape: []int64{2}, Contents: &contents{BoolContents: []bool{true, false}}},
		{Name: "paid_at", Datatype: "BYTES", Shape: []int64{2}, Contents: &contents{BytesContents: [][]byte{[]byte("2024-05-01"), []byte("2024-05-01")}}},
	}}
}

// raw moves the values of tensors to where bytes stand.
func raw(q *openinference.ModelInferRequest) *openinference.ModelInferRequest {
	for _, t := range q.Inputs {
		var b []byte
		for _, v := range t.Contents.Fp32Contents {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, v := range t.Contents.Int64Contents {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		for _, v := range t.Contents.BoolContents {
			b = append(b, map[bool]byte{true: 1}[v])
		}
		for _, v := range t.Contents.BytesContents {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(v))), v...)
		}
		q.RawInputContents, t.Contents = append(q.RawInputContents, b), nil
	}
	return q
}

// TestCalls: gRPC's own client is answered what REST answers, whichever way its tensors come, and what is answered is kept alike.
func TestCalls(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer"`))
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	c := r.caller()
	live, err := c.ServerLive(t.Context(), &openinference.ServerLiveRequest{})
	if err != nil || !live.Live {
		t.Errorf("live: %v %v", live, err)
	}
	ready, err := c.ServerReady(t.Context(), &openinference.ServerReadyRequest{})
	if err != nil || !ready.Ready {
		t.Errorf("ready: %v %v", ready, err)
	}
	model, err := c.ModelReady(t.Context(), &openinference.ModelReadyRequest{Name: "scorer"})
	if err != nil || !model.Ready {
		t.Errorf("model ready: %v %v", model, err)
	}
	server, err := c.ServerMetadata(t.Context(), &openinference.ServerMetadataRequest{})
	if err != nil || server.Name != "mlp" || server.Version != "1.2.3" || !slices.Equal(server.Extensions, []string{"binary_tensor_data"}) {
		t.Errorf("server: %v %v", server, err)
	}
	about, err := c.ModelMetadata(t.Context(), &openinference.ModelMetadataRequest{Name: "scorer", Version: VersionOf(digest(100))})
	if err != nil || about.Name != "scorer" || len(about.Versions) != 1 || about.Platform != "mlp" || len(about.Inputs) != 6 || len(about.Outputs) != 3 ||
		about.Inputs[1].Name != "items" || about.Inputs[1].Datatype != "INT32" || !slices.Equal(about.Inputs[1].Shape, []int64{-1}) {
		t.Errorf("metadata: %v %v", about, err)
	}
	want := &openinference.ModelInferResponse{ModelName: "scorer", ModelVersion: VersionOf(digest(100)), Id: "a", Parameters: map[string]*openinference.InferParameter{}}
	for name, n := range map[string]int64{"failed": 1, "unseen.merchant": 1, "missing.customer": 1} {
		want.Parameters[name] = &openinference.InferParameter{ParameterChoice: &openinference.InferParameter_Int64Param{Int64Param: n}}
	}
	const why = `input "items": 9223372036854775807 is out of the range of integer`
	for _, o := range []struct {
		name, datatype string
		contents       *contents
	}{
		{"predicted", "BYTES", &contents{BytesContents: [][]byte{[]byte("true"), {}}}},
		{"score", "FP64", &contents{Fp64Contents: []float64{0.625, math.NaN()}}},
		{"error", "BYTES", &contents{BytesContents: [][]byte{{}, []byte(why)}}},
	} {
		want.Outputs = append(want.Outputs, &openinference.ModelInferResponse_InferOutputTensor{Name: o.name, Datatype: o.datatype, Shape: []int64{2}, Contents: o.contents})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // which the call tells
	defer cancel()
	for _, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor(gzip.Name)}} {
		got, err := c.ModelInfer(ctx, twoRows(), options...)
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("got %v %v\nwant %v", got, err, want)
		}
		got, err = c.ModelInfer(t.Context(), raw(twoRows()), options...)
		if err != nil || len(got.RawOutputContents) != 3 || got.Outputs[0].Contents != nil || math.Float64frombits(binary.LittleEndian.Uint64(got.RawOutputContents[1])) != 0.625 ||
			string(got.RawOutputContents[0]) != "\x04\x00\x00\x00true\x00\x00\x00\x00" || !strings.HasSuffix(string(got.RawOutputContents[2]), why) {
			t.Errorf("raw: got %v %v", got, err)
		}
	}
	if len(kept.rows) != 8 || !strings.Contains(kept.rows[6], `"amount":62.5,"items":-7,"merchant":"M9","known":true`) {
		t.Errorf("kept %v", kept.rows)
	}
	if _, text := r.call("/metrics", ""); !strings.Contains(text, `mlp_serve_requests_total{code="200",endpoint="infer",model="scorer"} 4`) {
		t.Errorf("the metrics are %s", text)
	}
	if log := r.log.String(); !strings.Contains(log, "path=/inference.GRPCInferenceService/ModelInfer status=200") || !strings.Contains(log, "rows=2 failed=1") {
		t.Errorf("the log has %s", log)
	}
}

// TestCallsRefused: what is wrong with a call is told with a code, and nothing is scored.
func TestCallsRefused(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxBody = 1 << 20 })
	c := r.caller()
	for _, tt := range []struct {
		change func(*openinference.ModelInferRequest)
		code   codes.Code
		want   string
	}{
		{func(q *openinference.ModelInferRequest) { q.ModelName = "scorr" }, codes.NotFound, `did you mean "scorer"?`},
		{func(q *openinference.ModelInferRequest) { q.ModelVersion = "1" }, codes.NotFound, `version "1"`},
		{func(q *openinference.ModelInferRequest) { q.Inputs = nil }, codes.InvalidArgument, "missing or empty"},
		{func(q *openinference.ModelInferRequest) { q.Inputs = q.Inputs[1:] }, codes.InvalidArgument, `input "amount" is missing`},
		{func(q *openinference.ModelInferRequest) { q.Inputs[1].Name = "itms" }, codes.InvalidArgument, `did you mean "items"?`},
		{func(q *openinference.ModelInferRequest) { q.Inputs[0].Contents = nil }, codes.InvalidArgument, `input "amount": "data" is missing`},
		{func(q *openinference.ModelInferRequest) { q.Inputs[0].Shape = []int64{3} }, codes.InvalidArgument, "means 3 values, there are 2"},
		{func(q *openinference.ModelInferRequest) { q.Inputs[0].Datatype = "FP64" }, codes.InvalidArgument, "those of FP64 are in field 7"},
		{func(q *openinference.ModelInferRequest) { q.Inputs[0].Datatype = "FP8" }, codes.InvalidArgument, "is not one of"},
		{func(q *openinference.ModelInferRequest) { q.Inputs[0].Contents.Fp32Contents[1] = float32(math.Inf(1)) }, codes.InvalidArgument, "infinity"},
		{func(q *openinference.ModelInferRequest) { q.Inputs[2].Contents.BytesContents[1] = []byte("\xff") }, codes.InvalidArgument, "is not UTF-8"},
		{func(q *openinference.ModelInferRequest) {
			q.Parameters = map[string]*openinference.InferParameter{"priority": {ParameterChoice: &openinference.InferParameter_Int64Param{Int64Param: 1}}}
		}, codes.InvalidArgument, `the parameter "priority"`},
		{func(q *openinference.ModelInferRequest) { q.RawInputContents = [][]byte{{}} }, codes.InvalidArgument, "1 raw_input_contents and 5 inputs"},
		{func(q *openinference.ModelInferRequest) { q.RawInputContents = make([][]byte, 5) }, codes.InvalidArgument, "give one of both"},
		{func(q *openinference.ModelInferRequest) { raw(q).RawInputContents[3] = []byte{2, 0} }, codes.InvalidArgument, "2 is no BOOL"},
		{func(q *openinference.ModelInferRequest) { raw(q).RawInputContents[1] = make([]byte, 15) }, codes.InvalidArgument, "there are 7 bytes, and a INT64 has 8"},
		{func(q *openinference.ModelInferRequest) { raw(q).RawInputContents[2] = []byte{255, 255, 255, 255} }, codes.InvalidArgument, "its length is 4294967295"},
		{func(q *openinference.ModelInferRequest) {
			q.Outputs = []*openinference.ModelInferRequest_InferRequestedOutputTensor{{Name: "scor"}}
		}, codes.InvalidArgument, `did you mean "score"?`},
		{func(q *openinference.ModelInferRequest) { q.Id = strings.Repeat("x", 2<<20) }, codes.ResourceExhausted, "larger than 1048576 bytes"},
		{func(q *openinference.ModelInferRequest) { q.Inputs = append(q.Inputs, make([]*tensor, 100)...) }, codes.InvalidArgument, "more than 5 inputs"},
	} {
		q := twoRows()
		tt.change(q)
		_, err := c.ModelInfer(t.Context(), q)
		if got := status.Convert(err); got.Code() != tt.code || !strings.Contains(got.Message(), tt.want) {
			t.Errorf("got %v %q, want %v with %s", got.Code(), got.Message(), tt.code, tt.want)
		}
	}
	// The limits are the message's and not the packet's: what is packed small is as large as it was.
	q := twoRows()
	q.Id = strings.Repeat("x", 2<<20)
	if _, err := c.ModelInfer(t.Context(), q, grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("packed: got %v", err)
	}
	if ready, err := c.ModelReady(t.Context(), &openinference.ModelReadyRequest{Name: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("got %v %v", ready, err)
	}
	if _, text := r.call("/metrics", ""); !strings.Contains(text, `mlp_serve_rows_total{model="scorer",version="`+VersionOf(digest(100))+`"} 0`) {
		t.Errorf("rows were scored: %s", text)
	}
	// Over HTTP/1.1, or as anything but gRPC, it is none.
	if response, text := r.request(inference+"ModelInfer", "x"); response.StatusCode != 200 || response.Header.Get("Grpc-Status") != "12" {
		t.Errorf("got %v %s", response, text)
	}
	for _, body := range []string{"\x00\x00\x00\x00\x05abc", "\x00\x00", "\x01\x00\x00\x00\x01x", "\x00\x00\x00\x00\x01\xff"} {
		if got := rawCall(t, r.base, body); got != "3" && got != "12" {
			t.Errorf("%q: got the status %s", body, got)
		}
	}
}

// rawCall sends what no client would.
func rawCall(t *testing.T, base, body string) string {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	response, err := client.Post(base+inference+"ModelInfer", "application/grpc", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.Header.Get("Grpc-Status")
}

// TestCallsBearTokens: who may call is who may ask, and the log has the name.
func TestCallsBearTokens(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	const token = "0123456789abcdef0123456789abcdef"
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("billing "+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, s, func(o *Options) { o.Tokens = path })
	c := r.caller()
	if _, err := c.ModelInfer(t.Context(), twoRows()); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without: got %v", err)
	}
	if _, err := c.ServerReady(t.Context(), &openinference.ServerReadyRequest{}); err != nil {
		t.Errorf("ready without: got %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token, "x-request-id", "ticket-7")
	if _, err := c.ModelInfer(ctx, twoRows()); err != nil {
		t.Errorf("with: got %v", err)
	}
	if log := r.log.String(); !strings.Contains(log, "caller=billing") || !strings.Contains(log, "id=ticket-7") {
		t.Errorf("the log has %s", log)
	}
}

// TestCallsRollOut: a canary has its rows of gRPC too, and each row says which model has answered it.
func TestCallsRollOut(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer"`))
	s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, 50)
	r := start(t, s, nil)
	const rows = 200
	q := &openinference.ModelInferRequest{ModelName: "scorer", Inputs: []*tensor{
		{Name: "amount", Datatype: "FP64", Shape: []int64{rows}, Contents: &contents{Fp64Contents: make([]float64, rows)}},
		{Name: "items", Datatype: "INT8", Shape: []int64{rows}, Contents: &contents{IntContents: make([]int32, rows)}},
		{Name: "merchant", Datatype: "BYTES", Shape: []int64{rows}, Contents: &contents{BytesContents: make([][]byte, rows)}},
		{Name: "known", Datatype: "BOOL", Shape: []int64{rows}, Contents: &contents{BoolContents: make([]bool, rows)}},
		{Name: "paid_at", Datatype: "BYTES", Shape: []int64{rows}, Contents: &contents{}},
		{Name: "customer", Datatype: "UINT64", Shape: []int64{rows}, Contents: &contents{}},
	}}
	nulls := "0"
	for i := range rows {
		if i > 0 {
			nulls += "," + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		}
		q.Inputs[4].Contents.BytesContents = append(q.Inputs[4].Contents.BytesContents, nil)
		q.Inputs[5].Contents.Uint64Contents = append(q.Inputs[5].Contents.Uint64Contents, math.MaxUint64-uint64(i))
	}
	q.Inputs[4].Parameters = map[string]*openinference.InferParameter{"nulls": {ParameterChoice: &openinference.InferParameter_StringParam{StringParam: nulls}}}
	got, err := r.caller().ModelInfer(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]int{}
	for _, v := range got.Outputs[len(got.Outputs)-1].Contents.BytesContents {
		by[string(v)]++
	}
	if len(by) != 2 || by[VersionOf(digest(200))] < rows/4 || by[VersionOf(digest(100))] < rows/4 || got.Parameters["missing.paid_at"].GetInt64Param() != rows {
		t.Errorf("answered by %v, %v", by, got.Parameters)
	}
}

// TestCallsEnd: a call ends when its client does not wait any longer, and those that run end before the server does.
func TestCallsEnd(t *testing.T) {
	for given, want := range map[string]time.Duration{"5S": 5 * time.Second, "100m": 100 * time.Millisecond, "99999999H": math.MaxInt64 / time.Hour * time.Hour, "1n": 1} {
		if got, err := timeout(given); err != nil || got != want {
			t.Errorf("%s: got %v %v, want %v", given, got, err, want)
		}
	}
	for _, given := range []string{"S", "1", "-1S", "100000000S", "1s"} {
		if got, err := timeout(given); err == nil {
			t.Errorf("%s: got %v", given, got)
		}
	}
	s := newStore(t)
	m := &stepModel{limit: 100, task: schema.Binary, enter: make(chan struct{}), leave: make(chan struct{})}
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) {
		load := o.Load
		o.Load = func(dir string) (component.Model, error) {
			if _, err := load(dir); err != nil {
				return nil, err
			}
			return m, nil
		}
	})
	c := r.caller()
	ended := make(chan error, 1)
	go func() {
		_, err := c.ModelInfer(context.Background(), twoRows())
		ended <- err
	}()
	<-m.enter
	r.stop()
	time.Sleep(20 * time.Millisecond)
	m.leave <- struct{}{}
	if err := <-ended; err != nil {
		t.Errorf("a call that ran when the server was stopped: %v", err)
	}
}
