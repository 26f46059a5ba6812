package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Files of a model's folder.
const (
	BundleFile = "bundle.json"
	ModelFile  = "model.json"
)

// Formats of bundle.json. Those of models with a calibration, with features that the estimator does not read (a calibration perhaps besides), with a preparation (either
// perhaps besides), with members (the first two perhaps besides), with thresholds or curves by group (any perhaps besides), and with text that is read by n-grams (any perhaps besides), are others, so that a reader that does not know of them refuses them and does
// not score without, or with the wrong columns.
const (
	Format           = 1
	FormatCalibrated = 2
	FormatReads      = 3
	FormatPrepared   = 4
	FormatMembers    = 5
	FormatGroups     = 6
	FormatText       = 7
)

// DefaultThreshold decides binary tasks where no decision was fitted.
const DefaultThreshold = 0.5

// Provenance says where a model comes from.
type Provenance struct {
	Component string `json:"component"` // "train.gradient_boosting"
	Version   int    `json:"component_version"`
	Seed      int64  `json:"seed"`
	Rows      int    `json:"rows"` // trained on; 0 of a model that is put together of others without a fit
	// Data is the digest of the training table, "blake3:" and 64 hexadecimal digits; empty where there is none.
	Data string `json:"data"`
	// From is what made a model that was trained elsewhere, "XGBoost 1.7.4", and File the digest of the file that it was in.
	From string `json:"from,omitempty"`
	File string `json:"file,omitempty"`
	// Tuned are the parameters that trials chose; nil where there were none.
	Tuned map[string]float64 `json:"tuned,omitempty"`
}

// Bundle is a trained model with all that is needed to score. It is safe for concurrent use.
type Bundle struct {
	signature  Signature
	kind       Kind
	threshold  float64
	provenance Provenance
	estimator  Estimator
	// calibration is nil where scores are the estimator's.
	calibration *Calibration
	preparation *Preparation // nil: the estimator takes features as they are
	reads       []int        // places in the signature of the features that the estimator takes, in its order; nil: all of them
	// decision is nil where all rows have the one threshold. decides and calibrates are the groups of decision and calibration; nil without.
	decision            *Decision
	decides, calibrates *placed
}

// New makes a bundle. The threshold is read for binary tasks only and must lie in [0, 1] or just above, where nothing
// is predicted positive.
func New(s Signature, kind Kind, e Estimator, threshold float64, p Provenance) (*Bundle, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	if !(threshold >= 0 && threshold <= 2) {
		return nil, fmt.Errorf("the threshold is %g", threshold)
	}
	return &Bundle{signature: s, kind: kind, threshold: threshold, provenance: p, estimator: e}, nil
}

// Widen is the same model with another list of features, which has all of its own, of the same types. Those that it has not are taken and
// not read: whoever calls one of several models with different features need not know which one it is. With the same features in the same order it
// is the model itself.
func (b *Bundle) Widen(features []Feature) (*Bundle, error) {
	own := map[string]int{}
	for i, f := range b.signature.Features {
		own[f.Name] = i
	}
	wide, same := *b, len(features) == len(own)
	wide.signature.Features = slices.Clone(features)
	at := make([]int, len(own)) // by own feature: its place among the features
	found := 0
	for k, f := range features {
		i, ok := own[f.Name]
		if !ok {
			continue
		}
		if f.Type != b.signature.Features[i].Type {
			return nil, fmt.Errorf("the feature %q is %s, and %s where the model was trained", f.Name, f.Type, b.signature.Features[i].Type)
		}
		wide.signature.Features[k] = b.signature.Features[i]
		at[i], found, same = k, found+1, same && i == k
	}
	if found < len(own) {
		return nil, fmt.Errorf("the model has %d features, of which only %d are among those to take", len(own), found)
	}
	if same {
		return b, nil
	}
	wide.reads = at
	if b.reads != nil {
		wide.reads = make([]int, len(b.reads))
		for i, k := range b.reads {
			wide.reads[i] = at[k]
		}
	}
	if err := wide.signature.validate(); err != nil {
		return nil, err
	}
	return &wide, wide.placeGroups()
}

// placeGroups finds the columns of groups among the features.
func (b *Bundle) placeGroups() (err error) {
	if b.decision != nil {
		if b.decides, err = b.signature.place(&b.decision.Groups); err != nil {
			return err
		}
	}
	if b.calibration != nil && b.calibration.Groups != nil {
		b.calibrates, err = b.signature.place(b.calibration.Groups)
	}
	return err
}

// read are the columns that the estimator takes, of those of the signature.
func (b *Bundle) read(columns [][]float64) [][]float64 {
	if b.reads == nil {
		return columns
	}
	return pickColumns(columns, b.signature.Features, b.reads)
}

// readFeatures are the features that the estimator takes, in its order.
func (b *Bundle) readFeatures() []Feature { return b.signature.picked(b.reads) }

