// Package destination writes predictions to where somebody else reads them: a folder, a bucket, or a table of a database (stdlib/fetch/postgres).
//
//	rows, err := destination.Write(ctx, destination.Prediction{ID: "9f2c…", File: "table.parquet", Key: []string{"customer"}, …}, to, "parquet", password)
package destination

// Files, exactly once.
//
// What a folder or bucket has is what its _manifest.json names. A write puts files, under names that are made of their content, replaces the manifest in one step, and then
// removes what the new manifest does not name:
//
//	day=2026-03-01/part-41b7….parquet        put: nobody reads it yet
//	day=2026-03-02/part-9c2f….parquet        put
//	_manifest.json                           replaced: from here on both are there, and those of before are not
//	day=2026-03-01/part-0aa1….parquet        removed
//
// Whoever is killed before the third step has changed nothing; after it all is written, and the manifest has the id of the write, by which the next one
// knows that only removing is left. A file that is as it was keeps its name and is not written again.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Manifest is the name of the value that says which files of a folder count.
const Manifest = "_manifest.json"

// manifest is its form.
type manifest struct {
	Format      string         `json:"format"`
	Version     string         `json:"format_version"`
	ID          string         `json:"id"` // of the write
	Pipeline    string         `json:"pipeline"`
	Workspace   string         `json:"workspace"`
	Deploy      string         `json:"deploy"`
	Rows        int64          `json:"rows"`
	Key         []string       `json:"key"`
	PartitionBy []string       `json:"partition_by"`
	Files       []manifestFile `json:"files"` // sorted by name
}

type manifestFile struct {
	Name   string        `json:"name"` // below the folder
	Rows   int64         `json:"rows"`
	Bytes  int64         `json:"bytes"`
	Digest digest.Digest `json:"digest"`
}

const (
	manifestFormat  = "mlp.predictions"
	manifestVersion = "1.0"
)

// own are names of files that this package writes.
var own = lazyregexp.New(`^(?:[^/]+=[^/]+/)*part-[0-9a-f]{32}\.(?:parquet|csv)$`)

// files writes to a folder or bucket.
type files struct {
	Prediction
	bucket      bucket.Bucket
	place       string // for people
	partitionBy []string
	encode      func(ctx context.Context, parquet string) (file string, err error)
	temp        string // a folder for files that are about to be put
}

// encodings make a file of a destination's kind of one of Parquet, by the block of the destination. The ending of its name is that of the files that are written.
var encodings = map[string]func(ctx context.Context, parquet string) (string, error){
	"parquet": func(_ context.Context, parquet string) (string, error) { return parquet, nil },
	"csv": func(ctx context.Context, parquet string) (string, error) {
		text := strings.TrimSuffix(parquet, filepath.Ext(parquet)) + ".csv"
		return text, table.ToCSV(ctx, parquet, text)
	},
}

