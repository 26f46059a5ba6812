package cli

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/mlp-lang/mlp/compiler/render/report"
	doc "github.com/mlp-lang/mlp/lang/report"
)

var screenshots = flag.String("screenshots", "", "write pictures of the pages that the browser shows to this folder")

// audit looks at what a page shows, in the page; it returns a list of what is wrong.
//
//go:embed testdata/audit.js
var audit string

// chromium is a browser without a window. The test is skipped where there is none, unless MLP_REQUIRE_BROWSER says that
// one must be there.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" && os.Getenv("MLP_REQUIRE_BROWSER") != "" {
		t.Fatal("MLP_REQUIRE_BROWSER is set, and there is no chromium")
	}
	if path == "" {
		t.Skip("SKIPPED: there is no chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("hide-scrollbars", false))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root otherwise
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

// views are the ways in which people look at pages: a telephone and a desk, by day and by night.
var views = []struct {
	width  int64
	scheme string
}{{360, "light"}, {360, "dark"}, {1000, "light"}, {1000, "dark"}}

// watchPage collects what a page does besides showing itself: requests, errors, messages and dialogs.
func watchPage(t *testing.T, ctx context.Context, self string) func() []string {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	err := chromedp.Listen(ctx, func(event any) {
		told := ""
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.URL == self {
				return
			}
			told = "it asks for " + e.Request.URL
		case *runtime.EventExceptionThrown:
			told = "a script fails: " + e.ExceptionDetails.Text
		case *runtime.EventConsoleAPICalled:
			told = "it writes to the console: " + string(e.Type)
		case *log.EventEntryAdded:
			told = "the browser complains: " + e.Entry.Text
		case *page.EventJavascriptDialogOpening:
			told = "it opens a dialog: " + e.Message
			go chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) // else it stands still
		default:
			return
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, told)
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// faults opens a page as a file, in all views, and tells what is wrong with it.
func faults(t *testing.T, browser context.Context, name, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	self := (&url.URL{Scheme: "file", Path: file}).String()
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	seen := watchPage(t, ctx, self)
	var found []string
	for _, v := range views {
		wrong, picture, err := auditPage(ctx, self, v.width, v.scheme)
		if err != nil {
			t.Fatalf("%s, %d px, %s: %v", name, v.width, v.scheme, err)
		}
		for _, w := range wrong {
			found = append(found, fmt.Sprintf("%d px, %s: %s", v.width, v.scheme, w))
		}
		if picture != nil {
			file := fmt.Sprintf("%s-%d-%s.png", strings.ReplaceAll(name, " ", "_"), v.width, v.scheme)
			if err := os.WriteFile(filepath.Join(*screenshots, file), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return append(found, seen()...)
}

// auditPage opens a page in one view and audits it; with -screenshots it takes a picture too.
func auditPage(ctx context.Context, self string, width int64, scheme string) (wrong []string, picture []byte, err error) {
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	for _, step := range []func() (cdp.Empty, error){
		func() (cdp.Empty, error) { return chromedp.Call(ctx, network.Enable, network.EnableParams{}) },
		func() (cdp.Empty, error) { return chromedp.Call(ctx, log.Enable, cdp.Empty{}) },
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		},
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, emulation.SetDeviceMetricsOverride,
				emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1})
		},
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		},
	} {
		if _, err := step(); err != nil {
			return nil, nil, err
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(self)); err != nil {
		return nil, nil, err
	}
	if wrong, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](audit)); err != nil || *screenshots == "" {
		return wrong, nil, err
	}
	picture, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
	return wrong, picture, err
}

// pages are all the pages that mlp writes, of plans of many shapes and of the reference.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"reference": mustRun(t, t.TempDir(), "docs", "--format", "html"), "kind": mustRun(t, t.TempDir(), "docs", "train", "--format", "html")}
	first := exampleCopy(t, "fraud")
	out["first plan"] = mustRun(t, first, "plan", "--format", "html")
	dir := appliedFraud(t)
	module := filepath.Join(dir, "fraud.mlp")
	out["nothing to do"] = mustRun(t, dir, "plan", "--format", "html", "--all")
	out["report"] = mustRun(t, dir, "report", "--format", "html")
	edit(t, module, "trees         = 300", "trees         = 200", "[gate.release, monitor.live]", "[gate.release]", monitorBlock, "")
	out["change and removal"] = mustRun(t, dir, "plan", "--format", "html")
	edit(t, module, "table.rows >= 10000.0", "table.rows >= 1000000.0")
	out["blocked"] = mustRun(t, dir, "plan", "--format", "html")
	edit(t, module, "table.rows >= 1000000.0", "table.rows >= 10000.0", "metrics.recall >= variable.min_recall", "metrics.recall >= 0.99")
	if _, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process"); code != exitGate {
		t.Fatalf("got exit code %d, want that of a gate that fails:\n%s", code, stderr)
	}
	out["report of what is held"] = mustRun(t, dir, "report", "gate.release", "deploy.scorer", "evaluate.holdout", "--format", "html")
	out["report of much"] = pageOf(t, crowded())
	out["report of nothing"] = pageOf(t, &report.Document{Title: "empty", Entries: []report.Entry{{Address: "evaluate.a", Report: &doc.Report{Version: doc.Version, Title: "Nothing to tell"}}}})
	for name, s := range hostiles {
		out["hostile "+name] = mustRun(t, hostileModule(t, s, "select * from rows"), "plan", "--format", "html")
	}
	return out
}

