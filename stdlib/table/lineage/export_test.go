package lineage

// Expanding is for the tests outside.
var Expanding = expanding
