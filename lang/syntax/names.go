package syntax

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// sqlWords cannot name a table in DuckDB 1.4: the keywords of the categories reserved and type_function in
// duckdb_keywords().
const sqlWords = "all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check " +
	"collate collation column columns concurrently constraint create cross default deferrable desc describe distinct do else end " +
	"except false fetch for foreign freeze from full generated glob grant group having ilike in initially inner intersect " +
	"into is isnull join lambda lateral leading left like limit map natural not notnull null offset on only or order outer " +
	"overlaps pivot pivot_longer pivot_wider placing positional primary qualify references returning right select semi show " +
	"similar some struct summarize symmetric table tablesample then to trailing true try_cast union unique unpivot using " +
	"unpack variadic verbose when where window with"

// celWords are the reserved words of CEL's grammar.
const celWords = "false in null true as break const continue else for function if import let loop package namespace return " +
	"var void while"

// reserved are the languages that words belong to.
var reserved = func() map[string]string {
	out := map[string]string{}
	for _, word := range strings.Fields(sqlWords) {
		out[word] = "SQL"
	}
	for _, word := range strings.Fields(celWords) { // which bind all blocks
		out[word] = "CEL"
	}
	return out
}()

// reservedBy returns the language that a word belongs to, "" if it is free.
func reservedBy(word string) string { return reserved[word] }

// checkName reports what is wrong with the name of a block of that kind. Reserved words of SQL are refused only for kinds whose blocks can
// be tables in queries.
func checkName(kind *schema.Kind, name string, r source.Range) source.Diagnostics {
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeName, Subject: r}
	language := reservedBy(name)
	if language == "SQL" && !tables(kind) {
		language = ""
	}
	switch {
	case !validName(name):
		d.Summary = fmt.Sprintf("%q is no valid name", name)
		d.Detail = "A name begins with a small letter and goes on with small letters, digits and underscores."
		if s := properName(name); s != "" {
			d.Hint = fmt.Sprintf("%q would do", s)
		}
	case language != "":
		d.Summary = fmt.Sprintf("%q is a reserved word of %s", name, language)
		d.Detail = "Rules read figures by the names of blocks."
		if language == "SQL" {
			d.Detail = fmt.Sprintf("Queries read the tables of %s blocks by their names.", kind.Name)
		}
		d.Hint = fmt.Sprintf("%q would do", name+"_")
	default:
		return nil
	}
	return source.Diagnostics{d}
}

// tables reports whether blocks of a kind are read by their names in queries: those that always yield tables, and variables, which
// stand for them where a module is called.
func tables(k *schema.Kind) bool {
	for _, t := range k.Types {
		for _, p := range t.Out {
			if p.Type == schema.TablePort && !p.Asked {
				return true
			}
		}
	}
	return k.Name == "variable"
}

// ValidBlockName reports whether a block of that kind can have a name.
func ValidBlockName(k *schema.Kind, name string) bool {
	return checkName(k, name, source.Range{}) == nil
}

// ValidName reports whether name can be that of a table in queries: valid, and no reserved word of SQL or CEL.
func ValidName(name string) bool { return validName(name) && reservedBy(name) == "" }

// validName reports whether name has the form of names: [a-z][a-z0-9_]*.
func validName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return name != ""
}

// properName makes a valid name of one that is not, "" if nothing is left: "Fraud-Model" becomes fraud_model, "2nd" nd.
// It is for hints alone. A name is never mended silently, since addresses are what state and approvals are recorded
// under.
func properName(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-', r == ' ', r == '.':
			return '_'
		}
		return -1
	}, name)
	s = strings.TrimLeft(s, "_0123456789")
	if !validName(s) || reservedBy(s) != "" {
		return ""
	}
	return s
}
