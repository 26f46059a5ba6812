package destination

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Prediction is what is written.
type Prediction struct {
	ID        string // of this write: the same however often it is begun again, and no other write's
	Pipeline  string
	Workspace string
	Deploy    string
	File      string   // Parquet
	Key       []string // the columns that tell its rows apart
}

// Write writes to a destination, exactly once, and returns how many rows it has of this write. kind is the destination's block: "postgres", "parquet" or "csv". dir is the folder that
// folders are beside; password opens a database, nil for none.
func Write(ctx context.Context, p Prediction, to schema.Destination, kind, dir string, password []byte) (int64, error) {
	temp, err := os.MkdirTemp("", "mlp-write-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temp)
	if to.URL != "" {
		return p.intoTable(ctx, to, temp, password)
	}
	b, done, err := open(ctx, to.Path, dir)
	if err != nil {
		return 0, err
	}
	w := &files{Prediction: p, bucket: b, place: to.Place(), partitionBy: to.PartitionBy, encode: encodings[kind], temp: temp}
	if w.encode == nil {
		return 0, fmt.Errorf("nothing is known of files of %q", kind)
	}
	rows, err := w.write(ctx)
	return rows, errors.Join(err, done())
}

// working is the folder below a local destination where files are made before they get their names. Whoever lists files passes it over, since its name begins with a dot.
const working = ".mlp"

// open opens a folder or bucket; done removes what was left to work with.
func open(ctx context.Context, path, dir string) (b bucket.Bucket, done func() error, err error) {
	if strings.Contains(path, "://") {
		u, err := storeurl.Parse(path)
		if err != nil {
			return nil, nil, err
		}
		b, err := cloud.Open(ctx, u)
		return b, func() error { return nil }, err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, filepath.FromSlash(path))
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, nil, err
	}
	place := scratch.At(filepath.Join(path, working))
	if _, err := place.SweepSessions(); err != nil {
		return nil, nil, err
	}
	return local.Open(path, place), func() error { return errors.Join(place.Close(), os.RemoveAll(filepath.Join(path, working))) }, nil
}

// intoTable writes to a table of a database.
func (p Prediction) intoTable(ctx context.Context, to schema.Destination, temp string, password []byte) (int64, error) {
	text := filepath.Join(temp, "rows.csv")
	if err := table.ToCSV(ctx, p.File, text); err != nil {
		return 0, err
	}
	rows, err := table.Rows(ctx, p.File)
	if err != nil {
		return 0, err
	}
	columns, err := table.SniffParquet(ctx, []table.File{{Name: filepath.Base(p.File), Path: p.File}})
	if err != nil {
		return 0, err
	}
	file, err := os.Open(text)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := postgres.Write(ctx, postgres.Writing{ID: p.ID, Pipeline: p.Pipeline, Workspace: p.Workspace, Deploy: p.Deploy, URL: to.URL, Table: to.Table, Mode: to.Mode,
		Columns: columns, Key: p.Key, CSV: file, Rows: rows}, password)
	if err == nil && n != rows {
		err = fmt.Errorf("%s has %d rows of %d", to.Place(), n, rows)
	}
	return n, err
}
