// Package asof is the training_set block: it joins features to a table of labelled rows as they stood at each row's time.
//
// A model that is asked at 12:00 knows what happened before 12:00. So must the rows that it learns from, or it learns from what it will not
// have. Of two payments of one card, and a feature that counts the payments of the hour before:
//
//	card  paid_at  is_fraud      payments_1h
//	A     12:00    false         0
//	A     12:40    true          1     the payment at 12:00
//	A     13:30    false         1     that at 12:40; 12:00 has fallen out
//
// What is computed (windows) is evaluated over the feature's source at each row's time; what is looked up (columns) is the entity's latest row
// strictly before. The query is one SELECT, made in query.go; the rows that come out are those of the spine, each once.
package asof

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the training_set block.
var Component = component.Component{
	Kind: "training_set",
	Type: schema.Type{
		Version: 3,
		Engine:  table.Engine,
		Summary: "Labelled rows with the features as they stood at each row's time",
		Doc:     doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "spine", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.PassedRows,
				Doc: "The table whose rows are wanted, usually a label. All its columns are kept."},
			{Name: "features", Type: schema.RefList, Required: true, Kinds: []string{"feature"}, Ports: []schema.PortType{schema.TablePort},
				Along: "from", Doc: "The features to add."},
			{Name: "as_of", Type: schema.String, ColumnOf: "spine",
				Doc: "The column of the spine that says when a row is decided upon. Default: the spine's own time. Needed for " +
					"features that do not keep the spine's key."},
		}},
		Out: []schema.Port{{Name: "table", Type: schema.TablePort,
			Doc: "The spine's columns and the features' own, one row for each of the spine's."}},
		Examples: []schema.Example{{Title: "Payments with what was known of the card", Code: example}},
	},
	Shape:   shape,
	Queries: queries,
	Run:     run,
}

const doc = `Every row of the spine comes out once, with the features added:

- **By key**, where a feature has the spine's key: the feature was computed from the same rows, and its values are those of
  the row itself.
- **As of the spine's time**, for any other feature. Its *windows* are evaluated at ` + "`as_of`" + ` over the table that the feature
  reads: they hold the entity's rows with ` + "`as_of - over <= their time < as_of`" + `, the last one too, and old ones fall out. An
  entity without such rows gets what the aggregate gives of none: ` + "`count(*)`" + ` is 0, ` + "`sum(x)`" + ` is null. Its other *columns* are
  those of the entity's latest row strictly before ` + "`as_of`" + `, not older than the feature's ` + "`max_age`" + ` if it has one; of several
  at that instant, the last in the order of all columns counts. None: null.

A row of the spine without entity or time, or with an infinite time, finds nothing: all columns as of it are null.

Only the features' own columns are added; their key, entity and time columns are not repeated. Two columns of the same
name are an error.`

const example = `pipeline "fraud" {}

source "csv" "payments" {
  path = "payments.csv"
  column "card"     { type = "varchar" }
  column "paid_at"  { type = "timestamp" }
  column "amount"   { type = "double" }
  column "is_fraud" { type = "boolean" }
}

dataset "payments" {
  from = [source.payments]
  key  = ["card", "paid_at"]
  sql  = "select * from payments"
}

label "fraud" {
  on            = dataset.payments
  column        = "is_fraud"
  event_time    = "paid_at"
  matures_after = "45d"
}

feature "card" {
  from   = dataset.payments
  entity = ["card"]
  time   = "paid_at"
  window "payments_1h" {
    expr = "count(*)"
    over = "1h"
  }
}

training_set "payments" {
  spine    = label.fraud
  features = [feature.card]
}
`

// config is the block. Features are the names of the feature blocks; their tables come by the ports features.<name>. AsOf is "" where
// the spine's own time counts.
type config struct {
	Features []string `json:"features"`
	AsOf     string   `json:"as_of"`
}

