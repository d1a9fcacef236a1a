package parity

import (
	"database/sql"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// methods is which of database/sql's methods were called through callbacks.
type methods struct {
	mu      sync.Mutex        // guards the others
	calls   map[string]int    // of the adapter, by their names
	through map[string]int    // methods of database/sql that were called, and whose call was heard
	names   map[string]string // of the calls that methods start
}

// inMemory are methods that start no call, or not always: what they give is there.
var inMemory = regexp.MustCompile(`^(Rows|Row)\.`)

// least is how much of what is wrapped must have been called, in percent.
const least = 90

func newMethods() *methods {
	return &methods{calls: map[string]int{}, through: map[string]int{}, names: callNames()}
}

// callNames is what the calls of database/sql's methods are named: what the table
// has as "call", "by hand" or, where another method has the name, "left out".
// Methods that are passed through have none.
func callNames() map[string]string {
	names := map[string]string{}
	for _, m := range table() {
		name := m.here
		if name == "" { // DB.Begin
			name = m.theirs + "Tx"
		}
		if m.how == "passed through" || m.receiver == "DB" && m.theirs == "Close" { // no call of the backend's, which it closes
			name = ""
		}
		names[m.receiver+"."+m.theirs] = name
	}
	return names
}

// wrapped is a row of docs/api-sql.md.
type wrapped struct{ receiver, theirs, here, how string }

func table() (rows []wrapped) {
	text, err := os.ReadFile("../../docs/api-sql.md")
	if err != nil {
		panic(err)
	}
	receiver := ""
	for line := range strings.Lines(string(text)) {
		if after, is := strings.CutPrefix(line, "## "); is {
			receiver, _, _ = strings.Cut(strings.TrimSpace(after), ",")
		}
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "(") {
			continue
		}
		theirs, _, _ := strings.Cut(strings.Trim(cells[1], " `"), "(")
		rows = append(rows, wrapped{receiver, theirs, strings.Trim(cells[2], " `"), strings.TrimSpace(cells[3])})
	}
	return rows
}

// hear counts a call of the adapter.
func (m *methods) hear(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[name]++
}

// heard is how many calls there were that are named as the method's.
func (m *methods) heard(method string) int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[m.names[method]]
}

// called counts a method whose call, if it makes one, was heard.
func (m *methods) called(method string, before int) {
	if m == nil || m.names[method] != "" && m.heard(method) == before {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.through[method]++
}

// judge reports what was called, and fails if that is too little.
func (m *methods) judge(t *testing.T) {
	var want []string
	for _, row := range table() {
		if row.how != "left out" {
			want = append(want, row.receiver+"."+row.theirs)
		}
	}
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
	m.count(t, "wrapped methods", want)
	m.count(t, "methods of database/sql", all)
}

func (m *methods) count(t *testing.T, what string, want []string) {
	var missing []string
	for _, name := range want {
		if m.through[name] == 0 {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	have := len(want) - len(missing)
	percent := 100 * have / max(1, len(want))
	t.Logf("%d of %d %s were called through callbacks, %d %%; missing: %v", have, len(want), what, percent, missing)
	if percent < least || len(want) < 40 {
		t.Errorf("%d %% of %d %s were called, want at least %d", percent, len(want), what, least)
	}
}
