// Package component is the contract between a component of the standard library and whoever checks or runs it.
//
// A component is a value: its schema, how it shapes what it yields, and how it runs. The compiler asks for shapes,
// the engine runs stages; both go through this package and neither knows a component by name.
//
// A stage runs under a root folder (in a container: /mlp) laid out as spec/protocol.md says. Its input and output are
// files there, and its outcome is its exit code.
package component

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Component is one type of one kind of block.
type Component struct {
	Kind string
	Type schema.Type

	// Shape says what a block yields, and what is wrong with it. It must not read files or the network. Required.
	Shape func(ctx context.Context, b Binder, req schema.ShapeRequest) schema.ShapeResult
	// Source is set on components that read files from outside.
	Source *Source
	// Version is set on components that fetch (schema.FetchKind): what lies outside now, in a few words for people, `ETag "33a64df5"`.
	// Where that would be fetched as other bytes it is another text. It is cheap, for every plan asks. What does not answer is
	// an ErrUnreachable; what answers that it has no such thing, or may not give it, is an *InputError.
	Version func(ctx context.Context, o Outside) (string, error)
	// Columns is set on components that fetch where what lies outside says of itself which columns it has, as a database does.
	// Nil: they are found in what Run fetches, as in local files. Errors are those of Version.
	Columns func(ctx context.Context, o Outside) ([]schema.Column, error)
	// Queries are the SELECTs that Run runs over tables, as far as they are known without data. Nil: there are none.
	Queries func(ctx context.Context, req schema.ShapeRequest) ([]Query, error)
	// Derive says which stages are planned because of a block: a pure function of its configuration and shapes. Nil: none.
	Derive func(req schema.DeriveRequest) ([]schema.Derivation, error)
	// Program says what a block's stage runs where that is somebody's image. Nil: the component's Run.
	Program func(config json.RawMessage) (*schema.Program, error)
	// Inspect is set on components that make images and no block is of: what is wrong with the files that Program's code is, as far as that can be seen in
	// them; files is the folder of the module. It is asked when a plan is made.
	Inspect func(config json.RawMessage, files fs.FS) []schema.Problem
	// Bases is set on components whose program is a build: the names of the images that it rests on, less those that are given, or what is wrong with its files, as far as
	// that can be seen in them. files is the folder of the module; left are the names of the context that may be copied, and ignored those that are
	// left out.
	Bases func(b schema.Build, network bool, given []string, files fs.FS, left, ignored []string) ([]string, *schema.Problem)
	// Run does the work. Nil for those that compute nothing (http deployments) or have a Program. On cancellation it returns soon.
	Run func(ctx context.Context, s *Stage) error
}

// Name is "kind.type", as a stage's description names it.
func (c *Component) Name() string {
	if c.Type.Name == "" {
		return c.Kind
	}
	return c.Kind + "." + c.Type.Name
}

// Outside is what a fetch gets: its configuration, and what opens it.
type Outside struct {
	Config json.RawMessage
	Dir    string // the folder that paths of this machine are relative to
	Secret []byte // nil: there is none
}

// ErrUnreachable marks what did not answer: a plan goes by what is recorded.
var ErrUnreachable = errors.New("no answer")

// Unreachable marks an error as ErrUnreachable, and says what it says.
func Unreachable(err error) error { return unreachable{err} }

type unreachable struct{ error }

func (u unreachable) Unwrap() error        { return u.error }
func (u unreachable) Is(target error) bool { return target == ErrUnreachable }

// Source finds and looks at files outside.
type Source struct {
	// Files lists what the configuration means: a root folder (relative to dir, or absolute) and names below it,
	// sorted, with forward slashes. No match is an error that names the pattern; it is an fs.ErrNotExist where nothing is
	// there at all, so that a plan may go by what is recorded of the files.
	Files func(dir string, config json.RawMessage) (root string, names []string, err error)
	// Log is set in place of Files where the files are the tables of a deployment's log: its address, and which of the log's tables, whose sorted names it
	// is given, are meant.
	Log func(config json.RawMessage, names []string) (deployment string, meant []string, err error)
	// NoLog reports whether a log that has no tables yet is a table without rows.
	NoLog func(config json.RawMessage) bool
	// Sniff finds the columns of such files where the block declares none.
	Sniff func(ctx context.Context, root string, names []string, config json.RawMessage) ([]schema.Column, error)
}

// Binder types SQL on empty tables. Implementations cache by engine version, query and schemas.
type Binder interface {
	// Query types one SELECT over the named tables. Volatile functions, several statements and access to anything
	// else are problems; their Offset and Length are in the query's text.
	Query(ctx context.Context, query string, tables map[string]*schema.Table) ([]schema.Column, []schema.Problem)
	// Expr types one scalar or aggregate expression over one table's columns; aggregate tells which is expected.
	Expr(ctx context.Context, expr string, table *schema.Table, aggregate bool) (schema.Column, []schema.Problem)
}

// Query is a SELECT that a component runs over tables, by the names that it has for them.
type Query struct {
	SQL    string
	Tables map[string]*schema.Table
	// Path leads to the attribute that it was written in, and Place takes a place in SQL to one in there; empty and nil where the component made it.
	Path  string
	Place func(schema.Problem) schema.Problem
}

// ErrRetry marks a failure that may pass when tried again: exit code 75.
var ErrRetry = errors.New("try again")

// ExitRetry and ExitNever are the exit codes with a meaning of their own.
const (
	ExitRetry = 75
	ExitNever = 78
)

// InputError is a mistake in what the user gave, data or configuration: it is shown without the noise of an internal
// failure and never tried again (exit code 78).
type InputError struct {
	Summary string // what is wrong, with file, row, column, value where there are any
	Detail  string // what was expected, what to do
	Err     error  // what it comes of; may be nil
	// Bare is what is wrong, and where, without a word of what was read; "" where that cannot be said.
	Bare string
}

func (e *InputError) Unwrap() error { return e.Err }

func (e *InputError) Error() string {
	if e.Detail == "" {
		return e.Summary
	}
	return e.Summary + "\n" + e.Detail
}
