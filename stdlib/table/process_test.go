package table

import (
	"bytes"
	"database/sql/driver"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writeAs names the environment variable that makes the test below the process that writes.
const writeAs = "MLP_TEST_WRITE"

// TestSameBytesAcrossProcesses runs a query in processes that are given one and two processors.
func TestSameBytesAcrossProcesses(t *testing.T) {
	const sql = "select g, sum(x) s, count(*) n, min(t) t from (select i % 997 g, sin(i) x, 'v' || hash(i) t from range(200000) r(i)) group by g"
	if out := os.Getenv(writeAs); out != "" {
		if _, err := Run(t.Context(), Query{SQL: sql, Out: out}); err != nil {
			t.Fatal(err)
		}
		return
	}
	var first []byte
	for i, procs := range []string{"1", "2", "2"} {
		out := filepath.Join(t.TempDir(), "out.parquet")
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), writeAs+"="+out, "GOMAXPROCS="+procs, "TZ=Asia/Kolkata", "LC_ALL=tr_TR.UTF-8")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		} else if !bytes.Equal(got, first) {
			t.Errorf("with GOMAXPROCS=%s the bytes are others", procs)
		}
	}
}

// TestUnsteadyIsComplete holds the list of refused functions to what the engine says of its own.
func TestUnsteadyIsComplete(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.each(t.Context(), "select distinct function_name from duckdb_functions() where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')", func(row []driver.Value) error {
		name := row[0].(string)
		if name != "error" && !unsteady[name] && !strings.HasPrefix(name, "current_") { // error gives no value at all
			t.Errorf("%s is not refused", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestScratchIsRemoved sorts more than memory holds, which fails without scratch space, and looks for what is left.
func TestScratchIsRemoved(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	out := filepath.Join(tmp, "out.parquet")
	sort := func(before ...string) error {
		s, err := alone(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.exec(t.Context(), append(before, "set memory_limit = '60MB'")...); err != nil {
			t.Fatal(err)
		}
		if err := s.lock(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		_, err = s.copyParquet(t.Context(), "select hash(i) h, 'some text' || i s from range(1500000) r(i) order by h", out)
		return err
	}
	if err := sort("set temp_directory = ''"); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("without scratch space: got %v", err)
	}
	if err := sort(); err != nil {
		t.Errorf("with scratch space: %v", err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 1 || left[0].Name() != "out.parquet" {
		t.Errorf("left: %v, %v", left, err)
	}
}
