package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Error is what the engine says is wrong with a query or the data, taken from the JSON in which it says so (errors_as_json). Kind,
// Subtype and Name are the engine's words, and "" where it has none.
type Error struct {
	Kind       string // "Binder", "Conversion", "Catalog", …
	Message    string // one or more lines
	Subtype    string // "COLUMN_NOT_FOUND", …
	Name       string // the name that was not found
	Candidates []string
	Position   int // byte in the statement; -1 if it names no place
}

func (e *Error) Error() string { return e.Message }

// DataError reports whether the error lies in the data or the query, not in the engine or the machine.
// A mistake of that kind is the user's, and trying again gives it again; "IO" or "Out of Memory" may pass.
func (e *Error) DataError() bool {
	switch e.Kind {
	case "Conversion", "Out of Range", "Invalid Input", "Binder", "Catalog", "Parser", "Mismatch Type", "Decimal",
		"Divide by Zero", "Constraint":
		return true
	}
	return false
}

// engineError turns what the driver returns into an *Error; cancellation stays what it is.
func engineError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return err
	}
	var m map[string]string
	text := d.Msg[max(strings.IndexByte(d.Msg, '{'), 0):] // a prefix may stand before the object
	if json.Unmarshal([]byte(text), &m) != nil {
		return &Error{Message: d.Msg, Position: -1}
	}
	e := &Error{Kind: m["exception_type"], Message: strings.TrimSpace(m["exception_message"]), Subtype: m["error_subtype"],
		Name: m["name"], Position: -1}
	if e.Kind == "Out of Memory" {
		e.Message = outOfMemory()
	}
	if c := m["candidates"]; c != "" {
		e.Candidates = strings.Split(c, ",")
	}
	if p, err := strconv.Atoi(m["position"]); err == nil {
		e.Position = p
	}
	if m := qualified().FindStringSubmatch(e.Message); m != nil && e.Subtype == "" {
		e.Subtype, e.Name = "COLUMN_NOT_FOUND", m[1]
		for _, c := range quoted().FindAllStringSubmatch(m[2], -1) {
			e.Candidates = append(e.Candidates, c[1])
		}
	}
	return e
}

// outOfMemory says of a query that needs more memory than it may have what that is and where it is set. The engine's own words name settings of
// its own, which nobody can set here.
func outOfMemory() string {
	if memoryMB() == 0 {
		return "the SQL engine needs more memory than it may have"
	}
	return fmt.Sprintf("the SQL engine needs more memory than its %d MB, which are what is left to it of the %s MB that the stage may have; the block's memory_mb sets those",
		memoryMB(), os.Getenv("MLP_MEMORY_MB"))
}

// qualified is what the engine says of t.x where t has no x: in text only.
var (
	qualified = lazyregexp.New(`(?s)^Table "[^"]*" does not have a column named "([^"]*)"(.*)`)
	// quoted finds the names that the engine then suggests.
	quoted = lazyregexp.New(`"([^"]*)"`)
)
