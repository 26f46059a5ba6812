// Package schema describes the language as data: which kinds of blocks there are, their types, attributes and ports,
// and what flows through the ports. It knows no component; the Catalog is put together by whoever has them.
package schema

import "sort"

// Catalog is the vocabulary that a module is read with. Kinds are sorted by name, types by name within their kind.
type Catalog struct {
	Kinds []Kind
}

// Kind returns the kind of that name, nil if there is none.
func (c *Catalog) Kind(name string) *Kind {
	i := sort.Search(len(c.Kinds), func(i int) bool { return c.Kinds[i].Name >= name })
	if i < len(c.Kinds) && c.Kinds[i].Name == name {
		return &c.Kinds[i]
	}
	return nil
}

// Phase is the part of the lifecycle that a kind belongs to; plans group by it.
type Phase string

const (
	Design      Phase = "design"
	Development Phase = "development"
	Operations  Phase = "operations"
)

// Kind is a kind of block: the first word of it.
type Kind struct {
	Name    string
	Summary string // one line, no full stop
	Doc     string // Markdown
	Phase   Phase

	// Unlabelled kinds (locals) have no name and may be repeated.
	Unlabelled bool
	// FreeAttrs: any further attribute is taken, with any value (the inputs of a module).
	FreeAttrs bool
	// AnyName: names are any text (tests), or addresses of other blocks.
	AnyName bool
	// Passive: its blocks are values that other blocks read, such as metric, and have no result of their own. A change of one is
	// shown at the blocks that read it (evaluate.holdout), and not at all where no block does.
	Passive bool
	// Poses: its blocks state the task, as problem does. Where a module has exactly one, attributes marked Attr.Posed that other
	// blocks leave out take their value from it; the requirements in it are traced to the blocks that verify them.
	Poses bool
	// Tells: its blocks say who is told of what happens, as notify does.
	Tells bool
	// Retrains: its blocks say when the model of a deployment is trained again, as retrain does.
	Retrains bool
	// Raw: the label is the address of another block, and the body is decoded by that block's schema, not by this kind's.
	Raw bool
	// DefaultType is the type meant where a block has only a name. Empty with Types of other names than "" means
	// that the type must be written.
	DefaultType string

	Types []Type
}

// Type returns the kind's type of that name, nil if there is none.
func (k *Kind) Type(name string) *Type {
	for i := range k.Types {
		if k.Types[i].Name == name {
			return &k.Types[i]
		}
	}
	return nil
}

// Type is one type of a kind. A kind without types has a single one named "".
type Type struct {
	Name    string
	Version int // of the component's output: moves when its bytes do. 0 where nothing is computed
	// Engine is what else the output's bytes depend on, with its version: "duckdb-1.4.5" where the SQL engine reads or
	// writes them. It counts like Version. Empty: nothing.
	Engine  string
	Summary string
	Doc     string
	Body    Body
	Out     []Port
	Single  bool // takes no for_each
	// Named: the block's name stands in what it yields, so that it is part of its definition.
	Named bool
	// Ports that come about with the block's own text, by name: sources read files from outside.
	External bool
	// Grows: what it reads from outside gets more by itself, as a log does. Its version is that of the plan, and is pinned nowhere else.
	Grows bool
	// Foreign: its stage runs somebody's code, which the compiler cannot look into.
	Foreign  bool
	Examples []Example
}

// Port is something a block yields. The one without a name is what a reference to the block itself means.
type Port struct {
	Name string
	Type PortType
	Doc  string
	Side Side // of a table that is one side of a split; empty: it is none
	// Asked: the block has it only where its configuration asks for it, as its shape then says; else a reference to it is a mistake.
	Asked bool
}

// Side of a split: what its rows are for. Rows of one side are on no other.
type Side string

const (
	TrainSide      Side = "train"
	ValidationSide Side = "validation"
	SelectionSide  Side = "selection" // to choose among models by: nothing is fitted, stopped or tested on it
	TestSide       Side = "test"
)

// PortType is what flows through a port. A reference fits an attribute whose Ports name the type of the port that it points at.
type PortType string

