package state

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/runtime/store"
)

// Other is a pipeline in a workspace, and how much it has live.
type Other struct {
	Pipeline, Workspace string
	Releases            int
}

// Live lists the pipelines and workspaces of a store that have anything live, sorted. What cannot be read is passed over:
// it is not what was asked for.
func Live(ctx context.Context, s *store.Store) ([]Other, error) {
	var out []Other
	pipelines, err := folders(s, "log")
	if err != nil {
		return nil, err
	}
	for _, pipeline := range pipelines {
		workspaces, err := folders(s, "log", pipeline)
		if err != nil {
			return nil, err
		}
		for _, workspace := range workspaces {
			l, err := Open(s, pipeline, workspace)
			if err != nil {
				continue
			}
			st, err := l.Load(ctx)
			if err == nil && len(st.Releases) > 0 {
				out = append(out, Other{pipeline, workspace, len(st.Releases)})
			}
		}
	}
	return out, nil
}

func folders(s *store.Store, elem ...string) ([]string, error) {
	entries, err := os.ReadDir(s.Path(elem...))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for other pipelines: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
