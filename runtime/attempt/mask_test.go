package attempt

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// written are ways in which programs write a value down.
func written(value string) map[string]string {
	var escapedJSON, escapedHTML strings.Builder
	for _, r := range value {
		fmt.Fprintf(&escapedJSON, `\u%04x`, r)
		fmt.Fprintf(&escapedHTML, "&#%d;", r)
	}
	return map[string]string{
		"plain": value, "hexadecimal": hex.EncodeToString([]byte(value)), "in capitals": strings.ToUpper(hex.EncodeToString([]byte(value))),
		"base64": base64.StdEncoding.EncodeToString([]byte(value)), "base64 behind a name": base64.StdEncoding.EncodeToString([]byte("a:" + value)),
		"for URLs": base64.URLEncoding.EncodeToString([]byte("ab:" + value)), "JSON": escapedJSON.String(), "HTML": escapedHTML.String(),
		"URL": url.QueryEscape(value), "page": html.EscapeString(value), "twice": value + value,
	}
}

// TestMaskBroken: nothing of a value is in a log, in whatever form it was written, wherever it stands in a line that is broken,
// and in whatever pieces the line came.
func TestMaskBroken(t *testing.T) {
	const broken = 64 << 10
	random := rand.New(rand.NewPCG(1, 2))
	for _, value := range []string{"CANARY-s3cr3t-4711", "k€y/ü+<4711>&\"q\"", "474747", strings.Repeat("0123456789", 9)} {
		m := opened(t, map[string]string{"tok": value}).mask()
		for form, text := range written(value) {
			for _, at := range []int{1, broken - len(text) - 1, broken - len(text), broken - len(text) + 1, broken - 3, broken - 1, broken, broken + 1,
				2*broken - 1 - random.IntN(len(text)), 3*broken - 2 - random.IntN(len(text))} {
				line := strings.Repeat("x", at) + text + strings.Repeat("y", random.IntN(2*broken)) + "\n"
				got := throughLog(m, line, random)
				if shown := fragment(got, text); shown != "" {
					t.Fatalf("%q (%s) at byte %d: %q of it is shown", value, form, at, shown)
				}
				if !strings.Contains(got, "secret.tok)") {
					t.Fatalf("%q (%s) at byte %d: nothing tells that it stood there", value, form, at)
				}
			}
		}
	}
}

// throughLog is a line as the log keeps it, without the breaks, where it comes in pieces of any length.
func throughLog(m *masker, text string, random *rand.Rand) string {
	var out bytes.Buffer
	s := protocol.NewLog(&out, m).Stream()
	for most := 1 << random.IntN(18); text != ""; {
		n := min(len(text), 1+random.IntN(most))
		s.Write([]byte(text[:n]))
		text = text[n:]
	}
	s.Close()
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, m.Replace(strings.TrimSuffix(line, "\n")))
	}
	return strings.Join(lines, "")
}

// fragment is a part of text that got shows, long enough to be no chance.
func fragment(got, text string) string {
	const long = 5
	for i := 0; i+long <= len(text); i++ {
		if strings.Contains(got, text[i:i+long]) {
			return text[i : i+long]
		}
	}
	return ""
}

// TestMaskKeepsTheRest: what is no secret is all there.
func TestMaskKeepsTheRest(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	m := opened(t, map[string]string{"tok": "CANARY-s3cr3t-4711"}).mask()
	for range 50 {
		text := strings.Repeat("z", random.IntN(300_000)) + "CANARY-s3cr3t-4711" + strings.Repeat("z", random.IntN(300_000))
		want := strings.ReplaceAll(text, "CANARY-s3cr3t-4711", "(secret.tok)")
		if got := throughLog(m, text, random); got != want {
			t.Fatalf("got %d bytes, want %d", len(got), len(want))
		}
	}
}

// TestHidden: a text shows the names of secrets in place of their values, of those that are there and can be told from other text.
func TestHidden(t *testing.T) {
	t.Setenv("DOOR", "open sesame")
	t.Setenv("SHORT", "abc")
	known := []plan.Secret{{Name: "door", Env: "DOOR"}, {Name: "short", Env: "SHORT"}, {Name: "gone", Env: "NOT_SET_AT_ALL"}, {Name: "file", File: "no/such"}}
	got := Hidden(t.TempDir(), known, "token=open sesame, b3BlbiBzZXNhbWU=, abc")
	if want := "token=(secret.door), (secret.door)U=, abc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
