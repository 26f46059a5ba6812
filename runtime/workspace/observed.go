package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/runtime/store/counts"
)

// Seen is what servers have seen of a canary, added up.
type Seen struct {
	Deploy   string            // its address
	Release  plan.ReleaseState // with the rollout
	Servers  int               // whose counts these are
	LeftOut  int64             // rows that are not counted
	Evidence canary.Evidence
	Alpha    float64                // in how many releases one of the figures is not in its interval
	Figures  []decide.CanaryFigure  // that its rules read, or the usual ones where there are none
	Decision *decide.CanaryDecision // by its rules; nil where there are none
}

// seenFigures are those that are told of a canary, all together at one alpha.
var seenFigures = []string{"requests.ratio", "errors.ratio", "positives.ratio", "latency.p99_ms", "scores.distance"}

// SeenAlpha is how often one of the intervals of a canary's figures lacks what is true, at any look.
const SeenAlpha = 0.05

// TokenVariable has the bearer token for servers that ask for one.
const TokenVariable = "MLP_SERVE_TOKEN"

// Seen adds up what is counted of the canary of a deployment: what servers have written to the store, or, where some are named, what these say. All of
// them must have the candidate that the state has: the counts of others say nothing of it.
func (s *Session) Seen(ctx context.Context, deploy string, servers []string) (*Seen, error) {
	live, ok := s.State.Releases[deploy]
	if !ok || live.Rollout == nil || live.Rollout.Strategy.Role != schema.CanaryRoute {
		return nil, &Failure{Err: fmt.Errorf("%s has no canary that servers could have seen", deploy), Hint: s.w.Command("release list") + " shows what is on its way."}
	}
	out := &Seen{Deploy: deploy, Release: live, Servers: len(servers), Alpha: SeenAlpha}
	var err error
	if len(servers) > 0 {
		err = out.ask(ctx, servers)
	} else {
		err = out.read(ctx, counts.Place{Bucket: s.Store.Bucket(), Pipeline: s.Pipeline, Workspace: s.w.Name})
	}
	if err != nil {
		return nil, err
	}
	if rules := live.Rollout.Strategy.Rules; rules != nil {
		turned, err := s.turned(rules.JudgedBy, live.Rollout.Next.Revision)
		if err != nil {
			return nil, err
		}
		out.Evidence = canary.Merge(out.Evidence, turned)
		return out, out.decide(s.w.Now())
	}
	sequence := canary.Sequence{Alpha: SeenAlpha, Figures: len(seenFigures)}
	for _, name := range seenFigures {
		f, err := sequence.Of(out.Evidence, name)
		if err != nil {
			return nil, err
		}
		out.Figures = append(out.Figures, decide.CanaryFigure{Name: name, Figure: f})
	}
	return out, nil
}

// turned is how decisions of a rollout turned out, as a monitor found at the last apply; nothing where it found nothing, or there is none.
func (s *Session) turned(monitor string, rollout int64) (canary.Evidence, error) {
	if monitor == "" {
		return canary.Evidence{}, nil
	}
	text, found, err := s.figuresOf(monitor)
	if err != nil || !found {
		return canary.Evidence{}, err
	}
	var figures struct {
		Canaries map[string]json.RawMessage `json:"canaries"`
	}
	if err := json.Unmarshal(text, &figures); err != nil {
		return canary.Evidence{}, fmt.Errorf("reading the figures of %s: %w", monitor, err)
	}
	counted, there := figures.Canaries[strconv.FormatInt(rollout, 10)]
	if !there {
		return canary.Evidence{}, nil
	}
	return canary.Decode(counted)
}

// decide asks the rules of the canary.
func (s *Seen) decide(at time.Time) error {
	r := s.Release.Rollout
	rules, err := decide.NewCanary(r.Strategy)
	if err != nil {
		return fmt.Errorf("the canary of %s: %w", s.Deploy, err)
	}
	since := r.Next.Since
	if r.Moved != nil {
		since = r.Moved.At
	}
	d, err := rules.Decide(decide.CanaryLook{Step: r.Step, Stayed: at.Sub(since), Evidence: s.Evidence})
	if err != nil {
		return fmt.Errorf("the canary of %s: %w", s.Deploy, err)
	}
	s.Decision, s.Figures, s.Alpha = &d, d.Figures, r.Strategy.Rules.Alpha
	return nil
}

