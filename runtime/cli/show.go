package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/store"
)

// shown is what is recorded of a block; its JSON is what scripts read.
type shown struct {
	Address     string                 `json:"address"`
	Fingerprint plan.Digest            `json:"fingerprint,omitempty"`
	Definition  plan.Digest            `json:"definition,omitempty"`
	Component   string                 `json:"component,omitempty"`
	Config      json.RawMessage        `json:"config,omitempty"`
	Inputs      map[string]plan.Digest `json:"inputs,omitempty"`
	Outputs     map[string]plan.Digest `json:"outputs,omitempty"`
	Metrics     json.RawMessage        `json:"metrics,omitempty"`
	Warnings    []string               `json:"warnings,omitempty"`
	DurationMS  int64                  `json:"duration_ms,omitempty"`
	Platform    string                 `json:"platform,omitempty"`
	Executor    string                 `json:"executor,omitempty"`
	Check       *plan.CheckState       `json:"check,omitempty"`
	Gate        *plan.GateState        `json:"gate,omitempty"`
	Release     *plan.ReleaseState     `json:"release,omitempty"`
	// Damaged tells why figures and the like are not here: their record cannot be relied on.
	Damaged string `json:"damaged,omitempty"`
}

func (a *app) showCommand() *cobra.Command {
	format, save, all := "text", "", false
	var vars settings
	cmd := &cobra.Command{
		Use: "show [ADDRESS | PLAN.json | requirements]", Short: "What a block yielded, or what a saved plan says", Args: cobra.MaximumNArgs(1),
		Long: "Shows what is recorded of a stage, gate or deployment; without an address, of all. With --save, its outputs are copied\n" +
			"to a folder: tables as Parquet, a model as its bundle. The file of a saved plan is shown as 'mlp plan' shows one.\n" +
			"With requirements, the trace from each requirement to the gates, checks and rules that verify it, and their last verdicts.",
		Example: "  mlp show\n  mlp show evaluate.holdout --format json\n  mlp show train.model --save model/\n  mlp show plan.json --format html\n  mlp show requirements",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && isPlanFile(args[0]) {
				return a.showPlan(args[0], format, all)
			}
			if format != "text" && format != "json" {
				return &failure{err: fmt.Errorf("--format %s is not known", format), hint: "Use text or json."}
			}
			s, err := a.open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			if len(args) == 0 {
				return s.showAll(format)
			}
			if args[0] == requirementsArgument {
				return s.showRequirements(format)
			}
			return s.showOne(cmd.Context(), addressOf(args[0]), format, save)
		},
	}
	vars.flags(cmd)
	cmd.Flags().StringVar(&format, "format", format, "`text` or json; of a saved plan also markdown and html")
	cmd.Flags().BoolVar(&all, "all", false, "of a saved plan: list cached stages and decided gates too")
	cmd.Flags().StringVar(&save, "save", "", "copy the outputs to this `folder`, which must not exist")
	return cmd
}

// showPlan shows a saved plan; neither the module nor the store is needed.
func (a *app) showPlan(path, format string, all bool) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	p, err := readPlan(path)
	if err != nil {
		return err
	}
	if format == "json" { // as it stands, with fields of later versions: its plan_id covers them
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a saved plan: %w", err)
		}
		_, err = a.out.Write(data)
		return err
	}
	return a.printPlan(p, format, all)
}

// find collects what is recorded of an address.
func (s *session) find(address string) (*shown, error) {
	out := &shown{Address: address}
	node, isNode := s.state.Nodes[address]
	if isNode {
		out.Fingerprint, out.Definition, out.Config = node.Fingerprint, node.Definition, node.Config
		out.Inputs, out.Outputs, out.Check = node.Inputs, node.Outputs, node.Check
		action, err := s.store.Action(node.Fingerprint)
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return nil, err
		}
		var damaged *store.DamagedError
		if errors.As(err, &damaged) {
			out.Damaged = fmt.Sprintf("%s %s", s.inFolder(damaged.File), damaged.Why)
		}
		if err == nil {
			out.Component, out.Metrics, out.Warnings = action.Component, action.Figures, action.Warnings
			out.DurationMS, out.Platform, out.Executor = action.DurationMS, action.Platform, action.Executor
		}
	}
	if g, ok := s.state.Gates[address]; ok {
		out.Gate = &g
	}
	if r, ok := s.state.Releases[address]; ok {
		out.Release = &r
		if out.Outputs == nil {
			out.Outputs = map[string]plan.Digest{"model": r.Model}
		}
	}
	if !isNode && out.Gate == nil && out.Release == nil {
		return nil, s.notRecorded(address)
	}
	return out, nil
}

