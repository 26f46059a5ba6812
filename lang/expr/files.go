package expr

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/mlp-lang/mlp/lang/digest"
)

// maxFile is the size in bytes of the largest file that becomes a value.
const maxFile = 4 << 20

// fileFunction is file(path): the text of a file of the module's folder.
// The text is a part of whatever it is used in, and so of its fingerprint: a file that changes runs what reads it.
func fileFunction(dir string) function.Function {
	return fileReader(dir, "Returns the text of a file of the module's folder.", func(f io.Reader, path string) (string, error) {
		text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		switch {
		case err != nil:
			return "", err
		case len(text) > maxFile:
			return "", fmt.Errorf("%s is larger than %d MB", path, maxFile>>20)
		case !utf8.Valid(text):
			return "", fmt.Errorf("%s is not valid UTF-8; filehash takes any bytes", path)
		}
		return string(text), nil
	})
}

// filehashFunction is filehash(path): the BLAKE3 digest of a file's bytes, as "blake3:" and 64 hexadecimal digits.
func filehashFunction(dir string) function.Function {
	return fileReader(dir, "Returns the digest of a file of the module's folder.", func(f io.Reader, _ string) (string, error) {
		d, _, err := digest.Read(f)
		return string(d), err
	})
}

// fileReader is a function of one path. The path is relative to dir and cannot lead out of it, not through links either,
// so that what a module means does not depend on the machine that it lies on.
func fileReader(dir, description string, read func(f io.Reader, path string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := args[0].AsString()
			s, err := readInside(dir, path, read)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(s), nil
		},
	})
}

// ofGit reports whether a path leads into a folder of git's own, in whatever capitals: file systems that do not tell
// them apart would open it all the same.
func ofGit(path string) bool {
	return slices.ContainsFunc(strings.Split(filepath.ToSlash(path), "/"), func(part string) bool { return strings.EqualFold(part, ".git") })
}

// readInside opens a file of the module's folder without leaving it: os.Root resolves links, and refuses those that
// lead out. What read returns is the function's value, and so part of the configuration. Without a folder no file can
// be read.
func readInside(dir, path string, read func(io.Reader, string) (string, error)) (string, error) {
	if dir == "" {
		return "", errors.New("files cannot be read here: the module has no folder")
	}
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return "", fmt.Errorf("%q leads out of the module's folder; a path is relative to it and stays inside", path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if ofGit(path) {
		return "", fmt.Errorf("%q belongs to git, which may keep credentials there", path)
	}
	f, err := root.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is not waited for
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no file %q in the module's folder", path)
	}
	if err != nil {
		return "", fmt.Errorf("%q cannot be read: %w", path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%q is no regular file", path)
	}
	return read(f, path)
}
