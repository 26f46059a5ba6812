package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// outsideLook finds the columns of a source whose data lies elsewhere: with a database by what it says of its query, else by
// fetching the file. It is made by 'mlp init' alone, since it may take as long as the fetch does; its columns are pinned.
type outsideLook struct {
	l       *Library
	address string               // of the source
	of      *component.Component // of the source
	config  json.RawMessage      // of the source
	fetch   *schema.Derivation   // the stage that fetches for it
	outside component.Outside    // where, with the secret that opens it
}

// fetchOf is the derivation of a source that reads what lies elsewhere; nil if it reads local files.
func fetchOf(c *component.Component, config json.RawMessage) (*schema.Derivation, error) {
	if c.Derive == nil {
		return nil, nil
	}
	derived, err := c.Derive(schema.DeriveRequest{Config: config})
	for i := range derived {
		if derived[i].Role == schema.FetchRole {
			return &derived[i], err
		}
	}
	return nil, err
}

// asked is what a fetch asks for, and where: what columns that were found there are pinned for, such as
// "postgres://db/sales: select * from orders". It has no secrets in it.
func asked(fetch *schema.Derivation) string {
	if fetch.Fetch.Query == "" {
		return fetch.Fetch.Location
	}
	return fetch.Fetch.Location + ": " + fetch.Fetch.Query
}

// columnsOutside takes the columns that are pinned, or has them looked for: by 'mlp init' also where they are pinned for something else.
// Nothing else asks outside: validating must work without a network, and with the same answer for everybody.
func (l *Library) columnsOutside(ctx context.Context, address string, c *component.Component, fetch *schema.Derivation, config json.RawMessage) ([]schema.Column, error) {
	pinned, ok := l.lock.Schemas[address]
	from, known := l.lock.Versions[address]
	// Pinned columns are taken as long as the block asks for the same thing. Only `mlp init` (tell is set) asks outside, and
	// only if it may.
	switch moved := known && from.Path != asked(fetch); {
	case ok && !moved:
		return pinned, nil
	case l.tell == nil && ok:
		l.moved = append(l.moved, fmt.Sprintf("The columns of %s are pinned for %s, and the block means %s: 'mlp init' looks for them there", address, from.Path, asked(fetch)))
		return pinned, nil
	case l.tell == nil:
		return nil, &component.InputError{Summary: fmt.Sprintf("%s lies elsewhere, and %s does not pin them", fetch.Fetch.Location, LockName),
			Detail: `'mlp init' looks for them there, and pins them. Or declare those that are wanted: column "NAME" { type = "TYPE" }`}
	case os.Getenv(OfflineVariable) != "":
		return nil, &component.InputError{Summary: fmt.Sprintf("%s lies elsewhere, and %s is set, so that nothing outside is asked", fetch.Fetch.Location, OfflineVariable),
			Detail: `Declare them: column "NAME" { type = "TYPE" }`}
	}
	look := outsideLook{l: l, address: address, of: c, config: config, fetch: fetch}
	columns, version, err := look.columns(ctx)
	if errors.Is(err, component.ErrUnreachable) {
		return nil, fmt.Errorf("%w\nRun 'mlp init' where it answers, or declare them: column \"NAME\" { type = \"TYPE\" }", err)
	}
	if err != nil {
		return nil, err
	}
	l.Unpinned = append(l.Unpinned, address)
	l.lock.Schemas[address] = columns
	l.lock.Versions[address] = dataVersion{Path: asked(fetch), Digest: plan.VersionDigest(version),
		External: plan.External{Root: fetch.Fetch.Location, Files: []plan.ExternalFile{}, Remote: true, Version: version}}
	return columns, nil
}

