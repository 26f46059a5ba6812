package component

import (
	"context"
	"errors"
	"io/fs"
)

// Unquoted is an error of reading files that messages may not quote: of what is wrong, what holds nothing of their content.
func Unquoted(err error) error {
	var input *InputError
	var path *fs.PathError
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &input) && input.Bare != "":
		return &InputError{Summary: input.Bare, Detail: unquotedDetail, Bare: input.Bare, Err: ofFiles(input.Err)}
	case errors.As(err, &path):
		return path // names a file, and what the system says of it
	}
	return &InputError{Summary: unquotedSummary, Detail: unquotedDetail, Bare: unquotedSummary}
}

// ofFiles keeps what tells whether files are there.
func ofFiles(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return nil
}

const (
	unquotedSummary = "the files cannot be read as the block says"
	unquotedDetail  = "Nothing in them is quoted, since they lie outside of the pipeline's folder. Whoever runs mlp may allow that: --data-root, or MLP_DATA_ROOT."
)
