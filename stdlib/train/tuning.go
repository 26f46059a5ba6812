package train

// How parameters are tuned.
//
// A block with tune has a stage for each trial before its own (schema.TrialRole). A trial is the block's own component with the parameters of one
// point of the space: it fits on data, measures the metric on selection, and yields that as its figures, in place of a model. The block's own stage takes
// the figures of all, sets the parameters of the best, and fits once more.
//
//	train.model@trial001   params as the block has them, moved into the space
//	train.model@trial002   drawn; … to trial010
//	train.model@trial011   chosen by what came of 1 to 10; … to trial015, side by side
//	train.model@trial016   chosen by what came of 1 to 15
//	train.model            takes 1 to 30
//
// Which trial takes which outcomes is known before any has run. What a trial tries depends on these alone and not on which of the others have ended,
// so that the model is the same on one worker and on many, and after any interruption. A trial whose parameters are known when the plan is made has
// them in its configuration: in another space, or of another number of trials, the same parameters are not fitted again.

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/train/tune"
)

// Methods of tuning.
const (
	gridMethod    = "grid"
	randomMethod  = "random"
	tpeMethod     = "tpe"
	halvingMethod = "halving"
)

const (
	defaultTrials = 30
	// drawnFirst is how many trials are drawn before any is chosen by the others, as in Optuna and hyperopt's order of size.
	drawnFirst = 10
	// leastRounds of a fit in successive halving: of fewer nothing can be told.
	leastRounds = 10
	// mostChecked bounds for how many points of a space parameters are checked.
	mostChecked = 512
	// mostRemembered is for how many configurations it is remembered what came of that: a module is compiled at each key in an editor, and all
	// blocks but one are as they were.
	mostRemembered = 64
)

// Tuning is the block tune as the stage gets it.
type Tuning struct {
	Metric    json.RawMessage            `json:"metric"` // a definition
	Method    string                     `json:"method"`
	Trials    *int                       `json:"trials"`    // nil: as many as the method has by itself
	Batch     int                        `json:"batch"`     // of tpe: how many trials are chosen by the same outcomes
	Reduction int                        `json:"reduction"` // of halving: of so many trials one goes on
	Seed      int64                      `json:"seed"`
	Folds     *Folds                     `json:"folds"` // nil: trials are measured on rows of their own
	Space     map[string]json.RawMessage `json:"space"` // by parameter, as it is written: see dimensionText
}

// Tunable says what of a trainer can be tuned: the numbers of its block params that have defaults. A parameter without one,
// such as early_stopping_rounds, has no value that the first trial could have where the block leaves it out.
type Tunable struct {
	Params *schema.Block // the trainer's block params
	Rounds string        // the parameter that says how much work a fit is; empty: there is none
	// Absent are numbers that have no default, so that what leaves them out is the block that it was, and what they are where they are left out.
	Absent map[string]float64
	// Check finds what is wrong with the parameters of a configuration, at paths "params.…"; validated: there is a table to validate on.
	Check func(config json.RawMessage, validated bool) []schema.Problem

	cornersMu sync.Mutex
	cornersOf map[checkedCorners][]schema.Problem // found before, a few (mostRemembered)
}

// attrs are the parameters that can be tuned.
func (u *Tunable) attrs() []*schema.Attr {
	var out []*schema.Attr
	for i := range u.Params.Body.Attrs {
		a := &u.Params.Body.Attrs[i]
		if _, absent := u.Absent[a.Name]; (absent || a.Default != nil) && (a.Type == schema.Number || a.Type == schema.Integer) {
			out = append(out, a)
		}
	}
	return out
}

// SelectionAttr is the attribute for the rows that trials are measured on. They are rows that nothing is fitted on; where it
// is left out, those of validation are taken, on which a fit may stop early, too, or folds of the data.
func SelectionAttr() schema.Attr {
	return schema.Attr{Name: SelectionPort, Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.ChosenRows,
		Doc: "A table with the same columns and other rows, such as the selection side of a split: for choosing among the trials of `tune`. Left out: `validation`, or `folds`. Not trained on, and not a side to test on, since the best of many is good there by chance, too."}
}

