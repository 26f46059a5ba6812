package schema

import (
	"encoding/json"
	"strings"
)

// Table is the static schema of a table: what is known of it when a module is checked, before any stage ran.
type Table struct {
	Columns []Column `json:"columns"`
	// Key names the columns that tell rows apart; rows are stored in its order, without one in that of all columns.
	Key []string `json:"key,omitempty"`
	// Entity and Time are what windowed features are joined by; empty where the table has none.
	Entity []string `json:"entity,omitempty"`
	Time   string   `json:"time,omitempty"`
	// Label is set on tables that come from a label block.
	Label *Label `json:"label,omitempty"`
	// Windows and MaxAge are set on tables that come from a feature block: how the columns over earlier rows are computed of
	// the table that the feature reads, so that they can be at other moments, and how old a row may be where the other
	// columns are taken as of a time; empty: any age.
	Windows []Window `json:"windows,omitempty"`
	MaxAge  string   `json:"max_age,omitempty"`
	// Rows is what decided on which rows the table has, nil if nothing did. It is known while a module is checked.
	Rows *Lineage `json:"-"`
	// Clock is the column that a split by time goes by; known while a module is checked.
	Clock string `json:"-"`
}

// Window is a column of a feature that is an aggregate over earlier rows of the same entity.
type Window struct {
	Column  string `json:"column"`
	Expr    string `json:"expr"`
	Over    string `json:"over"`               // a duration: how far back it reaches
	KnownAt string `json:"known_at,omitempty"` // the column that says when a row became known
}

// Plain is the table without what only those need to know who evaluate its windows.
func (t *Table) Plain() *Table {
	if len(t.Windows) == 0 && t.MaxAge == "" {
		return t
	}
	out := *t
	out.Windows, out.MaxAge = nil, ""
	return &out
}

// Window returns the window of that column, nil if it is none.
func (t *Table) Window(column string) *Window {
	for i := range t.Windows {
		if equalFold(t.Windows[i].Column, column) {
			return &t.Windows[i]
		}
	}
	return nil
}

// Label names the columns that a label block speaks of.
type Label struct {
	Column  string `json:"column"`
	KnownAt string `json:"known_at,omitempty"` // when the label became known: "<name>_known_at"
	Mature  string `json:"mature,omitempty"`   // whether it can be trusted yet: "<name>_mature"
}

// Column of a table. Type is DuckDB's name in lower case: "double", "varchar", "timestamp", "boolean", "bigint", …
type Column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	PII       bool   `json:"pii,omitempty"`
	Protected bool   `json:"protected,omitempty"`
	// Lineage is known while a module is checked, nil elsewhere.
	Lineage *Lineage `json:"-"`
}

// Column returns the column of that name, nil if there is none. Names are compared without regard to case, as in SQL.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if equalFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}

// Names of the columns, in their order.
func (t *Table) Names() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// Task of a model: what its target is, and with that its output.
type Task string

const (
	Binary     Task = "binary_classification"     // one of two classes, by a score and a threshold
	Multiclass Task = "multiclass_classification" // one of several classes
	Regression Task = "regression"                // a number
)

// Model is the static signature of a model: which columns of which types it takes, in which order, and what it predicts. It is known
// before the model is fitted.
type Model struct {
	Task     Task     `json:"task"`
	Target   string   `json:"target"`
	Features []Column `json:"features"`
	Opaque   bool     `json:"opaque,omitempty"` // only its own image can score it
	// Decides is of models that decide by group; nil: all rows have one threshold.
	Decides *Decides `json:"decides,omitempty"`
	// CalibratedBy are the columns whose groups have probabilities of their own. They are among Features, as those of Decides are, whether the model was trained on them or not.
	CalibratedBy []string `json:"calibrated_by,omitempty"`
	// Of an opaque model, since its files cannot be read: the positive class of a binary one, the classes of a multiclass one.
	Positive string   `json:"positive,omitempty"`
	Classes  []string `json:"classes,omitempty"`
	// Seen are the rows that the model has seen, whatever blocks it came through; known while a module is checked.
	Seen []Seen `json:"-"`
	// PositiveClass is the one of a binary model, as far as its block and the type of its target say it; known while a module is checked.
	PositiveClass string `json:"-"`
	// Text are the features that are read by their n-grams; known while a module is checked.
	Text []string `json:"-"`
	// Additive says what the parts of the model add up to, empty where that is not known, and WhyNot why they add up to nothing; known while a module is checked.
	Additive Additive `json:"-"`
	WhyNot   string   `json:"-"`
}

// Additive is what the parts of a model, such as its trees or the terms of a line, add up to: on that scale what it says of a row is attributed to features.
type Additive string

const (
	// AddsScores: to what is predicted, a number or shares of classes.
	AddsScores Additive = "scores"
	// AddsMargins: to log-odds or a logarithm, of which the score is made.
	AddsMargins Additive = "margins"
	// AddsNothing: there are no parts that add up, so that no score is attributed.
	AddsNothing Additive = "nothing"
)

// Decides says that rows are decided by group.
type Decides struct {
	By       []string `json:"by"`       // columns whose values together are the groups
	Equalize string   `json:"equalize"` // the rate that their thresholds make alike
}

// Seen are rows that decided how a model came out: those that flow into the block By at Port.
type Seen struct {
	Use      RowUse // FittedRows, ChosenRows or CalibratedRows; UnknownRows where By does not say which rows its model was fitted on
	By, Port string // "train.model", "data"; no port of UnknownRows
}

