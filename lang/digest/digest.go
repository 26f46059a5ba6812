// Package digest names content: "blake3:" and the 64 hexadecimal digits of its BLAKE3 hash. Objects of a store, files that
// filehash() reads, model bundles and modules that were fetched all carry this one form.
package digest

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/zeebo/blake3"
)

// Prefix names the hash in a digest's text.
const Prefix = "blake3:"

// Digest is Prefix and 64 hexadecimal digits; empty where the content is not known.
type Digest string

// Of is the digest of content that is held in memory.
func Of(data []byte) Digest {
	sum := blake3.Sum256(data)
	return FromSum(sum[:])
}

// Read is the digest of all that r still gives, and its size in bytes. Errors are those of r.
func Read(r io.Reader) (Digest, int64, error) {
	h := blake3.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return "", size, err
	}
	return FromSum(h.Sum(nil)), size, nil
}

// FromSum writes the 32 bytes of a BLAKE3 hash as a digest.
func FromSum(sum []byte) Digest { return Digest(Prefix + hex.EncodeToString(sum)) }

// Hex returns the 64 hexadecimal digits of a digest, or an error if it is none: what is not checked by Hex must not become
// a part of a path.
func (d Digest) Hex() (string, error) {
	s, ok := strings.CutPrefix(string(d), Prefix)
	if !ok || len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is no digest: expected %q and 64 hexadecimal digits", string(d), Prefix)
	}
	return s, nil
}

// Short is the part of a digest that people are shown: six digits, as many as tell models of one pipeline apart.
func (d Digest) Short() string {
	if len(d) < len(Prefix)+6 {
		return string(d)
	}
	return string(d[len(Prefix) : len(Prefix)+6])
}
