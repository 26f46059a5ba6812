// Package resolve evaluates a module: what blocks there are, what each is configured with, and what it refers to.
//
// Resolve goes variables → locals → blocks → outputs. Mistakes are gathered, and a value that rests on one is left out
// without another word, so that each is told once. Types across blocks are not looked at here.
package resolve

// A worked example:
//
//	variable "markets" { default = ["eu", "us"] }
//	split "time" "s" {
//	  for_each = toset(variable.markets)
//	  from     = dataset.payments
//	  by       = "paid_at"
//	}
//	train "logistic_regression" "m" {
//	  for_each = toset(variable.markets)
//	  data     = split.s[each.key].train
//	  target   = "is_fraud"
//	  timeout  = "2h"
//	}
//
// Scope. All blocks that stand once are put into the scope under their addresses; a repeated block and a module call are not
// there yet, for their addresses depend on values. Variables come first: the value given from outside, else the default. Then
// locals, for_each and module calls are evaluated depth first, each after what it reads, whatever their order in the files; a
// cycle among them is reported hop by hop. for_each takes a map or a set of strings and gives one instance for each key, sorted:
// split.s["eu"], split.s["us"]. A list is refused, because its instances would move when an element goes. A called module is
// resolved by a resolver of its own, whose addresses have a prefix (module.cards.), and is read through its outputs alone.
//
// Blocks. Each block's arguments are evaluated and sorted by what a change of them means:
//
//	Config    decides the result and is fingerprinted         target, columns, sql
//	Policy    is read by gates and the engine                 rules, approvals
//	Meta      changes no result                               timeout = "2h", descriptions
//
// An argument that is a query or a rule is not evaluated; its text is kept with the place of each byte (Texts).
//
// References. `data = split.s[each.key].train` evaluates to an opaque value. In train.m["eu"] it becomes
//
//	Reference{Path: "data", Port: "data", Target: `split.s["eu"]`, TargetPort: "train", Edge: InputEdge}
//
// and is no part of Config: what flows in is known by its content, so that renaming a split re-runs nothing. Of a list
// `from = [source.a, source.b]` Config has the names by which queries call the tables, and the ports are from.a and from.b; so
// two tables of the same name are an error, which an object { x = source.a, y = other.a } solves. A reference by a
// DefinitionEdge (metric.cost) puts the other block's configuration into this one's, as if it stood there.
//
// Blocks of the root that stand once are resolved side by side. The result does not depend on chance: one that turns out to need
// another block's definition is given up and resolved later, in order, and so are all of them where the budget of computation
// was exceeded.
//
// Mistakes. A value that rests on a mistake is cty.DynamicVal. What is computed from it is unknown too and is left out, so that one
// misspelt variable gives one diagnostic and not one for every block that reads it.

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Module is a module with all its values, the blocks of the modules that it calls among its own.
type Module struct {
	Pipeline  *Block            // nil only with errors
	Blocks    []*Block          // all but variable, locals and output, sorted by address
	ByAddress map[string]*Block // the same
	Values
	Scopes  map[string]Values // of all modules by prefix, "" for the root's and "module.cards." for one that is called
	Outputs []*Output         // sorted by name
	Moves   []*Move           // sorted by the address that they lead to
	Accepts []*Accept         // sorted by address
	Files   map[string][]byte // the text of the files, as ranges mean it
	Hidden  []source.Range    // where sensitive values are written out
}

// Values are the variables and locals that rules of a module see, as variable.min and local.rates.
type Values struct {
	Variables map[string]cty.Value // without sensitive ones
	Locals    map[string]cty.Value // without those computed from sensitive variables
	// The names of those left out, sorted.
	SensitiveVariables, SensitiveLocals []string
	// Places are where values are written, by what they are read as: "variable.x", at its default where it has one, and "local.x".
	Places map[string]source.Range
}

