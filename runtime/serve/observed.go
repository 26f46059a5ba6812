package serve

// What a canary's rows came to beside those of the live model, for the figures of compiler/canary.
//
// A row is assigned by its key, so rows of one key are no pieces of evidence of their own: a customer whose requests fail comes a thousand times. Of each key the first
// row at a step counts, and of a request that goes by its id its first row. Latency is that of requests of one row: of larger ones the two
// models have parts of different size.

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/lang/schema"
)

// observed counts since the candidate was loaded. It is safe for concurrent use.
type observed struct {
	mu       sync.Mutex
	evidence canary.Evidence
	share    int64               // of the step that is counted, in millionths
	seen     map[uint64]struct{} // hashes of the keys that were counted at this step
	leftOut  int64               // rows of keys that are not counted, since too many were
	changed  bool                // since it was kept last

	keep    func(ctx context.Context, e canary.Evidence, leftOut int64) error // nil: it is not kept
	keeping sync.Mutex                                                        // held while it is kept, so that what was counted later is kept later
	failed  bool                                                              // it could not be kept the last time; under keeping
}

// mostKeys bounds the keys that are remembered at a step: some 40 MB.
const mostKeys = 1 << 20

// millionths is a share in percent as the evidence has it.
func millionths(share float64) int64 { return int64(math.Round(share * canary.Whole / 100)) }

// step has what follows counted at another share.
func (o *observed) step(share float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := millionths(share); at != o.share {
		o.share, o.seen = at, map[uint64]struct{}{}
	}
}

// count adds the rows of an answered request. took is how long its one row was scored; 0 where it has several.
func (o *observed) count(a *answered, mine []bool, request string, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.share <= 0 || o.share >= canary.Whole {
		return
	}
	step := o.evidence.At(o.share)
	o.changed = true
	for row := range mine {
		if !o.first(a.of(row), row, request) {
			continue
		}
		arm := &step.Control
		if mine[row] {
			arm = &step.Canary
		}
		a.of(row).tally(row, arm)
		if took > 0 {
			arm.Latency.Add(canary.LatencyBin(float64(took) / float64(time.Millisecond)))
		}
	}
}

// first reports whether nothing was counted of a row's key at this step, and remembers the key.
func (o *observed) first(b *batch, row int, request string) bool {
	key, given := b.key(nil, row)
	if !given {
		return row == 0 || b.rows == 1
	}
	hash := sha256.Sum256(key)
	h := binary.BigEndian.Uint64(hash[:])
	if _, known := o.seen[h]; known {
		return false
	}
	if len(o.seen) >= mostKeys {
		o.leftOut++
		return false
	}
	o.seen[h] = struct{}{}
	return true
}

// tally counts what was answered for a row.
func (b *batch) tally(row int, arm *canary.Arm) {
	p := &b.answers[row]
	arm.Requests++
	if p.Fault != "" {
		arm.Errors++
		return
	}
	if b.model.model.Task() != schema.Binary {
		return
	}
	if classes := b.model.model.Classes(); p.Decision == classes[len(classes)-1] {
		arm.Positives++
	}
	if bin, err := canary.ScoreBin(*p.Score); err == nil {
		arm.Scores.Add(bin)
	}
}

// Rollout is the answer to GET /v1/models/{model}/rollout.
type Rollout struct {
	ModelName string           `json:"model_name"`
	Live      string           `json:"live"` // versions
	Candidate string           `json:"candidate"`
	Role      schema.RouteRole `json:"role"`
	Share     float64          `json:"share"`              // of the rows, in percent
	Evidence  canary.Evidence  `json:"evidence"`           // of a canary, since this server has loaded it
	LeftOut   int64            `json:"left_out,omitempty"` // rows that are not counted, since there were too many keys
}

// rollout tells of the candidate beside a model, and of a canary what its rows came to so far.
func (s *server) rollout(r *http.Request, x *exchange) (any, error) {
	to, err := s.target(r, x)
	if err != nil {
		return nil, err
	}
	c := to.beside
	if c == nil {
		return nil, &failure{http.StatusNotFound, "model " + to.model.name + " has no candidate beside it that is served"}
	}
	out := Rollout{ModelName: to.model.name, Live: to.model.version, Candidate: c.model.version, Role: c.role, Share: c.share}
	if c.counts != nil {
		c.counts.mu.Lock()
		defer c.counts.mu.Unlock()
		out.Evidence, out.LeftOut = canary.Merge(c.counts.evidence, canary.Evidence{}), c.counts.leftOut
	}
	return out, nil
}
