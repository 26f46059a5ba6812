package resolve

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Folder is where a module's files are, relative to the root module's folder, with forward slashes; "" is that itself.
// It may lead upwards, "../shared".
type Folder struct {
	Dir string
	// Repository is the folder of the repository that the module was fetched with, which its own paths to modules cannot
	// leave; "" for modules that lie with the root.
	Repository string
	URL        string // of that repository
}

// Locate finds the folder of the module that a block calls, from that of the block itself. The diagnostic is nil where it
// is found, and for a source that is missing, which has been told.
func Locate(b *syntax.Block, caller Folder, fetched func(string, Folder) (Folder, *source.Diagnostic)) (Folder, bool, *source.Diagnostic) {
	a := b.Attrs["source"]
	if a == nil {
		return Folder{}, false, nil
	}
	v, hds := a.Expr.Value(nil)
	if hds.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return Folder{}, false, &source.Diagnostic{Severity: source.Error, Code: source.CodeNotConstant, Subject: a.Range,
			Summary: "the source of a module is written out", Detail: "It is a string, known before anything is evaluated."}
	}
	at, d := locate(v.AsString(), caller, fetched)
	if d != nil {
		d.Severity, d.Subject = source.Error, a.Range
	}
	return at, d == nil, d
}

// locate finds the folder that the source of a module call names: beside the caller's, or fetched from a repository. With
// fetched nil there are no repositories. A source with an @ is not repeated in the message.
func locate(given string, caller Folder, fetched func(string, Folder) (Folder, *source.Diagnostic)) (Folder, *source.Diagnostic) {
	switch {
	case given == "." || strings.HasPrefix(given, "./") || strings.HasPrefix(given, "../"):
		return beside(given, caller)
	case remote().MatchString(given) && fetched != nil:
		return fetched(given, caller)
	}
	d := &source.Diagnostic{Code: source.CodeModule, Summary: "the source is no folder",
		Detail: "A module is a folder of .mlp files, named relative to this one: \"./features\", \"../shared\"; or one of a git repository: " +
			"\"git::https://example.com/team/modules.git//features?ref=v1.2.0\"."}
	if strings.Contains(given, "@") {
		return Folder{}, d // it may hold a password
	}
	d.Summary = fmt.Sprintf("%q is no folder", given)
	if !strings.HasPrefix(given, "/") && !strings.Contains(given, ":") && given != "" {
		d.Hint = fmt.Sprintf("write %q", "./"+given)
	}
	return Folder{}, d
}

// remote matches sources that are meant to be fetched: "git::…", "https://…", "git@example.com:…", "github.com/…".
var remote = lazyregexp.New(`^[A-Za-z0-9]+::|://|^(github|gitlab|bitbucket)\.(com|org)/|^[^/]+@[^/]+:`)

// beside is a folder named relative to the caller's.
func beside(given string, caller Folder) (Folder, *source.Diagnostic) {
	at := caller
	if at.Dir = path.Clean(path.Join(caller.Dir, given)); at.Dir == "." {
		at.Dir = ""
	}
	if caller.Repository != "" && at.Dir != caller.Repository && !strings.HasPrefix(at.Dir, caller.Repository+"/") {
		return Folder{}, &source.Diagnostic{Code: source.CodeModule, Summary: fmt.Sprintf("%q leads out of the repository", given),
			Detail: "A module that was fetched has the files of its repository, and no others."}
	}
	return at, nil
}

// folder is that of the module called. A module that calls one around it would be resolved without end, and is refused.
// Folders around are compared as they are on disk (real), so that neither "../parts/../parts" nor a link hides one.
func (r *resolver) folder(b *syntax.Block) (Folder, bool) {
	at, ok, d := Locate(b, r.at, r.opts.Fetched)
	if d != nil {
		r.report(*d)
	}
	if ok && slices.ContainsFunc(append(slices.Clone(r.calls), r.at.Dir), func(around string) bool { return r.real(around) == r.real(at.Dir) }) {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeModule, Subject: b.Attrs["source"].Range,
			Summary: fmt.Sprintf("%s.%s calls the module that it stands in", b.Kind, b.Name),
			Detail:  "A module cannot be a part of itself.",
		})
		return Folder{}, false
	}
	return at, ok
}

// real is a folder whatever links lead to it: a module that has itself inside by a link would go on without end.
// Answers are kept for the whole run: a module with a thousand calls asks the file system once for each folder.
func (r *resolver) real(dir string) string {
	if r.root == "" {
		return dir
	}
	known, ok := r.reals[dir]
	if !ok {
		known = dir
		if p, err := filepath.EvalSymlinks(filepath.Join(r.root, filepath.FromSlash(dir))); err == nil {
			known = p
		}
		r.reals[dir] = known
	}
	return known
}
