package plan

import (
	"fmt"

	"github.com/zeebo/blake3"
)

// Sum digests the canonical form of a value. The domain keeps digests of different things apart.
func Sum(domain string, v any) (Digest, error) {
	h := blake3.New()
	e := &encoder{out: []byte("mlp/" + domain + "\x00"), sink: h}
	err := e.any(v)
	if err == nil {
		err = e.spill(0)
	}
	if err != nil {
		return "", fmt.Errorf("digest of a %s: encoding: %w", domain, err)
	}
	return SumDigest(h.Sum(nil)), nil
}

// Short is the part of a digest that people are shown: six digits, as many as tell models of one pipeline apart.
func (d Digest) Short() string {
	const prefix = len("blake3:")
	if len(d) < prefix+6 {
		return string(d)
	}
	return string(d[prefix : prefix+6])
}

// Sign sets the plan's id: the digest of its body, which is all but the id and the envelope.
func (p *Plan) Sign() error {
	id, err := p.bodyDigest()
	p.ID = id
	return err
}

// Verify tells whether the plan's body is what its id says.
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
