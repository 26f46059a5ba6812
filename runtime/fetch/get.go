package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-getter/v2"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Pin is what of a repository is meant.
type Pin struct {
	Commit string      `json:"commit"`
	Digest plan.Digest `json:"digest"` // of its files, as Digest gives it
}

// Check makes sure that a pin that a file holds can be one.
func (p Pin) Check() error {
	if !commitHash().MatchString(p.Commit) {
		return errors.New("a commit is 40 or 64 hexadecimal digits")
	}
	_, err := p.Digest.Hex()
	return err
}

// ErrGone: the commit that is pinned is no longer to be had.
var ErrGone = errors.New("the commit that is pinned is no longer in the repository")

// ErrOther: the commit that is pinned holds other files than when it was pinned.
var ErrOther = errors.New("the repository gives other files for the commit that is pinned")

// Name is that of the folder of a repository at a commit.
// For example modules-3f2a9c0d1b7e. It is the same on every machine, and of letters that every file system takes.
func (s Source) Name(p Pin) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(strings.TrimSuffix(path.Base(s.URL), ".git")))
	if name == "" {
		name = "repository"
	}
	return name + "-" + p.Commit[:12]
}

// Get fetches a repository into a folder below dir: at the commit pinned, or else at what its ref is now. Whatever lies in that
// folder gives way. The result is the pin of what was fetched; with pinned it is the same, or the error is ErrGone or ErrOther and
// the folder is as it was. The repository is complete before it appears under its name.
func Get(ctx context.Context, dir string, s Source, pinned *Pin) (Pin, error) {
	if err := ready(); err != nil {
		return Pin{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Pin{}, err
	}
	tmp, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return Pin{}, err
	}
	defer os.RemoveAll(tmp)
	repo := filepath.Join(tmp, "repository")
	p, err := checkout(ctx, repo, s, pinned)
	if err != nil {
		return Pin{}, err
	}
	if p.Digest, err = stripped(repo); err != nil {
		return Pin{}, err
	}
	if pinned != nil && p.Digest != pinned.Digest {
		return Pin{}, ErrOther
	}
	to := filepath.Join(dir, s.Name(p))
	if err := os.RemoveAll(to); err != nil {
		return Pin{}, err
	}
	return p, os.Rename(repo, to)
}

// ready refuses to run git where it is not there, or where the environment points it at another repository, as in a hook.
func ready() error {
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("git is not installed, and modules are fetched with it")
	}
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		if os.Getenv(name) != "" {
			return fmt.Errorf("%s is set: git would work in another repository than the one fetched", name)
		}
	}
	return nil
}

// checkout clones the repository to a folder that does not exist, and tells at which commit it is.
func checkout(ctx context.Context, to string, s Source, pinned *Pin) (Pin, error) {
	ref := s.Ref
	if pinned != nil {
		ref = pinned.Commit
	}
	from := "git::" + s.URL
	if ref != "" {
		from += "?" + url.Values{"ref": {ref}}.Encode()
	}
	client := &getter.Client{Getters: []getter.Getter{gitGetter()}, Decompressors: map[string]getter.Decompressor{}, DisableSymlinks: true}
	_, err := client.Get(ctx, &getter.Request{Src: from, Dst: to, GetMode: getter.ModeDir})
	switch {
	case ctx.Err() != nil:
		return Pin{}, ctx.Err()
	case err != nil && noSuchRef(err) && pinned != nil:
		return Pin{}, ErrGone
	case err != nil && noSuchRef(err):
		return Pin{}, fmt.Errorf("the repository has no branch, tag or commit %q", ref)
	case err != nil:
		return Pin{}, errors.New(said(err))
	}
	head, err := commitOf(ctx, to, "HEAD")
	if err != nil {
		return Pin{}, fmt.Errorf("the repository is empty")
	}
	if !means(ctx, to, ref, head) { // git takes a name that is no revision for that of a file
		return Pin{}, fmt.Errorf("the repository has no branch, tag or commit %q", ref)
	}
	return Pin{Commit: head}, nil
}

// commitOf is the hash of the commit that a revision names. That there is none is an error.
func commitOf(ctx context.Context, repo, revision string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", repo, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}").Output()
	return strings.TrimSpace(string(out)), err
}

// means reports whether a ref is that commit.
// Git's checkout takes v1 for a file of that name where there is no such branch or tag, and says nothing. A ref of seven hexadecimal
// digits or more may be the beginning of the commit's hash.
func means(ctx context.Context, repo, ref, commit string) bool {
	if ref == "" || len(ref) >= 7 && strings.HasPrefix(commit, ref) {
		return true
	}
	for _, name := range []string{"refs/tags/" + ref, "refs/remotes/origin/" + ref} {
		if got, err := commitOf(ctx, repo, name); err == nil && got == commit {
			return true
		}
	}
	return false
}

// noSuchRef knows by git's words, of which there is no code, that the repository lacks what was asked for.
func noSuchRef(err error) bool {
	text := err.Error()
	return strings.Contains(text, "did not match any file") || strings.Contains(text, "reference is not a tree") || strings.Contains(text, "unable to read tree")
}

var (
	// exited is what go-getter puts before git's own words.
	exited = lazyregexp.New(`^\S+ exited with \d+: `)
	// userinfo is the part of an address that may hold a password (RFC 3986, section 3.2.1).
	userinfo = lazyregexp.New(`://[^/\s@']*@`)
)

// said is what git said, without credentials that its configuration may have put into addresses.
func said(err error) string {
	var lines []string
	for line := range strings.Lines(exited().ReplaceAllString(err.Error(), "")) {
		line = strings.TrimRight(strings.TrimSpace(line), ".")
		if line != "" && !strings.HasPrefix(line, "Cloning into") && line != "Please make sure you have the correct access rights" && line != "and the repository exists" {
			lines = append(lines, line)
		}
	}
	return userinfo().ReplaceAllString(strings.Join(lines, "; "), "://")
}
