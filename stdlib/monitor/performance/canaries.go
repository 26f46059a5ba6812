package performance

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// How the decisions of canaries turned out.
//
// A log of predictions says of each row whether it was answered while a canary had a share of the rows, and by which of the two models (rollout, rollout_share, route). With its label a row is a count for the one or the other:
//
//	rollout  rollout_share  route   predicted  label        counts
//	41       5              canary  true       true         canary: labelled, actual, found
//	41       5              live    true       false        control: labelled, mistakes, alarms
//	41       5              live    false      not mature   nothing, yet
//
// These are the counts that rules of a canary read as mistakes, recall and false_positives (compiler/canary). Of each entity the first row at a step counts, as where servers count.
//
// Both models' rows must have had the same chance to get a label, whatever was decided. Of a deployment that explores at 3 % a rejected row has it with the chance 0.03, and one that is let through for sure: so of the latter 3 in 100 are
// drawn, by a hash of their key, and the others are left out. What is left is as if the label of each row had come with the chance 0.03.

// arm has the counts of one model at a step, by the names that compiler/canary reads.
type arm struct {
	Requests int64 `json:"requests"`
	Labelled int64 `json:"labelled,omitempty"`
	Mistakes int64 `json:"mistakes,omitempty"`
	Actual   int64 `json:"actual,omitempty"`
	Found    int64 `json:"found,omitempty"`
	Alarms   int64 `json:"alarms,omitempty"`
}

// canaryStep is a step of a rollout.
type canaryStep struct {
	Share   int64 `json:"share"` // of the rows, in millionths
	Canary  arm   `json:"canary"`
	Control arm   `json:"control"`
}

// evidence is that of a rollout.
type evidence struct {
	Steps []canaryStep `json:"steps,omitempty"`
}

// logsCanaries reports whether predictions say by which model of a rollout they were made.
func logsCanaries(t *schema.Table) bool {
	return t.Column("rollout") != nil && t.Column("rollout_share") != nil && t.Column("route") != nil
}

// countCanaries counts how decisions turned out, by the revision in which a rollout began.
func (j *joined) countCanaries(ctx context.Context) (map[string]*evidence, error) {
	if j.model.Task != schema.Binary || !logsCanaries(j.predictions) {
		return nil, nil
	}
	columns := j.columns(j.model.Task, j.predictions)
	target := j.labels.Column(j.model.Target)
	if columns["predicted"] == nil || target == nil {
		return nil, nil
	}
	positive := j.Positive
	if positive == "" && !model.TextType(target.Type) {
		positive = "1"
		if target.Type == "boolean" {
			positive = "true"
		}
	}
	r, err := table.OpenReader(ctx, j.inputs())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	known := j.known()
	if j.rejected != nil {
		rejects, censored, chance := j.conditions()
		row, err := r.Row(ctx, fmt.Sprintf("select coalesce(min(%s) filter (%s and not %s and p.rollout is not null), case when count_if(%[2]s and p.rollout is not null) = 0 then 1 end)::double from predictions p", chance, rejects, censored))
		if err != nil {
			return nil, fmt.Errorf("looking for what canaries explored: %w", err)
		}
		least, some := row[0].(float64)
		if !some {
			return nil, nil // rows were rejected, and none was let through: labels are of the others alone
		}
		var key []string
		for _, name := range j.On {
			key = append(key, "p."+table.Quote(name)+"::varchar")
		}
		known += fmt.Sprintf(" and (hash(%s) >> 11)::double / 9007199254740992 < %v / %s", strings.Join(key, ", "), least, chance)
	}
	nth := "1" // of a row that is an entity of its own
	if by := j.entity(); by != "" {
		first := ""
		if j.predictions.Column("requested_at") != nil {
			first = " order by p.requested_at"
		}
		nth = fmt.Sprintf("row_number() over (partition by p.rollout, p.rollout_share, %s%s)", by, first)
	}
	is := func(of string) string {
		return fmt.Sprintf("coalesce(%s::varchar = %s, false)", of, table.Literal(positive))
	}
	sql := fmt.Sprintf(`with rows as (select p.rollout::bigint as rollout, round(p.rollout_share::double * 10000)::bigint as share, p.route = 'canary' as canary, %s as said, %s as turned, %s as nth
			from predictions p join labels l on %s where %s and p.rollout is not null and p.rollout_share is not null and p.route in ('canary', 'live'))
		select rollout, share, canary, count(*)::bigint, count_if(said <> turned)::bigint, count_if(turned)::bigint, count_if(turned and said)::bigint, count_if(said and not turned)::bigint from rows where nth = 1 group by all order by all`,
		is("p."+table.Quote(columns["predicted"].Name)), is("l."+table.Quote(j.model.Target)), nth, j.matches(), known)
	out := map[string]*evidence{}
	err = r.Query(ctx, sql, func(row []any) error {
		n := make([]int64, len(row))
		for i, x := range row {
			n[i], _ = x.(int64)
		}
		rollout := strconv.FormatInt(n[0], 10)
		e := out[rollout]
		if e == nil {
			e = &evidence{}
			out[rollout] = e
		}
		if k := len(e.Steps); k == 0 || e.Steps[k-1].Share != n[1] {
			e.Steps = append(e.Steps, canaryStep{Share: n[1]})
		}
		step := &e.Steps[len(e.Steps)-1]
		to := &step.Control
		if isCanary, _ := row[2].(bool); isCanary {
			to = &step.Canary
		}
		*to = arm{Labelled: n[3], Mistakes: n[4], Actual: n[5], Found: n[6], Alarms: n[7]}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting how decisions of canaries turned out: %w", err)
	}
	return out, nil
}

// matches is the condition that a label l is that of a prediction p.
func (j *joined) matches() string {
	var on []string
	for _, name := range j.On {
		on = append(on, fmt.Sprintf("p.%s = l.%[1]s", table.Quote(name)))
	}
	return strings.Join(on, " and ")
}

// known is the condition that a label counts.
func (j *joined) known() string {
	known := fmt.Sprintf("l.%s is not null", table.Quote(j.labels.Label.Column))
	if mature := j.labels.Label.Mature; mature != "" && j.labels.Column(mature) != nil {
		known += fmt.Sprintf(" and l.%s", table.Quote(mature))
	}
	if j.rejected != nil {
		_, censored, _ := j.conditions()
		known += " and not " + censored
	}
	return known
}

// entity is that of a prediction p, in SQL; empty where it has none.
func (j *joined) entity() string {
	var by []string
	for _, name := range j.predictions.Entity {
		by = append(by, "p."+table.Quote(name))
	}
	if len(by) == 0 {
		return ""
	}
	return "row(" + strings.Join(by, ", ") + ")"
}
