package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// maxClasses is how many classes are too many: the target is then likely to be no class at all.
const maxClasses = 1000

// classes of the target: sorted, and for a binary task negative before positive. Names are as frame.Column.ValueName has them: the
// boolean target {false, true}, the numbers {0, 1}, and of positive = "yes" the texts {no, yes}.
func (l *loader) classes(target *frame.Column, task schema.Task) ([]string, error) {
	classes := model.ClassNames(target)
	if len(classes) > maxClasses {
		return nil, l.classError(fmt.Sprintf("the target %q has %d different values", target.Name, len(classes)),
			fmt.Sprintf("A classification takes up to %d classes.", maxClasses))
	}
	if task == schema.Multiclass {
		if len(classes) < 2 {
			return nil, l.classError(fmt.Sprintf("the target %q has one class only: %s", target.Name, quoted(classes)), oneClassDetail)
		}
		return classes, nil
	}
	// Where nothing is set only true, and 1 of 0 and 1, are clear; of other pairs either could be meant.
	positive := target.AsWritten(l.config.Positive)
	switch {
	case positive != "":
	case target.Type == "boolean":
		positive = "true"
	case slices.Equal(classes, []string{"0", "1"}):
		positive = "1"
	case len(classes) == 2:
		return nil, l.classError(fmt.Sprintf("which class of the target %q is the positive one is not said", target.Name),
			"The classes are "+quoted(classes)+". Set positive to one of them.")
	}
	return l.binaryClasses(target, classes, positive)
}

const oneClassDetail = "There is nothing to tell apart. Look at the filter of the data, or at the split."

// Classes are those of a target's values, as trainers have them, of a block that trains nothing.
func Classes(s *component.Stage, c *Config, target *frame.Column, task schema.Task) ([]string, error) {
	return (&loader{stage: s, config: c}).classes(target, task)
}

// binaryClasses puts the positive class last: a score is the probability of class 1.
func (l *loader) binaryClasses(target *frame.Column, classes []string, positive string) ([]string, error) {
	switch {
	case len(classes) > 2:
		return nil, l.classError(fmt.Sprintf("the target %q of a binary task has %d classes: %s", target.Name, len(classes), quoted(classes)),
			`Set task = "multiclass_classification", or make two classes of it in a dataset.`)
	case len(classes) < 2:
		return nil, l.classError(fmt.Sprintf("the target %q has one class only: %s", target.Name, quoted(classes)), oneClassDetail)
	case !slices.Contains(classes, positive):
		detail := "The classes are " + quoted(classes) + ". Set positive to one of them."
		return nil, l.classError(fmt.Sprintf("the target %q has no class %q to be the positive one", target.Name, positive), detail)
	}
	if classes[0] == positive {
		slices.Reverse(classes)
	}
	return classes, nil
}

// classError is a mistake in the target's values, which no retry mends.
func (l *loader) classError(summary, detail string) error {
	return &component.InputError{Summary: l.stage.Address + ": " + summary, Detail: detail}
}

// quoted lists classes for a message, not too many: "a", "b", "c", of more than eight the first and …
func quoted(classes []string) string {
	const most = 8
	var out []string
	for _, c := range classes[:min(len(classes), most)] {
		out = append(out, fmt.Sprintf("%q", c))
	}
	if len(classes) > most {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// oneClass refuses a regression whose target is always the same.
func (l *loader) oneClass(t *Training) error {
	if t.Signature.Task != schema.Regression {
		return nil
	}
	if slices.Min(t.Data.Target) == slices.Max(t.Data.Target) {
		return l.classError(fmt.Sprintf("the target %q is %g in every row", t.Signature.Target, t.Data.Target[0]), oneClassDetail)
	}
	return nil
}
