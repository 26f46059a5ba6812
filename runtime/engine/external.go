package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Files says which files a configuration means, as seen from a folder: a root and names below it. That none is there
// is an fs.ErrNotExist. No names, and no error, are those that the plan has, whatever came beside them.
type Files func(kind, typ, dir string, config json.RawMessage) (root string, names []string, err error)

// outside finds out whether files outside are those that a plan names. Not only they are looked at: what the block's path
// means is asked again, so that a file that came is seen as well as one that went.
type outside struct {
	store *store.Store
	dir   string // the module's folder
	ask   Files  // nil: only the files named are looked at
}

// differ says how the files of an input differ from those planned; empty if they do not. gone tells that none is there, which a
// stage whose result is recorded can live with. Files are hashed unless their size and times are those of a hash that is kept.
func (o outside) differ(ctx context.Context, n *plan.Node, in *plan.Input) (why string, gone bool, err error) {
	names := in.External.Names()
	if o.ask != nil && in.Port != schema.CodePort { // of code the stage gets the files that are named, whatever came beside them
		root, now, err := o.ask(n.Kind, n.Type, filepath.Join(o.dir, filepath.FromSlash(in.External.Dir)), n.Config)
		if errors.Is(err, fs.ErrNotExist) {
			return "none of its files is there: " + err.Error(), true, nil
		}
		if err != nil {
			return "", false, err
		}
		if now != nil {
			names = now
		}
		if !filepath.IsAbs(root) {
			root = filepath.Join(in.External.Dir, root)
		}
		if now != nil && filepath.Clean(root) != filepath.Clean(in.External.Root) {
			return "its path means files below " + root + ", and the plan has them below " + in.External.Root, false, nil
		}
	}
	now, digest, err := o.store.HashFiles(ctx, o.dir, in.External.Root, names)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(err) + " is gone", o.ask == nil, nil
	case err != nil:
		return "", false, err
	case digest != in.Digest:
		return filesDiffer(in.External, &now), false, nil
	}
	return "", false, nil
}

// filesDiffer names the files that were added, changed and removed.
// Names are sorted, and relative to the module's folder: "data/a.csv was changed, data/b.csv was added".
func filesDiffer(planned, now *plan.External) string {
	was, is := map[string]plan.ExternalFile{}, map[string]plan.ExternalFile{}
	for _, f := range planned.Files {
		was[f.Name] = f
	}
	for _, f := range now.Files {
		is[f.Name] = f
	}
	var out []string
	say := func(name, what string) {
		out = append(out, filepath.ToSlash(filepath.Join(planned.Root, name))+what)
	}
	for name, f := range is {
		if old, ok := was[name]; !ok {
			say(name, " was added")
		} else if old != f {
			say(name, " was changed")
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			say(name, " was removed")
		}
	}
	if len(out) == 0 {
		return "the digest of " + planned.Root + " is another one"
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// checkExternal compares files outside with what the plan says of them. A stage reads them in place, so they are looked
// at before it runs and again after.
func (r *run) checkExternal(ctx context.Context, n *plan.Node) error {
	for i := range n.Inputs {
		in := &n.Inputs[i]
		if in.External == nil || in.External.Remote { // a fetch itself sees to the version
			continue
		}
		why, gone, err := outside{r.Store, r.dir, r.Files}.differ(ctx, n, in)
		switch {
		case err != nil:
			return err
		case gone:
			return attempt.Failuref(attempt.StaleFailure, "files are gone since the plan was made: %s; plan again", why)
		case why != "":
			return &Failure{
				Kind:    attempt.StaleFailure,
				Summary: "the data changed after the plan was made or while it was read",
				Detail:  "Since then " + why + ". Plan again when nothing writes to it.",
			}
		}
	}
	return nil
}

// missing names the file that is not there, without what was done to it.
// Of an error without a path it is the error's text.
func missing(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path
	}
	return err.Error()
}
