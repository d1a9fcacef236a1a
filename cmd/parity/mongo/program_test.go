package mongo

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

var bg = context.Background()

// program is a scenario that runs on one side.
type program struct {
	t *testing.T
	*side
	srv   *server
	admin *mongo.Client // the raw driver's, for what is no step
	names *names        // of what is another one on each side
	lacks string        // the error by which the server says that it cannot do this, or ""
	steps []step
	why   difference // the next step differs
	maybe bool       // or may differ
	err   error      // of the last step
}

// step is what one call did.
type step struct {
	call, outcome string
	failed        bool
	known         difference // why the sides differ, or ""
	mayBeEqual    bool
}

func (s step) text() string { return s.call + " = " + s.outcome }

// stop ends a program, on a server that cannot do what it needs.
type stop struct{}

// play runs the scenario.
func (p *program) play(run func(*program)) {
	p.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, stopped := r.(stop); !stopped {
				panic(r)
			}
		}
	}()
	run(p)
}

// need ends the program unless err is nil: with the test if the server should
// be able to do it.
func (p *program) need(what string, err error) {
	p.t.Helper()
	if err == nil {
		return
	}
	if p.lacks != "" {
		panic(stop{})
	}
	p.t.Fatalf("%s: %s: %v", p.side.name, what, err)
}

// do calls a method, and returns its results but the error, which is p.err.
func (p *program) do(x any, method string, args ...any) []any {
	p.t.Helper()
	return p.start(x, method, args...)()
}

// one is do for a method of one result.
func (p *program) one(x any, method string, args ...any) any {
	p.t.Helper()
	return p.do(x, method, args...)[0]
}

// must is one for what the next steps need.
func (p *program) must(x any, method string, args ...any) any {
	p.t.Helper()
	v := p.do(x, method, args...)
	p.need(method, p.err)
	if len(v) == 0 {
		return nil
	}
	return v[0]
}

// start calls a method on another goroutine. What is returned waits for the
// result, and makes it the next step.
func (p *program) start(x any, method string, args ...any) (wait func() []any) {
	p.t.Helper()
	f := reflect.ValueOf(x).MethodByName(method)
	if !f.IsValid() {
		p.t.Fatalf("%T has no method %s", x, method)
	}
	name := typeName(x) + "." + method
	heard := p.seen.Heard(name)
	var in []reflect.Value
	for i, arg := range args {
		in = append(in, argument(f.Type(), i, arg))
	}
	known, maybe := p.because()
	done := make(chan []reflect.Value, 1)
	go func() { done <- f.Call(in) }()
	return func() []any {
		p.t.Helper()
		out := p.wait(name, done)
		p.seen.Called(name, heard)
		var results []any
		var texts []string
		p.err = nil
		for i, r := range out {
			if f.Type().Out(i) == reflect.TypeFor[error]() {
				p.err, _ = r.Interface().(error)
				texts = append(texts, p.describe(p.err))
				continue
			}
			results = append(results, r.Interface())
			texts = append(texts, p.describeResult(name, r.Interface()))
		}
		p.steps = append(p.steps, step{
			call:    fmt.Sprintf("%s(%s)", name, p.describeAll(args)),
			outcome: strings.Join(texts, ", "), failed: p.err != nil, known: known, mayBeEqual: maybe,
		})
		return results
	}
}

// wait returns what a method does, which must not take for ever.
func (p *program) wait(name string, done <-chan []reflect.Value) []reflect.Value {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case out := <-done:
		return out
	case <-timer.C:
		stacks := make([]byte, 1<<20)
		p.t.Fatalf("%s: %s does not return\n%s", p.side.name, name, stacks[:runtime.Stack(stacks, true)])
		return nil
	}
}