const (
	TablePort   PortType = "table"   // rows and columns: dataset.payments
	ModelPort   PortType = "model"   // a fitted model: train.model
	FiguresPort PortType = "figures" // numbers that rules read: evaluate.holdout
	VerdictPort PortType = "verdict" // pass or fail, which others wait for: check.payments
	MetricPort  PortType = "metric"  // a definition, which nothing runs for: metric.recall
	ReleasePort PortType = "release" // what is live: deploy.scorer
	FilesPort   PortType = "files"   // bytes that a later stage parses
	SecretPort  PortType = "secret"  // where a value is found, and never the value
	ImagePort   PortType = "image"   // what a program runs in: layers on top of another image
)

// Example is a whole module that shows a type at work; the tests compile it.
type Example struct {
	Title string
	Code  string
	Files []ExampleFile // beside it
}

// ExampleFile is another file of an example, named relative to the module.
type ExampleFile struct{ Name, Code string }

// Body is what may stand between the braces of a block: arguments (trees = 300) and nested blocks (params { … }).
type Body struct {
	Attrs  []Attr
	Blocks []Block
}

// Attr returns the attribute of that name, nil if there is none.
func (b *Body) Attr(name string) *Attr {
	for i := range b.Attrs {
		if b.Attrs[i].Name == name {
			return &b.Attrs[i]
		}
	}
	return nil
}

// Block returns the nested block of that name, nil if there is none.
func (b *Body) Block(name string) *Block {
	for i := range b.Blocks {
		if b.Blocks[i].Name == name {
			return &b.Blocks[i]
		}
	}
	return nil
}

// AttrType is the type of an attribute's value.
type AttrType string

const (
	String     AttrType = "string"
	Number     AttrType = "number"
	Integer    AttrType = "integer"
	Bool       AttrType = "bool"
	Duration   AttrType = "duration" // "45d", "24h", "1h30m": units s m h d w
	StringList AttrType = "list of strings"
	NumberList AttrType = "list of numbers"
	Any        AttrType = "any value"
	Repeat     AttrType = "map or set of strings" // for_each: the block stands once for each
	TypeExpr   AttrType = "type"                  // string, number, bool, list(string), …
	Address    AttrType = "address"               // of a block, which there may be no more: read, not evaluated
	Ref        AttrType = "reference"             // to one port
	RefList    AttrType = "references"            // [a.b, c.d]
	RefMap     AttrType = "named references"      // [a.b] names each by its block; { x = a.b } names it x
	SQL        AttrType = "SQL query"
	SQLExpr    AttrType = "SQL expression"
	CEL        AttrType = "CEL rule"
	Limits     AttrType = "limits on metrics" // CEL, only `metric <= number` joined by &&, over the module's metrics
)

// OfModel reports whether the use says what rows are to a model.
func (u RowUse) OfModel() bool {
	return u == FittedRows || u == ChosenRows || u == CalibratedRows || u == ScoredRows || u == MeasuredRows
}

// Edge says what a reference means for the stage that has it: whether something flows, whether the other block runs first, and whether a
// change of the other one re-runs it.
type Edge string

const (
	// InputEdge: what the port carries is an input of the stage and part of its fingerprint. The default.
	InputEdge Edge = ""
	// OrderEdge: the other must have succeeded first; nothing flows (requires = [check.payments]).
	OrderEdge Edge = "order"
	// StateEdge: a reference to what is recorded of the other block (a release); no order.
	StateEdge Edge = "state"
	// DefinitionEdge: the other block's definition is written into this one's configuration (metrics = [metric.recall]), so that a
	// change of the metric is a change of the evaluation.
	DefinitionEdge Edge = "definition"
)

