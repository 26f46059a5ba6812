package docker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// keptImages is how many built-in images stay in the engine beside the one in use: each is as large as the binary, and each build of mlp
// makes another.
const keptImages = 4

// loaded is a built-in image and when it was last loaded.
type loaded struct {
	id string
	at time.Time
}

// pruneImages removes the built-in images that were loaded longest ago, but not the given one. One that a container uses stays, since the
// engine refuses; one that another mlp was just about to use is loaded again by it. Failing to prune fails nothing.
func (e *Executor) pruneImages(ctx context.Context, inUse string) {
	list, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", binaryLabel))})
	if err != nil {
		return
	}
	var all []loaded
	for _, i := range list {
		if found, err := e.api.ImageInspect(ctx, i.ID); err == nil && i.ID != inUse {
			all = append(all, loaded{i.ID, found.Metadata.LastTagTime})
		}
	}
	e.removeImages(ctx, stale(all, keptImages))
}

// stale are the images beyond the newest so many.
// Times that are the same go by id. The list is sorted in place.
func stale(all []loaded, keep int) []string {
	slices.SortFunc(all, func(a, b loaded) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	var out []string
	for _, i := range all[min(keep, len(all)):] {
		out = append(out, i.id)
	}
	return out
}

// removeImages removes those that it can.
func (e *Executor) removeImages(ctx context.Context, ids []string) {
	for _, id := range ids {
		_, _ = e.api.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
	}
}
