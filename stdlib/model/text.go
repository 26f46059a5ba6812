package model

import "slices"

// Columns of text. To a model of several outputs a text that is read by its n-grams is a number for each (ngrams.Line), and a feature has one column. The first number is in the feature's own
// column, the others are in further columns behind those of all features, feature by feature: of the features note, age and title of three classes, of which note and title are read so, columns are
//
//	note:a, age, title:a, note:b, note:c, title:b, title:c
//
// So a feature's place is that of its first column, and whoever moves a feature's values moves all its columns (ColumnsOf).

// moreColumns is how many columns the feature has besides its own.
func (f *Feature) moreColumns() int {
	if f.NGrams == nil {
		return 0
	}
	return f.NGrams.Outputs() - 1
}

// Columns is how many columns rows have as Encode makes them.
func (s *Signature) Columns() int {
	n := len(s.Features)
	for i := range s.Features {
		n += s.Features[i].moreColumns()
	}
	return n
}

// textColumns are by column behind those of the features the place of the feature that it is of.
func textColumns(features []Feature) (of []int) {
	for i := range features {
		of = append(of, slices.Repeat([]int{i}, features[i].moreColumns())...)
	}
	return of
}

// ColumnsOf are the columns of a feature, given by its place, of rows as Encode makes them.
func ColumnsOf(features []Feature, feature int) []int {
	out := []int{feature}
	for k, i := range textColumns(features) {
		if i == feature {
			out = append(out, len(features)+k)
		}
	}
	return out
}

// pickColumns are the columns of the features at some places, as Encode makes them of those alone.
func pickColumns(columns [][]float64, features []Feature, places []int) [][]float64 {
	out := make([][]float64, len(places))
	for i, k := range places {
		of := ColumnsOf(features, k)
		out[i] = columns[of[0]]
		for _, c := range of[1:] {
			out = append(out, columns[c])
		}
	}
	return out
}
