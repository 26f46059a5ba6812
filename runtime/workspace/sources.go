package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// sources finds the version of the files that a block means. Files that are there are hashed; of those that are not, the
// recorded version is taken, and that is said.
type sources struct {
	s      *Session
	before *plan.State // what is recorded, under the addresses of now
	said   []plan.Diagnostic
	// Addresses of sources that were taken as recorded: what has to read their files cannot run here (readable). Nil:
	// none.
	absent  map[string]bool
	images  *Images
	unknown map[string]bool // images of which it is said that they are not known
}

// External looks at a source's files. Where they are not on this machine (a plan in CI), the version last recorded is taken
// and a warning says so, unless what is outside is to be looked at anew.
func (x *sources) External(ctx context.Context, kind, typ, address string, config json.RawMessage) (*plan.External, plan.Digest, error) {
	b := x.s.Module.Blocks[address]
	found, err := x.s.probe(ctx, b)
	switch {
	case err == nil:
		x.compare(b, found)
		found.Dir = folderOf(b)
		return &found.External, found.Digest, nil
	case x.s.Refresh || !errors.Is(err, fs.ErrNotExist):
		return nil, "", err
	}
	v, how, err := x.s.recordedVersion(ctx, b, x.before, err)
	if err != nil {
		return nil, "", err
	}
	if x.absent == nil {
		x.absent = map[string]bool{}
	}
	x.absent[address] = true
	x.report(plan.Diagnostic{
		Severity: "warning", Code: source.CodeFilesElsewhere, Subject: b.Range,
		Summary: fmt.Sprintf("The files of %s are not here; taken as recorded %s: %s", address, how, v.summary()),
	})
	v.Dir = folderOf(b)
	return &v.External, v.Digest, nil
}

// folderOf is what a block's path is relative to, itself relative to the root module with forward slashes; empty: that.
func folderOf(b *check.Block) string {
	if b.Dir == "." {
		return ""
	}
	return filepath.ToSlash(b.Dir)
}

// compare warns where files are not those that are pinned: others, who lack the files, plan with the pinned version.
func (x *sources) compare(b *check.Block, found dataVersion) {
	pin, ok := x.s.Library.lock.Versions[b.Address]
	if ok && pin.Digest != found.Digest {
		x.report(plan.Diagnostic{
			Severity: "warning", Code: source.CodeFilesUnlike, Subject: b.Range,
			Summary: fmt.Sprintf("The files of %s are not those that %s pins: %s, pinned %s", b.Address, LockName, found.summary(), pin.summary()),
		})
	}
}

// report notes what is to be said of the sources.
func (x *sources) report(d plan.Diagnostic) { x.said = append(x.said, d) }

// probe looks at the files that a block means. None there is an fs.ErrNotExist.
func (s *Session) probe(ctx context.Context, b *check.Block) (dataVersion, error) {
	if err := s.fetchLog(ctx, b); err != nil {
		return dataVersion{}, err
	}
	root, names, err := s.w.Roots.Files(b.Kind, b.Type, filepath.Join(s.w.Dir, b.Dir), b.Config)
	if err != nil {
		return dataVersion{}, err
	}
	if b.TypeSpec.Grows { // below the store's folder
		root, err = s.w.relative(root)
	} else if !filepath.IsAbs(root) {
		root = filepath.Join(b.Dir, root)
	}
	if err != nil {
		return dataVersion{}, err
	}
	ext, digest, err := s.Store.HashFiles(ctx, s.w.Dir, root, names)
	if errors.Is(err, fs.ErrNotExist) { // some of them: not what is taken as recorded
		err = fmt.Errorf("its files are being removed: %s", err.Error())
	}
	return dataVersion{Path: pathOf(b.Config), Asks: asksOf(b.Config), Digest: digest, External: ext}, err
}

// recordedVersion is the version of a block's files that mlp.lock pins, or else that of the last apply, and where it is from. It
// counts only for the path that the block has now. why says that the files are not there.
func (s *Session) recordedVersion(ctx context.Context, b *check.Block, st *plan.State, why error) (v dataVersion, how string, err error) {
	before, ran := st.Nodes[b.Address]
	ext := before.External["files"]
	ran = ran && ext != nil && pathOf(before.Config) == pathOf(b.Config)
	pin, pinned := s.Library.lock.Versions[b.Address]
	switch {
	case pinned && pin.Path == pathOf(b.Config):
		how = "in " + LockName
		if ran && before.Inputs["files"] != pin.Digest {
			how += " (the last apply read another version)"
		}
		return pin, how, nil
	case ran:
		how, err = s.since(ctx, "node/"+b.Address)
		return dataVersion{Digest: before.Inputs["files"], External: *ext}, how, err
	}
	return dataVersion{}, "", why
}

// since says in which revision a key was last written.
// The history is read once for a session, and every later question answered from memory. A key of which no revision
// tells is said to be "in the state".
func (s *Session) since(ctx context.Context, key string) (string, error) {
	if s.written == nil {
		history, err := s.Log.History(ctx)
		if err != nil {
			return "", err
		}
		s.written = map[string]string{}
		for _, r := range history {
			for _, e := range r.Events {
				s.written[e.Key] = fmt.Sprintf("in revision %d of %s", r.Revision, r.At.UTC().Format("2006-01-02"))
			}
		}
	}
	if how, ok := s.written[key]; ok {
		return how, nil
	}
	return "in the state", nil
}

// readable refuses to begin what would have to read files that are not here. It is asked before anything runs: an apply that trains for an hour
// and then finds that a source's files are missing helps nobody.
func (s *Session) readable(p *plan.Plan) error {
	for _, n := range p.Nodes {
		if s.absent[n.Address] && (n.Verdict == plan.Run || n.Verdict == plan.MayRun) {
			return &Failure{Err: fmt.Errorf("%s has to run, and its files are not here", n.Address),
				Hint: "Apply where they are. A plan saved here ('mlp plan --out') can be applied there."}
		}
	}
	return nil
}

// pathOf is what a block says of where its files are, or whose.
func pathOf(config json.RawMessage) string {
	var c struct {
		Path string `json:"path"`
		Of   string `json:"of"`
	}
	_ = json.Unmarshal(config, &c) // a configuration of another form has neither
	return cmp.Or(c.Path, c.Of)
}

// asksOf is what a block says of which table it reads of a file that holds several: its name, or a query.
func asksOf(config json.RawMessage) string {
	var c struct {
		Table string `json:"table"`
		Query string `json:"query"`
	}
	_ = json.Unmarshal(config, &c) // a configuration of another form has none
	return cmp.Or(c.Query, c.Table)
}