// typeName is Client, Database, and so on, of both sides.
func typeName(x any) string {
	t := reflect.TypeOf(x)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// argument is arg as the i-th one of a function of type f.
func argument(f reflect.Type, i int, arg any) reflect.Value {
	t := f.In(min(i, f.NumIn()-1))
	if f.IsVariadic() && i >= f.NumIn()-1 {
		t = t.Elem()
	}
	if arg == nil {
		return reflect.Zero(t)
	}
	return reflect.ValueOf(arg)
}

// note makes something else a step.
func (p *program) note(what string, values ...any) {
	known, maybe := p.because()
	p.steps = append(p.steps, step{call: what, outcome: p.describeAll(values), known: known, mayBeEqual: maybe})
}

// because returns why the step at hand differs.
func (p *program) because() (why difference, maybe bool) {
	why, maybe = p.why, p.maybe
	p.why, p.maybe = "", false
	return why, maybe
}

// noteError makes an error a step.
func (p *program) noteError(what string, err error) {
	p.note(what, err)
	p.steps[len(p.steps)-1].failed = err != nil
	p.err = err
}

// differs says why the next step's outcome is another by callbacks.
func (p *program) differs(d difference) *program {
	p.why = d
	return p
}

// may is differs for a step that is the same at times.
func (p *program) may(d difference) *program {
	p.why, p.maybe = d, true
	return p
}

// coll is a collection of the scenario's database.
func (p *program) coll(name string, opts ...any) any {
	p.t.Helper()
	return p.must(p.db, "Collection", append([]any{name}, opts...)...)
}

// filled is a collection with n documents, {_id: 1, n: 0} and so on.
func (p *program) filled(name string, n int) any {
	p.t.Helper()
	docs := make([]any, n)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: int32(i + 1)}, {Key: "n", Value: int32(i)}, {Key: "even", Value: i%2 == 0}}
	}
	c := p.coll(name)
	p.must(c, "InsertMany", bg, docs)
	return c
}

// single asks a SingleResult, or a DistinctResult, for all that it has.
func (p *program) single(res any) {
	p.t.Helper()
	p.do(res, "Err")
	p.do(res, "Raw")
	if typeName(res) == "DistinctResult" {
		p.do(res, "Decode", new([]any))
		return
	}
	p.do(res, "Decode", new(bson.D))
}

// result is single for a method that returns one. p.err is the result's error.
func (p *program) result(x any, method string, args ...any) {
	p.t.Helper()
	res := p.one(x, method, args...)
	p.single(res)
	p.err = res.(interface{ Err() error }).Err()
}

// read reads a cursor to its end, step by step.
func (p *program) read(cur any) {
	p.t.Helper()
	for p.one(cur, "Next", bg) == true {
		p.current(cur)
		p.do(cur, "RemainingBatchLength")
		p.do(cur, "ID")
	}
	p.atEnd(cur)
}

// atEnd is what a cursor says at its end.
func (p *program) atEnd(cur any) {
	p.t.Helper()
	p.do(cur, "Err")
	p.do(cur, "ID")
	p.do(cur, "Next", bg)
	p.do(cur, "Close", bg)
	p.do(cur, "Close", bg)
}

// current is the document that a cursor is at.
func (p *program) current(cur any) {
	p.note("Current", reflect.ValueOf(cur).Elem().FieldByName("Current").Interface())
}

// found is what a query finds, all in one step.
func (p *program) found(c any, filter any, opts ...any) {
	p.t.Helper()
	cur := p.must(c, "Find", append([]any{bg, filter}, opts...)...)
	p.do(cur, "All", bg, new([]bson.D))
}

// all is what a collection holds.
func (p *program) all(c any) { p.t.Helper(); p.found(c, bson.D{}) }

// commands are what was sent to the server.
type commands struct {
	mu  sync.Mutex // guards the others
	all []string
	off map[string]bool // are left out
}

func (c *commands) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if command, _, _ := strings.Cut(name, " "); !c.off[command] {
		c.all = append(c.all, name)
	}
}

func newCommands() *commands { return &commands{off: map[string]bool{}} }

// ignore leaves a command out whose number is not the same each time.
func (c *commands) ignore(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		c.off[name] = true
	}
}

// take returns what was recorded, and forgets it.
func (c *commands) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// finish ends a program.
func (p *program) finish() {
	p.t.Helper()
	p.note("the commands", p.sent.take())
}

// canceling is a context that can be cancelled.
func (p *program) canceling() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(bg)
	p.t.Cleanup(cancel)
	return ctx, cancel
}

// timeout is a context with a deadline.
func (p *program) timeout(d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(bg, d)
	p.t.Cleanup(cancel)
	return ctx, cancel
}