// shape types the joined table and says of each feature how it is joined: by the key, where the feature has the spine's; else as of
// the row's time. The inputs that come back (In) are those that the way of joining reads, and so what the fingerprint covers: a
// feature that is joined by its key does not read its own source again.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	spine := req.In["spine"].Table
	if err := json.Unmarshal(req.Config, &c); err != nil || spine == nil {
		return schema.ShapeResult{}
	}
	// The spine's columns come first, then each feature's own. Two features that yield the same name are refused: the model
	// would get one of them by the order of the list.
	out := *spine
	out.Columns = slices.Clone(spine.Columns)
	c.AsOf = c.moment(spine)
	var problems []schema.Problem
	in := maps.Clone(req.In)
	if col := spine.Column(c.AsOf); col != nil {
		out.Time = col.Name
		if !table.Temporal(col.Type) {
			problems = append(problems, schema.Problem{Path: "as_of",
				Summary: fmt.Sprintf("column %q is of type %s, not a date or timestamp", col.Name, col.Type)})
		}
	}
	from := map[string]string{} // column, lower case → who yields it
	for _, col := range spine.Columns {
		from[strings.ToLower(col.Name)] = "the spine"
	}
	for i, name := range c.Features {
		f := req.In["features."+name].Table
		if f == nil {
			continue
		}
		path := fmt.Sprintf("features[%d]", i)
		reduce(in, name, spine, f)
		problems = append(problems, c.joinable(path, name, spine, f)...)
		if len(out.Entity) == 0 {
			out.Entity = entityIn(spine, f)
		}
		for _, col := range own(f) {
			key := strings.ToLower(col.Name)
			if other, taken := from[key]; taken {
				problems = append(problems, schema.Problem{Path: path,
					Summary: fmt.Sprintf("feature.%s and %s both yield a column %q", name, other, col.Name),
					Hint:    "rename the column in the feature"})
				continue
			}
			from[key] = "feature." + name
			col.Lineage = joined(req.Address+"."+col.Name, col.Lineage, spine, f)
			out.Columns = append(out.Columns, col)
		}
	}
	return schema.ShapeResult{Out: map[string]schema.Shape{"table": {Type: schema.TablePort, Table: &out}}, Problems: problems, In: in}
}

// sourcePort carries the table that a feature reads.
func sourcePort(feature string) string { return "features." + feature + ".from" }

// reduce takes out of the inputs what a feature's join does not ask for, and so out of the fingerprint. in is changed.
func reduce(in map[string]schema.Shape, name string, spine, f *schema.Table) {
	if !evaluated(spine, f) {
		delete(in, sourcePort(name))
	}
	if byKey(spine, f) {
		in["features."+name] = schema.Shape{Type: schema.TablePort, Table: f.Plain()}
	}
}

// evaluated reports whether a feature has windows that are evaluated at the spine's times.
func evaluated(spine, f *schema.Table) bool { return !byKey(spine, f) && len(f.Windows) > 0 }

// joined is the lineage of a feature's column beside the spine. Whether it is there depends on which rows the feature has, but
// for those that every row of the spine is one of; as of a time, it stood so in an earlier row.
// So a feature that is filtered by the target and joined by its key tells the target of the row, and is held to that.
func joined(origin string, column *schema.Lineage, spine, f *schema.Table) *schema.Lineage {
	if !byKey(spine, f) {
		out := column.Earlier(origin)
		if out != nil {
			out.AddPast(f.Rows)
		}
		return out
	}
	made := schema.Derived(origin)
	if f.Rows != nil && f.Rows != spine.Rows && !spine.Rows.Trace().Has(schema.SameRow, f.Rows.Origin) {
		made.Add(f.Rows, schema.ByRows)
	}
	return column.Chosen(made)
}

// moment is the column that says when a row of the spine is decided upon; empty if there is none.
func (c *config) moment(spine *schema.Table) string {
	if c.AsOf != "" {
		return c.AsOf
	}
	return spine.Time
}

// joinable tells what keeps a feature from being joined to the spine.
// The first thing that is missing is told: what the others would need depends on it.
func (c *config) joinable(path, name string, spine, f *schema.Table) []schema.Problem {
	if byKey(spine, f) {
		return append(sameTypes(path, name, spine, f, spine.Key), c.otherTime(path, name, f)...)
	}
	if len(f.Entity) == 0 || f.Time == "" {
		return []schema.Problem{{Path: path,
			Summary: fmt.Sprintf("feature.%s can be joined neither by key nor by entity and time", name),
			Detail:  fmt.Sprintf("The spine's key is %s; the feature's is %s, and it has no entity and time.", list(spine.Key), list(f.Key)),
			Hint:    "give the feature an entity and a time, or compute it from the table that the spine comes from"}}
	}
	if c.AsOf == "" {
		return []schema.Problem{{Path: path,
			Summary: fmt.Sprintf("feature.%s is joined as of a time, and the spine has none", name),
			Hint:    `name the spine's column that says when a row is decided upon: as_of = "paid_at"`}}
	}
	for _, e := range f.Entity {
		if spine.Column(e) == nil {
			return []schema.Problem{{Path: path,
				Summary: fmt.Sprintf("feature.%s is about %s, and the spine has no column %q", name, list(f.Entity), e),
				Detail:  "A feature that does not keep the spine's key is joined by its entity. The spine has " + list(spine.Names()) + "."}}
		}
	}
	return sameTypes(path, name, spine, f, f.Entity)
}

