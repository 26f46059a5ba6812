package format

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/lang/syntax"
)

// corpus is the text of all sound files of the examples and of the conformance suite.
func corpus(tb testing.TB) [][]byte {
	tb.Helper()
	var out [][]byte
	add := func(name string, text []byte) {
		if filepath.Ext(name) == syntax.Extension && !syntax.CheckFile(name, text).HasErrors() {
			out = append(out, bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
		}
	}
	paths, err := filepath.Glob("../../examples/*/[^.]*.mlp")
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		add(path, text)
	}
	paths, err = filepath.Glob("../../spec/conformance/*.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range archive.Files {
			add(f.Name, f.Data)
		}
	}
	if len(out) < 100 {
		tb.Fatalf("got %d files, want those of the examples and the conformance suite", len(out))
	}
	return out
}

// BenchmarkFormat lays out 8 MB made of the corpus: as it should be, and with other indents and spaces. CPU-MB/s is by
// the time that the process was on a processor, which other processes do not change.
func BenchmarkFormat(b *testing.B) {
	text := bytes.Join(corpus(b), []byte("\n"))
	text = bytes.Repeat(text, 8<<20/len(text))
	canonical, _ := Format(text, "a.mlp")
	messy := []byte(strings.NewReplacer("\n  ", "\n     ", " = ", "=", "\n\n", "\n\n\n").Replace(string(canonical)))
	for _, c := range []struct {
		name string
		text []byte
	}{{"as written", text}, {"canonical", canonical}, {"messy", messy}} {
		b.Run(c.name, func(b *testing.B) {
			want, ds := Format(c.text, "a.mlp")
			if len(ds) > 0 {
				b.Fatal(ds)
			}
			b.SetBytes(int64(len(c.text)))
			start := processorTime(b)
			for range b.N {
				if out, _ := Format(c.text, "a.mlp"); !bytes.Equal(out, want) {
					b.Fatal("another layout")
				}
			}
			b.ReportMetric(float64(len(c.text)*b.N)/1e6/(processorTime(b)-start).Seconds(), "CPU-MB/s")
		})
		b.Run(c.name+", as many files as processors", func(b *testing.B) {
			files := runtime.GOMAXPROCS(0)
			b.SetBytes(int64(files * len(c.text)))
			for range b.N {
				var g sync.WaitGroup
				for range files {
					g.Go(func() { Format(c.text, "a.mlp") })
				}
				g.Wait()
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
