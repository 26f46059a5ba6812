package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

const verifyHelp = `Reads everything in the store, .mlp/, and holds it to its digests: objects, records of results, and the states of all workspaces.
Says what is damaged or gone, of which block it is, and which command makes it again. Objects that are not what their name says are moved to
.mlp/quarantine; nothing else is changed.

An apply looks whether results are there and how large they are. This command reads them: after a failing disk, a copy, or a
restore.

Exit codes: 0 all is as it was written; 1 something is damaged or gone.`

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Look after the store", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args)
			}
			return c.Help()
		},
	}
	format := ""
	verify := &cobra.Command{
		Use: "verify", Short: "Read everything in the store and hold it to its digests", Long: verifyHelp, Args: cobra.NoArgs,
		Example: "  mlp store verify\n  mlp store verify --format json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verifyStore(cmd.Context(), format) },
	}
	verify.Flags().StringVar(&format, "format", "text", "`text` or json")
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(verify)
	return cmd
}

// verified is what came of verifying a store.
type verified struct {
	Objects   int       `json:"objects"`
	Bytes     int64     `json:"bytes"`
	Records   int       `json:"records"`
	States    int       `json:"states"`
	Revisions int       `json:"revisions"`
	Damaged   []damaged `json:"damaged"`
}

// damaged is something that is not as it was written, and what heals it.
type damaged struct {
	What      string      `json:"what"` // object, record, state, output or release
	Pipeline  string      `json:"pipeline,omitempty"`
	Workspace string      `json:"workspace,omitempty"`
	Address   string      `json:"address,omitempty"`
	Port      string      `json:"port,omitempty"`
	Digest    plan.Digest `json:"digest,omitempty"`
	Why       string      `json:"why"`
	Heal      string      `json:"heal"` // a command, or what else to do
}

