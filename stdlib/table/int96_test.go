package table

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// writeTimes96 writes a Parquet file whose column "at" is INT96, as Spark's is, null for the zero time. The engine writes
// intervals as 12 bytes, months, days and milliseconds, in the same pages; the footer is made to call them INT96.
func writeTimes96(t *testing.T, s *session, path, column, options string, times ...time.Time) {
	t.Helper()
	rows := make([]string, len(times))
	for i, at := range times {
		midnight := at.Truncate(24 * time.Hour)
		nanos := uint64(at.Sub(midnight))
		if rows[i] = fmt.Sprintf("(%d, null::interval)", i); at.IsZero() {
			continue
		}
		if nanos&(1<<31) != 0 {
			t.Fatalf("%v cannot be written as an interval: its nanoseconds have bit 31", at)
		}
		rows[i] = fmt.Sprintf("(%d, to_months(%d) + to_days(%d) + to_milliseconds(%d))", i, uint32(nanos), uint32(nanos>>32), midnight.Unix()/86400+julian1970)
	}
	if err := s.exec(t.Context(), "copy (select id, "+column+" as \"at\" from (values "+strings.Join(rows, ", ")+") t(id, m)) to "+literal(path)+" (format parquet"+options+")"); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	meta, at, err := readFooter(f)
	if err != nil || meta == nil {
		t.Fatalf("got %v, %v", meta, err)
	}
	for i, e := range meta.Schema {
		if e.Type.Valid && e.Type.V == format.FixedLenByteArray {
			meta.Schema[i].Type.V, meta.Schema[i].TypeLength = format.Int96, thrift.Null[int32]{}
			meta.Schema[i].ConvertedType = thrift.Null[deprecated.ConvertedType]{}
		}
	}
	for _, group := range meta.RowGroups {
		for i := range group.Columns {
			if c := &group.Columns[i].MetaData; c.Type == format.FixedLenByteArray {
				c.Type, c.Statistics = format.Int96, format.Statistics{}
			}
		}
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		t.Fatal(err)
	}
	footer = append(binary.LittleEndian.AppendUint32(footer, uint32(len(footer))), "PAR1"...)
	if _, err := f.WriteAt(footer, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(at + int64(len(footer))); err != nil {
		t.Fatal(err)
	}
}

// TestTimesOfInt96 reads times as Spark writes them: kept to the nanosecond where that is declared, else refused below a microsecond.
func TestTimesOfInt96(t *testing.T) {
	s, err := alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	path, out := filepath.Join(dir, "d.parquet"), filepath.Join(dir, "out.parquet")
	at := func(text string) time.Time {
		got, err := time.Parse("2006-01-02 15:04:05.999999999", text)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	load := func(kind string) error {
		_, err := LoadParquet(t.Context(), []File{{path, "d.parquet"}}, []CSVColumn{{Column: schema.Column{Name: "id", Type: "integer"}}, {Column: schema.Column{Name: "at", Type: kind}}}, 1, out)
		return err
	}
	read := func() []string {
		var got []string
		if err := s.each(t.Context(), `select "at"::varchar from `+scanParquet(out)+" order by id", func(row []driver.Value) error {
			got = append(got, fmt.Sprint(row[0]))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	micros := []time.Time{at("2024-01-01 00:00:00.000678"), {}, at("1600-02-29 00:00:01.5"), at("9999-12-31 00:00:02"), at("1969-12-31 23:59:57.999999")}
	for _, options := range []string{"", ", compression zstd", ", row_group_size 2048, compression uncompressed", ", parquet_version v2"} {
		writeTimes96(t, s, path, "m", options, micros...)
		columns, err := SniffParquet(t.Context(), []File{{path, "d.parquet"}})
		if err != nil || columns[1].Type != "timestamp" {
			t.Fatalf("got %v, %v", columns, err)
		}
		if err := load("timestamp"); err != nil {
			t.Fatalf("%s: %v", options, err)
		}
		want := []string{"2024-01-01 00:00:00.000678", "<nil>", "1600-02-29 00:00:01.5", "9999-12-31 00:00:02", "1969-12-31 23:59:57.999999"}
		if got := read(); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: got %q, want %q", options, got, want)
		}
	}
	writeTimes96(t, s, path, "m", "", at("2024-01-01 00:00:00"), at("2024-01-01 00:00:00.000000678"))
	if err := load("timestamp_ns"); err != nil {
		t.Fatal(err)
	}
	if got := read(); got[1] != "2024-01-01 00:00:00.000000678" {
		t.Errorf("got %q", got)
	}
	var input *component.InputError
	for _, kind := range []string{"timestamp", "date", "timestamp with time zone"} {
		if err := load(kind); !errors.As(err, &input) || input.Summary != `d.parquet row 2: column "at" holds "2024-01-01 00:00:00.000000678", which is no `+kind {
			t.Errorf("%s: got %v", kind, err)
		} else if kind == "timestamp" && !strings.Contains(input.Detail, "declare the column as timestamp_ns") {
			t.Errorf("got %q", input.Detail)
		}
	}
	writeTimes96(t, s, path, "m", "", at("9999-12-31 00:00:02"))
	if err := load("timestamp_ns"); !errors.As(err, &input) || !strings.Contains(input.Summary, "row 1") {
		t.Errorf("a year that nanoseconds do not reach: got %v", err)
	}
	writeTimes96(t, s, path, "[m]", "", at("2024-01-01 00:00:00"))
	if err := load("timestamp[]"); !errors.As(err, &input) || !strings.Contains(input.Summary, "in a list or struct") {
		t.Errorf("got %v", err)
	}
}
