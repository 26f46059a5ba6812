package table

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// meaning says in Go, apart from the engine, what a text says as a type: a text that is the same for texts that mean the
// same. ok is false where it says nothing.
func meaning(text, kind string) (string, bool) {
	text = strings.TrimSpace(text)
	switch {
	case strings.Contains(kind, "int") && kind != "interval" || strings.HasPrefix(kind, "decimal") || kind == "double" || kind == "float":
		lower := strings.ToLower(strings.TrimLeft(text, "+-"))
		if lower == "nan" || lower == "inf" || lower == "infinity" {
			return strings.TrimSuffix(strings.ToLower(strings.TrimLeft(text, "+")), "inity"), kind == "double" || kind == "float"
		}
		if strings.ContainsAny(text, "_xXpPbBoO/") {
			return "", false
		}
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			return "", false
		}
		return r.RatString(), true
	case kind == "boolean":
		switch strings.ToLower(text) {
		case "true", "t", "yes", "y", "1":
			return "true", true
		case "false", "f", "no", "n", "0":
			return "false", true
		}
		return "", false
	case kind == "date" || strings.HasPrefix(kind, "timestamp"):
		return instant(text)
	}
	return text, true
}

var clock = regexp.MustCompile(`^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?( ?(?:[zZ]|UTC|GMT)|[+-]\d{1,2}(?::?\d{2})?)?$`)

// instant is the time in UTC with all digits of its fraction.
func instant(text string) (string, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	n := func(i int) int { x, _ := strconv.Atoi(m[i]); return x }
	t := time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), 0, time.UTC)
	if int(t.Month()) != n(2) || n(1) == 0 || n(4) > 23 {
		return "", false
	}
	if zone := strings.TrimLeft(m[8], " "); zone != "" && zone[0] != 'Z' && zone[0] != 'z' && zone != "UTC" && zone != "GMT" {
		digits := strings.ReplaceAll(zone[1:], ":", "")
		hours, minutes := digits, "0"
		if len(digits) > 2 {
			hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
		}
		h, _ := strconv.Atoi(hours)
		min, _ := strconv.Atoi(minutes)
		if h > 23 || min > 59 {
			return "", false
		}
		shift := time.Duration(h)*time.Hour + time.Duration(min)*time.Minute
		if zone[0] == '+' {
			shift = -shift
		}
		t = t.Add(shift)
	}
	return t.Format("2006-01-02T15:04:05") + "." + strings.TrimRight(m[7], "0"), true
}

var kinds = []string{"boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "ubigint", "float", "double", "decimal(10,2)",
	"decimal(38,10)", "decimal(5,0)", "date", "timestamp", "timestamp_ns", "timestamp with time zone", "time", "varchar", "uuid", "json"}

// generated texts: numbers, times and words, whole and maimed.
func generated(r *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) + 1 {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var text string
	switch r.IntN(9) {
	case 0:
		text = pick("", "-", "+", "") + digits(25)
	case 1:
		text = pick("", "-", "+") + digits(pickInt(r, 3, 18)) + "." + digits(pickInt(r, 2, 20))
	case 2:
		text = strconv.FormatFloat(r.NormFloat64()*float64(r.Uint64()), pick("g", "e", "f")[0], -1, 64)
	case 3:
		text = pick("", "-") + digits(4) + pick("", ".", "."+digits(4)) + pick("e", "E") + pick("", "+", "-") + digits(3)
	case 4:
		text = strconv.FormatInt(int64(1)<<(r.IntN(62)+1)+int64(r.IntN(3)-1), 10) + pick("", ".0", ".000", ".5")
	case 5:
		text = fmt.Sprintf("%04d%s%02d%s%02d", 1900+r.IntN(200), pick("-", "/"), r.IntN(13), pick("-"), r.IntN(32))
	case 6:
		text = fmt.Sprintf("%04d-%02d-%02d%s%02d:%02d%s%s", pickInt(r, 1900+r.IntN(200), 1900+r.IntN(200), r.IntN(2)), 1+r.IntN(12), 1+r.IntN(28), pick(" ", "T"), r.IntN(25), r.IntN(61),
			pick("", ":00", ":59."+digits(9), ":07.000", ":01.120000000"), pick("", "", "Z", "+05:00", "-0330", "+02", " UTC", "+25:00", "+00:60", "-2360"))
	case 7:
		text = pick("true", "FALSE", "t", "y", "no", "1", "0", "2", "nan", "-inf", "Infinity", "infinity", "epoch", "today", "null", "0x1F", "1_000", "1e5",
			"١", "½", "10:00:00.1234567", "10:00:00", "23:59", "24:00:00", "550e8400-e29b-41d4-a716-446655440000", `{"a": 1.50}`, "Jos\u00e9", "--1", "1-", ".", "e5", "1e", "5.")
	case 8:
		text = fmt.Sprintf("%d", r.IntN(300)-20)
	}
	if r.IntN(12) == 0 {
		text = pick(" ", "  ", "") + text + pick(" ", "")
	}
	return text
}

