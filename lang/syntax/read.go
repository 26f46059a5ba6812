package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/source"
)

// Extension of the files of a module.
const Extension = ".mlp"

// MaxFileSize is the size in bytes beyond which a file is refused, MaxModuleSize that of all files of a module together.
const (
	MaxFileSize   = 16 << 20
	MaxModuleSize = 64 << 20
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// ReadDir reads all *.mlp files of a folder, by name. Hidden files and sub-folders are passed over, byte order marks
// are dropped. Files that cannot be taken are told and left out.
func ReadDir(dir string) (map[string][]byte, source.Diagnostics) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, source.Diagnostics{{
			Severity: source.Error, Code: source.CodeUnreadable,
			Summary: "the module's folder cannot be read", Detail: sentence(err.Error()),
		}}
	}
	files, ds := map[string][]byte{}, source.Diagnostics(nil)
	found, size := false, 0
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || filepath.Ext(name) != Extension || strings.HasPrefix(name, ".") {
			continue
		}
		found = true
		text, fileDs := readFile(filepath.Join(dir, name), name)
		if ds = append(ds, fileDs...); !fileDs.HasErrors() {
			files[name] = text
			size += len(text)
		}
		if size > MaxModuleSize {
			return files, append(ds, source.Diagnostic{
				Severity: source.Error, Code: source.CodeFileSize, Subject: source.Range{File: name},
				Summary: fmt.Sprintf("the files of the module are larger than %d MB", MaxModuleSize>>20),
				Hint:    "keep data in files of its own and name them in a source block",
			})
		}
	}
	if !found {
		ds = append(ds, noFiles(dir, entries))
	}
	return files, ds
}

// noFiles words an empty folder. Files that end in .hcl, or in capitals, are most likely meant.
// The first such file in the order of the folder is named; one is enough to see what is wrong.
func noFiles(dir string, entries []os.DirEntry) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeNoFiles,
		Summary: fmt.Sprintf("there is no %s file in %s", Extension, dir),
		Detail:  "All files of a folder whose names end in " + Extension + " make one module.",
	}
	for _, e := range entries {
		if name := e.Name(); strings.EqualFold(filepath.Ext(name), Extension) || filepath.Ext(name) == ".hcl" {
			d.Hint = fmt.Sprintf("rename %s to %s", name, strings.TrimSuffix(name, filepath.Ext(name))+Extension)
			break
		}
	}
	return d
}

// readFile reads a file of the module, without a byte order mark.
func readFile(path, name string) ([]byte, source.Diagnostics) {
	text, ds := ReadFile(path, name)
	if ds.HasErrors() {
		return nil, ds
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	return text, CheckText(name, text)
}

// ReadFile returns the bytes of a file; of one that is too large, only so many that CheckText says so.
// name is what the file is called in messages. A file that grows while it is read is cut at the limit like any other.
func ReadFile(path, name string) ([]byte, source.Diagnostics) {
	if target, err := filepath.EvalSymlinks(path); err == nil && filepath.Ext(target) != filepath.Ext(path) && isLink(path) {
		// What is wrong is shown with its line, and whoever wrote the module is not always who runs it.
		return nil, unreadable(name, fmt.Errorf("it is a link to a file that is no %s file", filepath.Ext(path)))
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, unreadable(name, errors.New("it is no regular file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	return text, nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// unreadable tells why a file cannot be read in the operating system's words, without its path, which the message has
// already and which may be a temporary one.
func unreadable(name string, err error) source.Diagnostics {
	var of *fs.PathError
	if errors.As(err, &of) { // which names the path again
		err = of.Err
	}
	return source.Diagnostics{{
		Severity: source.Error, Code: source.CodeUnreadable, Subject: source.Range{File: name},
		Summary: fmt.Sprintf("%s cannot be read", name), Detail: sentence(err.Error()),
	}}
}

// CheckText refuses text that no parser should see: too much of it, other encodings than UTF-8, NUL bytes.
// Offsets and columns are counted in UTF-8 everywhere behind this, so other encodings are refused and not converted: a
// file would mean one thing here and another in an editor. The first byte that is wrong is told, counted from 1.
func CheckText(name string, text []byte) source.Diagnostics {
	d := source.Diagnostic{Severity: source.Error, Subject: source.Range{File: name}}
	if len(text) > MaxFileSize {
		d.Code, d.Summary = source.CodeFileSize, fmt.Sprintf("%s is larger than %d MB", name, MaxFileSize>>20)
		d.Hint = "keep data in files of its own and name them in a source block"
		return source.Diagnostics{d}
	}
	offset := badByte(text)
	if offset < 0 {
		return nil
	}
	pos := source.NewLines(text[:offset]).Pos(offset)
	d.Subject = source.Range{File: name, Start: pos, End: pos}
	d.Code, d.Summary = source.CodeEncoding, fmt.Sprintf("%s is not valid UTF-8", name)
	d.Detail = fmt.Sprintf("Byte %d of the file is 0x%02X.", offset+1, text[offset])
	d.Hint = "save the file as UTF-8"
	if text[offset] == 0 {
		d.Summary, d.Detail = fmt.Sprintf("%s holds a NUL", name), fmt.Sprintf("Byte %d of the file is 0, which stands in no text: the file is damaged, binary, or in UTF-16.", offset+1)
		d.Hint = "take it out, or save the file as UTF-8 text"
	}
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		d.Detail = "It is encoded in UTF-16."
	}
	return source.Diagnostics{d}
}

// badByte returns the offset of the first byte that is no UTF-8 text, -1 if there is none.
func badByte(text []byte) int {
	if utf8.Valid(text) {
		return bytes.IndexByte(text, 0)
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			return i
		}
		i += n
	}
	return -1
}

// sentence makes a whole sentence of an error's text.
func sentence(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + strings.TrimRight(s[n:], ".") + "."
}
