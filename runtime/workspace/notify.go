package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/notify"
	"github.com/mlp-lang/mlp/stdlib"
)

// longestTelling bounds how long a command waits for those who are told.
const longestTelling = 3 * time.Minute

// told are those who are told in a workspace, and the problems of those who cannot be. They are taken from what a plan or the state has of blocks, and not from the
// files: a plan that was saved tells whom its reviewers saw, and whoever rolls back may have no files.
func (s *Session) told(described map[string]json.RawMessage, policies map[string]plan.Policy) (*notify.Notifier, []error) {
	n, problems := &notify.Notifier{Bucket: s.Store.Bucket()}, []error(nil)
	catalog := stdlib.Catalog()
	for _, at := range sortedKeys(described) {
		if kind := catalog.Kind(address.Kind(at)); kind == nil || !kind.Tells {
			continue
		}
		var b schema.Notify
		err := json.Unmarshal(described[at], &b)
		if err == nil && !slices.Contains(b.Workspaces, s.w.Name) {
			continue
		}
		t := notify.Target{Address: at, On: b.On, Workspaces: b.Workspaces}
		if err == nil {
			t.To, err = s.w.sender(&b, described, func(argument string) ([]byte, error) { return s.w.namedSecret(described, policies[at][argument]) })
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s cannot tell anybody: %w", at, err))
			continue
		}
		n.Targets = append(n.Targets, t)
	}
	return n, problems
}

// notifyCommands is the variable by which whoever runs mlp lets commands of notifications run. Nothing else that a module says runs outside of a container, and
// a pull request may say anything.
const notifyCommands = "MLP_NOTIFY_COMMANDS"

// sender is how a block tells. secret reads the one that an argument names; nil without an error where it names none.
func (w *Workspace) sender(b *schema.Notify, described map[string]json.RawMessage, secret func(argument string) ([]byte, error)) (notify.Sender, error) {
	switch {
	case len(b.Command) > 0:
		if os.Getenv(notifyCommands) != "1" {
			return nil, fmt.Errorf("its command would run outside of containers, with all that whoever runs mlp may do: %s=1 allows that", notifyCommands)
		}
		return &notify.Command{Dir: w.Dir, Args: b.Command, Hide: func(text string) string { return attempt.Hidden(w.Dir, secretsOf(described), text) }}, nil
	case b.Server != "":
		password, err := secret("password")
		return &notify.SMTP{Server: b.Server, TLS: b.TLS, From: b.From, To: b.To, User: b.User, Password: string(password)}, err
	case b.URL != "":
		key, err := secret("key")
		return &notify.Webhook{URL: b.URL, Key: key}, err
	}
	url, err := secret("url")
	return &notify.Slack{URL: string(url)}, err
}

// secretsOf are the secrets of a pipeline, by what is recorded of where they are found.
func secretsOf(described map[string]json.RawMessage) []plan.Secret {
	var out []plan.Secret
	catalog := stdlib.Catalog()
	for _, at := range sortedKeys(described) {
		kind := catalog.Kind(address.Kind(at))
		if kind == nil || !slices.ContainsFunc(kind.Types, func(t schema.Type) bool { return t.Yields(schema.SecretPort) }) {
			continue
		}
		s := plan.Secret{Name: at[strings.LastIndexByte(at, '.')+1:]}
		if err := json.Unmarshal(described[at], &s); err == nil && (s.Env != "" || s.File != "") {
			out = append(out, s)
		}
	}
	return out
}

// namedSecret reads the secret that an argument names, by what is recorded of where it is found.
func (w *Workspace) namedSecret(described map[string]json.RawMessage, named json.RawMessage) ([]byte, error) {
	var names []string
	if len(named) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(named, &names); err != nil || len(names) != 1 {
		return nil, errors.New("its secret is not recorded")
	}
	found := plan.Secret{Name: strings.TrimPrefix(names[0], "secret.")}
	if err := json.Unmarshal(described[names[0]], &found); err != nil || found.Env == "" && found.File == "" {
		return nil, fmt.Errorf("where %s is found is not recorded", names[0])
	}
	if found.File != "" && !filepath.IsAbs(found.File) && strings.HasPrefix(names[0], "module.") {
		return nil, fmt.Errorf("%s is a file of a module that is called: give a secret of the pipeline", names[0])
	}
	return attempt.ReadSecret(w.Dir, found)
}

