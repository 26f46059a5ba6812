//go:build unix && !linux

package local

import (
	"errors"
	"os"
)

func (machine) Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
