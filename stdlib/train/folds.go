package train

// Folds: the rows of data are parted, and of each part a model that was fitted on others is measured, in a trial, whose figure is the mean, or predicts (out_of_fold.go).
//
//	by chance   every row is measured once; of classes each fold has its share (stratified), rows of one group are in one fold
//	by time     rows are parted into one stretch more than there are folds; each is measured by a model of all before it
//
// Chance is a hash of the seed and the row's key (or group), so that it does not depend on the order of rows or on threads.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Folds is the block folds of tune, or out_of_fold, as the stage gets it.
type Folds struct {
	Count int    `json:"count"`
	Group string `json:"group"` // a column; empty: the entity of the table, where it has one
	Time  string `json:"time"`  // a column; empty: by chance
	Gap   string `json:"gap"`   // a duration
	Seed  int64  `json:"seed"`
}

// tuneFolds is the nested block folds of tune.
func tuneFolds() schema.Block {
	return foldsBlock("folds", "Measures trials on `data` itself, in place of `selection`: it is parted into folds, a model is fitted without each and measured on it, and the mean counts. "+
		"The model for good is fitted on all of `data`. A trial is `count` times the work. Each fold has its share of every class.")
}

// foldsBlock is a nested block that says how data is parted into folds.
func foldsBlock(name, doc string) schema.Block {
	return schema.Block{Name: name, Doc: doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "count", Type: schema.Integer, Default: 5.0, Doc: "How many folds, from 2 to 50."},
			{Name: "group", Type: schema.String, ColumnOf: DataPort,
				Doc: "Rows with one value of this column are in one fold. Left out: rows of one entity are, where the table has entities."},
			{Name: "time", Type: schema.String, ColumnOf: DataPort,
				Doc: "Folds go forward in time: the rows are parted by this column into `count` + 1 stretches, and each but the first is measured by a model of all before it. Rows of one instant are in one."},
			{Name: "gap", Type: schema.Duration, Doc: "With `time`: rows this close before a stretch begins are not fitted on there, since what is known of them might not have been known by then."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed makes other folds."},
		}}}
}

// problems of the block, which stands at path.
func (f *Folds) problems(path string, data *schema.Table) (out []schema.Problem) {
	report := func(attr, summary, detail string) {
		out = append(out, schema.Problem{Path: path + "." + attr, Summary: summary, Detail: detail})
	}
	if f.Count < 2 || f.Count > 50 {
		report("count", fmt.Sprintf("count is %d", f.Count), "It must be from 2 to 50.")
	}
	if f.Gap != "" && f.Time == "" {
		report("gap", "A gap is one of time", "Set time to the column that says when a row happened.")
	}
	if f.Time != "" && f.Group != "" {
		report("group", "Folds go forward in time, or keep groups together", "An entity has rows before and after.")
	}
	if data == nil {
		return out
	}
	if c := data.Column(f.Time); c != nil && !table.Temporal(c.Type) {
		report("time", fmt.Sprintf("Column %q is of type %s, not a date or timestamp", c.Name, c.Type), "")
	}
	if data.Clock != "" && f.Time == "" {
		out = append(out, schema.Problem{Path: path, Warning: true, Summary: "The data is a side of a split by time, and folds by chance mix what was earlier and later",
			Hint: fmt.Sprintf("Set time = %q.", data.Clock)})
	}
	return out
}

// Fold is the fold that a stage fits without, and what came of those before. Trainers hand it on to the configuration and look no further.
type Fold struct {
	*Folds
	number int   // from 0 on
	of     []int // by usable row of the data: its fold, or with time its stretch
	times  []float64
	begins []float64 // of the stretches
	values []float64
	rounds int
	rows   int
	why    string   // a value is undefined
	out    *heldOut // nil: folds are measured
}

// fitting loads, fits and finishes with a configuration; fold goes into Config.Fold.
type fitting func(ctx context.Context, s *component.Stage, config json.RawMessage, fold *Fold) error

