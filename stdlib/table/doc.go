// Package table is the SQL engine for tables, embedded: it types queries on empty tables, runs them, and moves tables
// between Parquet files and memory.
//
// The same content gives the same bytes: every statement runs on one thread, rows are stored in a total order, Parquet
// is written with one codec and one row group size. Queries are held to what they may do through their parsed tree:
// one SELECT over the tables that were named, and nothing that differs from run to run; the engine's access to files
// is closed to all but the inputs before a query of the user is run.
package table

// EngineVersion is DuckDB's. It is part of the version of what is computed with it.
const EngineVersion = "1.4.5"

// Engine names it with its version, for the type of every component whose output depends on it.
const Engine = "duckdb-" + EngineVersion
