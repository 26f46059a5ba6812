package plan

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// grammars are the words of the tag is, with what each lets a string be. An empty string is let pass by all: whether a
// field must be set is another question (complete).
var grammars = map[string]grammar{
	"address":  pattern("address of a block", address.Pattern),
	"port":     pattern("name of a port", `^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`),
	"name":     pattern("name", `^[a-z0-9_-]+$`),
	"kind":     pattern("kind or type of a block", `^[a-z][a-z0-9_]*$`),
	"image":    pattern("name of an image", `^[A-Za-z0-9][A-Za-z0-9._/:@+-]*$`),
	"variable": pattern("name of a variable of the environment", `^[A-Za-z_][A-Za-z0-9_]*$`),
	"word":     pattern("word", `^[A-Za-z0-9][A-Za-z0-9._-]*$`),
	"file": {"name of a file below its folder", func(s string) bool {
		return filepath.IsLocal(filepath.FromSlash(s)) && noControl(s)
	}},
	"path": {"path", noControl},
	"text": {"text", func(string) bool { return true }},
}

// imageVersion is that of an ImageVersion.
var imageVersion = pattern("version of an image", `^sha256:[0-9a-f]+ [a-z0-9]*/[a-z0-9_./-]*$`)

// grammar is what a string holds, in words for messages, and whether it does.
type grammar struct {
	what  string
	holds func(string) bool
}

func pattern(what, re string) grammar {
	compiled := lazyregexp.New(re)
	return grammar{what, func(s string) bool { return compiled().MatchString(s) }}
}

// noControl reports whether a text has nothing that a terminal would act on. What only looks like something else, as blanks of other widths
// do that stand in names of files, is cleaned where it is shown. Sources refuse files whose names are otherwise.
func noControl(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }

// wellFormed holds every string of a value to what its field says. where is the path of v for messages. A string field
// without a tag is refused by Read, so that a field cannot be added without saying what it holds.
func wellFormed(v reflect.Value, tag, where string) error {
	t := v.Type()
	switch {
	case t == reflect.TypeFor[Digest]():
		if d := Digest(v.String()); d != "" {
			if _, err := d.Hex(); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		}
		return nil
	case t.Kind() == reflect.String && t.PkgPath() != "":
		tag = "word"
	}
	switch t.Kind() {
	case reflect.String:
		g, ok := grammars[tag]
		switch s := v.String(); {
		case !ok:
			return fmt.Errorf("%s: nothing is said of what it holds", where)
		case s != "" && !g.holds(s):
			return fmt.Errorf("%s: %q is no %s", where, s, g.what)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return wellFormed(v.Elem(), tag, where)
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil // JSON of the language's own, which is data
		}
		for i := range v.Len() {
			if err := wellFormed(v.Index(i), tag, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			if err := wellFormed(k, tag, where+" has a key"); err != nil {
				return err
			}
			if err := wellFormed(v.MapIndex(k), "text", where+"."+k.String()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for _, f := range taggedFields(t) {
			if err := wellFormed(v.Field(f.index), f.tag, where+"."+f.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagged is a field with its tag.
type tagged struct {
	index     int
	name, tag string
}

var taggedOf sync.Map // reflect.Type to []tagged

// taggedFields are the fields of a type of this package. What other packages describe, such as tables, places in files and
// times, is data: none of its strings names anything outside of it.
func taggedFields(t reflect.Type) []tagged {
	if known, ok := taggedOf.Load(t); ok {
		return known.([]tagged)
	}
	var out []tagged
	if t.PkgPath() == reflect.TypeFor[Plan]().PkgPath() {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			out = append(out, tagged{i, name, f.Tag.Get("is")})
		}
	}
	known, _ := taggedOf.LoadOrStore(t, out)
	return known.([]tagged)
}

// WellFormed fails where a string of the node does not hold what its field says, as Read does for a whole plan: for one that crosses
// a border alone.
func (n *Node) WellFormed() error {
	if err := wellFormed(reflect.ValueOf(n), "", "it"); err != nil {
		return err
	}
	return n.imageFormed()
}

// imageFormed fails where a stage with a container has no image, or one that is no name and version of an image: what runs is an ID, and no
// name, which may move. So it does where a stage that builds one rests on such.
func (n *Node) imageFormed() error {
	switch {
	case n.Container == nil:
		return nil
	case n.Builds():
		if len(n.Container.Command) > 0 || n.Input(ImagePort) != nil {
			return fmt.Errorf("it builds an image, and runs something in one")
		}
		for _, in := range n.Remotes() {
			if err := formed(in.External); err != nil {
				return err
			}
		}
		return nil
	case n.Image() == nil:
		return fmt.Errorf("it has a container, and no image")
	case n.Input(ImagePort).External == nil:
		return nil // a stage makes it
	}
	return formed(n.Image())
}

// formed fails where an image by a name has none, or another version than images have.
func formed(x *External) error {
	switch {
	case !grammars["image"].holds(x.Root):
		return fmt.Errorf("%q is no %s", x.Root, grammars["image"].what)
	case x.Version != "" && !imageVersion.holds(x.Version):
		return fmt.Errorf("%q is no %s", x.Version, imageVersion.what)
	}
	return nil
}
