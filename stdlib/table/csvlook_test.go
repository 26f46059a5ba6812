package table

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

func utf16Text(text string, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// TestFilesToldAsWhatTheyAre has files that are written otherwise than they are read.
func TestFilesToldAsWhatTheyAre(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		said       CSV
		columns    string // declared, parted by blanks; empty: they are found
		want, cure string
	}{
		{"semicolons", "a;b\n1;2\n3;4\n", CSV{}, "", `has fields parted by ";", not by ",": 2 in each row`, `delimiter = ";"`},
		{"semicolons, declared", "a;b\n1;2\n", CSV{}, "a b", `has fields parted by ";"`, `delimiter = ";"`},
		{"semicolons and decimal commas", "a;b;c\n1,5;2;x\n3;4,25;y\n", CSV{}, "", `has fields parted by ";", not by ",": 3 in each row`, "decimal commas"},
		{"tabs", "a\tb\n1\t2\n", CSV{}, "", `has fields parted by "\t"`, `delimiter = "\t"`},
		{"pipes", "a|b\r\n1|2\r\n", CSV{}, "", `has fields parted by "|"`, `delimiter = "|"`},
		{"commas, read with semicolons", "a,b\n1,2\n", CSV{Delimiter: ";"}, "", `has fields parted by ",", not by ";"`, `delimiter = ","`},
		{"only a header", "a;b\n", CSV{}, "", `has fields parted by ";"`, `delimiter = ";"`},
		{"quoted", "\"a\";\"b,c\"\n\"1\";\"2,3\"\n", CSV{}, "", `has fields parted by ";"`, `delimiter = ";"`},
		{"the index of pandas", ",a,b\n0,1,2\n1,3,4\n", CSV{}, "", "its first column has no name", "index=False"},
		{"the row names of R", "\"\",\"a\"\n\"1\",2\n", CSV{}, "", "its first column has no name", "row.names = FALSE"},
		{"a comma at the end", "a,b,\n1,2,\n", CSV{}, "", `its header ends in ",", behind which no column is named`, "Take it off"},
		{"a column without a name", "a,,b\n1,2,3\n", CSV{}, "", "column 2 has no name in the header", "Name it"},
		{"UTF-16", utf16Text("a,b\n1,2\n", true), CSV{}, "a b", "is UTF-16, and UTF-8 is read", "iconv"},
		{"UTF-16 without a mark", utf16Text("a,b\n1,2\n", false), CSV{}, "", "is UTF-16, and UTF-8 is read", "iconv"},
		{"carriage returns", "a,b\r1,2\r3,4\r", CSV{}, "a b", "has carriage returns at the ends of its lines", "tr"},
		{"line feeds after both", "a,b\r\n1,2\n3,4\r\n", CSV{}, "a b", `line 2 ends in "\n", and those before it in "\r\n"`, "tr -d"},
		{"both after line feeds, found", "a,b\n1,x\n3,\"y\"\r\n", CSV{}, "", `line 3 ends in "\r\n", and those before it in "\n"`, "tr -d"},
		{"both after line feeds, far on", "a,b\n" + strings.Repeat("1,2\n", 30000) + "1,2\r\n3,4\n", CSV{}, "a b", `line 30002 ends in "\r\n"`, "tr -d"},
		{"a quoted value before", "a\n\"x\r\ny\"\r\nb\n", CSV{}, "a", `line 3 ends in "\r\n"`, "tr -d"},
		{"a carriage return within", "a,b\n1,2\r3,4\n", CSV{}, "a b", "line 2 holds a carriage return", "in quotes"},
		{"ends translated twice", "a,b\n1,2\r\r\n3,4\r\r\n", CSV{}, "", "line 2 holds a carriage return", "tr -d"},
		{"ends within quotes", "a,b\n1,\"x\r\ny\rz\"\n3,4\n", CSV{}, "a b", "", ""},
		{"more fields, all empty", "a,b\n1,2\n1,2,,,\n", CSV{}, "a b", "line 3: 5 values, and 2 columns are expected", "a \",\" too many"},
		{"more fields, found", "a,b\n1,2,\n", CSV{}, "", "line 2: 3 values, and 2 columns are expected", "too many"},
		{"no rows", "a,b\n", CSV{}, "", "holds no rows, only a header", "allow_empty"},
		{"two names", "a,A\n1,2\n", CSV{}, "", `two columns named "A"`, "Rename"},
		{"one column is fine", "a;b\nx\ny;z;w\n", CSV{}, "", "", ""},
		{"one column that is named so", "a;b\n1;2\n", CSV{}, "a;b", "", ""},
		{"text with semicolons", "a,b\nx;y,1\nz;w,2\n", CSV{}, "", "", ""},
		{"lists within", "tags\na|b\nc|d\n", CSV{}, "", "", ""},
		{"empty last fields", "a,b\n1,\n2,\n", CSV{}, "", "", ""},
		{"a quoted value over lines that end in commas", "a,b\n\"x,,,\ny,,\",1\n2,\n", CSV{}, "", "", ""},
		{"a quote within", "a,b\n5\"\"x,1\n6,2\n", CSV{}, "", "", ""},
		{"an index that is left out", ",a,b\n0,1,2\n", CSV{}, "a b", "", ""},
	} {
		dir := t.TempDir()
		c := tc.said
		c.Header, c.Files = true, []File{{filepath.Join(dir, "d.csv"), "d.csv"}}
		if err := os.WriteFile(c.Files[0].Path, []byte(tc.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var err error
		if tc.columns == "" {
			_, err = c.Sniff(t.Context())
		} else {
			var columns []CSVColumn
			for _, name := range strings.Fields(tc.columns) {
				columns = append(columns, CSVColumn{Column: schema.Column{Name: name, Type: "varchar"}})
			}
			_, err = c.Load(t.Context(), columns, filepath.Join(dir, "out.parquet"))
		}
		var input *component.InputError
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.want != "" && (!errors.As(err, &input) || !strings.Contains(input.Summary, tc.want) || !strings.Contains(input.Detail, tc.cure)):
			t.Errorf("%s: got %v, want %q and %q", tc.name, err, tc.want, tc.cure)
		}
	}
}

// TestLongLines has a line that is longer than what the engine takes by itself.
func TestLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,"+strings.Repeat("x", 3_000_000)+"\n2,y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := CSV{Header: true, Files: []File{{path, "d.csv"}}}
	columns, err := c.Sniff(t.Context())
	if err != nil || columns[0].Type != "bigint" {
		t.Fatal(columns, err)
	}
	rows, err := c.Load(t.Context(), []CSVColumn{{Column: columns[0]}, {Column: columns[1]}}, filepath.Join(t.TempDir(), "out.parquet"))
	if rows != 2 || err != nil {
		t.Errorf("got %d rows, %v", rows, err)
	}
}