// crowded is a report of two hundred columns with long names, in tables that are wide, tall and both, and of pictures with many categories.
func crowded() *report.Document {
	const many = 200
	number := doc.Cell{Value: doc.At(1234.5678), Low: doc.At(-0.00012345), High: doc.At(98765.4321)}
	wide, tall := &doc.Table{Columns: []doc.Column{{Name: "slice"}}}, &doc.Table{Columns: []doc.Column{{Name: "column"}, {Name: "what it is", Kind: doc.Text}, {Name: "value", Kind: doc.Number}}}
	plot := &doc.Plot{Title: strings.Repeat("a_long_title.", 9), X: doc.Axis{Label: "share", Share: true}, Series: []doc.Series{{Name: "all", Mark: doc.Bars}}}
	row := []doc.Cell{doc.Words("evaluate.holdout.slices[\"the whole of the north\"].equalized_odds_difference")}
	for i := range many {
		name := fmt.Sprintf("%s%d", strings.Repeat("column_", i%8), i)
		wide.Columns, row = append(wide.Columns, doc.Column{Name: name, Kind: doc.Number}), append(row, number)
		tall.Rows = append(tall.Rows, []doc.Cell{doc.Words(name), doc.Words(strings.Repeat("word ", i%40)), number})
		plot.Y.Categories = append(plot.Y.Categories, name)
		plot.Series[0].X, plot.Series[0].Y = append(plot.Series[0].X, float64(i)/many), append(plot.Series[0].Y, float64(i))
	}
	wide.Rows = [][]doc.Cell{row, row}
	r := &doc.Report{Version: doc.Version, Title: "Much of " + strings.Repeat("everything", 20), Sections: []doc.Section{{Title: "Wide and tall", Items: []doc.Item{{Table: wide}, {Table: tall}, {Plot: plot}}}}}
	return &report.Document{Title: "crowded", Entries: []report.Entry{{Address: "profile.a", Report: r}, {Address: `profile.b["` + strings.Repeat("key", 30) + `"]`, Report: r}}}
}

// pageOf is a document as a page.
func pageOf(t *testing.T, d *report.Document) string {
	t.Helper()
	var page bytes.Buffer
	if err := report.HTML(&page, d); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// TestPagesInBrowser opens every page that mlp writes in a real browser: it does nothing but show itself, fits a
// telephone and can be read by day and by night.
func TestPagesInBrowser(t *testing.T) {
	browser := chromium(t)
	for name, text := range pages(t) {
		t.Run(name, func(t *testing.T) {
			for _, f := range faults(t, browser, name, text) {
				t.Error(f)
			}
		})
	}
}

// guilty are pages with one fault each, which the tests above must find.
var guilty = map[string]struct{ page, want string }{
	"request":      {`<!doctype html><p>a</p><img alt="" src="http://127.0.0.1:9/x.png">`, "it asks for http://127.0.0.1:9/x.png"},
	"style":        {`<!doctype html><style>@import url(other.css);</style><p>a`, "other.css"},
	"refused":      {`<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><img alt="" src="http://127.0.0.1:9/x.png">`, "the browser complains"},
	"script":       {`<!doctype html><p>a</p><script>nothing.there()</script>`, "a script fails"},
	"console":      {`<!doctype html><p>a</p><script>console.log(1)</script>`, "writes to the console"},
	"dialog":       {`<!doctype html><p>a</p><script>alert("b")</script>`, "opens a dialog: b"},
	"handler":      {`<!doctype html><p onclick="x()">a</p>`, "<p> has onclick"},
	"link":         {`<!doctype html><p><a href="https://evil.example">a</a></p>`, "<a> stands in it"},
	"overflow":     {`<!doctype html><div style="width: 500px">a</div>`, "360 px, light: it is wider than the window"},
	"small":        {`<!doctype html><p style="font-size: 8px">tiny`, "8px: tiny"},
	"small figure": {`<!doctype html><svg viewBox="0 0 1000 100" width="300"><text y="50" font-size="12">tiny</text></svg>`, "px: tiny"},
	"pale":         {`<!doctype html><p style="color: #aaa">pale`, "contrast 2.32: pale"},
	"faded":        {`<!doctype html><div style="opacity: .4"><p>faded</div>`, "faded"},
	"cut off":      {`<!doctype html><svg width="100" height="50"><text x="-10" y="25" font-size="14">beyond</text></svg>`, "cut off: beyond"},
	"only by day":  {`<!doctype html><style>:root { color-scheme: light dark } p { color: #222; }</style><p>dark`, "dark: contrast"},
	"pale figure":  {`<!doctype html><svg width="100" height="50"><rect width="100" height="50" fill="#111"/><text y="25" font-size="14">inside</text></svg>`, ": inside"},
	"no key":       {`<!doctype html><div style="overflow-x: auto"><p style="width: 500px">wide</div>`, "no key goes there"},
	"no name":      {`<!doctype html><div style="overflow-x: auto" tabindex="0"><p style="width: 500px">wide</div>`, "has no name"},
	"no focus":     {`<!doctype html><p><a href="#a" style="outline: none">a</a>`, "focus cannot be seen"},
	"order":        {`<!doctype html><p tabindex="1">a`, "out of order"},
	"nameless":     {`<!doctype html><div style="overflow-x: auto" tabindex="0" aria-label="t"><table><tbody><tr><th>name<td style="min-width: 500px">1</table></div>`, "lose their names"},
	"covered":      {`<!doctype html><p>lower</p><div style="position: fixed; inset: 0; background: #fff"></div>`, "covered: lower"},
}

func TestBrowserFindsFaults(t *testing.T) {
	browser := chromium(t)
	for name, g := range guilty {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(faults(t, browser, "guilty "+name, g.page), "\n")
			if !strings.Contains(got, g.want) {
				t.Errorf("got %q, want %q", got, g.want)
			}
		})
	}
	if got := faults(t, browser, "innocent", `<!doctype html><p>a</p>`); len(got) > 0 {
		t.Errorf("an innocent page: got %q", got)
	}
}
