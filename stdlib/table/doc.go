// Package table is the SQL engine for tables, embedded: it types queries on empty tables, runs them, and moves tables
// between Parquet files and memory.
//
// The same content gives the same bytes: rows are stored in a total order, Parquet is written with one codec and one row group size, and a
// statement runs on several threads only where the order in which these come to the rows cannot be seen in the result (package threads). Queries are held to what they may do through their parsed tree:
// one SELECT over the tables that were named, and nothing that differs from run to run; the engine's access to files
// is closed to all but the inputs before a query of the user is run.
//
// # Reading without loss
//
// Values from CSV, JSON and Parquet are held to one rule (exact): a value read as its column's type stands for what was
// written, or it is an error with file, line and column. None is rounded or cut, and none but a spelling of null becomes
// null. CSV and JSON values come to the engine as the text of the file, so that nothing is lost before the rule looks.
//
//	text                  as bigint  as double  as varchar
//	5.0                   5          5          5.0
//	5.5                   error      5.5        5.5
//	12345678901234567890  error      error      12345678901234567890
//	1_000                 error      error      1_000
//
// The third is too large for a bigint, and the nearest double ends in 7168 instead of 7890.
//
// Types that nobody declared are found by Sniff from all rows, not from a sample, so that what Sniff says holds for the
// file. Sniff is stricter than the rule: a column becomes a number only if no text in it looks like an identifier. 00123 (a
// post code) and +49301234 (a telephone) can be declared bigint, but are found to be varchar.
package table

// EngineVersion is DuckDB's. It is part of the version of what is computed with it.
const EngineVersion = "1.4.5"

// Engine names it with its version, for the type of every component whose output depends on it.
const Engine = "duckdb-" + EngineVersion
