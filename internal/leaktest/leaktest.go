// Package leaktest is the TestMain of every package here: after the tests no
// goroutine and no descriptor may be left.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests, of a [testing.M] as a rule, and then looks for goroutines and
// descriptors that they left behind. It gives them a few seconds to go, and does not
// return.
func Main(m interface{ Run() int }, ignore ...goleak.Option) {
	before := Descriptors()
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(ignore...); err != nil {
			fmt.Fprintln(os.Stderr, "leaktest: goroutines left behind:", err)
			code = 1
		}
		if left := settle(before); len(left) > 0 {
			fmt.Fprintln(os.Stderr, "leaktest: descriptors left behind:\n  "+strings.Join(left, "\n  "))
			code = 1
		}
	}
	os.Exit(code)
}

// settle waits for descriptors that were not there before to be closed, and
// returns those that stay. Descriptors owned by garbage go with a collection.
func settle(before map[string]string) []string {
	var left []string
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		runtime.GC()
		left = left[:0]
		for fd, target := range Descriptors() {
			if _, was := before[fd]; !was && !runtimeOwned(target) {
				left = append(left, fd+" -> "+target)
			}
		}
		sort.Strings(left)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// runtimeOwned recognises Go's own poller, which appears with the first
// connection and stays, and what the testing package keeps open.
func runtimeOwned(target string) bool {
	return target == "anon_inode:[eventpoll]" && runtimePollers() <= 1 ||
		target == "anon_inode:[eventfd]" && runtimePollers() <= 1 ||
		strings.HasPrefix(target, "/proc/")
}

// runtimePollers counts the epoll descriptors of the process; one is the
// runtime's own.
func runtimePollers() int {
	n := 0
	for _, target := range Descriptors() {
		if target == "anon_inode:[eventpoll]" {
			n++
		}
	}
	return n
}

// Descriptors lists the open descriptors of this process and what they refer
// to; it is empty on systems without /proc/self/fd.
func Descriptors() map[string]string {
	found := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return found
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			found[e.Name()] = target
		}
	}
	return found
}
