package initfrom

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// tableFile is a file of rows that a pipeline begins with: how it is read, and what its columns are like.
type tableFile struct {
	path      string // relative to the module, with forward slashes
	form      string // csv, json, parquet
	delimiter string // of CSV; "" is the comma
	trim      bool
	nulls     []string // spellings of null
	columns   []schema.Column
	profile   *table.Profile // with the first sampled rows
}

// sampled is how many rows personal data is looked for in.
const sampled = 1000

// guess is what a table seems to be for, with the reasons in words. Names of columns are as they stand in the file.
type guess struct {
	target, why    string
	task           string
	chosen         string // why that class
	positive       string // the class that is scored, of two classes that are text or other numbers than 0 and 1
	key            string
	side           string   // the column of a fixed test side
	tests          []string // its values that mean the test side, where it is not understood without
	time           string
	pii, protected []string
	features       []string // but for free text
	wide           []string // those of them that are text of more values than linear models take
	texts          []string // free text
	left           []string // columns that are no features, each with why
	fair           []string // protected columns of few groups
	classes        int64
	because        map[string]string // of a pii column
	tune           bool              // the trees try parameters
}

// BegunTable is a pipeline that was begun over a table.
type BegunTable struct {
	Wrote         []string
	Rows          int64
	Columns       int
	Target, Why   string
	Task          string
	PII, Features []string
}

// tableForms are the endings of files that a pipeline can begin with.
var tableForms = map[string]string{".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".json": "json", ".ndjson": "json", ".jsonl": "json"}

// IsTable reports whether the file that a pipeline is to begin with is one of rows, by its ending.
func IsTable(path string) bool { return formOf(path) != "" }

// formOf is how a file is read, by its ending; packed ones have a second.
func formOf(path string) string {
	return tableForms[strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz")))]
}

// Table writes a pipeline over the rows of a file: a source with all columns typed, a split, a baseline, boosted trees, where there is free text a linear model that reads it and an
// ensemble of both, an evaluation of each and a gate. Whatever was guessed stands in it as a comment. target is the column to predict, "" to have it guessed; with tune the trees try
// parameters. The folder must have no pipeline yet.
func Table(ctx context.Context, dir, given, target string, tune bool) (*BegunTable, error) {
	if err := vacant(dir); err != nil {
		return nil, err
	}
	path := given
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, &workspace.Failure{Err: fmt.Errorf("there is no file %s", given), Hint: "--from takes a file of rows or the folder of a repository, relative to -C."}
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return nil, err
	}
	folder, err := scratch.New(scratch.Table)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	f := &tableFile{path: filepath.ToSlash(rel), form: formOf(path)}
	if err := f.look(ctx, path, filepath.Join(folder.Dir, "rows.parquet")); err != nil {
		return nil, err
	}
	g, err := f.guess(target)
	if err != nil {
		return nil, err
	}
	g.tune = tune
	if err := workspace.WriteNew(filepath.Join(dir, "pipeline.mlp"), f.pipeline(pipelineName(dir), g)); err != nil {
		return nil, err
	}
	return &BegunTable{Wrote: []string{"pipeline.mlp"}, Rows: f.profile.Rows, Columns: len(f.columns), Target: g.target, Why: g.why, Task: g.task, PII: g.pii, Features: append(slices.Clone(g.features), g.texts...)}, nil
}

// look reads the file and profiles its rows. Of CSV the delimiter, blanks around fields and spellings of null are found.
func (f *tableFile) look(ctx context.Context, path, out string) error {
	files := []table.File{{Path: path, Name: filepath.Base(path)}}
	var load func(columns []table.CSVColumn) error
	var err error
	switch f.form {
	case "parquet":
		f.columns, err = table.SniffParquet(ctx, files)
		load = func(c []table.CSVColumn) error {
			_, err := table.LoadParquet(ctx, files, c, runtime.NumCPU(), out)
			return err
		}
	case "json":
		f.columns, err = table.JSON{Files: files}.Sniff(ctx)
		load = func(c []table.CSVColumn) error {
			_, err := table.JSON{Files: files, Threads: runtime.NumCPU()}.Load(ctx, c, out)
			return err
		}
	default:
		if f.delimiter, f.trim, err = looksOf(path); err != nil {
			return err
		}
		reader := func() table.CSV {
			return table.CSV{Files: files, Delimiter: f.delimiter, Header: true, Nulls: f.nulls, Trim: f.trim, Threads: runtime.NumCPU()}
		}
		f.columns, err = reader().Sniff(ctx)
		load = func(c []table.CSVColumn) error {
			_, err := reader().Load(ctx, c, out)
			return err
		}
	}
	profile := func() error {
		asked := make([]table.CSVColumn, len(f.columns))
		for i, c := range f.columns {
			asked[i] = table.CSVColumn{Column: c}
		}
		if err := load(asked); err != nil {
			return err
		}
		f.profile, err = table.ProfileOf(ctx, out, func(string) bool { return false }, sampled, runtime.NumCPU())
		return err
	}
	if err == nil {
		err = profile()
	}
	if err == nil && f.form == "csv" {
		if f.nulls = f.missing(); len(f.nulls) > 0 {
			again := table.CSV{Files: files, Delimiter: f.delimiter, Header: true, Nulls: f.nulls, Trim: f.trim, Threads: runtime.NumCPU()}
			if f.columns, err = again.Sniff(ctx); err == nil {
				err = profile()
			}
		}
	}
	if err == nil && f.profile.Rows == 0 {
		err = errors.New("it has no rows")
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.path, err)
	}
	return nil
}

