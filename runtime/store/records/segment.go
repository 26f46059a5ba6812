package records

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// A segment is one value with many records, for who reads many: a sealed index on two lines, then the records as they stand
// under their own keys, in the order of their fingerprints.
//
//	{"digest":"blake3:…",
//	"segment":{"format":"mlp.segment/1","records":[{"fingerprint":"blake3:…","bytes":1432},…]}}
//	{"digest":"blake3:…",
//	"action":{…}}
//	…
//
// Its key, actions/segments/<number of records>-<digest of the index>, is that of what it holds; it is never changed. It is a
// copy: each record is also under its own key, by which writers agree. So a segment that is missing, damaged, not listed yet, or
// written twice changes nothing but how much is read, and those who write segments need not know of each other.
//
// Who has put a record copies all that it met alone, once those are enough for a segment. Where there are four segments of
// about one size, they become one: so there are at most three of each power of four.

const (
	// SegmentPrefix is what the keys of segments begin with.
	SegmentPrefix = Prefix + "segments/"
	segmentFormat = "mlp.segment/1"
	sealedSegment = "segment"

	// worthGrouping is how many records that stand alone make a segment.
	worthGrouping = 32
	// fullSegment is how many a segment has at most; two such are not merged.
	fullSegment = 8192
	// sameSize is how many segments of one size become one.
	sameSize = 4
	// readers is how many segments are read at once.
	readers = 8
)

// segmentIndex stands at the head of a segment: which records follow, in their order.
type segmentIndex struct {
	Format  string        `json:"format"`
	Records []indexRecord `json:"records"`
}

// indexRecord says how long a record is; it begins where the one before ends.
type indexRecord struct {
	Fingerprint plan.Digest `json:"fingerprint"`
	Bytes       int         `json:"bytes"`
}

// place is where a record is in a segment that was read.
type place struct {
	segment  []byte
	from, to int
}

// record is the part of the segment that the place means.
func (p place) record() []byte { return p.segment[p.from:p.to] }

// encodeSegment returns a segment and its key.
func encodeSegment(all map[plan.Digest][]byte) (key string, data []byte, err error) {
	index := segmentIndex{Format: segmentFormat}
	var body []byte
	for _, fp := range slices.Sorted(maps.Keys(all)) {
		index.Records = append(index.Records, indexRecord{fp, len(all[fp])})
		body = append(body, all[fp]...)
	}
	head, err := json.Marshal(index)
	if err != nil {
		return "", nil, fmt.Errorf("encoding a segment: %w", err)
	}
	sealed, digest := seal.Seal(sealedSegment, head)
	hex, err := digest.Hex()
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s%05d-%s", SegmentPrefix, len(all), hex[:32]), append(sealed, body...), nil
}

// decodeSegment adds the places of a segment's records to into. It reports whether the segment is whole: its index matches its seal,
// and as many bytes follow as the index says. One that is not whole is no error, since each of its records has a key of its own.
// The records are not decoded here, but when they are asked for.
func decodeSegment(data []byte, into map[plan.Digest]place) (whole bool) {
	const close = "]}}\n" // of the index, which has no line feed in it
	end := bytes.Index(data, []byte(close))
	if end < 0 {
		return false
	}
	end += len(close)
	body, _, err := seal.Unseal(sealedSegment, data[:end])
	var index segmentIndex
	if err != nil || json.Unmarshal(body, &index) != nil || index.Format != segmentFormat {
		return false
	}
	at := end
	for _, r := range index.Records {
		if r.Bytes < 0 || r.Bytes > len(data)-at {
			return false
		}
		into[r.Fingerprint] = place{data, at, at + r.Bytes}
		at += r.Bytes
	}
	return at == len(data)
}

// WholeSegment reports whether a value is a segment, with all records at their places and as they were written.
func WholeSegment(data []byte) bool {
	in := map[plan.Digest]place{}
	if !decodeSegment(data, in) {
		return false
	}
	for _, p := range in {
		if _, _, err := seal.Unseal(sealedAction, p.record()); err != nil {
			return false
		}
	}
	return true
}

// load reads the segments, and which records are replaced, once.
func (r *Records) load(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grouped != nil {
		return nil
	}
	replaced := map[plan.Digest]bool{}
	for key, err := range bucket.Keys(ctx, r.bucket, ReplacedPrefix, "") {
		if err != nil {
			return err
		}
		replaced[plan.Digest("blake3:"+strings.TrimSuffix(strings.TrimPrefix(key, ReplacedPrefix), ".json"))] = true
	}
	segments, err := r.segments(ctx)
	if err != nil {
		return err
	}
	grouped := map[plan.Digest]place{}
	for _, s := range segments {
		decodeSegment(s.data, grouped)
	}
	r.grouped, r.replaced = grouped, replaced
	return nil
}

// segment is a file of records, as it was read.
type segment struct {
	key  string
	data []byte
}

