package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// mostBytes bounds a file of a model: it is read as a whole.
const mostBytes = 2 << 30

// taking is the stage.
type taking struct {
	config
	stage *component.Stage
	from  foreign
	about *about
	file  digest.Digest
	data  *frame.Frame // the features and the target
}

// run reads the file, holds it to the block, writes the bundle, and scores the table once.
func run(ctx context.Context, s *component.Stage) error {
	t := &taking{stage: s}
	if err := s.Decode(&t.config); err != nil {
		return err
	}
	if err := t.read(); err != nil {
		return err
	}
	var err error
	if t.data, err = table.ReadFrame(ctx, s.InputTable(train.DataPort), t.columns()); err != nil {
		return fmt.Errorf("reading data: %w", err)
	}
	b, err := t.bundle()
	if err != nil {
		return err
	}
	counted, err := b.CountRows(t.data)
	if err != nil {
		return err
	}
	if counted {
		s.Logf("the file does not say how many training rows went which way: those of data are counted, for explanations")
	}
	dir, err := s.Output(train.ModelPort)
	if err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	if err := b.Write(dir); err != nil {
		return err
	}
	s.Logf("%s: %d rounds, %d trees on %d features", t.about.from, t.about.rounds, t.about.trees, len(t.Features))
	return t.tell(ctx, b)
}

// refuse is a mistake in the file or in what the block says of it.
func (t *taking) refuse(summary, detail string) error {
	return &component.InputError{Summary: fmt.Sprintf("%s: %s: %s", t.stage.Address, t.Path, summary), Detail: detail}
}

// read parses the file, and leaves the rounds that count.
func (t *taking) read() error {
	name, err := only(t.stage)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.Path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reading %s: %w", t.Path, err)
	}
	if len(data) > mostBytes {
		return t.refuse(fmt.Sprintf("it has more than %d bytes", mostBytes), "")
	}
	if t.from, err = parse(data, t.Format); err != nil {
		return t.refuse(err.Error(), "")
	}
	t.file, t.about = digest.Of(data), t.from.about()
	switch {
	case t.Rounds != nil && *t.Rounds != t.about.rounds:
		if err := t.from.cut(*t.Rounds); err != nil {
			return t.refuse(err.Error(), "")
		}
		t.about = t.from.about()
	case t.Rounds == nil && t.about.best > 0:
		return t.refuse(fmt.Sprintf("it has %d rounds, and says that those up to %d are the best", t.about.rounds, t.about.best),
			fmt.Sprintf("Early stopping left more than the best: the scikit-learn classes of XGBoost score with the first %d, Booster.predict with all. Say which: rounds = %[1]d or rounds = %d.", t.about.best, t.about.rounds))
	}
	return nil
}

// columns are the features and the target, as the table has them.
func (t *taking) columns() []string {
	in := t.stage.In[train.DataPort].Table
	var out []string
	for _, name := range append(slices.Clone(t.Features), t.Target) {
		if c := in.Column(name); c != nil {
			name = c.Name
		}
		out = append(out, name)
	}
	return out
}

// bundle is the model with the signature of the block.
func (t *taking) bundle() (*model.Bundle, error) {
	target := &t.data.Columns[len(t.Features)]
	s := model.Signature{Task: t.TaskOf(&schema.Column{Name: target.Name, Type: target.Type}), Target: target.Name}
	at, err := t.places()
	if err != nil {
		return nil, err
	}
	if s.Features, err = t.features(at); err != nil {
		return nil, err
	}
	if s.Classes, err = t.labels(target, s.Task); err != nil {
		return nil, err
	}
	if err := t.from.fits(&s); err != nil {
		return nil, t.refuse(err.Error(), "Set task and classes to what the model was trained for, or take another file.")
	}
	kind, e, err := t.from.estimator(at, &s)
	if err != nil {
		return nil, t.refuse(err.Error(), "")
	}
	threshold := model.DefaultThreshold
	if t.Threshold != nil {
		threshold = *t.Threshold
	}
	from := model.Provenance{Component: t.stage.Component, Version: t.stage.Version, From: t.about.from, File: string(t.file)}
	return model.New(s, kind, e, threshold, from)
}

