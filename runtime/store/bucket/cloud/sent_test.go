package cloud

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/gstest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// TestSentIsCounted: of a small value and of one in parts all bytes are counted as they are sent, and nothing where nobody asks.
func TestSentIsCounted(t *testing.T) {
	for name, place := range map[string]string{
		"s3": s3test.Start(t, "models").URL("models/sent"),
		"gs": "gs://models/sent?endpoint=" + gstest.Start(t, "models"),
	} {
		b, err := open(place)
		if err != nil {
			t.Fatal(err)
		}
		for key, size := range map[string]int{"small": 1000, "large": 2*partBytes + 1000} {
			content := bytes.Repeat([]byte("x"), size)
			var sent, calls atomic.Int64
			ctx := bucket.CountSent(t.Context(), func(n int) {
				sent.Add(int64(n))
				calls.Add(1)
			})
			if err := bucket.Put(ctx, b, key, content); err != nil {
				t.Fatal(err)
			}
			const heads = 10_000               // what belongs to the requests, and not to the value
			parts := int64(1 + size/partBytes) // at the least: how many reads a request's body takes is the network's
			if n := int(sent.Load()); n < size || n > size+heads || calls.Load() < parts {
				t.Errorf("%s, %s: counted %d bytes in %d parts, of %d", name, key, n, calls.Load(), size)
			}
			if got, err := bucket.Read(t.Context(), b, key); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s, %s: read %d bytes: %v", name, key, len(got), err)
			}
			if err := bucket.Put(t.Context(), b, key+"2", content); err != nil {
				t.Fatal(err)
			}
		}
	}
}