// Tell tells of events whoever is to be told, as the state has it. Each event is told once, whoever tells; what is left open of it is filled in. The error says who was not told, and
// undoes nothing.
func (s *Session) Tell(ctx context.Context, events ...notify.Event) error {
	return s.tell(ctx, s.State.Described, s.State.Policies, events)
}

func (s *Session) tell(ctx context.Context, described map[string]json.RawMessage, policies map[string]plan.Policy, events []notify.Event) error {
	if len(events) == 0 {
		return nil
	}
	n, problems := s.told(described, policies)
	// What happened has happened, also where whoever waits for the command gave up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestTelling)
	defer cancel()
	for _, e := range events {
		e.Pipeline, e.Workspace, e.By = s.Pipeline, s.w.Name, cmp.Or(e.By, UserName())
		if e.At.IsZero() {
			e.At = s.w.Now()
		}
		problems = append(problems, n.Send(ctx, e))
	}
	return errors.Join(problems...)
}

// tellOf tells what an apply came to.
func (s *Session) tellOf(ctx context.Context, o ApplyOptions, p *plan.Plan, r *engine.Result) {
	if r == nil || p == nil {
		return
	}
	if err := s.tell(ctx, p.Described, p.Policies, s.happened(r)); err != nil && o.Told != nil {
		o.Told(err.Error())
	}
}

// happened are the events of an apply. What is the same result as before is the same event.
func (s *Session) happened(r *engine.Result) []notify.Event {
	revision := int64(0)
	if r.State != nil {
		revision = r.State.Revision
	}
	var out []notify.Event
	add := func(kind, at, id, summary string, why []string, next ...string) {
		for i := range next {
			next[i] = s.w.Command(next[i])
		}
		out = append(out, notify.Event{ID: notify.ID(s.Pipeline, s.w.Name, kind, at, id), Type: kind, Address: at, Revision: revision, Summary: summary, Why: why, Next: next})
	}
	var failed []engine.NodeResult
	for _, n := range r.Nodes {
		word := render.ShellWord(n.Address)
		var drifted []string
		for _, f := range n.Findings {
			if f.Severity == plan.DriftFinding {
				drifted = append(drifted, review.FindingText(f))
			}
		}
		if len(drifted) > 0 {
			add(schema.AlarmEvent, n.Address, string(n.Fingerprint), n.Address+" found that "+counted(len(drifted), "thing")+" moved", drifted, "report "+word)
		}
		if n.Check != nil && !n.Check.Passed {
			why := notHolding(n.Check.Rules)
			for _, f := range n.Findings {
				if f.Severity == plan.FailFinding {
					why = append(why, review.FindingText(f))
				}
			}
			add(schema.CheckFailedEvent, n.Address, string(n.Fingerprint), n.Address+" failed", why, "report "+word)
		}
		if n.Failure != nil {
			failed = append(failed, n)
		}
	}
	if len(failed) > 0 {
		var why []string
		for _, n := range failed {
			why = append(why, strings.TrimSpace(n.Address+": "+strings.TrimPrefix(n.Failure.Summary, n.Address+": ")))
		}
		summary := failed[0].Address + " failed"
		if more := len(failed) - 1; more > 0 {
			summary = failed[0].Address + " and " + counted(more, "other stage") + " failed"
		}
		add(schema.StageFailedEvent, failed[0].Address, r.Apply, summary, why, "logs "+render.ShellWord(failed[0].Address))
	}
	for _, g := range r.Gates {
		word := render.ShellWord(g.Address)
		switch g.Status {
		case engine.GateFailed:
			add(schema.GateFailedEvent, g.Address, cmp.Or(string(g.Subject), r.Apply), g.Address+" does not let pass", notHolding(g.Rules), "report "+word)
		case engine.GateWaits:
			next := []string{"report " + word}
			for _, name := range g.Missing {
				next = append(next, "approve "+word+" "+render.ShellWord(name)+" --reason '…'")
			}
			add(schema.ApprovalWantedEvent, g.Address, string(g.Subject)+" "+strings.Join(g.Missing, " "), g.Address+" waits for "+strings.Join(g.Missing, ", "), wanted(g), next...)
		}
	}
	for _, d := range r.Releases {
		if e := releaseEvent(d); e.Type != "" {
			add(e.Type, d.Address, e.ID, e.Summary, e.Why, e.Next...)
		}
	}
	return out
}

// notHolding are the rules that hold something back, with the figures that they read.
func notHolding(rules []plan.Rule) []string {
	var out []string
	for _, r := range rules {
		if r.Severity != "warn" && (r.Verdict == plan.Fail || r.Verdict == plan.RuleError) {
			text := review.WarnedText(r)
			if r.Verdict == plan.RuleError {
				text += ": " + r.Reason
			}
			out = append(out, text)
		}
	}
	return out
}

