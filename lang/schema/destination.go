package schema

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// WriteMode is what becomes of the rows that a destination has.
type WriteMode string

const (
	Overwrite WriteMode = "overwrite" // the destination has the predictions, and no other rows
	Append    WriteMode = "append"    // they are added
	Upsert    WriteMode = "upsert"    // rows of the same key are replaced, others added
)

// RowColumn is the key of predictions of data that has none: the number of the row, from 0.
const RowColumn = "row"

// Destination is what a block says of where predictions are written. Which of URL and Path it has follows from its block.
type Destination struct {
	URL         string    `json:"url,omitempty" is:"text"`         // of a database, without its password
	Password    string    `json:"password,omitempty" is:"address"` // the block of the secret: "secret.crm"
	Table       string    `json:"table,omitempty" is:"text"`
	Mode        WriteMode `json:"mode,omitempty" is:"word"`
	Path        string    `json:"path,omitempty" is:"text"` // a folder, or the URL of a bucket
	PartitionBy []string  `json:"partition_by,omitempty" is:"text"`
}

// Place is where it is, for people: "postgres://mlp@db.example.com:5432/crm table scores", "out/scores".
func (d Destination) Place() string {
	if d.URL != "" {
		return d.URL + " table " + d.Table
	}
	place, _, _ := strings.Cut(d.Path, "?")
	return place
}

// tableName is a table in PostgreSQL, in a schema or the one that is looked in first. Names in other letters stand in double quotes.
var tableName = lazyregexp.New(`^(?:(?:[a-z_][a-z0-9_]*|"[^"\x00]+")\.)?(?:[a-z_][a-z0-9_]*|"[^"\x00]+")$`)

// Problems are what is wrong with it. predictions is the table that is written, nil while its columns are not known.
func (d Destination) Problems(predictions *Table) []Problem {
	var out []Problem
	add := func(path, summary, detail, hint string) {
		out = append(out, Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
	}
	if d.URL != "" {
		u, err := url.Parse(d.URL)
		switch {
		case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") == "":
			add("url", "url is no address of a database", "One is postgres://mlp@db.example.com:5432/crm.", "")
		case hasPassword(u):
			add("url", "url has a password in it, which would stand in plans and in the state", "", "hand a secret: password = secret.NAME")
		}
		if !tableName().MatchString(d.Table) {
			add("table", fmt.Sprintf("%q is no table", d.Table), "One is scores, crm.scores, or \"Scores\" where it has capital letters.", "")
		}
		if (d.Mode == Upsert || d.Mode == Append) && predictions != nil && slices.Equal(predictions.Key, []string{RowColumn}) {
			add("mode", "The predictions have no key that tells their rows from those of other days", "Data without a key has the column row, which begins at 0 each time.", `give the deployment a key: key = ["customer"]`)
		}
		return out
	}
	if scheme, _, ok := strings.Cut(d.Path, "://"); d.Path == "" || ok && !slices.Contains([]string{"s3", "gs", "azblob"}, scheme) {
		add("path", fmt.Sprintf("%q is neither a folder nor a bucket", d.Path), "A folder is beside the module, out/scores; buckets are s3://, gs:// and azblob://.", "")
	}
	for i, name := range d.PartitionBy {
		if predictions != nil && predictions.Column(name) == nil {
			add(fmt.Sprintf("partition_by[%d]", i), fmt.Sprintf("The predictions have no column %q", name), "They have the data's key, entity and times: "+strings.Join(predictions.Names(), ", ")+".", "name it in the deployment's key")
		}
		if slices.Index(d.PartitionBy, name) < i {
			add(fmt.Sprintf("partition_by[%d]", i), fmt.Sprintf("Column %q is listed twice", name), "", "")
		}
	}
	if predictions != nil && len(d.PartitionBy) >= len(predictions.Columns) && len(d.PartitionBy) > 0 {
		add("partition_by", "No column is left for the files", "What rows are parted by stands in the names of folders.", "")
	}
	return out
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

// Destinations are the blocks of a configuration that say where predictions are written, by their names.
func (t *Type) Destinations(config json.RawMessage) (map[string]Destination, error) {
	var all map[string]json.RawMessage
	if len(config) == 0 || t == nil {
		return nil, nil
	}
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	out := map[string]Destination{}
	for i := range t.Body.Blocks {
		b := &t.Body.Blocks[i]
		if text := all[b.Name]; b.Destination && len(text) > 0 {
			var d Destination
			if err := json.Unmarshal(text, &d); err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name, err)
			}
			out[b.Name] = d
		}
	}
	return out, nil
}