// looksOf finds, by the first two lines of a CSV file, the delimiter that stands most often in the first, and whether blanks follow it.
func looksOf(path string) (delimiter string, trim bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return "", false, fmt.Errorf("unpacking %s: %w", filepath.Base(path), err)
		}
	}
	lines := bufio.NewReaderSize(r, 1<<16)
	header, err := lines.ReadString('\n')
	if err != nil && err != io.EOF {
		return "", false, err
	}
	second, err := lines.ReadString('\n')
	if err != nil && err != io.EOF {
		return "", false, err
	}
	found := ","
	for _, d := range []string{";", "\t", "|"} {
		if strings.Count(header, d) > strings.Count(header, found) {
			found = d
		}
	}
	if found != "\t" {
		trim = strings.Contains(header, found+" ") && strings.Contains(second, found+" ")
	}
	if found == "," {
		found = ""
	}
	return found, trim, nil
}

// spellings are what people write for a value that is missing, besides nothing at all.
var spellings = []string{"?", "NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "-"}

// missing are the spellings of null among the values of text columns.
func (f *tableFile) missing() []string {
	var out []string
	for _, s := range spellings {
		for i, c := range f.profile.Columns {
			if c.Type != "varchar" {
				continue
			}
			held := slices.ContainsFunc(c.Top, func(v table.Counted) bool { return v.Value == s }) ||
				slices.ContainsFunc(f.profile.Head, func(row []*string) bool { return row[i] != nil && *row[i] == s })
			if held {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// column is a column's profile by its name, regardless of case; nil if there is none.
func (f *tableFile) column(name string) *table.ColumnProfile {
	for i := range f.profile.Columns {
		if strings.EqualFold(f.profile.Columns[i].Name, name) {
			return &f.profile.Columns[i]
		}
	}
	return nil
}

// guess says what the columns are.
func (f *tableFile) guess(target string) (*guess, error) {
	g := &guess{because: map[string]string{}}
	g.fixedSide(f)
	if err := g.findTarget(f, target); err != nil {
		return nil, err
	}
	if err := g.findTask(f); err != nil {
		return nil, err
	}
	for i, c := range f.profile.Columns {
		if c.Name == g.target || c.Name == g.side {
			continue
		}
		if why := personal(c, f.values(i)); why != "" {
			g.pii, g.because[c.Name] = append(g.pii, c.Name), why
			continue
		}
		words := wordsOf(c.Name)
		if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(protectedWords, w) }) || slices.Equal(words, []string{"single"}) {
			g.protected = append(g.protected, c.Name)
			if c.Distinct > 1 && c.Distinct <= 12 && (c.Type == "varchar" || c.Type == "boolean" || integral(c.Type)) {
				g.fair = append(g.fair, c.Name)
			}
		}
	}
	g.findKey(f)
	g.findTime(f)
	g.findFeatures(f)
	if len(g.features)+len(g.texts) == 0 {
		return nil, &workspace.Failure{Err: fmt.Errorf("no column of %s can be a feature beside the target %s", f.path, g.target), Hint: "Features are numbers, booleans, categories and free text, which are neither personal nor protected." + strings.Join(slices.Collect(func(yield func(string) bool) {
			for _, l := range g.left {
				if !yield(" " + l + ".") {
					return
				}
			}
		}), "")}
	}
	return g, nil
}

// values are the first values of a column that are not null.
func (f *tableFile) values(column int) []string {
	var out []string
	for _, row := range f.profile.Head {
		if row[column] != nil {
			out = append(out, *row[column])
		}
	}
	return out
}

// fixedSide finds a column that says which rows are for testing.
func (g *guess) fixedSide(f *tableFile) {
	for _, c := range f.profile.Columns {
		name := strings.ToLower(c.Name)
		switch {
		case !slices.Contains([]string{"is_test", "test", "split", "fold", "set", "subset", "partition"}, name) || c.Nulls > 0 || c.Distinct < 2 || c.Distinct > 3:
			continue
		case c.Type == "boolean":
			g.side = c.Name
		case integral(c.Type) && slices.ContainsFunc(c.Top, func(v table.Counted) bool { return v.Value == "1" }) && (name == "is_test" || name == "test"):
			g.side = c.Name
		case c.Type == "varchar":
			for _, v := range c.Top {
				if strings.EqualFold(v.Value, "test") {
					g.side, g.tests = c.Name, []string{v.Value}
				}
			}
		}
		if g.side != "" {
			return
		}
	}
}

// targetWords are names of targets, the surest first.
var targetWords = strings.Fields("target label class outcome response y churn churned fraud defaulted survived bought purchased converted subscribed")

// findTarget takes the column that is named, else one that is called like a target, else the last that is no side of a split.
func (g *guess) findTarget(f *tableFile, asked string) error {
	if asked != "" {
		c := f.column(asked)
		if c == nil {
			return &workspace.Failure{Err: fmt.Errorf("%s has no column %q to predict", f.path, asked), Hint: suggest.DidYouMean(asked, names(f.columns))}
		}
		g.target, g.why = c.Name, "as --target says"
		return nil
	}
	for _, w := range targetWords {
		if c := f.column(w); c != nil {
			g.target, g.why = c.Name, "by its name"
			return nil
		}
	}
	for _, w := range targetWords {
		for _, c := range f.profile.Columns {
			if c.Name != g.side && slices.Contains(wordsOf(c.Name), w) {
				g.target, g.why = c.Name, fmt.Sprintf("as %q is a word of its name", w)
				return nil
			}
		}
	}
	for _, c := range slices.Backward(f.profile.Columns) {
		if c.Name != g.side {
			g.target, g.why = c.Name, "as the last column"
			return nil
		}
	}
	return &workspace.Failure{Err: fmt.Errorf("%s has no column to predict", f.path), Hint: "Name one with --target."}
}

// mostClasses is how many values a target may have that is taken for classes.
const mostClasses = 20

// findTask goes by the target's type and values.
func (g *guess) findTask(f *tableFile) error {
	c := f.column(g.target)
	g.classes = c.Distinct
	whole := integral(c.Type)
	switch {
	case c.Distinct < 2:
		return &workspace.Failure{Err: fmt.Errorf("the target %s has fewer than two values", c.Name), Hint: "Name another column with --target."}
	case c.Distinct == 2 && (c.Type == "boolean" || c.Type == "varchar" || whole):
		g.task = "binary_classification"
		if c.Type != "boolean" && !(whole && c.Top[0].Value != c.Top[1].Value && zeroOne(c.Top[0].Value) && zeroOne(c.Top[1].Value)) {
			g.positive, g.chosen = c.Top[1].Value, "the rarer class"
			for _, v := range c.Top {
				if slices.Contains([]string{"yes", "y", "true", "t", "positive"}, strings.ToLower(v.Value)) {
					g.positive, g.chosen = v.Value, "by its name"
				}
			}
		}
	case (c.Type == "varchar" || whole && c.Distinct <= 10) && c.Distinct <= mostClasses:
		g.task = "multiclass_classification"
	case table.Numeric(c.Type):
		g.task = "regression"
	default:
		return &workspace.Failure{Err: fmt.Errorf("the target %s is neither a number nor one of few classes: %d values of type %s", c.Name, c.Distinct, c.Type), Hint: "Name another column with --target."}
	}
	return nil
}

// zeroOne reports whether a text is 0 or 1.
func zeroOne(v string) bool { return v == "0" || v == "1" }

// integral reports whether a type is one of whole numbers.
func integral(t string) bool {
	return slices.Contains([]string{"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}, t)
}

// names of columns.
func names(columns []schema.Column) []string {
	t := schema.Table{Columns: columns}
	return t.Names()
}

// wordsOf are the words of a column's name in small letters: "HomePhone" has home and phone.
func wordsOf(name string) []string {
	var b strings.Builder
	var before rune
	for _, r := range name {
		if 'A' <= r && r <= 'Z' && 'a' <= before && before <= 'z' {
			b.WriteByte(' ')
		}
		before = r
		b.WriteRune(r)
	}
	return strings.FieldsFunc(strings.ToLower(b.String()), func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r > 127) })
}

// protectedWords are words of names of columns that people must not be told apart by.
var protectedWords = strings.Fields("age sex gender female male race ethnicity ethnic afam religion nationality disability disabled marital married pregnant orientation senior")

// findKey takes the first column that tells all rows apart and is called like one that does.
func (g *guess) findKey(f *tableFile) {
	for _, c := range f.profile.Columns {
		words := wordsOf(c.Name)
		named := slices.ContainsFunc(words, func(w string) bool {
			return w == "id" || w == "uuid" || w == "key" || strings.HasSuffix(w, "id") && len(w) <= 12
		})
		if named && c.Nulls == 0 && c.Distinct == f.profile.Rows && (c.Type == "varchar" || c.Type == "uuid" || integral(c.Type)) && c.Name != g.target && !slices.Contains(g.pii, c.Name) {
			g.key = c.Name
			return
		}
	}
}

// findTime takes the date or time with most values that no row is without.
func (g *guess) findTime(f *tableFile) {
	var most int64 = 9
	for _, c := range f.profile.Columns {
		if (c.Type == "date" || strings.HasPrefix(c.Type, "timestamp")) && c.Nulls == 0 && c.Distinct > most {
			g.time, most = c.Name, c.Distinct
		}
	}
}

var (
	mail   = lazyregexp.New(`^[^\s@]+@[^\s@]+\.[A-Za-z]{2,}$`)
	phone  = lazyregexp.New(`^(\+|00|\(?0)[0-9 ()./-]{6,20}$`)
	dashed = lazyregexp.New(`^\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}$`)
	person = lazyregexp.New(`^\p{Lu}[\p{L}'.-]+(,? \p{Lu}[\p{L}'.-]*){1,3}$`)
	given  = lazyregexp.New(`^\p{Lu}[\p{L}'-]+$`)
	ip     = lazyregexp.New(`^([0-9]{1,3}\.){3}[0-9]{1,3}$`)
)

// personal says why a column seems to tell who a person is: by its values, or by its name and values that agree; "" if it does not.
func personal(c table.ColumnProfile, values []string) string {
	if c.Type != "varchar" || len(values) == 0 {
		return ""
	}
	words := wordsOf(c.Name)
	word := func(any ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(any, w) })
	}
	share := func(match func(string) bool) bool { // nine values in ten
		n := 0
		for _, v := range values {
			if match(v) {
				n++
			}
		}
		return n*10 >= len(values)*9
	}
	many := c.Distinct > 20 || c.Distinct*2 > int64(len(values)) // not categories
	switch {
	case share(mail().MatchString):
		return "e-mail addresses"
	case share(ip().MatchString):
		return "addresses of machines"
	case share(phone().MatchString) || share(dashed().MatchString):
		return "telephone numbers"
	case many && word("name", "surname", "firstname", "lastname", "forename", "fullname") && (share(person().MatchString) || share(given().MatchString)):
		return "names of people"
	case many && word("person", "customer", "patient", "employee", "client", "user", "contact", "holder") && share(person().MatchString):
		return "names of people"
	case word("street", "address", "iban", "ssn", "passport") && many:
		return "by its name"
	}
	return ""
}
