package plan

import (
	"fmt"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/lang/digest"
)

// Sum digests the canonical form of a value. The domain keeps digests of different things apart.
func Sum(domain string, v any) (Digest, error) {
	d := digesters.Get().(*digester)
	defer digesters.Put(d)
	d.hash.Reset()
	d.encoder = encoder{out: append(append(append(d.out[:0], "mlp/"...), domain...), 0), sink: d.hash}
	err := d.any(v)
	if err == nil {
		err = d.spill(0)
	}
	if err != nil {
		return "", fmt.Errorf("digest of a %s: encoding: %w", domain, err)
	}
	return digest.FromSum(d.hash.Sum(d.sum[:0])), nil
}

// digester is used again and again: a hash alone takes ten kilobytes, and a plan has three digests a stage.
type digester struct {
	encoder
	hash *blake3.Hasher
	sum  [32]byte
}

var digesters = sync.Pool{New: func() any { return &digester{hash: blake3.New()} }}

// Sign sets the plan's id: the digest of its body, which is all but the id and the envelope.
func (p *Plan) Sign() error {
	id, err := p.bodyDigest()
	p.ID = id
	return err
}

// Verify reports whether the plan's body is what its id says.
func (p *Plan) Verify() error {
	id, err := p.bodyDigest()
	if err != nil {
		return err
	}
	if id != p.ID {
		return fmt.Errorf("the plan's body was changed after it was made: plan_id is %s, the body's digest %s", p.ID, id)
	}
	return nil
}

func (p *Plan) bodyDigest() (Digest, error) {
	body := *p
	body.ID, body.Envelope = "", nil
	return Sum("plan", &body)
}