// TestNulls has spellings of null of all columns and of one, and quoted texts that are empty.
func TestNulls(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "d.csv"), filepath.Join(dir, "out.parquet")
	if err := os.WriteFile(path, []byte("a,b,c\n-200,-200,\"\"\nNA, ,\n-200.0,1,\" x \"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := CSV{Header: true, Trim: true, Nulls: []string{"NA"}, Unsorted: true, Files: []File{{path, "d.csv"}}}
	columns := []CSVColumn{{Column: schema.Column{Name: "a", Type: "double"}, Nulls: []string{"-200"}}, {Column: schema.Column{Name: "b", Type: "double"}},
		{Column: schema.Column{Name: "c", Type: "varchar"}}}
	if _, err := c.Load(t.Context(), columns, out); err != nil {
		t.Fatal(err)
	}
	if err := ToCSV(t.Context(), out, filepath.Join(dir, "back.csv")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "back.csv"))
	if want := "a,b,c\n,-200.0,\"\"\n,,\n-200.0,1.0,x\n"; err != nil || string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzLook holds what looks at files to not fail by itself, whatever they hold, and to change nothing of the files that it
// lets pass.
func FuzzLook(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n", "a;b\n1;2", "\"a\n\",b\r\n1,,,\n", "\xff\xfea\x00", "a\r1\r", ",\n", "\"", "\xef\xbb\xbfa\n1"} {
		f.Add(text, ",")
	}
	f.Fuzz(func(t *testing.T, text, delimiter string) {
		if len(delimiter) != 1 || strings.ContainsAny(delimiter, "\"\r\n\x00") || delimiter[0] >= 0x80 {
			return
		}
		path := filepath.Join(t.TempDir(), "d.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := CSV{Header: true, Delimiter: delimiter, Files: []File{{path, "d.csv"}}}
		var input *component.InputError
		if err := c.look(c.Files[0], nil); err != nil && !errors.As(err, &input) {
			t.Error(err)
		}
		longest, err := c.survey(c.Files[0], 2)
		if err != nil && !errors.As(err, &input) || longest > len(text) {
			t.Error(longest, err)
		}
	})
}
