package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/image"
)

// file is one of an archive, or a link where it leads somewhere.
type file struct{ name, text, link string }

func tarOf(files ...file) []byte {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(f.text))}
		if f.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
		}
		if err := t.WriteHeader(h); err != nil {
			panic(err)
		}
		if _, err := io.WriteString(t, f.text); err != nil {
			panic(err)
		}
	}
	if err := t.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}

// layers are the two of every image here.
var layers = [][]byte{tarOf(file{name: "etc/a", text: "below"}), tarOf(file{name: "etc/a", text: "above"})}

func configOf(arch string, diffs ...string) string {
	text, err := json.Marshal(map[string]any{"architecture": arch, "os": "linux", "config": map[string]any{"Env": []string{"A=b"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// saved is what docker save writes: the second layer lies once more, behind a link.
func saved(arch string, diffs ...string) []file {
	if diffs == nil {
		diffs = []string{sum(layers[0]), sum(layers[1])}
	}
	return []file{{name: "c.json", text: configOf(arch, diffs...)}, {name: "one/layer.tar", text: string(layers[0])}, {name: "other/layer.tar", text: string(layers[1])},
		{name: "two/layer.tar", link: "../other/layer.tar"},
		{name: "manifest.json", text: `[{"Config": "c.json", "RepoTags": ["t:1"], "Layers": ["one/layer.tar", "two/layer.tar"]}]`}}
}

// layout is an OCI layout with an image for each architecture, its layers compressed, and an attestation that is no image.
func layout(archs ...string) []file {
	var out []file
	put := func(data []byte) map[string]any {
		out = append(out, file{name: blob(sum(data)), text: string(data)})
		return map[string]any{"digest": sum(data), "size": len(data)}
	}
	object := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return text
	}
	manifests := []any{}
	for _, arch := range archs {
		config := put([]byte(configOf(arch, sum(layers[0]), sum(layers[1]))))
		m := put(object(map[string]any{"config": config, "layers": []any{put(gz(layers[0])), put(layers[1])}}))
		m["platform"] = map[string]string{"architecture": arch, "os": "linux"}
		manifests = append(manifests, m)
	}
	unknown := put([]byte(`{}`))
	unknown["platform"] = map[string]string{"architecture": "unknown", "os": "unknown"}
	index := put(object(map[string]any{"manifests": append(manifests, unknown)}))
	return append(out, file{name: "oci-layout", text: `{"imageLayoutVersion": "1.0.0"}`}, file{name: "index.json", text: string(object(map[string]any{"manifests": []any{index}}))})
}

// made runs the stage over what lies at a path below in/code.
func made(t *testing.T, c Config, write func(code string)) (m image.Made, dir string, err error) {
	t.Helper()
	root := t.TempDir()
	code := filepath.Join(root, "in", "code")
	if err := os.MkdirAll(code, 0o755); err != nil {
		t.Fatal(err)
	}
	write(code)
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	problems := inspect(config, os.DirFS(code))
	s := &component.Stage{Spec: component.Spec{Config: config}, Root: root}
	if err = run(context.Background(), s); err != nil {
		if len(problems) == 1 {
			return m, "", fmt.Errorf("planned: %s; %s", problems[0].Summary, problems[0].Hint)
		}
		return m, "", err
	}
	if len(problems) > 0 {
		t.Errorf("it runs, and has the problems %v", problems)
	}
	dir = filepath.Join(root, "out", "image")
	text, err := os.ReadFile(filepath.Join(dir, image.File))
	if err != nil {
		t.Fatal(err)
	}
	m, err = image.Parse(text)
	return m, dir, err
}

func writer(t *testing.T, name string, data []byte) func(string) {
	return func(code string) {
		if err := os.WriteFile(filepath.Join(code, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// folder lays files out below a name.
func folder(t *testing.T, name string, files []file) func(string) {
	return func(code string) {
		for _, f := range files {
			to := filepath.Join(code, name, f.name)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, []byte(f.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestForms holds that an image is the same in every form that it comes in.
func TestForms(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		write  func(string)
	}{
		{"docker save", Config{Path: "i.tar"}, writer(t, "i.tar", tarOf(saved("amd64")...))},
		{"compressed", Config{Path: "i.tar.gz"}, writer(t, "i.tar.gz", gz(tarOf(saved("amd64")...)))},
		{"an OCI layout in a tar", Config{Path: "i.tar"}, writer(t, "i.tar", tarOf(layout("amd64")...))},
		{"in a folder", Config{Path: "images/i"}, folder(t, "images/i", layout("amd64"))},
		{"of several", Config{Path: "i", Architecture: "amd64"}, folder(t, "i", layout("arm64", "amd64"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, dir, err := made(t, tt.config, tt.write)
			if err != nil {
				t.Fatal(err)
			}
			want := image.Made{Image: 2, Platform: "linux/amd64", Layers: []string{"layer-0.tar", "layer-1.tar"}, Config: json.RawMessage(`{"Env":["A=b"]}`)}
			if d := cmp.Diff(want, m); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			for i, want := range layers {
				if got, err := os.ReadFile(filepath.Join(dir, m.Layers[i])); err != nil || !bytes.Equal(got, want) {
					t.Errorf("layer %d: got %d bytes, %v, want %d", i, len(got), err, len(want))
				}
			}
		})
	}
}

// TestMistakes holds that what is no image that can run is refused, where it can be seen when the plan is made.
func TestMistakes(t *testing.T) {
	whole := tarOf(saved("amd64")...)
	two := saved("amd64")
	two[4].text = `[{"Config": "c.json", "RepoTags": ["a:1"]}, {"Config": "c.json", "RepoTags": ["b:1"]}]`
	altered := layout("amd64")
	altered[0].text = strings.Replace(altered[0].text, "A=b", "A=c", 1)
	tests := []struct {
		name, want string
		config     Config
		write      func(string)
	}{
		{"no tar", "planned: i.tar: this is no tar archive", Config{Path: "i.tar"}, writer(t, "i.tar", bytes.Repeat([]byte("text"), 500))},
		{"no image", "planned: i.tar: there is neither a manifest.json nor an index.json in it", Config{Path: "i.tar"}, writer(t, "i.tar", tarOf(file{name: "a", text: "b"}))},
		{"cut short", "planned: i.tar is no whole image: unexpected EOF; It may have been cut short: save it anew.", Config{Path: "i.tar"}, writer(t, "i.tar", whole[:len(whole)/2])},
		{"several images", "planned: i.tar: the archive has 2 images: a:1, b:1; Save one by itself.", Config{Path: "i.tar"}, writer(t, "i.tar", tarOf(two...))},
		{"another machine", "planned: i.tar: its image is for linux/arm64, and the block asks for amd64; Build it for that", Config{Path: "i.tar", Architecture: "amd64"}, writer(t, "i.tar", tarOf(saved("arm64")...))},
		{"several machines", `planned: i: it has 2 images, for linux/arm64, linux/amd64; Say which one by architecture = "amd64"`, Config{Path: "i"}, folder(t, "i", layout("arm64", "amd64"))},
		{"none for the machine", "planned: i: it has no image for amd64", Config{Path: "i", Architecture: "amd64"}, folder(t, "i", layout("arm64"))},
		{"another configuration", "planned: i: blobs/sha256/", Config{Path: "i"}, folder(t, "i", altered)},
		{"another layer", "i.tar: the layer two/layer.tar has another content than the image's configuration says", Config{Path: "i.tar"},
			writer(t, "i.tar", tarOf(saved("amd64", sum(layers[0]), sum(layers[0]))...))},
		{"fewer layers", "planned: i.tar: it lists 2 layers, and its configuration 1", Config{Path: "i.tar"}, writer(t, "i.tar", tarOf(saved("amd64", sum(layers[0]))...))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := made(t, tt.config, tt.write)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
