package syntax

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// ValuesExtension is that of files which give values to a module's variables.
const ValuesExtension = ".mlpvars"

// ReadValues reads a file of values: one argument for each variable, and no blocks. name is what diagnostics call the
// file; its text is returned for them, without a byte order mark.
func ReadValues(path, name string) ([]*Attr, []byte, source.Diagnostics) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil, source.Diagnostics{missingValues(path, name, err)}
	}
	text, ds := readFile(path, name)
	if ds.HasErrors() {
		return nil, text, ds
	}
	attrs, ds := ParseValues(name, text)
	return attrs, text, ds
}

// missingValues words a file of values that cannot be read. The hint looks in the same folder, for files with the
// extension of such files.
func missingValues(path, name string, err error) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnreadable, Summary: fmt.Sprintf("the file of values %s cannot be read", name),
		Detail: sentence(err.Error()),
	}
	if others, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+ValuesExtension)); len(others) > 0 {
		for i := range others {
			others[i] = filepath.Base(others[i])
		}
		d.Hint = suggest.DidYouMean(filepath.Base(path), others)
	}
	return d
}

// ParseValues parses the text of a file of values. The arguments are in the order of the file.
// A file of values (*.mlpvars) has lines name = value and no blocks; that a variable of the name exists, and takes such
// a value, is for the caller. Nothing is evaluated.
func ParseValues(name string, text []byte) ([]*Attr, source.Diagnostics) {
	f := NewFile(name, bytes.TrimPrefix(text, byteOrderMark))
	if ds := CheckText(name, f.Bytes); ds.HasErrors() {
		return nil, ds
	}
	if _, ds := measure(f, 0); ds != nil {
		return nil, ds
	}
	body, hds := parseFrom(f, 0)
	var ds source.Diagnostics
	for _, d := range hds {
		ds = append(ds, f.Diagnostic(d, ""))
	}
	for _, b := range body.Blocks {
		ds = append(ds, source.Diagnostic{
			Severity: source.Error, Code: source.CodeValuesBlock, Subject: f.Range(b.TypeRange),
			Summary: fmt.Sprintf("%s is a block, and %s holds values of variables", b.Type, name),
			Detail:  "Each line gives one variable its value: name = value.",
			Hint:    fmt.Sprintf("blocks stand in files whose names end in %s", Extension),
		})
	}
	attrs := make([]*Attr, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, &Attr{
			Name: a.Name, Expr: a.Expr, File: f, NameRange: f.Range(a.NameRange), Range: f.Range(a.Expr.Range()),
		})
	}
	sortAttrs(attrs)
	return slices.Clip(attrs), ds.Sort()
}
