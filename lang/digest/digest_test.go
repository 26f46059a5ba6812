package digest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// The value is that of b3sum: it must not move between versions.
func TestOf(t *testing.T) {
	const want = "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
	if got := Of([]byte("abc")); got != want {
		t.Errorf("Of(abc) = %s, want %s", got, want)
	}
	got, size, err := Read(iotest.OneByteReader(strings.NewReader("abc")))
	if got != want || size != 3 || err != nil {
		t.Errorf("Read(abc) = %s, %d, %v; want %s", got, size, err, want)
	}
	broken := errors.New("broken")
	if got, _, err := Read(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))); got != "" || !errors.Is(err, broken) {
		t.Errorf("of a reader that fails: got %q, %v", got, err)
	}
	if got := Of([]byte("abc")).Short(); got != "6437b3" {
		t.Errorf("Short = %s", got)
	}
	if got := Digest("blake3:12").Short(); got != "blake3:12" {
		t.Errorf("Short of no digest = %s", got)
	}
}

func TestHex(t *testing.T) {
	good := Of(nil)
	if _, err := good.Hex(); err != nil {
		t.Errorf("digest of nothing: %v", err)
	}
	for _, d := range []Digest{"", "blake3:", "blake3:../../etc/passwd", good[7:], good + "0", "sha256:" + good[7:], "blake3:ABCDEF" + good[13:]} {
		if _, err := d.Hex(); err == nil {
			t.Errorf("%q: got no error", d)
		}
	}
}
