package state

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
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
	pipelines, err := bucket.Folders(ctx, s.Bucket(), "log/")
	if err != nil {
		return nil, fmt.Errorf("looking for other pipelines: %w", err)
	}
	for _, pipeline := range pipelines {
		workspaces, err := bucket.Folders(ctx, s.Bucket(), "log/"+pipeline+"/")
		if err != nil {
			return nil, fmt.Errorf("looking for other pipelines: %w", err)
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