// Block is the nested block tune of the trainer. Halving is among its methods only where the trainer has a parameter of work
// (Rounds), and the space has an argument for each parameter that can be tuned.
func (u *Tunable) Block() schema.Block {
	methods := []string{gridMethod, randomMethod, tpeMethod}
	if u.Rounds != "" {
		methods = append(methods, halvingMethod)
	}
	attrs := []schema.Attr{
		{Name: "metric", Type: schema.Ref, Required: true, Edge: schema.DefinitionEdge, Ports: []schema.PortType{schema.MetricPort},
			Doc: "The metric to bring to its best on `selection`, or over `folds`."},
		{Name: "method", Type: schema.String, Default: tpeMethod, OneOf: methods,
			Doc: "`grid`: every combination of the values listed. `random`: draws. `tpe`: ten draws, then where the best lie and the others do not " +
				"(tree-structured Parzen estimator, Bergstra et al. 2011)." + u.halvingDoc()},
		{Name: "trials", Type: schema.Integer,
			Doc: fmt.Sprintf("How many choices of parameters are tried, each a stage with a result of its own. Left out: %d. A grid has as many as it has combinations.", defaultTrials)},
		{Name: "batch", Type: schema.Integer, Default: 5.0,
			Doc: "How many trials of `tpe` are chosen at once, by what came of all before them: they can run side by side. Another number is another search; how many workers there are is none."},
	}
	attrs = append(attrs, schema.Attr{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed draws other parameters."})
	if u.Rounds != "" {
		attrs = append(attrs, schema.Attr{Name: "reduction", Type: schema.Integer, Default: 3.0,
			Doc: "Of `halving`: one trial in so many goes on, with as many times the rounds."})
	}
	space := schema.Block{Name: "space", Required: true,
		Doc: "What is tried of each parameter: a list, `[4, 6, 8]`, or a range, `{ min = 0.02, max = 0.3, scale = \"log\" }`. Whole parameters get whole numbers; the scale is `linear` or `log`. " +
			"With `when` a parameter is tried at some values of another only, and stays as `params` has it elsewhere: `{ values = [15, 31], when = { max_depth = [0] } }`."}
	for _, a := range u.attrs() {
		space.Body.Attrs = append(space.Body.Attrs, schema.Attr{Name: a.Name, Type: schema.Any, Doc: "Values of `params." + a.Name + "`: a list or a range."})
	}
	return schema.Block{Name: "tune",
		Doc: "Tries parameters before the model is fitted. The first trial has those of `params`, so that what is chosen is no worse by the metric on `selection`; of a grid all are those of the grid. " +
			"Each trial is fitted on `data` and measured on `selection`; the best by the metric, of equal ones the first, is fitted for good. " +
			"The work is the number of trials times that of a fit. With `folds` it is measured on parts of `data` instead. The choice depends on the data, the configuration and the seed: not on time, workers or interruptions.",
		Body: schema.Body{Attrs: attrs, Blocks: []schema.Block{space, tuneFolds()}}}
}

// halvingDoc is what the documentation of method says of halving; "" of a trainer that has none.
func (u *Tunable) halvingDoc() string {
	if u.Rounds == "" {
		return ""
	}
	return fmt.Sprintf(" `halving`: `trials` draws with few rounds (`params.%s`), then the best of them with more, to one with all (successive halving, Jamieson and Talwalkar 2016); it has about half as many stages more than `trials`, and less work.", u.Rounds)
}

// Problems are those of the block tune; none where there is no such block.
// Trials are derived, to count them, only where nothing else is wrong.
func (u *Tunable) Problems(req schema.ShapeRequest, c *Config) []schema.Problem {
	t := c.Tune
	_, selected := req.In[SelectionPort]
	_, validated := req.In[ValidationPort]
	if t == nil {
		if selected {
			return []schema.Problem{{Path: SelectionPort, Summary: "selection is for the trials of tune, and there are none", Hint: "Add tune { … }, or leave selection out."}}
		}
		return nil
	}
	var out []schema.Problem
	report := func(path, summary, detail string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail})
	}
	if t.Folds != nil {
		if selected {
			report(SelectionPort, "Trials are measured on selection or on folds of data, not on both", "")
		}
		out = append(out, t.Folds.problems("tune.folds", req.In[DataPort].Table)...)
	} else if !selected && !validated {
		out = append(out, schema.Problem{Path: "tune", Summary: "tune needs rows to choose on", Detail: "Trials are measured on rows that they were not fitted on.",
			Hint: "Set selection to a side for that, such as split.<name>.selection, or add folds { } to tune."})
	}
	if m, err := metric.New(t.Metric); err == nil {
		task := schema.Task("")
		if data := req.In[DataPort].Table; data != nil {
			task = c.TaskOf(data.Column(c.Target))
		}
		if m.SQL != "" {
			report("tune.metric", "Trials cannot be measured by a metric that is defined in SQL", "It takes one of scikit-learn's, by its name.")
		} else if err := m.Fits(task); err != nil && task != "" {
			report("tune.metric", "The metric does not fit: "+err.Error(), "")
		}
	}
	space, problems := u.space(t)
	out = append(out, problems...)
	if len(t.Space) == 0 {
		report("tune.space", "The space is empty", "")
	}
	switch {
	case t.Trials != nil && t.Method == gridMethod:
		report("tune.trials", "A grid has as many trials as combinations", "Leave trials out, or set another method.")
	case t.Trials != nil && (*t.Trials < 1 || *t.Trials > schema.MaxTrials):
		report("tune.trials", fmt.Sprintf("trials is %d", *t.Trials), fmt.Sprintf("It must be from 1 to %d.", schema.MaxTrials))
	}
	if t.Batch < 1 {
		report("tune.batch", fmt.Sprintf("batch is %d", t.Batch), "It must be at least 1.")
	}
	if t.Method == halvingMethod {
		if t.Reduction < 2 {
			report("tune.reduction", fmt.Sprintf("reduction is %d", t.Reduction), "It must be at least 2.")
		}
		if t.Space[u.Rounds] != nil {
			report("tune.space."+u.Rounds, u.Rounds+" is what successive halving spends", "Set it in params: the last trials have so many.")
		}
	}
	if slices.ContainsFunc(out, func(p schema.Problem) bool { return !p.Warning }) {
		return append(out, u.corners(req.Config, space, validated)...)
	}
	if all, err := u.Derive(schema.DeriveRequest{Config: req.Config, In: req.In}); err != nil {
		report("tune", err.Error(), "")
	} else if len(all) == 0 || len(all) > schema.MaxTrials {
		report("tune", "There are too many trials", fmt.Sprintf("A block has at most %d.", schema.MaxTrials))
	}
	return append(out, u.corners(req.Config, space, validated)...)
}