func (s *session) notRecorded(address string) error {
	if s.module.Blocks[address] != nil {
		return &failure{err: fmt.Errorf("nothing is recorded of %s yet", address), hint: "'mlp apply' runs what is missing."}
	}
	hint := "'mlp show' lists what is recorded, 'mlp graph' all blocks."
	if near := suggest.Near(address, append(sortedKeys(s.module.Blocks), sortedKeys(s.state.Nodes)...)); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return &failure{err: fmt.Errorf("there is no %s", address), hint: hint}
}

func (s *session) showOne(ctx context.Context, address, format, save string) error {
	x, err := s.find(address)
	if err != nil {
		return err
	}
	if save != "" {
		return s.save(ctx, x, save)
	}
	if x.Damaged != "" {
		return &failure{err: fmt.Errorf("the record of the result of %s is damaged: %s", address, x.Damaged),
			hint: "Restore the file from a copy of the store, or run the stage again: " + s.app.command("apply")}
	}
	if format == "json" {
		return writeJSON(s.app.out, x)
	}
	s.text(x)
	return nil
}

// text prints what is recorded of one block.
func (s *session) text(x *shown) {
	w := s.app.out
	fmt.Fprintln(w, x.Address)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-12s %s\n", name, value)
		}
	}
	row("component", x.Component)
	row("fingerprint", string(x.Fingerprint))
	for _, port := range sortedKeys(x.Outputs) {
		row(port, string(x.Outputs[port]))
	}
	if x.Executor != "" {
		row("ran", fmt.Sprintf("%.1f s, %s, %s", float64(x.DurationMS)/1000, x.Executor, x.Platform))
	}
	if x.Check != nil {
		row("verdict", string(x.Check.Verdict))
		s.decided(x.Check.Rules)
	}
	if x.Gate != nil {
		row("verdict", string(x.Gate.Verdict))
		s.decided(x.Gate.Rules)
		s.given(x.Gate)
	}
	if x.Release != nil {
		row("live", fmt.Sprintf("%s %s, since revision %d (%s)", x.Release.From, x.Release.Model.Short(), x.Release.Revision, x.Release.Since.Format("2006-01-02 15:04:05Z07:00")))
		if x.Release.By != "" {
			row("applied by", render.Line(x.Release.By+" on "+x.Release.Host))
		}
		row("gate", x.Release.Gate)
		if g, ok := s.state.Gates[x.Release.Gate]; ok && g.Subject == x.Release.Subject {
			s.given(&g)
		}
	}
	for _, warning := range x.Warnings {
		row("warning", render.Line(warning))
	}
	s.metrics(x.Metrics)
}

// decided prints rules as they were last decided.
func (s *session) decided(rules []plan.Rule) {
	for _, r := range rules {
		warns := ""
		if r.Severity == "warn" {
			warns = " (warns only)"
		}
		fmt.Fprintf(s.app.out, "    %-5s %s%s: %s\n", r.Verdict, render.Line(r.Name), warns, render.Line(r.Assert))
	}
}

// given prints a gate's approvals: of whom they are asked, and who gave them, when and why.
func (s *session) given(g *plan.GateState) {
	for _, a := range g.Approvals {
		state := "missing"
		switch {
		case a.Given != nil:
			state = "given by " + review.GivenText(*a.Given)
		case a.GivenBy != "":
			state = "given by " + render.Line(a.GivenBy)
		case a.Needed == plan.Fail:
			state = "not needed"
		}
		fmt.Fprintf(s.app.out, "    approval %s of %s: %s\n", render.Line(a.Name), render.Line(strings.Join(a.From, ", ")), state)
	}
}

