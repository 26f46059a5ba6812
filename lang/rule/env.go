package rule

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/parser"

	"github.com/mlp-lang/mlp/lang/schema"
)

const (
	maxLength = 10_000 // of a rule, in code points
	maxDepth  = 100    // of nesting
)

// Env is what rules see. It is immutable and safe for concurrent use. The first rule that is compiled in it costs as
// much as a few others, since cel-go's environment is made then; so a gate makes one for all of its rules.
type Env struct {
	root    *schema.FigureType
	digest  [32]byte                 // of root, where a cache made it
	checker func() (*cel.Env, error) // with macros expanded, for types
}

// plainParser leaves macros as calls, for folding.
var plainParser = sync.OnceValues(func() (*parser.Parser, error) {
	return parser.NewParser(parser.ExpressionSizeCodePointLimit(maxLength), parser.MaxRecursionDepth(maxDepth))
})

// NewEnv makes an environment of the fields of root, an object. Its fields are the first parts of all paths: evaluate,
// variable, champion, … A type with a part that has none is an error, and a defect of whoever made it. root is kept and
// must not be changed.
func NewEnv(root *schema.FigureType) (*Env, error) {
	err := isRoot(root)
	if err == nil {
		err = sound("", root)
	}
	if err != nil {
		return nil, fmt.Errorf("making a rule environment: %w", err)
	}
	return newEnv(root), nil
}

func newEnv(root *schema.FigureType) *Env {
	return &Env{root: root, checker: sync.OnceValues(func() (*cel.Env, error) { return newChecker(root) })}
}

// isRoot reports what is wrong with a type as the root, nil if nothing is.
func isRoot(t *schema.FigureType) error {
	if t == nil || t.Kind != schema.ObjectFigure {
		return errors.New("the root must be an object")
	}
	return nil
}

// sound reports whether a figure and its parts have types; path is where it stands, for the message.
// It is asked once for an environment, so that no later step has to look for a nil.
func sound(path string, t *schema.FigureType) error {
	if t == nil {
		return fmt.Errorf("%s has no type", path)
	}
	switch t.Kind {
	case schema.DoubleFigure, schema.BoolFigure, schema.StringFigure:
		return nil
	case schema.ListFigure:
		return sound(path+"[]", t.Elem)
	case schema.MapFigure:
		return sound(path+".*", t.Elem)
	case schema.ObjectFigure:
		for _, name := range sortedKeys(t.Fields) {
			if err := sound(strings.TrimPrefix(path+"."+name, "."), t.Fields[name]); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s has the unknown type %q", path, t.Kind)
}

// newChecker is cel-go's environment for these figures: their types, our functions, and limits on length and depth that hold
// before anything is parsed.
func newChecker(root *schema.FigureType) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	provider := &provider{Provider: registry, names: map[string]string{}, objects: map[string]map[string]*types.Type{}}
	options := append(declarations(), cel.CustomTypeProvider(provider),
		cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro, cel.MapMacro, cel.FilterMacro),
		cel.HomogeneousAggregateLiterals(), cel.ParserExpressionSizeLimit(maxLength), cel.ParserRecursionLimit(maxDepth))
	for _, name := range sortedKeys(root.Fields) {
		options = append(options, cel.Variable(name, provider.celType(root.Fields[name])))
	}
	return cel.NewCustomEnv(options...)
}

// provider tells cel-go's checker the fields of objects. Groups of the same fields are of one type, wherever they stand:
// `(champion.exists ? evaluate.a : evaluate.b).rows` is a rule.
type provider struct {
	types.Provider
	names   map[string]string                 // fields with their types → type name
	objects map[string]map[string]*types.Type // type name → field → its type
}

// typePrefix keeps the names of object types apart from every path that a rule can spell.
const typePrefix = "mlp#"