// Run runs a stage: it fits once, or of a trial with folds once for each, and first once for each fold that is to be predicted.
func (u *Tunable) Run(ctx context.Context, s *component.Stage, fit fitting) error {
	config, err := u.settled(s)
	if err != nil {
		return err
	}
	var c struct {
		Trial     *Trial `json:"trial"`
		OutOfFold *Folds `json:"out_of_fold"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	if c.OutOfFold != nil {
		if err := predictFolds(ctx, s, c.OutOfFold, config, fit); err != nil {
			return err
		}
	}
	if c.Trial == nil || c.Trial.Folds == nil {
		return fit(ctx, s, config, nil)
	}
	f := &Fold{Folds: c.Trial.Folds}
	for ; f.number < f.Count; f.number++ {
		if err := fit(ctx, s, config, f); err != nil {
			return fmt.Errorf("fold %d of %d: %w", f.number+1, f.Count, err)
		}
	}
	out := outcome{Point: c.Trial.Point, Rounds: f.rounds, Rows: f.rows}
	if f.why != "" {
		out.Undefined = map[string]string{"value": f.why}
	} else {
		sum := 0.0
		for _, x := range f.values {
			sum += x
		}
		mean := sum / float64(len(f.values))
		out.Value, out.Folds = &mean, f.values
	}
	return out.write(s)
}

// note takes the value of a fold.
func (f *Fold) note(value float64, undefined string, rounds, rows int) {
	f.rounds, f.rows = f.rounds+rounds, f.rows+rows
	if undefined == "" {
		f.values = append(f.values, value)
	} else if f.why == "" {
		f.why = fmt.Sprintf("in fold %d: %s", f.number+1, undefined)
	}
}

// assign finds the fold of each usable row, once.
func (f *Fold) assign(ctx context.Context, l *loader, u *usable) error {
	if f.of != nil {
		return nil
	}
	columns := []string{f.Time}
	switch {
	case f.Time != "":
	case f.Group != "":
		columns = []string{f.Group}
	case len(l.schema.Entity) > 0:
		columns = l.schema.Entity
	default:
		columns = l.schema.Key
	}
	at := make([]int, u.Rows) // in the table
	for r := range at {
		if at[r] = r; u.picked != nil {
			at[r] = int(u.picked[r])
		}
	}
	f.of = make([]int, u.Rows)
	all := &frame.Frame{}
	if len(columns) > 0 {
		var err error
		if all, err = table.ReadFrame(ctx, l.stage.InputTable(DataPort), columns); err != nil {
			return fmt.Errorf("reading the data: %w", err)
		}
	}
	if f.Time != "" {
		return f.stretches(l, all.Columns[0].Num, at)
	}
	f.deal(l, u, all, at, f.Group != "" || len(l.schema.Entity) > 0)
	return nil
}

// deal deals rows, or groups of them, out to the folds in the order of their hashes; rows one class after the other.
func (f *Fold) deal(l *loader, u *usable, by *frame.Frame, at []int, grouped bool) {
	type card struct {
		class string
		hash  uint64
		rows  []int
	}
	target := u.Column(l.name(l.config.Target))
	classes := l.config.TaskOf(l.schema.Column(l.config.Target)) != schema.Regression
	cards := []*card{}
	seen := map[string]*card{}
	for r, row := range at {
		name, missing := "", len(by.Columns) == 0
		for i := range by.Columns {
			missing = missing || by.Columns[i].Null(row)
			v := by.Columns[i].ValueName(row)
			name += strconv.Itoa(len(v)) + ":" + v
		}
		if missing && grouped || len(by.Columns) == 0 { // a row of no group is one of its own
			name = "row " + strconv.Itoa(row)
		}
		if c := seen[name]; grouped && c != nil {
			c.rows = append(c.rows, r)
			continue
		}
		sum := sha256.Sum256([]byte(strconv.FormatInt(f.Seed, 10) + "|" + name))
		c := &card{hash: binary.BigEndian.Uint64(sum[:]), rows: []int{r}}
		if classes && !grouped {
			c.class = target.ValueName(r)
		}
		seen[name] = c
		cards = append(cards, c)
	}
	slices.SortStableFunc(cards, func(a, b *card) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.hash, b.hash)) })
	for i, c := range cards {
		for _, r := range c.rows {
			f.of[r] = i % f.Count
		}
	}
}

// stretches parts rows by time.
func (f *Fold) stretches(l *loader, times []float64, at []int) error {
	missing := 0
	for _, row := range at {
		f.times = append(f.times, times[row])
		if math.IsNaN(times[row]) || math.IsInf(times[row], 0) {
			missing++
		}
	}
	if missing > 0 {
		return &component.InputError{Summary: fmt.Sprintf("%s: %d of %d rows have no %s", l.stage.Address, missing, len(at), f.Time),
			Detail: "Folds by time have no place for them. Leave them out in a dataset."}
	}
	sorted := slices.Sorted(slices.Values(f.times))
	for b := 1; b <= f.Count && len(sorted) > 0; b++ {
		f.begins = append(f.begins, sorted[b*len(sorted)/(f.Count+1)])
	}
	if len(slices.Compact(slices.Clone(f.begins))) < f.Count || len(sorted) == 0 || f.begins[0] == sorted[0] {
		return &component.InputError{Summary: fmt.Sprintf("%s: %d folds by %s cannot be parted", l.stage.Address, f.Count, f.Time),
			Detail: "Rows of one instant are in one fold, and many share one. Take fewer folds."}
	}
	for r, t := range f.times {
		for f.of[r] < f.Count && t >= f.begins[f.of[r]] {
			f.of[r]++
		}
	}
	return nil
}

// fitted are the usable rows that the model of this fold is fitted on: by chance those of all other folds, by time those of
// earlier stretches, less the ones within the gap before the stretch that is measured begins.
func (f *Fold) fitted() (out []int, err error) {
	gap, err := f.gap()
	for r, of := range f.of {
		if f.Time == "" && of != f.number || f.Time != "" && of <= f.number && f.times[r] < f.begins[f.number]-gap {
			out = append(out, r)
		}
	}
	return out, err
}

// measured are the usable rows that the model of this fold is measured on: by time those of the stretch after the ones that it
// is fitted on, so that the first stretch is in no fold.
func (f *Fold) measured() (out []int) {
	for r, of := range f.of {
		if f.Time == "" && of == f.number || f.Time != "" && of == f.number+1 {
			out = append(out, r)
		}
	}
	return out
}

// gap in seconds, as times are.
func (f *Fold) gap() (float64, error) {
	if f.Gap == "" {
		return 0, nil
	}
	d, err := schema.ParseDuration(f.Gap)
	return d.Seconds(), err
}