// columns finds the columns, and the version that was looked at where they were found in the data.
func (x *outsideLook) columns(ctx context.Context) (columns []schema.Column, version string, err error) {
	fetches := stdlib.Component(ComponentName(schema.FetchKind, x.fetch.Fetch.Type))
	secrets, wrong := planner.Secrets(x.l.blocks[x.address], func(address string) *resolve.Block { return x.l.blocks[address] })
	if wrong != nil {
		return nil, "", errors.New(wrong.Summary)
	}
	if x.outside, err = opened(x.l.dir, x.fetch.Config, secrets); err != nil {
		return nil, "", err
	}
	// A service that can be asked is asked. Of others the data is fetched, as of a version, and what was found in that
	// version is remembered.
	if fetches.Columns != nil {
		x.l.tell(fmt.Sprintf("Asking %s for the columns of %s.", x.fetch.Fetch.Location, x.address))
		err = answered(ctx, func(ctx context.Context) error { columns, err = fetches.Columns(ctx, x.outside); return err })
		return columns, "", err
	}
	err = answered(ctx, func(ctx context.Context) error { version, err = fetches.Version(ctx, x.outside); return err })
	if err != nil {
		return nil, "", err
	}
	key, err := x.key(version)
	if err != nil {
		return nil, "", err
	}
	if data, ok := x.l.answers.Get(key); ok && json.Unmarshal(data, &columns) == nil {
		return columns, version, nil
	}
	x.l.tell(fmt.Sprintf("Fetching %s for the columns of %s.", x.fetch.Fetch.Location, x.address))
	if columns, err = x.fetched(ctx, fetches, version); err != nil {
		return nil, "", err
	}
	if data, err := json.Marshal(columns); err == nil {
		x.l.answers.Put(key, data)
	}
	return columns, version, nil
}

// key is the digest of all that columns depend on which were found in a version.
func (x *outsideLook) key(version string) ([32]byte, error) {
	data, err := json.Marshal(struct {
		Question, Engine, Component string
		ComponentVersion            int
		Config                      json.RawMessage
		Fetch                       *schema.Fetch
		Version                     string
	}{"columns elsewhere", table.EngineVersion, x.of.Name(), x.of.Type.Version, x.config, x.fetch.Fetch, version})
	return blake3.Sum256(data), err
}

// fetched fetches the data to a folder of the store that is removed, and looks at it. The fetch runs as its stage would, with the secret in a
// folder that is memory, but in this process: there is no plan yet that an executor could be given.
func (x *outsideLook) fetched(ctx context.Context, fetches *component.Component, version string) (columns []schema.Column, err error) {
	place := scratch.At(x.l.storeDir)
	root, err := place.Temp("look-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root), place.Close()) }()
	if x.outside.Secret != nil {
		folder, err := scratch.InMemory(scratch.Secrets)
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		if err := os.WriteFile(filepath.Join(folder.Dir, "opens"), x.outside.Secret, 0o400); err != nil {
			return nil, err
		}
		if err := os.Symlink(folder.Dir, filepath.Join(root, "secrets")); err != nil {
			return nil, err
		}
	}
	spec, err := json.Marshal(component.Spec{
		Protocol: component.Protocol, Address: address.Derived(x.address, string(schema.FetchRole)), Component: fetches.Name(), Version: fetches.Type.Version,
		Config: x.fetch.Config, Out: map[string]schema.Shape{x.fetch.Out[0].Port: {Type: schema.FilesPort}}, Versions: map[string]string{outsidePort: version},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o600); err != nil {
		return nil, err
	}
	stage, err := component.Open(root, 1, io.Discard)
	if err != nil {
		return nil, err
	}
	if err := fetches.Run(ctx, stage); err != nil {
		return nil, err
	}
	files := filepath.Join(root, "out", x.fetch.Out[0].Port)
	entries, err := os.ReadDir(files)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return x.of.Source.Sniff(ctx, files, names, x.config)
}

// foundHow says how the columns of a source were found.
func (l *Library) foundHow(address string) string {
	switch v := l.lock.Versions[address]; {
	case !v.Remote:
		return "guessed from its files"
	case v.Version == "":
		return "as " + v.Root + " describes it"
	default:
		return "guessed from " + v.Root
	}
}
