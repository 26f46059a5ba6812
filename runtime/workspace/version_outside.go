package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
	"github.com/mlp-lang/mlp/stdlib"
)

// OfflineVariable, set to anything, has plans ask nothing outside, as --offline does.
const OfflineVariable = "MLP_OFFLINE"

// patience is how long what lies elsewhere may take to say its version. After that a plan goes on with the recorded
// one.
const patience = 30 * time.Second

// askVersion asks what a fetch gets for its version now: of a file behind HTTP its ETag, of a query what the database says of the state of its
// tables. Nothing is fetched. That a secret is not there counts as nobody answering (component.ErrUnreachable), since plans are also made
// where the secret is not.
func (w *Workspace) askVersion(ctx context.Context, fetch *plan.Node) (string, error) {
	c := stdlib.Component(ComponentName(fetch.Kind, fetch.Type))
	if c == nil || c.Version == nil {
		return "", fmt.Errorf("this binary has no %s.%s that fetches", fetch.Kind, fetch.Type)
	}
	o, err := opened(w.Dir, fetch.Config, fetch.Secrets)
	if err != nil {
		return "", component.Unreachable(err)
	}
	var version string
	err = answered(ctx, func(ctx context.Context) error { version, err = c.Version(ctx, o); return err })
	return version, err
}

// opened is what lies outside with the secret that opens it. dir is the root module's folder.
func opened(dir string, config json.RawMessage, secrets []plan.Secret) (component.Outside, error) {
	o := component.Outside{Config: config, Dir: dir}
	for _, s := range secrets {
		value, err := attempt.ReadSecret(dir, s)
		if err != nil {
			return o, err
		}
		o.Secret = value
	}
	return o, nil
}

// answered has something outside asked, and gives it up after patience, as unreachable. That ctx itself ended is not
// taken for that.
func answered(ctx context.Context, ask func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := ask(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = component.Unreachable(fmt.Errorf("there was no answer within %v", patience))
	}
	return err
}

// Version is that of now, or where nobody answers that which is recorded, and that is said. Of an image nothing that is recorded stands for
// what its name means.
//
//	it answers                                         the version of now
//	it refuses, such as by 403                         the error: to go on as recorded would hide it
//	nobody answers, or nobody was to be asked          the recorded version, with a warning
//	the same, and nothing was fetched from there yet   not known (""), with a warning: the stages behind it may run
func (x *sources) Version(ctx context.Context, fetch *plan.Node, location string) (string, error) {
	if fetch.Container != nil {
		return x.image(ctx, fetch, location)
	}
	err := component.Unreachable(errors.New("nothing outside was to be asked"))
	if !x.s.Offline && os.Getenv(OfflineVariable) == "" {
		var version string
		if version, err = x.s.w.askVersion(ctx, fetch); err == nil {
			return version, nil
		}
	}
	if x.s.Refresh || !errors.Is(err, component.ErrUnreachable) {
		return "", err
	}
	before, ran := x.before.Nodes[fetch.Address].External[outsidePort]
	if !ran || before.Root != location || before.Version == "" {
		x.tell(fetch, source.CodeOutsideUnknown, fmt.Sprintf("What %s has is not known, for it has not been fetched yet: %v. An apply asks again", location, err))
		return "", nil
	}
	how, err2 := x.s.since(ctx, "node/"+fetch.Address)
	if err2 != nil {
		return "", err2
	}
	x.tell(fetch, source.CodeOutsideRecord, fmt.Sprintf("What %s has now is not known: %v. It is taken as recorded %s: %s", location, err, how, before.Version))
	return before.Version, nil
}

// image is what an image's name means now. One that is not built yet, or no engine says, is not known yet, which is said once.
func (x *sources) image(ctx context.Context, n *plan.Node, name string) (string, error) {
	version, err := x.images.Version(ctx, name)
	why := executor.ErrImage
	switch {
	case err == nil:
	case errors.Is(err, executor.ErrUnavailable):
		why = executor.ErrUnavailable
	case errors.Is(err, registry.ErrNoAnswer):
		why = registry.ErrNoAnswer
	case !errors.Is(err, executor.ErrImage):
		return "", err
	case registry.Named(name):
		why = err // which its registry says on every machine
	}
	if x.s.Refresh && err != nil {
		return "", err
	}
	if err != nil && !x.unknown[name] { // in words that are the same on every machine
		x.tell(n, source.CodeImage, unknownImage(name, why))
	}
	if err != nil {
		x.unknown[name] = true
	}
	return version, nil
}

// unknownImage says that an image is not known, and what to do.
func unknownImage(name string, why error) string {
	switch {
	case errors.Is(why, registry.ErrNoAnswer):
		return fmt.Sprintf("The image %s is not known yet: its registry does not answer. An apply that runs it asks again", name)
	case registry.Named(name):
		return fmt.Sprintf("The image %s is not known yet: %v. Build, load or push it before an apply that runs it, which asks again", name, why)
	}
	return fmt.Sprintf("The image %s is not known yet: %v. Build or load it before an apply that runs it, which asks again; mlp pulls none whose name says no registry", name, why)
}

// outsidePort is the port of a fetch at which what lies elsewhere comes in, as the planner names it.
const outsidePort = "outside"

// tell adds a warning to the plan, at the image or block that it is about.
func (x *sources) tell(fetch *plan.Node, code, summary string) {
	var at source.Range
	if b := x.s.Module.Blocks[address.Block(fetch.Address)]; b != nil {
		at = b.Range
		for _, path := range []string{"image", "base", "python"} {
			if r, ok := b.Ranges[path]; ok {
				at = r
				break
			}
		}
	}
	x.said = append(x.said, plan.Diagnostic{Severity: "warning", Code: code, Summary: summary, Subject: at})
}
