package cloud

import (
	"context"
	"slices"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// batcher is a service that deletes many values with one request.
type batcher interface {
	// deleteAll returns nil once none of the names has a value. After an error it may be asked again.
	deleteAll(ctx context.Context, b *blob.Bucket, names []string) error
}

const (
	// batchKeys is how many values one request deletes, as many as S3 allows.
	batchKeys = 1000
	// deletes is how many requests to delete are under way at once, where each deletes one value.
	deletes = 16
)

// DeleteAll removes the values of keys, as bucket.Remover says: with S3 a thousand in a request, elsewhere a request a key.
//
// A key that is none is told before anything is deleted. After any other error some of the values are gone and others are not;
// the same call again deletes the rest, since a key without a value is no error.
func (b *Bucket) DeleteAll(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := bucket.Check(key); err != nil {
			return err
		}
	}
	many, ok := b.service.(batcher)
	if !ok {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(deletes)
		for _, key := range keys {
			g.Go(func() error { return b.Delete(ctx, key) })
		}
		return g.Wait()
	}
	for part := range slices.Chunk(keys, batchKeys) {
		names := make([]string, len(part))
		for i, key := range part {
			names[i] = b.prefix + key
		}
		if err := b.again(ctx, "deleting values", func() error { return many.deleteAll(ctx, b.blob, names) }); err != nil {
			return err
		}
	}
	return nil
}