// read adds up what servers have written to the store.
func (s *Seen) read(ctx context.Context, from counts.Place) error {
	all, err := from.Read(ctx, counts.Of(s.Deploy, s.Release.Rollout))
	for _, c := range all {
		s.Evidence, s.LeftOut = canary.Merge(s.Evidence, c.Evidence), s.LeftOut+c.LeftOut
	}
	s.Servers = len(all)
	return err
}

// leastTraffic is how long servers must have counted before what they counted is a rate.
const leastTraffic = time.Minute

// traffic is what servers counted of a deployment beside its canary, for how long the steps of the next one take; of too little, what was known before.
func (s *Session) traffic(ctx context.Context, deploy string, live plan.ReleaseState) *schema.Traffic {
	all, err := counts.Place{Bucket: s.Store.Bucket(), Pipeline: s.Pipeline, Workspace: s.w.Name}.Read(ctx, counts.Of(deploy, live.Rollout))
	if err != nil || len(all) == 0 { // it is for people, and no decision rests on it
		return live.Traffic
	}
	var control canary.Arm
	rows, since, at := int64(0), all[0].Since, all[0].At
	for _, c := range all {
		if c.Since.Before(since) {
			since = c.Since
		}
		if c.At.After(at) {
			at = c.At
		}
		for _, step := range c.Evidence.Steps {
			rows += step.Canary.Requests + step.Control.Requests
			control.Requests, control.Errors, control.Positives = control.Requests+step.Control.Requests, control.Errors+step.Control.Errors, control.Positives+step.Control.Positives
		}
	}
	if at.Sub(since) < leastTraffic || control.Requests == 0 {
		return live.Traffic
	}
	out := &schema.Traffic{PerMinute: float64(rows) / at.Sub(since).Minutes(), ErrorRate: float64(control.Errors) / float64(control.Requests)}
	if answers := control.Requests - control.Errors; answers > 0 {
		out.PositiveRate = float64(control.Positives) / float64(answers)
	}
	return out
}

// ask adds up what servers say.
func (s *Seen) ask(ctx context.Context, servers []string) error {
	next := s.Release.Rollout.Next.Model
	for _, server := range servers {
		r, err := askRollout(ctx, server, strings.TrimPrefix(s.Deploy, "deploy."))
		if err != nil {
			return &Failure{Err: fmt.Errorf("asking %s about the canary of %s: %w", server, s.Deploy, err), Hint: "--server takes the address of an mlp serve, such as http://127.0.0.1:8080; its token is in " + TokenVariable + "."}
		}
		if hex, err := next.Hex(); err != nil || !strings.HasPrefix(hex, r.Candidate) {
			return &Failure{Err: fmt.Errorf("%s has %s beside the live model, and the state %s", server, r.Candidate, next.Short()), Hint: "It follows another workspace, or has not seen the last step yet."}
		}
		if err := r.Evidence.Check(); err != nil {
			return fmt.Errorf("what %s has counted: %w", server, err)
		}
		s.Evidence, s.LeftOut = canary.Merge(s.Evidence, r.Evidence), s.LeftOut+r.LeftOut
	}
	return nil
}

// kept keeps what a server counts, in the store.
type kept struct {
	place counts.Place
	host  string
}

// Begin is as serve.Counts says. A name of the server's own for each rollout takes a random number, of which there is always one.
func (k kept) Begin(deploy string, r *plan.Rollout) func(context.Context, canary.Evidence, int64) error {
	name, failed := counts.Name()
	c := counts.Counts{Rollout: counts.Of(deploy, r), Host: k.host, Since: now()}
	return func(ctx context.Context, e canary.Evidence, leftOut int64) error {
		if failed != nil {
			return failed
		}
		c.At, c.Evidence, c.LeftOut = now(), e, leftOut
		return k.place.Put(ctx, name, c)
	}
}

// askRollout asks one server. An answer is bounded: a histogram has few hundred bins.
func askRollout(ctx context.Context, server, name string) (*serve.Rollout, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at, err := url.JoinPath(server, "v1", "models", name, "rollout")
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	if token := os.Getenv(TokenVariable); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	var r struct {
		serve.Rollout
		Error string `json:"error"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("status %d, and no JSON: %w", response.StatusCode, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(r.Error)
	}
	return &r.Rollout, nil
}
