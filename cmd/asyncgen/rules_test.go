package main

import (
	"strings"
	"testing"
)

// withRules runs asyncgen for the Store alone, with rules that do, and more.
func withRules(t *testing.T, more string) (*module, []string) {
	t.Helper()
	m := newModule(t)
	m.write("my.rules", strings.Join([]string{
		"Store.On rename OnEvent -- a clash", // line 1
		"Store.Secret skip -- hidden",
		"Store.Internal skip -- hidden",
		"Store.Late pass -- a value",
		"",
		"# a comment",
		more, // line 7
		"",
	}, "\n"))
	return m, []string{"-type", "Store", "-rules", "my.rules", "-o", "async/async.go", "example.com/try/shapes"}
}

func TestRulesThatAreWrongAreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		rule string
		want []string
	}{
		"no reason":                        {"Store.Len skip", []string{`my.rules:7: the rule has no reason; want: SUBJECT`}},
		"an empty reason":                  {"Store.Len skip --  ", []string{`my.rules:7: the rule has no reason`}},
		"no verb":                          {"Store.Len -- why", []string{`my.rules:7: the rule has no verb`}},
		"an unknown verb":                  {"Store.Len drop-it -- why", []string{`my.rules:7: there is no verb "drop-it"; the verbs are call, drop`}},
		"too many arguments":               {"Store.Len pass it -- why", []string{`my.rules:7: "pass" has 1 arguments, want 0`}},
		"too few arguments":                {"Store.Len via -- why", []string{`my.rules:7: "via" has 0 arguments, want 1 to 2`}},
		"a method that is not there":       {"Store.Length pass -- why", []string{`my.rules:7: "Store.Length pass" is about nothing`}},
		"a type that is not wrapped":       {"Tx.Exec pass -- why", []string{`my.rules:7: "Tx.Exec pass" is about nothing`}},
		"a type's verb for a method":       {"Store.Get held -- why", []string{`my.rules:7: "Store.Get held" is about nothing`}},
		"a rule that is preceded":          {"Store.Len pass -- why\n*.Len call -- why", []string{`my.rules:8: "\*.Len call" is about nothing`}},
		"the same rule twice":              {"Store.Len pass -- why\nStore.Len pass -- why", []string{`my.rules:8: "Store.Len pass" and my.rules:7, .* exclude each other`}},
		"two ways":                         {"Store.Len pass -- why\nStore.Len call -- why", []string{`my.rules:8: .*exclude each other`}},
		"a detail of what is skipped":      {"Store.Get skip -- why\nStore.Get release -- why", []string{`my.rules:8: "Store.Get release" says nothing about Store.Get beside my.rules:7, "Store.Get skip"`}},
		"manual without a method":          {"Store.Get manual -- why", []string{`my.rules:7: Store.Get is to be written by hand, but package async in async has no method Get of Store; write it`}},
		"via without a helper":             {"Store.Get via help -- why", []string{`my.rules:7: "Store.Get via help": package async in async has no function help; write it`}},
		"via another method":               {"Store.Get via help List -- why", []string{`my.rules:7: .* has no function help`}},
		"drop without a function":          {"Store.Get drop end -- why", []string{`my.rules:7: .* has no function end; write it`}},
		"drop without a method":            {"Store drop End -- why", []string{`my.rules:7: "Store drop End": Store has no method End`}},
		"drop by a method that needs more": {"Store drop Get -- why", []string{`my.rules:7: "Store drop Get": Store has no method Get, without parameters`}},
		"skip for what is not there":       {"Store.Get skip Fetch -- why", []string{`my.rules:7: "Store.Get skip Fetch": there is no Fetch beside Store.Get`}},
		"skip for what is skipped":         {"Store.Get skip Secret -- why", []string{`my.rules:7: .*Store.Secret is skipped itself`}},
		"two methods of one name":          {"Store.Get rename Put -- why", []string{`Store.Put would be written as Store.Put, as is Store.Get`}},
	} {
		t.Run(name, func(t *testing.T) {
			m, args := withRules(t, test.rule)
			m.fails(test.want, args...)
		})
	}
}

func TestMethodsThatNeedARuleAreErrors(t *testing.T) {
	m := newModule(t)
	m.fails([]string{
		`Store.Internal \(.*shapes.go:\d+.*\): its signature has the type Thing of example.com/try/shapes/internal/secret, which no other package can write; add a rule to a file that -rules names: "Store.Internal manual -- why" or "Store.Internal skip -- why"`,
		`Store.Late \(.*\): it has a context, but not as its first parameter`,
		`Store.Secret \(.*\): its signature has the unexported type shapes.hidden`,
		`Store.On would be written as Store.On, as is the wrapper's own method`,
	}, "-type", "Store", "-o", "async/async.go", "example.com/try/shapes")
}

func TestWhatIsWrittenByHandAsWellIsAnError(t *testing.T) {
	m, args := withRules(t, "")
	m.write("async/hand.go", "package async\n\nfunc (s *Store) Get() {}\n\nfunc NewStore() {}\n")
	m.fails([]string{
		`hand.go:3: Store.Get is written by hand, and would be written for Store.Get as well; .*"Store.Get manual -- why"`,
		`hand.go:5: NewStore is declared by hand`,
	}, args...)
}

func TestTypesAndFunctionsMustBeThere(t *testing.T) {
	m := newModule(t)
	m.fails([]string{
		`-type Shop: example.com/try/shapes has no exported type of this name`,
		`-type hidden: .* has no exported type`,
		`-func Shut: .* has no exported function`,
	}, "-type", "Shop,hidden", "-func", "Shut", "-o", "async/async.go", "example.com/try/shapes")
}

func TestPackagesMustBeThere(t *testing.T) {
	m := newModule(t)
	status, _, stderr := m.run("-type", "T", "example.com/try/nowhere")
	if status != 1 || !strings.Contains(stderr, "example.com/try/nowhere") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestWrongUsageHasStatus2(t *testing.T) {
	m := newModule(t)
	for _, args := range [][]string{{}, {"-type", "T"}, {"example.com/try/shapes"}, {"-table", "t.md", "-alias", "a.go", "example.com/try/shapes"}, {"-nonsense"}} {
		if status, _, stderr := m.run(args...); status != 2 || !strings.Contains(stderr, "usage: asyncgen") {
			t.Errorf("%q: status %d\n%s", args, status, stderr)
		}
	}
}