// withParams is a configuration with parameters set. All else stays as it is, other parameters of the block too.
func withParams(config json.RawMessage, p tune.Point) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	params := map[string]json.RawMessage{}
	if all["params"] != nil {
		if err := json.Unmarshal(all["params"], &params); err != nil {
			return nil, err
		}
	}
	for name, x := range p {
		params[name], _ = json.Marshal(x) // of a number that is finite
	}
	var err error
	if all["params"], err = json.Marshal(params); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// Trial is what a stage is told that is one of a block's trials.
type Trial struct {
	Metric json.RawMessage `json:"metric"`
	Point  tune.Point      `json:"point,omitempty"`  // what is tried; it stands in params, too
	Choose *Choice         `json:"choose,omitempty"` // how that is found; nil: it is known
	Folds  *Folds          `json:"folds,omitempty"`  // of data that it is measured on; nil: on selection
}

// Choice says how a trial's parameters follow from what came of others.
type Choice struct {
	Method string                     `json:"method"`
	Space  map[string]json.RawMessage `json:"space,omitempty"`
	Number int                        `json:"number,omitempty"` // of the trial
	First  int                        `json:"first,omitempty"`  // of those that are chosen with it: each takes those before it for bad ones
	Seed   int64                      `json:"seed,omitempty"`
	// Version of tpe: another one chooses otherwise by the same outcomes, and is another stage.
	Version int        `json:"version,omitempty"`
	Base    tune.Point `json:"base"`           // what params have of the space; it holds of what does not count at the point
	Rank    int        `json:"rank,omitempty"` // of halving: it goes on with the outcome of this rank, 0 the best
}