// places are the features of the block that the file's are, by those of the file; -1 of one that no tree asks for and no column is.
func (t *taking) places() ([]int, error) {
	a := t.about
	if a.names == nil {
		return t.placesInOrder()
	}
	out := slices.Repeat([]int{-1}, len(a.features))
	for k, column := range t.Features {
		name, said := column, t.of(column).Called
		if said != "" {
			name = said
		}
		i := slices.Index(a.names, name)
		if i < 0 {
			detail := fmt.Sprintf(`If the file calls the column %q otherwise, say so: feature %[1]q { called = "…" }. It has %s.`, column, some(a.names))
			if meant := suggest.Near(name, a.names); meant != "" {
				detail = fmt.Sprintf("The nearest is %q. ", meant) + detail
			}
			return nil, t.refuse(fmt.Sprintf("it has no feature %q", name), detail)
		}
		if out[i] >= 0 {
			return nil, t.refuse(fmt.Sprintf("%q and %q are both its feature %q", t.Features[out[i]], column, name), "")
		}
		out[i] = k
	}
	for i, k := range out {
		if k < 0 && a.features[i].used {
			return nil, t.refuse(fmt.Sprintf("its trees ask for %q, and no feature of the block is that", a.names[i]),
				fmt.Sprintf(`Add the column to features, with feature "COLUMN" { called = %q } if it has another name here.`, a.names[i]))
		}
	}
	return out, nil
}

// placesInOrder are those of a file without names.
func (t *taking) placesInOrder() ([]int, error) {
	for _, f := range t.Said {
		if f.Called != "" {
			return nil, t.refuse(fmt.Sprintf("it names no features, and %q is said to be called %q in it", f.Column, f.Called), "Features of such a file are taken in its order; leave called out.")
		}
	}
	if len(t.Features) != len(t.about.features) {
		return nil, t.refuse(fmt.Sprintf("it has %d features and names none, and the block lists %d", len(t.about.features), len(t.Features)),
			"Without names the columns are taken in the order of the file: list all of them, those too that no tree asks for.")
	}
	out := make([]int, len(t.Features))
	for i := range out {
		out[i] = i
	}
	return out, nil
}

// some lists names, not too many.
func some(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// features are those of the bundle: of the table's types, with the categories that codes mean.
func (t *taking) features(at []int) ([]model.Feature, error) {
	in := slices.Repeat([]asked{{}}, len(t.Features))
	for i, k := range at {
		if k >= 0 {
			in[k] = t.about.features[i]
		}
	}
	out := make([]model.Feature, len(t.Features))
	for k := range t.Features {
		c := &t.data.Columns[k]
		out[k] = model.Feature{Name: c.Name, Type: c.Type, Levels: in[k].levels}
		said := t.of(t.Features[k]).Levels
		if said != nil && in[k].levels != nil && !slices.Equal(said, in[k].levels) {
			return nil, t.refuse(fmt.Sprintf("it has the categories %s of %q, and the block says others", some(in[k].levels), c.Name), "Leave levels out: the file says them.")
		}
		if said != nil {
			out[k].Levels = said
		}
		levels := out[k].Levels
		switch {
		case c.Type == "boolean" && levels != nil:
			return nil, t.refuse(fmt.Sprintf("%q has categories, and the column is boolean", c.Name), "Make a text of it in a dataset.")
		case c.Text() && levels == nil:
			return nil, t.refuse(fmt.Sprintf("it does not say which categories the codes of %q mean", c.Name),
				fmt.Sprintf("Say them in the order of their codes: feature %q { levels = [\"…\", \"…\"] }. Of a column of pandas these are list(frame[%[1]q].cat.categories).", c.Name))
		case levels != nil && in[k].categories > len(levels):
			return nil, t.refuse(fmt.Sprintf("its trees ask for category %d of %q, and there are %d levels", in[k].categories-1, c.Name, len(levels)), "Name all categories, in the order of their codes.")
		}
	}
	return out, nil
}

// labels are the classes in the order of the model's scores; nil in regression.
func (t *taking) labels(target *frame.Column, task schema.Task) ([]string, error) {
	if task == schema.Regression {
		return nil, nil
	}
	said := t.Classes
	for i := range said {
		said[i] = target.AsWritten(said[i])
	}
	if file := t.about.classes; file != nil {
		if said != nil && !slices.Equal(said, file) {
			return nil, t.refuse(fmt.Sprintf("it has the classes %s, and the block says %s", some(file), some(said)), "Leave classes out: the file says them.")
		}
		said = file
	}
	switch {
	case said != nil:
		if positive := target.AsWritten(t.Positive); task == schema.Binary && positive != "" && said[len(said)-1] != positive {
			return nil, t.refuse(fmt.Sprintf("its score is the probability of %q, and the positive class of the block is %q", said[len(said)-1], positive), "")
		}
		return said, nil
	case task == schema.Binary:
		return train.Classes(t.stage, &t.Config, target, task)
	case model.WholeType(target.Type):
		n := t.from.outputs()
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(i)
		}
		return out, nil
	}
	return nil, t.refuse("it does not say which classes its scores are of",
		`Say them in the order of the scores: classes = ["…", "…"]. Where labels were made numbers by scikit-learn, that is the order of the alphabet.`)
}
