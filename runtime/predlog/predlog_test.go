package predlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

var columns = []schema.Column{{Name: "id", Type: "varchar"}}

// open a log whose tables are the rows as they are.
func open(t *testing.T, dir string, change func(*Options)) (*Log, *[]string) {
	t.Helper()
	warned, mu := []string{}, sync.Mutex{}
	o := Options{Dir: dir, Convert: copyRows, Warn: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, fmt.Sprintf(format, args...))
	}}
	if change != nil {
		change(&o)
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l, &warned
}

func copyRows(_ context.Context, rows iter.Seq2[[]byte, error], _ []schema.Column, out string) error {
	var data []byte
	for some, err := range rows {
		if err != nil {
			return err
		}
		data = append(data, some...)
	}
	return os.WriteFile(out, data, 0o600)
}

// rows of all tables, in order.
func rows(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, path := range files(t, dir, parquetSuffix) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Fields(string(data))...)
	}
	slices.Sort(out)
	return out
}

func files(t *testing.T, dir, suffix string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, "*", "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func row(n int) []byte { return fmt.Appendf(nil, "row-%03d\n", n) }

// name is that of a row in a table.
func name(n int) string { return strings.TrimSpace(string(row(n))) }

// TestAppend: rows of many at a time are all there, once, by deployment, and by columns.
func TestAppend(t *testing.T) {
	dir := t.TempDir()
	l, warned := open(t, dir, func(o *Options) { o.Bytes = 400 })
	var want []string
	var all sync.WaitGroup
	other := append(slices.Clone(columns), schema.Column{Name: "x", Type: "double"})
	for n := range 100 {
		want = append(want, name(n))
		all.Go(func() {
			of := [][]schema.Column{columns, other}[n%2]
			if err := l.Append(t.Context(), []string{"a", "b", "c"}[n%3], of, row(n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, dir); !slices.Equal(got, want) {
		t.Errorf("got the rows %v", got)
	}
	if len(*warned) > 0 || len(files(t, dir, "")) != len(files(t, dir, parquetSuffix)) {
		t.Errorf("warned %v; left %v", *warned, files(t, dir, ""))
	}
	if err := l.Append(t.Context(), "a", columns, row(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

// TestTwo: a folder has one writer.
func TestTwo(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir, nil)
	if _, err := Open(Options{Dir: dir, Convert: copyRows}); err == nil || !strings.Contains(err.Error(), "another process writes") {
		t.Errorf("got %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, dir, nil)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// written is a file of rows as a killed process leaves it: in groups of one, two and more blocks, with zeros behind them.
func written(sizes ...int) []byte {
	text := inBlock(sealed(append(make([]byte, head), `[{"name":"id","type":"varchar"}]`...), 0))
	n := 0
	for i, size := range sizes {
		group := make([]byte, head)
		for range size {
			group = append(group, row(n)...)
			n++
		}
		text = append(text, inBlock(sealed(group, uint32(i+1)))...)
	}
	return append(text, make([]byte, 3*block)...)
}

func inBlock(group []byte) []byte {
	return append(group, make([]byte, blocks(len(group))-int64(len(group)))...)
}

// TestKilled: wherever a file was cut off, or has zeros from there on, the groups that are whole become a table, and nothing is said to be damaged.
func TestKilled(t *testing.T) {
	sizes := []int{1, 600, 2, 1}
	whole, ends := written(sizes...), []int{}
	for i := range sizes {
		ends = append(ends, len(written(sizes[:i+1]...))-3*block)
	}
	path := filepath.Join(t.TempDir(), "rows")
	var cuts []int
	for at := 0; at <= len(whole); at += block {
		cuts = append(cuts, at, at+1, at+head-1, at+head, at+head+9, at+block-1)
	}
	for _, cut := range cuts {
		for _, zeros := range []bool{false, true} {
			text := slices.Clone(whole[:min(cut, len(whole))])
			if zeros {
				text = append(text, make([]byte, len(whole)-len(text))...)
			}
			want, kept := 0, slices.Clone(whole[:len(text)])
			for i, end := range ends {
				// A group whose rows were all written is there, whatever is behind them.
				if end <= len(text) && bytes.Equal(kept[:end], text[:end]) {
					want += sizes[i]
				}
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := read(path)
			if err != nil {
				t.Fatalf("cut after %d bytes: %v", cut, err)
			}
			var got []byte
			for rows, err := r.rows(); rows != nil || err != nil; rows, err = r.rows() {
				if err != nil {
					t.Fatalf("cut after %d bytes: %v", cut, err)
				}
				got = append(got, rows...)
			}
			if err := r.file.Close(); err != nil {
				t.Fatal(err)
			}
			var all []byte
			for n := range max(want, len(got)/len(row(0))) {
				all = append(all, row(n)...)
			}
			if !bytes.Equal(got, all) || r.lost > 0 {
				t.Errorf("cut after %d bytes, zeros %v: got %d bytes of rows, %d lost, want %d rows", cut, zeros, len(got), r.lost, want)
			}
		}
	}
}

// TestLeftOpen: files that a killed process has left become tables; one without a row goes.
func TestLeftOpen(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, "20260101T000000.000000000Z-00000000"+openSuffix, written(3, 5)[:2*block+1])
	leave(t, dir, "20260101T000000.000000000Z-00000001"+openSuffix, written()[:99])
	leave(t, dir, "20260101T000000.000000000Z-00000002"+openSuffix, nil)
	l, warned := open(t, dir, nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, left := rows(t, dir), files(t, dir, ""); len(got) != 3 || len(*warned) > 0 || len(left) != 1 {
		t.Errorf("got %v, warned %v, left %v", got, *warned, left)
	}
}

func leave(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "scorer"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scorer", name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRolledAlready: a table that is there is not made again, and nothing stays beside it of what a process was doing when it was killed.
func TestRolledAlready(t *testing.T) {
	const file = "20260101T000000.000000000Z-00000000"
	beside := []string{walSuffix, madeSuffix}
	for which := range 1 << len(beside) {
		dir := t.TempDir()
		leave(t, dir, file+parquetSuffix, []byte("made\n"))
		for i, suffix := range beside {
			if which>>i&1 == 1 {
				leave(t, dir, file+suffix, written(3))
			}
		}
		l, _ := open(t, dir, nil)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got, all := rows(t, dir), files(t, dir, ""); !slices.Equal(got, []string{"made"}) || len(all) != 1 {
			t.Errorf("%b: got %v, left %v", which, got, all)
		}
	}
}

// TestDamage: groups that were changed are told and kept aside, and the others become a table; so is the last one of a file that was closed.
func TestDamage(t *testing.T) {
	closed := func(groups ...int) []byte {
		text := written(groups...)
		return append(text[:len(text)-3*block], inBlock(sealed(make([]byte, head), uint32(len(groups)+1)))...)
	}
	for _, c := range []struct {
		what string
		text []byte
		lost int
		want []int
	}{
		{"a value of the second", bytes.Replace(written(1, 1, 1), row(1), row(7), 1), 1, []int{0, 2}},
		{"the last of a closed file", bytes.Replace(closed(1, 1), row(1), row(7), 1), 1, []int{0}},
		{"the last of one that was killed", bytes.Replace(written(1, 1), row(1), row(7), 1), 0, []int{0}},
		{"a block of zeros in the first of several blocks", slices.Concat(written(1)[:2*block], make([]byte, block), written(1, 600, 1)[3*block:]), 1, []int{0, 601}},
		{"a length beyond the file", bytes.Replace(closed(1, 9, 1), []byte("\x48\x00\x00\x00"), []byte("\x48\x00\x00\x7f"), 1), 1, []int{0, 10}},
		{"nothing", closed(1, 1), 0, []int{0, 1}},
	} {
		dir := t.TempDir()
		leave(t, dir, "20260101T000000.000000000Z-00000000"+walSuffix, c.text)
		l, warned := open(t, dir, nil)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, n := range c.want {
			want = append(want, name(n))
		}
		if got := rows(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.what, got, want)
		}
		told := len(*warned) == 1 && strings.Contains((*warned)[0], fmt.Sprint(c.lost, " groups of rows are damaged")) && len(files(t, dir, ".damaged")) == 1
		if told != (c.lost > 0) || !told && len(*warned) > 0 {
			t.Errorf("%s: warned %v, kept %v", c.what, *warned, files(t, dir, ".damaged"))
		}
	}
}

// TestNotChanged: a file whose columns cannot be read, or that another version has written, stays as it is, and it is said why.
func TestNotChanged(t *testing.T) {
	for want, text := range map[string][]byte{
		"the columns are damaged": bytes.Replace(written(1), []byte("varchar"), []byte("varchaR"), 1),
		"this is no file of rows": []byte("1b2c3d4e [{\"name\":\"id\"}]\n"),
	} {
		dir := t.TempDir()
		leave(t, dir, "20260101T000000.000000000Z-00000000"+walSuffix, text)
		l, warned := open(t, dir, nil)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		left := files(t, dir, walSuffix)
		if len(left) != 1 || len(*warned) != 1 || !strings.Contains((*warned)[0], want) {
			t.Fatalf("warned %v, left %v, want %q", *warned, left, want)
		}
		if now, err := os.ReadFile(left[0]); err != nil || !bytes.Equal(now, text) {
			t.Errorf("%s: the file was changed: %v", want, err)
		}
	}
}

// TestConvertFails: rows of which no table can be made stay, are told once, and become a table when that is possible again.
func TestConvertFails(t *testing.T) {
	dir := t.TempDir()
	full := errors.New("no space left on device")
	fails := func(o *Options) {
		o.Convert = func(context.Context, iter.Seq2[[]byte, error], []schema.Column, string) error { return full }
	}
	l, warned := open(t, dir, fails)
	if err := l.Append(t.Context(), "scorer", columns, row(1)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(*warned) != 1 || len(files(t, dir, walSuffix)) != 1 || len(files(t, dir, parquetSuffix)) != 0 {
		t.Errorf("warned %v; left %v", *warned, files(t, dir, ""))
	}
	l, _ = open(t, dir, nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, dir); !slices.Equal(got, []string{name(1)}) {
		t.Errorf("got %v", got)
	}
}

// TestWriteFails: rows that cannot be written are not said to be kept, and later ones go to another file.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir, nil)
	if err := l.Append(t.Context(), "scorer", columns, row(1)); err != nil {
		t.Fatal(err)
	}
	l.open["scorer"].file.Close() // run waits for the next append, and does not look at it meanwhile
	if err := l.Append(t.Context(), "scorer", columns, row(2)); err == nil {
		t.Error("rows that cannot be written are said to be kept")
	}
	if err := l.Append(t.Context(), "scorer", columns, row(3)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := rows(t, dir), []string{name(1), name(3)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestDeliver: tables go elsewhere, those too that a former process has left, and one that fails stays until it succeeds.
func TestDeliver(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, "20260101T000000.000000000Z-00000000"+parquetSuffix, []byte("left\n"))
	full, taken, expired := true, map[string]string{}, time.Time{}
	deliver := func(o *Options) {
		o.Keep = time.Hour
		o.Expire = func(_ context.Context, before time.Time) error { expired = before; return nil }
		o.Deliver = func(_ context.Context, deployment, table string) error {
			data, err := os.ReadFile(table)
			if full {
				return errors.New("the store does not answer")
			}
			taken[deployment] += string(data)
			return err
		}
	}
	for range 2 {
		l, _ := open(t, dir, deliver)
		if full {
			if err := l.Append(t.Context(), "scorer", columns, row(1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if left := files(t, dir, parquetSuffix); full && len(left) == 0 || !full && len(left) > 0 {
			t.Errorf("full %v: left %v", full, left)
		}
		full = false
	}
	if got := strings.Fields(taken["scorer"]); !slices.Equal(got, []string{name(1)}) || time.Since(expired) < time.Hour {
		t.Errorf("got %v, expired %v", taken, expired)
	}
}

// TestAge: rows become a table after a while, and tables go after another.
func TestAge(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, "20200101T000000.000000000Z-00000000"+parquetSuffix, []byte("old\n"))
	leave(t, dir, "notes"+parquetSuffix, []byte("mine\n"))
	l, _ := open(t, dir, func(o *Options) { o.Age, o.Keep = 10*time.Millisecond, time.Hour })
	defer l.Close()
	if err := l.Append(t.Context(), "scorer", columns, row(1)); err != nil {
		t.Fatal(err)
	}
	want := []string{"mine", name(1)}
	for end := time.Now().Add(10 * time.Second); !slices.Equal(rows(t, dir), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %v, want %v", rows(t, dir), want)
		}
	}
}
