package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// minSecret is the length in bytes below which a secret could not be told from other text.
const minSecret = 6

// memoryFolder is a file system in memory on Linux.
const memoryFolder = "/dev/shm"

// secrets are the values that a stage is handed, for as long as it runs.
type secrets struct {
	dir    string
	files  []executor.Secret
	names  []string // of the values
	values [][]byte
}

// openSecrets reads a stage's secrets and lays them out as files: outside of the store and, where there is one, on a file
// system in memory.
func openSecrets(dir string, wanted []plan.Secret) (*secrets, error) {
	s := &secrets{}
	if len(wanted) == 0 {
		return s, nil
	}
	parent := ""
	if info, err := os.Stat(memoryFolder); err == nil && info.IsDir() {
		parent = memoryFolder
	}
	var err error
	if s.dir, err = os.MkdirTemp(parent, "mlp-secrets-"); err != nil && parent != "" {
		s.dir, err = os.MkdirTemp("", "mlp-secrets-")
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for secrets: %w", err)
	}
	for _, w := range wanted {
		if err := s.add(dir, w); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *secrets) add(dir string, w plan.Secret) error {
	value, err := readSecret(dir, w)
	if err != nil {
		return err
	}
	if len(value) < minSecret {
		return failuref(SecretFailure, "secret.%s has fewer than %d bytes: it could not be told from other text, and so not be kept secret", w.Name, minSecret)
	}
	path := filepath.Join(s.dir, w.Name)
	// Readable to all: the folder is closed to other users, and a container's user may be another one.
	if err := os.WriteFile(path, value, 0o444); err != nil {
		return fmt.Errorf("laying out secret.%s: %w", w.Name, err)
	}
	s.files = append(s.files, executor.Secret{Name: w.Name, Path: path})
	s.names, s.values = append(s.names, w.Name), append(s.values, value)
	return nil
}

// readSecret reads a value. No error tells any of it.
func readSecret(dir string, w plan.Secret) ([]byte, error) {
	if w.Env != "" {
		value, ok := os.LookupEnv(w.Env)
		if !ok {
			return nil, failuref(SecretFailure, "secret.%s is to be in the environment variable %s, which is not set", w.Name, w.Env)
		}
		return []byte(value), nil
	}
	path := w.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	value, err := os.ReadFile(path)
	if err != nil {
		return nil, failuref(SecretFailure, "secret.%s cannot be read: %v", w.Name, err)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r")), nil
}

func (s *secrets) close() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// mask replaces the values in a line of a log, and the lines of values that have several.
func (s *secrets) mask() *strings.Replacer {
	var pairs []string
	for i, value := range s.values {
		mask := "(secret." + s.names[i] + ")"
		pairs = append(pairs, string(value), mask)
		for line := range strings.Lines(string(value)) {
			if line = strings.TrimRight(line, "\r\n"); len(line) >= minSecret {
				pairs = append(pairs, line, mask)
			}
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	return strings.NewReplacer(pairs...)
}

// leaked finds the first file below a folder that holds the value of a secret, in its content or its name.
func (s *secrets) leaked(dir string) (file, secret string, err error) {
	if len(s.values) == 0 {
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
		i := s.within([]byte(rel))
		if i < 0 && e.Type().IsRegular() {
			if i, err = s.withinFile(path); err != nil {
				return err
			}
		}
		if i >= 0 {
			file, secret = rel, s.names[i]
			return fs.SkipAll
		}
		return nil
	})
	return file, secret, err
}

func (s *secrets) within(text []byte) int {
	for i, value := range s.values {
		if bytes.Contains(text, value) {
			return i
		}
	}
	return -1
}

// withinFile looks through a file in pieces that overlap by the longest value.
func (s *secrets) withinFile(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	overlap := 0
	for _, value := range s.values {
		overlap = max(overlap, len(value)-1)
	}
	buf, kept := make([]byte, overlap+1<<20), 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		if i := s.within(buf[:kept+n]); i >= 0 {
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
