package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// A plan of a sample runs the module on a share of each source's rows: behind source.payments stands source.payments@sample, and what reads
// the source reads that. Every stage that rests on such rows has the share in its definition (Node.Sample), so that its result is found for no stage
// of the whole, nor one of the whole for it, even where both would be the same. No release is made of a sample (Release.Sample).

// Sample is what a plan of a sample is of.
type Sample struct {
	Share string `json:"share" is:"word"` // of each source's rows, a decimal number: "0.05"
	// Sources are those of the plan, by address.
	Sources []SampledSource `json:"sources"`
}

// SampledSource says how the rows of one source are sampled.
type SampledSource struct {
	Source string   `json:"source" is:"address"`
	How    SampleBy `json:"how"`
	By     []string `json:"by,omitempty" is:"text"` // its columns, where it is sampled by some
	// Rows that the sample has, of how many; 0 of 0 while it has not been made.
	Rows int64 `json:"rows,omitempty"`
	Of   int64 `json:"of,omitempty"`
}

// SampleBy is by what the rows of a source are sampled.
type SampleBy string

const (
	SampleByColumns SampleBy = "columns" // rows with the same values in some columns stay together
	SampleByRow     SampleBy = "row"     // each row for itself, by its values in all columns
	SampleWhole     SampleBy = "whole"   // it has no column that others are sampled by, and joins with them: all rows are kept
)

// ParseShare reads a share of rows, which is above 0 and below 1, and returns it in the one form that plans have: "0.05" of ".050".
func ParseShare(text string) (string, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x > 0 && x < 1) {
		return "", fmt.Errorf("%q is no share of rows: give a number above 0 and below 1, such as 0.05", text)
	}
	return strconv.FormatFloat(x, 'f', -1, 64), nil
}

// SampleName is a share in words: "5 % sample".
func SampleName(share string) string {
	x, err := strconv.ParseFloat(share, 64)
	if err != nil {
		return "sample of " + share
	}
	return strconv.FormatFloat(x*100, 'g', 10, 64) + " % sample"
}

// Share is that of the sample that a plan is of; "" of the whole.
func (p *Plan) Share() string {
	if p.Sample == nil {
		return ""
	}
	return p.Sample.Share
}

// sampled holds a stage to what its plan says of a sample: the share stands in the definition of what rests on a sampled source and of nothing
// else, nobody but the sampling stage reads a sampled source itself, and that stage does what the plan says of the source.
func (c *consistency) sampled(n *Node) error {
	share, rests := c.p.Share(), n.Role == schema.SampleRole
	for _, in := range n.Inputs {
		from := c.nodes[in.From]
		rests = rests || from != nil && from.Sample != ""
		if from != nil && c.samples[in.From] != nil && (n.Role != schema.SampleRole || n.Of != in.From) {
			return fmt.Errorf("it reads all rows of %s, which the plan samples", in.From)
		}
	}
	switch is := n.Sample; {
	case rests && (is == "" || is != share), !rests && is != "":
		return fmt.Errorf("it is said to be of the sample %q, and rests on rows of %q", is, share)
	case n.Role != schema.SampleRole:
		return nil
	}
	if s := c.samples[n.Of]; s == nil || n.Kind != schema.SampleKind || !sameJSON(n.Config, s.Config(share)) {
		return fmt.Errorf("it does not sample as the plan says of %s", n.Of)
	}
	return nil
}

// Config is that of the stage that samples the source.
func (s *SampledSource) Config(share string) []byte {
	if s.How == SampleWhole {
		share = "1"
	}
	data, err := Canonical(map[string]any{"share": rawNumber(share), "by": append([]string{}, s.By...)})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return data
}

// rawNumber is a share as a number; 0 for what is none, which no stage takes.
func rawNumber(share string) float64 {
	x, _ := strconv.ParseFloat(share, 64)
	return x
}

// sample looks at what a plan says of its sample, whatever its stages are.
func (c *consistency) sample() error {
	s := c.p.Sample
	if s == nil {
		return nil
	}
	if share, err := ParseShare(s.Share); err != nil || share != s.Share {
		return fmt.Errorf("%q is no share of a sample", s.Share)
	}
	if !slices.IsSortedFunc(s.Sources, func(a, b SampledSource) int { return strings.Compare(a.Source, b.Source) }) {
		return fmt.Errorf("the sources of its sample are not sorted")
	}
	for i := range s.Sources {
		x := &s.Sources[i]
		if c.samples[x.Source] != nil || (x.How == SampleByColumns) != (len(x.By) > 0) || !slices.Contains([]SampleBy{SampleByColumns, SampleByRow, SampleWhole}, x.How) {
			return fmt.Errorf("what it says of the sample of %s makes no sense", x.Source)
		}
		if n := c.nodes[address.Derived(x.Source, string(schema.SampleRole))]; n == nil || n.Role != schema.SampleRole {
			return fmt.Errorf("it has no stage that samples %s", x.Source)
		}
		c.samples[x.Source] = x
	}
	return nil
}
