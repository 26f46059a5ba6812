// Package counts keeps in a bucket what servers have counted of canaries, so that whoever decides about one needs no server to be up.
//
// A server has one value for each canary that it begins to count, which it alone writes, again and again, with all that it has counted since:
//
//	counts/<pipeline>/<workspace>/<32 digits of the rollout>/<32 digits of a server>.json
//
// So nothing is lost when a write is repeated, and what several servers counted is the sum of their values. A server that is started again is another
// one: what it had counted before stays under its former digits. What was counted after the last write is lost with a server that is killed.
package counts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Rollout is what counts are of. The same candidate that comes again is another rollout.
type Rollout struct {
	Deploy    string      `json:"deploy"` // its address
	Candidate plan.Digest `json:"candidate"`
	Revision  int64       `json:"revision"` // in which it began
}

// Of is the rollout of a deployment.
func Of(deploy string, r *plan.Rollout) Rollout {
	return Rollout{Deploy: deploy, Candidate: r.Next.Candidate(), Revision: r.Next.Revision}
}

// Counts are what one server has counted of a rollout.
type Counts struct {
	Rollout  Rollout         `json:"rollout"`
	Host     string          `json:"host,omitempty"`
	Since    time.Time       `json:"since"` // when it began to count
	At       time.Time       `json:"at"`    // when this was written
	LeftOut  int64           `json:"left_out,omitempty"`
	Evidence canary.Evidence `json:"evidence"`
}

const sealed = "counts"

// Place is where the counts of a workspace are.
type Place struct {
	Bucket              bucket.Bucket
	Pipeline, Workspace string
}

// prefix begins the keys of a rollout's counts.
func (p Place) prefix(r Rollout) string {
	sum := digest.Of(fmt.Appendf(nil, "%q %q %d", r.Deploy, r.Candidate, r.Revision))
	_, digits, _ := strings.Cut(string(sum), ":")
	return fmt.Sprintf("counts/%s/%s/%s/", p.Pipeline, p.Workspace, digits[:32])
}

// Name is what a server is called in keys, of one canary. No two are called alike, nor one before and after it was started again.
func Name() (string, error) {
	name := make([]byte, 16)
	_, err := rand.Read(name)
	return hex.EncodeToString(name), err
}

// Put writes what a server has counted of a rollout so far in the place of what it wrote before.
func (p Place) Put(ctx context.Context, server string, c Counts) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	data, _ := seal.Seal(sealed, body)
	if err := p.Bucket.Replace(ctx, p.prefix(c.Rollout)+server+".json", bytes.NewReader(data)); err != nil {
		return fmt.Errorf("keeping what was counted of %s: %w", c.Rollout.Deploy, err)
	}
	return nil
}

// Read returns what each server has counted of a rollout, by the servers' names. What cannot be read is an error: without it counts are too small, and
// nobody knows of what.
func (p Place) Read(ctx context.Context, r Rollout) ([]Counts, error) {
	var all []Counts
	for key, err := range bucket.Keys(ctx, p.Bucket, p.prefix(r), "") {
		if err != nil {
			return nil, fmt.Errorf("finding what was counted of %s: %w", r.Deploy, err)
		}
		c, err := read(ctx, p.Bucket, key)
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed since it was listed
			continue
		case err != nil:
			return nil, err
		case c.Rollout != r:
			return nil, fmt.Errorf("%s has counts of %s, and not of %s", key, c.Rollout.Deploy, r.Deploy)
		}
		all = append(all, c)
	}
	return all, nil
}

func read(ctx context.Context, b bucket.Bucket, key string) (Counts, error) {
	data, err := bucket.Read(ctx, b, key)
	if err != nil {
		return Counts{}, fmt.Errorf("reading %s: %w", key, err)
	}
	body, _, err := seal.Unseal(sealed, data)
	if err != nil {
		return Counts{}, fmt.Errorf("%s %w", key, err)
	}
	var c Counts
	if err := json.Unmarshal(body, &c); err != nil {
		return Counts{}, fmt.Errorf("reading %s: %w", key, err)
	}
	if err := c.Evidence.Check(); err != nil {
		return Counts{}, fmt.Errorf("%s has counts that there cannot be: %w", key, err)
	}
	return c, nil
}

// Forget removes the counts of rollouts, of all pipelines and workspaces, of which nothing was written since a time, and tells how many values those
// were. What cannot be read is left: it was not written by this version, or not whole.
func Forget(ctx context.Context, b bucket.Bucket, before time.Time) (int, error) {
	old, young := map[string][]string{}, map[string]bool{}
	for key, err := range bucket.Keys(ctx, b, "counts/", "") {
		if err != nil {
			return 0, fmt.Errorf("finding counts of canaries: %w", err)
		}
		rollout := key[:strings.LastIndexByte(key, '/')]
		if c, err := read(ctx, b, key); err != nil || !c.At.Before(before) {
			young[rollout] = true
		}
		old[rollout] = append(old[rollout], key)
	}
	n := 0
	for rollout, keys := range old {
		if young[rollout] {
			continue
		}
		for _, key := range keys {
			if err := b.Delete(ctx, key); err != nil {
				return n, fmt.Errorf("removing %s: %w", key, err)
			}
			n++
		}
	}
	return n, nil
}
