package cloud

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/gstest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// open opens the bucket of a URL with short pages.
func open(place string) (bucket.Bucket, error) {
	u, err := storeurl.Parse(place)
	if err != nil {
		return nil, err
	}
	b, err := Open(context.Background(), u)
	if err != nil {
		return nil, err
	}
	b.page = 40
	return b, nil
}

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil { // all laws: they wait for answers
		panic(err)
	}
	buckettest.Main(m, open)
}

// places numbers the prefixes of one server.
func places(url func(place string) string) func(*testing.T) string {
	var n atomic.Int64
	return func(*testing.T) string {
		return url(fmt.Sprintf("models/p%02d", n.Add(1)))
	}
}

// TestLawsS3 holds a bucket on a real server to the laws.
func TestLawsS3(t *testing.T) {
	s := s3test.Start(t, "models")
	buckettest.Run(t, buckettest.Subject{Open: open, Place: places(s.URL), Keys: 100})
}

// TestLawsGS holds a bucket on a server of Google's protocol to the laws.
func TestLawsGS(t *testing.T) {
	endpoint := gstest.Start(t, "models")
	buckettest.Run(t, buckettest.Subject{Open: open, Place: places(func(place string) string { return "gs://" + place + "?endpoint=" + endpoint }), Keys: 100})
}

// TestLawsBadNetwork: the same laws hold where answers are lost, requests are repeated, held back, refused and carried out late.
func TestLawsBadNetwork(t *testing.T) {
	s := s3test.Start(t, "models").Behind(t, s3test.Bad)
	buckettest.Run(t, buckettest.Subject{Open: open, Place: places(s.URL), Keys: 100})
}

// TestLostAnswers: who has won learns so although each answer to a write is lost, and who comes after learns that the key is taken.
func TestLostAnswers(t *testing.T) {
	s := s3test.Start(t, "models")
	b := at(t, s.Behind(t, s3test.Faults{Drop: 500}).URL("models"))
	var keys sync.WaitGroup
	for i := range 40 {
		keys.Go(func() {
			key := fmt.Sprintf("k/%d", i)
			if err := bucket.Put(t.Context(), b, key, []byte("first")); err != nil {
				t.Errorf("%s: got %v, want that it is won", key, err)
			}
			if err := bucket.Put(t.Context(), b, key, []byte("first")); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s, by another with the same bytes: got %v, want that it exists", key, err)
			}
		})
	}
	keys.Wait()
}

// TestStreamGoesOn: a large value whose connection is lost again and again is read whole, from where it was lost.
func TestStreamGoesOn(t *testing.T) {
	s := s3test.Start(t, "models")
	data := bytes.Repeat([]byte("0123456789abcdef"), 5*smallValue/16)
	if err := bucket.Put(t.Context(), at(t, s.URL("models")), "x", data); err != nil {
		t.Fatal(err)
	}
	b := at(t, s.Behind(t, s3test.Faults{Cut: 800}).URL("models"))
	for range 3 {
		got, err := bucket.Read(t.Context(), b, "x")
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(data))
		}
	}
}

