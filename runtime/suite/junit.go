package suite

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// The elements of JUnit's XML that continuous integration reads: a suite for each file, a case for each test. There is
// no standard; https://github.com/testmoapp/junitxml collects what readers take.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`

		time time.Duration
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		File      string        `xml:"file,attr"`
		Line      int           `xml:"line,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		Skipped   *junitProblem `xml:"skipped"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes results as JUnit XML, under the name of what gave them, such as mlp test. Results of one file must
// stand together, as Run gives them. Durations are in seconds with three digits. Text that XML 1.0 cannot hold becomes
// "?".
func WriteJUnit(w io.Writer, name string, results []*Result) error {
	all := junitSuites{Name: name}
	var total time.Duration
	for _, r := range results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != xmlText(r.File) {
			all.Suites = append(all.Suites, junitSuite{Name: xmlText(r.File)})
		}
		s := &all.Suites[len(all.Suites)-1]
		s.add(r)
		total += r.Duration
	}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Time = seconds(s.time)
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
	}
	all.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add adds the case of one result, and counts it. A result that did not pass has at least one failure.
func (s *junitSuite) add(r *Result) {
	c := junitCase{Name: xmlText(r.Name), ClassName: xmlText(strings.TrimSuffix(r.File, ".mlptest")), File: xmlText(r.File), Line: r.Line, Time: seconds(r.Duration)}
	switch r.Status {
	case Failed:
		c.Failure = junitText(r.Failures)
		s.Failures++
	case Errored:
		c.Error = junitText(r.Failures)
		s.Errors++
	case Skipped:
		c.Skipped = &junitProblem{Message: junitText(r.Failures).Message}
		s.Skipped++
	}
	s.Tests++
	s.time += r.Duration
	s.Cases = append(s.Cases, c)
}

// junitText puts all that is wrong with a test into one element, since many readers show no more than one.
func junitText(failures []Failure) *junitProblem {
	p := &junitProblem{Message: xmlText(failures[0].Summary), Type: failures[0].Kind}
	if n := len(failures) - 1; n > 0 {
		p.Message += fmt.Sprintf(" (and %d more)", n)
	}
	var parts []string
	for _, f := range failures {
		lines := []string{f.Summary}
		if !f.Range.IsZero() {
			lines[0] = fmt.Sprintf("%s:%d:%d: %s", f.Range.File, f.Range.Start.Line, f.Range.Start.Column, f.Summary)
		}
		if f.Detail != "" {
			lines = append(lines, f.Detail)
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	p.Text = xmlText(strings.Join(parts, "\n\n"))
	return p
}

// seconds has the form that readers of JUnit take: "0.120", with a point in every language.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// xmlText replaces in a text what XML 1.0 cannot hold, even escaped: https://www.w3.org/TR/xml/#charsets.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r', r >= 0x20 && r <= 0xd7ff, r >= 0xe000 && r < utf8.RuneError, r >= 0x10000:
			return r
		}
		return '?'
	}, s)
}
