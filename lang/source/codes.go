package source

// The codes of all diagnostics, whichever package reports them. They are stable: scripts and documentation rely on them.
// A code that is no longer used is not given again. Codes has cause and cure of each.
const (
	// Text that is no module, or cannot be read.
	CodeEncoding    = "MLP1001"
	CodeFileSize    = "MLP1002"
	CodeNoFiles     = "MLP1003"
	CodeSyntax      = "MLP1004"
	CodeTemplate    = "MLP1005"
	CodeNesting     = "MLP1006"
	CodeOneLine     = "MLP1007"
	CodeUnclosed    = "MLP1008"
	CodeSetTwice    = "MLP1009"
	CodeUnreadable  = "MLP1010"
	CodeEqualsBlock = "MLP1011"
	CodeUnformatted = "MLP1012"
	CodeValuesBlock = "MLP1013"

	// Blocks: kinds, types, labels, arguments.
	CodeUnknownKind     = "MLP1101"
	CodeUnknownType     = "MLP1102"
	CodeLabels          = "MLP1103"
	CodeName            = "MLP1104"
	CodeDuplicate       = "MLP1105"
	CodeUnknownAttr     = "MLP1106"
	CodeUnknownBlock    = "MLP1107"
	CodeMissingAttr     = "MLP1108"
	CodeMissingBlock    = "MLP1109"
	CodeRepeatedBlock   = "MLP1110"
	CodeDuplicateLabel  = "MLP1111"
	CodeAttrIsBlock     = "MLP1112"
	CodeBlockIsAttr     = "MLP1113"
	CodeTopLevelAttr    = "MLP1114"
	CodePipeline        = "MLP1115"
	CodeMissingLabel    = "MLP1116"
	CodeUnexpectedLabel = "MLP1117"
	CodeDuplicateKey    = "MLP1118"

	// References and values.
	CodeUnknownAddress  = "MLP1201"
	CodeUnknownPort     = "MLP1202"
	CodeUnknownVariable = "MLP1203"
	CodeUnknownLocal    = "MLP1204"
	CodeUnknownName     = "MLP1205"
	CodeEvaluation      = "MLP1206"
	CodeType            = "MLP1207"
	CodeOneOf           = "MLP1208"
	CodeDuration        = "MLP1209"
	CodeNotLiteral      = "MLP1210"
	CodeInterpolation   = "MLP1211"
	CodeNotReference    = "MLP1212"
	CodePortType        = "MLP1213"
	CodeTargetKind      = "MLP1214"
	CodeNoOwnPort       = "MLP1215"
	CodeRefName         = "MLP1216"
	CodeRefComputed     = "MLP1217"
	CodeVariableValue   = "MLP1218"
	CodeVariableUnknown = "MLP1219"
	CodeVariableType    = "MLP1220"
	CodeLocalCycle      = "MLP1221"
	CodeDefinitionCycle = "MLP1222"
	CodeUnknownMetric   = "MLP1223"
	CodeNumberRange     = "MLP1224"
	CodeNotConstant     = "MLP1225"
	CodeFunction        = "MLP1226"
	CodeValidation      = "MLP1227"
	CodeSensitive       = "MLP1228"
	CodeForEach         = "MLP1229"
	CodeInstance        = "MLP1230"
	CodeModule          = "MLP1231"
	CodeBudget          = "MLP1232"
	CodeAddress         = "MLP1241"
	CodeMoved           = "MLP1242"
	CodeAccept          = "MLP1243"
	CodeApproverName    = "MLP1250"
	CodeStore           = "MLP1251"

	// Rules and limits.
	CodeRuleSyntax   = "MLP1301"
	CodeRuleName     = "MLP1302"
	CodeRuleFigure   = "MLP1303"
	CodeRuleType     = "MLP1304"
	CodeRuleBool     = "MLP1305"
	CodeRuleSize     = "MLP1306"
	CodeRuleFunction = "MLP1307"
	CodeRuleMacro    = "MLP1308"
	CodeRuleDialect  = "MLP1309"
	CodeRuleLimits   = "MLP1310"
	CodeRuleNever    = "MLP1311"
	CodeRuleAlways   = "MLP1312"
	CodeRuleInexact  = "MLP1313"

	// How blocks fit together.
	CodeBlockCycle        = "MLP1401"
	CodeUnfit             = "MLP1402"
	CodeUntyped           = "MLP1404"
	CodeUnverified        = "MLP1405"
	CodeFittedOnTest      = "MLP1406"
	CodeMeasuredOnFitted  = "MLP1407"
	CodeEmptyGate         = "MLP1408"
	CodeOtherModel        = "MLP1409"
	CodeRollbackRule      = "MLP1410"
	CodeUnmeasured        = "MLP1411"
	CodeUnknownRows       = "MLP1412"
	CodeProtectedDecision = "MLP1413"
	CodeOtherRows         = "MLP1414"

	// SQL.
	CodeSQL = "MLP1501"

	// What keeps a plan from being made.
	CodeStage        = "MLP1601"
	CodeImage        = "MLP1602"
	CodeFiles        = "MLP1603"
	CodeRecord       = "MLP1604"
	CodeNoPredict    = "MLP1605"
	CodeRules        = "MLP1606"
	CodeSecret       = "MLP1607"
	CodePart         = "MLP1608"
	CodeSample       = "MLP1609"
	CodeMovedNothing = "MLP1611"
	CodeAcceptUnlike = "MLP1612"
	CodeAcceptStale  = "MLP1613"

	// Files, modules and records outside of the module.
	CodeUnpinned       = "MLP1701"
	CodeFilesElsewhere = "MLP1702"
	CodeFilesUnlike    = "MLP1703"
	CodeNotFetched     = "MLP1704"
	CodeAltered        = "MLP1705"
	CodeCannotFetch    = "MLP1706"
	CodeDamaged        = "MLP1707"
	CodeOutside        = "MLP1710"
	CodeOutsideRecord  = "MLP1711"
	CodeOutsideUnknown = "MLP1712"

	// Approvals, and whose store it is.
	CodeApprover       = "MLP1801"
	CodeRolledBack     = "MLP1802"
	CodeUndecided      = "MLP1803"
	CodeOtherPipelines = "MLP1811"
	CodeBehind         = "MLP1812"

	// Tests of modules, and warnings of the same rows.
	CodeTest         = "MLP1901"
	CodeTestAfter    = "MLP1902"
	CodeTestAddress  = "MLP1903"
	CodeTestGiven    = "MLP1904"
	CodeTestColumns  = "MLP1905"
	CodeTestCell     = "MLP1906"
	CodeTestFigure   = "MLP1907"
	CodeTestFailures = "MLP1908"
	CodeSameRows     = "MLP1990"
)

// Code explains one code: why a diagnostic comes up and what cures it.
type Code struct {
	Code  string
	Cause string
	Cure  string
}
