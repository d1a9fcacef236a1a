package methods

import (
	"os"
	"strings"
)

// Row says what became of a driver's method in a table that asyncgen has written,
// such as docs/api-sql.md.
type Row struct {
	Receiver, Theirs string // "DB", "Begin"
	Here, How        string // "BeginTx", "call"; Here may be ""
}

// Method is the driver's, such as "DB.Begin".
func (r Row) Method() string { return r.Receiver + "." + r.Theirs }

// Table reads such a table.
func Table(path string) (rows []Row) {
	text, err := os.ReadFile(path)
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
		rows = append(rows, Row{receiver, theirs, strings.Trim(cells[2], " `"), strings.TrimSpace(cells[3])})
	}
	return rows
}

// Wrapped are the methods in rows that are not left out.
func Wrapped(rows []Row) (all []string) {
	for _, r := range rows {
		if r.How != "left out" {
			all = append(all, r.Method())
		}
	}
	return all
}