// otherTime warns of windows that are the row's own, and so of another time than the one decided at.
func (c *config) otherTime(path, name string, f *schema.Table) []schema.Problem {
	if len(f.Windows) == 0 || c.AsOf == "" || strings.EqualFold(c.AsOf, f.Time) {
		return nil
	}
	return []schema.Problem{{Path: path, Warning: true,
		Summary: fmt.Sprintf("the windows of feature.%s are those of %s, not of %s", name, f.Time, c.AsOf),
		Detail:  "The feature has the spine's key, so its values are those that the row itself has. What happened between the two times is in them, or is not.",
		Hint:    fmt.Sprintf("give the feature time = %q, if a window is to end there", c.AsOf)}}
}

// sameTypes holds columns that are compared to one type: a cast would compare by another rule than either side's.
func sameTypes(path, name string, spine, f *schema.Table, columns []string) []schema.Problem {
	var out []schema.Problem
	for _, n := range columns {
		a, b := spine.Column(n), f.Column(n)
		if a != nil && b != nil && a.Type != b.Type {
			out = append(out, schema.Problem{Path: path,
				Summary: fmt.Sprintf("column %q is %s in the spine and %s in feature.%s", n, a.Type, b.Type, name),
				Hint:    "cast one of them in its dataset"})
		}
	}
	return out
}

// byKey reports whether the feature has the spine's key.
// The order of the key's columns does not matter. A spine without a key has no feature joined by key.
func byKey(spine, f *schema.Table) bool {
	if len(spine.Key) == 0 || len(spine.Key) != len(f.Key) {
		return false
	}
	for _, k := range spine.Key {
		if !containsFold(f.Key, k) {
			return false
		}
	}
	return true
}

// own returns the columns that a feature adds.
func own(f *schema.Table) []schema.Column {
	var out []schema.Column
	for _, c := range f.Columns {
		if !containsFold(f.Key, c.Name) && !containsFold(f.Entity, c.Name) && !strings.EqualFold(f.Time, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// entityIn returns a feature's entity as the spine spells it, nil if the spine has no such columns.
func entityIn(spine, f *schema.Table) []string {
	var out []string
	for _, e := range f.Entity {
		c := spine.Column(e)
		if c == nil {
			return nil
		}
		out = append(out, c.Name)
	}
	return out
}

// containsFold reports whether a list of columns has a name, as SQL compares names.
func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// list is names for a message.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// joined is the query that joins the features, and the ports of the tables that it names.
func (c *config) joined(ctx context.Context, in map[string]schema.Shape) (sql string, ports map[string]string, err error) {
	spine := in["spine"].Table
	ports = map[string]string{"spine": "spine"}
	features := make([]feature, len(c.Features))
	for i, name := range c.Features {
		port := "features." + name
		features[i] = feature{Table: in[port].Table, name: fmt.Sprintf("f%d", i)}
		ports[features[i].name] = port
		if evaluated(spine, features[i].Table) {
			features[i].from = in[sourcePort(name)].Table
			ports[features[i].source()] = sourcePort(name)
		}
	}
	sql, err = query(ctx, spine, features, c.moment(spine))
	return sql, ports, err
}

// queries is the one that joins.
func queries(ctx context.Context, req schema.ShapeRequest) ([]component.Query, error) {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return nil, err
	}
	sql, ports, err := c.joined(ctx, req.In)
	tables := map[string]*schema.Table{}
	for name, port := range ports {
		tables[name] = req.In[port].Table
	}
	return []component.Query{{SQL: sql, Tables: tables}}, err
}

// run writes the joined table.
// The rows are the spine's, in the order of its key, whatever the features hold: a feature without a matching row is null there.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	sql, ports, err := c.joined(ctx, s.In)
	if err != nil {
		return err
	}
	tables, keys := map[string]string{}, map[string][]string{}
	for name, port := range ports {
		tables[name], keys[name] = s.InputTable(port), s.In[port].Table.Key
	}
	spine, shape := s.In["spine"].Table, s.Out["table"].Table
	out, err := s.OutputTable("table")
	if err != nil {
		return err
	}
	// One row for each of the spine's. More would mean that a join met several.
	rows, err := table.Run(ctx, table.Query{SQL: sql, Tables: tables, Keys: keys, OrderBy: shape.Key, Columns: shape.Columns, Threads: s.Threads, Out: out})
	if err != nil {
		return fmt.Errorf("joining features: %w", err)
	}
	want, err := table.Rows(ctx, tables["spine"])
	if err != nil {
		return err
	}
	if rows != want {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: %d rows of the spine became %d", s.Address, want, rows),
			Detail:  fmt.Sprintf("The key (%s) does not tell rows apart. Make it unique in the dataset.", list(spine.Key)),
		}
	}
	s.Logf("joined %d features to %d rows", len(c.Features), rows)
	return nil
}
