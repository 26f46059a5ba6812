package dockerfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const several = `# syntax=docker/dockerfile:1
ARG VERSION=3.11
FROM python:${VERSION}-slim AS made
RUN echo a && \
    echo b
FROM scratch AS empty
COPY --from=alpine:3 --chown=1:1 /etc/passwd /etc/
COPY --from=made /a \
  /b
COPY --from=0 /c /d
FROM made
COPY --from=alpine:3 /x /y
`

func parse(t *testing.T, text, target string, args map[string]string) *File {
	t.Helper()
	f, err := Parse([]byte(text), target, args)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBases(t *testing.T) {
	tests := []struct {
		target string
		args   map[string]string
		want   []Base
		below  string
	}{
		{"", nil, []Base{{"python:3.11-slim", 3}, {"alpine:3", 7}}, "python:3.11-slim"},
		{"empty", map[string]string{"VERSION": "3.12"}, []Base{{"python:3.12-slim", 3}, {"alpine:3", 7}}, ""},
		{"made", nil, []Base{{"python:3.11-slim", 3}}, "python:3.11-slim"},
	}
	for _, tt := range tests {
		f := parse(t, several, tt.target, tt.args)
		got, err := f.Bases()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, got); d != "" || f.Below() != tt.below {
			t.Errorf("%s: (-want +got)\n%s; below %q, want %q", tt.target, d, f.Below(), tt.below)
		}
	}
}

// TestWritten holds that the builder gets images by their IDs alone, and that its steps are known by their lines.
func TestWritten(t *testing.T) {
	text, steps, err := parse(t, several, "", nil).Written(map[string]string{"python:3.11-slim": "sha256:aa", "alpine:3": "sha256:bb"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# escape=\
ARG VERSION=3.11
FROM sha256:aa AS made
ARG SOURCE_DATE_EPOCH=315532800
RUN echo a &&     echo b
FROM scratch AS empty
ARG SOURCE_DATE_EPOCH=315532800
COPY --from=sha256:bb --chown=1:1 /etc/passwd /etc/
COPY --from=made /a   /b
COPY --from=0 /c /d
FROM made
ARG SOURCE_DATE_EPOCH=315532800
COPY --from=sha256:bb /x /y
`
	if d := cmp.Diff(want, string(text)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	var lines []int
	for _, s := range steps {
		lines = append(lines, s.Line)
	}
	if d := cmp.Diff([]int{2, 3, 3, 4, 6, 6, 7, 8, 10, 11, 11, 12}, lines); d != "" {
		t.Errorf("lines: (-want +got)\n%s", d)
	}
}

// TestMistakes holds that what cannot be built is refused by its line.
func TestMistakes(t *testing.T) {
	tests := []struct {
		text, target string
		args         map[string]string
		want         string
	}{
		{"FROM a\nRUNN x\n", "", nil, "2: unknown instruction: RUNN (did you mean RUN?)"},
		{"", "", nil, "0: file with no instructions"},
		{"ARG A\n", "", nil, "0: there is no FROM in it"},
		{"RUN x\nFROM a\n", "", nil, "1: no build stage in current context"},
		{"FROM a\nRUN --mount=type=cache,target=/x true\n", "", nil, "2: RUN --mount is BuildKit's"},
		{"FROM a\nCOPY --link b /\n", "", nil, "2: COPY --link is BuildKit's"},
		{"FROM a\nRUN <<E\ntrue\nE\n", "", nil, "2: a text within the Dockerfile (<<) is BuildKit's"},
		{"FROM a AS b\n", "c", nil, "0: it has no stage \"c\"; It has b."},
		{"FROM a\nARG X\n", "", map[string]string{"Y": "1"}, "0: no ARG of it declares Y; It declares X."},
		{"FROM a:${TAG}\n", "", nil, "1: FROM a:${TAG}: nothing says what TAG is; Only an ARG before the first FROM counts there."},
		{"FROM a\nCOPY gone /\n", "", nil, "2: COPY gone: there is no such file"},
		{"FROM a\nCOPY src/*.txt /\n", "", nil, "2: COPY src/*.txt: there is no such file"},
		{"FROM a\nCOPY src/a.py Dockerfile /\n", "", nil, "2: COPY Dockerfile: the Dockerfile is no part of the context"},
		{"FROM a\nCOPY notes.md /\n", "", nil, "2: COPY notes.md: .dockerignore leaves it out"},
		{"FROM a\nADD other /\n", "", nil, `2: ADD other: it is no part of the context; List it: files = ["other"].`},
		{"FROM a\nADD https://example.com/x /\n", "", nil, "2: ADD https://example.com/x needs a network"},
	}
	for _, tt := range tests {
		f, err := Parse([]byte(tt.text), tt.target, tt.args)
		if err == nil {
			_, err = f.Bases()
		}
		if err == nil {
			err = f.Copies(Context{Names: []string{"src/a.py", "src/b/c.py"}, Ignored: []string{"notes.md"}, File: "Dockerfile", Exists: func(n string) bool { return n == "other" }})
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
			continue
		}
		if got := fmt.Sprintf("%d: %s; %s", e.Line, e.Summary, e.Detail); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

// TestCopies holds that what the context has can be copied.
func TestCopies(t *testing.T) {
	c := Context{Names: []string{"src/a.py", "src/b/c.py"}, Exists: func(string) bool { return false }}
	for _, source := range []string{".", "src", "/src/", "./src/a.py", "src/*", "s*/b", "$X", "src/b/c.py"} {
		if err := parse(t, "FROM a\nCOPY "+source+" /\n", "", nil).Copies(c); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestIgnore(t *testing.T) {
	left, ignored, err := Ignore([]byte("# generated\n*.md\n!README.md\ndata\n"), "docker", []string{"docker/README.md", "docker/a.md", "docker/data/x/y", "docker/run.py"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]string{{"docker/README.md", "docker/run.py"}, {"docker/a.md", "docker/data/x/y"}}, [][]string{left, ignored}); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
