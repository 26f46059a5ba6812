package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/packed"
)

// TestSwapsUnderLoad: of 20,000 requests (with MLP_SOAK=1 a million) that come while models are swapped, canaries and shadows go through their steps, are promoted and are
// taken back, each is answered, by the version that its answer names. What is kept of them goes the same way.
func TestSwapsUnderLoad(t *testing.T) {
	total, clients := int64(20_000), 8
	if os.Getenv("MLP_SOAK") != "" {
		total, clients = 1_000_000, 32
	}
	s, kept := newStore(t), &counted{}
	live := func(limit int) {
		s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(limit), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	}
	s.bundle(100, "100 binary_classification")
	s.bundle(200, "200 binary_classification")
	live(100)
	r := start(t, s, func(o *Options) { o.Access, o.Predictions = false, kept })
	moves := []func(){
		func() { s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, 5) },
		func() { s.rollOut2(50) },
		func() { live(200) }, // promoted
		func() { s.rollOut("scorer", 100, "100 binary_classification", schema.CanaryRoute, 25) },
		func() { live(200) }, // taken back
		func() { s.rollOut("scorer", 100, "100 binary_classification", schema.ShadowRoute, 100) },
		func() { live(100) }, // promoted out of the shadow
		func() { live(200) }, // swapped
		func() { live(100) }, // and back
	}
	var asked, failed atomic.Int64
	var by [2]atomic.Int64 // answers of the models with the limits 100 and 200
	var all sync.WaitGroup
	addr := strings.TrimPrefix(r.base, "http://")
	for client := range clients {
		all.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for n := asked.Add(1); n <= total; n = asked.Add(1) {
				version, err := askedOnce(conn, answers, payments(fmt.Sprintf("c%d-%d", client, n)))
				if err != nil {
					if failed.Add(1) < 10 {
						t.Errorf("request %d: %v", n, err)
					}
					return // the connection says nothing any more
				}
				by[version].Add(1)
			}
		})
	}
	steps := 0
	for ; asked.Load() < total && failed.Load() == 0; steps++ {
		moves[steps%len(moves)]()
		time.Sleep(15 * time.Millisecond) // three looks of the server
	}
	all.Wait()
	if n := by[0].Load() + by[1].Load(); n != total || failed.Load() > 0 {
		t.Errorf("%d of %d requests were answered, %d failed", n, total, failed.Load())
	}
	r.stop() // shadows are kept once their requests are answered
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	r.done <- nil
	if n := kept.live.Load() + kept.canary.Load(); n != total || kept.shadow.Load() == 0 || kept.canary.Load() == 0 {
		t.Errorf("kept are %d of %d answers, %d of them of canaries, and %d of shadows", n, total, kept.canary.Load(), kept.shadow.Load())
	}
	if steps < 2*len(moves) || by[0].Load() < total/20 || by[1].Load() < total/20 {
		t.Errorf("%d steps, answers of either model %d and %d: too few to say anything", steps, by[0].Load(), by[1].Load())
	}
	t.Logf("%d requests, %d steps, answers of either model %d and %d, %d of them as canaries, %d shadows", total, steps, by[0].Load(), by[1].Load(), kept.canary.Load(), kept.shadow.Load())
}

// askedOnce asks for the row of a body, and says which model has answered: 0 of the limit 100, 1 of 200. The answer has to be that of the model that it names.
func askedOnce(conn net.Conn, answers *bufio.Reader, body string) (int, error) {
	if _, err := fmt.Fprintf(conn, "POST /v1/models/scorer/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	for i, want := range []string{`"model_version":"000000000100","predictions":[{"predicted":"true"`, `"model_version":"000000000200","predictions":[{"predicted":"false"`} {
		if response.StatusCode == http.StatusOK && strings.Contains(string(text), want) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("answered with %d %s", response.StatusCode, text)
}

// counted counts the rows that it is given, by their route.
type counted struct{ live, canary, shadow atomic.Int64 }

func (c *counted) Append(_ context.Context, _ string, columns []schema.Column, rows []byte) error {
	for len(rows) > 0 {
		row, rest, err := packed.Next(rows, len(columns))
		if err != nil {
			return err
		}
		rows = rest
		row.Text()
		row.Integer()
		row.Integer()
		row.Text()
		switch route := string(row.Text()); route {
		case string(schema.CanaryRoute):
			c.canary.Add(1)
		case string(schema.ShadowRoute):
			c.shadow.Add(1)
		default:
			c.live.Add(1)
		}
	}
	return nil
}
