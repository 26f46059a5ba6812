package attempt

// What is held to a stage that says it succeeded.
//
//   - metrics.json, where a port is of figures: a regular file of at most 16 MB with one JSON object, of no two members of one name.
//   - Of each other port a folder with something in it, of regular files alone.
//   - Of a table port one file, table.parquet, or table.csv or table.ndjson where the block asks for that; it is converted then.
//
// Besides, any stage may write report.json, a report as lang/report has it: that is no port, since no stage reads one.
//
// Anything else in out/ is warned of and left out. A stage that wrote less than its block declares fails here, with what was
// expected, and not in the stage that would have read it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/store"
)

// figuresFile holds the figures of a stage, reportFile its report.
const (
	figuresFile = "metrics.json"
	reportFile  = "report.json"
)

// maxFigures bounds metrics.json: it is kept in records and state, so results belong in other ports.
const maxFigures = 16 << 20

// maxFiguresDepth bounds how deep figures are nested, as rules that would read them are.
const maxFiguresDepth = 100

// depth is how deep lists and objects are nested in a text that is JSON.
// It is asked before any parser is, for those go down a level of the stack for each level of nesting.
func depth(data []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}

// collect checks what a stage wrote against the ports of its block and adds it to a batch.
// The digests are those of the ports' folders, by port; figures are metrics.json in canonical form, nil where no port is of figures
// and the stage wrote none. The first port that is not as declared fails the stage: a part of its outputs is no result.
func (a *Attempt) collect(ctx context.Context, into *store.Batch) (map[string]plan.Digest, json.RawMessage, error) {
	raw, figures, err := a.readFigures()
	if err != nil {
		return nil, nil, err
	}
	if err := a.warnOfStrangers(); err != nil {
		return nil, nil, err
	}
	outputs := map[string]plan.Digest{}
	for _, out := range a.node.Outputs {
		if isFigures(out.Type) {
			outputs[out.Port], err = storeFigures(into, raw)
		} else {
			outputs[out.Port], err = a.storePort(ctx, into, out)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return outputs, figures, nil
}

// isFigures reports whether a port carries metrics.json instead of a folder that the stage fills.
func isFigures(t schema.PortType) bool { return t == schema.FiguresPort || t == schema.VerdictPort }

// badOutput is a failure of a stage that wrote something else than its block declares; the text goes on after its address.
func (a *Attempt) badOutput(format string, args ...any) error {
	return Failuref(OutputFailure, "%s %s", a.node.Address, fmt.Sprintf(format, args...))
}

// readFigures returns metrics.json as it is and without space; both nil where there is none and none is declared.
func (a *Attempt) readFigures() (raw []byte, figures json.RawMessage, err error) {
	path := filepath.Join(a.task.Out, figuresFile)
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		if slices.ContainsFunc(a.node.Outputs, func(o plan.Output) bool { return isFigures(o.Type) }) {
			return nil, nil, a.badOutput("wrote no out/%s, which holds its figures", figuresFile)
		}
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFigures {
		return nil, nil, a.badOutput("wrote an out/%s that is no regular file of at most %d bytes", figuresFile, maxFigures)
	}
	if raw, err = os.ReadFile(path); err != nil {
		return nil, nil, err
	}
	if why := notAnObject(raw); why != "" {
		return nil, nil, a.badOutput("wrote an out/%s that %s", figuresFile, why)
	}
	figures, err = plan.Canonical(json.RawMessage(raw))
	return raw, figures, err
}

// notAnObject says why data is not one JSON object; empty if it is. It ends a sentence: "is null; expected a JSON object". An
// object with two members of one name is refused, as two readers may see two figures in it.
func notAnObject(data []byte) string {
	if depth(data) > maxFiguresDepth {
		return fmt.Sprintf("is nested more than %d levels deep", maxFiguresDepth)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	var v map[string]any
	err := dec.Decode(&v)
	if err == nil && v == nil {
		return "is null; expected a JSON object"
	}
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			if err := source.CheckJSON(data); err != nil {
				return "can be read in two ways: " + err.Error()
			}
			return ""
		}
		return "has more after its JSON object"
	}
	why := fmt.Sprintf("is not a JSON object: %v", err)
	if bytes.Contains(data, []byte("NaN")) || bytes.Contains(data, []byte("Infinity")) {
		why += ` (NaN and Infinity are not JSON: write null, and the reason under "undefined")`
	}
	return why
}

// warnOfStrangers tells the user of files that no port takes.
// They do no harm, and a name that is spelt wrong is the usual reason that a port is empty.
func (a *Attempt) warnOfStrangers() error {
	entries, err := os.ReadDir(a.task.Out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		port := e.Name()
		declared := slices.ContainsFunc(a.node.Outputs, func(o plan.Output) bool { return o.Port == port && !isFigures(o.Type) })
		if port != figuresFile && port != reportFile && !declared {
			a.log.warn(fmt.Sprintf("out/%s belongs to no port of the block and is not kept", port))
		}
	}
	return nil
}

// storeReport checks and stores report.json; "" where the stage wrote none.
func (a *Attempt) storeReport(into *store.Batch) (plan.Digest, error) {
	path := filepath.Join(a.task.Out, reportFile)
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > report.MaxBytes {
		return "", a.badOutput("wrote an out/%s that is no regular file of at most %d bytes", reportFile, report.MaxBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if why := notAnObject(data); why != "" {
		return "", a.badOutput("wrote an out/%s that %s", reportFile, why)
	}
	if _, err := report.Read(data); err != nil {
		return "", a.badOutput("wrote an out/%s that is no report: %v", reportFile, err)
	}
	return into.PutBytes(data)
}

// storeFigures stores metrics.json as a folder of one file, since ports carry folders.
func storeFigures(into *store.Batch, raw []byte) (plan.Digest, error) {
	d, err := into.PutBytes(raw)
	if err != nil {
		return "", err
	}
	return into.PutList([]store.Entry{{Name: figuresFile, Size: int64(len(raw)), Digest: d}})
}

// storePort checks and stores the folder of a port.
func (a *Attempt) storePort(ctx context.Context, into *store.Batch, out plan.Output) (plan.Digest, error) {
	dir := filepath.Join(a.task.Out, out.Port)
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.IsDir() {
		return "", a.badOutput("wrote no folder out/%s, which its port %q takes", out.Port, out.Port)
	}
	if err != nil {
		return "", err
	}
	if out.Type == schema.TablePort {
		if err := a.checkTable(ctx, out, dir); err != nil {
			return "", err
		}
	}
	if out.Type == schema.ImagePort {
		if err := errors.Join(checkImage(dir), a.onMade(dir)); err != nil {
			return "", a.badOutput("wrote no image to out/%s: %v", out.Port, err)
		}
	}
	d, files, err := into.TakeDir(dir, func(done, total int) {
		if done < total { // many files take their time
			a.Listener.Progress(done, total)
		}
	})
	var file *store.FileError
	if errors.As(err, &file) {
		return "", a.badOutput("wrote out/%s/%s: it %s", out.Port, file.Name, file.Why)
	}
	if err != nil {
		return "", err
	}
	if files == 0 {
		return "", a.badOutput("left out/%s empty; what it yields goes there, as one file at least", out.Port)
	}
	return d, nil
}

// checkTable makes sure that a table's folder holds table.parquet and nothing else, converting it where the stage writes
// another format.
func (a *Attempt) checkTable(ctx context.Context, out plan.Output, dir string) error {
	format := out.Format
	if format == "" {
		format = "parquet"
	}
	want := "table." + format
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 1 || names[0] != want || !entries[0].Type().IsRegular() {
		return a.badOutput("must write exactly one regular file out/%s/%s; found: %s", out.Port, want, listing(names))
	}
	path := filepath.Join(dir, want)
	if format == "parquet" {
		if err := a.checkParquet(out.Port, path); err != nil {
			return err
		}
		return a.settle(ctx, out, dir)
	}
	if out.Shape == nil || out.Shape.Table == nil {
		return a.badOutput("writes port %q as %s, but its columns are not declared", out.Port, format)
	}
	if err := a.convert(ctx, format, "parquet", out.Shape.Table, path, filepath.Join(dir, component.TableFile)); err != nil {
		return a.badOutput("wrote out/%s/%s: %v", out.Port, want, err)
	}
	return errors.Join(os.Remove(path), a.settle(ctx, out, dir))
}

// settle holds a table that a program wrote to its declared columns and key, and puts its rows in order, as those of components are. Predictions are left as they are: their
// order is that of the rows that were scored, and whoever takes them looks at their columns.
func (a *Attempt) settle(ctx context.Context, out plan.Output, dir string) error {
	if a.node.Container == nil || a.node.Role == schema.PredictRole || out.Shape == nil || out.Shape.Table == nil || a.Convert == nil {
		return nil
	}
	path, settled := filepath.Join(dir, component.TableFile), filepath.Join(a.work, "settled.parquet")
	if err := a.Convert(ctx, "parquet", "parquet", out.Shape.Table, path, settled); err != nil {
		return a.badOutput("wrote a table to out/%s that is not as its block declares it: %v", out.Port, err)
	}
	return os.Rename(settled, path)
}

// listing is names for a message.
func listing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// checkParquet looks at the marks that each Parquet file begins and ends with, which a cut one lacks.
// Its content is checked by the stage that reads it. 12 bytes are two marks and the length of a footer, the least that a file has.
func (a *Attempt) checkParquet(port, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var head, tail [4]byte
	if info.Size() >= 12 {
		_, errHead := f.ReadAt(head[:], 0)
		_, errTail := f.ReadAt(tail[:], info.Size()-4)
		if err := errors.Join(errHead, errTail); err != nil {
			return err
		}
	}
	if string(head[:]) != "PAR1" || string(tail[:]) != "PAR1" {
		return a.badOutput("wrote an out/%s/%s that is no whole Parquet file", port, component.TableFile)
	}
	return nil
}
