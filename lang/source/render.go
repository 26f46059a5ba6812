package source

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/mitchellh/go-wordwrap"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Options of rendering. The width of the terminal is not among them: the text is the same everywhere.
type Options struct {
	Color bool
}

const (
	// in columns of the terminal
	textWidth = 100 // of explanations
	lineWidth = 120 // of source lines, in columns of the terminal; longer ones are cut around the caret
	tabWidth  = 4
	maxMarked = 4 // lines shown of a subject of many
)

// Render writes diagnostics for people, in the order given, each with the lines of the file that it is about:
//
//	Error: there is no dataset.paymets [MLP1201]
//	  fraud.mlp:12:10
//	   12 |   from = dataset.paymets
//	      |          ^^^^^^^^^^^^^^^
//	  There is dataset.payments.
//	  hint: did you mean dataset.payments?
//
// files holds the text by name; of a file that is not there only the place is shown. Control characters are replaced,
// so that nothing in a file can play with the terminal; credentials in addresses are masked.
func Render(w io.Writer, ds Diagnostics, files map[string][]byte, opts Options) error {
	r := &renderer{files: files, lines: map[string]*Lines{}, color: opts.Color}
	for i, d := range ds {
		if i > 0 {
			r.out.WriteByte('\n')
		}
		r.diagnostic(d)
	}
	_, err := io.WriteString(w, r.out.String())
	return err
}

// renderer writes diagnostics one after another. lines keeps the files that were shown, masked.
type renderer struct {
	files map[string][]byte
	lines map[string]*Lines
	color bool
	out   strings.Builder
}

// SGR parameters of terminals (ECMA-48).
const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	blue   = "34"
	cyan   = "36"
	faint  = "2"
)

