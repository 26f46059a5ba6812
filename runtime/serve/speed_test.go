package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/heap"
	"github.com/mlp-lang/mlp/runtime/predlog"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// BenchmarkServing compares what a request costs with what it would cost a server of a few lines, the echo, which decodes the body with
// encoding/json into maps and writes it back. Both run as processes of their own, over connections that stay open, and their CPU time is
// counted, so that the ratio holds on a busy machine too: echo/mlp 0.75 is an mlp that takes a third more. Requests go to both in turns.
//
// The model has 300 trees of depth 6 over 30 features: 20 doubles, 4 whole numbers, 4 texts, 2 booleans. Each request is logged, as
// mlp serve does by default.
func BenchmarkServing(b *testing.B) {
	mlp, echo := startPeer(b, "mlp", "GOMAXPROCS=1"), startPeer(b, "echo", "GOMAXPROCS=1")
	for _, rows := range []int{1, 100} {
		for _, to := range []struct{ path, body string }{{"/v1/models/scorer/predict", rowsBody(rows)}, {"/v2/models/scorer/infer", tensorsBody(rows)}} {
			b.Run(fmt.Sprintf("%s/%d", path.Base(to.path), rows), func(b *testing.B) {
				request := []byte("POST " + to.path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(to.body)) + "\r\n\r\n" + to.body)
				turns := 2000 / rows
				alternate := func() (spent [2]time.Duration) {
					for range turns {
						for i, p := range []*peer{mlp, echo} {
							spent[i] += p.cost(b, request)
						}
					}
					return spent
				}
				alternate() // both are warm now
				var spent [2]time.Duration
				for b.Loop() {
					for i, s := range alternate() {
						spent[i] += s
					}
				}
				requests := float64(10 * turns * b.N)
				b.ReportMetric(float64(spent[0].Microseconds())/requests, "mlp-µs/request")
				b.ReportMetric(float64(spent[1].Microseconds())/requests, "echo-µs/request")
				b.ReportMetric(float64(spent[1])/float64(spent[0]), "echo/mlp")
			})
		}
	}
}

// peer is a server in a process of its own.
type peer struct {
	process int
	conn    net.Conn
	answers *bufio.Reader
}

const peerVariable = "MLP_SPEED_PEER"

// startPeer starts one, with variables of its own.
func startPeer(b *testing.B, name string, env ...string) *peer {
	cmd := exec.Command(os.Args[0], "-test.run=^TestPeer$")
	cmd.Env = append(append(os.Environ(), peerVariable+"="+name), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); log.Close() })
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	conn, err := net.Dial("tcp", strings.TrimSpace(addr))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &peer{cmd.Process.Pid, conn, bufio.NewReader(conn)}
}

// cost sends a request ten times and gives the CPU time that the peer spent on them.
func (p *peer) cost(b *testing.B, request []byte) time.Duration {
	before := p.cpu(b)
	for range 10 {
		if _, err := p.conn.Write(request); err != nil {
			b.Fatal(err)
		}
		answer, err := http.ReadResponse(p.answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || bytes.Contains(body, []byte(`"error"`)) {
			b.Fatalf("%d %.300s %v", answer.StatusCode, body, err)
		}
	}
	return p.cpu(b) - before
}

// cpu is the CPU time of the peer's process, by its clock (clock_getcpuclockid(3)).
func (p *peer) cpu(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.process<<3|2), &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// TestPeer is a peer of BenchmarkServing and BenchmarkLoad, and does nothing else.
func TestPeer(t *testing.T) {
	name := os.Getenv(peerVariable)
	switch name {
	case "":
		t.Skip("not started by a benchmark")
	case "echo":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(l.Addr())
		t.Fatal(http.Serve(l, http.HandlerFunc(echo)))
	}
	dir := t.TempDir()
	if err := forest(t, 300, 6).Write(dir); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	signature := &schema.Model{Target: "fraud"}
	for _, f := range wide() {
		signature.Features = append(signature.Features, schema.Column{Name: f.Name, Type: f.Type})
	}
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(5), Signature: signature})
	o := Options{
		Addr: "127.0.0.1:0", Releases: s, Load: model.ServeModel, Access: true,
		Open:  func(context.Context, plan.Digest) (string, error) { return dir, nil },
		Log:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Ready: func(url string) { fmt.Println(strings.TrimPrefix(url, "http://")) },
	}
	heap.Room(64 << 20) // as mlp serve
	if name == "kept" {
		log, err := predlog.Open(predlog.Options{Dir: filepath.Join(dir, "predictions"), Convert: table.WritePacked})
		if err != nil {
			t.Fatal(err)
		}
		o.Predictions = log
	}
	t.Fatal(Run(t.Context(), o))
}