// trialPort is the port at which the outcome of a trial comes in, "trial.007".
func trialPort(number int) string { return fmt.Sprintf("%s%03d", trialPrefix, number) }

// trialPrefix begins the names of these ports, and of no others.
const trialPrefix = "trial."

// OutcomePort is the port of what a trial yields: its figures (outcome), in place of a model.
const OutcomePort = "figures"

// Derive is the trials of a block, none without tune. It goes by the configuration alone, so that a plan knows all trials
// before anything has run. Each trial takes those of the block's tables that are there, and the model that it goes on with.
func (u *Tunable) Derive(req schema.DeriveRequest) ([]schema.Derivation, error) {
	var c struct {
		Tune   *Tuning                    `json:"tune"`
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(req.Config, &c); err != nil || c.Tune == nil {
		return nil, err
	}
	space, problems := u.space(c.Tune)
	if len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	m := &maker{tunable: u, tuning: c.Tune, config: req.Config, space: space}
	for _, port := range []string{DataPort, SelectionPort, ValidationPort, CalibrationPort, InitModelPort} {
		if _, ok := req.In[port]; ok {
			m.in = append(m.in, schema.DerivationInput{Port: port, Input: port})
		}
	}
	start := tune.Point{}
	for _, a := range u.attrs() {
		start[a.Name] = u.Absent[a.Name]
		if x, ok := a.Default.(float64); ok {
			start[a.Name] = x
		}
		if raw := c.Params[a.Name]; raw != nil {
			var x float64
			if err := json.Unmarshal(raw, &x); err != nil {
				return nil, err
			}
			start[a.Name] = x
		}
	}
	m.start = start
	return m.all()
}

// maker makes the derivations of a block's trials.
type maker struct {
	tunable *Tunable
	tuning  *Tuning
	config  json.RawMessage
	space   tune.Space
	in      []schema.DerivationInput
	start   tune.Point // the parameters that the block has
	out     []schema.Derivation
}

// all are the trials, by their numbers.
// A trial that chooses takes the outcomes that it chooses by: in halving those of the rung before its own, in tpe those of
// all trials before its batch. That is the only order among trials; what takes no outcome can run at once.
func (m *maker) all() ([]schema.Derivation, error) {
	trials := defaultTrials
	if m.tuning.Trials != nil {
		trials = *m.tuning.Trials
	}
	first := func(number int) tune.Point {
		if number == 1 {
			return m.space.Nearest(m.start)
		}
		return m.space.Random(m.tuning.Seed, number)
	}
	switch m.tuning.Method {
	case gridMethod:
		points, ok := m.space.Grid(schema.MaxTrials)
		if !ok {
			return nil, fmt.Errorf("the grid has more than %d combinations", schema.MaxTrials)
		}
		for _, p := range points {
			if err := m.add(&Trial{Point: p}, p, nil); err != nil {
				return nil, err
			}
		}
	case halvingMethod:
		rungs := m.tuning.rungs(m.start[m.tunable.Rounds])
		for i, r := range rungs {
			for k := range r.Trials {
				t, set := &Trial{}, tune.Point{m.tunable.Rounds: float64(r.Work)}
				var takes []int
				if i == 0 {
					t.Point = first(r.First + k)
					maps.Copy(set, t.Point)
				} else {
					t.Choose = &Choice{Method: halvingMethod, Rank: k}
					before := rungs[i-1]
					takes = numbers(before.First, r.First)
				}
				if err := m.add(t, set, takes); err != nil {
					return nil, err
				}
			}
		}
	default:
		for number := 1; number <= trials; number++ {
			if m.tuning.Method == randomMethod || number <= drawnFirst {
				p := first(number)
				if err := m.add(&Trial{Point: p}, p, nil); err != nil {
					return nil, err
				}
				continue
			}
			from := number - (number-drawnFirst-1)%m.tuning.Batch
			t := &Trial{Choose: &Choice{Method: tpeMethod, Version: tune.Version, Space: m.tuning.Space, Number: number, First: from, Seed: m.tuning.Seed}}
			if err := m.add(t, nil, numbers(1, from)); err != nil {
				return nil, err
			}
		}
	}
	return m.out, nil
}

// rungs are those of successive halving, for a block whose parameter of work is set to work. Derive and settled go by the
// same ones.
func (t *Tuning) rungs(work float64) []tune.Rung {
	trials := defaultTrials
	if t.Trials != nil {
		trials = *t.Trials
	}
	return tune.Rungs(trials, max(t.Reduction, 2), int(work), leastRounds)
}

// numbers from first on, up to the one before end.
func numbers(first, end int) []int {
	var out []int
	for k := first; k < end; k++ {
		out = append(out, k)
	}
	return out
}

// add adds a trial with parameters set, which takes the outcomes of others.
// Its configuration has everything that the trial depends on and nothing else, since a trial is done where another of the
// same configuration and inputs is: tune is not in it, nor a decision that the metric does not depend on. Where the trial
// chooses, the parameters of the space are not in params either; what the block has of them stands in Choice.Base.
func (m *maker) add(t *Trial, set tune.Point, takes []int) error {
	config, err := withParams(m.config, set)
	if err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return err
	}
	delete(all, "tune")
	delete(all, OutOfFoldPort) // of the model for good
	if t.Choose != nil {       // which parameters it has is not known yet
		t.Choose.Base = tune.Point{}
		params := map[string]json.RawMessage{}
		if all["params"] != nil {
			if err := json.Unmarshal(all["params"], &params); err != nil {
				return err
			}
		}
		for i := range m.space {
			t.Choose.Base[m.space[i].Name] = m.start[m.space[i].Name]
			delete(params, m.space[i].Name)
		}
		if all["params"], err = json.Marshal(params); err != nil {
			return err
		}
	}
	if x, err := metric.New(m.tuning.Metric); err == nil {
		if _, _, decides := x.OfCounts(1, 1, 1, 1); !decides {
			delete(all, "decision") // where the threshold lies changes nothing
		}
	}
	t.Metric, t.Folds = m.tuning.Metric, m.tuning.Folds
	if all["trial"], err = json.Marshal(t); err != nil {
		return err
	}
	number := len(m.out) + 1
	d := schema.Derivation{Role: schema.TrialRole, Number: number, Into: trialPort(number),
		Out: []schema.DerivationOutput{{Port: OutcomePort, Type: schema.FiguresPort, Shape: &schema.Shape{Type: schema.FiguresPort}}}}
	if d.Config, err = json.Marshal(all); err != nil {
		return err
	}
	d.In = slices.Clone(m.in)
	for _, k := range takes {
		d.In = append(d.In, schema.DerivationInput{Port: trialPort(k), Trial: k})
	}
	slices.SortFunc(d.In, func(a, b schema.DerivationInput) int { return strings.Compare(a.Port, b.Port) })
	m.out = append(m.out, d)
	return nil
}
