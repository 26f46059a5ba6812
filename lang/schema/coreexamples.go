package schema

// coreExamples are whole modules, by kind. They stand in the reference and in `mlp docs KIND`, and a test compiles each of them, so that an example
// can be copied as it is. Names are alike in all: a pipeline churn with a table of customers.
func coreExamples() map[string]Example {
	return map[string]Example{
		"pipeline": {Title: "The block that every pipeline begins with", Code: `pipeline "churn" {
  description = "Which customers are about to leave."
  owner       = "retention-team"
  keep        = "180d"
}
`},
		"problem": {Title: "A requirement, verified by a gate", Code: `pipeline "churn" {}

problem "churn" {
  statement = "Call the customers who are about to leave, before they do."
  use_case  = "predictive"
  task      = "binary_classification"

  requirement "R1" {
    text        = "Look at 500 customers at least."
    link        = "https://tracker.example/R1"
    verified_by = [gate.release]
  }
}
` + customers + `
gate "release" {
  after = [check.customers]
}
`},
		"variable": {Title: "A value with a type, a default and a condition", Code: `pipeline "churn" {}

variable "min_rows" {
  type        = number
  default     = 500
  description = "Fewer rows are too few to train on."
  validation {
    condition = variable.min_rows >= 100
    message   = "${variable.min_rows} rows say nothing of a share."
  }
}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
}

check "customers" {
  on = source.customers
  rule "enough" { assert = "table.rows >= variable.min_rows" }
}
`},
		"locals": {Title: "A list that several blocks take", Code: `pipeline "churn" {}

locals {
  numbers  = ["tenure", "monthly_charges"]
  features = concat(local.numbers, ["contract"])
}

output "features" { value = local.features }
`},
		"module": {Title: "A folder called for two groups of customers", Code: `pipeline "churn" {}
` + customers + `
module "contract" {
  for_each  = { month = "month", year = "year" }
  source    = "./segment"
  customers = source.customers
  contract  = each.value
}

output "month" { value = module.contract["month"].customers }
`, Files: []ExampleFile{{Name: "segment/segment.mlp", Code: `variable "customers" {}

variable "contract" { type = string }

dataset "customers" {
  from = [variable.customers]
  sql  = "select * from customers where contract = $contract"
  params { contract = variable.contract }
}

output "customers" { value = dataset.customers }
`}}},
		"output": {Title: "A digest and a value, shown after an apply", Code: `pipeline "churn" {}
` + customers + `
output "customers" {
  value       = source.customers
  description = "The rows that were read."
}
`},
		"secret": {Title: "A token, in the environment of whoever applies", Code: `pipeline "churn" {}

secret "warehouse" {
  env         = "WAREHOUSE_TOKEN"
  description = "Reads the customers' table."
  version     = "2026-01"
}
`},
		"gate": {Title: "Rules over a check's figures, and a person's yes", Code: `pipeline "churn" {}
` + customers + `
gate "release" {
  after = [check.customers]
  rule "mostly known" {
    assert  = "check.customers.table.columns.tenure.nulls <= 0.01 * check.customers.table.rows"
    message = "the warehouse has lost tenures before"
  }
  approval "few rows" {
    from = ["risk-officers"]
    when = "check.customers.table.rows < 550"
  }
}
`},
		"notify webhook": {Title: "The on-call service, told of what wants somebody", Code: notifyExample(`secret "oncall" { env = "ONCALL_KEY" }

notify "webhook" "oncall" {
  url = "https://oncall.example.com/hooks/mlp"
  key = secret.oncall
  on  = ["gate_failed", "stage_failed", "rollout_aborted", "alarm"]
}
`)},
		"notify slack": {Title: "A channel", Code: notifyExample(`secret "channel" { env = "SLACK_WEBHOOK_URL" }

notify "slack" "channel" { url = secret.channel }
`)},
		"notify smtp": {Title: "Those who approve, by e-mail", Code: notifyExample(`secret "mail" { env = "SMTP_PASSWORD" }

notify "smtp" "officers" {
  server   = "smtp.example.com:587"
  from     = "mlp@example.com"
  to       = ["risk-officers@example.com"]
  user     = "mlp"
  password = secret.mail
  on       = ["approval_wanted"]
}
`)},
		"notify command": {Title: "A script of the module", Code: notifyExample(`notify "command" "pager" {
  command = ["./page.sh", "retention-team"]
  on      = ["alarm"]
}
`)},
		"retrain": {Title: "Each Monday, and when what comes in is no longer what was learned from", Code: `pipeline "churn" {}
` + customers + `
source "csv" "new" {
  path = "this_month.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

monitor "incoming" {
  reference = source.customers
  current   = source.new
  schedule  = "0 * * * *"
}

train "logistic_regression" "model" {
  data     = source.new
  task     = "binary_classification"
  target   = "churned"
  features = ["tenure"]
  requires = [check.customers]
}

deploy "http" "scorer" { model = train.model }

retrain "scorer" {
  deploy    = deploy.scorer
  schedule  = "0 3 * * 1"
  timezone  = "Europe/Berlin"
  when      = "monitor.incoming.drift.share > 0.3"
  at_most   = "2 per 7d"
  cool_down = "3d"
  budget    = "6h per 30d"
}
`},
		"moved": {Title: "A check that was called otherwise", Code: `pipeline "churn" {}
` + customers + `
moved {
  from = check.rows
  to   = check.customers
}
`},
		"accept": {Title: "A query written in another way", Code: `pipeline "churn" {}
` + customers + `
dataset "customers" {
  from = [source.customers]
  key  = ["customer"]
  sql  = "select * from customers where not (tenure is null)"
}

accept {
  block      = dataset.customers
  definition = "blake3:ca44fd91e4736ab9"
  reason     = "It was tenure is not null, which is the same."
}
`},
	}
}

// customers is a source and its check.
const customers = `
source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
}

check "customers" {
  on = source.customers
  rule "enough" { assert = "table.rows >= 500" }
}
`

// notifyExample is a pipeline whose events somebody is told of.
func notifyExample(block string) string { return "pipeline \"churn\" {}\n" + customers + "\n" + block }
