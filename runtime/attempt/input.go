package attempt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
)

// layOut makes an input's folder and returns its path.
// Files are hard links to the store's objects where that can be, so that an input of gigabytes costs no copy; they are read-only.
func (a *Attempt) layOut(ctx context.Context, in plan.Input, digest plan.Digest) (string, error) {
	if isCode(in) {
		return a.layOutCode(ctx, in)
	}
	if in.External != nil {
		return a.layOutExternal(ctx, in)
	}
	dest := a.own(in)
	err := a.withObject(ctx, in.From, func() error {
		if err := scratch.Bare(dest); err != nil {
			return err
		}
		if in.Format == "" || in.Format == "parquet" {
			return a.Store.Materialize(ctx, digest, dest)
		}
		return a.convertInput(ctx, in, digest, dest)
	})
	return dest, err
}

// own is the folder that an input has where it is laid out for this attempt.
func (a *Attempt) own(in plan.Input) string { return filepath.Join(a.work, "in", in.Port) }

// layOutExternal is the folder that the files outside are in, as it is. Where links lead out of it, to files that a container
// would not have, it is a folder with copies.
func (a *Attempt) layOutExternal(ctx context.Context, in plan.Input) (string, error) {
	from := externalRoot(a.Dir, in.External)
	if len(in.External.Files) == 0 { // a log that has no tables yet has no folder either
		return a.own(in), os.MkdirAll(a.own(in), 0o755)
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return "", err
	}
	defer root.Close()
	outside := func(f plan.ExternalFile) bool {
		_, err := root.Stat(filepath.FromSlash(f.Name))
		return err != nil
	}
	if !slices.ContainsFunc(in.External.Files, outside) {
		return from, nil
	}
	dest := a.own(in)
	for _, f := range in.External.Files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := copyFile(filepath.Join(from, filepath.FromSlash(f.Name)), filepath.Join(dest, filepath.FromSlash(f.Name))); err != nil {
			return "", err
		}
	}
	return dest, nil
}

// copyFile copies to a file that any user may read, in a folder that is made.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(0o644), out.Close())
}

// externalRoot is the folder of files from outside. A relative one is of the module's folder, wherever the command was
// called.
func externalRoot(dir string, e *plan.External) string {
	if filepath.IsAbs(e.Root) {
		return e.Root
	}
	return filepath.Join(dir, filepath.FromSlash(e.Root))
}

// withObject does something with objects of a node. If one is missing or corrupt, it is made again, once.
// from is "" of what no stage has made.
func (a *Attempt) withObject(ctx context.Context, from string, use func() error) error {
	if a.Remake == nil || from == "" {
		return use()
	}
	return WithObject(use, func() error { return a.Remake(ctx, from) })
}

// WithObject does something with objects. If one is missing or corrupt, it is made again, once.
// use is called again from its beginning after that, and must bear it. If the object cannot be made again, both errors are told.
func WithObject(use, remake func() error) error {
	err := use()
	if _, missing := store.IsMissing(err); !missing {
		return err
	}
	if failed := remake(); failed != nil {
		return fmt.Errorf("%w; %w", err, failed)
	}
	return use()
}

// conversion is what names a table's rewriting in another format.
type conversion struct {
	Object plan.Digest   `json:"object"`
	Format string        `json:"format"`
	Table  *schema.Table `json:"table"`
}

// convertInput lays out a table in the format that a foreign stage asks for. Each table is converted once. The fingerprint of a
// conversion is that of table, format and columns: two trainers that ask for the same table as CSV share one file.
func (a *Attempt) convertInput(ctx context.Context, in plan.Input, digest plan.Digest, dest string) error {
	if in.Shape == nil || in.Shape.Table == nil {
		return fmt.Errorf("only tables can be had as %s", in.Format)
	}
	fp, err := plan.Sum("conversion", conversion{digest, in.Format, in.Shape.Table})
	if err != nil {
		return err
	}
	if known, err := a.Store.Action(fp); err == nil {
		err := a.Store.Materialize(ctx, known.Outputs["table"], dest)
		if _, missing := store.IsMissing(err); !missing {
			return err
		}
	}
	// The converted table is an object with a record of its own, so that the next stage that asks for the format links it.
	parquet := filepath.Join(a.work, "convert", in.Port)
	if err := errors.Join(os.RemoveAll(parquet), os.RemoveAll(dest), os.MkdirAll(dest, 0o755)); err != nil {
		return err
	}
	if err := a.Store.Materialize(ctx, digest, parquet); err != nil {
		return err
	}
	dst := filepath.Join(dest, "table."+in.Format)
	if err := a.convert(ctx, "parquet", in.Format, in.Shape.Table, filepath.Join(parquet, component.TableFile), dst); err != nil {
		return err
	}
	out, err := a.Store.PutDir(ctx, dest, nil)
	if err != nil {
		return err
	}
	return a.Store.ReplaceAction(plan.Action{
		Fingerprint: fp, Component: "convert." + in.Format, Inputs: map[string]plan.Digest{"table": digest},
		Outputs: map[string]plan.Digest{"table": out}, Platform: platform, ToolVersion: a.ToolVersion,
	})
}

// convert rewrites the file src as dst, between "parquet" and another format.
func (a *Attempt) convert(ctx context.Context, from, to string, table *schema.Table, src, dst string) error {
	if a.Convert == nil {
		return fmt.Errorf("no converter from %s to %s", from, to)
	}
	if err := a.Convert(ctx, from, to, table, src, dst); err != nil {
		return fmt.Errorf("converting a table from %s to %s: %w", from, to, err)
	}
	return nil
}