// picked are the features at some places; of nil all.
func (s *Signature) picked(reads []int) []Feature {
	if reads == nil {
		return s.Features
	}
	out := make([]Feature, len(reads))
	for i, k := range reads {
		out[i] = s.Features[k]
	}
	return out
}

// checkReads refuses places that are not those of features, each once.
func (s *Signature) checkReads(reads []int) error {
	seen := map[int]bool{}
	for _, k := range reads {
		if k < 0 || k >= len(s.Features) || seen[k] {
			return fmt.Errorf("feature %d is read, and there are %d, each once", k, len(s.Features))
		}
		seen[k] = true
	}
	return nil
}

// Signature says what the model takes and yields.
func (b *Bundle) Signature() Signature { return b.signature }

// Kind of the model.
func (b *Bundle) Kind() Kind { return b.kind }

// Threshold is the score from which on a row is predicted positive, in binary tasks: with 0.5 a score of 0.5 is. Above 1 no
// row is. In other tasks it means nothing. Where groups have thresholds of their own (Decision) it is the one that all rows would have without.
func (b *Bundle) Threshold() float64 { return b.threshold }

// Provenance says where the model comes from.
func (b *Bundle) Provenance() Provenance { return b.provenance }

// Estimator is the model without its bundle, and without its calibration.
func (b *Bundle) Estimator() Estimator { return b.estimator }

// Calibrated is the bundle with a calibration, which the classes of its task must have a curve each for.
func (b *Bundle) Calibrated(c *Calibration) (*Bundle, error) {
	if b.signature.Task == schema.Regression {
		return nil, errors.New("a calibration is for classes")
	}
	if err := c.validate(b.signature.Outputs()); err != nil {
		return nil, err
	}
	out := *b
	out.calibration = c
	return &out, out.placeGroups()
}

// Calibration of the scores; nil: they are the estimator's.
func (b *Bundle) Calibration() *Calibration { return b.calibration }

