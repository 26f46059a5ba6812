package c99

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// head is the comment at the top.
func (w *writer) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, `/*
 * A model as C99: %[1]s
 * version %[2]s, digest %[3]s
 *
 * Compile it as it is, and link with -lm:
 *
 *	cc -std=c99 -O2 -c %[4]s.c
 *
 * Whoever calls it includes it for its declarations:
 *
 *	#define %[5]s_DECLARATIONS
 *	#include "%[4]s.c"
 *
 *	%[4]s_row row = {0};
 *	double scores[%[5]s_OUTPUTS];
 *	int decision;
 *
`, comment(w.Of), comment(w.Version), comment(w.Digest), w.p, w.upper())
	for i := range min(2, len(w.members)) {
		fmt.Fprintf(&b, " *\trow.%s = %s;\n", w.members[i], w.example(i))
	}
	fmt.Fprintf(&b, " *\tdecision = %s_score(&row, scores);\n *\n", w.p)
	switch w.s.Task {
	case schema.Binary:
		fmt.Fprintf(&b, ` * scores[0] is the probability of the class "%[1]s" of %[2]s. The result is the class, 1 for "%[1]s" and 0 for "%[3]s", decided from %[4]g on%[5]s.
`, comment(w.s.Classes[1]), comment(w.s.Target), comment(w.s.Classes[0]), w.b.Threshold(), w.byGroup())
	case schema.Multiclass:
		fmt.Fprintf(&b, " * scores[i] is the probability of %s_classes[i] of %s. The result is the likeliest class, the first of equals.\n", w.p, comment(w.s.Target))
	default:
		fmt.Fprintf(&b, " * scores[0] is what is predicted of %s, in the unit that it was trained on. The result is 0.\n", comment(w.s.Target))
	}
	b.WriteString(` *
 * The result is -1, and scores are NAN, of a row that has no prediction: a number in it is infinite or too large for 32 bits, or the model's result is no number.
 * Numbers are in the units of the table that the model was trained on. A missing number is NAN, a missing text NULL, booleans are 0 and 1. A text that the model
 * was not trained on counts as missing. Members that nothing is said of are 0, which is not missing. Texts are compared byte by byte, as UTF-8. There is no state:
 * threads may call it at the same time.
 *
 * Features, in the order of the members of the row:
 *
`)
	for i, f := range w.s.Features {
		what := comment(f.Type)
		switch {
		case f.Text():
			what += ", a text, one of " + levels(f.Levels)
		case len(f.Levels) > 0:
			what += ", one of " + levels(f.Levels)
		case f.Type == "boolean":
			what += ", 0 or 1"
		}
		fmt.Fprintf(&b, " *\t%-32s%s, %s\n", w.members[i], comment(f.Name), what)
	}
	b.WriteString(" */\n")
	return b.String()
}

// levels are the first of some, and how many there are.
func levels(all []string) string {
	const most = 6
	var b strings.Builder
	for i, l := range all[:min(most, len(all))] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(comment(text(l)))
	}
	if len(all) > most {
		fmt.Fprintf(&b, ", … (%d)", len(all))
	}
	return b.String()
}

// example is a value of a feature.
func (w *writer) example(i int) string {
	f := &w.s.Features[i]
	switch {
	case f.Text() && len(f.Levels) > 0:
		return comment(text(f.Levels[0]))
	case f.Text():
		return "NULL"
	}
	return "1.0"
}

// byGroup says that thresholds differ.
func (w *writer) byGroup() string {
	d := w.b.Decision()
	if d == nil {
		return ""
	}
	otherwise := "a row of no group has no prediction"
	if d.Otherwise {
		otherwise = "that is of rows of no group"
	}
	return fmt.Sprintf(", or by the group that a row is of (%s); %s", comment(strings.Join(d.By, ", ")), otherwise)
}

// declarations are what callers see.
func (w *writer) declarations() string {
	var b strings.Builder
	classes := ""
	if w.s.Classes != nil {
		classes = fmt.Sprintf("#define %s_CLASSES %d\n", w.upper(), len(w.s.Classes))
	}
	fmt.Fprintf(&b, `#ifndef %[1]s_DECLARED
#define %[1]s_DECLARED

#define %[1]s_FEATURES %[2]d
#define %[1]s_OUTPUTS %[3]d
%[4]s
typedef struct {
`, w.upper(), len(w.s.Features), w.s.Outputs(), classes)
	for i := range w.s.Features {
		kind := "double "
		if w.s.Features[i].Text() {
			kind = "const char *"
		}
		fmt.Fprintf(&b, "\t%s%s;\n", kind, w.members[i])
	}
	if len(w.s.Features) == 0 {
		b.WriteString("\tchar none; /* the model reads nothing */\n")
	}
	fmt.Fprintf(&b, `} %[1]s_row;

extern const char %[1]s_digest[];   /* of the model */
extern const char %[1]s_version[];
extern const char %[1]s_identity[]; /* all of that in a text that strings(1) finds in a program */
extern const char *const %[1]s_features[];
`, w.p)
	if w.s.Classes != nil {
		fmt.Fprintf(&b, "extern const char *const %s_classes[];\n", w.p)
	}
	fmt.Fprintf(&b, `
/* Scores a row. scores has %[2]s_OUTPUTS elements. */
int %[1]s_score(const %[1]s_row *row, double *scores);

#endif

`, w.p, w.upper())
	return b.String()
}
