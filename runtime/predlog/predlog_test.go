package predlog

import (
	"context"
	"errors"
	"fmt"
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

func copyRows(_ context.Context, rows string, _ []schema.Column, out string) error {
	data, err := os.ReadFile(rows)
	if err != nil {
		return err
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

func row(n int) []byte { return fmt.Appendf(nil, `{"id":"%03d"}`, n) }

// TestAppend: rows of many at a time are all there, once, by deployment, and by columns.
func TestAppend(t *testing.T) {
	dir := t.TempDir()
	l, warned := open(t, dir, func(o *Options) { o.Bytes = 400 })
	var want []string
	var all sync.WaitGroup
	other := append(slices.Clone(columns), schema.Column{Name: "x", Type: "double"})
	for n := range 100 {
		want = append(want, string(row(n)))
		all.Go(func() {
			of := [][]schema.Column{columns, other}[n%2]
			if err := l.Append(t.Context(), []string{"a", "b", "c"}[n%3], of, [][]byte{row(n)}); err != nil {
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
	if err := l.Append(t.Context(), "a", columns, [][]byte{row(0)}); !errors.Is(err, ErrClosed) {
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

// written is a file of rows as a killed process leaves it.
func written(n int) []byte {
	text := frame(nil, []byte(`[{"name":"id","type":"varchar"}]`))
	for i := range n {
		text = frame(text, row(i))
	}
	return text
}

// TestKilled: wherever a file was cut off, the rows whose lines are whole become a table, and nothing is said to be damaged.
func TestKilled(t *testing.T) {
	whole := written(3)
	for cut := range len(whole) + 1 {
		dir := t.TempDir()
		leave(t, dir, "20260101T000000.000000000Z-00000000"+openSuffix, whole[:cut])
		l, warned := open(t, dir, nil)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		lines := max(strings.Count(string(whole[:cut]), "\n")-1, 0)
		if got := rows(t, dir); len(got) != lines || len(*warned) > 0 {
			t.Errorf("cut after %d bytes: got %v, warned %v, want %d rows", cut, got, *warned, lines)
		}
		if left := files(t, dir, walSuffix); len(left) > 0 {
			t.Errorf("cut after %d bytes: left %v", cut, left)
		}
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
	const name = "20260101T000000.000000000Z-00000000"
	beside := []string{walSuffix, plainSuffix, madeSuffix}
	for which := range 1 << len(beside) {
		dir := t.TempDir()
		leave(t, dir, name+parquetSuffix, []byte("made\n"))
		for i, suffix := range beside {
			if which>>i&1 == 1 {
				leave(t, dir, name+suffix, written(3))
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

// TestDamage: a line that was changed is told and kept aside, and the others become a table.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(string(written(3)), "001", "007", 1)
	leave(t, dir, "20260101T000000.000000000Z-00000000"+walSuffix, []byte(text))
	l, warned := open(t, dir, nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := rows(t, dir), []string{string(row(0)), string(row(2))}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(*warned) != 1 || !strings.Contains((*warned)[0], "1 lines are damaged") || len(files(t, dir, ".damaged")) != 1 {
		t.Errorf("warned %v, kept %v", *warned, files(t, dir, ".damaged"))
	}
}

// TestConvertFails: rows of which no table can be made stay, are told once, and become a table when that is possible again.
func TestConvertFails(t *testing.T) {
	dir := t.TempDir()
	full := errors.New("no space left on device")
	fails := func(o *Options) {
		o.Convert = func(context.Context, string, []schema.Column, string) error { return full }
	}
	l, warned := open(t, dir, fails)
	if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(1)}); err != nil {
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
	if got := rows(t, dir); !slices.Equal(got, []string{string(row(1))}) {
		t.Errorf("got %v", got)
	}
}

// TestWriteFails: rows that cannot be written are not said to be kept, and later ones go to another file.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir, nil)
	if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(1)}); err != nil {
		t.Fatal(err)
	}
	l.open["scorer"].file.Close() // run waits for the next append, and does not look at it meanwhile
	if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(2)}); err == nil {
		t.Error("rows that cannot be written are said to be kept")
	}
	if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(3)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := rows(t, dir), []string{string(row(1)), string(row(3))}; !slices.Equal(got, want) {
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
			if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(1)}); err != nil {
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
	if got := strings.Fields(taken["scorer"]); !slices.Equal(got, []string{string(row(1))}) || time.Since(expired) < time.Hour {
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
	if err := l.Append(t.Context(), "scorer", columns, [][]byte{row(1)}); err != nil {
		t.Fatal(err)
	}
	want := []string{"mine", string(row(1))}
	for end := time.Now().Add(10 * time.Second); !slices.Equal(rows(t, dir), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %v, want %v", rows(t, dir), want)
		}
	}
}