func (w *files) write(ctx context.Context) (int64, error) {
	was, err := w.manifest(ctx)
	if err != nil {
		return 0, err
	}
	if was != nil && (was.Pipeline != w.Pipeline || was.Workspace != w.Workspace) {
		return 0, &component.InputError{Summary: fmt.Sprintf("%s has what pipeline %s, workspace %s, wrote", w.place, was.Pipeline, was.Workspace), Detail: "Give each a folder of its own, or empty this one."}
	}
	there, err := w.there(ctx)
	if err != nil {
		return 0, err
	}
	if was != nil && was.ID == w.ID {
		return was.Rows, w.sweep(ctx, was, there)
	}
	now := &manifest{Format: manifestFormat, Version: manifestVersion, ID: w.ID, Pipeline: w.Pipeline, Workspace: w.Workspace, Deploy: w.Deploy, Key: w.Key, PartitionBy: slices.Concat([]string{}, w.partitionBy), Files: []manifestFile{}}
	folders, err := w.folders(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range folders {
		part, err := w.put(ctx, f)
		if err != nil {
			return 0, err
		}
		now.Files, now.Rows = append(now.Files, part), now.Rows+part.Rows
	}
	slices.SortFunc(now.Files, func(a, b manifestFile) int { return strings.Compare(a.Name, b.Name) })
	if total, err := table.Rows(ctx, w.File); err != nil || total != now.Rows {
		return 0, errors.Join(err, fmt.Errorf("%d of %d rows were written to files", now.Rows, total))
	}
	text, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := w.bucket.Replace(ctx, Manifest, bytes.NewReader(append(text, '\n'))); err != nil {
		return 0, err
	}
	return now.Rows, w.sweep(ctx, now, there)
}

// manifest is that of what the folder has; nil if there is none.
func (w *files) manifest(ctx context.Context) (*manifest, error) {
	text, err := bucket.Read(ctx, w.bucket, Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil || m.Format != manifestFormat {
		return nil, &component.InputError{Summary: fmt.Sprintf("%s in %s is not what mlp wrote", Manifest, w.place), Detail: "Name another folder, or empty this one."}
	}
	return m, nil
}

// there are the files that the folder has. One that is not of this package would be read together with the predictions by whoever reads all of them.
func (w *files) there(ctx context.Context) ([]string, error) {
	var out []string
	for key, err := range bucket.Keys(ctx, w.bucket, "", "") {
		switch {
		case err != nil:
			return nil, err
		case key == Manifest:
		case own().MatchString(key):
			out = append(out, key)
		default:
			return nil, &component.InputError{Summary: fmt.Sprintf("%s has the file %s, which mlp did not write", w.place, key), Detail: "Predictions have a folder of their own: name another one."}
		}
	}
	return out, nil
}

// sweep removes what the manifest does not name.
func (w *files) sweep(ctx context.Context, m *manifest, there []string) error {
	var gone []string
	for _, name := range there {
		if !slices.ContainsFunc(m.Files, func(f manifestFile) bool { return f.Name == name }) {
			gone = append(gone, name)
		}
	}
	return bucket.DeleteAll(ctx, w.bucket, gone)
}

// folder is one of the folders of a table that is parted: its name, "day=2026-03-01/eu=true/", and the condition that its rows fulfil.
type folder struct{ name, where string }

// noValue is the name of the folder of rows without a value, as Hive has it.
const noValue = "__HIVE_DEFAULT_PARTITION__"

// mostFolders bounds the folders of a table: a column of times would make one for each row.
const mostFolders = 10_000

var folderValue = lazyregexp.New(`^[A-Za-z0-9_.-]+$`)

// folders are those that the values of the table call for, sorted by their values; a table that is not parted has one without a name.
func (w *files) folders(ctx context.Context) ([]folder, error) {
	if len(w.partitionBy) == 0 {
		return []folder{{where: "true"}}, nil
	}
	columns := make([]string, len(w.partitionBy))
	for i, c := range w.partitionBy {
		columns[i] = fmt.Sprintf("cast(%s as varchar) as %s", table.Quote(c), table.Quote(c))
	}
	out := filepath.Join(w.temp, "folders.parquet")
	n, err := table.Run(ctx, table.Query{SQL: "select distinct " + strings.Join(columns, ", ") + " from p", Tables: map[string]string{"p": w.File}, Out: out})
	if err != nil {
		return nil, err
	}
	if n > mostFolders {
		return nil, &component.InputError{Summary: fmt.Sprintf("partition_by makes %d folders, more than %d", n, mostFolders), Detail: "Name columns of few values, such as a day."}
	}
	f, err := table.ReadFrame(ctx, out, nil)
	if err != nil {
		return nil, err
	}
	all := make([]folder, 0, f.Rows)
	for row := range f.Rows {
		var x folder
		var conditions []string
		for i := range f.Columns {
			c := &f.Columns[i]
			quoted, value := table.Quote(c.Name), noValue
			condition := quoted + " is null"
			if c.Codes[row] >= 0 {
				value = c.Levels[c.Codes[row]]
				condition = fmt.Sprintf("cast(%s as varchar) = %s", quoted, table.Literal(value))
			}
			if !folderValue().MatchString(value) || !folderValue().MatchString(c.Name) {
				return nil, &component.InputError{Summary: fmt.Sprintf("the value %q of column %q cannot name a folder", value, c.Name), Detail: "Values of partition_by are letters, digits, _ . and -: make such a column in the dataset."}
			}
			x.name += c.Name + "=" + value + "/"
			conditions = append(conditions, condition)
		}
		x.where = strings.Join(conditions, " and ")
		all = append(all, x)
	}
	return all, nil
}

// put writes the file of one folder, unless it is there as it is.
func (w *files) put(ctx context.Context, f folder) (manifestFile, error) {
	part := filepath.Join(w.temp, "part.parquet")
	defer os.Remove(part)
	except := ""
	var order []string
	if len(w.partitionBy) > 0 {
		quoted := make([]string, len(w.partitionBy))
		for i, c := range w.partitionBy {
			quoted[i] = table.Quote(c)
		}
		except = " exclude (" + strings.Join(quoted, ", ") + ")"
	}
	for _, c := range w.Key {
		if !slices.Contains(w.partitionBy, c) {
			order = append(order, c)
		}
	}
	n, err := table.Run(ctx, table.Query{SQL: "select *" + except + " from p where " + f.where, Tables: map[string]string{"p": w.File}, OrderBy: order, Out: part})
	if err != nil {
		return manifestFile{}, err
	}
	encoded, err := w.encode(ctx, part)
	if err != nil {
		return manifestFile{}, err
	}
	defer os.Remove(encoded)
	file, err := os.Open(encoded)
	if err != nil {
		return manifestFile{}, err
	}
	defer file.Close()
	d, size, err := digest.Read(file)
	if err == nil {
		_, err = file.Seek(0, 0)
	}
	if err != nil {
		return manifestFile{}, err
	}
	hex, err := d.Hex()
	if err != nil {
		return manifestFile{}, err
	}
	name := f.name + "part-" + hex[:32] + filepath.Ext(encoded)
	if err := w.bucket.PutNew(ctx, name, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return manifestFile{}, err
	}
	return manifestFile{Name: name, Rows: n, Bytes: size, Digest: d}, nil
}
