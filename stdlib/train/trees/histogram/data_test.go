package histogram

import (
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"testing"
)

// Data is a table in memory: as Column has them the values and levels of its features, and target and weight by row.
type Data struct {
	Columns        [][]float64
	Levels         []int
	Target, Weight []float64
}

// columns are the features from one on and before another.
func (d *Data) columns(from, to int) []Column {
	out := make([]Column, to-from)
	for i := range out {
		out[i] = Column{d.Columns[from+i], d.Levels[from+i]}
	}
	return out
}

// Bin makes bins of all features at once.
func Bin(d *Data, threads int) (*Binned, error) {
	b, err := New(len(d.Columns), d.Target, d.Weight)
	if err != nil {
		return nil, err
	}
	return b, b.Add(d.columns(0, len(d.Columns)), threads)
}

// Fit bins a table and fits trees to it. validation may be nil.
func Fit(ctx context.Context, train, validation *Data, p Params, progress func(done, total int)) (*Result, error) {
	b, err := Bin(train, p.Threads)
	if err != nil {
		return nil, err
	}
	var coded *Coded
	if validation != nil {
		coded = b.Other(validation.Target, validation.Weight)
		coded.Add(validation.columns(0, len(validation.Columns)), p.Threads)
	}
	return b.Fit(ctx, coded, p, progress)
}

// realData reads a file of the data sets that are kept beside the repository or in an example, parted by its column is_test. Columns
// with anything but numbers are categories, coded by the order of their names.
func realData(tb testing.TB, name string) (train, test *Data, names []string) {
	tb.Helper()
	f, err := os.Open("../../../../../shared/data/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open("../../../../examples/churn/data/" + name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("needs ../shared/data/%s, which is not here", name)
	} else if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	train, test = &Data{}, &Data{}
	side := slices.Index(records[0], "is_test")
	for c, column := range records[0] {
		if column == "is_test" {
			continue
		}
		values, levels := column64(records[1:], c)
		parts := [2][]float64{}
		for r, x := range values {
			k := 0
			if records[r+1][side] == "1" {
				k = 1
			}
			parts[k] = append(parts[k], x)
		}
		if column == "target" {
			train.Target, test.Target = parts[0], parts[1]
			continue
		}
		names = append(names, column)
		train.Columns, test.Columns = append(train.Columns, parts[0]), append(test.Columns, parts[1])
		train.Levels, test.Levels = append(train.Levels, levels), append(test.Levels, levels)
	}
	return train, test, names
}

func column64(records [][]string, c int) (values []float64, levels int) {
	codes := map[string]float64{}
	number := true
	for _, record := range records {
		if _, err := strconv.ParseFloat(record[c], 64); err != nil && record[c] != "" {
			number = false
		}
		codes[record[c]] = 0
	}
	if !number {
		delete(codes, "")
		var all []string
		for level := range codes {
			all = append(all, level)
		}
		sort.Strings(all)
		for i, level := range all {
			codes[level] = float64(i)
		}
		levels = len(all)
	}
	for _, record := range records {
		x := math.NaN()
		if record[c] != "" && number {
			x, _ = strconv.ParseFloat(record[c], 64)
		} else if record[c] != "" {
			x = codes[record[c]]
		}
		values = append(values, x)
	}
	return values, levels
}

// areaUnderCurve is the share of pairs of a positive and a negative in the right order, ties counted half.
func areaUnderCurve(target, score []float64) float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return score[order[i]] < score[order[j]] })
	var ranks, positives float64
	for start := 0; start < len(order); {
		end := start
		for end < len(order) && score[order[end]] == score[order[start]] {
			end++
		}
		for _, r := range order[start:end] {
			if target[r] == 1 {
				ranks += float64(start+end+1) / 2
				positives++
			}
		}
		start = end
	}
	negatives := float64(len(order)) - positives
	return (ranks - positives*(positives+1)/2) / (positives * negatives)
}
