// Package people is code of sqlc's, for the tests of pools that it uses.
package people

import _ "embed"

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

// Schema makes the tables.
//
//go:embed schema.sql
var Schema string