func (a *app) verifyStore(ctx context.Context, format string) error {
	if format != "text" && format != "json" {
		return &failure{err: fmt.Errorf("--format %s is not known", format), hint: "Use text or json."}
	}
	st, err := store.Open(a.storeDir())
	if err != nil {
		return err
	}
	defer st.Close()
	audited, err := st.Audit(ctx)
	if err != nil {
		return err
	}
	v := &verifier{app: a, store: st, found: verified{Objects: audited.Objects, Bytes: audited.Bytes, Records: audited.Records, Damaged: []damaged{}}, told: map[plan.Digest]bool{}, records: map[plan.Digest]string{}}
	for _, d := range audited.Damaged {
		v.records[d.Fingerprint] = d.Why
	}
	if err := v.states(ctx); err != nil {
		return err
	}
	v.unused(audited)
	if err := v.print(format); err != nil {
		return err
	}
	if len(v.found.Damaged) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// verifier looks whether what the states of a store rest on is there.
type verifier struct {
	app     *app
	store   *store.Store
	found   verified
	told    map[plan.Digest]bool   // of which objects it is said whose they are
	records map[plan.Digest]string // damaged ones, and why; less those of which that is said
}

func (v *verifier) add(d damaged) { v.found.Damaged = append(v.found.Damaged, d) }

// states goes through all pipelines and workspaces.
func (v *verifier) states(ctx context.Context) error {
	for _, pipeline := range names(v.store.Path("log")) {
		for _, workspace := range names(v.store.Path("log", pipeline)) {
			log, err := state.Open(v.store, pipeline, workspace)
			if err != nil {
				continue // a folder of somebody else's
			}
			if err := v.state(ctx, log); err != nil {
				return err
			}
		}
	}
	return nil
}

func names(dir string) []string {
	entries, _ := os.ReadDir(dir) // none is no state
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

func (v *verifier) state(ctx context.Context, log *state.Log) error {
	v.found.States++
	history, err := log.History(ctx)
	var st *plan.State
	if err == nil {
		st, err = log.Load(ctx)
	}
	var corrupt *state.CorruptError
	if errors.As(err, &corrupt) {
		v.add(damaged{What: "state", Pipeline: log.Pipeline(), Workspace: log.Workspace(), Why: v.inFolder(corrupt.File) + " " + corrupt.Why,
			Heal: strings.TrimSuffix("restore this file from a copy of the store. "+corrupt.Out, ". ")})
		return nil
	}
	if err != nil {
		return err
	}
	v.found.Revisions += len(history)
	made := map[plan.Digest]bool{} // what the stages recorded now yield
	for _, address := range slices.Sorted(maps.Keys(st.Nodes)) {
		v.node(log, address, st.Nodes[address])
		for _, d := range st.Nodes[address].Outputs {
			made[d] = true
		}
	}
	for _, address := range slices.Sorted(maps.Keys(st.Releases)) {
		v.release(log, address, st.Releases[address], made)
	}
	return nil
}

// node looks at what a stage yielded and at the record of that. A log that is gone is not missed by anything.
func (v *verifier) node(log *state.Log, address string, n plan.NodeState) {
	d := damaged{Pipeline: log.Pipeline(), Workspace: log.Workspace(), Address: address, Heal: v.command(log, "apply")}
	if n.Accepted != nil {
		d.Heal = v.command(log, "apply --force "+render.ShellWord(address))
	}
	if _, err := v.store.Action(n.Fingerprint); err != nil {
		d := d
		d.What, d.Digest, d.Why = "record", n.Fingerprint, "the record of its result is gone"
		if why, ok := v.records[n.Fingerprint]; ok {
			d.Why = "the record of its result " + why
			delete(v.records, n.Fingerprint)
		}
		v.add(d)
	}
	for _, port := range slices.Sorted(maps.Keys(n.Outputs)) {
		if object, lost := store.IsMissing(v.store.Present(map[string]plan.Digest{port: n.Outputs[port]})); lost {
			d := d
			d.What, d.Port, d.Digest, d.Why = "output", port, object, "its output "+port+" is not whole: "+string(object)+" is not in the store"
			v.told[object] = true
			v.add(d)
		}
	}
}

// release looks at the model that is live. One that no stage recorded now yields cannot be made again by an apply.
func (v *verifier) release(log *state.Log, address string, r plan.ReleaseState, made map[plan.Digest]bool) {
	object, lost := store.IsMissing(v.store.Present(map[string]plan.Digest{"model": r.Model}))
	if r.Model == "" || !lost || made[r.Model] {
		return
	}
	v.told[object] = true
	v.add(damaged{What: "release", Pipeline: log.Pipeline(), Workspace: log.Workspace(), Address: address, Digest: object,
		Why:  "the model that is live, " + r.Model.Short() + ", is not whole: " + string(object) + " is not in the store",
		Heal: "no stage yields it now: apply the module as it was in revision " + fmt.Sprint(r.Revision) + ", or release another model"})
}

// unused tells of what is damaged and rests under nothing that is recorded now.
func (v *verifier) unused(audited *store.Audited) {
	for _, c := range audited.Corrupt {
		if !v.told[c.Digest] {
			v.add(damaged{What: "object", Digest: c.Digest, Why: "its content was not what its name says; moved to " + v.inFolder(c.Quarantine), Heal: "nothing that is recorded now needs it"})
		}
	}
	for _, fp := range slices.Sorted(maps.Keys(v.records)) {
		v.add(damaged{What: "record", Digest: fp, Why: "the record of a result " + v.records[fp], Heal: "nothing that is recorded now needs it; a stage that would runs again"})
	}
}

// command is one that works on the pipeline's folder and a workspace.
func (v *verifier) command(log *state.Log, rest string) string {
	at := *v.app
	at.workspace = log.Workspace()
	return at.command(rest)
}

func (v *verifier) inFolder(path string) string { return (&session{app: v.app}).inFolder(path) }

func (v *verifier) print(format string) error {
	if format == "json" {
		enc := json.NewEncoder(v.app.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v.found)
	}
	f := v.found
	for _, d := range f.Damaged {
		name := d.Address
		if name == "" {
			name = cmp.Or(d.Pipeline, string(d.Digest))
		}
		if d.Workspace != "" && d.Workspace != v.app.workspace {
			name += " in workspace " + d.Workspace
		}
		fmt.Fprintf(v.app.out, "%s: %s\n  %s\n", render.Lines(name), render.Lines(d.Why), render.Lines(d.Heal))
	}
	if len(f.Damaged) > 0 {
		fmt.Fprintln(v.app.out)
	}
	_, err := fmt.Fprintf(v.app.out, "%d objects (%d bytes), %d records of results, %d revisions of %d states read: ", f.Objects, f.Bytes, f.Records, f.Revisions, f.States)
	if err == nil && len(f.Damaged) == 0 {
		_, err = fmt.Fprintln(v.app.out, "all is as it was written.")
	} else if err == nil {
		_, err = fmt.Fprintf(v.app.out, "%d damaged or gone.\n", len(f.Damaged))
	}
	return err
}
