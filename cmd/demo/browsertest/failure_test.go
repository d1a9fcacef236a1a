package browsertest

import (
	"fmt"
	"testing"

	"github.com/valet-go/valet/cmd/internal/mongowire"
	"github.com/valet-go/valet/cmd/internal/private"
)

// databases starts both, which processes can share, and returns the flags that name
// them.
func databases(t *testing.T) (*private.MariaDB, *mongowire.Deployment, []string) {
	t.Helper()
	my := private.RequireMariaDB(t)
	mo, err := mongowire.Start(mongowire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mo.Close(); err != nil {
			t.Error(err)
		}
	})
	return my, mo, []string{"-mysql", my.DSN(), "-mongo", mo.URI()}
}

func TestDatabasesAreKilledAndNothingIsLost(t *testing.T) {
	t.Parallel()
	browser := open(t)
	my, mo, flags := databases(t)
	url := serve(t, flags...)
	ada, grace := visit(t, browser, url), visit(t, browser, url)
	for _, p := range []*tab{ada, grace} {
		p.expect("the server responded with a status of 50")
	}
	ada.enter("Ada", "tea")
	grace.enter("Grace", "tea")
	var all []string
	say := func(n int, words string) {
		t.Helper()
		for i := range n {
			text := fmt.Sprintf("%s, %d", words, i+1)
			all = append(all, text)
			ada.say(text)
		}
	}
	for _, database := range []struct {
		name    string
		kill    func()
		restart func() error
	}{
		{"MariaDB", my.Kill, func() error { return my.Restart(t.Context()) }},
		{"MongoDB", mo.Member(0).Kill, mo.Member(0).Restart},
	} {
		say(2, "before the end of "+database.name)
		ada.is(sending, []string{})
		say(5, "perhaps in time for "+database.name) // some are stored, and one is halfway
		database.kill()
		say(2, "without "+database.name)
		// They cannot have been stored, and are still there when the page is loaded anew.
		ada.until(sending + `.length >= 2`)
		ada.reload()
		unsent := read[[]string](ada, sending)
		if len(unsent) < 2 || unsent[len(unsent)-1] != all[len(all)-1] {
			t.Errorf("without %s, the page is still sending %q", database.name, unsent)
		}
		if err := database.restart(); err != nil {
			t.Fatal(err)
		}
		say(2, "with "+database.name+" again")
		for _, p := range []*tab{ada, grace} {
			p.sees(all...)
			p.is(sending, []string{})
			p.is(`["status", "error"].map((id) => document.getElementById(id).textContent)`, []string{"", ""})
		}
	}
	for _, p := range []*tab{ada, grace} {
		p.reload()
		p.sees(all...)
	}
}
