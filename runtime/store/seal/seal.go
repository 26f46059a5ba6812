// Package seal puts values into files so that nobody takes what a failing disk or an editor made of them for what was written.
package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

// Seal puts a JSON value into a file under a name, after its digest: {"digest":"blake3:…","<name>":…}. The digest is of the body's
// bytes as they are given, which must be JSON, on a line or several. The value begins on a line of its own, where people find it.
func Seal(name string, body []byte) ([]byte, plan.Digest) {
	d := digest.Of(body)
	return fmt.Appendf(make([]byte, 0, len(body)+128), "{\"digest\":%q,\n%q:%s}\n", d, name, body), d
}

// Unseal returns the value that a file holds under a name, and its digest. It is part of data.
// Errors go on after a subject: "revision 7 does not have the digest that it states".
func Unseal(name string, data []byte) ([]byte, plan.Digest, error) {
	body, stated, err := takeApart(name, data)
	if err != nil {
		return nil, "", fmt.Errorf("is not whole: %w", err)
	}
	if got := digest.Of(body); got != stated {
		return nil, "", errors.New("does not have the digest that it states")
	}
	return body, stated, nil
}

// takeApart need not read a file through that is as it was written. Any other JSON object with the two members is read too: a tool
// may have laid it out anew, and the digest then tells whether the value is still the same bytes.
func takeApart(name string, data []byte) ([]byte, plan.Digest, error) {
	var digest plan.Digest
	head, body, _ := bytes.Cut(data, fmt.Appendf(nil, "\n%q:", name))
	if n, err := fmt.Sscanf(string(head), "{\"digest\":%q,", &digest); n == 1 && err == nil && bytes.HasSuffix(body, []byte("}}\n")) {
		return body[:len(body)-len("}\n")], digest, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, "", err
	}
	if fields[name] == nil {
		return nil, "", fmt.Errorf("it has no %q", name)
	}
	return fields[name], digest, json.Unmarshal(fields["digest"], &digest)
}

// Copy copies r to w and returns the digest of what it copied.
// After an error w has a part.
func Copy(ctx context.Context, w io.Writer, r io.Reader) (plan.Digest, error) {
	const small, large = 32 << 10, 256 << 10 // most files are small, and clearing more takes longer than reading them
	h := blake3.New()
	buf := make([]byte, small)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		_, _ = h.Write(buf[:n])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return "", werr
		}
		if errors.Is(err, io.EOF) {
			return digest.FromSum(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
		if n == small && len(buf) == small {
			buf = make([]byte, large)
		}
	}
}