// wanted says of whom approvals are asked that are missing.
func wanted(g engine.GateResult) []string {
	var out []string
	for _, a := range g.Approvals {
		if slices.Contains(g.Missing, a.Name) {
			out = append(out, a.Name+": of "+strings.Join(a.From, ", "))
		}
	}
	return out
}

// releaseEvent is what became of a deployment, as an event without what all have; none where nothing changed.
func releaseEvent(d engine.ReleaseResult) notify.Event {
	word := render.ShellWord(d.Address)
	switch {
	case d.Status == engine.Removed || d.Status == engine.Changed && d.After == nil:
		e := notify.Event{Type: schema.ReleasedEvent, Summary: d.Address + " has nothing live any more", ID: "removed"}
		if d.Before != nil {
			e.ID += string(d.Before.Model) + strconv.FormatInt(d.Before.Revision, 10)
		}
		return e
	case d.Status != engine.Changed:
		return notify.Event{}
	case d.After.Rollout != nil:
		next := d.After.Rollout.Next
		return notify.Event{Type: schema.RolloutBegunEvent, ID: strconv.FormatInt(next.Revision, 10), Summary: fmt.Sprintf("%s: %s %s is a %s", d.Address, next.From, next.Model.Short(), review.Rollout(d.After.Rollout)),
			Next: []string{"release show " + word, "release promote " + word + " --reason '…'", "release abort " + word + " --reason '…'"}}
	}
	e := notify.Event{Type: schema.ReleasedEvent, ID: strconv.FormatInt(d.After.Revision, 10), Summary: fmt.Sprintf("%s has %s %s live", d.Address, d.After.From, d.After.Model.Short()), Next: []string{"report " + word}}
	if d.Before != nil && d.Before.Model != d.After.Model {
		e.Why = []string{"before: " + d.Before.From + " " + d.Before.Model.Short()}
		e.Next = append(e.Next, "rollback "+word+" --reason '…'")
	}
	return e
}

// moveEvent is what became of a deployment by hand. In the commands that come next a % stands for the deployment.
func (s *Session) moveEvent(kind, at string, revision int64, by plan.Given, summary string, next ...string) notify.Event {
	for i := range next {
		next[i] = s.w.Command(strings.ReplaceAll(next[i], "%", render.ShellWord(at)))
	}
	return notify.Event{ID: notify.ID(s.Pipeline, s.w.Name, kind, at, strconv.FormatInt(revision, 10)), Type: kind, Address: at, Revision: revision, By: by.By,
		Summary: at + ": " + summary, Why: []string{by.Reason}, Next: next}
}

// rolledBack is the event of a rollback, of an abort, or of the end of one.
func (s *Session) rolledBack(r Rollback, done *RolledBack, by plan.Given) notify.Event {
	live := done.Now.From + " " + done.Now.Model.Short()
	switch {
	case done.Was.Rollout != nil && !r.Lift:
		next := done.Was.Rollout.Next
		return s.moveEvent(schema.RolloutAbortedEvent, r.Deploy, done.Revision, by, fmt.Sprintf("%s %s is taken away, %s answers all", next.From, next.Model.Short(), live), "release show %", "rollback % --lift --reason '…'")
	case r.Lift:
		return s.moveEvent(schema.RolledBackEvent, r.Deploy, done.Revision, by, "nothing is held any more, "+live+" stays live", "plan --target %")
	}
	return s.moveEvent(schema.RolledBackEvent, r.Deploy, done.Revision, by, fmt.Sprintf("%s is live again, %s %s is held", live, done.Was.From, done.Was.Model.Short()), "release show %", "rollback % --lift --reason '…'")
}

// promoted is the event of a step of a rollout.
func (s *Session) promoted(m RolloutMove, done *MovedRollout) notify.Event {
	by := plan.Given{By: m.By, Reason: m.Reason}
	next := done.Was.Rollout.Next
	name := next.From + " " + next.Model.Short()
	if now := done.Now.Rollout; now != nil {
		return s.moveEvent(schema.RolloutStepEvent, m.Deploy, done.Revision, by, name+" is a "+review.Rollout(now), "release show %", "release abort % --reason '…'")
	}
	return s.moveEvent(schema.ReleasedEvent, m.Deploy, done.Revision, by, name+" is live", "release show %", "rollback % --reason '…'")
}
