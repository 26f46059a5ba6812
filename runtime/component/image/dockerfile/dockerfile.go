// Package dockerfile reads what an image is built by: which images a build rests on, what it copies of its context, and what the engine's builder cannot do. It
// writes the text that the builder gets, in which the images are named by their IDs.
package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Epoch is the time that a build finds as SOURCE_DATE_EPOCH, and that files have which it makes: the first second that a zip archive can name.
const Epoch = 315532800

// scratch is the base that is no image.
const scratch = "scratch"

// Error is a mistake in a Dockerfile.
type Error struct {
	Line            int // 0: of the whole file
	Summary, Detail string
}

func (e *Error) Error() string { return e.Summary }

// File is a Dockerfile that was read, up to the stage that is built.
type File struct {
	nodes  []*parser.Node // one an instruction
	stages []instructions.Stage
	args   map[string]string // what stands before the first FROM, with what the build says of it
	lex    *shell.Lex
	escape rune
	own    map[string]bool // arguments that some ARG declares
}

// Parse reads a Dockerfile, as far as the stage named target; empty: the last one. args are what the build says of its arguments. Errors are an *Error.
func Parse(text []byte, target string, args map[string]string) (*File, error) {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, told(err)
	}
	stages, before, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, told(err)
	}
	if len(stages) == 0 {
		return nil, &Error{Summary: "there is no FROM in it"}
	}
	f := &File{nodes: parsed.AST.Children, stages: stages, lex: shell.NewLex(parsed.EscapeToken), escape: parsed.EscapeToken, args: map[string]string{}, own: map[string]bool{}}
	f.lex.SkipUnsetEnv = true
	if err := f.cut(target); err != nil {
		return nil, err
	}
	for _, n := range f.nodes {
		if err := buildable(n); err != nil {
			return nil, err
		}
	}
	if err := f.declare(before, args); err != nil {
		return nil, err
	}
	return f, nil
}

// told is an error of the parser with its line.
func told(err error) *Error {
	e := &Error{Summary: err.Error()}
	var at *parser.ErrorLocation
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		e.Line = at.Locations[0][0].Start.Line
	}
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(e.Summary, "dockerfile parse error") { // the place is told apart
		e.Summary = inner.Error()
	}
	return e
}

// cut leaves out what stands behind the stage that is built.
func (f *File) cut(target string) error {
	if target == "" {
		return nil
	}
	i, ok := instructions.HasStage(f.stages, target)
	if !ok {
		var names []string
		for _, s := range f.stages {
			if s.Name != "" {
				names = append(names, s.Name)
			}
		}
		e := &Error{Summary: fmt.Sprintf("it has no stage %q", target)}
		if len(names) > 0 {
			e.Detail = "It has " + strings.Join(names, ", ") + "."
		}
		return e
	}
	f.stages = f.stages[:i+1]
	for at, n := range f.nodes {
		if !is(n, command.From) {
			continue
		}
		if i--; i == -2 {
			f.nodes = f.nodes[:at]
			break
		}
	}
	return nil
}

func is(n *parser.Node, name string) bool { return strings.EqualFold(n.Value, name) }

// flags are those that the engine's builder knows. All others are BuildKit's.
var flags = map[string][]string{
	command.From: {"platform"}, command.Copy: {"from", "chown"}, command.Add: {"chown"},
	command.Healthcheck: {"interval", "timeout", "start-period", "retries"},
}

// buildable refuses what the engine's own builder cannot do.
func buildable(n *parser.Node) error {
	name := strings.ToLower(n.Value)
	for _, flag := range n.Flags {
		option, _, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if !slices.Contains(flags[name], option) {
			return &Error{Line: n.StartLine, Summary: fmt.Sprintf("%s --%s is BuildKit's, and the engine's own builder builds this", strings.ToUpper(name), option),
				Detail: "Write it without: what is mounted or linked there can be copied, and left out of the last stage."}
		}
	}
	if len(n.Heredocs) > 0 {
		return &Error{Line: n.StartLine, Summary: "a text within the Dockerfile (<<) is BuildKit's, and the engine's own builder builds this", Detail: "Put it into a file, list it in files and copy it."}
	}
	return nil
}

