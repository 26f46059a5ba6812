package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Formatted is a text as it is and as it should be laid out.
type Formatted struct {
	Name        string // as it was asked for
	Was         []byte
	Now         []byte
	Diagnostics source.Diagnostics // of what cannot be laid out, in the text as it is

	unread bool // the file cannot be read
}

// filesAtOnce bounds how many files are held in memory. Those of a batch are read and laid out side by side.
const filesAtOnce = 64

// Format lays out the files named and those of the folders named; of the workspace's folder if none is. Nothing is
// written. The files are read while the sequence is gone through, in the order named, and of a folder by name. What is
// wrong with a file is told by its Formatted; the error is of a name that stands for nothing.
func (w *Workspace) Format(args []string) (iter.Seq[*Formatted], error) {
	names, err := w.filesToFormat(args)
	if err != nil {
		return nil, err
	}
	return func(yield func(*Formatted) bool) {
		for batch := range slices.Chunk(names, filesAtOnce) {
			for _, f := range w.layOut(batch) {
				if !yield(f) {
					return
				}
			}
		}
	}, nil
}

// FormatInput lays out a text that is in no file. One that is larger than a file may be is read one byte beyond that
// size, which is what the layout refuses it by.
func FormatInput(in io.Reader) (*Formatted, error) {
	f := &Formatted{Name: "<stdin>"}
	var err error
	if f.Was, err = io.ReadAll(io.LimitReader(in, syntax.MaxFileSize+1)); err != nil {
		return nil, err
	}
	f.Now, f.Diagnostics = format.Format(f.Was, f.Name)
	return f, nil
}

// Changed reports whether the text is not laid out as it should be. Of a file that cannot be read the answer is no.
func (f *Formatted) Changed() bool { return !f.unread && !bytes.Equal(f.Was, f.Now) }

// Err tells what is wrong with the text; nil if all of it could be laid out. Values are not shown: it is not known here which are
// sensitive.
func (f *Formatted) Err() error {
	if !f.Diagnostics.HasErrors() {
		return nil
	}
	text := f.Was
	if filepath.Ext(f.Name) == syntax.ValuesExtension {
		text = front.HideValuesOf(f.Name, text, nil)
	}
	return &front.Error{Diagnostics: f.Diagnostics, Files: map[string][]byte{f.Name: text}}
}

// WriteFormatted puts the layout into the file. Of a file with errors the blocks without are laid out, and what is
// wrong is told of the text that is in the file then: f has the new text and diagnostics after that.
func (w *Workspace) WriteFormatted(f *Formatted) error {
	if err := replaceFile(Absolute(w.Dir, f.Name), f.Now); err != nil {
		return err
	}
	f.Was = f.Now
	_, f.Diagnostics = format.Format(f.Now, f.Name)
	return nil
}

// formatted are the extensions of the files that are laid out in a folder.
func formatted() []string {
	return []string{syntax.Extension, syntax.ValuesExtension, syntax.TestExtension}
}

// filesToFormat are the files named, and those of a module in the folders named; with none, those of the module.
func (w *Workspace) filesToFormat(args []string) ([]string, error) {
	if len(args) == 0 {
		return w.filesOf("")
	}
	var names []string
	for _, arg := range args {
		if arg == "-" {
			return nil, &Failure{Err: errors.New("standard input cannot be formatted along with files"), Hint: "Run 'mlp fmt -' on its own."}
		}
		if info, err := os.Stat(Absolute(w.Dir, arg)); err != nil || !info.IsDir() {
			names = append(names, arg)
			continue
		}
		inside, err := w.filesOf(arg)
		if err != nil {
			return nil, err
		}
		names = append(names, inside...)
	}
	return names, nil
}

// filesOf returns the files of a folder that have a layout, by name.
func (w *Workspace) filesOf(folder string) ([]string, error) {
	entries, err := os.ReadDir(Absolute(w.Dir, folder))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") && slices.Contains(formatted(), filepath.Ext(name)) {
			names = append(names, filepath.Join(folder, name))
		}
	}
	if len(names) == 0 {
		return nil, &Failure{Err: fmt.Errorf("there is no %s file in %s", syntax.Extension, filepath.Join(w.Given, folder)), Hint: "Name a file or a folder: mlp fmt DIR"}
	}
	return names, nil
}

// layOut reads and formats files side by side.
func (w *Workspace) layOut(names []string) []*Formatted {
	out := make([]*Formatted, len(names))
	parallel.Range(len(names), 1, func(i int) {
		f := &Formatted{Name: names[i]}
		f.Was, f.Diagnostics = syntax.ReadFile(Absolute(w.Dir, f.Name), f.Name)
		if f.unread = f.Diagnostics.HasErrors(); !f.unread {
			f.Now, f.Diagnostics = format.Format(f.Was, f.Name)
		}
		out[i] = f
	})
	return out
}

// replaceFile writes a file whole or not at all. Of a link it writes what that leads to; permissions stay. Who else has
// the file open keeps the old content.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	// Beside the file, so that the rename stays on one file system and is whole or not at all.
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
