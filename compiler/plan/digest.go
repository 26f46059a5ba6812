package plan

// Digests are BLAKE3 of "mlp/", a domain, a zero byte, and the canonical JSON of a value (Sum). The domain keeps a definition from ever
// having the digest of, say, a gate with the same JSON. Canonical JSON has sorted keys, no white space, and strings as encoding/json
// writes them but without HTML escapes; numbers keep the digits that they have. So
//
//	{ "b": 1.0, "a": "\u003c" }   becomes   {"a":"<","b":1.0}
//
// What each digest covers, from the stage to the plan:
//
//	definition    component and version, configuration, shapes and formats of the inputs, ports of the outputs, what its
//	              container does                                                                     (Node.Define)
//	fingerprint   the definition, and the digest of the content of each input, by port; that of what
//	              lies outside, an image for one, is the digest of its version                       (Fingerprint)
//	candidate     a model; of an opaque one also how it is scored                                    (Candidate)
//	subject       a gate's definition, all values its rules can see, the candidates                  (GateSubject)
//	plan_id       the whole plan but for plan_id itself and the envelope (time, commit, durations)   (Plan.Sign)
//
// Of train.model: with another params.trees the definition is another, and with it the fingerprint. With another file of data behind its
// source the definition stays and the fingerprint is another. With another timeout neither changes. A fingerprint that an action is
// recorded under is not run again; and since it has the content of the inputs and not their history, a query that was rewritten and yields
// the same bytes spares all that read it.
//
// A change of these forms changes every fingerprint, so that everything would run again; hence the versions (Semantics, and that of each
// component).

import (
	"fmt"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/lang/digest"
)

// Sum is the digest of a value's canonical form in a domain ("definition", "plan"). It fails only where the value cannot be written as
// JSON. It is safe for concurrent use.
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

// Verify recomputes the id from the plan's body and fails if it is another one, so that the body was changed after Sign. It says nothing of
// who made the plan.
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
