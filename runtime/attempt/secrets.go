package attempt

// What is done so that a secret stays one.
//
//   - A stage gets it as a file in memory, for as long as it runs. It is in no description, environment, fingerprint or plan.
//   - In the log its value is replaced by its name, (secret.token), in each form in which programs commonly write a value down: as it is,
//     quoted, in hexadecimal digits, in base64, escaped as in JSON, HTML or URLs (forms, decoded).
//   - After each attempt outputs and checkpoint are searched for the same forms. If one is found the attempt fails, and nothing that it
//     wrote is kept.
//   - A value of fewer than six bytes is refused: it would be found in any text.
//
// What is compressed, encrypted, or taken apart and written in pieces is not found. That is the stage's own doing, which no search
// can tell from other bytes.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
)

// minSecret is the length in bytes below which a secret could not be told from other text.
const minSecret = 6

// secrets are the values that a stage is handed, for as long as it runs, and the forms that its log and outputs are searched for. The
// zero value has none.
type secrets struct {
	folder *scratch.Folder // nil where there are none
	files  []executor.Secret
	forms  []form // longest first
}

// form is one of the ways in which a value can be written down.
type form struct{ text, name string }

// openSecrets reads a stage's secrets and lays them out as files: outside of the store and, where there is one, on a file
// system in memory. How one is read is ReadSecret's, or that of whoever has them elsewhere.
func openSecrets(dir string, wanted []plan.Secret, read func(string, plan.Secret) ([]byte, error)) (*secrets, error) {
	s := &secrets{}
	if len(wanted) == 0 {
		return s, nil
	}
	var err error
	if s.folder, err = scratch.InMemory(scratch.Secrets); err != nil {
		return nil, fmt.Errorf("laying out secrets: %w", err)
	}
	for _, w := range wanted {
		if err := s.add(dir, w, read); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// add reads one secret and lays it out as a file, with all forms of it that a log could show (forms). Longer ones stand
// first, so that none hides only a part of another.
func (s *secrets) add(dir string, w plan.Secret, read func(string, plan.Secret) ([]byte, error)) error {
	value, err := read(dir, w)
	if err != nil {
		return err
	}
	if len(value) < minSecret {
		return Failuref(SecretFailure, "secret.%s has fewer than %d bytes: it could not be told from other text, and so not be kept secret", w.Name, minSecret)
	}
	path := filepath.Join(s.folder.Dir, w.Name)
	// Readable to all: the folder is closed to other users, and a container's user may be another one.
	if err := os.WriteFile(path, value, 0o444); err != nil {
		return fmt.Errorf("laying out secret.%s: %w", w.Name, err)
	}
	s.files = append(s.files, executor.Secret{Name: w.Name, Path: path})
	for _, text := range forms(value) {
		s.forms = append(s.forms, form{text, w.Name})
	}
	slices.SortFunc(s.forms, func(a, b form) int { return longest(a.text, b.text) })
	return nil
}

// ReadSecret reads a value. No error tells any of it.
// One end of line at the end of a file is not part of the value: editors put it there.
func ReadSecret(dir string, w plan.Secret) ([]byte, error) {
	if w.Env != "" {
		value, ok := os.LookupEnv(w.Env)
		if !ok {
			return nil, Failuref(SecretFailure, "secret.%s is to be in the environment variable %s, which is not set", w.Name, w.Env)
		}
		return []byte(value), nil
	}
	path := w.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	value, err := os.ReadFile(path)
	if err != nil {
		return nil, Failuref(SecretFailure, "secret.%s cannot be read: %v", w.Name, err)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r")), nil
}

// close removes the files.
func (s *secrets) close() error {
	if s.folder == nil {
		return nil
	}
	return s.folder.Close()
}

// leaked finds the first file below a folder that holds the value of a secret, in its content or its name.
// Both are empty where none does. file is relative to the folder, in the order in which folders are walked.
func (s *secrets) leaked(dir string) (file, secret string, err error) {
	if len(s.forms) == 0 {
		return "", "", nil
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		i := within(s.forms, []byte(rel))
		if i < 0 && e.Type().IsRegular() {
			if i, err = s.withinFile(path); err != nil {
				return err
			}
		}
		if i >= 0 {
			file, secret = rel, s.forms[i].name
			return fs.SkipAll
		}
		return nil
	})
	return file, secret, err
}

// within is the first of the forms that a text holds, -1 if none.
func within(all []form, text []byte) int {
	for i, f := range all {
		if bytes.Contains(text, []byte(f.text)) {
			return i
		}
	}
	return -1
}

// maxText is the size in bytes of files in which escaped values are looked for as well.
const maxText = 8 << 20

// withinFile looks through a file in pieces that overlap by the longest value.
// The result is an index of forms, -1 for none.
func (s *secrets) withinFile(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return -1, err
	}
	if info.Size() <= maxText {
		text, err := io.ReadAll(f)
		return s.withinText(text), err
	}
	overlap := len(s.forms[0].text) - 1
	// Go's shift binds tighter than its sum: the buffer is the overlap and 1 MiB.
	buf, kept := make([]byte, overlap+1<<20), 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		if i := within(s.forms, buf[:kept+n]); i >= 0 {
			return i, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return -1, nil
		}
		if err != nil {
			return -1, err
		}
		kept = copy(buf, buf[kept+n-overlap:kept+n])
	}
}

// withinText looks also for what is escaped.
func (s *secrets) withinText(text []byte) int {
	found := within(s.forms, text)
	if found < 0 {
		decoded(string(text), func(plain string) bool {
			found = within(s.forms, []byte(plain))
			return found >= 0
		})
	}
	return found
}