// declare notes the arguments that there are, and refuses what the build says of others.
func (f *File) declare(before []instructions.ArgCommand, args map[string]string) error {
	for _, n := range f.nodes {
		if is(n, command.Arg) {
			for next := n.Next; next != nil; next = next.Next {
				name, _, _ := strings.Cut(next.Value, "=")
				f.own[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if !f.own[name] {
			e := &Error{Summary: fmt.Sprintf("no ARG of it declares %s", name), Detail: "It declares " + strings.Join(slices.Sorted(maps.Keys(f.own)), ", ") + "."}
			if len(f.own) == 0 {
				e.Detail = "It declares none."
			}
			return e
		}
	}
	for _, c := range before {
		for _, a := range c.Args {
			value, said := args[a.Key]
			if !said && a.Value != nil {
				word, _, err := f.lex.ProcessWord(*a.Value, f)
				if err != nil {
					return &Error{Line: line(c.Location()), Summary: err.Error()}
				}
				value, said = word, true
			}
			if said {
				f.args[a.Key] = value
			}
		}
	}
	return nil
}

// Get and Keys are what a FROM sees of arguments.
func (f *File) Get(name string) (string, bool) { v, ok := f.args[name]; return v, ok }

func (f *File) Keys() []string { return slices.Sorted(maps.Keys(f.args)) }

func line(at []parser.Range) int {
	if len(at) == 0 {
		return 0
	}
	return at[0].Start.Line
}

// Base is an image that a build rests on, by its name in the Dockerfile.
type Base struct {
	Name string
	Line int
}

// Bases are the images that the stages are made from, or copy from, each once, in their order.
func (f *File) Bases() ([]Base, error) {
	var out []Base
	add := func(name string, line int) {
		if name != scratch && !slices.ContainsFunc(out, func(b Base) bool { return b.Name == name }) {
			out = append(out, Base{name, line})
		}
	}
	for i, s := range f.stages {
		name, err := f.from(i)
		if err != nil {
			return nil, err
		}
		if name != "" {
			add(name, line(s.Location))
		}
		for _, c := range s.Commands {
			if c, ok := c.(*instructions.CopyCommand); ok && f.outside(c.From, i) {
				add(c.From, line(c.Location()))
			}
		}
	}
	return out, nil
}

// Below is the image that the stage which is built lies on in the end, by its name; empty: it lies on none.
func (f *File) Below() string {
	for i := len(f.stages) - 1; ; {
		name, err := f.from(i)
		if err != nil || name == scratch {
			return ""
		}
		if name != "" {
			return name
		}
		i, _ = instructions.HasStage(f.stages[:i], f.stages[i].BaseName)
	}
}

// from is the image that a stage is made from; empty: it is made from an earlier stage.
func (f *File) from(i int) (string, error) {
	s := f.stages[i]
	name, unset, err := f.lex.ProcessWord(s.BaseName, f)
	if err != nil {
		return "", &Error{Line: line(s.Location), Summary: err.Error()}
	}
	for arg := range unset {
		return "", &Error{Line: line(s.Location), Summary: fmt.Sprintf("FROM %s: nothing says what %s is", s.BaseName, arg),
			Detail: fmt.Sprintf("Only an ARG before the first FROM counts there. Give it a value, ARG %s=…, or name it in args.", arg)}
	}
	if name == "" {
		return "", &Error{Line: line(s.Location), Summary: fmt.Sprintf("FROM %s names no image", s.BaseName)}
	}
	if _, own := instructions.HasStage(f.stages[:i], name); own {
		return "", nil
	}
	return name, nil
}

// outside reports whether what the stage i copies from is an image, and no stage before it.
func (f *File) outside(from string, i int) bool {
	if from == "" {
		return false
	}
	if _, own := instructions.HasStage(f.stages[:i], from); own {
		return false
	}
	var n int
	_, err := fmt.Sscanf(from, "%d", &n)
	return err != nil || fmt.Sprint(n) != from || n >= i
}

// Step is an instruction as the builder counts them.
type Step struct {
	Line int    // in the Dockerfile
	Text string // the instruction, in one line
}

// Written is the Dockerfile for the builder, its images named by what ids says of their names, and its steps. Every stage finds SOURCE_DATE_EPOCH.
func (f *File) Written(ids map[string]string) (text []byte, steps []Step, err error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# escape=%c\n", f.escape)
	step := func(n *parser.Node, text string) {
		fmt.Fprintln(&out, text)
		steps = append(steps, Step{n.StartLine, n.Original})
	}
	stage := -1
	for _, n := range f.nodes {
		switch {
		case is(n, command.From):
			stage++
			name, err := f.from(stage)
			if err != nil {
				return nil, nil, err
			}
			words := append([]string{"FROM"}, n.Flags...)
			words = append(words, f.named(name, f.stages[stage].BaseName, ids))
			if f.stages[stage].Name != "" {
				words = append(words, "AS", f.stages[stage].Name)
			}
			step(n, strings.Join(words, " "))
			step(n, fmt.Sprintf("ARG SOURCE_DATE_EPOCH=%d", Epoch))
		case is(n, command.Copy):
			step(n, f.copied(n, stage, ids))
		default:
			step(n, n.Original)
		}
	}
	return out.Bytes(), steps, nil
}

// named is what an image, or a stage, is called for the builder.
func (f *File) named(image, stage string, ids map[string]string) string {
	switch {
	case image == "":
		return stage
	case ids[image] != "":
		return ids[image]
	}
	return image
}

// copied is a COPY whose image, if it copies from one, is named by its ID.
func (f *File) copied(n *parser.Node, stage int, ids map[string]string) string {
	for _, flag := range n.Flags {
		if from, ok := strings.CutPrefix(flag, "--from="); ok && f.outside(from, stage) && ids[from] != "" {
			return strings.Replace(n.Original, flag, "--from="+ids[from], 1)
		}
	}
	return n.Original
}