// metrics prints figures as a list of paths.
func (s *session) metrics(data json.RawMessage) {
	if len(data) == 0 {
		return
	}
	var tree any
	if json.Unmarshal(data, &tree) != nil {
		return
	}
	leaves := map[string]json.RawMessage{}
	flattenFigures("", tree, leaves)
	fmt.Fprintln(s.app.out, "  figures")
	width := 0
	for path := range leaves {
		width = max(width, utf8.RuneCountInString(render.Line(path)))
	}
	for _, path := range sortedKeys(leaves) {
		fmt.Fprintf(s.app.out, "    %-*s  %s\n", width, render.Line(path), render.Value(leaves[path]))
	}
}

func flattenFigures(path string, v any, out map[string]json.RawMessage) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flattenFigures(strings.TrimPrefix(path+"."+k, "."), x, out)
		}
		return
	}
	if data, err := json.Marshal(v); err == nil {
		out[path] = data
	}
}

func (s *session) showAll(format string) error {
	var all []*shown
	addresses := append(sortedKeys(s.state.Nodes), append(sortedKeys(s.state.Gates), sortedKeys(s.state.Releases)...)...)
	slices.Sort(addresses)
	for _, address := range slices.Compact(addresses) {
		x, err := s.find(address)
		if err != nil {
			return err
		}
		all = append(all, x)
	}
	if format == "json" {
		return writeJSON(s.app.out, all)
	}
	fmt.Fprintf(s.app.out, "%s · workspace %s · revision %d\n", s.pipeline, s.app.workspace, s.state.Revision)
	for _, x := range all {
		what := string(x.Fingerprint.Short())
		if x.Check != nil {
			what += "  " + string(x.Check.Verdict)
		}
		if x.Gate != nil {
			what = string(x.Gate.Verdict)
		}
		if x.Release != nil {
			what += fmt.Sprintf("  live: %s %s", x.Release.From, x.Release.Model.Short())
		}
		if x.Damaged != "" {
			what += "  damaged: " + x.Damaged
		}
		if s.module.Blocks[address.Block(x.Address)] == nil {
			what += "  (of a block that is in no file)"
		}
		fmt.Fprintf(s.app.out, "  %-36s %s\n", x.Address, strings.TrimSpace(what))
	}
	return nil
}

// save copies the outputs of a block out of the store.
func (s *session) save(ctx context.Context, x *shown, folder string) error {
	if _, err := os.Lstat(folder); err == nil {
		return fmt.Errorf("%s exists already; --save takes a folder to be made", folder)
	}
	outputs := map[string]plan.Digest{}
	for port, d := range x.Outputs {
		if d != "" {
			outputs[port] = d
		}
	}
	if len(outputs) == 0 {
		return fmt.Errorf("%s has no outputs to save", x.Address)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, port := range sortedKeys(outputs) {
		dest := folder
		if len(outputs) > 1 {
			dest = folder + "/" + port
		}
		if err := s.copyOut(ctx, outputs[port], dest); err != nil {
			return s.notSaved(x.Address, port, folder, err)
		}
	}
	fmt.Fprintf(s.app.out, "Saved %s to %s.\n", strings.Join(sortedKeys(outputs), ", "), folder)
	return nil
}

// notSaved takes a half-written folder away again.
func (s *session) notSaved(address, port, folder string, err error) error {
	missing := errors.Is(err, store.ErrMissing)
	err = errors.Join(fmt.Errorf("saving %s of %s: %w", port, address, err), os.RemoveAll(folder))
	if missing && s.state.Nodes[address].Fingerprint != "" {
		return &failure{err: err, hint: "To have it made again: " + s.app.command("apply")}
	}
	return err
}

// copyOut writes a directory object as files of the user's own: the store's are read-only and shared.
func (s *session) copyOut(ctx context.Context, d plan.Digest, dest string) error {
	if err := s.store.Verify(ctx, d); err != nil {
		return err
	}
	dir, err := s.store.OpenDir(d)
	if err != nil {
		return err
	}
	for _, e := range dir.Files {
		data, err := s.store.ReadFile(d, e.Name)
		if err != nil {
			return err
		}
		path := absolute(dest, e.Name)
		if err := os.MkdirAll(parent(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