// segments reads all that are listed. One that is gone meanwhile is in another; one that cannot be read is passed over.
func (r *Records) segments(ctx context.Context) ([]segment, error) {
	var out []segment
	for key, err := range bucket.Keys(ctx, r.bucket, SegmentPrefix, "") {
		if err != nil {
			return nil, err
		}
		out = append(out, segment{key: key})
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i := range out {
		g.Go(func() error {
			data, err := bucket.Read(ctx, r.bucket, out[i].key)
			var irregular *bucket.IrregularError
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &irregular) {
				return err
			}
			out[i].data = data
			return nil
		})
	}
	return out, g.Wait()
}

// Group copies records that stand alone into a segment, if something was put here and they are enough, and merges segments
// where there are many. Nothing that is recorded rests on it; a process that is killed in it, or never comes to it, leaves the
// work to the next.
func (r *Records) Group(ctx context.Context) error {
	r.mu.Lock()
	enough := r.put && len(r.single) >= worthGrouping
	single := r.single
	if enough {
		r.single, r.put = map[plan.Digest][]byte{}, false
	}
	r.mu.Unlock()
	if !enough {
		return nil
	}
	whole, err := r.whole(ctx, single)
	if err != nil {
		return err
	}
	for fps := range slices.Chunk(slices.Sorted(maps.Keys(whole)), fullSegment) {
		part := make(map[plan.Digest][]byte, len(fps))
		for _, fp := range fps {
			part[fp] = whole[fp]
		}
		if err := r.putSegment(ctx, part); err != nil {
			return err
		}
	}
	return r.merge(ctx)
}

// whole reads again what is not at hand, and leaves out what is not right.
func (r *Records) whole(ctx context.Context, single map[plan.Digest][]byte) (map[plan.Digest][]byte, error) {
	out := make(map[plan.Digest][]byte, len(single))
	for _, fp := range slices.Sorted(maps.Keys(single)) {
		data := single[fp]
		if data == nil {
			key, err := key(Prefix, fp)
			if err != nil {
				return nil, err
			}
			if data, err = bucket.Read(ctx, r.bucket, key); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		if _, why := decode(data, fp); why == "" {
			out[fp] = data
		}
	}
	return out, nil
}

// putSegment writes a segment. One of the same records is there already only if it is the same.
func (r *Records) putSegment(ctx context.Context, all map[plan.Digest][]byte) error {
	if len(all) == 0 {
		return nil
	}
	key, data, err := encodeSegment(all)
	if err != nil {
		return err
	}
	if err := bucket.Put(ctx, r.bucket, key, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("grouping records: %w", err)
	}
	return nil
}

// merge makes one of segments of about the same size until there are fewer than four of each. The new one is there before the
// old ones go.
func (r *Records) merge(ctx context.Context) error {
	merged := map[string]bool{} // a list may still have them
	for {
		var keys []string
		for key, err := range bucket.Keys(ctx, r.bucket, SegmentPrefix, "") {
			if err != nil {
				return err
			}
			if !merged[key] {
				keys = append(keys, key)
			}
		}
		together := mergeable(keys)
		if together == nil {
			return nil
		}
		if err := r.mergeAll(ctx, together); err != nil {
			return err
		}
		for _, key := range together {
			merged[key] = true
		}
	}
}

// mergeable picks the smallest segments that are four or more of one size and do not make too large a one; nil if there are
// none. Segments are of one size if the powers of four below their numbers of records are the same.
func mergeable(keys []string) []string {
	bySize := map[int][]string{}
	records := map[int]int{}
	for _, key := range keys {
		n := 0
		if _, err := fmt.Sscanf(strings.TrimPrefix(key, SegmentPrefix), "%05d-", &n); err != nil || n <= 0 {
			continue // whoever put it there, it is none of ours
		}
		size := 0
		for m := n / worthGrouping; m >= 4; m /= 4 {
			size++
		}
		if records[size]+n <= fullSegment {
			bySize[size], records[size] = append(bySize[size], key), records[size]+n
		}
	}
	for _, size := range slices.SortedFunc(maps.Keys(bySize), cmp.Compare[int]) {
		if len(bySize[size]) >= sameSize {
			return bySize[size]
		}
	}
	return nil
}

// mergeAll writes the records of several segments as one and deletes them after. A segment is named by its content, so that
// the merged one may be one of them. What is damaged is left out.
func (r *Records) mergeAll(ctx context.Context, keys []string) error {
	all := map[plan.Digest][]byte{}
	for _, key := range keys {
		data, err := bucket.Read(ctx, r.bucket, key)
		var irregular *bucket.IrregularError
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &irregular) {
			return fmt.Errorf("merging segments: %w", err)
		}
		in := map[plan.Digest]place{}
		decodeSegment(data, in)
		for fp, p := range in {
			if _, why := decode(p.record(), fp); why == "" {
				all[fp] = p.record()
			}
		}
	}
	if err := r.putSegment(ctx, all); err != nil {
		return err
	}
	merged, _, err := encodeSegment(all)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key == merged && len(all) > 0 {
			continue // the others held nothing else
		}
		if err := r.bucket.Delete(ctx, key); err != nil {
			return fmt.Errorf("merging segments: %w", err)
		}
	}
	return nil
}
