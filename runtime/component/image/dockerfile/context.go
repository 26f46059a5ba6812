package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Context is the files that a build may copy. The Dockerfile itself is none of them.
type Context struct {
	Names   []string // relative to its folder, without those that are ignored
	Ignored []string
	File    string // the name of the Dockerfile, relative to the folder
	// Exists reports whether a file or folder of that name is there at all.
	Exists func(name string) bool
	// Network: files may be fetched.
	Network bool
}

// Ignore parts names into those that are left and those that a .dockerignore of a folder leaves out.
func Ignore(text []byte, folder string, names []string) (left, ignored []string, err error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(string(text)))
	if err != nil {
		return nil, nil, err
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		out, err := m.MatchesOrParentMatches(strings.TrimPrefix(name, folder+"/"))
		if err != nil {
			return nil, nil, err
		}
		if out {
			ignored = append(ignored, name)
		} else {
			left = append(left, name)
		}
	}
	return left, ignored, nil
}

// Copies refuses instructions that copy what the context does not have. What they name by variables is not known here, and is left to the builder.
func (f *File) Copies(c Context) error {
	for _, s := range f.stages {
		for _, cmd := range s.Commands {
			var sources []string
			switch cmd := cmd.(type) {
			case *instructions.CopyCommand:
				if cmd.From == "" {
					sources = cmd.SourcePaths
				}
			case *instructions.AddCommand:
				sources = cmd.SourcePaths
			}
			for _, source := range sources {
				if err := c.copies(cmd.Name(), source); err != nil {
					err.Line = line(cmd.(interface{ Location() []parser.Range }).Location())
					return err
				}
			}
		}
	}
	return nil
}

func (c Context) copies(command, source string) *Error {
	does := strings.ToUpper(command) + " " + source
	switch {
	case strings.Contains(source, "$"):
		return nil
	case strings.Contains(source, "://") || strings.HasPrefix(source, "git@"):
		if c.Network {
			return nil
		}
		return &Error{Summary: does + " needs a network, and the build has none", Detail: "Put the file into the module, and list it in files; or set network = true."}
	}
	name := strings.TrimPrefix(path.Clean("/"+source), "/")
	switch {
	case name != "" && name == c.File:
		return &Error{Summary: does + ": the Dockerfile is no part of the context", Detail: "Copy what you need of it in a file of its own."}
	case slices.ContainsFunc(c.Names, func(n string) bool { return below(n, name) }):
		return nil
	case slices.ContainsFunc(c.Ignored, func(n string) bool { return below(n, name) }):
		return &Error{Summary: does + ": .dockerignore leaves it out", Detail: "Except it there, by a line !" + source + ", or copy something else."}
	case name == "":
		return &Error{Summary: does + ": the context has no files", Detail: "List them in files, or name their folder as context."}
	case c.Exists(name):
		return &Error{Summary: does + ": it is no part of the context", Detail: fmt.Sprintf("List it: files = [%q]. Files that are not listed are not there.", source)}
	}
	return &Error{Summary: does + ": there is no such file", Detail: "Paths are relative to the context, which is the folder of the module unless context names another."}
}

// below reports whether a file has a name that a pattern of COPY matches, or lies in a folder that has: "src/a.py" below "src", "*" and "".
func below(file, pattern string) bool {
	if pattern == "" {
		return true
	}
	parts, deep := strings.Split(file, "/"), strings.Count(pattern, "/")+1
	if len(parts) < deep {
		return false
	}
	ok, err := path.Match(pattern, strings.Join(parts[:deep], "/"))
	return ok && err == nil
}