// TestReplacedStream: a value that is replaced while it is read is never a mixture.
func TestReplacedStream(t *testing.T) {
	s := s3test.Start(t, "models")
	b := at(t, s.URL("models"))
	old, after := bytes.Repeat([]byte("a"), 8*smallValue), bytes.Repeat([]byte("b"), 8*smallValue)
	replace := func(data []byte) {
		if err := b.Replace(t.Context(), "x", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	replace(old)
	v, err := at(t, s.Behind(t, s3test.Faults{Cut: 900}).URL("models")).Get(t.Context(), "x", bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(v, head); err != nil {
		t.Fatal(err)
	}
	replace(after)
	rest, err := io.ReadAll(v)
	if bytes.ContainsRune(rest, 'b') || err == nil && len(rest) != len(old)-len(head) {
		t.Errorf("got %d bytes of the old value and of the new one, %v", len(rest), err)
	}
}

func at(t *testing.T, url string) *Bucket {
	t.Helper()
	b, err := open(url)
	if err != nil {
		t.Fatal(err)
	}
	return b.(*Bucket)
}

// TestLargeValue: one of many parts is sent and read whole; of two writers the second is refused although it sends parts too.
func TestLargeValue(t *testing.T) {
	b := at(t, s3test.Start(t, "models").URL("models/large"))
	data := bytes.Repeat([]byte("0123456789abcdef"), 3*partBytes/16)
	data = append(data, "the end"...)
	for _, err := range []error{nil, fs.ErrExist} {
		if got := b.PutNew(t.Context(), "x", bytes.NewReader(data)); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	got, err := bucket.Read(t.Context(), b, "x")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(data))
	}
	v, err := b.Get(t.Context(), "x", bucket.Range{Offset: partBytes - 1, Length: smallValue + 9})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	part, err := io.ReadAll(v)
	if err != nil || !bytes.Equal(part, data[partBytes-1:][:smallValue+9]) || v.Size != int64(len(data)) {
		t.Errorf("a part: got %d bytes of %d, %v", len(part), v.Size, err)
	}
}

// TestErrors: what a service refuses is said in words, with a remedy, and no secret is in it.
func TestErrors(t *testing.T) {
	s := s3test.Start(t, "models")
	for name, c := range map[string]struct {
		url  string
		env  map[string]string
		want string
	}{
		"no bucket":       {url: s.URL("nothing"), want: "s3://nothing: there is no such bucket (NoSuchBucket)"},
		"wrong key":       {url: s.URL("models"), env: map[string]string{"AWS_ACCESS_KEY_ID": "other"}, want: "does not know the access key"},
		"wrong secret":    {url: s.URL("models"), env: map[string]string{"AWS_SECRET_ACCESS_KEY": "other-secret"}, want: "the signature is wrong"},
		"no credentials":  {url: s.URL("models"), env: map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, want: "no credentials were found"},
		"wrong region":    {url: s.URL("models") + "&region=eu-west-7", want: "the bucket is in another region (AuthorizationHeaderMalformed)"},
		"no region":       {url: "s3://models", env: map[string]string{"AWS_REGION": ""}, want: "no region is given"},
		"nobody answers":  {url: "s3://models?endpoint=http://127.0.0.1:1", want: "refuses connections"},
		"no such host":    {url: "s3://models?endpoint=http://nowhere.invalid", want: "there is no host nowhere.invalid"},
		"no account":      {url: "azblob://models", want: "no storage account is given"},
		"no such profile": {url: s.URL("models") + "&profile=nobody", want: "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			b, err := open(c.url)
			if err == nil {
				_, err = b.List(t.Context(), "", "")
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), s3test.SecretKey) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			var said *Error
			if !errors.As(err, &said) {
				t.Errorf("got %T, want an Error", err)
			}
			if b == nil {
				return
			}
			if _, err := bucket.Read(t.Context(), b, "x"); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("reading: got %v, which is no bucket that can be read", err)
			}
			if err := bucket.Put(t.Context(), b, "x", []byte("x")); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("putting: got %v, want %q", err, c.want)
			}
		})
	}
}

// TestForeignKeys: what others put into the bucket that is no key is not listed, and what is beside the prefix is not seen.
func TestForeignKeys(t *testing.T) {
	s := s3test.Start(t, "models")
	b, beside := at(t, s.URL("models/a")), at(t, s.URL("models/ab"))
	for _, name := range []string{"/models/a/.hidden", "/models/a/a b", "/models/x"} {
		if err := os.MkdirAll(s.Dir+"/models/a", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.Dir+name, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []*Bucket{b, beside} {
		if err := bucket.Put(t.Context(), x, "k", []byte("x")); err != nil {
			t.Fatal(err)
		}
		page, err := x.List(t.Context(), "", "")
		if err != nil || len(page.Keys) != 1 || page.Keys[0] != "k" || page.More {
			t.Errorf("got %+v, %v, want k", page, err)
		}
	}
}
