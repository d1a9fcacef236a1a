package syncsql

import (
	"database/sql"
	"reflect"
	"testing"

	"github.com/valet-go/valet/internal/facadetest"
)

// facades are database/sql's types and those of this package.
var facades = facadetest.Facades{
	reflect.TypeFor[sql.DB]():   reflect.TypeFor[DB](),
	reflect.TypeFor[sql.Conn](): reflect.TypeFor[Conn](),
	reflect.TypeFor[sql.Tx]():   reflect.TypeFor[Tx](),
	reflect.TypeFor[sql.Stmt](): reflect.TypeFor[Stmt](),
	reflect.TypeFor[sql.Rows](): reflect.TypeFor[Rows](),
	reflect.TypeFor[sql.Row]():  reflect.TypeFor[Row](),
}

func TestEveryMethodOfDatabaseSQLIsThereWithItsSignature(t *testing.T) { facades.Methods(t) }
