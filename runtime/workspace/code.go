package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	imagefile "github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/source/local"
)

// Code finds files of code that a block means, in the root module's folder dir, and digests them. Each must lie in that folder, links followed: code of a
// module is what is reviewed with it. What the component that makes an image finds wrong in them is a planner.CodeError.
func (w *Workspace) Code(ctx context.Context, s *store.Store, b *check.Block, at string, files []schema.Files) (*plan.External, plan.Digest, error) {
	dir := filepath.Join(w.Dir, b.Dir)
	var names []string
	for _, f := range files {
		found, _, err := w.found(dir, f)
		if err != nil {
			return nil, "", err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	ext, digest, err := s.HashFiles(ctx, w.Dir, path.Clean(filepath.ToSlash(b.Dir)), slices.Compact(names))
	if err != nil {
		return nil, "", err
	}
	ext.Dir = folderOf(b)
	return &ext, digest, inspect(b, at, dir)
}

// found are the files that an attribute means, and those that it would mean but for its Ignore. Errors are a planner.CodeError.
func (w *Workspace) found(dir string, f schema.Files) (names, ignored []string, err error) {
	for _, pattern := range f.Patterns {
		found, err := codeFiles(dir, pattern)
		if err != nil {
			return nil, nil, &planner.CodeError{Path: f.Path, Summary: err.Error(), Hint: "paths of code are relative to the folder of the module"}
		}
		if !w.Roots.Of(w.Dir).Quotable(dir, found) {
			return nil, nil, &planner.CodeError{Path: f.Path, Summary: fmt.Sprintf("%s lies outside of the module's folder, or in a hidden one", pattern),
				Hint: "copy what the program needs into the folder of the module"}
		}
		names = append(names, found...)
	}
	if f.Ignore == "" {
		return names, nil, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Ignore)))
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil, nil
	}
	if err == nil {
		names, ignored, err = imagefile.Ignore(text, path.Dir(f.Ignore), names)
	}
	if err != nil {
		return nil, nil, &planner.CodeError{Path: f.Path, Summary: fmt.Sprintf("%s: %v", f.Ignore, err)}
	}
	return names, ignored, nil
}

// Bases are the names of the images that the build of a block rests on, less those that are given. What the component finds wrong in the Dockerfile, and in what that
// copies, is a planner.CodeError.
func (w *Workspace) Bases(b *check.Block, build *schema.Build, given []string) ([]string, error) {
	dir := filepath.Join(w.Dir, b.Dir)
	var left, ignored []string
	for _, f := range b.Program.Code {
		if f.Ignore == "" {
			continue
		}
		names, out, err := w.found(dir, f)
		if err != nil {
			return nil, err
		}
		left, ignored = append(left, names...), append(ignored, out...)
	}
	c := stdlib.Component(ComponentName(b.Kind, b.Type))
	names, wrong := c.Bases(*build, b.Program.Network, given, os.DirFS(dir), left, ignored)
	if wrong != nil {
		mistake := planner.CodeError(*wrong)
		return nil, &mistake
	}
	return names, nil
}

// Bases are those of the Dockerfile as it is here.
func (x *sources) Bases(_ context.Context, at string, build *schema.Build, given []string) ([]string, error) {
	return x.s.w.Bases(x.s.Module.Blocks[at], build, given)
}

// codeFiles are the names below dir that a pattern means.
func codeFiles(dir, pattern string) ([]string, error) {
	if !filepath.IsLocal(filepath.FromSlash(pattern)) {
		return nil, fmt.Errorf("%q leads out of the folder of the module", pattern)
	}
	root, names, err := local.Find(dir, pattern)
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i] = path.Join(root, names[i])
	}
	return names, nil
}

// inspect asks the component of the stage at an address, of a block or of the image that it runs in, what is wrong with its files. Where it does not say which attribute
// is wrong, that is the one which means the files.
func inspect(b *check.Block, at, dir string) error {
	name, config, files := ComponentName(b.Kind, b.Type), b.Config, b.Program.Code
	if _, role := address.Of(at); address.Role(role) == string(schema.ImageRole) {
		m := b.Program.Image.Made
		name, config, files = ComponentName(schema.ImageKind, m.Type), m.Config, m.Program.Code
	}
	c := stdlib.Component(name)
	if c == nil || c.Inspect == nil {
		return nil
	}
	for _, problem := range c.Inspect(config, os.DirFS(dir)) {
		wrong := planner.CodeError(problem)
		if wrong.Path == "" {
			wrong.Path = files[0].Path
		}
		return &wrong
	}
	return nil
}

// longestCode is how long a file is of which the edited line is looked for.
const longestCode = 1 << 20

// Edited is the first line in which a file of code differs from the recorded one, which the store has since a stage ran with it. Of lines that were only
// added there is none before, of lines that were only removed none after.
func (w *Workspace) Edited(s *store.Store, in *plan.External, name string, was plan.Digest) (before, after *plan.CodeLine) {
	old, err := s.Get(was)
	if err != nil {
		return nil, nil
	}
	now, err := os.ReadFile(filepath.Join(w.Dir, filepath.FromSlash(in.Root), filepath.FromSlash(name)))
	if err != nil || len(old) > longestCode || len(now) > longestCode || !utf8.Valid(old) || !utf8.Valid(now) {
		return nil, nil
	}
	return firstEdit(strings.SplitAfter(string(old), "\n"), strings.SplitAfter(string(now), "\n"))
}

// firstEdit compares lines: what is the same at both ends is left out, and of what is left the first line on each side is told.
func firstEdit(a, b []string) (before, after *plan.CodeLine) {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	x, y := a[at:], b[at:]
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	line := func(rest []string) *plan.CodeLine {
		if len(rest) == 0 {
			return nil
		}
		return &plan.CodeLine{Line: at + 1, Text: strings.TrimRight(rest[0], "\r\n")}
	}
	return line(x), line(y)
}

// Code is that of the module as it is here. Where a file is missing the recorded code is not taken in its place: a program is part of what is planned.
func (x *sources) Code(ctx context.Context, at string, files []schema.Files) (*plan.External, plan.Digest, error) {
	ext, digest, err := x.s.w.Code(ctx, x.s.Store, x.s.Module.Blocks[address.Block(at)], at, files)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("its code is being removed: %s", err.Error())
	}
	return ext, digest, err
}

// Edited looks for the line that was edited.
func (x *sources) Edited(_ string, in *plan.External, name string, was plan.Digest) (before, after *plan.CodeLine) {
	return x.s.w.Edited(x.s.Store, in, name, was)
}
