package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// RetrainedDeploy is the argument that names the deployment of a retraining, and the path of its policy.
const RetrainedDeploy = "deploy"

// DefaultCoolDown is how long after a retraining figures cause no other one, where its block does not say.
const DefaultCoolDown = "24h"

// ScheduleAttrs are those of whatever is done on a schedule. policy: they decide over something, and runs nothing when they change.
func ScheduleAttrs(policy bool, doc string) []Attr {
	return []Attr{
		{Name: "schedule", Type: String, Policy: policy, Metadata: !policy, Doc: doc + " as cron writes it: `\"0 3 * * 1\"` (minute, hour, day of the month, month, day of the week), `\"@daily\"`. Of several times that were missed it is done once, for the last ([schedules](language.md#schedules))."},
		{Name: "timezone", Type: String, Policy: policy, Metadata: !policy, Doc: "The time zone of `schedule`, by its name in the IANA database: `\"Europe/Berlin\"`. Default: `\"UTC\"`."},
	}
}

// retrainKind says when a pipeline learns again by itself. Its blocks are no stages: mlp watch reads them, as they were last applied.
func retrainKind() Kind {
	return Kind{
		Name: "retrain", Phase: Operations, Retrains: true, Summary: "When the model of a deployment is trained again",
		Doc: "`mlp watch` does it: an apply of what the deployment rests on, with data as they are then, under the same gate. Nothing but data may differ from what was applied: where the files say otherwise it is held. " +
			"Unchanged data are nothing to do ([retraining](language.md#retraining)). One of `schedule` and `when` is given, or both: then either is enough.",
		Types: single(Body{Attrs: append([]Attr{
			{Name: "description", Type: String, Metadata: true, Doc: "What it is for."},
			{Name: "deploy", Type: Ref, Required: true, Ports: []PortType{ReleasePort}, Edge: StateEdge, Doc: "The deployment whose model is trained again. Others behind the same gate are as well, since a gate decides over all."},
			{Name: "when", Type: CEL, Policy: true, Doc: "It is done when this holds of figures as they were last recorded, `monitor.live.drift.share > 0.3`. Each result of what it reads causes one retraining at most."},
			{Name: "requires", Type: RefList, Unordered: true, Ports: []PortType{VerdictPort}, Kinds: []string{"check"}, Edge: StateEdge, Doc: "Checks that must pass on the new data, besides those that the deployment rests on. All run before anything is trained; where one fails it is held until it passes."},
			{Name: "cool_down", Type: Duration, Policy: true, Doc: "For how long after a retraining `when` causes no other one. Default: `\"" + DefaultCoolDown + "\"`."},
			{Name: "at_most", Type: String, Policy: true, Doc: "How many there may be in any stretch of time: `\"1 per 7d\"`."},
			{Name: "budget", Type: String, Policy: true, Doc: "How long its stages may run, all together, in any stretch of time: `\"6h per 30d\"`. What one is expected to take counts before it begins."},
		}, ScheduleAttrs(true, "When it is done,")...)}),
	}
}

// Retrain is what a retrain block says, as the state has its policy.
type Retrain struct {
	Schedule string `json:"schedule"`
	Timezone string `json:"timezone"`
	When     string `json:"when"`
	CoolDown string `json:"cool_down"`
	AtMost   string `json:"at_most"`
	Budget   string `json:"budget"`
}

// Problems are what is wrong with its limits. The schedule is left to whoever knows time zones.
func (r *Retrain) Problems() []Problem {
	var out []Problem
	if r.Schedule == "" && r.When == "" {
		out = append(out, Problem{Summary: "It is never done: there is neither schedule nor when", Hint: `Write schedule = "0 3 * * 1", or when = "monitor.live.drift.share > 0.3".`})
	}
	if r.When == "" && r.CoolDown != "" {
		out = append(out, Problem{Path: "cool_down", Summary: "cool_down is for when, and there is none", Hint: "at_most limits a schedule."})
	}
	if _, _, err := r.Most(); err != nil {
		out = append(out, Problem{Path: "at_most", Summary: err.Error(), Hint: `Write "1 per 7d".`})
	}
	if _, _, err := r.Hours(); err != nil {
		out = append(out, Problem{Path: "budget", Summary: err.Error(), Hint: `Write "6h per 30d".`})
	}
	return out
}

var perPattern = lazyregexp.New(`^(\S+) per (\S+)$`)

// Most is how many there may be in a stretch of time; 0: any number.
func (r *Retrain) Most() (n int, per time.Duration, err error) {
	if r.AtMost == "" {
		return 0, 0, nil
	}
	m, per, err := within(perPattern(), r.AtMost)
	if err == nil {
		n, err = strconv.Atoi(m)
	}
	if err != nil || n < 1 {
		return 0, 0, fmt.Errorf("%q is no number per stretch of time", r.AtMost)
	}
	return n, per, nil
}

// Hours are how long stages may run in a stretch of time; 0: any time.
func (r *Retrain) Hours() (d, per time.Duration, err error) {
	if r.Budget == "" {
		return 0, 0, nil
	}
	m, per, err := within(perPattern(), r.Budget)
	if err == nil {
		d, err = ParseDuration(m)
	}
	if err != nil || d <= 0 {
		return 0, 0, fmt.Errorf("%q is no duration per stretch of time", r.Budget)
	}
	return d, per, nil
}

// within takes apart "X per DURATION".
func within(pattern *regexp.Regexp, text string) (x string, per time.Duration, err error) {
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return "", 0, fmt.Errorf("no stretch of time")
	}
	per, err = ParseDuration(m[2])
	if err == nil && per <= 0 {
		err = fmt.Errorf("no stretch of time")
	}
	return m[1], per, err
}

// Rest is how long figures cause no other retraining.
func (r *Retrain) Rest() time.Duration {
	text := r.CoolDown
	if text == "" {
		text = DefaultCoolDown
	}
	d, err := ParseDuration(text)
	if err != nil { // the schema refuses it; of a log that was written by hand
		d, _ = ParseDuration(DefaultCoolDown)
	}
	return d
}
