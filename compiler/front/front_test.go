package front_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib"
)

// library knows no component; it notes what it is told of the module.
type library struct{ resolved *resolve.Module }

func (l *library) Resolved(m *resolve.Module) { l.resolved = m }

func (l *library) Shape(context.Context, string, string, schema.ShapeRequest) (schema.ShapeResult, bool) {
	if l.resolved == nil {
		panic("asked before it was told which module")
	}
	return schema.ShapeResult{}, false
}

func (l *library) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return nil, errors.New("no files")
}

// An error in names or values ends the way to a module, but for a text that is being edited.
func TestEditingGoesOn(t *testing.T) {
	const text = "pipeline \"p\" {}\nvariable \"rate\" { type = number }\nlocals {\n  a = var.gone\n}\nmetric \"auc\" { type = \"roc_auc\" }\n"
	for _, editing := range []bool{false, true} {
		lib := &library{}
		r := front.Compile(t.Context(), map[string][]byte{"p.mlp": []byte(text)}, stdlib.Catalog(), front.Options{Library: lib, Editing: editing})
		if !r.Diagnostics.HasErrors() || r.Resolved == nil {
			t.Errorf("editing %t: a variable that is not there is no error: %v", editing, r.Diagnostics)
		}
		if got := r.Module != nil; got != editing || (lib.resolved != nil) != editing {
			t.Errorf("editing %t: there is a module: %t", editing, got)
		}
		lacking := 0
		for _, d := range r.Diagnostics {
			if strings.Contains(d.Summary, "has no value") {
				lacking++
			}
		}
		if want := map[bool]int{false: 1, true: 0}[editing]; lacking != want {
			t.Errorf("editing %t: %d variables are said to have no value, want %d", editing, lacking, want)
		}
	}
}

// What a file of values gives to a sensitive variable, or to no variable, is in no text that diagnostics show.
func TestValuesAreHidden(t *testing.T) {
	const module = "pipeline \"p\" {}\nvariable \"token\" {\n  type      = string\n  sensitive = true\n}\nvariable \"open\" { type = number }\n"
	const values = "token = \"hush\"\ntokn = \"hush\"\nopen = 12\n"
	catalog := stdlib.Catalog()
	files := map[string][]byte{"p.mlp": []byte(module)}
	o := front.Options{Library: &library{}, Values: map[string][]byte{"default.mlpvars": []byte(values)}}
	parsed, diags := syntax.Parse(files, catalog)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	r := front.Check(t.Context(), parsed, o)
	for what, texts := range map[string]map[string][]byte{"resolved": r.Files, "only parsed": o.Texts(parsed)} {
		shown := string(texts["default.mlpvars"])
		if strings.Contains(shown, "hush") || !strings.Contains(shown, "open = 12") {
			t.Errorf("%s: shown is %q", what, shown)
		}
		if string(texts["p.mlp"]) != module {
			t.Errorf("%s: the module's text is %q", what, texts["p.mlp"])
		}
	}
	if string(o.Values["default.mlpvars"]) != values {
		t.Error("the caller's text was changed")
	}
}
