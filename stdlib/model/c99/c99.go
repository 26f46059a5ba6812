// Package c99 writes a model as one file of C99 that scores rows as the model server does, and needs nothing but the C library.
package c99

// A row goes through the file as it goes through a bundle (package model):
//
//	struct     a member for each feature of the signature: a double, or a text of a category. NAN and NULL are missing
//	codes      texts and numbers that are categories become indices of levels; what is no level is missing
//	groups     of decisions and calibrations, by codes; a row of none has perhaps no prediction
//	domain     a number that 32 bits do not hold has no prediction
//	inputs     features that are encoded by the target become numbers
//	estimator  trees of 32 or of 64 bits, a linear model, or a constant, whose numbers are arrays
//	curves     of a calibration
//	class      by the threshold, that of the row's group perhaps, or the likeliest
//
// Numbers are written as hexadecimal floats, which C99 reads to the bit. Additions are in the same order and of the same width, so that scores differ by what exp
// and log of two libraries differ in the last digit. The file has only functions that the model uses, since a compiler warns of others.
//
// Names in C are the prefix and a word. Members of the struct are the features' names in small letters, with _ for what is no letter or digit, and a number where two
// would be alike; the comment at the top has them beside the names of the columns.
//
// What is not written is refused with the reason: texts that are read by n-grams, inputs that an isolation forest or clusters derive, neighbors, seasonal models,
// ensembles, and programs.

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Options say what the file says of itself.
type Options struct {
	Prefix  string // of all names in C; made a name of C
	Of      string // what the model is: "churn/train.trees"
	Digest  string // of the model's folder
	Version string // as servers say it
}

// Write is the file; an error says what of the model cannot be written.
func Write(b *model.Bundle, o Options) ([]byte, error) {
	parts, err := b.Parts()
	if err != nil {
		return nil, fmt.Errorf("%w: trees, linear models and constants are written as C", err)
	}
	s := b.Signature()
	for i := range s.Features {
		if f := &s.Features[i]; f.NGrams != nil {
			return nil, fmt.Errorf("it reads the text %q by its n-grams, which are not written as C", f.Name)
		}
	}
	if p := parts.Preparation; p != nil && len(p.Derived) > 0 {
		return nil, fmt.Errorf("it takes %q, which an isolation forest or clusters derive of several features, and these are not written as C", p.Derived[0].Name)
	}
	w := &writer{Options: o, b: b, s: s, parts: parts, p: identifier(o.Prefix)}
	if w.members, err = members(s.Features); err != nil {
		return nil, err
	}
	if err := w.all(); err != nil {
		return nil, err
	}
	return []byte(w.head() + w.declarations() + fmt.Sprintf("#ifndef %s_DECLARATIONS\n\n#include <float.h>\n#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n\n", w.upper()) + w.data.String() + w.code.String() + "#endif\n"), nil
}

// writer writes one model.
type writer struct {
	Options
	b          *model.Bundle
	s          model.Signature
	parts      *model.Parts
	p          string   // prefix
	members    []string // by feature: of the struct
	data, code strings.Builder
}

func (w *writer) upper() string { return strings.ToUpper(w.p) }

// line writes a line of code; %P is the prefix, %U the same in capitals.
func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.code, strings.NewReplacer("%P", w.p, "%U", w.upper()).Replace(format)+"\n", args...)
}

// all writes data and code.
func (w *writer) all() error {
	w.identity()
	w.encoders()
	estimator, err := w.estimator()
	if err != nil {
		return err
	}
	calibrate := w.calibration()
	groups, err := w.groups()
	if err != nil {
		return err
	}
	w.score(estimator, calibrate, groups)
	return nil
}

// identity writes what the file says of itself, as data that is in the program.
func (w *writer) identity() {
	fmt.Fprintf(&w.data, "const char %s_digest[] = %s;\nconst char %s_version[] = %s;\nconst char %s_identity[] = %s;\n", w.p, text(w.Digest), w.p, text(w.Version), w.p,
		text(fmt.Sprintf("mlp model %s version %s digest %s", w.Of, w.Version, w.Digest)))
	names := make([]string, len(w.s.Features))
	for i, f := range w.s.Features {
		names[i] = text(f.Name)
	}
	w.data.WriteString(array("const char *const", w.p+"_features", names, ""))
	if w.s.Classes != nil {
		classes := make([]string, len(w.s.Classes))
		for i, c := range w.s.Classes {
			classes[i] = text(c)
		}
		w.data.WriteString(array("const char *const", w.p+"_classes", classes, ""))
	}
	w.data.WriteString("\n")
}

// encoders writes the levels of categories, and what finds a value among them.
func (w *writer) encoders() {
	var names, numbers bool
	for i := range w.s.Features {
		texts, values := w.s.Features[i].Codes()
		switch {
		case texts != nil:
			names = true
			fmt.Fprintf(&w.data, "static const struct %s_name %s_names_%d[] = {%s};\n", w.p, w.p, i, nameTable(texts))
		case values != nil:
			numbers = true
			fmt.Fprintf(&w.data, "static const struct %s_number %s_numbers_%d[] = {%s};\n", w.p, w.p, i, numberTable(values))
		}
	}
	var types strings.Builder
	if names {
		fmt.Fprintf(&types, "struct %s_name { const char *name; int code; }; /* by name, as strcmp orders them */\n", w.p)
		w.line(findName)
	}
	if numbers {
		fmt.Fprintf(&types, "struct %s_number { double value; int code; }; /* ascending */\n", w.p)
		w.line(findNumber)
	}
	if types.Len() > 0 {
		rest := w.data.String()
		w.data.Reset()
		w.data.WriteString(types.String() + rest + "\n")
	}
}

const findName = `/* The index of a text among the levels of a category, NAN of others and of NULL. */
static double %P_find_name(const struct %P_name *names, size_t count, const char *text)
{
	size_t low = 0, high = count;

	while (text != NULL && low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(text, names[middle].name);

		if (order == 0)
			return names[middle].code;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NAN;
}
`

const findNumber = `/* The index of a number among the levels of a category, NAN of others. */
static double %P_find_number(const struct %P_number *numbers, size_t count, double x)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (x == numbers[middle].value)
			return numbers[middle].code;
		if (x < numbers[middle].value)
			high = middle;
		else
			low = middle + 1;
	}
	return NAN;
}
`

// errText is of levels that no text of C can be.
var errText = errors.New("a level has a byte of zero in it, which ends a text in C")

// binary reports whether one score decides between two classes.
func (w *writer) binary() bool { return w.s.Task == schema.Binary }