// document is bundle.json. Threshold is there for binary tasks alone.
type document struct {
	Format int  `json:"format"`
	Kind   Kind `json:"kind"`
	Signature
	Threshold *float64 `json:"threshold,omitempty"`
	// Reads are the places of the features that the model takes, in its order; absent: all. There with FormatReads, or a later one.
	Reads       *[]int       `json:"reads,omitempty"`
	Model       file         `json:"model"`
	Provenance  Provenance   `json:"provenance"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Preparation *Preparation `json:"preparation,omitempty"`
	// Decision has thresholds by group; threshold is then the one without groups. There, as groups of the calibration are, with FormatGroups, or a later one.
	Decision *Decision `json:"decision,omitempty"`
	// Members are the models that this one is made of, each in its memberFolder. There with FormatMembers, or a later one.
	Members []memberFile `json:"members,omitempty"`
}

// memberFile names a model that another is made of, and says what its bundle.json holds.
type memberFile struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// format is the one that a document of these parts has.
func (d *document) format() int {
	switch {
	case slices.ContainsFunc(d.Features, func(f Feature) bool { return f.NGrams != nil }):
		return FormatText
	case d.Decision != nil, d.Calibration != nil && d.Calibration.Groups != nil:
		return FormatGroups
	case d.Members != nil:
		return FormatMembers
	case d.Preparation != nil:
		return FormatPrepared
	case d.Reads != nil:
		return FormatReads
	case d.Calibration != nil:
		return FormatCalibrated
	}
	return Format
}

// file names model.json and says what it holds: our digest, and the one that registries and signatures go by.
type file struct {
	File   string `json:"file"`
	Digest string `json:"digest"`
	SHA256 string `json:"sha256"`
}

// Write writes the model into the folder, which must exist: the same bytes for the same model.
func (b *Bundle) Write(dir string) error {
	model, err := b.estimator.Encode()
	if err != nil {
		return fmt.Errorf("writing a model: %w", err)
	}
	d := document{
		Kind: b.kind, Signature: b.signature, Provenance: b.provenance,
		Model: file{File: ModelFile, Digest: string(digest.Of(model)), SHA256: sha(model)},
	}
	if b.signature.binary() {
		d.Threshold = &b.threshold
	}
	d.Calibration, d.Preparation, d.Decision = b.calibration, b.preparation, b.decision
	if b.reads != nil {
		d.Reads = &b.reads
	}
	if d.Members, err = writeMembers(dir, b.Members()); err != nil {
		return err
	}
	d.Format = d.format()
	bundle, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("writing a model: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ModelFile), model, 0o644); err != nil {
		return fmt.Errorf("writing a model: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, BundleFile), append(bundle, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing a model: %w", err)
	}
	return nil
}

// writeMembers writes the models that a model is made of.
func writeMembers(dir string, members []Member) ([]memberFile, error) {
	var out []memberFile
	for i, m := range members {
		to := filepath.Join(dir, memberFolder(i))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return nil, fmt.Errorf("writing a model: %w", err)
		}
		if err := m.Model.Write(to); err != nil {
			return nil, err
		}
		bundle, err := os.ReadFile(filepath.Join(to, BundleFile))
		if err != nil {
			return nil, fmt.Errorf("writing a model: %w", err)
		}
		out = append(out, memberFile{Name: m.Name, Digest: string(digest.Of(bundle))})
	}
	return out, nil
}

// binary reports whether one score and a threshold decide.
func (s *Signature) binary() bool { return len(s.Classes) == 2 && s.Outputs() == 1 }

// sha is the SHA-256 of data in hexadecimal digits, which model registries and signatures go by.
func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ErrNoBundle is returned, wrapped, for a folder without a bundle.json: a model that was made elsewhere, or none.
var ErrNoBundle = errors.New("there is no " + BundleFile + ": this is no model")

// Read reads the model in a folder, and verifies that model.json is the one that bundle.json was written with (its digest)
// and fits the signature. A folder without bundle.json is an ErrNoBundle.
func Read(dir string) (*Bundle, error) {
	b, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the model in %s: %w", dir, err)
	}
	return b, nil
}

// readDocument reads bundle.json.
func readDocument(dir string) (*document, error) {
	data, err := os.ReadFile(filepath.Join(dir, BundleFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoBundle
	} else if err != nil {
		return nil, err
	}
	d := &document{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", BundleFile, err)
	}
	if d.Format < Format || d.Format > FormatText {
		return nil, fmt.Errorf("%s has format %d; this version reads 1 to 7: use the version of mlp that wrote it, or train the model anew with this one", BundleFile, d.Format)
	}
	if d.Format != d.format() {
		return nil, fmt.Errorf("%s is damaged: a model with such parts has format %d", BundleFile, d.format())
	}
	if (d.Kind == Ensemble) != (d.Members != nil) {
		return nil, fmt.Errorf("%s is damaged: a model of the kind %s has %d members", BundleFile, d.Kind, len(d.Members))
	}
	return d, nil
}

// readMembers reads the models that a model is made of, each the one that the bundle was written with.
func readMembers(dir string, files []memberFile) (names []string, members []*Bundle, err error) {
	for i, m := range files {
		from := filepath.Join(dir, memberFolder(i))
		bundle, err := os.ReadFile(filepath.Join(from, BundleFile))
		if err != nil {
			return nil, nil, fmt.Errorf("member %s: %w", m.Name, err)
		}
		if got := string(digest.Of(bundle)); got != m.Digest {
			return nil, nil, fmt.Errorf("member %s is damaged: the digest of its %s is %s, and not %s", m.Name, BundleFile, got, m.Digest)
		}
		b, err := read(from)
		if err != nil {
			return nil, nil, fmt.Errorf("member %s: %w", m.Name, err)
		}
		names, members = append(names, m.Name), append(members, b)
	}
	return names, members, nil
}

// read is Read without the folder in its errors. The bundle is believed only as far as model.json and members have the digests that it states.
func read(dir string) (*Bundle, error) {
	d, err := readDocument(dir)
	if err != nil {
		return nil, err
	}
	model, err := os.ReadFile(filepath.Join(dir, ModelFile))
	if err != nil {
		return nil, err
	}
	if got := string(digest.Of(model)); got != d.Model.Digest {
		return nil, fmt.Errorf("%s is damaged: its digest is %s, %s says %s", ModelFile, got, BundleFile, d.Model.Digest)
	}
	if err := d.Signature.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", BundleFile, err)
	}
	var reads []int
	own := d.Signature
	if d.Reads != nil {
		reads = *d.Reads
		if err := own.checkReads(reads); err != nil {
			return nil, fmt.Errorf("%s: %w", BundleFile, err)
		}
		own.Features = own.picked(reads)
	}
	if d.Preparation != nil {
		if err := d.Preparation.validate(&own); err != nil {
			return nil, fmt.Errorf("%s: %w", BundleFile, err)
		}
	}
	inputs := own
	if d.Kind != Ensemble { // whose members have inputs of their own
		inputs.Features, _ = d.Preparation.Inputs(&own)
	}
	names, members, err := readMembers(dir, d.Members)
	if err != nil {
		return nil, err
	}
	var e Estimator
	if d.Kind == Ensemble {
		e, err = decodeEnsemble(model, names, members, &inputs)
	} else {
		e, err = decode(d.Kind, model, &inputs)
	}
	if err != nil {
		return nil, err
	}
	threshold := DefaultThreshold
	if d.Threshold != nil {
		threshold = *d.Threshold
	}
	b, err := New(d.Signature, d.Kind, e, threshold, d.Provenance)
	if err != nil {
		return nil, err
	}
	if b.reads, b.preparation = reads, d.Preparation; d.Calibration != nil {
		if b, err = b.Calibrated(d.Calibration); err != nil {
			return nil, fmt.Errorf("%s: %w", BundleFile, err)
		}
	}
	if d.Decision != nil {
		if b, err = b.Decided(d.Decision); err != nil {
			return nil, fmt.Errorf("%s: %w", BundleFile, err)
		}
	}
	return b, nil
}
