package workspace

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
	"github.com/mlp-lang/mlp/stdlib"
)

// StoreVariable names the environment variable that says where the store is, unless --store does.
const StoreVariable = "MLP_STORE"

// storeURL is where the store is: as the command line says, else the environment, else the module's pipeline block; nil is the folder .mlp,
// which the first two may name, for who must not or cannot ask the bucket that the module names.
func (w *Workspace) storeURL() (*storeurl.URL, error) {
	text, by := w.StoreURL, "--store"
	if text == "" {
		text, by = os.Getenv(StoreVariable), StoreVariable
	}
	if text == "" {
		text, by = w.namedStore(), "the pipeline block"
	}
	if text == "" || text == StoreName {
		return nil, nil
	}
	u, err := storeurl.Parse(text)
	var wrong *storeurl.Error
	if errors.As(err, &wrong) {
		return nil, &Failure{Err: fmt.Errorf("%s: %w", by, err), Hint: strings.ToUpper(wrong.Hint[:1]) + wrong.Hint[1:] + "."}
	}
	return &u, err
}

// namedStore is the store that the module names; empty where it names none. Few do, and a large module is not parsed for it.
func (w *Workspace) namedStore() string {
	files, _ := syntax.ReadDir(w.Dir)
	for _, text := range files {
		if bytes.Contains(text, []byte("store")) {
			parsed, _ := syntax.Parse(files, stdlib.Catalog())
			url, _ := resolve.StoreOf(parsed)
			return url
		}
	}
	return ""
}

// openStore opens the store of the workspace, wherever it is. A local one is made if there is none; of one elsewhere the folder .mlp keeps copies of
// what was read, and nothing is written to it before it was tried (prepare).
func (w *Workspace) openStore(ctx context.Context) (*store.Store, error) {
	u, err := w.storeURL()
	if err != nil {
		return nil, err
	}
	if u == nil {
		return store.Open(w.StoreDir())
	}
	b, err := cloud.Open(ctx, *u)
	if err != nil {
		return nil, refused(err)
	}
	s, err := store.Over(ctx, b, w.StoreDir(), u.Place())
	if err != nil {
		return nil, refused(err)
	}
	return s, nil
}

// refused is an error with what to do about what a service of a cloud said, if the error comes from one.
func refused(err error) error {
	var said *cloud.Error
	var promise *bucket.ProbeError
	switch {
	case errors.As(err, &said) && said.Hint != "":
		return &Failure{Err: err, Hint: said.Hint}
	case errors.As(err, &promise):
		return &Failure{Err: err, Hint: "Nothing was recorded. A store needs a service that keeps conditions of writes (If-None-Match), for all who write at once."}
	}
	return err
}

// prepare makes the session's store ready to be written to. The first time a machine writes to a store elsewhere, told says that the service is
// tried: one that lets two writers of one key both win would lose revisions, and is refused with a hint.
func (s *Session) prepare(ctx context.Context, told func(string)) error {
	return refused(s.Store.Prepare(ctx, func() {
		if told != nil {
			told("Trying whether " + s.storeName() + " keeps what a store needs …")
		}
	}))
}

// storeName is how the store is named for people.
func (s *Session) storeName() string { return cmp.Or(s.Store.At(), StoreName) }

// PrepareStore tries the store that is elsewhere, if one is, whether it keeps its promises, and tells that it does.
func (w *Workspace) PrepareStore(ctx context.Context, told func(string)) error {
	u, err := w.storeURL()
	if u == nil || err != nil {
		return err
	}
	st, err := w.openStore(ctx)
	if err != nil {
		return err
	}
	s := &Session{w: w, Recorded: Recorded{Store: st}}
	if err = errors.Join(s.prepare(ctx, told), st.Close()); err == nil {
		told("The store is " + u.Place() + ". It keeps what a store needs.")
	}
	return err
}