func pickInt(r *rand.Rand, of ...int) int { return of[r.IntN(len(of))] }

// sameValue tells whether what was stored, as the engine prints it, is what was written.
func sameValue(written, stored, kind string) bool {
	a, ok := meaning(written, kind)
	b, printed := meaning(stored, kind)
	if ok && printed && a == b {
		return true
	}
	if kind != "double" && kind != "float" || !ok {
		return false
	}
	// A number prints back with as many digits as it was written with: 0.10000000000000001 is 0.1.
	x, err := strconv.ParseFloat(stored, map[string]int{"double": 64, "float": 32}[kind])
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(written)), "e")
	digits := strings.Trim(strings.TrimLeft(strings.ReplaceAll(mantissa, ".", ""), "+-"), "0")
	if err != nil || digits == "" {
		return false
	}
	again, ok := meaning(strconv.FormatFloat(x, 'e', len(digits)-1, 64), kind)
	return ok && again == a
}

// TestPrintsBackOrIsRefused reads generated texts as every type: what is stored says what was written.
func TestPrintsBackOrIsRefused(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(7, 1))
	var rows []string
	for range 6000 {
		rows = append(rows, "("+literal(generated(r))+")")
	}
	if err := s.exec(t.Context(), "create table texts as select * from (values "+strings.Join(rows, ", ")+") t(x)"); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		taken, refused := 0, 0
		err := s.each(t.Context(), fmt.Sprintf("select x, (%s)::varchar from texts", exactText("x", kind)), func(row []driver.Value) error {
			text := row[0].(string)
			stored, ok := row[1].(string)
			if !ok {
				refused++
				return nil
			}
			taken++
			if kind == "time" {
				stored, text = strings.TrimRight(stored, "0"), strings.TrimRight(strings.TrimSpace(text), "0")
				if !strings.HasPrefix(stored, text) && !strings.HasPrefix(text, stored) {
					t.Errorf("%s: %q was stored as %q", kind, text, stored)
				}
				return nil
			}
			if !sameValue(text, stored, kind) {
				t.Errorf("%s: %q was stored as %q", kind, text, stored)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if taken == 0 || refused == 0 && kind != "varchar" {
			t.Errorf("%s: %d texts were taken and %d refused", kind, taken, refused)
		}
	}
}

// TestHarmless lists forms that are no loss.
func TestHarmless(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tc := range []struct{ text, kind, want string }{
		{"+5", "bigint", "5"}, {"5.000", "bigint", "5"}, {"007", "integer", "7"}, {" 7 ", "integer", "7"}, {"9007199254740993.0", "bigint", "9007199254740993"},
		{"1.500", "decimal(10,2)", "1.50"}, {"1e-2", "decimal(10,2)", "0.01"}, {"1.25e3", "decimal(10,2)", "1250.00"}, {".5", "decimal(10,2)", "0.50"},
		{"0.1", "float", "0.1"}, {"0.10000000000000001", "double", "0.1"}, {"0.30000000000000004", "double", "0.30000000000000004"},
		{"9007199254740992", "double", "9007199254740992.0"}, {"1e22", "double", "1e+22"}, {"1e-5", "double", "1e-05"}, {"-0.0", "double", "-0.0"},
		{"100000000000000000000000", "double", "1e+23"}, {"NaN", "double", "nan"}, {"-Inf", "float", "-inf"}, {"5e-324", "double", "5e-324"},
		{"1.7976931348623157e308", "double", "1.7976931348623157e+308"},
		{"2024-01-01", "timestamp", "2024-01-01 00:00:00"}, {"2024-01-01 00:00:00", "date", "2024-01-01"}, {"2024-01-01T00:00:00.000Z", "date", "2024-01-01"},
		{"2024-01-01T10:00:00.123000000+05:30", "timestamp", "2024-01-01 04:30:00.123"}, {"2024-01-01 10:00:00.123456789+02:00", "timestamp_ns", "2024-01-01 08:00:00.123456789"},
		{"10:00:00.5000000", "time", "10:00:00.5"}, {"550E8400-E29B-41D4-A716-446655440000", "uuid", "550e8400-e29b-41d4-a716-446655440000"},
		{"Yes", "boolean", "true"}, {"0", "boolean", "false"}, {"[1, 2]", "integer[]", "[1, 2]"}, {`{"a": 1}`, "json", `{"a": 1}`}, {"1 day", "interval", "1 day"},
	} {
		row, err := s.one(t.Context(), fmt.Sprintf("select (%s)::varchar", exactText(literal(tc.text), tc.kind)))
		if err != nil || row[0] != tc.want {
			t.Errorf("%q as %s: got %v, %v, want %s", tc.text, tc.kind, row, err, tc.want)
		}
	}
}

// TestNoTimes lists what the engine takes for another time than is written, or for one that no calendar has.
func TestNoTimes(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, text := range []string{"2024-01-01 24:00:00", "2024-01-01T24:00:00Z", "2024-01-01 24:00", "24:00:00", "2024-12-31 23:59:60", "0000-01-01", "0000-01-01 10:00:00", "00000-01-01",
		"0044-03-15 (BC)", "-0044-03-15", "infinity", "epoch", "2024-01-01 10:00:00+25:00", "2024-01-01 10:00:00+24:00", "2024-01-01 10:00:00+00:60", "2024-01-01 10:00:00-05:75",
		"2024-02-30", "2024-13-01", "2024-W01-1", "2024-001", "2024-01-01 10:00:00 EST", "2024-01-01 10:60:00", "10:00:00+02:00"} {
		for _, kind := range []string{"date", "time", "timestamp", "timestamp_ns", "timestamp with time zone"} {
			if row, err := s.one(t.Context(), fmt.Sprintf("select (%s)::varchar", exactText(literal(text), kind))); err != nil || row[0] != nil {
				t.Errorf("%q as %s: got %v, %v, want none", text, kind, row, err)
			}
		}
	}
}

// TestReversibleCasts reads typed values as other types: cast back they are what they were, or they are refused.
func TestReversibleCasts(t *testing.T) {
	values := []string{"1::tinyint", "255::utinyint", "2::integer", "0::integer", "9007199254740993::bigint", "9223372036854775807::bigint", "18446744073709551615::ubigint",
		"0.1::double", "2.7::double", "1e300::double", "'nan'::double", "'inf'::double", "-0.0::double", "16777217::double", "1.5::float", "0.1::float",
		"1.005::decimal(10,3)", "1.50::decimal(10,2)", "12345678901234567890.123::decimal(38,3)", "true", "false", "'2.7'", "'1_000'", "'José'", "'2024-01-01 10:00:00+05:00'",
		"'true'", "date '2024-01-31'", "timestamp '2024-01-31 23:59:59'", "timestamp '2024-01-31'", "timestamp '1600-01-01 00:00:00'", "timestamp_ns '2024-01-01 10:00:00.123456789'",
		"timestamptz '2024-01-01 10:00:00+05:00'", "time '10:00:00'", "'Jos\\xC3\\xA9'::blob", "'\\xFF'::blob", "'550e8400-e29b-41d4-a716-446655440000'::uuid",
		"[1, 2]", "{'a': 1}"}
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, v := range values {
		have, err := s.describe(t.Context(), "select "+v+" as x")
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds {
			row, err := s.one(t.Context(), fmt.Sprintf("select x::varchar, y::varchar, try_cast(y as %s) is not distinct from x from (select x, (%s) as y from (select %s as x))",
				have[0].Type, exact("x", have[0].Type, kind), v))
			if err != nil {
				t.Errorf("%s as %s: %v", v, kind, err)
				continue
			}
			stored, taken := row[1].(string)
			switch {
			case !taken:
			case have[0].Type == "blob" && kind == "varchar" && stored == "José":
			case have[0].Type == "varchar" && kind != "varchar":
				if !sameValue(row[0].(string), stored, kind) {
					t.Errorf("%s as %s was stored as %v", v, kind, stored)
				}
			case row[2] != true && kind != "json":
				t.Errorf("%s as %s was stored as %v", v, kind, stored)
			}
			if !taken && (kind == "varchar" && v != `'\xFF'::blob` || have[0].Type == kind) {
				t.Errorf("%s as %s was refused", v, kind)
			}
		}
	}
}

// TestRefused holds the messages of values that a type does not keep, of both formats.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	csv := CSV{Header: true, Files: []File{{filepath.Join(dir, "d.csv"), "d.csv"}}}
	parquet := []File{{filepath.Join(dir, "d.parquet"), "d.parquet"}}
	for _, tc := range []struct{ text, kind, would string }{
		{"1.005", "decimal(10,2)", "1.01"}, {"2.999", "decimal(10,2)", "3.00"}, {"2024-01-01 23:59:59", "date", "2024-01-01"},
		{"2024-01-01 00:00:00.000000678", "timestamp", "2024-01-01 00:00:00"}, {"2.7", "bigint", "3"}, {"1_000", "bigint", "1000"},
		{"9007199254740993", "double", "9007199254740992.0"}, {"16777217", "float", "16777216.0"}, {"1e400", "double", "inf"}, {"1e-400", "double", "0.0"},
		{"12345678901234567.89", "double", "1.2345678901234568e+16"}, {"2", "boolean", ""}, {"300", "utinyint", ""}, {"infinity", "timestamp", ""},
		{"10:00:00.1234567", "time", "10:00:00.123456"}, {"1.5 hours", "interval", "01:30:00"},
	} {
		column := []CSVColumn{{Column: schema.Column{Name: "p", Type: tc.kind}}}
		if err := os.WriteFile(csv.Files[0].Path, []byte("p\n"+tc.text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.exec(t.Context(), "copy (select "+literal(tc.text)+" as p) to "+literal(parquet[0].Path)+" (format parquet)"); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out.parquet")
		_, fromCSV := csv.Load(t.Context(), column, out)
		_, fromParquet := LoadParquet(t.Context(), parquet, column, 1, out)
		holds := fmt.Sprintf(`column "p" holds %q, which is no %s`, tc.text, tc.kind)
		for place, err := range map[string]error{"d.csv line 2: ": fromCSV, "d.parquet row 1: ": fromParquet} {
			var input *component.InputError
			if !errors.As(err, &input) || !strings.HasPrefix(input.Summary, place+holds) {
				t.Errorf("%s as %s: got %v, want %q", tc.text, tc.kind, err, place+holds)
			} else if tc.would != "" && !strings.Contains(input.Detail, fmt.Sprintf("As %s it would be %q", tc.kind, tc.would)) {
				t.Errorf("%s as %s: got %q", tc.text, tc.kind, input.Detail)
			}
		}
	}
}