// paint gives text a style, where colours are wanted.
func (r *renderer) paint(style, s string) string {
	if !r.color || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// diagnostic writes one: what, where, why, what to do, and the places that belong to it.
func (r *renderer) diagnostic(d Diagnostic) {
	word, style := "Error", red
	if d.Severity == Warning {
		word, style = "Warning", yellow
	}
	r.out.WriteString(r.paint(style, word+":") + " " + r.paint(bold, summary(d.Summary)))
	if d.Code != "" {
		r.out.WriteString(" " + r.paint(faint, "["+d.Code+"]"))
	}
	r.out.WriteByte('\n')
	r.place(d.Subject, d.Context, style, "")
	r.text("", d.Detail)
	if d.Hint != "" {
		r.text("hint: ", d.Hint)
	}
	for _, rel := range d.Related {
		r.place(rel.Range, Range{}, blue, rel.Message)
	}
}

// text writes an explanation, wrapped, each line indented.
func (r *renderer) text(label, s string) {
	s = strings.TrimSpace(clean(s))
	if s == "" {
		return
	}
	indent := strings.Repeat(" ", len(label))
	for i, line := range strings.Split(wordwrap.WrapString(s, uint(textWidth-len(label))), "\n") {
		line = noCommand(line)
		if i == 0 {
			r.out.WriteString("  " + r.paint(cyan, label) + line + "\n")
		} else {
			r.out.WriteString(strings.TrimRight("  "+indent+line, " ") + "\n")
		}
	}
}

// place writes where something is, and the lines there.
func (r *renderer) place(at, context Range, style, message string) {
	if at.IsZero() {
		if message != "" {
			r.text("", message)
		}
		return
	}
	head := noCommand(clean(at.File))
	if at.Start.Line > 0 {
		head = fmt.Sprintf("%s:%d:%d", head, at.Start.Line, at.Start.Column)
	}
	r.out.WriteString("  " + r.paint(blue, head))
	if message != "" {
		r.out.WriteString(": " + oneLine(message))
	}
	r.out.WriteByte('\n')
	if l := r.source(at.File); l != nil && at.Start.Line > 0 {
		r.snippet(l, at, context, style)
	}
}

// source is the text of a file, masked; nil where it was not handed over.
func (r *renderer) source(file string) *Lines {
	if l, ok := r.lines[file]; ok {
		return l
	}
	text, ok := r.files[file]
	if !ok {
		return nil
	}
	r.lines[file] = NewLines(masked(text))
	return r.lines[file]
}

// snippet writes the first line of the context, if it is above, and the marked lines; of a range of many lines the
// first ones and the last. Ranges may lie outside of the text, where that is another than the diagnostic is of.
func (r *renderer) snippet(l *Lines, at, context Range, style string) {
	first, last := at.Start.Line, max(at.End.Line, at.Start.Line)
	if last > first && at.End.Column <= 1 {
		last-- // the end of a line is not the next one
	}
	last = min(last, l.Count())
	width := len(fmt.Sprint(last))
	if context.File == at.File && context.Start.Line > 0 && context.Start.Line < first {
		r.line(width, context.Start.Line, oneScreen(expand(string(l.Line(context.Start.Line))), 0, 0))
		if context.Start.Line < first-1 {
			r.out.WriteString("  " + strings.Repeat(" ", width+1) + r.paint(blue, "...") + "\n")
		}
	}
	shown := last
	if last-first >= maxMarked {
		shown = first + maxMarked - 2
	}
	for n := first; n <= shown; n++ {
		r.marked(l, n, at, width, style)
	}
	if shown < last {
		r.out.WriteString("  " + strings.Repeat(" ", width+1) + r.paint(blue, "...") + "\n")
		r.marked(l, last, at, width, style)
	}
}

// line writes a line of the file behind its number.
func (r *renderer) line(width, n int, s screen) {
	r.out.WriteString("  " + r.paint(blue, fmt.Sprintf(" %*d |", width, n)))
	if s.text != "" {
		r.out.WriteString(" " + s.text)
	}
	r.out.WriteByte('\n')
}

// marked writes line n and underlines what belongs to the range.
func (r *renderer) marked(l *Lines, n int, at Range, width int, style string) {
	text := string(l.Line(n))
	cells := expand(text)
	// Columns count letters; cells.starts says at which column of the screen each begins, since a tab or a wide letter takes
	// several.
	from, to := 0, len(cells.starts)-1
	if n == at.Start.Line {
		from = min(at.Start.Column-1, to)
	} else {
		from = len(text) - len(strings.TrimLeft(text, " \t"))
	}
	if n == at.End.Line {
		to = min(at.End.Column-1, to)
	}
	start := cells.starts[max(from, 0)]
	end := max(cells.starts[max(to, from, 0)], start+1)
	s := oneScreen(cells, start, end)
	r.line(width, n, s)
	if text == "" && n != at.Start.Line {
		return
	}
	gutter := r.paint(blue, strings.Repeat(" ", width+2)+"|")
	r.out.WriteString("  " + gutter + " " + strings.Repeat(" ", s.from) + r.paint(style, strings.Repeat("^", s.to-s.from)) + "\n")
}

// cells is a line as a terminal shows it: tabs expanded, control characters replaced.
type cells struct {
	runes  []rune
	starts []int // the column of each code point of the line, and of its end
}

// expand lays a line out in columns. Letters that a terminal draws wide count one column, as everywhere here.
func expand(line string) cells {
	var c cells
	line = buildCommand().ReplaceAllString(line, "#\uFFFD$1") // as many columns as before
	for _, x := range line {
		c.starts = append(c.starts, len(c.runes))
		switch {
		case x == '\t':
			for n := tabWidth - len(c.runes)%tabWidth; n > 0; n-- {
				c.runes = append(c.runes, ' ')
			}
		default:
			c.runes = append(c.runes, visible(x))
		}
	}
	c.starts = append(c.starts, len(c.runes))
	return c
}

// visible replaces what a terminal would obey or hide.
func visible(x rune) rune {
	if unicode.IsControl(x) || unicode.In(x, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) {
		return unicode.ReplacementChar
	}
	return x
}

// screen is what is shown of a line, and the columns in it that are marked.
type screen struct {
	text     string
	from, to int
}

// oneScreen cuts a long line so that the marked part from start to end is in sight.
func oneScreen(c cells, start, end int) screen {
	n := len(c.runes)
	if n <= lineWidth {
		return screen{text: strings.TrimRight(string(c.runes), " "), from: start, to: end}
	}
	left := max(0, min(start-lineWidth/3, n-lineWidth))
	right := min(n, left+lineWidth)
	s := screen{from: start - left, to: min(end, right+1) - left}
	shown := append([]rune(nil), c.runes[left:right]...)
	if left > 0 {
		shown[0] = '…'
	}
	if right < n {
		shown[len(shown)-1] = '…'
	}
	s.to = max(min(s.to, len(shown)), s.from+1)
	s.text = strings.TrimRight(string(shown), " ")
	return s
}

// noCommand breaks up what GitHub Actions would take for a command at the beginning of a line.
func noCommand(line string) string {
	if words := strings.TrimLeft(line, " \t"); strings.HasPrefix(words, "::") {
		return line[:len(line)-len(words)] + string(unicode.ReplacementChar) + words[1:]
	}
	return line
}

// buildCommand is how commands to systems that run builds begin, anywhere in a line.
var buildCommand = lazyregexp.New(`##([a-z]*\[)`)

// clean replaces control characters in messages, which may hold words of a file, and breaks up commands to systems that
// run builds.
func clean(s string) string {
	s = buildCommand().ReplaceAllString(s, "#\uFFFD$1")
	return strings.Map(func(x rune) rune {
		if x == '\n' || x == '\t' {
			return x
		}
		return visible(x)
	}, Masked(s))
}

// Plain is a diagnostic as text for other programs to show: the summary in one line, the detail, the hint. Nothing in it
// can play with what shows it, as with Render.
func Plain(d Diagnostic) string {
	text := oneLine(d.Summary)
	for _, more := range []string{d.Detail, d.Hint} {
		if more = strings.TrimSpace(clean(more)); more != "" {
			text += "\n" + more
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = noCommand(line)
	}
	return strings.Join(lines, "\n")
}

// summary is one line. Blanks within it stay as they were written, unless it is of several lines.
func summary(s string) string {
	if s = strings.TrimSpace(s); strings.ContainsAny(s, "\n\r\t") {
		return oneLine(s)
	}
	return clean(s)
}

// oneLine is a message with its white space as single blanks.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }
