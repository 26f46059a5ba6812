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
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/serve"
)

// Seen is what servers have seen of a canary, added up.
type Seen struct {
	Servers  int             `json:"servers"`
	LeftOut  int64           `json:"left_out,omitempty"` // rows that are not counted
	Evidence canary.Evidence `json:"evidence"`
	Figures  []Figure        `json:"figures"`
}

// Figure is one by its name.
type Figure struct {
	Name string `json:"name"`
	canary.Figure
}

// MarshalJSON has the name beside the figure's own fields.
func (f Figure) MarshalJSON() ([]byte, error) {
	figure, err := json.Marshal(f.Figure)
	if err != nil {
		return nil, err
	}
	name, err := json.Marshal(f.Name)
	return append(append(append([]byte(`{"name":`), name...), ','), figure[1:]...), err
}

// seenFigures are those that are told of a canary, all together at one alpha.
var seenFigures = []string{"requests.ratio", "errors.ratio", "positives.ratio", "latency.p99_ms", "scores.distance"}

// SeenAlpha is how often one of the intervals of a canary's figures lacks what is true, at any look.
const SeenAlpha = 0.05

// TokenVariable has the bearer token for servers that ask for one.
const TokenVariable = "MLP_SERVE_TOKEN"

// Seen asks servers what they have seen of the canary of a deployment. All must have the candidate that the state has: the counts of others say nothing of it.
func (s *Session) Seen(ctx context.Context, deploy string, servers []string) (*Seen, error) {
	live, ok := s.State.Releases[deploy]
	if !ok || live.Rollout == nil || live.Rollout.Strategy.Role != schema.CanaryRoute {
		return nil, &Failure{Err: fmt.Errorf("%s has no canary that servers could have seen", deploy), Hint: s.w.Command("release list") + " shows what is on its way."}
	}
	out := &Seen{Servers: len(servers)}
	for _, server := range servers {
		r, err := askRollout(ctx, server, strings.TrimPrefix(deploy, "deploy."))
		if err != nil {
			return nil, &Failure{Err: fmt.Errorf("asking %s about the canary of %s: %w", server, deploy, err), Hint: "--server takes the address of an mlp serve, such as http://127.0.0.1:8080; its token is in " + TokenVariable + "."}
		}
		if hex, err := live.Rollout.Next.Model.Hex(); err != nil || !strings.HasPrefix(hex, r.Candidate) {
			return nil, &Failure{Err: fmt.Errorf("%s has %s beside the live model, and the state %s", server, r.Candidate, live.Rollout.Next.Model.Short()), Hint: "It follows another workspace, or has not seen the last step yet."}
		}
		if err := r.Evidence.Check(); err != nil {
			return nil, fmt.Errorf("what %s has counted: %w", server, err)
		}
		out.Evidence, out.LeftOut = canary.Merge(out.Evidence, r.Evidence), out.LeftOut+r.LeftOut
	}
	sequence := canary.Sequence{Alpha: SeenAlpha, Figures: len(seenFigures)}
	for _, name := range seenFigures {
		f, err := sequence.Of(out.Evidence, name)
		if err != nil {
			return nil, err
		}
		out.Figures = append(out.Figures, Figure{name, f})
	}
	return out, nil
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
