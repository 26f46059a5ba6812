package workspace

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/c99"
)

// ExportedModel is a model that was written to a file.
type ExportedModel struct {
	Of     string // the address
	Digest plan.Digest
	File   string
	Bytes  int
}

// unnamedExport is the failure where nothing says which file is to be written.
var unnamedExport = &Failure{Err: errors.New("it is not said which file to write"), Hint: "Name it with --out: scorer.tar.gz of an archive, scorer.c of C."}

// ExportBundle writes the model of a deployment that is live, or of a block that yields one, as an archive of the folder that the server reads: .tar, or
// .tar.gz. The same model gives the same bytes.
func (s *Session) ExportBundle(ctx context.Context, address, file string) (*ExportedModel, error) {
	if file == "" {
		return nil, unnamedExport
	}
	packed := strings.HasSuffix(file, ".tar.gz") || strings.HasSuffix(file, ".tgz")
	if !packed && !strings.HasSuffix(file, ".tar") {
		return nil, &Failure{Err: fmt.Errorf("the ending of %s stands for no archive", file), Hint: "Name a file that ends in .tar or .tar.gz."}
	}
	return s.exportModel(ctx, address, file, func(dir string, _ plan.Digest) ([]byte, error) {
		text, err := tarOf(dir)
		if err != nil || !packed {
			return text, err
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b) // without a name and a time
		_, err = z.Write(text)
		err = errors.Join(err, z.Close()) // which writes the end
		return b.Bytes(), err
	})
}

// ExportC99 writes that model as one file of C (package c99).
func (s *Session) ExportC99(ctx context.Context, address, file string) (*ExportedModel, error) {
	if file == "" {
		return nil, unnamedExport
	}
	if !strings.HasSuffix(file, ".c") {
		return nil, &Failure{Err: fmt.Errorf("%s is no name of a file of C", file), Hint: "Name a file that ends in .c: its name without the ending begins the names in C."}
	}
	return s.exportModel(ctx, address, file, func(dir string, d plan.Digest) ([]byte, error) {
		b, err := model.Read(dir)
		if errors.Is(err, model.ErrNoBundle) {
			return nil, &Failure{Err: fmt.Errorf("the model of %s is scored by a program of its own, and by no bundle", address), Hint: "Write to an archive with 'mlp export bundle'."}
		}
		if err != nil {
			return nil, err
		}
		text, err := c99.Write(b, c99.Options{Prefix: strings.TrimSuffix(filepath.Base(file), ".c"), Of: s.Pipeline + "/" + address, Digest: string(d), Version: serve.VersionOf(d)})
		if err != nil {
			return nil, &Failure{Err: fmt.Errorf("the model of %s cannot be written as C: %w", address, err), Hint: "'mlp export bundle' writes what 'mlp serve' reads of any model."}
		}
		return text, nil
	})
}

// exportModel lays a model out in a folder and writes what is made of that to a file that is not there yet.
func (s *Session) exportModel(ctx context.Context, address, file string, encode func(dir string, d plan.Digest) ([]byte, error)) (*ExportedModel, error) {
	address = AddressOf(address)
	x, err := s.Find(address)
	if err != nil {
		return nil, err
	}
	d := x.Outputs["model"]
	if x.Release != nil {
		d = x.Release.Model
	}
	if d == "" {
		return nil, &Failure{Err: fmt.Errorf("%s yields no model", address), Hint: "Name a deployment, whose live model is meant, or a block that yields a model: 'mlp show' lists what is recorded."}
	}
	dir, err := os.MkdirTemp("", "mlp-export-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := s.copyOut(ctx, d, dir); err != nil {
		err = fmt.Errorf("reading the model of %s: %w", address, err)
		if errors.Is(err, store.ErrMissing) {
			return nil, &Failure{Err: err, Hint: "To have it made again: " + s.w.Command("apply")}
		}
		return nil, err
	}
	data, err := encode(dir, d)
	if err != nil {
		return nil, err
	}
	if err := WriteNew(file, string(data)); errors.Is(err, fs.ErrExist) {
		return nil, &Failure{Err: fmt.Errorf("%s is there already", file), Hint: "Name another file with --out, or remove that one."}
	} else if err != nil {
		return nil, err
	}
	return &ExportedModel{Of: address, Digest: d, File: file, Bytes: len(data)}, nil
}

// tarOf is a folder as an archive: files in the order of their names, without times and owners.
func tarOf(dir string) ([]byte, error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err = t.Write(data)
		return err
	})
	err = errors.Join(err, t.Close()) // which writes the end
	return b.Bytes(), err
}