func echo(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var value any
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// forest is a binary model of complete trees over the features of wide.
func forest(t testing.TB, trees, depth int) *model.Bundle {
	t.Helper()
	random, features := rand.New(rand.NewPCG(1, 2)), wide()
	m := &xgboost.Model{Objective: xgboost.Logistic, BaseScore: []float32{0.5}, NumFeature: len(features), TreeClass: make([]int32, trees)}
	for range trees {
		var tree xgboost.Tree
		inner := int32(1)<<depth - 1
		for i := range 2*inner + 1 {
			n := xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Parent: (i - 1) / 2, Value: random.Float32() - 0.5}
			if i == 0 {
				n.Parent = -1
			}
			if i < inner {
				n.Left, n.Right, n.Feature, n.DefaultLeft = 2*i+1, 2*i+2, random.Int32N(int32(len(features))), random.IntN(2) == 0
				n.Value = random.Float32() * 100
				if features[n.Feature].Text() {
					n.Value, n.Categories = 0, []int32{random.Int32N(2), 2 + random.Int32N(2)}
				}
			}
			tree.Nodes = append(tree.Nodes, n)
		}
		m.Trees = append(m.Trees, tree)
	}
	signature := model.Signature{Task: schema.Binary, Target: "fraud", Classes: []string{"false", "true"}, Features: features}
	estimator, err := model.NewTrees(m, &signature)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := model.New(signature, model.Trees, estimator, 0.5, model.Provenance{Component: "train.gradient_boosting", Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func wide() (features []model.Feature) {
	for i := range 30 {
		f := model.Feature{Name: fmt.Sprintf("feature_%d", i), Type: "double"}
		switch {
		case i >= 28:
			f.Type = "boolean"
		case i >= 24:
			f.Type, f.Levels = "varchar", []string{"north", "east", "south", "west"}
		case i >= 20:
			f.Type = "integer"
		}
		features = append(features, f)
	}
	return features
}

// wideValue is the value of a feature in a row, as JSON.
func wideValue(f model.Feature, random *rand.Rand) string {
	switch f.Type {
	case "boolean":
		return strconv.FormatBool(random.IntN(2) == 0)
	case "varchar":
		return strconv.Quote(f.Levels[random.IntN(len(f.Levels))])
	case "integer":
		return strconv.Itoa(random.IntN(100))
	}
	return strconv.FormatFloat(float64(random.IntN(1e6))/1e4, 'g', -1, 64)
}

func rowsBody(rows int) string {
	random := rand.New(rand.NewPCG(3, 4))
	var all []string
	for range rows {
		var fields []string
		for _, f := range wide() {
			fields = append(fields, fmt.Sprintf("%q:%s", f.Name, wideValue(f, random)))
		}
		all = append(all, "{"+strings.Join(fields, ",")+"}")
	}
	return `{"rows":[` + strings.Join(all, ",") + `]}`
}

func tensorsBody(rows int) string {
	random := rand.New(rand.NewPCG(3, 4))
	var all []string
	for _, f := range wide() {
		var values []string
		for range rows {
			values = append(values, wideValue(f, random))
		}
		all = append(all, fmt.Sprintf(`{"name":%q,"shape":[%d],"datatype":%q,"data":[%s]}`, f.Name, rows, datatypeOf(f.Type), strings.Join(values, ",")))
	}
	return `{"inputs":[` + strings.Join(all, ",") + `]}`
}