// Block is a block with its values.
type Block struct {
	Address string
	Kind    string
	Type    string
	Name    string
	Key     string // of an instance of a repeated block
	Module  string // prefix of the address: "module.cards."; "" in the root
	Dir     string // of its files, relative to the root's, with forward slashes; "" for the root's
	// Each is what the instance of a repeated block is for: key and value.
	Each     map[string]cty.Value
	KindSpec *schema.Kind
	TypeSpec *schema.Type
	Range    source.Range // of the header

	Description string
	// Config is what is fingerprinted, Policy what gates and the engine read, Meta the rest: JSON objects with sorted
	// keys, without white space. They are never nil.
	Config json.RawMessage
	Policy json.RawMessage
	Meta   json.RawMessage

	Refs  []Reference // in the order of the schema, lists in their own
	Texts []Text      // SQL and rules, in the order of the schema and the file
	// Columns are the names of columns in arguments that take such, in the order of the schema and the file.
	Columns []ColumnName
	// Ranges of the values by path, as in schema.Problem.Path: "target", "decision.where", "column[amount].expr",
	// "features[2]"; "" is the block's header, "column[amount]" that of a nested block.
	Ranges map[string]source.Range
}

// Reference is a block's use of another one's port. Its target is there, of a kind and type of port that the argument
// takes.
type Reference struct {
	Path       string // "data", "from[0]", "from[p]", "decision.maximize"
	Port       string // of an InputEdge: the input port of this block
	Target     string // address of a block in Module.Blocks
	TargetPort string // by its full name; "" where only the block is meant
	Edge       schema.Edge
	Range      source.Range
	Spec       *schema.Attr
	Along      bool // it is read by the block that another reference of this argument points at (schema.Attr.Along)
}

// ColumnName is a column that an argument names.
type ColumnName struct {
	Path string // "time", "entity[0]", "window[w].known_at"
	Name string
	Spec *schema.Attr
}

// Text is SQL or a rule in a block.
type Text struct {
	Path string // "sql", "column[amount].expr", "rule[enough data].assert"
	Spec *schema.Attr
	Text source.Text
}

// Output is a value that an apply shows: either Value or Ref is set.
type Output struct {
	Name        string
	Description string
	Value       json.RawMessage
	Ref         *Reference
	Range       source.Range
}

// Options are what comes from outside of the module's files.
type Options struct {
	Variables map[string]Given // by name
	Dir       string           // the module's folder, for functions that read files; "": they cannot
	// Modules reads the files of a folder, relative to the root's; nil with errors if it is none. Without it, no modules
	// can be called.
	Modules func(dir string) (*syntax.Module, source.Diagnostics)
	// NoPipeline: the files are no module but tests of one, and name no pipeline.
	NoPipeline bool
	// Fetched finds the module that a source means which is no path; the diagnostic has no place. Without it, there are
	// none.
	Fetched func(given string, caller Folder) (Folder, *source.Diagnostic)
}

// Given is a value given to a variable from outside, as text or in a file of values.
type Given struct {
	From string // how, for messages: "--var rate", "MLP_VAR_rate", "prod.mlpvars"
	// Text is the value: of a variable of type string the string itself, else an expression.
	Text  string
	Attr  *syntax.Attr // the value in a file; then Text is not looked at
	value cty.Value    // of a module's input, known already
	// Block is what the variable refers to, as it would where a module is called with it; then nothing else is looked at.
	Block *expr.Target
	// Stray values may be meant for other modules: that there is no such variable is no mistake.
	Stray bool
}

// VariablesJSON returns the variables' values. Those that are sensitive, refer to a block, or are not known because of
// a mistake are left out.
func (m *Module) VariablesJSON() map[string]json.RawMessage { return valuesJSON(m.Variables) }

// LocalsJSON returns the locals' values, without those that hold references or are not known.
func (m *Module) LocalsJSON() map[string]json.RawMessage { return valuesJSON(m.Locals) }