// celType of a figure that is sound.
// All numbers are doubles, counts too: CEL does not compare an int with a double, and a rule must not depend on which a
// figure is.
func (p *provider) celType(t *schema.FigureType) *types.Type {
	switch t.Kind {
	case schema.DoubleFigure:
		return types.DoubleType
	case schema.BoolFigure:
		return types.BoolType
	case schema.StringFigure:
		return types.StringType
	case schema.ListFigure:
		return types.NewListType(p.celType(t.Elem))
	case schema.MapFigure:
		return types.NewMapType(types.StringType, p.celType(t.Elem))
	}
	return p.object(t)
}

// object is CEL's type of an object. CEL compares types by name, so that objects of the same fields share one, and whoever
// reads a message is told words and not the name (typeWords).
func (p *provider) object(t *schema.FigureType) *types.Type {
	fields := make(map[string]*types.Type, len(t.Fields))
	var all strings.Builder
	for _, name := range sortedKeys(t.Fields) {
		ft := p.celType(t.Fields[name])
		fields[name] = ft
		fmt.Fprintf(&all, "%s %s\n", name, ft)
	}
	name, ok := p.names[all.String()]
	if !ok {
		name = typePrefix + strconv.Itoa(len(p.names))
		p.names[all.String()], p.objects[name] = name, fields
	}
	return types.NewObjectType(name)
}

// The methods below are cel-go's types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return nil, false
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := p.objects[name]
	return sortedKeys(fields), ok
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := p.objects[name][field]
	return &types.FieldType{Type: t}, ok
}

func (p *provider) FindIdent(string) (ref.Val, bool) { return nil, false }

// declarations are the operators and functions of the dialect. They have no implementations: rules are decided by
// folding, in this package.
func declarations() []cel.EnvOption {
	number, text, flag := cel.DoubleType, cel.StringType, cel.BoolType
	a, b := cel.TypeParamType("A"), cel.TypeParamType("B")
	list, dict := cel.ListType(a), cel.MapType(a, b)
	var out []cel.EnvOption
	for _, op := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		out = append(out, declare(op, flag, number, number))
	}
	for _, op := range []string{operators.Equals, operators.NotEquals} {
		out = append(out, declare(op, flag, number, number), declare(op, flag, text, text), declare(op, flag, flag, flag))
	}
	for _, op := range []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide} {
		out = append(out, declare(op, number, number, number))
	}
	for _, xs := range []*cel.Type{cel.ListType(number), cel.MapType(text, number)} {
		for _, name := range []string{"min", "max", "mean", "sum"} {
			out = append(out, declare(name, number, xs))
		}
		out = append(out, declare("quantile", number, xs, number))
	}
	for _, name := range []string{"contains", "startsWith", "endsWith", "matches"} {
		out = append(out, cel.Function(name, cel.MemberOverload(name+"_string", []*cel.Type{text, text}, flag)))
	}
	return append(out,
		declare(operators.Add, list, list, list), // map and filter expand to it
		declare(operators.Negate, number, number),
		declare("abs", number, number),
		declare(operators.LogicalAnd, flag, flag, flag),
		declare(operators.LogicalOr, flag, flag, flag),
		declare(operators.LogicalNot, flag, flag),
		declare(operators.NotStrictlyFalse, flag, flag),
		declare(operators.Conditional, a, flag, a, a),
		declare(operators.In, flag, a, list),
		declare(operators.In, flag, a, dict),
		declare(operators.Index, a, list, number),
		declare(operators.Index, b, dict, a),
		declare("size", number, list),
		declare("size", number, dict),
		declare("size", number, text),
	)
}

// declare is one overload; its id, which cel-go wants to be unique, is made of the name and the types.
func declare(name string, result *cel.Type, args ...*cel.Type) cel.EnvOption {
	id := name
	for _, a := range args {
		id += "_" + a.String()
	}
	return cel.Function(name, cel.Overload(id, args, result))
}

// sortedKeys are a map's keys in order: what is told must not depend on the order of a map.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// functions that a rule can call by name, for suggestions.
func functions() []string {
	var names []string
	for _, f := range Functions() {
		names = append(names, f.Name)
	}
	return names
}