// Attr is an attribute of a body.
type Attr struct {
	Name     string
	Type     AttrType
	Required bool
	Default  any // nil: absent. A Go string, float64, bool, []string or []float64 that fits Type
	Doc      string
	// Unordered: of a list that means a set. It is sorted, so that its order is no part of what the block is.
	Unordered bool
	// Metadata: a change of it runs nothing (descriptions, time-outs). All other attributes are fingerprinted.
	Metadata bool
	// Policy: read by gates and the engine, not by the stage; a change of it decides again and runs nothing.
	Policy bool
	// Scales: of a number, the stage's work grows with it, twice with twice as much. Estimates of how long it takes go by it.
	Scales bool
	// Least is the smallest number allowed; nil: there is none.
	Least *float64
	OneOf []string // allowed values of a String
	Posed bool     // where it is absent, the attribute of this name of the module's only problem counts

	// OrText: of a Ref, a text may stand in place of the reference: image = "trainer:1", or image = image.trainer. A text is in the configuration, a reference is not.
	OrText bool
	// For the reference types: what they may point at, and what that means. Empty Kinds: any.
	Ports []PortType
	Kinds []string
	Edge  Edge
	// Along names a reference attribute of the blocks pointed at, or a port that they have when asked. With Along "from", features = [feature.card] also takes in the
	// table that feature.card has as its from, at the port "features.card.from", and tables keep their Windows and MaxAge; with Along "out_of_fold", models =
	// [train.a] takes in train.a.out_of_fold, where that is there. The component says which of these inputs it does without (ShapeResult.In).
	Along string
	// For SQLExpr and SQL: the reference attribute that names the tables in scope; default "from".
	Tables string
	// Column: each string is the name of a column of the table that the named reference attribute points at.
	ColumnOf string
	// Treats: rows are treated by the columns that are named, in what is predicted or decided of them. A pipeline may refuse protected ones there.
	Treats bool
	// Of names, of references to figures, the reference attribute with the models that they are figures of, under the same names: candidates = { a = train.a }, backtests = { a = evaluate.a }. The
	// compiler holds figures that models are compared by to the same rows, window by window, and to the models.
	Of string
	// Continues says of a reference to a model that the block fits it further: rows that it has been fitted on may be fitted on again.
	Continues bool
	// Rows says of a reference to a table what becomes of its rows. Empty: nothing that is followed.
	Rows RowUse
}

// RowUse is what a block does with the rows of a table that flows into it. Rules of leakage go by it:
//
//	train "gradient_boosting" "m" { data = split.s.train, validation = split.s.validation }   fitted, chosen
//	evaluate "e" { model = train.m, data = split.s.test }                                     measured
type RowUse string

const (
	PassedRows     RowUse = "passed"     // the block's tables have them one by one, all or some: splits, labels, training sets
	DrawnRows      RowUse = "drawn"      // the block's query says what of them its table has
	FittedRows     RowUse = "fitted"     // the model that the block makes learns from them
	ChosenRows     RowUse = "chosen"     // the model is stopped, or its threshold or itself chosen, by them
	CalibratedRows RowUse = "calibrated" // the model's scores are made probabilities on them
	ScoredRows     RowUse = "scored"     // the model that comes in predicts for them
	MeasuredRows   RowUse = "measured"   // figures are computed on them, of the model that comes in or else of the one that predicted them
	UnknownRows    RowUse = "unknown"    // of a model that was trained elsewhere, on rows that nobody names; no attribute has this use
)

// Block is a nested block of a body.
type Block struct {
	Name     string
	Labelled bool // `slice "large" {}`; the labels are unique within the parent
	Repeated bool // may stand more than once; labelled blocks usually do
	Required bool
	Doc      string
	Body     Body
	Policy   bool // like Attr.Policy, for all that is in it
	// Destination: it says where what a deployment predicts is written once its gate has let it pass. It is Policy too: the stage
	// does not know it, and the release has it.
	Destination bool
	// Unordered: of labelled blocks whose order means nothing. They are sorted by label, so that it is no part of what the block is.
	Unordered bool
	Raw       bool // like Kind.Raw
	// FreeAttrs: any further attribute is taken, with a literal value (params, expectations of columns).
	FreeAttrs bool
}

// IsOwn reports whether a port is what a reference to the block itself means.
func IsOwn(ports []Port, name string) bool {
	own := OwnPort(ports)
	return name == "" || own != nil && own.Name == name
}

// OwnPort returns the port that a reference to the block itself means: the first one, if it is named like its type.
// Nil if there is none.
func OwnPort(ports []Port) *Port {
	if len(ports) > 0 && (ports[0].Name == "" || ports[0].Name == string(ports[0].Type)) {
		return &ports[0]
	}
	return nil
}
