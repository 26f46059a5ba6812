package cli

import (
	"bytes"
	"context"
	bytesof "encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

var consoleFence = regexp.MustCompile("(?s)```(console)\n(.*?)```")

// pictured are the examples whose README shows a report as a picture, and the stages it is of.
var pictured = map[string][]string{
	"demand":   {`evaluate.trees["w4"]`},
	"diamonds": {"evaluate.trees"},
	"income":   {"evaluate.fair"},
	"wine":     {"evaluate.linear"},
}

// TestReportsOfExamples applies each example whose README shows its report, holds the README's consoles to what is printed, and its picture to the figures that
// the report has. With -update the picture is taken anew, by a real browser.
func TestReportsOfExamples(t *testing.T) {
	for name, stages := range pictured {
		t.Run(name, func(t *testing.T) {
			dir := exampleCopy(t, name)
			file := filepath.Join("../../examples", name, "README.md")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
			r := &readme{t: t, dir: dir, text: string(text)}
			for _, block := range consoleFence.FindAllStringSubmatch(r.text, -1) {
				r.compare(block, r.console(block[2]))
			}
			figures := figuresOf(t, mustRun(t, dir, append([]string{"report", "--format", "json"}, stages...)...))
			t.Run("browser", func(t *testing.T) {
				for _, f := range faults(t, chromium(t), "example "+name, mustRun(t, dir, "report", "--format", "html")) {
					t.Error(f)
				}
			})
			picture := filepath.Join("../../examples", name, "report.png")
			if *update {
				if err := os.WriteFile(file, []byte(r.text), 0o644); err != nil {
					t.Fatal(err)
				}
				page := mustRun(t, dir, append([]string{"report", "--format", "html"}, stages...)...)
				if err := os.WriteFile(picture, withLabel(t, photograph(t, chromium(t), page), figures), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(picture)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(figures, labelOf(data)); diff != "" {
				t.Errorf("the picture shows other figures than the report has; run with -update where a browser is:\n%s", diff)
			}
			if !strings.Contains(r.text, "](report.png)") {
				t.Error("the README does not show report.png")
			}
		})
	}
}

// figuresOf are the summaries of reports, which have their main figures.
func figuresOf(t *testing.T, text string) string {
	t.Helper()
	var d struct {
		Reports []struct {
			Address string
			Report  struct{ Title, Summary string }
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, e := range d.Reports {
		if e.Report.Summary == "" {
			t.Fatalf("the report of %s has no summary", e.Address)
		}
		fmt.Fprintf(&out, "%s: %s: %s\n", e.Address, e.Report.Title, e.Report.Summary)
	}
	return out.String()
}

// photograph shows a page by day, 900 pixels wide, and takes what stands in its first 2,500.
func photograph(t *testing.T, browser context.Context, page string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 900, Height: 2500, DeviceScaleFactor: 1})
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	}
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	shot, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return few(shot)
}

// few is a picture in 256 colours at most, which takes a third of the space: of each channel the upper bits, fewer until it is enough.
func few(shot image.Image) image.Image {
	for bits := 8; ; bits-- {
		mask := uint8(0xff << (8 - bits))
		seen := map[color.RGBA]uint8{}
		out := image.NewPaletted(shot.Bounds(), nil)
		for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y && len(seen) <= 256; y++ {
			for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
				r, g, b, _ := shot.At(x, y).RGBA()
				c := color.RGBA{uint8(r>>8) & mask, uint8(g>>8) & mask, uint8(b>>8) & mask, 255}
				if c.R >= mask && c.G >= mask && c.B >= mask {
					c = color.RGBA{255, 255, 255, 255} // paper stays white
				}
				i, found := seen[c]
				if !found {
					i = uint8(len(seen))
					seen[c] = i
					out.Palette = append(out.Palette, c)
				}
				out.SetColorIndex(x, y, i)
			}
		}
		if len(seen) <= 256 {
			return out
		}
	}
}

// label is the key of the text that a picture carries.
const label = "Description\x00"

// withLabel is a picture as PNG with a text in it, which no viewer shows.
func withLabel(t *testing.T, shot image.Image, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, shot); err != nil {
		t.Fatal(err)
	}
	body := append([]byte("tEXt"), label+text...)
	chunk := bytesof.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = bytesof.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	end := out.Len() - 12 // IEND
	return append(append(bytes.Clone(out.Bytes()[:end]), chunk...), out.Bytes()[end:]...)
}

// labelOf is the text that withLabel has put into a picture; "" if there is none.
func labelOf(data []byte) string {
	for at := 8; at+12 <= len(data); {
		size := int(bytesof.BigEndian.Uint32(data[at:]))
		if at+12+size > len(data) {
			return ""
		}
		if text, found := bytes.CutPrefix(data[at+8:at+8+size], []byte(label)); found && string(data[at+4:at+8]) == "tEXt" {
			return string(text)
		}
		at += 12 + size
	}
	return ""
}