// Shape is what is known of a port before anything ran. The field of its type is set.
type Shape struct {
	Type    PortType    `json:"type"`
	Table   *Table      `json:"table,omitempty"`
	Model   *Model      `json:"model,omitempty"`
	Figures *FigureType `json:"figures,omitempty"`
	// Strategy is of a release: how it follows another one.
	Strategy *Strategy `json:"strategy,omitempty"`
}

// FigureKind is the kind of a value that rules see. There is one type of numbers, so that `rows >= 10000` needs no ".0".
type FigureKind string

const (
	DoubleFigure FigureKind = "double"
	BoolFigure   FigureKind = "bool"
	StringFigure FigureKind = "string"
	ListFigure   FigureKind = "list"
	MapFigure    FigureKind = "map"    // keys are strings; Keys holds them where they are known
	ObjectFigure FigureKind = "object" // Fields, and no others
)

// FigureType is the type of a value that rules see, and travels in plans as JSON. The figures of an evaluation are an Object with a
// field metrics, an Object with a Double for each metric; those by slice are a MapOf, since only the data says which slices there are.
// Types are shared, so that whoever needs another one makes a copy.
type FigureType struct {
	Kind   FigureKind             `json:"kind"`
	Elem   *FigureType            `json:"elem,omitempty"`   // list, map
	Keys   []string               `json:"keys,omitempty"`   // map: the keys known at compile time, sorted
	Fields map[string]*FigureType `json:"fields,omitempty"` // object
	// Closed maps have the Keys and no others, none perhaps; known while files are checked, and in no plan.
	Closed bool `json:"-"`
	// Low and High are the least and the greatest that a number can be, nil where nothing is known; as Closed is.
	Low  *float64 `json:"-"`
	High *float64 `json:"-"`
	// OneOf are the values that a string has; a rule that compares it with another is a mistake. Nil: any. It is known
	// while files are checked, and in no plan.
	OneOf []string `json:"-"`
	// Withheld are names of an object that are there and that rules do not see, sorted, because their values are sensitive; for
	// messages only.
	Withheld []string `json:"-"`
}

// Double, Flag and Word are the scalar figure types.
var (
	Double = &FigureType{Kind: DoubleFigure}
	Flag   = &FigureType{Kind: BoolFigure}
	Word   = &FigureType{Kind: StringFigure}
)

// Share is the type of a number from 0 to 1, and Count that of one from 0 on.
var (
	Share = Between(0, 1)
	Count = AtLeast(0)
)

// Between returns the type of a number from low to high, both included. Of such a number a rule that never
// holds (`share > 1.5`) is an error, and one that always holds (`share <= 1.5`) a warning.
func Between(low, high float64) *FigureType {
	return &FigureType{Kind: DoubleFigure, Low: &low, High: &high}
}

// AtLeast returns the type of a number with a lower bound, included: a count of rows is AtLeast(0).
func AtLeast(low float64) *FigureType { return &FigureType{Kind: DoubleFigure, Low: &low} }

// AtMost returns the type of a number with an upper bound, included.
func AtMost(high float64) *FigureType { return &FigureType{Kind: DoubleFigure, High: &high} }

// OneOf returns the type of a string that is one of some words.
func OneOf(words ...string) *FigureType { return &FigureType{Kind: StringFigure, OneOf: words} }

// Object returns the type of an object with these fields and no others. The map is kept, not copied.
func Object(fields map[string]*FigureType) *FigureType {
	return &FigureType{Kind: ObjectFigure, Fields: fields}
}

// MapOf returns the type of a map whose keys only the data says, such as slices by country.
func MapOf(elem *FigureType) *FigureType { return &FigureType{Kind: MapFigure, Elem: elem} }

// KeyedMap returns the type of a map of these keys and no others, which are checked where a rule spells one out.
func KeyedMap(elem *FigureType, keys ...string) *FigureType {
	return &FigureType{Kind: MapFigure, Elem: elem, Keys: keys, Closed: true}
}

// ListOf returns a list type.
func ListOf(elem *FigureType) *FigureType { return &FigureType{Kind: ListFigure, Elem: elem} }

// ShapeRequest asks a component what a block of it yields. In has a shape for every input that the block refers to; an input of a list
// stands under "<argument>.<name>", as "from.payments".
type ShapeRequest struct {
	Address string
	Config  json.RawMessage  // as the stage will get it
	In      map[string]Shape // by port
}

// ShapeResult answers it. With problems that are errors, Out may be partial; what is there is used, so that one
// mistake is not told again further down.
type ShapeResult struct {
	Out      map[string]Shape // by port; the block's own port is ""
	Figures  *FigureType      // of metrics.json, nil if the stage writes none
	Problems []Problem
	// In are the inputs by port as the stage acts on them, where it does without some that came along with others
	// (Attr.Along), or without what is said of their windows. Nil: as they are.
	In map[string]Shape
}

// Problem is a mistake that a component finds in its block. The compiler turns it into a diagnostic.
type Problem struct {
	// Path leads to the attribute: "target", "decision.where", "column[amount].expr", "features[2]". Empty: the block.
	Path string
	// Offset and Length point into the text of an SQL attribute, in bytes; Length 0 means the whole attribute.
	Offset, Length int
	Summary        string
	Detail         string
	Hint           string
	Warning        bool
}

// Problems are mistakes as an error: of a component that is asked of its block before it is asked for its shape.
type Problems []Problem

func (p Problems) Error() string {
	var all []string
	for _, problem := range p {
		all = append(all, problem.Summary)
	}
	return strings.Join(all, "; ")
}
