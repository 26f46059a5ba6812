package batch

import (
	"github.com/mlp-lang/mlp/lang/schema"
)

// writing is what the reference says of destinations.
const writing = "**Writing elsewhere.** Blocks `postgres`, `parquet` and `csv` say where predictions are written besides. It is the release that writes, once the gate let the model pass and the rows are scored, and each time when the predictions are others: " +
	"a plan says where to, the state what was written last. Every row is written exactly once, whenever an apply is killed: into a table in one transaction, with a row of its own in `mlp_writes` beside the table, and into a folder as files that are there only once `_manifest.json` names them. " +
	"What somebody else wrote is never overwritten. Nothing is written of a sample, by a test, or in a workspace that goes by another one, as that of a pull request or of `mlp run`. What was written stays when a block is taken out."

// destinations are the blocks that say where predictions are written.
func destinations() []schema.Block {
	folder := func(name, doc string) schema.Block {
		return schema.Block{Name: name, Policy: true, Destination: true, Doc: doc, Body: schema.Body{Attrs: []schema.Attr{
			{Name: "path", Type: schema.String, Required: true, Doc: "The folder, beside the module: `out/scores`; or that of a bucket, as a [store](language.md#stores) is named: `s3://lake/scores?region=eu-central-1`. It holds nothing but what is written."},
			{Name: "partition_by", Type: schema.StringList, Doc: "Columns of the predictions by whose values the files are parted, as Hive has it: `day=2026-03-01/part-….parquet`. They stand in the names of folders and not in the files. Values are letters, digits, `_`, `.` and `-`."},
		}}}
	}
	return []schema.Block{
		folder("csv", "Files of CSV (RFC 4180 with a header, null as an empty field), that have the predictions and no other rows. Who reads goes by `_manifest.json`, which lists them: files of the write before may lie beside them for a moment."),
		folder("parquet", "Files of Parquet, as those of `csv`."),
		{Name: "postgres", Policy: true, Destination: true, Doc: "A table of a PostgreSQL server. It is made if there is none, with the key as its primary key; one that is there needs the columns of the predictions, and may have others.", Body: schema.Body{Attrs: []schema.Attr{
			{Name: "url", Type: schema.String, Required: true, Doc: "Where the database is, without a password: `postgres://mlp@db.example.com:5432/crm`. Where `sslmode` is not said, it is `verify-full`, but for this machine."},
			{Name: "password", Type: schema.Ref, Ports: []schema.PortType{schema.SecretPort}, Kinds: []string{"secret"}, Edge: schema.StateEdge, Doc: "The `secret` with the user's password."},
			{Name: "table", Type: schema.String, Required: true, Doc: "The table: `scores`, `crm.scores`, `\"Scores\"`."},
			{Name: "mode", Type: schema.String, Default: string(schema.Overwrite), OneOf: []string{string(schema.Overwrite), string(schema.Append), string(schema.Upsert)},
				Doc: "What becomes of the rows that are there. `overwrite`: the table has the predictions and no other rows. `append`: they are added, and one of a key that is there already is an error. `upsert`: rows of the same key are replaced, others added."},
		}}},
	}
}

// written has both ways out of the store.
const written = `pipeline "churn" {}

secret "crm" { env = "CRM_DB_PASSWORD" }

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "region"   { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "churned"  { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["region", "customer"]
  sql  = "select * from customers"
}

train "logistic_regression" "model" {
  data     = dataset.customers
  target   = "churned"
  features = ["tenure"]
}

deploy "batch" "scores" {
  model = train.model
  data  = dataset.customers

  postgres {
    url      = "postgres://mlp@db.example.com:5432/crm"
    password = secret.crm
    table    = "churn_scores"
    mode     = "upsert"
  }

  parquet {
    path         = "s3://lake/churn_scores?region=eu-central-1"
    partition_by = ["region"]
  }
}
`
