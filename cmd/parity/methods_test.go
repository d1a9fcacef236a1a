package parity

import (
	"database/sql"
	"reflect"
	"regexp"
	"testing"

	"github.com/valet-go/valet/cmd/parity/internal/methods"
)

// inMemory are methods that start no call, or not always: what they give is there.
var inMemory = regexp.MustCompile(`^(Rows|Row)\.`)

func table() []methods.Row { return methods.Table("../../docs/api-sql.md") }

// callNames is what the calls of database/sql's methods are named: what the table
// has as "call", "by hand" or, where another method has the name, "left out".
// Methods that are passed through have none.
func callNames() map[string]string {
	names := map[string]string{}
	for _, row := range table() {
		name := row.Here
		if name == "" { // DB.Begin
			name = row.Theirs + "Tx"
		}
		if row.How != "passed through" && row.Method() != "DB.Close" { // no call of the backend's, which it closes
			names[row.Method()] = name
		}
	}
	return names
}

// judge reports what was called, and fails if that is too little.
func judge(t *testing.T, seen *methods.Seen) {
	want := methods.Wrapped(table())
	var all []string
	for _, t := range []reflect.Type{
		reflect.TypeFor[*sql.DB](), reflect.TypeFor[*sql.Conn](), reflect.TypeFor[*sql.Tx](),
		reflect.TypeFor[*sql.Stmt](), reflect.TypeFor[*sql.Rows](), reflect.TypeFor[*sql.Row](),
	} {
		for method := range t.Methods() {
			name := t.Elem().Name() + "." + method.Name
			all = append(all, name)
			if inMemory.MatchString(name) { // made by hand, and not in the table
				want = append(want, name)
			}
		}
	}
	seen.Judge(t, "wrapped methods", want, 40)
	seen.Judge(t, "methods of database/sql", all, 40)
}
