package table

import (
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkFrame(b *testing.B) {
	csv, err := filepath.Abs("../../../shared/data/diamonds.csv")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(csv); err != nil {
		b.Skip("../shared/data/diamonds.csv is not there")
	}
	path := filepath.Join(b.TempDir(), "in.parquet")
	s, err := open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.copyParquet(b.Context(), "select * from read_csv("+literal(csv)+")", path); err != nil {
		b.Fatal(err)
	}
	f, err := ReadFrame(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadFrame(b.Context(), path, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := WriteFrame(b.Context(), filepath.Join(b.TempDir(), "out"), f, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
