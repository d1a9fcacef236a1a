package main

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	good := []string{
		`{"Action":"start","Package":"m"}`,
		`{"Action":"run","Package":"m","Test":"TestA"}`,
		`{"Action":"run","Package":"m","Test":"TestA/x"}`,
		`{"Action":"output","Package":"m","Test":"TestA/x","Output":"native words\n"}`,
		`{"Action":"pass","Package":"m","Test":"TestA/x"}`,
		`{"Action":"pass","Package":"m","Test":"TestA"}`,
		`{"Action":"run","Package":"m","Test":"TestB"}`,
		`{"Action":"pass","Package":"m","Test":"TestB"}`,
		`{"Action":"run","Package":"m","Test":"TestC"}`,
		`{"Action":"skip","Package":"m","Test":"TestC"}`,
		`{"Action":"pass","Package":"m"}`,
	}
	for _, c := range []struct {
		name         string
		native, fake []string
		passed       int
		want         []string // findings, with what both sides printed
	}{
		{name: "alike", native: good, fake: good, passed: 3},
		{name: "nothing on either side"},
		{
			name: "a subtest fails, and its test and package with it", native: good, passed: 1,
			fake: replaced(good,
				`"pass","Package":"m","Test":"TestA`, `"fail","Package":"m","Test":"TestA`,
				`"pass","Package":"m"}`, `"fail","Package":"m"}`,
				`native words`, `fake words`),
			want: []string{"TestA/x: passes natively, fails over the fake socket", "< native words", "> fake words"},
		},
		{
			name: "a subtest fails its test, which says why", native: good, passed: 1,
			fake: append(replaced(good[:4], `native words`, `--- FAIL: TestA/x`),
				`{"Action":"fail","Package":"m","Test":"TestA/x"}`,
				`{"Action":"output","Package":"m","Test":"TestA","Output":"because\n"}`,
				`{"Action":"fail","Package":"m","Test":"TestA"}`,
				good[7], good[9],
				`{"Action":"fail","Package":"m"}`),
			want: []string{
				"TestA: passes natively, fails over the fake socket", "> because",
				"TestA/x: passes natively, fails over the fake socket", "< native words", "> --- FAIL: TestA/x",
			},
		},
		{
			name: "it fails natively only", fake: good, passed: 2,
			native: replaced(good, `"pass","Package":"m","Test":"TestB"`, `"fail","Package":"m","Test":"TestB"`),
			want:   []string{"TestB: fails natively, passes over the fake socket"},
		},
		{
			name: "a failure on both sides proves nothing", passed: 2,
			native: replaced(good, `"pass","Package":"m","Test":"TestB"`, `"fail","Package":"m","Test":"TestB"`),
			fake:   replaced(good, `"pass","Package":"m","Test":"TestB"`, `"fail","Package":"m","Test":"TestB"`),
			want:   []string{"TestB: fails on both sides"},
		},
		{
			name: "a test that skips itself", native: good, passed: 2,
			fake: replaced(good, `"pass","Package":"m","Test":"TestB"`, `"skip","Package":"m","Test":"TestB"`),
			want: []string{"TestB: passes natively, is skipped over the fake socket"},
		},
		{
			name: "tests that are missing", native: good, fake: good[10:],
			want: []string{
				"TestA: passes natively, does not run over the fake socket; the same with 2 more: TestA/x, TestB",
				"TestC: is skipped natively, does not run over the fake socket",
			},
		},
		{
			name: "a test that is there on one side only", native: good[:6], fake: good[:8], passed: 2,
			want: []string{
				"package: does not end on both sides",
				"TestB: does not run natively, passes over the fake socket",
			},
		},
		{
			name: "the fake side does not build", native: good,
			fake: []string{
				`{"ImportPath":"m [m.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}`,
				`{"ImportPath":"m [m.test]","Action":"build-fail"}`,
				`{"Action":"output","Package":"m","Output":"FAIL m [build failed]\n"}`,
				`{"Action":"fail","Package":"m","FailedBuild":"m [m.test]"}`,
			},
			want: []string{
				"package: passes natively, fails over the fake socket", "> a.go:1: undefined: x", "> FAIL m [build failed]",
				"TestA: passes natively, does not run over the fake socket; the same with 2 more: TestA/x, TestB",
				"TestC: is skipped natively, does not run over the fake socket",
			},
		},
		{
			name: "a panic or a timeout", native: good, passed: 1,
			fake: append(good[:5:5],
				`{"Action":"output","Package":"m","Test":"TestA","Output":"panic: test timed out\n"}`,
				`{"Action":"fail","Package":"m"}`),
			want: []string{
				"TestA: passes natively, does not end over the fake socket", "> panic: test timed out",
				"TestB: passes natively, does not run over the fake socket",
				"TestC: is skipped natively, does not run over the fake socket",
			},
		},
		{
			name: "a package that fails after its tests", native: good, passed: 3,
			fake: append(good[:10:10],
				`{"Action":"output","Package":"m","Output":"a goroutine is left\n"}`,
				`{"Action":"fail","Package":"m"}`),
			want: []string{"package: passes natively, fails over the fake socket", "> a goroutine is left"},
		},
		{
			name: "go test was killed in the middle of a line", native: good, passed: 1,
			fake: append(good[:5:5], `{"Action":"run","Package":"m","Te`),
			want: []string{
				"TestA: passes natively, does not end over the fake socket",
				"TestB: passes natively, does not run over the fake socket",
				"TestC: is skipped natively, does not run over the fake socket",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compare(read(t, c.native), read(t, c.fake), nil)
			if len(got.passed) != c.passed {
				t.Errorf("%d tests pass on both sides, want %d", len(got.passed), c.passed)
			}
			var lines []string
			for _, f := range got.findings {
				name := f.test.name
				if name == "" {
					name = "package"
				}
				lines = append(lines, name+": "+f.what)
				for _, l := range f.native {
					lines = append(lines, "< "+strings.TrimSpace(l))
				}
				for _, l := range f.fake {
					lines = append(lines, "> "+strings.TrimSpace(l))
				}
			}
			if got, want := strings.Join(lines, "\n"), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestOfHundredsOfMissingTestsTenAreNamed(t *testing.T) {
	var events []string
	for c := 'a'; c <= 'z'; c++ {
		events = append(events, `{"Action":"pass","Package":"m","Test":"Test`+string(c)+`"}`)
	}
	got := compare(read(t, events), read(t, nil), nil).findings
	if len(got) != 1 || !strings.Contains(got[0].what, "; the same with 25 more: Testb, ") || !strings.HasSuffix(got[0].what, ", Testk, …") {
		t.Errorf("got %+v", got)
	}
}

func TestLinesThatAreNoEventsAreKept(t *testing.T) {
	o := read(t, []string{"go: cannot find main module", `{"Action":"pass","Package":"m","Test":"TestA"}`, `{}`})
	if got := strings.Join(o.other, ""); got != "go: cannot find main module\n{}" {
		t.Errorf("kept %q", got)
	}
	if o.count(passed) != 1 {
		t.Errorf("%d tests passed, want 1", o.count(passed))
	}
}

func read(t *testing.T, events []string) *outcome {
	t.Helper()
	o, err := readOutcome(strings.NewReader(strings.Join(events, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// replaced returns the events with some texts changed.
func replaced(events []string, oldnew ...string) []string {
	text := strings.NewReplacer(oldnew...).Replace(strings.Join(events, "\n"))
	return strings.Split(text, "\n")
}

func TestWhatIsKnownToFailOnBothSidesIsCounted(t *testing.T) {
	events := []string{
		`{"Action":"fail","Package":"m","Test":"TestA/x"}`,
		`{"Action":"fail","Package":"m","Test":"TestA/y"}`,
		`{"Action":"fail","Package":"m","Test":"TestA"}`,
		`{"Action":"fail","Package":"m"}`,
	}
	known := []exception{{"TestA/[xz]", "no such thing"}}
	got := compare(read(t, events), read(t, events), known)
	if len(got.unserved) != 1 || len(got.unserved[0].tests) != 1 || got.unserved[0].tests[0].name != "TestA/x" {
		t.Errorf("known are %+v", got.unserved)
	}
	if len(got.findings) != 1 || got.findings[0].test.name != "TestA/y" {
		t.Errorf("found %+v", got.findings)
	}
	// One side alone is a difference, known or not.
	got = compare(read(t, events), read(t, replaced(events, `fail","Package":"m","Test":"TestA/x`, `pass","Package":"m","Test":"TestA/x`)), known)
	if len(got.findings) != 2 || got.findings[0].test.name != "TestA/x" {
		t.Errorf("found %+v", got.findings)
	}
}
